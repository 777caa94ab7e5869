"""Scaled numbers, logarithms and histograms at their edges, and what a sampled number shows of itself."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest

from simulate.estimates import estimate_of_summary
from simulate.histogram import Histogram, _tally
from simulate.job import Job
from simulate.joint_result import JointLengths, JointTable
from simulate.logs import LogMoments
from simulate.result import Quantile, Sampled, exponential, finite
from simulate.scaled import Averages, Lengths, common_exponent, shifted
from simulate.summary import Covariances, Summary, decode
from theory import FullyConnected

# Scaled numbers.


@pytest.mark.parametrize("exponent", [-1022, -700, -1, 0, 1, 2, 511, 1022, 1023])
def test_shifts_by_powers_of_two_are_exact(exponent):
    assert shifted(np.array([1.0, 1.25]), np.array([exponent] * 2)).tolist() == [
        math.ldexp(1.0, exponent),
        math.ldexp(1.25, exponent),
    ]


@pytest.mark.parametrize("exponent", [1024, 1500, 1999, 2000, 2001, 10**6, 2**62])
def test_shifts_out_of_the_range_of_floats_are_infinite_or_zero(exponent):
    ordinary = np.array([0.125, 1.9])
    assert shifted(ordinary, np.array([exponent + 3] * 2)).tolist() == [math.inf, math.inf]
    assert shifted(ordinary, np.array([-exponent - 55] * 2)).tolist() == [0.0, 0.0]
    assert shifted(np.zeros(1), np.array([exponent])).tolist() == [0.0]


def test_shifts_compose_over_the_whole_range():
    """2^-1000 2^2000 and 2^1000 2^-2000 are ordinary again: no factor on the way over- or underflows."""
    assert shifted(np.array([2.0**-1000]), np.array([2000])).tolist() == [2.0**1000]
    assert shifted(np.array([2.0**1000]), np.array([-2000])).tolist() == [2.0**-1000]


def test_the_common_exponent_is_that_of_the_larger_of_two_positive_means():
    """A mean of 0 has none of its own, wherever it is."""

    def column(mean, exponent):
        return Averages(np.asarray(1), np.array([exponent]), np.array([mean]), np.zeros(1))

    for mean in (0.25, 0.9, 1.5):
        assert common_exponent(column(mean, 3), column(1.0, 5)).tolist() == [5]
        assert common_exponent(column(mean, 5), column(mean, -3)).tolist() == [5]
        assert common_exponent(column(0.0, 9), column(mean, -3)).tolist() == [-3]
        assert common_exponent(column(mean, -3), column(0.0, 9)).tolist() == [-3]


def test_fractions_of_logarithms_lie_in_1_to_2():
    logs = np.array([[-np.inf, -800.0, -0.5, 0.0, 0.6, 0.7, 800.0]])
    found = Lengths.from_logs(logs)
    assert found.alive.tolist() == [[False] + [True] * 6]
    assert np.all((found.fraction[0, 1:] >= 1) & (found.fraction[0, 1:] < 2))
    assert found.exponent[0].tolist() == [0, -1155, -1, 0, 0, 1, 1154]
    assert found.logs()[0] == pytest.approx(logs[0], rel=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_largest_exponent_of_positive_numbers(axis):
    """Zeros do not count, whatever exponent stands beside them; a column of zeros has any."""
    fraction = np.array([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])
    exponent = np.array([[0, -70, -80], [0, 5, -75]])
    top = Lengths(fraction, exponent).top(axis).tolist()
    assert top == ([0, -70, -75] if axis == 0 else [-70, -75])


def test_powers_far_out():
    found = Lengths(np.array([[0.5, 0.0]]), np.array([[4000, 0]])).power(3)
    assert found.logs()[0].tolist() == pytest.approx([11_997 * math.log(2), -math.inf])


def test_a_sample_of_lengths_in_small_fractions_is_as_doubtful_as_in_large_ones():
    """M = 1/4 counted in quarters, or in ones two binary places below: the same averages and errors."""
    quarters = Averages.of(Lengths(np.array([[0.25, 0.5, 0.25]]), np.array([[0, 0, 1]])))
    ones = Averages.of(Lengths(np.array([[1.0, 1.0, 1.0]]), np.array([[-2, -1, -1]])))
    assert quarters.log_mean() == pytest.approx(ones.log_mean())
    assert quarters.relative_error() == pytest.approx(ones.relative_error())
    assert ones.log_mean()[0] == pytest.approx(math.log(5 / 12))
    assert ones.relative_error()[0] == pytest.approx(math.sqrt(2 / 3 / 16 / 2 / 3) / (5 / 12))


def test_two_numbers_have_an_error_and_one_has_none():
    """1 and 3: mean 2, error 1, relative 1/2."""
    both = Averages.of(Lengths.from_logs(np.log([[1.0, 3.0]])))
    assert both.relative_error()[0] == pytest.approx(0.5)
    assert math.isnan(Averages.of(Lengths.from_logs(np.zeros((1, 1)))).relative_error()[0])


# Logarithms.


def test_two_values_have_no_error_of_their_variance_not_a_missing_one():
    """m_4 = m_2^2 for two equally frequent values: 0 up to rounding, on either side."""
    for step in range(1, 200):
        logs = np.array([[0.1 * step, 0.1 * step + 1 / step] * 3])
        error = LogMoments.of(logs).variance_error()[0]
        assert 0 <= error <= 1e-6


def test_fewer_than_two_logarithms_have_no_variance():
    found = LogMoments.of(np.array([[-np.inf, -np.inf], [1.0, -np.inf], [1.0, 4.0]]))
    assert np.isnan(found.variance()).tolist() == [True, True, False]
    assert found.variance()[2] == pytest.approx(4.5)
    assert np.isnan(found.mean_error()).tolist() == [True, True, False]
    assert found.mean_error()[2] == pytest.approx(1.5)


def test_with_no_living_network_nothing_changes_in_the_last_bit():
    """A mean times its count over its count may round: x * 11/11 is not always x."""
    nothing = LogMoments.of(np.array([[-np.inf, -np.inf]]))
    logs = np.random.default_rng(1).normal(size=(40, 11))
    for row in logs:
        some = LogMoments.of(row[None, :4]).merged(LogMoments.of(row[None, 4:]))
        for both in (some.merged(nothing), nothing.merged(some)):
            assert both.mean.tolist() == some.mean.tolist()
            assert both.fourth.tolist() == some.fourth.tolist()


def test_a_single_network_merges_with_its_own_weight():
    """Of 1 | 4, 7: mean 4, squares 18."""
    one, two = LogMoments.of(np.array([[1.0]])), LogMoments.of(np.array([[4.0, 7.0]]))
    for both in (one.merged(two), two.merged(one)):
        assert both.mean[0] == pytest.approx(4)
        assert (both.second[0], both.third[0], both.fourth[0]) == pytest.approx((18, 0, 162))


# Histograms.


@pytest.mark.parametrize("spread", [1, 2**20 - 1, 2**20, 2**20 + 1, 2**40])
def test_values_are_tallied_alike_near_and_far(spread):
    """The private helper is the unit: it counts in an array or by sorting, which no result may show."""
    values = np.array([5, 5 + spread, 5, 5 + spread, 5, 6 + spread])
    found, counts = _tally(values)
    assert found.tolist() == [5, 5 + spread, 6 + spread]
    assert counts.tolist() == [3, 2, 1]
    assert counts.dtype == np.int64
    assert [part.tolist() for part in _tally(values[:0])] == [[], []]
    assert [part.tolist() for part in _tally(values[:1])] == [[5], [1]]


def test_a_histogram_of_no_layers_and_of_dead_ones_is_empty():
    for logs in (np.empty((0, 4)), np.full((2, 4), -np.inf)):
        found = Histogram.of(logs)
        assert [part.tolist() for part in (found.layers, found.bins, found.counts)] == [[], [], []]
        assert found.counts.dtype == np.int64
        assert found.merged(found).counts.tolist() == []
        assert found.log_quantiles(0, 3)(0.5) == -math.inf


def test_layers_keep_to_their_own_bins():
    """Bin 0 in layer 0 and bins 0 and 32 in layer 1: merged twice, and asked one by one."""
    one = Histogram.of(np.array([[0.0, 0.0], [0.0, math.log(2.01)]]))
    both = one.merged(one)
    assert both.layers.tolist() == [0, 1, 1]
    assert both.bins.tolist() == [0, 0, 32]
    assert both.counts.tolist() == [4, 2, 2]
    half = math.log(2) / 64
    assert both.log_quantiles(0, 0)(1.0) == pytest.approx(half)
    assert [both.log_quantiles(1, 0)(p) for p in (0.5, 0.51)] == pytest.approx([half, 65 * half])


@pytest.mark.parametrize("probability", [-1.0, 0.0, 1e-9, 1.0, 1.5])
def test_quantiles_end_at_the_smallest_and_the_largest(probability):
    quantile = Histogram.of(np.array([[0.0, 1.0, 2.0]])).log_quantiles(0, 0)
    assert quantile(probability) == pytest.approx(0.0 if probability < 0.1 else 2.0, abs=math.log(2) / 32)


def test_the_dead_come_first():
    """Three dead of five: the quantiles up to 3/5 are -inf, the next is the smallest living one."""
    quantile = Histogram.of(np.array([[0.0, 1.0]])).log_quantiles(0, 3)
    assert [quantile(p) for p in (0.2, 0.6)] == [-math.inf] * 2
    assert quantile(0.61) == pytest.approx(0.0, abs=math.log(2) / 32)
    assert quantile(0.81) == pytest.approx(1.0, abs=math.log(2) / 32)


# Summaries.


def test_a_tilted_summary_keeps_the_weighted_averages_alone():
    summary = Summary.of(Lengths.from_logs(np.zeros((3, 4))), 1)
    powers = [Averages.of(Lengths.from_logs(np.full((3, 4), k))) for k in (1.0, 2.0)]
    found = summary.tilted(powers)
    assert found.moments.log_mean() == pytest.approx(np.array([[1.0] * 3, [2.0] * 3]))
    assert found.logs.count.tolist() == []
    assert found.histogram.counts.tolist() == []
    assert found.count == 4


def test_a_summary_holds_every_order_asked_for_and_no_more():
    """Lengths 1, 2: the mean of M^k is (1 + 2^k)/2."""
    found = Summary.of(Lengths.from_logs(np.log([[1.0, 1.0], [1.0, 2.0]])), 3).moments
    assert np.exp(found.log_mean()) == pytest.approx(np.array([[1, 1.5], [1, 2.5], [1, 4.5]]))


def test_two_networks_have_a_covariance():
    """(1, 3) and (3, 7): 2, 4 and 8."""
    summary = Summary.of(Lengths.from_logs(np.log([[1.0, 3.0], [3.0, 7.0]])), 1, covariance=True)
    job = Job(FullyConnected([2, 2]), "direct", 7, 1, True)
    found = estimate_of_summary(job, False, summary, 1.0).covariance
    assert np.array(found) == pytest.approx(np.array([[2, 4], [4, 8]]))


class Trap:
    """What pickle would call a function for."""

    def __reduce__(self):
        return pytest.fail, ("a record was unpickled",)


def test_a_record_from_a_store_is_never_unpickled():
    """Whoever can write to a store cannot run anything by it."""
    buffer = io.BytesIO()
    np.savez(buffer, log_ratios=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        decode(JointTable, buffer.getvalue())


def test_covariances_stay_only_where_both_have_them():
    lengths = Lengths.from_logs(np.log([[1.0, 2.0], [3.0, 5.0]]))
    bare, full = Summary.of(lengths, 1), Summary.of(lengths, 1, covariance=True)
    assert bare.covariances is None
    assert bare.merged(full).covariances is None
    assert full.merged(bare).covariances is None
    assert isinstance(full.merged(full).covariances, Covariances)


# Sampled numbers.


def test_exponentials_reach_to_the_end_of_the_doubles():
    """log of the largest double is 709.78: above it infinite, below it a number."""
    assert exponential(709.0) == math.exp(709.0)
    assert exponential(709.78) == math.exp(709.78)
    assert exponential(709.79) == math.inf
    assert exponential(math.inf) == math.inf
    assert exponential(-math.inf) == 0.0


def test_the_logarithm_of_a_sampled_number():
    """Of the value where none is given; where the value overflows it is given."""
    assert Sampled(0.5, None, 1, 0).log == math.log(0.5)
    assert Sampled(0.0, None, 1, 0).log == -math.inf
    assert Sampled(-0.5, None, 1, 0).log == -math.inf
    assert Sampled(math.inf, None, 1, 0, 1000.0).log == 1000.0


def test_json_of_a_sampled_number_shows_what_exists():
    assert Sampled(0.5, 0.1, 4, 7, relative_error=0.2).to_dict() == {
        "value": 0.5,
        "log": math.log(0.5),
        "standard_error": 0.1,
        "relative_error": 0.2,
        "samples": 4,
        "seed": 7,
    }
    shown = Sampled(math.inf, None, 4, 7, 800.0, note="why").to_dict()
    assert (shown["value"], shown["log"], shown["standard_error"], shown["note"]) == (
        None,
        800.0,
        None,
        "why",
    )
    assert [Sampled(value, None, 1, 0).to_dict()["log"] for value in (0.0, -0.5)] == [None, None]


def test_json_has_no_infinities():
    assert [finite(x) for x in (None, math.inf, -math.inf, math.nan, 0.0, -2.5)] == [None] * 4 + [0.0, -2.5]
    assert Quantile(0.5, -math.inf, -math.inf, 1.0).to_dict() == {
        "probability": 0.5,
        "value": 0.0,
        "log": None,
        "log_lower": None,
        "log_upper": 1.0,
    }
    json.dumps(Quantile(0.5, math.inf, 0.0, math.nan).to_dict(), allow_nan=False)


# The extremes of many inputs.


def mean(values):
    """Mean of an extreme with these values, one for each network."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.array(values, float))
    return JointLengths(logs[:, None], 3).extreme(logs).mean


def test_an_extreme_that_is_zero_everywhere_is_known():
    found = mean([0.0] * 3)
    assert (found.value, found.standard_error, found.samples, found.seed) == (0.0, 0.0, 3, 3)
    assert found.note == "the extreme is 0 in every network"


def test_the_error_of_two_and_of_one():
    """1 and 3: mean 2, error 1."""
    both = mean([1.0, 3.0])
    assert (both.value, both.log, both.standard_error, both.relative_error) == pytest.approx(
        (2, math.log(2), 1, 0.5)
    )
    one = mean([3.0])
    assert (one.value, one.log, one.standard_error) == pytest.approx((3, math.log(3), None))


@pytest.mark.parametrize(("share", "doubted"), [(0.098, False), (0.102, True)])
def test_one_network_with_a_tenth_of_the_sum_of_squares_makes_the_mean_doubtful(share, doubted):
    """A thousand networks; of ten it may be a fifth."""
    for count, factor in ((1000, 1), (10, 2)):
        part = share * factor
        largest = math.sqrt(part / (1 - part) * (count - 1))
        assert (mean([1.0] * (count - 1) + [largest]).note is not None) is doubted


def test_growth_beyond_a_factor_is_strict_and_counted_by_network():
    """Ratios 1, 2, 3 and 0, 4, 4 of two networks."""
    with np.errstate(divide="ignore"):
        found = JointLengths(np.log([[1.0, 2.0, 3.0], [0.0, 4.0, 4.0]]), 0)
    assert found.exceedances(0.0).tolist() == [3, 2]
    assert found.exceedances(1.5).tolist() == [2, 2]
    assert found.exceedances(math.inf).tolist() == [0, 0]
    assert JointLengths(np.zeros((1, 2)), 0).exceedances(1.0).tolist() == [0]
    assert np.exp(found.largest) == pytest.approx([3, 4])
    assert np.exp(found.smallest) == pytest.approx([1, 0])
    assert [q.probability for q in found.extreme(found.largest).quantiles] == [0.05, 0.5, 0.95]
