"""Theory against the engine on 200 random specs of each kind of network: residual and convolutional.

In every step the length is compared with its mean given what stood before it, exact from theory; the
relative deviations are martingale differences with light tails, so that their sum over steps and
networks, over its standard error, is normal to a good approximation. The largest of 200 |z| is held
below 5.2 (level 1e-4 for one spec, 1e-2 or less for all of them with room for what is not normal); the
sum of all z over the root of 200 below 4. Detectable (power 0.9): a relative effect of 6.5 standard
errors in one spec, of 0.4 standard errors in all. Each mutant is a wrong conditional mean.
"""

from __future__ import annotations

import math
import sys
from functools import cache
from itertools import pairwise, product

import numpy as np
import pytest
from scipy.stats import kstest
from soundness import POWER_RUNS, RUNS, check_power, check_size, check_uniform, noticed, ratio_law

from proofs_check.statistics import LEVEL
from simulate.methods.direct import activations, lengths
from theory.convolutional import Convolutional
from theory.reals import as_float, number
from theory.residual import Residual
from theory.residual_bounds import pair_bounds
from theory.residual_branch import branch_numbers

SPECS = 200
# Deviations of residual nets have a skewness of 3 or 4: scores of 600 have a standard deviation of 1.03.
NETWORKS = {"linear": 1_500, "relu": 1_500, "convolutional": 600}
LAWS = ("normal", "uniform", "rademacher", "laplace", "truncated_normal:2", "student_t:30")
LARGEST, TOGETHER = 5.2, 4.0


def some_input(random, count):
    return [float(x) for x in np.round(random.normal(size=count), 2) + 0.125]


def residual(seed, output):
    random = np.random.default_rng([seed, output == "relu"])
    width, blocks = int(random.integers(1, 12)), int(random.integers(1, 6))
    hidden = [int(m) for m in random.integers(2, 12, random.integers(1, 3))]
    scales = [f"{x:.2f}" for x in random.uniform(0.1, 1.2, blocks)]
    # The cross term is exact for normal weights only.
    law = LAWS[seed % len(LAWS)] if output == "linear" else "normal"
    given = some_input(random, width) if seed % 3 else None
    return Residual(width, scales, hidden, branch_output=output, weights=law, input=given)


def convolutional(seed):
    random = np.random.default_rng(seed)
    axes = int(random.integers(1, 3))
    positions = [int(p) for p in random.integers(2, 7, axes)]
    kernel = [int(random.integers(1, p + 1)) for p in positions]
    groups = int(random.integers(1, 3))
    channels = [groups * int(c) for c in random.integers(1, 7, random.integers(2, 5))]
    given = some_input(random, channels[0] * math.prod(positions)) if seed % 3 else None
    return Convolutional(
        channels,
        kernel=kernel,
        positions=positions,
        groups=groups,
        padding=("circular", "zero")[seed % 2],
        weights=LAWS[seed % len(LAWS)],
        input=given,
    )


def expected_residual(network, mutant):
    """Given x_{l-1}: E M_l, from 1 + eta^2 and, where the branch ends bent, 2 eta c sqrt(M) mean(x)."""
    blocks = []
    for block, numbers in zip(network.blocks, branch_numbers(network), strict=True):
        eta = as_float(number(block.scale))
        growth = 1 + (eta if mutant == "eta for its square" else eta**2)
        cross = 2 * eta * as_float(numbers.cross[0]) if network.branch_output == "relu" else 0.0
        blocks.append((growth, 0.0 if mutant == "no cross term" else cross))

    def mean(l, x):
        growth, cross = blocks[l]
        m = np.mean(x**2, axis=1)
        return growth * m + cross * np.sqrt(m) * np.mean(x, axis=1)

    return mean


def expected_convolutional(network, mutant):
    """Given a_{j-1}: the mean over positions of the mean square that the kernel sees, fan not cut."""
    positions, kernel = network.positions, network.kernel
    padding = "wrap" if network.padding == "circular" or mutant == "border gone round" else "constant"
    reach = [((q - 1) // 2, q // 2) for q in kernel]

    def mean(_, a):
        squares = np.mean(a.reshape(len(a), -1, *positions) ** 2, axis=1)
        framed = np.pad(squares, [(0, 0), *reach], mode=padding)
        total = np.zeros_like(squares)
        for offsets in product(*(range(q) for q in kernel)):
            places = (slice(o, o + p) for o, p in zip(offsets, positions, strict=True))
            total += framed[(slice(None), *places)]
        fan = math.prod(kernel) * (network.groups[0] if mutant == "fan without groups" else 1)
        return np.mean(total.reshape(len(a), -1), axis=1) / fan

    return mean


def spec(kind, seed):
    return convolutional(seed) if kind == "convolutional" else residual(seed, kind)


def drawn(network, stream, count):
    blocks = list(activations(network, count, stream))
    return [np.concatenate([block[j] for block in blocks]) for j in range(network.depth + 1)]


@cache
def simulated(kind, seed):
    network = spec(kind, seed)
    return network, drawn(network, seed, NETWORKS[kind])


def score(kind, seed, mutant=None):
    """Sum of relative deviations over its standard error."""
    return score_of(kind, *simulated(kind, seed), mutant)


def score_of(kind, network, states, mutant=None, effect=0.0):
    """The score of these states; `effect` is by how much the lengths are taken to be larger."""
    return float(ratio(*deviations(kind, network, states, mutant, effect)))


def ratio(sums, squares):
    """The sum over its standard error, without its bias of first order (Johnson, JASA 73, 1978), last axis.

    Deviations are skewed, so that their sum goes with their squares: the bare ratio is -0.05 on average in
    one spec, which in the sum over 200 specs would be -0.7.
    """
    square = np.sum(squares, axis=-1)
    square = np.where(square > 0, square, 1)
    return np.sum(sums, axis=-1) / np.sqrt(square) + np.sum(sums * squares, axis=-1) / 2 / square**1.5


def together(scores):
    """One score of many specs; a spec in which nothing is random has the score 0."""
    return np.sum(scores, axis=0) / np.sqrt(np.count_nonzero(scores, axis=0))


def deviations(kind, network, states, mutant=None, effect=0.0):
    """Sums over the steps of each network's relative deviations, and of their squares."""
    expected = (expected_convolutional if kind == "convolutional" else expected_residual)(network, mutant)
    sums, squares = np.zeros(len(states[0])), np.zeros(len(states[0]))
    for l, (before, after) in enumerate(pairwise(states)):
        alive = np.flatnonzero(np.mean(before**2, axis=1) > 0)
        means = expected(l, before[alive])
        # A mutant may think a living network dead.
        alive, means = alive[means > 0], means[means > 0]
        relative = (1 + effect) * np.mean(after[alive] ** 2, axis=1) / means - 1
        sums[alive] += relative
        squares[alive] += relative**2 if mutant is None else (relative - relative.mean()) ** 2
    return sums, squares


@pytest.mark.full_cases("convolutional")
@pytest.mark.parametrize("kind", ["linear", "relu", "convolutional"])
def test_200_random_specs_agree(kind):
    """No spec contradicts, nor all of them together."""
    scores = np.array([score(kind, seed) for seed in range(SPECS)])
    assert np.max(np.abs(scores)) < LARGEST
    assert abs(together(scores)) < TOGETHER
    assert np.count_nonzero(scores) > 0.9 * SPECS


def pilot(kind, network, count=12_000):
    """Pairs of sums and squares under any effect, of networks whose own chance deviation is taken out."""
    states = drawn(network, 1, count)
    drift = np.mean(deviations(kind, network, states)[0])

    def parts(effect):
        sums, squares = deviations(kind, network, states, effect=effect)
        return sums - (1 + effect) * drift, squares

    return parts


def detectable(limit, networks, pilots):
    """Relative effects in all these specs, too large and too small, that are found nine times in ten.

    With what multiplies them in the mean score to first order: their number of standard errors.
    """
    means = [ratio_law(*parts(1e-3), networks, unbiased=True)[0] for parts in pilots]
    unit = 1e-3 * math.sqrt(len(pilots)) / sum(means)
    return [noticed(limit, networks, pilots, sign * unit, unbiased=True) for sign in (1, -1)], unit


def shown(off, unit):
    return ", ".join(f"{100 * x:+.1f} % ({x / unit:+.1f} standard errors)" for x in off)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["linear", "relu", "convolutional"])
def test_soundness_of_the_scores(kind):
    """One spec, 2,000 streams; lengths too large and too small by what is found nine times in ten."""
    network, scores, found = spec(kind, 4), [], []
    off, unit = detectable(LARGEST, NETWORKS[kind], [pilot(kind, network)])
    for run in range(RUNS):
        states = drawn(network, 1_000 + run, NETWORKS[kind])
        scores.append(score_of(kind, network, states))
        if run < POWER_RUNS:
            found.append(abs(score_of(kind, network, states, effect=off[run % 2])) > LARGEST)
    check_uniform(f"score, {kind}", scores)
    check_power(f"score, {kind}, off by {shown(off, unit)}", found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, specs, networks", [("linear", 3, 750), ("relu", 8, 750), ("convolutional", 3, 300)]
)
def test_soundness_of_all_specs_together(kind, specs, networks):
    """2,000 runs of some specs, cut from one stream of each. Mutant: bare ratios, whose bias adds up."""
    scores, bare, planted = [], [], []
    chosen = [spec(kind, seed) for seed in range(specs)]
    off, unit = detectable(TOGETHER, networks, [pilot(kind, network) for network in chosen])
    for seed, network in enumerate(chosen):
        states = drawn(network, 100 + seed, RUNS * networks)
        sums, squares = (part.reshape(RUNS, -1) for part in deviations(kind, network, states))
        scores.append(ratio(sums, squares))
        bare.append(sums.sum(axis=1) / np.sqrt(squares.sum(axis=1)))
        few = [state[: POWER_RUNS * networks] for state in states]
        wrong = [deviations(kind, network, few, effect=effect) for effect in off]
        planted.append([ratio(*(part.reshape(POWER_RUNS, -1) for part in pair)) for pair in wrong])
    check_uniform(f"{specs} specs together, {kind}", together(scores))
    assert kstest(together(scores), "norm").pvalue > LEVEL
    assert kind != "relu" or kstest(together(bare), "norm").pvalue < LEVEL
    too_large, too_small = np.abs(together(planted)) > TOGETHER
    found = np.where(np.arange(POWER_RUNS) % 2, too_small, too_large)
    check_power(f"{specs} specs together, {kind}, off by {shown(off, unit)}", found)


MUTANTS = [
    ("linear", "eta for its square"),
    ("relu", "eta for its square"),
    ("relu", "no cross term"),
    ("convolutional", "fan without groups"),
    ("convolutional", "border gone round"),
]


@pytest.mark.parametrize("kind, mutant", MUTANTS)
def test_wrong_means_are_caught(kind, mutant):
    """Both by the worst spec and by all together, within the first 60."""
    scores = np.array([score(kind, seed, mutant) for seed in range(60)])
    assert np.max(np.abs(scores)) > LARGEST
    assert abs(together(scores)) > TOGETHER


@cache
def narrow(seed):
    """Scales and input of a net of width 3 and hidden width 4, and E M_L of 6,000 with its standard error.

    Of 1,500 one in 2,000 specs was outside: where both bounds are E M_L, and a skewed sample is small, so is
    its standard error.
    """
    random = np.random.default_rng([7, seed])
    scales = np.round(random.uniform(0.05, 1.0, random.integers(1, 6)), 2)
    given = some_input(random, 3) if seed % 2 else None
    found = lengths(Residual(3, [f"{x:.2f}" for x in scales], [4], input=given), 6_000, seed)[:, -1]
    return scales, given, found.mean(), np.std(found) / math.sqrt(len(found))


def outside(seed, stretch=1.0):
    """By how many standard errors the average of M_L is out of the bounds of scales so much larger."""
    scales, given, mean, error = narrow(seed)
    bounds = pair_bounds(Residual(3, [f"{x:.4f}" for x in scales * stretch], [4], input=given))[-1]
    return max(as_float(bounds.lower) - mean, mean - as_float(bounds.upper)) / error


BETWEEN = 4.5


def all_inside(stretch=1.0):
    return max(outside(seed, stretch) for seed in range(SPECS)) < BETWEEN


@pytest.mark.full
def test_relu_branches_lie_between_their_bounds():
    """200 specs within 4.5 standard errors. Mutants: bounds of scales a tenth smaller, or larger."""
    assert all_inside()
    assert not all_inside(0.9)
    assert not all_inside(1.1)


@pytest.mark.slow
def test_soundness_of_bounds_on_relu_branches():
    """2,000 specs: none out of its bounds. Scales a tenth off show in so many that 200 find them for sure."""
    check_size("between bounds, relu", (outside(seed) > BETWEEN for seed in range(RUNS)))
    for stretch in (0.9, 1.1):
        share = np.mean([outside(seed, stretch) > BETWEEN for seed in range(POWER_RUNS)])
        sys.stdout.write(f"between bounds, relu, scales times {stretch}: found in {share:.3f} of the specs\n")
        assert (1 - share) ** SPECS < 1e-6
