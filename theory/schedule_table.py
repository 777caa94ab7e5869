"""Which schedules of scales keep a residual net's mean length bounded, in numbers (THEORY.md section 5).

The criteria are sum eta^2 < infinity for a linear branch output and sum (c eta + eta^2) < infinity for one
that is bent. So 1/sqrt(L) is safe for the first, where E M_L -> e M_0, and fatal for the second;
1/L and geometric scales are safe for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import ctx

from theory.readings.residual import length_moments
from theory.residual import BRANCH_OUTPUTS, Residual
from theory.residual_bounds import pair_bounds
from theory.schedules import schedule
from theory.values import EXACT_DIGITS, Bounded, Enclosed, Exact, as_value

__all__ = ["ScheduleRow", "compared_schedules"]

_PRECISION = 192
_LONGEST_BITS = 2_000
_SCHEDULES = ("1/L", "1/sqrt(L)", "geometric:1/2")
_BLOCKS = (10, 100, 1_000, 10_000)


@dataclass(frozen=True)
class ScheduleRow:
    """E M_L of one net whose input has M_0 = 1: a number for linear branch output, else bounds."""

    schedule: str
    branch_output: str
    blocks: int
    mean: Exact | Enclosed | Bounded

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """JSON form."""
        row = {"schedule": self.schedule, "branch_output": self.branch_output, "blocks": self.blocks}
        return row | {"mean": self.mean.to_dict(exact_digits=exact_digits)}


def compared_schedules(
    width: int = 100,
    branch_width: int = 100,
    *,
    blocks: Sequence[int] = _BLOCKS,
    schedules: Sequence[str] = _SCHEDULES,
) -> list[ScheduleRow]:
    """E M_L, or its bounds, for every schedule, branch output and number of blocks; normal weights.

    >>> bent, linear = compared_schedules(blocks=[100], schedules=["1/sqrt(L)"])
    >>> bool(bent.mean.lower > 59_000), round(float(linear.mean), 4)          # e is 2.7183
    (True, 2.7048)
    """
    with ctx.workprec(_PRECISION):
        return [
            ScheduleRow(
                name,
                output,
                count,
                _mean(Residual(width, schedule(name, count), [branch_width], branch_output=output)),
            )
            for name in schedules
            for output in BRANCH_OUTPUTS
            for count in blocks
        ]


def _mean(network: Residual) -> Exact | Enclosed | Bounded:
    if network.branch_output == "relu":
        return pair_bounds(network)[-1]
    (mean,) = length_moments(network, 1, longest_bits=_LONGEST_BITS)[-1]
    return as_value(mean)
