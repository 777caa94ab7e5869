"""Small residual nets of a family that enumerate exactly: finite laws, and widths with rational scales."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice, product

from flint import fmpq

from proofs_check import residual_oracle
from proofs_check.oracle import OracleLimitError, enumerable
from proofs_check.residual_family import ResidualFamily
from proofs_check.stand_in import stand_in
from theory.laws import FiniteLaw, Law, as_law
from theory.reals import ExactReal, rational_root
from theory.residual import Residual

__all__ = ["enumerable_residuals"]

# Trunk, blocks, hidden layers of every branch.
_SMALL = (
    *((1, 1, 1), (2, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 2), (3, 1, 1), (1, 3, 1)),
    *((2, 2, 1), (1, 2, 2), (1, 2, 3)),
)
_PATTERNS = ((fmpq(1),), (fmpq(1, 2), fmpq(2)), (fmpq(2, 3), fmpq(0), fmpq(1)))
_FINITE = ("rademacher", "finite:-1:1/6,0:2/3,1:1/6", "finite:-3:1/16,-1:3/16,0:1/2,1:3/16,3:1/16")
_WIDEST = 8
_WIDEST_AMONG_OTHERS = 4
# Laws of more values enumerate on the smallest shapes alone.
_FEW_VALUES, _FEW_WEIGHTS = 3, 2


def enumerable_residuals(family: ResidualFamily, order: int) -> Iterator[Residual]:
    """Members with finite laws; for linear outputs stand-ins of the same moments up to 2 * order will do.

    A bent output has odd moments, which no stand-in keeps: there the laws themselves must be finite.
    """
    for number, ((width, blocks, layers), law) in enumerate(product(_SMALL, _laws(family, order))):
        if (
            isinstance(law, FiniteLaw)
            and len(law.points) > _FEW_VALUES
            and width * blocks * layers > _FEW_WEIGHTS
        ):
            continue
        pattern = _PATTERNS[number % len(_PATTERNS)]
        scales = family.scales(blocks) if family.scales else list(islice(cycle(pattern), blocks))
        hidden = [_hidden(family, width, eta, layers, law) for eta in scales]
        if None in hidden or not all(family.admits(width, blocks, h) for h in hidden if h):
            continue
        for values in _inputs(family, width):
            yield Residual(
                width,
                scales,
                [list(h) for h in hidden if h],
                branch_output=family.branch_output,
                weights=law,
                input=values,
            )


def _laws(family: ResidualFamily, order: int) -> list[Law]:
    if family.branch_output == "linear":
        return [stand_in(law, order) for law in family.representatives()]
    if family.weights is None:
        return [as_law(name) for name in _FINITE]
    return [law for law in family.weights if enumerable(law)]


def _hidden(
    family: ResidualFamily, width: int, eta: ExactReal, layers: int, law: Law
) -> tuple[int, ...] | None:
    """The narrowest hidden widths with which this block enumerates rationally, or None."""
    low, high = family.branch_widths
    widest = min(high, _WIDEST if width == layers == 1 else _WIDEST_AMONG_OTHERS)
    for hidden in sorted(product(range(low, widest + 1), repeat=layers), key=sum):
        net = Residual(width, [eta], list(hidden), branch_output=family.branch_output, weights=law)
        try:
            if rational_root(residual_oracle.scale_squared(net.blocks[0])) is not None:
                return hidden
        except OracleLimitError:
            return None
    return None


def _inputs(family: ResidualFamily, width: int) -> list[list[fmpq] | None]:
    if not family.any_input:
        return [None]
    signed = [fmpq((-1) ** (i + 1) * (i + 1), 2) for i in range(width)]
    return [None, signed]
