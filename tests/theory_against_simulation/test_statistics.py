"""Theory against simulation: tests that agree when theory is right and object when it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from proofs_check.statistics import LEVEL, conditional_ratio, probability
from theory import FullyConnected

NETWORKS = {
    "normal": FullyConnected([5, 6, 8, 7]),
    "uniform with bias": FullyConnected([4, 6, 5], weights="uniform", bias_variance="1/3"),
    "rademacher": FullyConnected([6, 5, 6], weights="rademacher", input=[1, -2, 3, 0, 1, "1/2"]),
    "laplace, leaky": FullyConnected([5, 8, 8], weights="laplace", activation="leaky_relu:0.2"),
    "sparse, laplace bias": FullyConnected(
        [5, 8, 8],
        weights="finite:-1:1/8,0:3/4,1:1/8",
        bias_weights="laplace",
        bias_variance=2,
        activation="abs",
    ),
}


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_conditional_ratios_agree(network, k):
    assert conditional_ratio(network, k, samples=3000, seed=11).agrees


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_twice_the_detectable_effect_is_noticed_both_ways(network, k):
    effect = conditional_ratio(network, k, samples=3000, seed=12).detectable_effect
    for factor in (1 + 2 * effect, 1 - 2 * effect):
        assert not conditional_ratio(network, k, samples=3000, seed=12, believed_factor=factor).agrees


def test_a_layer_that_is_certain_must_be_exact():
    """Signs, one input neuron, abs: every M_j is certain, so any other belief is impossible."""
    network = FullyConnected([1, 1, 1], weights="rademacher", activation="abs")
    assert conditional_ratio(network, 1, samples=10, seed=0).agrees
    assert not conditional_ratio(network, 1, samples=10, seed=0, believed_factor=1.001).agrees


def test_probability_agrees_and_notices_a_shift():
    network = FullyConnected([3, 2, 3], weights="rademacher")
    found = probability(network, samples=20_000, seed=5)
    assert found.agrees
    shifted = probability(network, samples=20_000, seed=5, believed_shift=1.5 * found.detectable_effect)
    assert not shifted.agrees


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2])
def test_p_values_are_uniform_over_2000_runs(k):
    """Kolmogorov distance over 2,000 runs; 0.05 would be noticed with power above 0.9."""
    network = FullyConnected([5, 6, 8, 7], weights="uniform")
    values = [conditional_ratio(network, k, samples=6000, seed=s).p_value for s in range(2000)]
    assert kstest(values, "uniform").pvalue > LEVEL
    skewed = np.asarray(values) ** 1.3
    assert kstest(skewed, "uniform").pvalue < LEVEL


@pytest.mark.slow
def test_power_is_what_is_stated():
    """Planted errors of the stated size are found in 90 % of 400 runs, within 4 standard errors.

    Up and down by turns, because an error of the mean stretches the scatter by itself.
    """
    network = FullyConnected([5, 6, 8, 7], weights="uniform")
    effect = conditional_ratio(network, 1, samples=2000, seed=0).detectable_effect
    factors = [1 / (1 + effect), 1 / (1 - effect)]
    found = [
        not conditional_ratio(network, 1, 2000, seed, believed_factor=factors[seed % 2]).agrees
        for seed in range(400)
    ]
    assert abs(np.mean(found) - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 400) + 0.02
