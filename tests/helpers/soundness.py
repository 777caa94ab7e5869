"""Are z-scores normal under correct code, and is the stated effect found as often as is stated?

All print their figures: `pytest -m slow -s -k soundness` shows them; docs/trust.md keeps them.

A score that divides an average by a standard error estimated from the same sample scatters less, or more,
once the average is off, because average and estimate go together. `ratio_law` says by how much, so that the
effect that is found nine times in ten is known, and not only that of a score of variance one.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import ks_2samp, kstest, nct, norm
from scipy.stats import t as student_t

from proofs_check.statistics import LEVEL
from simulate.result import Sampled

Floats: TypeAlias = NDArray[np.float64]

RUNS, POWER_RUNS = 2_000, 400
# A normal number is above -QUANTILE nine times in ten.
QUANTILE = float(norm.ppf(0.9))


def average_score(values: Floats, expectation: float) -> float:
    """By how many standard errors, from the sample itself, its average is above what is expected."""
    return float((np.mean(values) - expectation) / (np.std(values) / math.sqrt(len(values))))


def exact_score(values: Floats, mean: float, variance: float) -> float:
    """The same by the exact standard error, which heavy tails of a sample do not spoil."""
    return float((np.mean(values) - mean) / math.sqrt(variance / len(values)))


def difference_score(x: Floats, y: Floats) -> float:
    """By how many standard errors, from both samples, the first average is above the second."""
    return float((np.mean(x) - np.mean(y)) / math.sqrt(np.var(x) / len(x) + np.var(y) / len(y)))


def outside_score(values: Floats, low: float, high: float) -> float:
    """By how many standard errors the average is out of bounds; negative inside."""
    return max(-average_score(values, low), average_score(values, high))


def check_uniform(name: str, scores: Iterable[float], law: Any = norm) -> None:
    """Two-sided p-values of the scores, which have this law, against the uniform one."""
    check_p_values(name, 2 * law.sf(np.abs(np.fromiter(scores, float))))


def check_p_values(name: str, values: Iterable[float]) -> None:
    """2,000 p-values against the uniform law; a power of 1.3 would be noticed."""
    values = np.fromiter(values, float)
    found = kstest(values, "uniform").pvalue
    sys.stdout.write(f"\n{name}: KS p = {found:.3f} over {values.size} runs, smallest {values.min():.1e}\n")
    assert values.size == RUNS
    assert found > LEVEL
    assert kstest(values**1.3, "uniform").pvalue < LEVEL


def check_conservative(name: str, values: Iterable[float]) -> None:
    """2,000 p-values no smaller than uniform ones, as where a law has atoms; a power of 1.3 would show."""
    values = np.fromiter(values, float)
    found = kstest(values, "uniform", alternative="greater").pvalue
    sys.stdout.write(f"\n{name}: one-sided KS p = {found:.3f}, smallest {values.min():.1e}\n")
    assert values.size == RUNS
    assert found > LEVEL
    assert kstest(values**1.3, "uniform", alternative="greater").pvalue < LEVEL


def check_power(name: str, found: Iterable[bool]) -> None:
    """Nine in ten, within four standard errors."""
    found = np.fromiter(found, bool)
    sys.stdout.write(f"{name}: power {found.mean():.3f} over {found.size} runs\n")
    assert found.size == POWER_RUNS
    assert abs(found.mean() - 0.9) < 4 * math.sqrt(0.9 * 0.1 / POWER_RUNS)


def check_size(name: str, rejected: Iterable[bool]) -> None:
    """Of a test without a p-value, at five standard errors or so: no run of correct code is rejected."""
    rejected = np.fromiter(rejected, bool)
    sys.stdout.write(f"\n{name}: {rejected.sum()} of {rejected.size} runs rejected\n")
    assert rejected.size == RUNS
    assert not rejected.any()


def ratio_law(sums: Floats, squares: Floats, count: int, *, unbiased: bool = False) -> tuple[float, float]:
    """Mean and deviation of sum u / sqrt(sum q) over `count` independent pairs with the law of these (u, q).

    The delta method on the averages of u and q, to second order in their errors: with U = E u, Q = E q,
        mean      = sqrt(count) U/sqrt(Q) + (3/8 U Var(q)/Q^2 - 1/2 Cov(u, q)/Q) / sqrt(count Q),
        variance  = Var(u)/Q - U Cov(u, q)/Q^2 + U^2 Var(q)/(4 Q^3).
    An `unbiased` score adds an estimate of Cov(u, q)/(2 Q sqrt(count Q)).
    """
    (spread, together), (_, wide) = np.cov(sums, squares)
    u, q = float(np.mean(sums)), float(np.mean(squares))
    bias = 0.0 if unbiased else together / (2 * q)
    shift = (3 * u * wide / (8 * q**2) - bias) / math.sqrt(count * q)
    variance = spread / q - u * together / q**2 + u**2 * wide / (4 * q**3)
    return math.sqrt(count / q) * u + shift, math.sqrt(variance)


Parts: TypeAlias = Callable[[float], tuple[Floats, Floats]]


def noticed(
    limit: float, count: int, scores: Sequence[Parts], unit: float, *, unbiased: bool = False
) -> float:
    """The effect at which the sum of some scores, over the root of their number, is found nine times in ten.

    Each is sum u / sqrt(sum q), and its `parts(effect)` are pairs (u, q) under that effect; `unit` is about
    one standard error, with the sign of the effect. Scores of variance one would find limit + 1.28 units.
    """

    def excess(units: float) -> float:
        laws = [ratio_law(*parts(units * unit), count, unbiased=unbiased) for parts in scores]
        mean, deviation = sum(m for m, _ in laws), math.sqrt(sum(s**2 for _, s in laws))
        return abs(mean) - limit * math.sqrt(len(scores)) - QUANTILE * deviation

    return float(brentq(excess, 1.0, 3 * limit)) * unit


Score: TypeAlias = Callable[[Floats, float], float]


def check_averages(
    name: str,
    draw: Callable[[int], Floats],
    expectation: float,
    limit: float,
    score: Score = average_score,
) -> None:
    """Scores of averages over RUNS samples, and how often a wrong expectation is found.

    `score(draw(run), expectation)` is what the test computes; it divides by the deviation of its own sample.
    In POWER_RUNS runs the expectation is too small and too large by turns, by what nine in ten should find.
    """
    kept = [draw(run) for run in range(POWER_RUNS)]
    off = detectable_shifts(limit, kept)
    found = [abs(score(x, expectation - off[i % 2])) > limit for i, x in enumerate(kept)]
    scores = [score(x, expectation) for x in kept]
    scores += [score(draw(run), expectation) for run in range(POWER_RUNS, RUNS)]
    check_uniform(name, scores)
    check_power(f"{name}, off by {effects(off, expectation)}", found)


def detectable_shifts(limit: float, samples: Sequence[Floats]) -> tuple[float, float]:
    """What may be missing in an expectation, and what it may have too much, to be found nine times in ten."""
    values, count = np.concatenate(samples), round(np.mean([len(x) for x in samples]))
    centred = values - values.mean()
    return both_signs(limit, count, centred, centred**2)


def both_signs(limit: float, count: int, sums: Floats, squares: Floats) -> tuple[float, float]:
    """Effects that are added to every u, or taken away."""
    unit = math.sqrt(np.mean(squares) / count)

    def parts(effect: float) -> tuple[Floats, Floats]:
        return sums + effect, squares

    return noticed(limit, count, [parts], unit), noticed(limit, count, [parts], -unit)


def check_exact(name: str, draw: Callable[[int], Floats], mean: float, variance: float, limit: float) -> None:
    """Scores by an exact standard error: limit + 1.28 of them are found nine times in ten."""
    kept = [draw(run) for run in range(POWER_RUNS)]
    scores = [exact_score(x, mean, variance) for x in kept]
    scores += [exact_score(draw(run), mean, variance) for run in range(POWER_RUNS, RUNS)]
    check_uniform(name, scores)
    off = (limit + QUANTILE) * math.sqrt(variance / len(kept[0]))
    found = (abs(exact_score(x, mean - (-1) ** i * off, variance)) > limit for i, x in enumerate(kept))
    check_power(f"{name}, off by {effects((off, -off), mean)}", found)


def check_differences(name: str, draw: Callable[[int], tuple[Floats, Floats]], limit: float) -> None:
    """Scores of two samples of one law; then one of them moved, up and down by turns."""
    kept = [draw(run) for run in range(POWER_RUNS)]
    off = detectable_differences(limit, kept)
    found = [abs(difference_score(x + off[i % 2], y)) > limit for i, (x, y) in enumerate(kept)]
    scores = [difference_score(*pair) for pair in kept]
    scores += [difference_score(*draw(run)) for run in range(POWER_RUNS, RUNS)]
    check_uniform(name, scores)
    check_power(f"{name}, off by {effects(off, 0)}", found)


def detectable_differences(limit: float, samples: Sequence[tuple[Floats, Floats]]) -> tuple[float, float]:
    """As `detectable_shifts`, with pairs of one value of each sample for values."""
    x, y = (np.concatenate(part) for part in zip(*samples, strict=True))
    size = min(len(x), len(y))
    x, y = x[:size] - x.mean(), y[:size] - y.mean()
    return both_signs(limit, size // len(samples), x - y, x**2 + y**2)


def effects(off: tuple[float, float], expectation: float) -> str:
    """In per cent, or as they are where the expectation is 0."""
    if expectation == 0:
        return f"{off[0]:+.2g}, {off[1]:+.2g}"
    return ", ".join(f"{100 * x / expectation:+.1f} %" for x in off)


def check_two_samples(
    name: str, draw: Callable[[int], tuple[Floats, Floats]], level: float, *, atoms: bool
) -> None:
    """p-values of Kolmogorov and Smirnov for two samples of one law; then a share of one is moved to the top.

    The share is the distance that the level asks for, and 1.28 standard errors; elsewhere chance adds to it.
    """
    kept = [draw(run) for run in range(RUNS)]
    values = (ks_2samp(x, y).pvalue for x, y in kept)
    check_conservative(name, values) if atoms else check_p_values(name, values)
    random, count = np.random.default_rng(1), min(len(part) for part in kept[0])
    distance = math.sqrt(-math.log(level / 2) / count)
    distance += QUANTILE * math.sqrt(distance / count)
    found = [ks_2samp(moved_up(x, distance, random), y).pvalue < level for x, y in kept[:POWER_RUNS]]
    sys.stdout.write(f"{name}, distance {distance:.3f}: found in {np.mean(found):.3f} of {len(found)} runs\n")
    assert np.mean(found) > 0.9 - 4 * math.sqrt(0.9 * 0.1 / POWER_RUNS)


def moved_up(values: Floats, share: float, random: np.random.Generator) -> Floats:
    """Above all others with this probability."""
    return np.where(random.uniform(size=len(values)) < share, np.inf, values)


def estimate_score(found: Sampled, expectation: float) -> float:
    """By how many of its own standard errors an estimate is above what is expected."""
    assert found.standard_error is not None
    return (found.value - expectation) / found.standard_error


def check_estimates(name: str, values: Floats, errors: Floats, limit: float) -> None:
    """Estimates less what they estimate, and the standard errors that come with them, over RUNS runs.

    Both vary and go together: (value + off)/error has, with E the mean error and to second order,
        mean      = off/E (1 + Var(e)/E^2) - Cov(v, e)/E^2,
        variance  = (Var(v) - 2 off Cov(v, e)/E + off^2 Var(e)/E^2)/E^2.
    """
    check_uniform(name, values / errors)
    (spread, together), (_, wide) = np.cov(values, errors)
    mean = float(errors.mean())

    def excess(off: float) -> float:
        centre = off / mean * (1 + wide / mean**2) - together / mean**2
        deviation = math.sqrt(spread - 2 * off * together / mean + off**2 * wide / mean**2) / mean
        return abs(centre) - limit - QUANTILE * deviation

    off = [float(brentq(excess, sign * mean, sign * 3 * limit * mean)) for sign in (1, -1)]
    scores = (values[run] + off[run % 2] for run in range(POWER_RUNS))
    found = [abs(score / errors[run]) > limit for run, score in enumerate(scores)]
    check_power(f"{name}, off by {off[0]:+.2g}, {off[1]:+.2g}", found)


def check_estimates_over_runs(
    name: str, draw: Callable[[int], Sampled], expectation: float, limit: float, runs: int
) -> None:
    """The same of estimates with a standard error over some independent runs: Student's t, central or not."""
    found = [draw(run) for run in range(RUNS)]
    check_uniform(name, (estimate_score(x, expectation) for x in found), student_t(runs - 1))
    deviation = float(np.std([x.value for x in found]))
    off = deviation * float(brentq(lambda mu: nct.cdf(limit, runs - 1, mu) - 0.1, limit, 3 * limit))
    few = enumerate(found[:POWER_RUNS])
    beyond = (abs(estimate_score(x, expectation - (-1) ** i * off)) > limit for i, x in few)
    check_power(f"{name}, off by {effects((off, -off), expectation)}", beyond)


def check_power_of_shifts(name: str, scores: Iterable[float], limit: float) -> None:
    """An effect that moves scores by `limit` + 1.28 is found nine times in ten: the error is exact."""
    check_power(name, (abs(score + limit + QUANTILE) > limit for score in scores))
