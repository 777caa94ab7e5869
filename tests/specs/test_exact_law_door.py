"""What the exact law and its questions accept and refuse: both sides of every limit, and the words."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from refusals import refusal

from theory.data_sets import (
    checked_size,
    expected_above,
    expected_below,
    expected_dead,
    fall_limit,
    growth_limit,
    ratio_law,
)
from theory.errors import SpecError
from theory.exact_law import length_law
from theory.exact_law_door import (
    MAX_WIDTH,
    absolute_error_of,
    checked_layers,
    checked_whole,
    points_of,
    probabilities_of,
)
from theory.extremes import largest_length, smallest_length
from theory.length_distribution import LengthLaw
from theory.network import FullyConnected

NET = FullyConnected([3, 4, 5])


@pytest.fixture(scope="module")
def law():
    return length_law(NET)


# Networks and layers.


def test_layers_up_to_the_one_asked_for():
    assert checked_layers(NET, None) == NET.layers
    assert checked_layers(NET, 1) == NET.layers[:1]
    assert checked_layers(NET, 2) == NET.layers
    for layer in (0, 3, True, 1.0, "1"):
        assert "the layer must be a whole number from 1 to 2" in refusal(checked_layers, NET, layer)


def test_the_greatest_width_is_served_and_named():
    assert MAX_WIDTH == 10**5
    assert len(checked_layers(FullyConnected([2, 10**5]), None)) == 1
    words = refusal(checked_layers, FullyConnected([2, 3, 10**5 + 1]), None)
    assert words.startswith("layer 2 has width 100,001; the exact law works to width 100,000; predict")


@pytest.mark.parametrize("variance", [1, "1/2"])
def test_biases_of_any_variance_are_refused(variance):
    assert "has a bias" in refusal(checked_layers, FullyConnected([2, 3], bias_variance=variance), None)


@pytest.mark.parametrize("value", [1, np.int64(3), 7])
def test_whole_numbers_of_any_type(value):
    found = checked_whole(value, "x", 1, 7)
    assert (found, type(found)) == (int(value), int)


@pytest.mark.parametrize("value", [0, 8, True, False, 3.0, "3", None, fmpq(3)])
def test_what_is_no_whole_number_from_1_to_7(value):
    assert refusal(checked_whole, value, "x", 1, 7).startswith("x must be a whole number from 1 to 7, not ")


def test_limits_are_shown_with_commas():
    assert "from 1,000 to 2,000, not 5" in refusal(checked_whole, 5, "x", 1000, 2000)


# Errors, points, probabilities.


@pytest.mark.parametrize("value", [1e-13, 1e-12, 1e-2])
def test_absolute_errors_between_the_limits(value):
    assert absolute_error_of(value) == value
    assert length_law(FullyConnected([2, 3]), absolute_error=value).absolute_error == value


@pytest.mark.parametrize("value", [0.9e-13, 0, -1e-10, 1.1e-2, 1, math.nan, math.inf])
def test_absolute_errors_beyond_the_limits(value):
    assert "the absolute error must be from 1e-13 to 0.01, not" in refusal(absolute_error_of, value)


@pytest.mark.parametrize("value", [True, "1e-10", None, [1e-10]])
def test_absolute_errors_that_are_no_numbers(value):
    assert "the absolute error must be a number such as 1e-10, not" in refusal(absolute_error_of, value)


def test_an_error_that_is_just_met_is_accepted(monkeypatch):
    monkeypatch.setattr(LengthLaw, "reported_error", 1e-10)
    assert length_law(NET).absolute_error == 1e-10
    monkeypatch.setattr(LengthLaw, "reported_error", 1.01e-10)
    assert "to 1.0e-10, not to 1e-10; set absolute_error=1e-09" in refusal(length_law, NET)


@pytest.mark.parametrize("bad", [{}, "many", [1, "x"], [[1], [1, 2]]])
def test_points_are_numbers(bad):
    assert refusal(points_of, bad, "the points").startswith("the points must be numbers, not ")
    assert refusal(points_of, bad) == refusal(points_of, bad, "the points")


def test_probabilities_from_0_to_1():
    assert probabilities_of([0, 0.5, 1]).tolist() == [0, 0.5, 1]
    assert probabilities_of(0).shape == ()
    for bad, shown in (([0.5, -0.25, math.nan], "-0.25"), (1.5, "1.5"), ([[math.nan, 3]], "not a number")):
        words = "a probability must be from 0 to 1, and one of them is "
        assert refusal(probabilities_of, bad) == words + shown


# Laws.


def test_laws_are_relative_to_the_input_unless_they_are_not():
    """The input (1, 2, 3) has M_0 = 14/3."""
    net = NET.replaced(input=[1, 2, 3])
    assert length_law(net).start == 1
    assert length_law(net).absolute_error == 1e-10
    own = length_law(net, relative_to_input=False)
    assert own.start == fmpq(14, 3)
    assert own.mean() == pytest.approx(14 / 3)
    x = np.array([0.1, 1.0, 5.0])
    assert own.cdf(x * 14 / 3) == pytest.approx(length_law(net).cdf(x), rel=1e-12)
    assert "the input is zero" in refusal(length_law, NET.replaced(input=[0, 0, 0]), relative_to_input=False)
    assert length_law(NET.replaced(input=[0, 0, 0])).start == 1


def test_laws_are_asked_at_logarithms_of_lengths():
    """Twice the critical gain, M_0 = 14/3: tails without the atom, and the density of the logarithm."""
    law = length_law(NET.replaced(input=[1, 2, 3], variance_gain=4), relative_to_input=False)
    logs = np.array([-1.0, 2.0, 4.0])
    served, x = law.at_logs(logs), np.exp(logs)
    assert np.exp(served.log_lower) == pytest.approx(law.cdf(x) - float(law.zero), rel=1e-12)
    assert np.exp(served.log_upper) == pytest.approx(law.sf(x), rel=1e-12)
    assert np.exp(served.log_density) == pytest.approx(law.pdf(x) * x, rel=1e-12)


def test_laws_are_shown_without_their_layers():
    assert repr(length_law(NET)) == f"LengthLaw(start={fmpq(1)!r}, absolute_error=1e-10)"


# Data sets.


def test_sizes_of_data_sets():
    assert [checked_size(size) for size in (1, 10**15)] == [1, 10**15]
    for size in (0, 10**15 + 1):
        words = "the size of a data set must be a whole number from 1 to 1,000,000,000,000,000, not"
        assert words in refusal(checked_size, size)


def test_expected_numbers_are_multiples_of_probabilities(law):
    assert float(expected_above(NET, 40, 0.7)) == 40 * float(law.sf(0.7))
    assert float(expected_below(law, 40, 0.7)) == 40 * float(law.cdf(0.7))
    assert expected_dead(NET, 40).number == 40 * (1 - fmpq(15, 16) * fmpq(31, 32))
    assert expected_above(NET, 40, [0.0, 1.0]).shape == (2,)


def test_limits_are_quantiles_of_a_share(law):
    """One of N unless another number is asked for; all of them, or more, are reached at the ends."""
    assert growth_limit(law, 50) == float(law.isf(1 / 50))
    assert fall_limit(law, 50) == float(law.ppf(1 / 50))
    assert growth_limit(law, 50, expected=4) == float(law.isf(4 / 50))
    assert fall_limit(law, 50, expected=0.5) == float(law.ppf(0.5 / 50))
    for expected in (50, 50.0, 51, 1e9):
        assert (growth_limit(law, 50, expected=expected), fall_limit(law, 50, expected=expected)) == (
            0,
            math.inf,
        )


@pytest.mark.parametrize("expected", [0, -0.5, math.nan, True, "1", None])
def test_expected_numbers_that_are_none(law, expected):
    for question in (growth_limit, fall_limit):
        words = refusal(question, law, 10, expected=expected)
        assert words.startswith("the expected number must be a positive number such as 1, not ")


def test_thresholds_are_ratios(law):
    assert expected_above(law, 10, [0.0, 0.5]).tolist() == (10 * law.sf([0.0, 0.5])).tolist()
    for bad, shown in (([0.25, -0.5, math.nan], "-0.5"), (-2, "-2"), ([1, math.nan, -3], "not a number")):
        words = refusal(expected_above, law, 10, bad)
        assert words.endswith(f"at least 0, and one of them is {shown}")
    assert refusal(expected_below, law, 10, "x").startswith("thresholds must be numbers")


def test_laws_of_lengths_are_taken_as_ratios():
    law = length_law(NET.replaced(input=[1, 2, 3]), relative_to_input=False)
    assert ratio_law(law) == length_law(NET)
    assert ratio_law(NET) == length_law(NET)


# Extremes.


def test_thresholds_and_probabilities_of_extremes():
    law = smallest_length(NET, 3)
    dead = 1 - fmpq(15, 16) * fmpq(31, 32)
    assert (law.cdf(0).lower, law.cdf(0).upper) == (dead, 3 * dead)
    assert (law.sf(0).lower, law.sf(0).upper) == (1 - 3 * dead, 1 - dead)
    largest = largest_length(NET, 3)
    assert (largest.sf(0).lower, largest.sf(0).upper) == (1 - dead, 1)
    for bad, shown in ((-0.5, "-0.5"), (math.inf, "inf"), (math.nan, "nan")):
        assert refusal(law.sf, bad).endswith(f"finite and at least 0, not {shown}")
    assert refusal(law.cdf, [1.0]) == "a threshold is one number here; ask for one after another"
    assert refusal(law.ppf, (0.5,)) == "a probability is one number here; ask for one after another"
    assert float(law.sf(0.5).upper) < float(law.sf(1e-3).upper) < 1


def test_the_quantile_of_one_is_infinite_for_one_ratio():
    for p in (1, 1.0):
        assert float(largest_length(NET, 1).ppf(p).upper) == math.inf
        assert float(largest_length(NET, 1).ppf(p).lower) == math.inf


def test_moments_of_the_exact_law_are_known_up_to_order_fifty():
    """X = chi^2_7/7 for one linear layer: E X^k = prod_{i < k} (7 + 2 i)/7."""
    law = length_law(FullyConnected([2, 7], activation="linear"))
    rising = math.prod(Fraction(7 + 2 * i, 7) for i in range(50))
    assert law.exact_moment(50).fraction == rising
    with pytest.raises(SpecError, match="50"):
        law.exact_moment(51)
