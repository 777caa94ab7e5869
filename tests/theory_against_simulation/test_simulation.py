"""The NumPy pass: samplers, explicit weights and standard errors, with stated power.

Averages are compared with exact expectations in exact standard errors, from exact moments of
twice the order; |z| <= 5 fails by chance once in 1.7 million.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from soundness import POWER_RUNS, RUNS, check_power_of_shifts, check_uniform

import simulate.reference as reference
from simulate.samplers import draw
from theory.errors import SpecError
from theory.laws import as_law
from theory.network import FullyConnected
from theory.readings.exact import length_moments

LIMIT = 5.0
DRAWS = 400_000
LAWS = [
    "normal",
    "uniform",
    "rademacher",
    "laplace",
    "student_t:9",
    "finite:-3:1/16,-1:3/16,0:1/2,1:3/16,3:1/16",
]


def as_float(number) -> float:
    return int(number.p) / int(number.q)


def z_score(average: float, expectation: float, variance: float, count: int) -> float:
    if variance == 0:
        return 0.0 if math.isclose(average, expectation, rel_tol=1e-12) else math.inf
    return abs(average - expectation) / math.sqrt(variance / count)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("half_order", [1, 2])
def test_even_moments_of_the_samplers(name, half_order):
    """400,000 draws; the mutant is a 20 % error of the variance, which moves E w^4 by 44 %.

    Twice the limit, 10 standard errors, stays below that effect: it is detected.
    """
    law = as_law(name)
    values = draw(law, np.random.default_rng(7), (DRAWS,))
    expectation = as_float(law.even_moment(half_order))
    variance = as_float(law.even_moment(2 * half_order) - law.even_moment(half_order) ** 2)
    power = 2 * half_order
    assert z_score(float(np.mean(values**power)), expectation, variance, DRAWS) <= LIMIT
    scaled = values * math.sqrt(1.2)
    assert z_score(float(np.mean(scaled**power)), expectation, variance, DRAWS) > LIMIT
    assert 2 * LIMIT * math.sqrt(variance / DRAWS) <= (1.2**half_order - 1) * expectation


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("power", [1, 3])
def test_samplers_are_symmetric(name, power):
    """Odd averages vanish: the mutant shifts the law by a twentieth of a standard deviation."""
    law = as_law(name)
    values = draw(law, np.random.default_rng(8), (DRAWS,))
    variance = as_float(law.even_moment(power))
    assert z_score(float(np.mean(values**power)), 0.0, variance, DRAWS) <= LIMIT
    assert z_score(float(np.mean((values + 0.05) ** power)), 0.0, variance, DRAWS) > LIMIT


@pytest.mark.parametrize("name", LAWS)
def test_draws_have_their_shape_and_are_not_repeated(name):
    values = draw(as_law(name), np.random.default_rng(9), (40, 30, 5))
    assert values.shape == (40, 30, 5)
    assert values.dtype == np.float64
    assert not np.array_equal(values[0], values[1])


def test_finite_law_draws_its_standardised_values():
    """+-2 with 1/8 each has variance 1; +-6 with 1/8 each is scaled by 3."""
    for name in ("finite:-2:1/8,0:3/4,2:1/8", "finite:-6:1/8,0:3/4,6:1/8"):
        values = draw(as_law(name), np.random.default_rng(1), (1_000,))
        assert set(np.round(values, 12)) == {-2.0, 0.0, 2.0}


NETWORKS = {
    "normal": FullyConnected([3, 4, 5], input=[1, -2, "1/2"]),
    "uniform, biases": FullyConnected(
        [3, 4, 2], weights="uniform", bias_variance="1/3", bias_weights="laplace"
    ),
    "leaky, fan_avg": FullyConnected([2, 5, 3], activation="leaky_relu:1/2", mode="fan_avg", variance_gain=2),
    "abs, then linear": FullyConnected([2, 3, 3], activation="abs", output_activation="linear"),
    "rademacher": FullyConnected([1, 2, 3, 2], weights="rademacher"),
}
SAMPLES = 60_000


@pytest.mark.parametrize("name", NETWORKS)
def test_explicit_networks_have_the_exact_mean_length(name):
    """z from the exact variance of M_j; the mutant is a gain off by 4/3.

    Ten standard errors are at most 10 % of the mean, so a third is detected.
    """
    network = NETWORKS[name]
    table = reference.lengths(network, SAMPLES, seed=3)
    assert table.shape == (SAMPLES, network.depth + 1)
    for j, (mean, second) in enumerate(length_moments(network, 2)):
        expectation, variance = as_float(mean), as_float(second - mean**2)
        average = float(np.mean(table[:, j]))
        assert z_score(average, expectation, variance, SAMPLES) <= LIMIT
        assert j == 0 or z_score(average * 4 / 3, expectation, variance, SAMPLES) > LIMIT
        assert 2 * LIMIT * math.sqrt(variance / SAMPLES) <= 0.1 * expectation


@pytest.mark.parametrize("name", NETWORKS)
def test_second_moments_within_exact_errors(name):
    """Layer 1 only, where M^2 has light tails; the mutant is 1 + 4/n or its like: 10 % off."""
    network = NETWORKS[name]
    squares = reference.lengths(network, SAMPLES, seed=4)[:, 1] ** 2
    moments = [as_float(m) for m in length_moments(network, 4)[1]]
    variance = moments[3] - moments[1] ** 2
    assert z_score(float(np.mean(squares)), moments[1], variance, SAMPLES) <= LIMIT
    assert z_score(float(np.mean(squares)), 0.9 * moments[1], variance, SAMPLES) > LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("order", [1, 2])
def test_soundness_of_the_scores(name, order):
    """2,000 runs of 4,000 networks; E M_d, and E M_1^2. At 5 an effect of 6.28 standard errors is found."""
    network, count = NETWORKS[name], 4_000
    layer = network.depth if order == 1 else 1
    moments = [as_float(m) for m in length_moments(network, 2 * order)[layer]]
    mean, error = moments[order - 1], math.sqrt((moments[2 * order - 1] - moments[order - 1] ** 2) / count)

    def average(seed):
        return float(np.mean(reference.lengths(network, count, seed)[:, layer] ** order))

    scores = [(average(seed) - mean) / error for seed in range(RUNS)]
    check_uniform(f"explicit networks, order {order}, {name}", scores)
    effect = (LIMIT + 1.2816) * error / mean
    name = f"explicit networks, order {order}, {name}, effect {100 * effect:.1f} %"
    check_power_of_shifts(name, scores[:POWER_RUNS], LIMIT)


def test_same_seed_same_numbers_other_seed_others():
    network = NETWORKS["uniform, biases"]
    first, again, other = (reference.lengths(network, 50, seed=s) for s in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:, 1], other[:, 1])
    assert len(np.unique(first[:, 1])) == 50


def test_width_one_signs_by_hand():
    """z = +- sqrt 2 a: M_j = 2 M_{j-1} or 0, so from x = 3 a path is 9, 18, 36, 0, 0, ...; half survive."""
    table = reference.lengths(FullyConnected([1] * 6, weights="rademacher", input=[3]), 2_000, seed=2)
    for before, after in pairwise(table.T):
        assert np.all(np.isclose(after, 2 * before) | (after == 0))
    assert np.all(table[:, 0] == 9)
    alive = int(np.count_nonzero(table[:, 1]))
    assert abs(alive - 1_000) <= LIMIT * math.sqrt(500)


def test_activations_follow_from_explicit_weights(monkeypatch):
    """With weights all 1/sqrt(var) = 1 and bias 1 written by hand: x = (1, 2), gain 2, fan_in 2: entries 1.

    z_1 = 1 + 2 + 1 = 4 in both neurons of layer 1; layer 2: 4 + 4 + 1 = 9, or its negative, cut to 0.
    """
    network = FullyConnected(
        [2, 2, 1], weights="rademacher", bias_weights="rademacher", bias_variance=1, input=[1, 2]
    )
    for sign, expected in ((1, [[1, 2], [4, 4], [9]]), (-1, [[1, 2], [0, 0], [0]])):
        monkeypatch.setattr(
            reference, "draw", lambda law, random, shape, sign=sign: np.full(shape, sign * 1.0)
        )
        rows = next(reference.activations(network, 3, seed=0))
        for row, values in zip(rows, expected, strict=True):
            assert np.allclose(row, [values] * 3)


BAD = {
    "matrix too large": (
        lambda: next(reference.activations(FullyConnected([10**5, 10**5]), 1, 0)),
        "too large",
    ),
    "no samples": (lambda: reference.lengths(NETWORKS["normal"], 0, 0), "from 1 to"),
    "fractional samples": (lambda: reference.lengths(NETWORKS["normal"], 2.5, 0), "whole number"),
    "negative seed": (lambda: reference.lengths(NETWORKS["normal"], 5, -1), "from 0 to"),
    "boolean seed": (lambda: reference.lengths(NETWORKS["normal"], 5, True), "whole number"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused(name):
    call, piece = BAD[name]
    with pytest.raises(SpecError, match=piece):
        call()
