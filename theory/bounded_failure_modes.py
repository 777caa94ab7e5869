"""FM1 and FM2 where moments are known between bounds: certain, surely not, or not decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flint import arb, fmpq

from theory.failure_modes import UNKNOWN, FailureMode, FailureModes, Thresholds
from theory.reals import Number
from theory.values import Bounded, larger, shortened

__all__ = ["bounded_failure_modes"]

_LONGEST_BITS = 2_000


def bounded_failure_modes(
    means: Sequence[Bounded],
    second_moments: Sequence[Bounded] | None,
    thresholds: Thresholds,
    factors: Sequence[Bounded],
) -> FailureModes:
    """Judge a net from bounds on E M_j and E M_j^2, j = 0, ..., d; `factors` bound E M_j / E M_{j-1}.

    The worst layer is the one whose bounds allow the worst ratio.

    >>> means = [Bounded(fmpq(1), fmpq(1)), Bounded(fmpq(5), fmpq(11)), Bounded(fmpq(20), fmpq(30))]
    >>> judged = bounded_failure_modes(means, None, Thresholds(), [])
    >>> judged.fm1.fails, judged.fm1.first_layer
    (True, 2)
    >>> bounded_failure_modes(means[:2], None, Thresholds(), []).fm1.fails is None
    True
    """
    fm1 = fm2 = UNKNOWN
    first = means[0].upper
    if first > 0:
        ratios = [Bounded(_short(mean.lower / first), _short(mean.upper / first)) for mean in means]
        low, high = thresholds.fm1_low, thresholds.fm1_high
        fm1 = _judged(
            ratios,
            lambda r: bool(r.upper < low) or bool(r.lower > high),
            lambda r: bool(r.lower >= low) and bool(r.upper <= high),
            _distance,
            factors,
        )
    if second_moments is not None and all(mean.lower > 0 for mean in means):
        limit = thresholds.fm2
        fm2 = _judged(
            [_spread(q, mean) for q, mean in zip(second_moments, means, strict=True)],
            lambda r: bool(r.lower > limit),
            lambda r: bool(r.upper <= limit),
            lambda r: r.upper,
            (),
        )
    return FailureModes(fm1, fm2, thresholds)


def _spread(second: Bounded, mean: Bounded) -> Bounded:
    """Bounds on E M^2 / (E M)^2, which Jensen's inequality keeps at 1 at least."""
    low = larger(second.lower / mean.upper**2, fmpq(1))
    return Bounded(_short(low), _short(second.upper / mean.lower**2))


def _distance(ratio: Bounded) -> Number:
    """How far from 1 the ratio may be, up or down."""
    return larger(ratio.upper, 1 / ratio.lower) if ratio.lower > 0 else arb.pos_inf()


def _judged(
    ratios: Sequence[Bounded],
    outside: Callable[[Bounded], bool],
    inside: Callable[[Bounded], bool],
    badness: Callable[[Bounded], Number],
    factors: Sequence[Bounded],
) -> FailureMode:
    first = next((j for j, r in enumerate(ratios) if j > 0 and outside(r)), None)
    worst = 1
    for j in range(2, len(ratios)):
        if badness(ratios[j]) > badness(ratios[worst]):
            worst = j
    fails = True if first is not None else (False if all(map(inside, ratios[1:])) else None)
    return FailureMode(fails, first, ratios[worst], worst, tuple(factors))


def _short(number: Number) -> Number:
    return shortened(number, _LONGEST_BITS)
