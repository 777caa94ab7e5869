"""FM1 and FM2: where the thresholds cut, which layer is worst, and what has no ratio."""

from __future__ import annotations

import pytest
from flint import fmpq

from theory import FullyConnected, SpecError, Thresholds, predict
from theory.failure_modes import failure_modes

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
