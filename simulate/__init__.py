"""What happens: explicit random networks. Imports only the spec modules of theory, no formula."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulate.gradient_result import GradientEstimate as GradientEstimate
    from simulate.joint_result import JointLengths as JointLengths
    from simulate.many_inputs import cosines as cosines
    from simulate.many_inputs import joint_lengths as joint_lengths
    from simulate.methods.direct import lengths as lengths
    from simulate.methods.gradients import GradientNorms as GradientNorms
    from simulate.methods.gradients import gradient_lengths as gradient_lengths
    from simulate.methods.gradients import jacobian_lengths as jacobian_lengths
    from simulate.result import Estimate as Estimate
    from simulate.result import Sampled as Sampled
    from simulate.simulation import simulate as simulate

_HOMES = {
    "Estimate": "simulate.result",
    "GradientEstimate": "simulate.gradient_result",
    "JointLengths": "simulate.joint_result",
    "GradientNorms": "simulate.methods.gradients",
    "Sampled": "simulate.result",
    "gradient_lengths": "simulate.methods.gradients",
    "cosines": "simulate.many_inputs",
    "joint_lengths": "simulate.many_inputs",
    "jacobian_lengths": "simulate.methods.gradients",
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
