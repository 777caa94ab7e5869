"""The family of networks that a statement speaks of, set by --where and nothing else."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from proofs_check import fully_connected_family, residual_family
from proofs_check.family_options import allowed, pairs
from proofs_check.fully_connected_family import FullyConnectedFamily
from proofs_check.residual_family import ResidualFamily
from theory.errors import unknown_name

__all__ = ["Family", "FullyConnectedFamily", "ResidualFamily", "parse_family"]

Family: TypeAlias = "FullyConnectedFamily | ResidualFamily"

_OPTIONS = {"fully_connected": fully_connected_family.OPTIONS, "residual": residual_family.OPTIONS}


@lru_cache(maxsize=256)
def parse_family(where: str) -> Family:
    """Read the text of --where, such as ``weights=normal,uniform; widths=1..64; bias=any``.

    >>> parse_family("weights=normal; depth=2..30").depth
    (2, 30)
    >>> parse_family("network=residual; branch_output=linear; scales=1/sqrt(L)").branch_output
    'linear'
    """
    given = pairs(where)
    kind = given.pop("network", "fully_connected")
    if kind not in _OPTIONS:
        raise unknown_name("network of a family", kind, _OPTIONS)
    known = [name for options in _OPTIONS.values() for name in options]
    allowed(given, _OPTIONS[kind], known, kind.replace("_", " "))
    if kind == "residual":
        return residual_family.residual_family(given)
    return fully_connected_family.fully_connected_family(given)
