"""The largest and smallest ratio of a data set: bounds against closed forms and against shared networks."""

from __future__ import annotations

import json
import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from flint import arb, fmpq
from soundness import (
    POWER_RUNS,
    QUANTILE,
    RUNS,
    average_score,
    check_power,
    check_power_of_shifts,
    check_size,
    check_uniform,
    outside_score,
)

from simulate.many_inputs import joint_lengths
from theory.data_sets import growth_limit
from theory.enclosed_tails import enclosed_tails
from theory.exact_law import length_law
from theory.extremes import Largest, Smallest, largest_length, smallest_length
from theory.network import FullyConnected
from theory.values import Bounded

NETWORKS = 4_000
POINTS = (0.02, 0.3, 1.0, 4.0)
# Standard errors; passed by chance once in a million.
LIMIT = 5.0


def one_neuron(t):
    """P(X > t) for widths 1,1: X = 2 z^2 where z > 0, by the error function."""
    return (arb(t).sqrt() / 2).erfc() / 2


def ends(bounds: Bounded) -> tuple[float, float]:
    return float(arb(bounds.lower)), float(arb(bounds.upper))


def misses(hits: np.ndarray, bounds: Bounded) -> float:
    """By how many binomial standard errors a simulated probability lies outside its bounds."""
    share, (low, high) = float(np.mean(hits)), ends(bounds)
    nearest = min(max(share, low), high)
    error = math.sqrt(max(nearest * (1 - nearest), 1 / hits.size) / hits.size)
    return abs(share - nearest) / error


@pytest.mark.fast_cases("0.01-1", "1e-13-2")
@pytest.mark.parametrize("size", [1, 2, 60_000, 10**12])
@pytest.mark.parametrize("goal", [1e-13, 1e-10, 1e-2])
def test_bounds_enclose_the_closed_form_of_one_neuron(size, goal):
    """Both ends contain N P(X > t) and P(X > t), also where the law itself is asked for coarsely."""
    one = length_law(FullyConnected([1, 1]), absolute_error=goal)
    for t in (1e-9, 0.1, 5.0, 80.0):
        above = one_neuron(t)
        largest, smallest = largest_length(one, size), smallest_length(one, size)
        for found, low, high in (
            (largest.sf(t), above, above * size),
            (largest.cdf(t), 1 - above * size, 1 - above),
            (smallest.cdf(t), 1 - above, (1 - above) * size),
            (smallest.sf(t), 1 - (1 - above) * size, above),
        ):
            for end, closed in ((found.lower, low), (found.upper, high)):
                clipped = closed.max(arb(0)).min(arb(1))
                assert arb(end).overlaps(clipped)
                assert (arb(end) - clipped).abs_upper() < 3 * goal * size


@pytest.mark.fast_cases("*-7")
@pytest.mark.parametrize("size", [1, 7, 60_000])
@pytest.mark.parametrize("goal", [1e-13, 1e-2])
def test_quantiles_are_proved_by_the_closed_form(size, goal):
    """P(max <= t) >= p at the upper end and < p at the lower one, for the closed form of one neuron.

    Mutants: the ends the other way round; the quantile of one input for that of N.
    """
    one = length_law(FullyConnected([1, 1]), absolute_error=goal)
    for p in (0.6, 0.9, 0.999):
        low, high = (arb(x) for x in ends(largest_length(one, size).ppf(p)))
        assert 1 - size * one_neuron(high * (1 + 1e-14)) >= p
        assert 1 - one_neuron(low * (1 - 1e-14)) < p
        if size > 1:
            assert not 1 - size * one_neuron(low) >= p
        low, high = (arb(x) for x in ends(smallest_length(one, size).ppf(p)))
        assert 1 - one_neuron(high * (1 + 1e-14)) >= p
        assert low == 0 if size > 1 else 1 - one_neuron(low * (1 - 1e-14)) < p


@pytest.mark.full
def test_the_proof_of_a_quantile_bites():
    """The guesses of the inversion alone, without a step outward, are no bounds somewhere."""
    one, unproved = length_law(FullyConnected([5, 5, 5])), 0
    for p in np.linspace(0.15, 0.95, 17).tolist():
        exact = fmpq(*p.as_integer_ratio())
        below, _ = enclosed_tails(one, float(one.log_ppf(p)))
        unproved += not below < exact
        least, most = ends(largest_length(one, 1).ppf(p))
        assert enclosed_tails(one, math.log(least) - 1e-15)[0] < exact
        assert enclosed_tails(one, math.log(most) + 1e-15)[0] > exact
        assert least == pytest.approx(most, rel=1e-9)
    assert unproved > 10


LAW = FullyConnected([3, 4, 6])


def share_score(draws, t, below, above):
    """By how many binomial standard errors the share up to t is too large."""
    return (np.mean(draws <= t) - below) / math.sqrt(below * above / draws.size)


@pytest.mark.slow
def test_soundness_of_draws_of_the_factors():
    """2,000 runs of 5,000 draws at t = 1; a probability off by 0.044 is found nine times in ten."""
    law = length_law(LAW)
    below, above = (float(x) for x in enclosed_tails(law, 0.0))
    draws = (law.rvs(5_000, random_state=run) for run in range(RUNS))
    scores = [share_score(draw, 1.0, below, above) for draw in draws]
    check_uniform("draws of the factors", scores)
    check_power_of_shifts("draws of the factors", scores[:POWER_RUNS], LIMIT)


def test_enclosed_tails_against_draws_of_the_factors():
    """Another route: 200,000 products of the layers' own factors; then deep tails, which sum to 1.

    Mutant: the share up to a fifth more.
    """
    law = length_law(LAW)
    draws = law.rvs(200_000, random_state=1)
    for t in POINTS:
        below, above = (float(x) for x in enclosed_tails(law, math.log(t)))
        assert abs(share_score(draws, t, below, above)) < LIMIT
        assert abs(share_score(draws, 1.2 * t, below, above)) > LIMIT
    for log_t in (-700.0, -20.0, 3.0, 10.0, 900.0):
        below, above = enclosed_tails(law, log_t)
        assert (below + above).contains(arb(1))
        assert arb(below).rad() < 2 * law.reported_error


GENERAL = FullyConnected([3, 4, 3])


def general_of(seed, networks=NETWORKS):
    """Five inputs, neither parallel nor opposite, under the same networks."""
    inputs = np.array([[1.0, 0, 0], [1, 1, 0], [0.5, -1, 2], [-1, 0, 0.1], [3, 1, 1]])
    return joint_lengths(GENERAL, inputs, networks, seed)


@pytest.fixture(scope="module")
def general():
    return general_of(11)


def general_bounds():
    """P(above t) and P(up to t) of largest and smallest of five, for each t, and P(one is dead)."""
    laws = largest_length(GENERAL, 5), smallest_length(GENERAL, 5)
    return [[(law.sf(t), law.cdf(t)) for law in laws] for t in POINTS], laws[1].cdf(0)


def outside_general(found, bounds):
    """The worst of all scores."""
    points, dead = bounds
    yield misses(found.smallest == -math.inf, dead)
    for t, pair in zip(POINTS, points, strict=True):
        for logs, (above, below) in zip((found.largest, found.smallest), pair, strict=True):
            yield misses(logs > math.log(t), above)
            yield misses(logs <= math.log(t), below)


def test_shared_networks_stay_between_the_bounds(general):
    """Strictly between for these inputs, so that the two ends may not be swapped: the mutant."""
    points, dead = bounds = general_bounds()
    assert max(outside_general(general, bounds)) < LIMIT
    for bound in (b for pair in points for both in pair for b in both):
        low, high = ends(bound)
        assert low <= high
    assert dead.lower == 1 - fmpq(15, 16) * fmpq(7, 8)


@pytest.mark.slow
def test_soundness_of_shared_networks_between_the_bounds():
    """2,000 runs of 500 networks."""
    bounds = general_bounds()
    runs = (general_of(run, 500) for run in range(RUNS))
    check_size("largest and smallest of five", (max(outside_general(x, bounds)) > LIMIT for x in runs))


def test_quantiles_and_means_of_shared_networks_lie_between(general):
    for law, logs in (
        (largest_length(GENERAL, 5), general.largest),
        (smallest_length(GENERAL, 5), general.smallest),
    ):
        for p in (0.25, 0.5, 0.9):
            slack = LIMIT * math.sqrt(p * (1 - p) / NETWORKS)
            low, high = ends(law.ppf(p))
            assert np.mean(np.exp(logs) < low) < p + slack
            assert np.mean(np.exp(logs) <= high) > p - slack
        assert outside_score(np.exp(logs), *ends(law.mean())) < LIMIT
    # Mutant: the mean of one ratio for that of the largest.
    assert average_score(np.exp(general.largest), 1) > LIMIT


TOGETHER, OPPOSITE = FullyConnected([2, 5, 4]), [FullyConnected([3, 1]), FullyConnected([3, 1, 4, 2])]


def parallel(seed, networks=NETWORKS):
    return joint_lengths(TOGETHER, [[1, 2], [2, 4], [0.5, 1]], networks, seed)


def opposite(network, seed, networks=NETWORKS):
    return joint_lengths(network, [[1, 2, -1], [-1, -2, 1]], networks, seed)


def both_ends(network, size, t):
    """P(largest > t), from below and from above, each as bounds that leave no room."""
    found = largest_length(network, size).sf(t)
    return [Bounded(end, end) for end in (fmpq(*x.as_integer_ratio()) for x in ends(found))]


def test_parallel_inputs_attain_the_lower_bounds():
    """Mutant: N P(X > t), which holds for no parallel inputs."""
    found = parallel(4)
    for t in POINTS:
        above, (low, high) = found.largest > math.log(t), both_ends(TOGETHER, 3, t)
        assert misses(above, low) < LIMIT
        assert misses(above, high) > LIMIT


@pytest.mark.parametrize("network", OPPOSITE)
def test_opposite_inputs_through_one_neuron_attain_the_upper_bounds(network):
    """Exactly one of x and -x is alive after layer 1. Mutant: the lower bound."""
    found = opposite(network, 4)
    for t in (0.3, 1.0, 4.0):
        above, (low, high) = found.largest > math.log(t), both_ends(network, 2, t)
        assert misses(above, high) < LIMIT
        assert misses(above, low) > LIMIT
    assert np.all(found.smallest == -math.inf)
    assert smallest_length(network, 2).cdf(0).upper == 1


def off_by(bounds, sign, networks):
    """A wrong probability, found nine times in ten: it sets the error, and the right one the scatter."""
    p = ends(bounds)[0]
    error = math.sqrt(p * (1 - p) / networks)
    wrong = p + sign * (LIMIT + QUANTILE) * error
    for _ in range(20):
        wrong = p + sign * (LIMIT * math.sqrt(wrong * (1 - wrong) / networks) + QUANTILE * error)
    return Bounded(*(fmpq(*wrong.as_integer_ratio()),) * 2)


# What is drawn; whose bounds, of how many inputs, and which of the two.
ATTAINED = {
    "parallel": (parallel, TOGETHER, 3, 0),
    "opposite": (partial(opposite, OPPOSITE[1]), OPPOSITE[1], 2, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTAINED)
def test_soundness_of_attained_bounds(name):
    """2,000 runs of 2,000 networks at t = 1; wrong bounds too high and too low by turns."""
    draw, network, size, end = ATTAINED[name]
    right = both_ends(network, size, 1.0)[end]
    runs = [draw(run, networks=2_000).largest > 0 for run in range(RUNS)]
    check_uniform(f"{name} inputs attain their bounds", (misses(hits, right) for hits in runs))
    wrong = [off_by(right, sign, 2_000) for sign in (1, -1)]
    found = (misses(hits, wrong[i % 2]) > LIMIT for i, hits in enumerate(runs[:POWER_RUNS]))
    off = ", ".join(f"{ends(bounds)[0] - ends(right)[0]:+.3f}" for bounds in wrong)
    check_power(f"{name} inputs attain their bounds, off by {off}", found)


@pytest.mark.full
def test_a_joint_law_attains_the_upper_bounds_for_any_number():
    """X_i = F^{-1}((U + i/N) mod 1), U over a fine grid: P(max > t) = min(1, N P(X > t)) at every t."""
    law, size, grid = length_law(FullyConnected([4, 3, 3])), 6, 20_000
    u = (np.arange(grid) + 0.5) / grid
    below = np.stack([(u + i / size) % 1 for i in range(size)])
    for t in (0.0, 0.5, 2.0, 8.0):
        f = float(law.cdf(t))
        assert np.mean(np.any(below > f, axis=0)) == pytest.approx(
            ends(largest_length(law, size).sf(t))[1], abs=2 / grid
        )
        assert np.mean(np.any(below <= f, axis=0)) == pytest.approx(
            ends(smallest_length(law, size).cdf(t))[1], abs=2 / grid
        )


@pytest.mark.full
def test_bounds_are_ordered_and_meet_for_one_input():
    network = FullyConnected([9, 20, 30])
    for make in (largest_length, smallest_length):
        previous = (0.0, 0.0)
        for p in (0.01, 0.2, 0.5, 0.99, 1.0):
            low, high = ends(make(network, 1).ppf(p))
            assert low == pytest.approx(high, rel=1e-8)
            found = ends(make(network, 1000).ppf(p))
            assert found[0] <= found[1]
            assert all(a <= b for a, b in zip(previous, found, strict=True))
            previous = found
        assert ends(make(network, 1).mean()) == (1.0, 1.0)
    highest = [ends(largest_length(network, n).mean())[1] for n in (1, 10, 1000, 10**9)]
    assert highest == sorted(highest)
    assert all(a < b for a, b in pairwise(highest))
    assert ends(largest_length(network, 1000).ppf(0))[1] == pytest.approx(
        growth_limit(network, 1000), rel=1e-7
    )


def test_lengths_beyond_the_range_of_floats():
    network = FullyConnected([4] * 3001, activation="abs")
    found = largest_length(network, 10).ppf(0.5)
    assert 0 < arb(found.lower) < arb(found.upper) < arb(10) ** -300
    assert json.loads(json.dumps(found.to_dict()))["upper"].split("e-")[1] > "300"


@pytest.mark.full
def test_what_is_refused():
    network = FullyConnected([4, 4])
    largest, smallest = (f(network, 3) for f in (largest_length, smallest_length))
    for size in (0, 1.5, True, 10**16):
        with pytest.raises(ValueError, match="size of a data set"):
            largest_length(network, size)
    for t in (-1, math.nan, math.inf, "a", [1, 2]):
        with pytest.raises(ValueError, match="threshold"):
            largest.sf(t)
    for p in (-0.1, 1.5, math.nan, "a", [0.5]):
        with pytest.raises(ValueError, match="probabilit"):
            smallest.ppf(p)
    with pytest.raises(ValueError, match="normal weights"):
        largest_length(network.replaced(weights="uniform"), 3)
    assert {Largest, Smallest} == {type(f(network, 2)) for f in (largest_length, smallest_length)}
