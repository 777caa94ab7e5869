"""Bounds on bent residual nets against simulation by explicit normal matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, fmpq
from soundness import POWER_RUNS, RUNS, check_power_of_shifts, check_uniform

from theory import Residual
from theory import residual_bounds as bounds
from theory.residual_branch import branch_numbers


def simulated(network: Residual, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """M_l and mean(x_l), l = 1..L, of nets with explicit normal matrices: two (L, count) arrays."""
    rng = np.random.default_rng(seed)
    start = (
        [1.0] * network.width
        if network.input is None
        else [float(int(x.p) / int(x.q)) for x in network.input]
    )
    x = np.tile(np.array(start), (count, 1))
    lengths, means = [], []
    for block in network.blocks:
        a = x
        for layer in block.layers:
            deviation = float(arb(layer.entry_variance).mid()) ** 0.5
            weights = rng.standard_normal((count, layer.width, layer.fan_in)) * deviation
            z = np.einsum("rij,rj->ri", weights, a)
            plus, minus = (float(arb(slope).mid()) for slope in layer.activation.slopes)
            a = np.where(z > 0, plus * z, minus * z)
        x = x + float(arb(block.scale_squared).sqrt().mid()) * a
        lengths.append((x**2).mean(axis=1))
        means.append(x.mean(axis=1))
    return np.array(lengths), np.array(means)


def estimate(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)


def random_net(seed: int) -> Residual:
    rng = np.random.default_rng([seed, 1])
    width = int(rng.integers(1, 6))
    blocks = int(rng.integers(1, 4))
    return Residual(
        width,
        [fmpq(int(rng.integers(1, 6)), 10) for _ in range(blocks)],
        [[int(h) for h in rng.integers(1, 8, size=int(rng.integers(1, 3)))] for _ in range(blocks)],
        activation=str(rng.choice(["relu", "leaky_relu:1/5", "abs", "slopes:-1:0", "slopes:0:-2"])),
        mode=str(rng.choice(["fan_in", "fan_avg"])),
        input=[int(v) or 1 for v in rng.integers(-2, 4, size=width)],
    )


SAMPLES = 40_000


@pytest.mark.parametrize("seed", range(16))
def test_bounds_hold_in_simulation(seed):
    """Standard errors are 0.2 % to 1 % of E M_l: a bound 5 % on the wrong side would be seen."""
    network = random_net(seed)
    lengths, _ = simulated(network, SAMPLES, seed)
    for between, values in zip(bounds.pair_bounds(network)[1:], lengths, strict=True):
        mean, error = estimate(values)
        assert error < mean / 80
        assert float(between.lower) - 5 * error <= mean <= float(between.upper) + 5 * error


@pytest.mark.fast_cases("*upper")
@pytest.mark.parametrize("factor, end", [(fmpq(4, 5), "upper"), (fmpq(6, 5), "lower")])
def test_a_wrong_c_is_caught_in_simulation(monkeypatch, factor, end):
    """20 % off in c puts a bound on the wrong side in most of ten nets of trunks with 4 neurons."""
    nets = [Residual(4, ["1/2"] * 3, [h]) for h in range(1, 11)]

    def mutated(network):
        return [replace(b, cross=tuple(c * factor for c in b.cross)) for b in branch_numbers(network)]

    monkeypatch.setattr(bounds, "branch_numbers", mutated)
    caught = 0
    for seed, network in enumerate(nets):
        mean, error = estimate(simulated(network.replaced(input=[1] * 4), SAMPLES, seed)[0][-1])
        bound = float(getattr(bounds.pair_bounds(network)[-1], end))
        caught += bound < mean - 5 * error if end == "upper" else bound > mean + 5 * error
    assert caught >= 8


@pytest.mark.parametrize("seed", range(16))
def test_the_first_block_is_exact(seed):
    """E M_1 = (1 + alpha eta^2) M_0 + 2 eta c sqrt(M_0) mean(x_0): both bounds are that, in simulation too.

    The same estimate tells c from c/2: their difference is many standard errors wherever mean(x_0)
    is not small.
    """
    network = random_net(seed)
    between = bounds.pair_bounds(network)[1]
    lengths, _ = simulated(network, SAMPLES, seed)
    mean, error = estimate(lengths[0])
    square, start = bounds.start(network)
    growth = 1 + branch_numbers(network)[0].mean_factor * network.blocks[0].scale_squared
    exact = between.upper
    assert abs(float(exact) - mean) < 5 * error
    if start >= 0 and network.activation.name in ("relu", "abs"):
        assert between.lower.overlaps(exact)
    half_cross = (exact + growth * square) / 2
    if abs(float(start)) > 0.5:
        assert abs(float(half_cross) - mean) > 5 * error


@pytest.mark.parametrize("hidden", [[3], [4, 2], [2, 3, 2]])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/5"])
def test_gamma_at_every_depth_of_the_branch(hidden, activation):
    """E mean(y)^2 = gamma M at every depth; delta with c^2 in its place would be off by 10 % and more."""
    network = Residual(4, [1], [hidden], activation=activation, input=[1, 2, -1, 1])
    (branch,) = branch_numbers(network)
    square, start = (float(v) for v in bounds.start(network))
    _, means = simulated(network, 200_000, 5)
    found, error = estimate((means[0] - start) ** 2 / square)
    assert abs(found - float(branch.gamma(4)[0])) < 5 * error
    wrong = replace(branch, pair=(branch.cross[0] ** 2,) * 2).gamma(4)[0]
    assert abs(found - float(wrong)) > 5 * error
    cross, error = estimate((means[0] - start) / square**0.5)
    assert abs(cross - float(branch.cross[0])) < 5 * error


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 5])
def test_soundness_of_the_first_block(seed):
    """2,000 runs of 4,000 networks, and an effect of 6.28 standard errors found at 5 nine times in ten."""
    network = random_net(seed)
    exact = float(bounds.pair_bounds(network)[1].upper)
    scores = []
    for run in range(RUNS):
        mean, error = estimate(simulated(network, 4_000, 1_000 + run)[0][0])
        scores.append((mean - exact) / error)
    check_uniform(f"first residual block, spec {seed}", scores)
    check_power_of_shifts(f"first residual block, spec {seed}", scores[:POWER_RUNS], 5)
