"""Failure modes of moments that are known between bounds: certain, surely not, or not decided."""

from __future__ import annotations

import pytest
from flint import arb, fmpq

from theory.bounded_failure_modes import bounded_failure_modes
from theory.failure_modes import UNKNOWN, Thresholds
from theory.values import Bounded

LIMITS = Thresholds("1/4", 4, 3)


def between(low, high=None) -> Bounded:
    return Bounded(fmpq(low), fmpq(low if high is None else high))


def fm1(*means, factors=()):
    return bounded_failure_modes([between(*m) for m in means], None, LIMITS, factors).fm1


def fm2(*pairs):
    """From pairs of bounds on E M^2, of means known to be 1."""
    ones = [between(1)] * len(pairs)
    return bounded_failure_modes(ones, [between(*q) for q in pairs], LIMITS, ()).fm2


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        ((1, 4), False),
        ((fmpq(1, 4), 4), False),
        ((1, fmpq(17, 4)), None),
        ((fmpq(1, 5), 1), None),
        ((4, 5), None),
        ((fmpq(1, 5), fmpq(1, 4)), None),
        ((fmpq(17, 4), 5), True),
        ((fmpq(1, 6), fmpq(1, 5)), True),
        ((fmpq(1, 5), 5), None),
    ],
)
def test_the_band_holds_its_ends(mean, verdict):
    """1/4 and 4 are inside, whatever the input's own length: 2 here."""
    doubled = tuple(2 * fmpq(end) for end in mean)
    found = fm1((2,), doubled)
    assert found.fails is verdict
    assert found.first_layer == (1 if verdict else None)
    assert (found.worst.lower, found.worst.upper, found.worst_layer) == (*mean, 1)


@pytest.mark.parametrize(
    ("means", "worst"),
    [
        ([(1, 2), (1, 3), (2, 3)], 2),
        ([(1, 3), (fmpq(1, 4), 1), (1, 2)], 2),
        ([(1, 3), (1, 2), (fmpq(1, 2), 2)], 1),
        ([(1, 2), (1, 2), (fmpq(2, 7), 3)], 3),
        ([(1, 2), (0, 1), (fmpq(1, 5), 6)], 2),
        ([(0, 1), (1, 2), (1, 9)], 1),
    ],
)
def test_the_worst_layer_may_be_farthest_from_one(means, worst):
    """Up or down: upper end against the reciprocal of the lower one, of which 0 has none. Ties: the first."""
    assert fm1((1,), *means).worst_layer == worst


def test_the_first_layer_that_fails_for_certain_is_named():
    found = fm1((1,), (1, 9), (5, 6), (5, 7))
    assert (found.fails, found.first_layer, found.worst_layer) == (True, 2, 1)


def test_factors_are_handed_on():
    factors = [between(1, 2), between(2, 3)]
    assert fm1((1,), (1, 2), factors=factors).factors == tuple(factors)
    assert fm2((1,), (2,)).factors == ()


def test_ratios_are_taken_to_the_input_of_which_zero_has_none():
    assert fm1((0,), (0,)) == UNKNOWN
    assert (fm1((8,), (2, 4)).worst.lower, fm1((8,), (2, 4)).worst.upper) == (fmpq(1, 4), fmpq(1, 2))


@pytest.mark.parametrize(
    ("second", "verdict"),
    [((1, 2), False), ((1, 3), False), ((1, fmpq(7, 2)), None), ((3, 4), None), ((fmpq(10, 3), 4), True)],
)
def test_spreads_may_reach_their_threshold(second, verdict):
    assert fm2((1,), second).fails is verdict


def test_spreads_are_quotients_of_bounds_and_at_least_one():
    """q in [3, 8], mean in [1, 2]: q/mean^2 in [3/4, 8], and 1 below by Jensen's inequality."""
    means, seconds = [between(1), between(1, 2)], [between(1), between(3, 8)]
    worst = bounded_failure_modes(means, seconds, LIMITS, ()).fm2.worst
    assert (worst.lower, worst.upper) == (1, 8)
    means, seconds = [between(1), between(1, 2)], [between(1), between(12, 20)]
    worst = bounded_failure_modes(means, seconds, LIMITS, ()).fm2.worst
    assert (worst.lower, worst.upper) == (3, 20)


def test_the_input_is_not_judged():
    """Its spread is no fault of the initialisation."""
    found = fm2((100,), (2,), (3,))
    assert (found.fails, found.first_layer, found.worst_layer) == (False, None, 2)


def test_the_largest_spread_is_the_worst():
    assert [fm2((1,), *q).worst_layer for q in ([(1, 2), (2, 3)], [(1, 3), (2, 3)])] == [2, 1]


@pytest.mark.parametrize("means", [[(0,), (0,)], [(1,), (0, 1)]])
def test_means_that_may_be_zero_have_no_spread(means):
    bounds = [between(*m) for m in means]
    assert bounded_failure_modes(bounds, bounds, LIMITS, ()).fm2 == UNKNOWN


def test_balls_that_touch_a_threshold_decide_nothing():
    ball = arb(4, 1e-9)
    found = bounded_failure_modes([between(1), Bounded(ball, ball)], None, LIMITS, ()).fm1
    assert (found.fails, found.first_layer) == (None, None)


def test_thresholds_are_handed_on_and_moments_may_be_missing():
    found = bounded_failure_modes([between(1), between(1)], None, LIMITS, ())
    assert (found.thresholds, found.fm2) == (LIMITS, UNKNOWN)
