"""FM1 and FM2 at initialisation: does the mean length leave its band, does the spread explode.

FM1: some E M_j / M_0 lies outside a band around 1. FM2: E M_j^2 / (E M_j)^2 exceeds a threshold
(THEORY.md section 1; the thresholds are ours, printed with every verdict).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import fmpq

from theory.errors import SpecError
from theory.rationals import RationalLike, rational
from theory.reals import Number
from theory.values import Bounded, Enclosed, Exact, as_value, shortened

__all__ = ["UNKNOWN", "FailureMode", "FailureModes", "Thresholds", "UndecidedError", "failure_modes"]


@dataclass(frozen=True, init=False)
class Thresholds:
    """When a ratio counts as a failure."""

    fm1_low: fmpq
    fm1_high: fmpq
    fm2: fmpq

    def __init__(
        self, fm1_low: RationalLike = "1/10", fm1_high: RationalLike = 10, fm2: RationalLike = 10
    ) -> None:
        low, high = rational(fm1_low, "the FM1 band's lower end"), rational(fm1_high, "its upper end")
        spread = rational(fm2, "the FM2 threshold")
        if not 0 < low <= 1 <= high or spread < 1:
            raise SpecError("thresholds need 0 < fm1 low <= 1 <= fm1 high and fm2 >= 1")
        object.__setattr__(self, "fm1_low", low)
        object.__setattr__(self, "fm1_high", high)
        object.__setattr__(self, "fm2", spread)


@dataclass(frozen=True)
class FailureMode:
    """One failure mode: whether it happens, where first, and the figures.

    `fails` and `worst` are None where the ratio does not exist (M_0 = 0, or an infinite moment);
    `factors` are the ratio's growth per layer, layer 1 first. Where moments are known between bounds,
    `fails` is None also when these do not decide, and `first_layer` is the first that fails for certain.
    """

    fails: bool | None
    first_layer: int | None
    worst: Exact | Enclosed | Bounded | None
    worst_layer: int | None
    factors: tuple[Exact | Enclosed | Bounded, ...]

    def to_dict(self, *, exact_digits: int | None) -> dict[str, Any]:
        """JSON form."""
        worst = None if self.worst is None else self.worst.to_dict(exact_digits=exact_digits)
        return {
            "fails": self.fails,
            "first_layer": self.first_layer,
            "worst_ratio": worst,
            "worst_layer": self.worst_layer,
            "factors": [f.to_dict(exact_digits=exact_digits) for f in self.factors],
        }


@dataclass(frozen=True)
class FailureModes:
    """Both failure modes with the thresholds they were judged by."""

    fm1: FailureMode
    fm2: FailureMode
    thresholds: Thresholds

    def to_dict(self, *, exact_digits: int | None) -> dict[str, Any]:
        """JSON form."""
        limits = self.thresholds
        return {
            "fm1": {"low": str(limits.fm1_low), "high": str(limits.fm1_high)}
            | self.fm1.to_dict(exact_digits=exact_digits),
            "fm2": {"threshold": str(limits.fm2)} | self.fm2.to_dict(exact_digits=exact_digits),
        }


_LONGEST_BITS = 2_000
UNKNOWN = FailureMode(None, None, None, None, ())


def failure_modes(
    means: Sequence[Number], second_moments: Sequence[Number] | None, thresholds: Thresholds
) -> FailureModes:
    """Judge a net from E M_j and E M_j^2 for j = 0, ..., d.

    >>> judged = failure_modes([fmpq(1), fmpq(1, 6), fmpq(1, 36)], None, Thresholds())
    >>> judged.fm1.fails, judged.fm1.first_layer
    (True, 2)
    """
    limits = thresholds
    fm1 = fm2 = UNKNOWN
    lengths = [_short(mean) for mean in means]
    if means[0] != 0:
        ratios = [_short(mean / lengths[0]) for mean in lengths]
        fm1 = _judged(ratios, lambda r: _above(limits.fm1_low, r) or _above(r, limits.fm1_high), _distance)
    if second_moments is not None and all(mean > 0 for mean in lengths[1:]):
        pairs = zip((_short(q) for q in second_moments), lengths, strict=True)
        spreads = [q / mean**2 if mean != 0 else fmpq(1) for q, mean in pairs]
        fm2 = _judged(spreads, lambda r: _above(r, limits.fm2), lambda r: r)
    return FailureModes(fm1, fm2, limits)


class UndecidedError(ArithmeticError):
    """A ball touches a threshold: more precision is needed to say on which side it lies."""


def _above(left: Number, right: Number) -> bool:
    """left > right, only when certain."""
    if left > right:
        return True
    if left <= right:
        return False
    raise UndecidedError


def _short(number: Number) -> Number:
    """Long fractions become balls: ratios and factors are read by people, not computed on."""
    return shortened(number, _LONGEST_BITS)


def _distance(ratio: Number) -> Number:
    """How far a positive ratio is from 1, up or down."""
    return ratio if ratio > 1 else 1 / ratio


def _judged(
    ratios: Sequence[Number], outside: Callable[[Number], bool], badness: Callable[[Number], Number]
) -> FailureMode:
    first = next((j for j, r in enumerate(ratios) if j > 0 and outside(r)), None)
    worst = max(range(1, len(ratios)), key=lambda j: badness(ratios[j]))
    factors = (as_value(b / a) for a, b in pairwise(ratios))
    return FailureMode(first is not None, first, as_value(ratios[worst]), worst, tuple(factors))
