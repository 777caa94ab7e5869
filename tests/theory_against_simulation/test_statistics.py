"""Theory against simulation: tests that agree when theory is right and object when it is not."""

from __future__ import annotations

import pytest
from soundness import POWER_RUNS, RUNS, check_conservative, check_p_values, check_power

from proofs_check.statistics import conditional_ratio, probability
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


INPUT = [1, -2, "1/2", 0, 3]
RATIOS = {
    law: FullyConnected([5, 6, 8, 7], weights=law, input=INPUT)
    for law in ("normal", "uniform", "rademacher", "laplace")
}
RATIOS["orthogonal"] = FullyConnected([5, 6, 6, 3], weights="orthogonal", bias_variance="1/2", input=INPUT)


@pytest.mark.slow
@pytest.mark.parametrize("law", RATIOS)
@pytest.mark.parametrize("k", [1, 2])
def test_soundness_of_conditional_ratios(law, k):
    """An error of the mean stretches the scatter by itself, hence up and down by turns."""
    network, name = RATIOS[law], f"conditional ratio, order {k}, {law}"
    check_p_values(name, (conditional_ratio(network, k, 6000, seed).p_value for seed in range(RUNS)))
    effect = conditional_ratio(network, k, 6000, seed=0).detectable_effect
    factors = [1 / (1 + effect), 1 / (1 - effect)]
    wrong = (
        conditional_ratio(network, k, 6000, s, believed_factor=factors[s % 2]) for s in range(POWER_RUNS)
    )
    check_power(f"{name}, off by {100 * effect:.1f} %", (not found.agrees for found in wrong))


@pytest.mark.slow
def test_soundness_of_probabilities():
    """Exact p-values of a count, which have atoms, and so has the power."""
    network, name = FullyConnected([3, 2, 3], weights="rademacher"), "probability, rademacher"
    check_conservative(name, (probability(network, 6000, seed).p_value for seed in range(RUNS)))
    effect = probability(network, 6000, seed=0).detectable_effect
    wrong = (probability(network, 6000, s, believed_shift=(-1) ** s * effect) for s in range(POWER_RUNS))
    check_power(f"{name}, off by {effect:.3f}", (not found.agrees for found in wrong))
