"""FM2 where E M_j^2 is known between bounds only: certain, surely not, or undecided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flint import fmpq

from theory.between import Between
from theory.failure_modes import FailureMode, FailureModes, Thresholds, UndecidedError, failure_modes
from theory.reals import Number
from theory.values import Bounded

__all__ = ["failure_modes_between"]


def failure_modes_between(
    means: Sequence[Number], second_moments: Sequence[Between] | None, thresholds: Thresholds
) -> FailureModes:
    """Judge a net from E M_j and bounds on E M_j^2, j = 0, ..., d.

    FM2 fails when a lower bound of E M_j^2/(E M_j)^2 is above the threshold, does not when all
    upper bounds are at most that, and is None otherwise. The first layer is the first that fails
    for certain, the worst the one whose bounds allow the largest ratio.

    >>> known, wide = Between.known(fmpq(1)), Between.of(fmpq(2), fmpq(12))
    >>> judged = failure_modes_between([fmpq(1)] * 2, [known, wide], Thresholds()).fm2
    >>> judged.fails, judged.worst
    (None, Bounded(lower=2, upper=12))
    """
    if second_moments is not None and all(q.is_known for q in second_moments):
        return failure_modes(means, [q.lower for q in second_moments], thresholds)
    judged = failure_modes(means, None, thresholds)
    if second_moments is None or not all(mean > 0 for mean in means):
        return judged
    ratios = [q.times(1 / mean**2) for q, mean in zip(second_moments, means, strict=True)]
    return replace(judged, fm2=_spread(ratios, thresholds.fm2))


def _spread(ratios: Sequence[Between], limit: fmpq) -> FailureMode:
    certain = [j for j, ratio in enumerate(ratios) if j > 0 and _above(ratio.lower, limit)]
    possible = any(_above(ratio.upper, limit) for ratio in ratios[1:])
    worst = 1
    for j in range(2, len(ratios)):
        if ratios[j].upper > ratios[worst].upper:
            worst = j
    return FailureMode(
        fails=True if certain else None if possible else False,
        first_layer=certain[0] if certain else None,
        worst=Bounded(ratios[worst].lower, ratios[worst].upper),
        worst_layer=worst,
        factors=(),
    )


def _above(ratio: Number, limit: fmpq) -> bool:
    if ratio > limit:
        return True
    if ratio <= limit:
        return False
    raise UndecidedError
