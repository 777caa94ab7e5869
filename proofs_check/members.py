"""Small members of a family that enumerate exactly, by the kind of network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from flint import fmpq

from proofs_check import oracle
from proofs_check.family import Family, ResidualFamily
from proofs_check.fully_connected_family import FullyConnectedFamily
from proofs_check.residual_members import enumerable_residuals
from proofs_check.stand_in import stand_in
from theory.laws import as_law
from theory.network import FullyConnected
from theory.spec import Network

__all__ = ["enumerable_members", "small_members"]

_WIDEST_WITH_BIAS = 6
_SMALL = (
    *((1, 1), (1, 2), (2, 1), (2, 2), (5, 1), (6, 2)),
    *((1, 1, 1), (1, 2, 1), (1, 1, 2), (2, 1, 2), (2, 2, 1), (1, 1, 2, 1)),
)
_WIDE = ((1, 300), (1, 24, 1))


def small_members(family: Family, order: int, *, also_wide: bool = False) -> Iterator[Network]:
    """Members of any kind, with finite laws that serve moments of lengths up to this order."""
    if isinstance(family, ResidualFamily):
        yield from enumerable_residuals(family, order)
    else:
        yield from enumerable_members(family, order, also_wide=also_wide)


def enumerable_members(
    family: FullyConnectedFamily, order: int, *, also_wide: bool = False
) -> Iterator[FullyConnected]:
    """Small members with finite laws of the same moments, and biases that enumerate rationally."""
    shapes = (*_SMALL, *_WIDE) if also_wide else _SMALL
    for widths, law in product(shapes, family.representatives()):
        if not family.admits(widths):
            continue
        inputs: list[list[fmpq] | None] = [None]
        if family.any_input and widths[0] == 2:
            inputs.append([fmpq(1, 2), fmpq(-2)])
        for values in inputs:
            finite = stand_in(law, order)
            plain = FullyConnected(
                widths,
                weights=finite,
                variance_gain=family.variance_gain,
                activation=family.activation,
                input=values,
            )
            yield plain
            if family.has_bias and max(widths) <= _WIDEST_WITH_BIAS:
                yield _with_biases(plain, order, family)


def _with_biases(network: FullyConnected, order: int, family: FullyConnectedFamily) -> FullyConnected:
    unscaled = network.replaced(bias_weights=stand_in(family.bias or as_law("rademacher"), order))
    return unscaled.replaced(bias_variance=oracle.rational_bias_variances(unscaled, fmpq(1)))
