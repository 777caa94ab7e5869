"""What an Estimate says of a sample written out by hand: averages, doubts, intervals, the dead, quantiles.

The tables are small enough for a pencil; the engine's own samples are judged in the other files.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import binom, t

from simulate import simulate
from simulate.arguments import check_whole
from simulate.estimates import QUANTILES, estimate_of_summary, sampled
from simulate.job import Job
from simulate.joint_result import _quantile
from simulate.law_plan import law_plan
from simulate.logs import LogMoments
from simulate.many_inputs import joint_lengths
from simulate.methods import splitting
from simulate.methods.choice import method_named
from simulate.methods.conditional import _SMOOTH, generator
from simulate.methods.direct import cached_plan
from simulate.methods.law import _check_tilt
from simulate.methods.splitting import (
    RUNS,
    Runs,
    _crowds,
    _log_mean,
    _over_runs,
    _ratio,
    _run,
    _systematic,
    _uniform,
)
from simulate.population import Purpose
from simulate.result import Sampled, exponential
from simulate.scaled import Averages, Lengths
from simulate.simulation import limits_of
from simulate.summary import Summary
from theory import FullyConnected
from theory.errors import SpecError
from theory.laws import as_law


def table(*rows):
    """Lengths with a row for each layer, a column for each network."""
    with np.errstate(divide="ignore"):
        return Lengths.from_logs(np.log(np.array(rows, float)))


def estimate(*rows, order=2, network=None, covariance=False):
    """The Estimate of networks with these lengths."""
    network = network or FullyConnected([2] * len(rows))
    job = Job(network, "direct", 7, order, covariance)
    return estimate_of_summary(job, False, Summary.of(table(*rows), order, covariance=covariance), 2.0)


# Averages and their errors.


def test_averages_and_errors_by_hand():
    """1, 2, 3: mean 2, sd 1, error 1/sqrt 3; squares 1, 4, 9: mean 14/3, spread 98/3, error sqrt(49/9)."""
    found = estimate([1, 1, 1], [1, 2, 3])
    mean, square = found.layers[1].moments
    assert (mean.value, mean.standard_error) == pytest.approx((2, 1 / math.sqrt(3)))
    assert (square.value, square.standard_error) == pytest.approx((14 / 3, math.sqrt(98 / 3 / 2 / 3)))
    assert found.samples == 3
    assert found.weights_per_second == 3 * 4 / 2.0


def test_logarithms_of_lengths_by_hand():
    """log M is 0, 1, 2 with one dead: mean 1, variance 1, error of the variance sqrt((m4 - m2^2)/3)."""
    logs = estimate([1, 1, 1, 1], [1, math.e, math.e**2, 0]).layers[1].log_length
    assert logs is not None
    assert (logs.mean.value, logs.mean.standard_error) == pytest.approx((1, 1 / math.sqrt(3)))
    m2, m4 = 2 / 3, 2 / 3
    assert (logs.variance.value, logs.variance.standard_error) == pytest.approx(
        (1, math.sqrt((m4 - m2**2) / 3))
    )
    assert logs.mean.samples == 3
    assert logs.mean.note is None


def test_one_living_network_has_a_mean_and_no_error():
    logs = estimate([1, 1, 1], [0, math.e, 0]).layers[1].log_length
    assert logs is not None
    assert logs.mean.value == pytest.approx(1)
    assert logs.mean.standard_error is None
    assert logs.mean.note == "fewer than two networks with a positive length"


def test_two_living_networks_have_a_mean_an_error_and_no_note():
    """0 and 2: mean 1, variance 2, error 1."""
    logs = estimate([1, 1, 1], [1, 0, math.e**2]).layers[1].log_length
    assert (logs.mean.value, logs.mean.standard_error, logs.mean.note) == pytest.approx((1, 1, None))
    assert (logs.variance.value, logs.variance.note) == pytest.approx((2, None))


def test_log_moments_of_one_number():
    found = LogMoments.of(np.array([[3.0], [-np.inf]]))
    assert found.mean.tolist() == [3.0, 0.0]
    assert found.count.tolist() == [1, 0]


def test_merged_with_nothing_alive_log_moments_are_what_they_were():
    some, none = LogMoments.of(np.array([[1.0, 2.0, 6.0]])), LogMoments.of(np.array([[-np.inf]]))
    for both in (some.merged(none), none.merged(some)):
        for name in ("count", "mean", "second", "third", "fourth"):
            assert getattr(both, name).tolist() == getattr(some, name).tolist()


def test_empirical_variance_by_hand():
    """Two networks: (1, 3) has variance 1 over its layers, (2, 2) has 0; the mean is 1/2, its error 1/2."""
    found = estimate([5, 5], [1, 2], [3, 2]).empirical_variance
    assert found is not None
    assert (found.value, found.standard_error) == pytest.approx((0.5, 0.5))


def test_empirical_variance_of_one_layer_and_of_dead_networks_is_zero():
    one = estimate([1, 1], [1, 3]).empirical_variance
    assert (one.value, one.standard_error) == (0.0, 0.0)
    dead = estimate([1, 1], [0, 0], [0, 0]).empirical_variance
    assert (dead.value, dead.standard_error) == (0.0, 0.0)
    same = estimate([1, 1], [4, 9], [4, 9]).empirical_variance
    assert (same.value, same.standard_error) == (0.0, 0.0)


def test_empirical_variance_of_lengths_far_from_1():
    """2^900 times (1, 3): variance 2^1800 overflows a double, its logarithm does not."""
    logs = np.log(np.array([[1.0, 1.0], [1.0, 2.0], [3.0, 2.0]])) + 900 * math.log(2)
    job = Job(FullyConnected([2, 2, 2]), "direct", 7, 2)
    found = estimate_of_summary(job, False, Summary.of(Lengths.from_logs(logs), 2), 1.0).empirical_variance
    assert found.log == pytest.approx(math.log(0.5) + 1800 * math.log(2))
    assert found.value == math.inf


def test_a_mean_of_one_with_spread_is_no_constant():
    """EmpVar of 0 and 2: mean 1."""
    root = math.sqrt(2)
    found = estimate([1, 1], [3, 3 - root], [3, 3 + root]).empirical_variance
    assert (found.value, found.standard_error) == pytest.approx((1, 1))


def test_covariances_by_hand_and_only_on_request():
    found = estimate([1, 1, 1], [1, 2, 3], [2, 1, 6], covariance=True)
    assert np.array(found.covariance) == pytest.approx(np.cov([[1, 1, 1], [1, 2, 3], [2, 1, 6]]))
    assert estimate([1, 1, 1], [1, 2, 3]).covariance is None
    assert Summary.of(table([1, 1], [1, 2]), 1).covariances is None
    assert estimate([1], [3], covariance=True).covariance is None


# Doubts.


def test_an_average_of_one_network_says_so():
    moment = estimate([1], [3]).layers[1].moments[0]
    assert moment.standard_error is None
    assert moment.note == "one network has no standard error"


def wide(share):
    """10,000 networks of length about 1, the last of which makes up this share of the sum of squares."""
    row = np.ones(10_000)
    row[-1] = math.sqrt(share / (1 - share) * 9_999)
    return estimate(np.ones(10_000), row, order=1).layers[1].moments[0].note


@pytest.mark.parametrize(("share", "doubted"), [(0.05, False), (0.098, False), (0.102, True), (0.5, True)])
def test_one_network_with_a_tenth_of_the_sum_of_squares_is_a_doubt(share, doubted):
    note = wide(share)
    assert (note is not None) is doubted
    assert note is None or "splitting" in note


def test_few_networks_may_have_a_larger_share():
    """Of ten networks the largest may have a fifth: 2/count."""
    below, above = (math.sqrt(s / (1 - s) * 9) for s in (0.19, 0.21))
    assert estimate([1] * 10, [1] * 9 + [below], order=1).layers[1].moments[0].note is None
    assert estimate([1] * 10, [1] * 9 + [above], order=1).layers[1].moments[0].note is not None


def test_doubts_stay_in_later_layers_and_are_noted_once():
    heavy = [1] * 99 + [100]
    found = estimate([1] * 100, heavy, [1] * 100, order=1)
    assert found.layers[0].moments[0].note is None
    assert found.layers[1].moments[0].note == found.layers[2].moments[0].note is not None
    assert len(found.notes) == 1
    assert found.notes[0].startswith("E M^1 from layer 1 on: ")
    assert found.layers[2].moments[0].standard_error == 0


def test_zero_without_an_error_has_its_reason():
    assert sampled(-math.inf, math.nan, 5, 1, None).note == "no network with a positive length was seen"
    assert sampled(-math.inf, math.nan, 5, 1, "other").note == "other"
    assert sampled(0.0, None, 5, 1, None).note is None
    assert sampled(0.0, 0.5, 5, 1, None).standard_error == 0.5


# The dead.


def test_the_dead_by_hand():
    """1 of 4: share 1/4, error sqrt(3/64)."""
    dead = estimate([1] * 4, [1, 2, 0, 3]).layers[1].dead
    assert (dead.value, dead.standard_error, dead.note) == (0.25, math.sqrt(3 / 64), None)


@pytest.mark.parametrize(("row", "words"), [([1, 2, 3, 4], "none of 4"), ([0, 0, 0, 0], "all of 4")])
def test_none_and_all_are_known_to_three_over_the_count(row, words):
    """The rule of three: 1 - 0.95^(1/n) is about 3/n."""
    found = estimate([1] * 4, row)
    assert found.layers[1].dead.note == f"{words}; within 7.5e-01 with 95 % confidence"
    assert found.layers[0].dead.note is None


# Quantiles.


def test_quantiles_of_a_histogram_and_their_ranks():
    """1, ..., 100 (as powers of 1.1): p +- 1.96 sqrt(p (1 - p)/100), clipped to 0 and 1."""
    logs = np.arange(100) * math.log(1.1)
    found = estimate(np.ones(100), np.exp(logs)).layers[1].quantiles
    assert [q.probability for q in found] == list(QUANTILES)
    for q in found:
        slack = 1.96 * math.sqrt(q.probability * (1 - q.probability) / 100)
        for value, p in (
            (q.log, q.probability),
            (q.log_lower, q.probability - slack),
            (q.log_upper, q.probability + slack),
        ):
            rank = min(max(math.ceil(min(max(p, 0), 1) * 100) - 1, 0), 99)
            assert value == pytest.approx(logs[rank], abs=0.1 + 0.011)
    assert found[-1].log_upper == pytest.approx(logs[99], abs=0.011)
    assert found[0].log_lower == pytest.approx(logs[0], abs=0.011)


@pytest.mark.parametrize("count", [5, 20, 100, 1000])
@pytest.mark.parametrize("p", [0.01, 0.25, 0.5, 0.95])
def test_order_statistics_enclose_quantiles_as_binomials_say(count, p):
    """The least k with P(B <= k) >= 0.025 and the least with >= 0.975, B of scipy.stats as another route."""
    ranked = np.arange(1.0, count + 1)
    found = _quantile(ranked, p)
    low, high = (int(binom.ppf(q, count, p)) for q in (0.025, 0.975))
    assert found.log_lower == (-math.inf if low < 1 else ranked[low - 1])
    assert found.log_upper == (math.inf if high >= count else ranked[high])


# Splitting.


def test_the_average_over_runs_and_students_interval():
    values = np.linspace(1.0, 3.0, RUNS)
    job = Job(FullyConnected([2, 2]), "splitting", 7, 1, particles=10)
    found = _over_runs(job, np.log(values) + 1000, 200, 1)
    error = values.std(ddof=1) / math.sqrt(RUNS)
    reach = t.ppf(0.975, RUNS - 1) * error
    assert found.log == pytest.approx(math.log(2) + 1000)
    assert found.relative_error == pytest.approx(error / 2)
    assert found.log_interval == pytest.approx((math.log(2 - reach) + 1000, math.log(2 + reach) + 1000))
    assert found.value == math.inf
    assert RUNS == 20


def test_one_run_a_dead_one_and_an_interval_that_reaches_zero():
    job = Job(FullyConnected([2, 2]), "splitting", 7, 1, particles=10)
    one = _over_runs(job, np.array([math.log(5)]), 10, 1)
    assert (one.value, one.log, one.standard_error) == pytest.approx((5, math.log(5), None))
    dead = _over_runs(job, np.full(3, -math.inf), 10, 1)
    assert (dead.value, dead.log, dead.standard_error) == (0.0, -math.inf, None)
    spread = _over_runs(job, np.log([1.0, 1.0, 1.0, 100.0]), 10, 1)
    assert spread.log_interval[0] == -math.inf
    assert spread.interval[0] == 0.0


def test_particles_that_all_die_leave_zero_in_all_later_layers():
    """Width 1, one-sided Rademacher weights: a run of one particle dies with probability 1/2 a layer."""
    network = FullyConnected([1] * 12, weights="rademacher")
    job = Job(network, "splitting", 3, 1, particles=1)
    found = [_run(job, cached_plan(network), run, 1) for run in range(8)]
    assert all(len(row) == 12 for row in found)
    for row in found:
        alive = np.isfinite(row)
        assert np.all(alive == (np.arange(12) < alive.sum()))
        assert np.all(row[~alive] == -math.inf)
    assert any(not np.isfinite(row[-1]) for row in found)


def test_means_of_logarithms_and_ratios():
    assert _log_mean(np.log([1.0, 3.0])) == pytest.approx(math.log(2))
    assert _log_mean(np.array([-math.inf, -math.inf])) == -math.inf
    assert _ratio(np.array([1.0, -math.inf]), np.array([3.0, -math.inf])).tolist() == [-2.0, 0.0]


def test_ancestors_in_proportion_and_never_beyond_the_last():
    """Weights 1, 2, 1 and four equal steps; weights 0 are no ancestors."""
    weights = np.log([1.0, 2.0, 1.0])
    assert _systematic(weights, 0.5).tolist() == [0, 1, 2]
    with np.errstate(divide="ignore"):
        alone = np.log([0.0, 5.0, 0.0])
    assert _systematic(alone, 0.999).tolist() == [1, 1, 1]
    assert _systematic(np.zeros(3), 1.0).tolist() == [1, 2, 2]


def test_runs_are_kept_in_order():
    one, two = Runs(np.zeros((1, 2, 3))), Runs(np.ones((2, 2, 3)))
    assert one.merged(two).logs[:, 0, 0].tolist() == [0.0, 1.0, 1.0]


# Numbers and their JSON.


def test_an_empty_sample_merged_with_one_is_that_one():
    empty = Averages(np.asarray(0), np.asarray(0), np.asarray(0.0), np.asarray(0.0))
    some = Averages.of(table([1, 2, 3]))
    both = Averages(empty.count, some.exponent, np.zeros(1), np.zeros(1)).merged(some)
    assert (int(both.count), both.mean.tolist()) == (3, some.mean.tolist())
    one = Averages.of(table([5])).merged(Averages.of(table([7])))
    assert float(one.mean[0] * 2.0 ** one.exponent[0]) == 6.0


def test_one_network_and_none_merged():
    """The share of the only network is 1; of none there is nothing, without a warning."""
    empty = Averages(np.asarray(0), np.zeros(1, np.int64), np.zeros(1), np.zeros(1))
    one = empty.merged(Averages.of(table([8])))
    assert float(one.mean[0] * 2.0 ** one.exponent[0]) == 8.0
    assert int(empty.merged(empty).count) == 0


def test_averages_far_below_the_smallest_double_with_dead_networks_among_them():
    """e^-4000 and 0: the mean is half, though a double has no e^-4000."""
    found = Averages.of(Lengths.from_logs(np.array([[-4000.0, -np.inf]])))
    assert found.log_mean()[0] == pytest.approx(-4000 - math.log(2))


def test_dead_layers_are_zero_with_exponent_zero():
    found = Lengths.from_logs(np.array([[-np.inf, 0.0, 1000.0]]))
    assert found.fraction[0, 0] == 0.0
    assert found.exponent[0, 0] == 0
    assert found.logs()[0].tolist() == pytest.approx([-math.inf, 0.0, 1000.0])


def test_exponentials_up_to_the_largest_double():
    assert exponential(708.9) == math.exp(708.9)
    assert exponential(710.0) == math.inf
    assert exponential(-math.inf) == 0.0


def test_json_of_intervals_only_where_there_are_any():
    bare = Sampled(1.0, 0.1, 5, 7)
    assert "interval_95" not in bare.to_dict()
    half = Sampled(1.0, 0.1, 5, 7, interval=(0.5, 1.5))
    assert "interval_95" not in half.to_dict()
    both = Sampled(1.0, 0.1, 5, 7, interval=(0.5, 1.5), log_interval=(-0.7, 0.4))
    assert both.to_dict()["interval_95"] == [0.5, 1.5]
    assert both.to_dict()["log_interval_95"] == [-0.7, 0.4]
    assert json.loads(json.dumps(Sampled(-1.0, 0.1, 5, 7).to_dict()))["log"] is None


# What is asked for.


@pytest.mark.parametrize(
    ("what", "largest"),
    [("threads", 1024), ("window", 2**20), ("shard_leaves", 2**20), ("order", 12), ("seed", 2**64 - 1)],
)
def test_arguments_up_to_their_largest(what, largest):
    network = FullyConnected([1, 1])
    with pytest.raises(SpecError, match=f"to {largest:,}, not"):
        simulate(network, samples=1, **{what: largest + 1})
    if what not in ("threads", "window"):
        simulate(network, samples=1, **{what: largest})


def test_numbers_that_are_too_long_to_show():
    shown = [n for n in (29, 30, 31) if _refusal(10**n - 1).endswith(f"{10**n - 1:,}")]
    assert shown == [29, 30]
    assert _refusal(10**30).endswith("not one of more than 30 digits")


def _refusal(value):
    with pytest.raises(SpecError) as caught:
        check_whole(value, "n", 0, 1)
    return str(caught.value)


def test_a_stop_is_asked_for_or_there_are_the_usual_samples():
    assert limits_of(None, None, None).samples is not None
    assert limits_of(None, 0.1, None).samples is None
    assert limits_of(None, None, 2.0).samples is None
    assert limits_of(5, 0.1, 2.0).samples == 5


@pytest.mark.parametrize(("samples", "fits"), [(20, False), (39, False), (40, True), (50, False), (60, True)])
def test_splitting_wants_two_particles_a_run_and_equal_runs(samples, fits):
    network = FullyConnected([2, 2])
    if fits:
        found = simulate(network, samples=samples, method="splitting", seed=1)
        assert found.samples == samples
        return
    with pytest.raises(
        SpecError, match=r"20 runs of at least 2 particles; give a multiple of 20 such as (40|60)"
    ):
        simulate(network, samples=samples, method="splitting", seed=1)


# Constants that a reader can check.


def test_selu_is_linear_above_zero():
    z = np.array([-2.0, -0.1, 0.0, 0.5, 3.0])
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    expected = [scale * (x if x > 0 else alpha * math.expm1(x)) for x in z.tolist()]
    assert _SMOOTH["selu"](z) == pytest.approx(expected, rel=1e-6)


def test_streams_of_reduced_methods_are_philox_with_the_leaf_in_the_counter():
    ours = generator(5, 3, 7).integers(0, 2**63, 4)
    key, counter = np.array([5, 3], np.uint64), np.array([0, 0, 7, 0], np.uint64)
    theirs = np.random.Generator(np.random.Philox(key=key, counter=counter)).integers(0, 2**63, 4)
    assert ours.tolist() == theirs.tolist()


def test_every_order_resamples_with_numbers_of_its_own():
    job = Job(FullyConnected([2, 2]), "splitting", 7, 12, particles=10)
    found = {_uniform(job, run, k, layer) for run in range(3) for k in range(1, 13) for layer in range(1, 4)}
    assert len(found) == 3 * 12 * 3
    assert all(0 < x < 1 for x in found)


def test_orders_keep_to_the_streams_of_their_purpose(monkeypatch):
    """Purposes are below 16; an order is a multiple of 16 above, so that no two of them meet."""
    network = FullyConnected([2, 2])
    job = Job(network, "splitting", 7, 12, particles=10)
    monkeypatch.setattr(splitting, "Population", lambda _plan, _seed, purpose, *_: purpose)
    used = [next(iter(_crowds(job, cached_plan(network), 0, k))) for k in range(1, 13)]
    assert used == [Purpose.SPLITTING + 16 * k for k in range(1, 13)]
    assert max(Purpose) < 16


def test_going_back_through_explicit_weights_is_not_reduced():
    assert [method_named(name).reduced for name in ("direct", "gradients", "splitting")] == [False] * 3
    assert [method_named(name).reduced for name in ("conditional", "law")] == [True] * 2


def test_tilts_up_to_a_million_neurons():
    _check_tilt(FullyConnected([1, 10**6]), 1.0)
    with pytest.raises(SpecError, match="at most 1,000,000;"):
        _check_tilt(FullyConnected([1, 10**6 + 1]), 1.0)


def test_read_outs_without_the_moment_of_the_errors_are_named_with_it():
    network = FullyConnected([2, 2])
    with pytest.raises(SpecError, match="no moment of order 8"):
        simulate(network, samples=1, gradients=True, readout="student_t:5", order=2)


def test_threads_of_joint_lengths_up_to_their_largest():
    with pytest.raises(SpecError, match="to 1,024, not"):
        joint_lengths(FullyConnected([2, 2]), [[1.0, 2.0]], 10, threads=1025)


def test_plans_of_uniform_and_finite_laws():
    """2^16 odd multiples of half the unit have variance unit^2 (2^32 - 1)/12; finite laws keep whole numbers.

    Values beyond 2^24 units are no whole singles; then they are fractions of the largest.
    """
    uniform = law_plan(as_law("uniform"))
    assert (uniform.scale * 2**16) ** 2 * (2**32 - 1) / 12 == pytest.approx(1, rel=1e-14)
    small = law_plan(as_law("finite:-100:1/4,0:1/2,100:1/4"))
    assert sorted(small.parameters[0].tolist()) == [-100.0, 0.0, 100.0]
    large = law_plan(as_law(f"finite:-{2**24 + 2}:1/4,-1:1/4,1:1/4,{2**24 + 2}:1/4"))
    assert max(large.parameters[0].tolist()) == 1.0
    assert [int(t) for t in small.parameters[1]] == [2**62, 3 * 2**62]
