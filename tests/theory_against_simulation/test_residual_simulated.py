"""Bounds on bent residual nets against simulation by explicit normal matrices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from flint import arb, fmpq
from soundness import (
    POWER_RUNS,
    RUNS,
    average_score,
    check_averages,
    check_power_of_shifts,
    check_size,
    check_uniform,
    outside_score,
)

from theory import FullyConnected, Residual
from theory import residual_bounds as bounds
from theory.readings.exact import length_moments
from theory.residual_branch import branch_numbers


def simulated(
    network: Residual, count: int, seed: int, blocks: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """M_l and mean(x_l), l = 1, 2, ..., of nets with explicit normal matrices: two (blocks, count) arrays."""
    rng = np.random.default_rng(seed)
    start = (
        [1.0] * network.width
        if network.input is None
        else [float(int(x.p) / int(x.q)) for x in network.input]
    )
    x = np.tile(np.array(start), (count, 1))
    lengths, means = [], []
    for block in network.blocks[:blocks]:
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


SAMPLES, LIMIT = 40_000, 5
SPECS = range(16)


def outside(network, lengths):
    """The score of each block, by how far E M_l is out of its bounds."""
    ends = [(float(b.lower), float(b.upper)) for b in bounds.pair_bounds(network)[1:]]
    return [outside_score(values, *end) for values, end in zip(lengths, ends, strict=True)]


@pytest.mark.parametrize("seed", SPECS)
def test_bounds_hold_in_simulation(seed):
    """Standard errors are 0.2 % to 1 % of E M_l: a bound 5 % on the wrong side would be seen."""
    network = random_net(seed)
    lengths, _ = simulated(network, SAMPLES, seed)
    assert np.all(np.std(lengths, axis=1) / SAMPLES**0.5 < np.mean(lengths, axis=1) / 80)
    assert max(outside(network, lengths)) <= LIMIT


@pytest.mark.slow
def test_soundness_of_bounds_in_simulation():
    """2,000 runs over the 16 specs, of 4,000 networks: none is rejected."""
    nets = [random_net(seed) for seed in SPECS]
    runs = ((nets[run % len(nets)], 100 + run) for run in range(RUNS))
    found = (max(outside(net, simulated(net, 4_000, seed)[0])) > LIMIT for net, seed in runs)
    check_size("between bounds, residual", found)


def beyond_a_wrong_end(network, end, seed, count=SAMPLES):
    """Whether E M_L of this network is beyond this end of bounds that are changed."""
    values = simulated(network.replaced(input=[1] * 4), count, seed)[0][-1]
    score = average_score(values, float(getattr(bounds.pair_bounds(network)[-1], end)))
    return (score if end == "upper" else -score) > LIMIT


@pytest.mark.fast_cases("*upper")
@pytest.mark.parametrize("factor, end", [(fmpq(4, 5), "upper"), (fmpq(6, 5), "lower")])
def test_a_wrong_c_is_caught_in_simulation(monkeypatch, factor, end):
    """20 % off in c puts a bound on the wrong side in most of ten nets of trunks with 4 neurons."""
    nets = [Residual(4, ["1/2"] * 3, [h]) for h in range(1, 11)]

    def mutated(network):
        return [replace(b, cross=tuple(c * factor for c in b.cross)) for b in branch_numbers(network)]

    monkeypatch.setattr(bounds, "branch_numbers", mutated)
    assert sum(beyond_a_wrong_end(network, end, seed) for seed, network in enumerate(nets)) >= 8


@pytest.mark.parametrize("seed", SPECS)
def test_the_first_block_is_exact(seed):
    """E M_1 = (1 + alpha eta^2) M_0 + 2 eta c sqrt(M_0) mean(x_0): both bounds are that, in simulation too.

    The same estimate tells c from c/2: their difference is many standard errors wherever mean(x_0)
    is not small.
    """
    network = random_net(seed)
    between = bounds.pair_bounds(network)[1]
    lengths, _ = simulated(network, SAMPLES, seed)
    square, start = bounds.start(network)
    growth = 1 + branch_numbers(network)[0].mean_factor * network.blocks[0].scale_squared
    exact = between.upper
    assert abs(average_score(lengths[0], float(exact))) < LIMIT
    if start >= 0 and network.activation.name in ("relu", "abs"):
        assert between.lower.overlaps(exact)
    half_cross = (exact + growth * square) / 2
    if abs(float(start)) > 0.5:
        assert abs(average_score(lengths[0], float(half_cross))) > LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("seed", SPECS[::2])
def test_soundness_of_the_first_block(seed):
    """2,000 runs of 3,000 networks; every other spec."""
    network = random_net(seed)
    exact = float(bounds.pair_bounds(network)[1].upper)

    def draw(run):
        return simulated(network, 3_000, 1_000 + run, blocks=1)[0][0]

    check_averages(f"first residual block, spec {seed}", draw, exact, LIMIT)


# Three narrow layers such as [2, 3, 2] have too heavy tails for a z-score.
HIDDEN = [[3], [4, 2], [6, 5, 4]]


def one_block(hidden, activation):
    return Residual(4, [1], [hidden], activation=activation, input=[1, 2, -1, 1])


def mean_outputs(network, count, seed):
    """mean(y)/sqrt(M) of the one branch."""
    square, start = (float(v) for v in bounds.start(network))
    return (simulated(network, count, seed)[1][0] - start) / square**0.5


def error_of_squares(network, count):
    """The exact standard error of the average of mean(y)^2/M, whose own estimate heavy tails would spoil.

    Given the hidden layers y has i.i.d. entries phi(z), z normal of variance v, and E phi(z)^k = m_k v^{k/2},
    so that E (sum y)^4 = v^2 (n m_4 + 4 (n)_2 m_3 m_1 + 3 (n)_2 m_2^2 + 6 (n)_3 m_2 m_1^2 + (n)_4 m_1^4).
    v goes with the length of the last hidden layer, whose moments are those of a fully connected net.
    """
    n, (branch,) = network.width, branch_numbers(network)
    plus, minus = (float(slope) for slope in network.activation.slopes)
    root = (2 / np.pi) ** 0.5
    absolute = (root, 1, 2 * root, 3)
    m1, m2, m3, m4 = ((plus**k + (-minus) ** k) / 2 * e for k, e in enumerate(absolute, start=1))
    falling = [math.perm(n, k) for k in range(5)]
    fourth = (
        n * m4 + falling[2] * (4 * m3 * m1 + 3 * m2**2) + 6 * falling[3] * m2 * m1**2 + falling[4] * m1**4
    )
    hidden = FullyConnected(
        [n, *network.branch_widths[0]], activation=network.activation, input=network.input
    )
    first, second = (float(m) for m in length_moments(hidden, 2)[-1])
    v = float(branch.mean_factor) / m2
    variance = v**2 * second / first**2 * fourth / n**4 - float(branch.gamma(n)[0]) ** 2
    return (variance / count) ** 0.5


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/5"])
def test_gamma_at_every_depth_of_the_branch(hidden, activation):
    """E mean(y)^2 = gamma M at every depth; delta with c^2 in its place would be off by 10 % and more."""
    network, count = one_block(hidden, activation), 200_000
    (branch,) = branch_numbers(network)
    found, error = mean_outputs(network, count, 5), error_of_squares(network, count)
    assert abs(np.mean(found**2) - float(branch.gamma(4)[0])) < LIMIT * error
    wrong = replace(branch, pair=(branch.cross[0] ** 2,) * 2).gamma(4)[0]
    assert abs(np.mean(found**2) - float(wrong)) > LIMIT * error
    assert abs(average_score(found, float(branch.cross[0]))) < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize(
    "hidden, activation", [*((hidden, "relu") for hidden in HIDDEN), ([3], "leaky_relu:1/5")]
)
def test_soundness_of_gamma(hidden, activation):
    """2,000 runs of 3,000 networks: mean(y)^2 by its exact error, mean(y) by that of the sample."""
    network, count = one_block(hidden, activation), 3_000
    (branch,) = branch_numbers(network)
    gamma, error = float(branch.gamma(4)[0]), error_of_squares(network, count)
    name, runs = f"{activation}, hidden {hidden}", [mean_outputs(network, count, run) for run in range(RUNS)]
    check_averages(f"c, {name}", runs.__getitem__, float(branch.cross[0]), LIMIT)
    scores = [(np.mean(run**2) - gamma) / error for run in runs]
    check_uniform(f"gamma, {name}", scores)
    check_power_of_shifts(f"gamma, {name}", scores[:POWER_RUNS], LIMIT)
