"""Searches of the exact law: each on functions whose answer is known, so that all its branches are taken."""

from __future__ import annotations

import math
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb, fmpq

from theory.enclosed_tails import _smaller, enclosed_tails
from theory.exact_law import length_law
from theory.extremes import _proved, largest_length, smallest_length
from theory.gaussian import factor_moment
from theory.log_law import Served
from theory.lognormal import LogNormal, kolmogorov_distance
from theory.network import FullyConnected
from theory.quantiles import quantiles

# Quantiles.


class Ladder(dict):
    """Two tilts, and none beyond."""

    def __missing__(self, index):
        return None


class Steep:
    """Both tails have logarithms -2 +- arctan(z - middle), on which Newton's method alone runs away.

    `noise` is what evaluations of a tail are off, to and fro; `start` is where the search begins.
    """

    log_mass = 0.0

    def __init__(self, middle=0.0, noise=0.0, start=0.0, room=70.0):
        self.middle, self.noise, self.evaluations = middle, noise, 0
        # P(Z > z) <= e^{room - (z - middle)}, and likewise below: that is the bracket.
        self.ladder = Ladder({s: SimpleNamespace(tilt=s, log_mass=s * middle + room) for s in (-1, 1)})
        self.ladder.centre = SimpleNamespace(mean=middle + start, deviation=1.0)

    def at(self, z):
        """The tails, and the density that makes the slope of the smaller one's logarithm right."""
        self.evaluations += 1
        x = z - self.middle
        wrong = self.noise * (-1) ** self.evaluations
        lower, upper = -2 + np.arctan(x) + wrong, -2 - np.arctan(x) + wrong
        density = np.minimum(lower, upper) - np.log1p(x * x)
        return Served(density, lower, upper, z, z)


SHIFTS = np.array([-1.2, -0.3, -1e-3, 0.0, 1e-3, 0.3, 1.2])


@pytest.mark.parametrize("start", [-65.0, -3.0, 0.0, 3.0, 65.0])
@pytest.mark.parametrize("middle", [0.0, -7.0, 1000.0])
def test_quantiles_are_found_where_newtons_method_runs_away(middle, start):
    """-2 + arctan x = -2 + shift at x = tan shift, in the smaller tail of the two, for all shifts at once."""
    law = Steep(middle, start=start)
    found = quantiles(law, -2 + SHIFTS, -2 - SHIFTS)
    expected = middle + np.tan(SHIFTS)
    assert np.abs(found - expected).max() < 1e-14 * max(1, abs(middle)) * 10


@pytest.mark.parametrize("middle", [0.0, 1000.0])
def test_noise_of_the_size_of_rounding_ends_the_search(middle):
    """2^-51.6 of a number, or of 1 if that is more: not all of the 200 steps are used up for a last bit."""
    law, shifts = Steep(middle, noise=3e-16 * max(1.0, middle)), np.linspace(-0.3, 0.3, 7)
    found = quantiles(law, -2 + shifts, -2 - shifts)
    assert np.abs(found - middle - np.tan(shifts)).max() < 1e-14 * max(1, middle)
    assert law.evaluations < 50


def test_quantiles_stay_within_what_the_bounds_prove():
    """P(Z <= z) <= e^{z - 1.75} puts the quantile of e^-3 right of -1.25, although the tail says tan(-1)."""
    found = quantiles(Steep(room=-1.75), np.array([-3.0]), np.array([-1.0]))
    assert found.tolist() == pytest.approx([-1.25])


# Bounds that are proved.


@pytest.mark.parametrize("direction", [-1, 1])
@pytest.mark.parametrize("start", [0.0, 5.0, -900.0])
@pytest.mark.parametrize("distance", [1e-12, 1e-6, 0.3, 100.0])
def test_proofs_are_sought_outward_and_not_too_far(direction, start, distance):
    """From twice as far at most, and 2^-44 more, the bound is proved; no nearer point is taken."""
    first = start + direction * distance
    found = _proved(start, direction, lambda t: math.isfinite(t) and direction * (t - first) >= 0)
    assert 0 <= direction * (found - first) <= distance + 2.0**-43
    assert _proved(start, direction, lambda t: t == start) == start


def test_where_nothing_is_proved_the_bound_is_infinite():
    for start in (3.0, -math.inf):
        assert _proved(start, 1, lambda _: False) == math.inf
        assert _proved(start, -1, lambda _: False) == -math.inf
    assert _proved(math.inf, 1, lambda _: False) == math.inf
    assert _proved(math.inf, -1, lambda _: False) == math.inf


def test_zero_is_the_least_upper_bound_if_it_is_one():
    assert _proved(3.0, 1, lambda _: True) == -math.inf
    assert _proved(3.0, -1, lambda _: True) == 3.0


def test_quantiles_up_to_the_atom_are_zero():
    """Widths 1 and 1: P(X = 0) = 1/2 exactly, so that 0 is the quantile of 1/2 and not of more."""
    for make in (largest_length, smallest_length):
        law = make(FullyConnected([1, 1]), 1)
        assert float(arb(law.ppf(0.5).upper)) == 0
        assert float(arb(law.ppf(0.501).upper)) > 0
    assert largest_length(FullyConnected([1, 1]), 1).cdf(0).lower == fmpq(1, 2)


# Extremes.

NETWORK = FullyConnected([9, 20, 30])


def exact_moment(order: int) -> arb:
    found = arb(1)
    for layer in NETWORK.layers:
        found *= arb(factor_moment(order, layer.width, layer.activation) * 2**order)
    return found


@pytest.mark.parametrize("size", [2, 10, 10**4, 10**7, 10**11, 10**15])
def test_the_mean_of_the_largest_has_the_best_bound_of_twenty_moments(size):
    """(N E X^k)^{1/k}, k = 1, ..., 20, and E X = 1 or q_p (1 - p) below."""
    bounds = [float((exact_moment(k) * size).root(k)) for k in range(1, 21)]
    law = largest_length(NETWORK, size)
    mean = law.mean()
    assert float(arb(mean.upper)) == pytest.approx(min(bounds), rel=1e-12)
    shares = [float(arb(law.ppf(p).lower)) * (1 - p) for p in (0.25, 0.5, 0.75)]
    assert float(arb(mean.lower)) == pytest.approx(max(1, *shares), rel=1e-6)


def test_the_mean_of_the_largest_is_at_least_that_of_one():
    """E X = 4 for twice the variance over two layers."""
    mean = largest_length(NETWORK.replaced(variance_gain=4), 2).mean()
    assert mean.lower == 4
    assert float(arb(mean.upper)) == pytest.approx(4 * float((exact_moment(2) * 2).sqrt()))


def test_different_sizes_need_different_moments():
    """So that the test above sees which are tried: among others the first and the last."""
    best = set()
    for size in (2, 10, 10**4, 10**7, 10**11, 10**15):
        bounds = [float((exact_moment(k) * size).root(k)) for k in range(1, 21)]
        best.add(1 + bounds.index(min(bounds)))
    assert {2, 20} <= best
    assert len(best) >= 4


@pytest.mark.parametrize("size", [2, 1000])
def test_means_of_the_smallest(size):
    """At most E X, which twice the variance makes 4 over two layers; of a single ratio E X itself."""
    law = smallest_length(NETWORK, size)
    shares = [float(arb(law.ppf(p).lower)) * (1 - p) for p in (0.25, 0.5, 0.75)]
    assert float(arb(law.mean().lower)) == pytest.approx(max(shares), rel=1e-6)
    assert law.mean().upper == 1
    assert max(shares) < 1
    wide = NETWORK.replaced(variance_gain=4)
    assert smallest_length(wide, size).mean().upper == 4
    alone = smallest_length(wide, 1).mean()
    assert (alone.lower, alone.upper) == (4, 4)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("p", [0.25, 0.5, 0.9])
def test_bounds_on_quantiles_are_quantiles_of_one_ratio(size, p):
    """Of the largest: of p and of 1 - (1 - p)/N; of the smallest: of p/N and of p."""
    one = length_law(NETWORK)
    largest, smallest = (make(NETWORK, size).ppf(p) for make in (largest_length, smallest_length))
    expected = [float(one.ppf(p)), float(one.isf((1 - p) / size))]
    assert [float(arb(end)) for end in (largest.lower, largest.upper)] == pytest.approx(expected, rel=1e-6)
    expected = [float(one.ppf(p / size)), float(one.ppf(p))]
    assert [float(arb(end)) for end in (smallest.lower, smallest.upper)] == pytest.approx(expected, rel=1e-6)


# Enclosures of tails.


def test_the_better_of_two_bounds_on_an_error():
    """The absolute one, or the relative one times the tail; and what the logarithm's own rounding needs.

    A logarithm of size 1,000 in double precision changes the tail by a share of 1000 * 2^-53.
    """
    half = arb(0.5)
    for absolute, relative, expected in ((1e-3, 1e-3, 5e-4), (1e-5, 1e-3, 1e-5), (1e-3, math.inf, 1e-3)):
        found = float(_smaller(absolute, half, relative))
        assert found == pytest.approx(expected, rel=1e-6)
    own = float(_smaller(0.0, half, 0.0))
    assert 0.5 * 1000 * 2.0**-53 <= own < 1e-11


def test_enclosures_are_as_wide_as_the_error_and_no_wider():
    law = length_law(FullyConnected([3, 4, 5]), absolute_error=1e-5)
    assert law.reported_error > 1e-7
    for log_t in (-0.3, 0.0, 0.4):
        for tail in enclosed_tails(law, log_t):
            relative = float(law.relative_errors(math.exp(log_t)).tail)
            smaller = min(float(law.sf(math.exp(log_t))), float(law.cdf(math.exp(log_t)) - float(law.zero)))
            error = min(law.reported_error, relative * smaller)
            assert 0.9 * error < float(tail.rad()) < 1.01 * error


def test_far_tails_keep_their_relative_accuracy():
    """Right of the middle both ends are right to 1e-6 of the upper tail, however small."""
    law = length_law(FullyConnected([3, 4, 5], activation="linear"))
    for log_t in (3.0, 3.5, 4.0):
        _, above = enclosed_tails(law, log_t)
        assert 0 < float(above.mid()) < 1e-4
        assert float(above.rad()) < 1e-6 * float(above.mid())
    for log_t in (-9.0, -12.0):
        below, _ = enclosed_tails(law, log_t)
        assert 0 < float(below.mid()) < 1e-4
        assert float(below.rad()) < 1e-6 * float(below.mid())


def test_tails_at_zero_are_exact():
    law = length_law(FullyConnected([3, 4, 5]))
    dead = 1 - fmpq(15, 16) * fmpq(31, 32)
    assert enclosed_tails(law, -math.inf) == (dead, 1 - dead)


# Kolmogorov's distance.


def spike(place: float):
    """A difference of 1 within 0.002 of one point of the logarithm, and none elsewhere."""
    return lambda x: np.where(np.abs(np.log(np.maximum(x, 1e-300)) - place) < 0.002, 1.0, 0.0)


def nothing(x):
    return np.zeros_like(x)


@pytest.mark.parametrize("hundredths", [-1000, -999, -333, 1, 500, 999, 1000])
def test_every_hundredth_of_a_deviation_is_looked_at(hundredths):
    place = 3.0 + hundredths / 100
    assert kolmogorov_distance(spike(place), nothing, 3.0, 1.0) == 1
    assert kolmogorov_distance(nothing, spike(3.0 + 2 * hundredths / 100), 3.0, 2.0) == 1


@pytest.mark.parametrize("place", [-9.99987, -4.3217, -0.00571, 0.00213, 0.00784, 6.6666, 9.99913])
def test_the_top_of_a_tent_is_found_between_the_points(place):
    """Twice a hundred points around the highest bring it within 2e-6, with slope 1 on both sides."""

    def tent(x):
        return np.maximum(0, 1 - np.abs(np.log(np.maximum(x, 1e-300)) - place))

    for pair in ((tent, nothing), (nothing, tent)):
        assert 0 <= 1 - kolmogorov_distance(*pair, 0.0, 1.0) <= 2.1e-6


def test_the_atom_at_zero_counts():
    def atom(x):
        return np.where(x == 0, 0.75, 0.0)

    assert kolmogorov_distance(atom, nothing, 0.0, 1.0) == 0.75
    assert kolmogorov_distance(nothing, atom, 0.0, 1.0) == 0.75
    assert kolmogorov_distance(atom, atom, 0.0, 1.0) == 0


# The log-normal law.


def test_log_normal_laws_against_the_standard_librarys_normal_law():
    law, normal = LogNormal(-0.7, 2.25, 0.0), NormalDist(-0.7, 1.5)
    x = [0.01, 0.3, 0.9, 1.0, 1.1, 4.0, 50.0]
    logs = [math.log(point) for point in x]
    assert law.pdf(x) == pytest.approx([normal.pdf(log) / point for log, point in zip(logs, x, strict=True)])
    assert law.cdf(x) == pytest.approx([normal.cdf(log) for log in logs])
    assert law.sf(x) == pytest.approx([1 - normal.cdf(log) for log in logs])
    q = [1e-6, 0.2, 0.5, 0.99]
    assert law.ppf(q) == pytest.approx([math.exp(normal.inv_cdf(p)) for p in q])
    assert law.ppf([0.0, 1.0]).tolist() == [0, math.inf]
    moments = [math.exp(k * -0.7 + k * k * 2.25 / 2) for k in (1, 2)]
    assert (law.mean(), law.var()) == pytest.approx((moments[0], moments[1] - moments[0] ** 2))
    below = np.array([-2.0, -0.5, 0.0])
    assert law.pdf(below).tolist() == law.cdf(below).tolist() == [0, 0, 0]
    assert law.sf(below).tolist() == [1, 1, 1]
