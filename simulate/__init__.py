"""What happens: explicit random networks. Imports only the spec modules of theory, no formula."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulate.methods.direct import lengths as lengths
    from simulate.result import Estimate as Estimate
    from simulate.result import Sampled as Sampled
    from simulate.simulation import simulate as simulate

_HOMES = {
    "Estimate": "simulate.result",
    "Sampled": "simulate.result",
    "lengths": "simulate.methods.direct",
    "simulate": "simulate.simulation",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'simulate' has no public name {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
