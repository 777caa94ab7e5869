"""The parts of splitting: shifts, resampling, groups of particles, what fits, what the runs say."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soundness import average_score, check_averages

from simulate.job import Job
from simulate.methods import splitting
from simulate.methods.choice import method_named
from simulate.methods.direct import cached_plan, rows_in_cache
from simulate.methods.splitting import (
    RUNS,
    Runs,
    _crowds,
    _log_lengths,
    _log_shifted,
    _over_runs,
    _select,
    _shifts,
    _systematic,
    _uniform,
)
from theory import FullyConnected
from theory.errors import SpecError

METHOD = method_named("splitting")


def job(network=None, order=1, particles=10, seed=7):
    return Job(network or FullyConnected([2, 3, 2]), "splitting", seed, order, particles=particles)


# The function h(m) = (m + c)^k.


def test_shifts_are_the_sums_of_bias_variances_but_at_least_the_smallest():
    """Variances 0, 1/2, 1/4: sums 0, 0, 1/2, 3/4, of which the first two are raised to 1/4."""
    network = FullyConnected([2] * 4, bias_variance=[0, "1/2", "1/4"])
    assert _shifts(network).tolist() == [0.25, 0.25, 0.5, 0.75]
    assert _shifts(FullyConnected([2] * 4)).tolist() == [0.0] * 4


def test_the_logarithm_of_a_shifted_length():
    logs = np.array([-math.inf, 0.0, math.log(3)])
    assert _log_shifted(logs, 0.0).tolist() == logs.tolist()
    assert _log_shifted(logs, 0.25) == pytest.approx(np.log([0.25, 1.25, 3.25]))


# Resampling.


@given(
    logs=st.lists(st.floats(-30, 3), min_size=1, max_size=40),
    uniform=st.floats(0, 1, exclude_max=True),
    unit=st.sampled_from([-2000.0, 0.0, 2000.0]),
)
def test_everyone_has_its_share_of_descendants_to_the_next_integer(logs, uniform, unit):
    """Systematic resampling: N equal steps give a share w floor or ceil of N w descendants."""
    weights = np.exp(np.array(logs))
    shares = len(logs) * weights / weights.sum()
    found = _systematic(np.array(logs) + unit, uniform)
    assert len(found) == len(logs)
    assert np.all(np.diff(found) >= 0)
    assert np.all(np.abs(np.bincount(found, minlength=len(logs)) - shares) < 1 + 1e-9)


def test_the_uniform_number_decides_who_has_one_more():
    """Shares 3/2 and 1/2 of two: the second step, at (1 + u)/2, passes 3/4 for u > 1/2."""
    weights = np.log([3.0, 1.0])
    assert _systematic(weights, 0.49).tolist() == [0, 0]
    assert _systematic(weights, 0.51).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("words", "halves"),
    [((0, 0), 1), ((0, 1), 3), ((0, 2**32 - 1), 2**33 - 1), ((1, 0), 2**33 + 1), ((2**19, 5), 2**52 + 11)],
)
def test_a_uniform_number_is_the_middle_of_one_of_2_to_the_64_parts(words, halves, monkeypatch):
    """(i + 1/2)/2^64 with i of two words of 32 bits, in halves of a part; never 0 nor below."""
    monkeypatch.setattr(splitting, "philox_words", lambda *_: words)
    assert _uniform(job(), 0, 1, 1) == math.ldexp(halves, -65)


def uniform_numbers(seed):
    """400 numbers of 20 runs in 20 layers, their squares, and the products of neighbours about the mean."""
    asked = job(seed=seed)
    found = np.array([_uniform(asked, run, 1, layer) for run in range(20) for layer in range(1, 21)])
    centred = found - 0.5
    return {"numbers": found, "squares": found**2, "neighbours": centred[1:] * centred[:-1]}


UNIFORM_MEANS = {"numbers": 1 / 2, "squares": 1 / 3, "neighbours": 0}


def test_the_uniform_numbers_of_layers_are_uniform():
    """|z| <= 5: a mean that is off by 0.09 shows nine times in ten."""
    for name, values in uniform_numbers(7).items():
        assert abs(average_score(values, UNIFORM_MEANS[name])) <= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", UNIFORM_MEANS)
def test_soundness_of_uniform_numbers(name):
    check_averages(
        f"splitting, uniform {name}", lambda run: uniform_numbers(run)[name], UNIFORM_MEANS[name], 5
    )


def test_selection_crosses_the_borders_of_groups():
    """Five particles in groups of two, two and one: each takes all that its ancestor has."""
    placed = []

    def group(numbers):
        here = np.array(numbers)
        return SimpleNamespace(
            activations=10.0 * here[:, None],
            exponents=here,
            bare_lengths=here / 10,
            place=lambda *arrays: placed.append([array.ravel().tolist() for array in arrays]),
        )

    _select([group([0, 1]), group([2, 3]), group([4])], np.array([0, 0, 3, 4, 4]))
    assert placed == [
        [[0.0, 0.0], [0, 0], [0.0, 0.0]],
        [[30.0, 40.0], [3, 4], [0.3, 0.4]],
        [[40.0], [4], [0.4]],
    ]


def test_lengths_of_all_groups_follow_each_other():
    """M = lengths 4^exponents; 0 has the logarithm -inf without a warning."""
    one = SimpleNamespace(lengths=np.array([1.0, 0.0]), exponents=np.array([1, 5]))
    two = SimpleNamespace(lengths=np.array([0.5]), exponents=np.array([-1000]))
    assert _log_lengths([one, two]) == pytest.approx([math.log(4), -math.inf, -2001 * math.log(2)])


def test_particles_of_all_runs_have_streams_of_their_own(monkeypatch):
    """Groups cover run * particles + 0, 1, ..., particles - 1, as many at a time as the cache takes."""
    network = FullyConnected([2, 3000])
    layers = cached_plan(network)
    step = rows_in_cache(layers)
    particles = 2 * step + 3
    monkeypatch.setattr(splitting, "Population", lambda _plan, _seed, _purpose, first, count: (first, count))
    wanted = job(network, particles=particles)
    for run in (0, 1, 5):
        groups = list(_crowds(wanted, layers, run, 1))
        assert groups == [
            (run * particles + start, count) for start, count in ((0, step), (step, step), (2 * step, 3))
        ]
    exactly = list(_crowds(job(network, particles=2 * step), layers, 0, 1))
    assert exactly == [(0, step), (step, step)]


def test_a_leaf_is_the_run_of_its_first_particle():
    """One row for every order; the same run whoever asks, another for the next particles."""
    wanted = job(order=2, particles=10)
    logs = METHOD.leaf(wanted, 20, 10).logs
    assert logs.shape == (1, 2, 3)
    assert np.array_equal(METHOD.leaf(wanted, 20, 10).logs, logs)
    assert not np.array_equal(METHOD.leaf(wanted, 30, 10).logs, logs)
    assert np.array_equal(METHOD.leaf(job(order=1, particles=10), 20, 10).logs, logs[:, :1])


def test_the_first_layer_of_a_run_is_the_plain_average_of_its_particles():
    """Before anything is resampled: M_0^k is a number, log E M_1^k the log of a mean of M_1^k."""
    network = FullyConnected([2, 3, 2], input=[3, 4])
    logs = METHOD.leaf(job(network, order=3, particles=50), 0, 50).logs[0]
    assert logs[:, 0] == pytest.approx([k * math.log(12.5) for k in (1, 2, 3)])
    for k in (1, 2, 3):
        crowd = next(_crowds(job(network, particles=50), cached_plan(network), 0, k))
        crowd.advance(cached_plan(network).layers[0])
        lengths = np.exp(_log_lengths([crowd]))
        assert logs[k - 1, 1] == pytest.approx(math.log(np.mean(lengths**k)))


# What fits.


@pytest.mark.parametrize("width", [2, 1000])
def test_a_run_fits_in_a_gibibyte(width):
    """Eight bytes for every number of every particle: while groups change places both are there."""
    network = FullyConnected([2, width])
    most = 2**30 // (8 * cached_plan(network).numbers)
    METHOD.check(job(network, particles=most))
    with pytest.raises(
        SpecError, match=f"^{most + 1:,} particles a run of .* fit in memory; give fewer --samples"
    ):
        METHOD.check(job(network, particles=most + 1))


def test_orders_without_a_moment_are_refused():
    network = FullyConnected([2, 2], weights="student_t:5")
    METHOD.check(job(network, order=2))
    with pytest.raises(SpecError, match=r"E M\^3 is infinite for these weights; ask for a smaller --order"):
        METHOD.check(job(network, order=3))


# What the runs say together.


def test_an_estimate_has_every_order_and_layer_of_the_runs():
    """Two runs of 10 particles, 12 weights and two orders in half a second."""
    logs = np.array([[[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]] * 2)
    found = METHOD.estimate(job(order=2), Runs(logs), 0.5)
    assert [[m.log for m in layer.moments] for layer in found.layers] == [
        [0.0, 10.0],
        [1.0, 11.0],
        [2.0, 12.0],
    ]
    assert [(layer.index, layer.width) for layer in found.layers] == [(0, 2), (1, 3), (2, 2)]
    assert found.samples == found.layers[1].moments[0].samples == 20
    assert (found.method, found.seed, found.reduced, found.empirical_variance) == (
        "splitting",
        7,
        False,
        None,
    )
    assert found.weights_per_second == 2 * 10 * 2 * 12 / 0.5
    assert math.isnan(METHOD.estimate(job(order=2), Runs(logs), 0.0).weights_per_second)


def test_a_tail_that_the_generator_cuts_is_noted_for_the_orders_it_touches():
    """student_t:5 keeps E w^2 and loses 2^(-48/5) > 1/1000 of E w^4."""
    wanted = job(FullyConnected([2, 2], weights="student_t:5"), order=2)
    first, second = METHOD.estimate(wanted, Runs(np.zeros((3, 2, 2))), 1.0).layers[1].moments
    assert first.note is None
    assert second.note == (
        "the generator's 47 bits cut the tail of student_t where E M^2 needs it; the value is too small"
    )


def test_value_error_and_interval_of_runs_are_one_number_in_two_forms():
    """Runs 1 and 3: mean 2, error 1; t of one degree is tan(0.475 pi) = 12.7 at 97.5 %."""
    found = _over_runs(job(), np.log([1.0, 3.0]), 20, 1)
    assert (found.value, found.log) == pytest.approx((2, math.log(2)))
    assert (found.standard_error, found.relative_error) == pytest.approx((1, 0.5))
    upper = 2 + math.tan(0.475 * math.pi)
    assert found.interval == (0.0, pytest.approx(upper))
    assert found.log_interval == (-math.inf, pytest.approx(math.log(upper)))
    assert (found.samples, found.seed) == (20, 7)


def test_a_single_run_has_its_value_and_says_why_there_is_no_error():
    found = _over_runs(job(), np.array([800.0]), 10, 1)
    assert (found.value, found.log, found.note) == (math.inf, 800.0, "one run has no standard error")
    dead = _over_runs(job(), np.full(RUNS, -math.inf), 10, 1)
    assert dead.note == "every particle died"
    half = _over_runs(job(), np.array([-math.inf, 0.0]), 10, 1)
    assert (half.value, half.standard_error) == pytest.approx((0.5, 0.5))
