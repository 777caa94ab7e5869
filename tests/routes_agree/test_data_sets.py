"""Expected numbers of exploding and dying inputs, against explicit networks that all inputs share."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from soundness import RUNS, average_score, check_averages

from theory.data_sets import expected_above, expected_below, expected_dead, fall_limit, growth_limit
from theory.exact_law import length_law
from theory.network import FullyConnected

WIDTHS = (3, 4, 5, 3)
NET = FullyConnected(WIDTHS)
NETWORKS = 40_000
# Standard errors; passed by chance once in a million runs.
LIMIT = 5


def data_set() -> np.ndarray:
    """Eight dependent inputs: multiples, opposites, neighbours and one-hot ones; shape (8, 3)."""
    alike = [[1, 1, 1], [2, 2, 2], [-1, -1, -1], [1, 1, 1.01]]
    return np.array([*alike, [1, 0, 0], [0, -5, 0], [1, -2, 3], [0.1, 0.2, 0]])


def ratios_of(networks: int, seed: int) -> np.ndarray:
    """M_d/M_0 of every input under every network, shape (networks, inputs), with weights of our own."""
    random = np.random.default_rng(seed)
    inputs = data_set()
    a = np.broadcast_to(inputs.T, (networks, 3, len(inputs)))
    for fan_in, width in pairwise(WIDTHS):
        weights = random.standard_normal((networks, width, fan_in)) * np.sqrt(2 / fan_in)
        a = np.maximum(weights @ a, 0)
    return np.mean(a**2, axis=1) / np.mean(inputs**2, axis=1)


@pytest.fixture(scope="module")
def ratios() -> np.ndarray:
    return ratios_of(NETWORKS, 7)


POINTS = (0.1, 1.0, 3.0)


@pytest.mark.parametrize("t", POINTS)
def test_expected_numbers_hold_however_dependent_the_inputs(ratios, t):
    """A shift of 0.12 inputs, 8 standard errors, fails with power above 0.99."""
    size = ratios.shape[1]
    above, below = (ratios > t).sum(axis=1), (ratios <= t).sum(axis=1)
    expected = float(expected_above(NET, size, t))
    assert abs(average_score(above, expected)) < LIMIT
    assert abs(average_score(below, float(expected_below(NET, size, t)))) < LIMIT
    assert abs(average_score(above, float(expected_above(FullyConnected(WIDTHS[:-1]), size, t)))) > LIMIT
    # Dependence shows in the spread, which is not binomial, and not in the mean.
    p = expected / size
    assert above.var() > 1.5 * size * p * (1 - p)


@pytest.mark.slow
def test_soundness_of_expected_numbers():
    """2,000 runs of 1,000 networks: above three thresholds, and dead."""
    runs = [ratios_of(1_000, run) for run in range(RUNS)]
    for t in POINTS:
        draws = [(run > t).sum(axis=1) for run in runs]
        check_averages(f"inputs above {t}", draws.__getitem__, float(expected_above(NET, 8, t)), LIMIT)
    dead = [(run == 0).sum(axis=1) for run in runs]
    check_averages("dead inputs", dead.__getitem__, float(expected_dead(NET, 8)), LIMIT)


def test_probability_of_any_is_at_most_the_expected_number(ratios):
    t = growth_limit(NET, 8, expected=0.5)
    assert float(expected_above(NET, 8, t)) == pytest.approx(0.5, abs=1e-9)
    some = np.mean((ratios > t).any(axis=1))
    assert some < 0.5
    assert some < 1 - (1 - 0.5 / 8) ** 8  # what independent inputs would give


def test_dead_inputs_are_counted_exactly(ratios):
    dead = expected_dead(NET, 8)
    assert dead.fraction == 8 * (1 - Fraction(15, 16) * Fraction(31, 32) * Fraction(7, 8))
    assert abs(average_score((ratios == 0).sum(axis=1), float(dead))) < LIMIT
    assert abs(average_score((ratios == 0).sum(axis=1), 1.2 * float(dead))) > LIMIT
    assert float(expected_below(NET, 8, 0)) == float(dead)
    assert expected_dead(NET.replaced(activation="abs", output_activation="abs"), 8).fraction == 0


@pytest.mark.parametrize("size", [2, 60_000, 10**12])
def test_limits_keep_the_expected_number_at_one(size):
    net = FullyConnected([784, *[200] * 20])
    high, low = growth_limit(net, size), fall_limit(net, size)
    assert float(expected_above(net, size, high)) == pytest.approx(1, rel=1e-7)
    assert float(expected_below(net, size, low)) == pytest.approx(1, rel=1e-7 if size < 10**6 else 0.05)
    assert float(expected_above(net, size, high * 1.01)) < 1
    assert float(expected_below(net, size, low * 0.99)) < 1


@pytest.mark.full
def test_limits_grow_with_the_data_set():
    limits = [growth_limit(NET, n) for n in (1, 10, 1000, 10**6, 10**9)]
    assert limits[0] == 0
    assert limits == sorted(limits)
    assert growth_limit(NET, 10**9) == float(length_law(NET).isf(1e-9))


def test_limits_where_the_dead_decide():
    assert fall_limit(NET, 1000) == 0
    assert fall_limit(NET, 1) == np.inf
    assert growth_limit(FullyConnected([1, 1, 1, 1]), 8) == 0  # one of eight is alive on average


def test_laws_of_other_layers_and_scales():
    scaled = NET.replaced(input=[5, 5, 5])
    law = length_law(scaled, 2, relative_to_input=False)
    assert np.array_equal(
        expected_above(law, 10, [0.5, 2]), expected_above(FullyConnected(WIDTHS[:-1]), 10, [0.5, 2])
    )
    assert growth_limit(law, 10) == growth_limit(FullyConnected(WIDTHS[:-1]), 10)


@pytest.mark.parametrize("size", [0, -3, 1.5, True, "10", 10**16])
def test_sizes_that_are_refused(size):
    for question in (growth_limit, fall_limit, expected_dead):
        with pytest.raises(ValueError, match="size of a data set must be a whole number from 1"):
            question(NET, size)
    with pytest.raises(ValueError, match="size of a data set"):
        expected_above(NET, size, 1)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), "one", True])
def test_expected_numbers_that_are_refused(bad):
    with pytest.raises(ValueError, match="expected number must be a positive number"):
        growth_limit(NET, 10, expected=bad)


@pytest.mark.parametrize("bad", [-1, float("nan"), [1, -2], "high"])
def test_thresholds_that_are_refused(bad):
    with pytest.raises(ValueError, match="threshold"):
        expected_above(NET, 10, bad)
    with pytest.raises(ValueError, match="threshold"):
        expected_below(NET, 10, bad)


def test_networks_that_are_refused():
    with pytest.raises(ValueError, match="exact law is known for normal weights"):
        growth_limit(NET.replaced(weights="uniform"), 10)
