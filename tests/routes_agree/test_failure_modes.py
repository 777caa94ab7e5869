"""FM1 and FM2: where the thresholds cut, which layer is worst, and what has no ratio."""

from __future__ import annotations

import pytest
from flint import fmpq

from theory import FullyConnected, SpecError, Thresholds, predict
from theory.bounded_failure_modes import bounded_failure_modes
from theory.failure_modes import failure_modes
from theory.values import Bounded

ONE = fmpq(1)


def judged(means, seconds=None, **limits):
    exact = [fmpq(*m) if isinstance(m, tuple) else fmpq(m) for m in means]
    squares = None if seconds is None else [fmpq(q) for q in seconds]
    return failure_modes(exact, squares, Thresholds(**limits))


@pytest.mark.parametrize(
    ("mean", "fails"), [((1, 10), False), ((99, 1000), True), (10, False), ((1001, 100), True)]
)
def test_the_ends_of_the_band_belong_to_it(mean, fails):
    assert judged([1, mean]).fm1.fails is fails


@pytest.mark.parametrize(("second", "fails"), [(10, False), (11, True)])
def test_the_spread_threshold_belongs_to_what_is_fine(second, fails):
    assert judged([1, 1], [1, second]).fm2.fails is fails


def test_the_worst_layer_of_a_shrinking_net_is_the_smallest():
    found = judged([1, (1, 2), (1, 4), (1, 3)]).fm1
    assert found.worst_layer == 2
    assert found.worst.number == fmpq(1, 4)


def test_the_worst_layer_may_lie_on_either_side():
    assert judged([1, 3, (1, 4), 2]).fm1.worst_layer == 2
    assert judged([1, 5, (1, 4), 2]).fm1.worst_layer == 1


def test_factors_are_ratios_of_neighbours():
    found = judged([2, 4, 1])
    assert [f.number for f in found.fm1.factors] == [2, fmpq(1, 4)]


def test_the_first_layer_outside_is_named():
    assert judged([1, 2, 20, 3]).fm1.first_layer == 2
    assert judged([1, 1, 1], [1, 11, 50]).fm2.first_layer == 1


def test_ratios_are_relative_to_the_input():
    assert judged([100, 150]).fm1.fails is False
    assert judged([100, 1]).fm1.fails is True


@pytest.mark.parametrize(
    ("means", "worst"),
    [([1, 1, 1], 1), ([1, 2, 2], 1), ([1, 2, (1, 2)], 1), ([1, (3, 2), (9, 10)], 1), ([1, 2, (3, 5)], 1),
     ([1, (9, 10), (3, 2)], 2), ([1, (1, 4), 3], 1), ([1, 3, (1, 4)], 2), ([1, 3, 2, 3, 4], 4)],
)  # fmt: skip
def test_the_worst_layer_is_the_first_of_those_furthest_from_one(means, worst):
    """Up and down by factors alike; the input is no layer."""
    assert judged(means).fm1.worst_layer == worst


def test_spreads_of_a_zero_input_begin_at_one():
    assert [f.number for f in judged([0, 1, 1], [0, 3, 6]).fm2.factors] == [3, 2]


def test_means_and_second_moments_are_of_as_many_layers():
    with pytest.raises(ValueError, match="longer"):
        judged([1, 1, 1], [1, 2])


def test_the_input_is_its_own_measure_and_never_judged():
    """Its length may be too long a fraction to be kept: a ball over itself touches a threshold of 1."""
    long = fmpq(3**2000, 2**2000)
    found = failure_modes([long, 2 * long], [long**2, 8 * long**2], Thresholds(1, 1, 1))
    assert (found.fm1.fails, found.fm1.first_layer) == (True, 1)
    assert (found.fm2.fails, found.fm2.first_layer) == (True, 1)


def test_zero_input_has_no_ratio_but_a_spread():
    found = predict(FullyConnected([2, 3, 4], input=[0, 0], bias_variance=1)).failure_modes
    assert found.fm1.fails is None
    assert found.fm2.fails is False


def test_infinite_kurtosis_has_no_spread():
    found = predict(FullyConnected([2, 3], weights="student_t:3"), 1).failure_modes
    assert found.fm1.fails is False
    assert found.fm2.fails is None


@pytest.mark.parametrize(
    "limits", [{"fm1_low": 0}, {"fm1_low": 2}, {"fm1_high": "1/2"}, {"fm2": "1/2"}, {"fm2": "nan"}]
)
def test_thresholds_must_make_sense(limits):
    with pytest.raises(SpecError):
        Thresholds(**limits)


# Moments between bounds: the same edges, and what stays undecided.


def between(*ends):
    return [Bounded(fmpq(*low) if isinstance(low, tuple) else fmpq(low), fmpq(high)) for low, high in ends]


def bounded(means, seconds=None):
    return bounded_failure_modes(between(*means), seconds and between(*seconds), Thresholds(), [])


@pytest.mark.parametrize(
    ("ends", "fails"),
    [
        *(((1, 10), False), (((1, 10), 10), False), (((1, 10), 11), None), (((99, 1000), 10), None)),
        *((((1, 20), (1, 10)), None), ((10, 20), None), ((11, 20), True), (((1, 100), (1, 11)), True)),
    ],
)
def test_bounds_decide_where_all_that_they_allow_agrees(ends, fails):
    """The band is [1/10, 10]: bounds that touch an end from outside decide nothing."""
    low, high = (fmpq(*end) if isinstance(end, tuple) else fmpq(end) for end in ends)
    found = bounded_failure_modes([Bounded(ONE, ONE), Bounded(low, high)], None, Thresholds(), []).fm1
    assert found.fails is fails
    assert found.first_layer == (1 if fails else None)


@pytest.mark.parametrize(("second", "fails"), [((1, 10), False), ((10, 11), None), ((11, 12), True)])
def test_bounds_on_the_spread_decide_likewise(second, fails):
    assert bounded([(1, 1), (1, 1)], [(1, 1), second]).fm2.fails is fails


def test_ratios_are_to_the_input_whichever_its_scale():
    """From M_0 = 4 to between 8 and 20: ratios 2 and 5. Times 4 in place of over 4 would be 32."""
    worst = bounded([(4, 4), (8, 20)]).fm1.worst
    assert (worst.lower, worst.upper) == (2, 5)
    spread = bounded([(1, 1), (2, 3)], [(1, 1), (18, 20)]).fm2.worst
    assert (spread.lower, spread.upper) == (2, 5)
    assert bounded([(1, 1), (2, 3)], [(1, 1), (4, 20)]).fm2.worst.lower == 1


def test_the_worst_layer_is_the_one_whose_bounds_allow_most():
    """Layers are compared from the second on; what may be 0 is as bad as can be."""
    assert bounded([(1, 1), (1, 2), (1, 4), (1, 3)]).fm1.worst_layer == 2
    assert bounded([(1, 1), (1, 5), (1, 4), (1, 4)]).fm1.worst_layer == 1
    assert bounded([(1, 1), (1, 5), (1, 5)]).fm1.worst_layer == 1
    assert bounded([(1, 1), ((1, 6), 1), (1, 5)]).fm1.worst_layer == 1
    assert bounded([(1, 1), (1, 5), (0, 1)]).fm1.worst_layer == 2


def test_without_a_length_there_is_nothing_to_judge():
    """No M_0, no ratio; an E M_j that may be 0, no spread."""
    assert bounded([(0, 0), (0, 0)]).fm1.fails is None
    assert bounded([(1, 1), (0, 1)], [(1, 1), (0, 1)]).fm2.fails is None
