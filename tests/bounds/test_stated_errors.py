"""Error bounds of the exact law, term by term: each formula written again from its derivation.

That the bounds hold is tested where the law is held against exact moments; they are generous there, so
that a lost term would not show. Here no term may be lost.
"""

from __future__ import annotations

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from flint import fmpq

from theory import FullyConnected
from theory.exact_law import _rounded_up, length_law
from theory.inversion import _cutting, _Errors, _highest_frequency, _period, _reach, _wrapping, contour
from theory.quantiles import _newton
from theory.quantiles import _reach as _furthest
from theory.readings.batch import _relative_error, _roundings_per_layer, batch_length_moments
from theory.recursion import moment_recursion
from theory.slope_mixture import _STRIPS, _growth, _rule_error, _step
from theory.stirling import _SERIES, _series

ULP = 2.0**-53


@pytest.fixture(scope="module")
def linear():
    return length_law(FullyConnected([3, 4, 5], activation="linear"))


@pytest.fixture(scope="module")
def relu():
    return length_law(FullyConnected([3, 4, 5]))


def test_stirlings_series_has_bernoullis_numbers():
    """B_2k/(2k (2k - 1)), k = 1, ..., 8, from a library's Bernoulli numbers."""
    numbers = [fmpq.bernoulli(2 * k) / (2 * k * (2 * k - 1)) for k in range(1, 9)]
    assert [int(x.p) / int(x.q) for x in numbers] == list(_SERIES)
    for x in (1.5, 3.0):
        terms = [float(c) / x ** (2 * k - 1) for k, c in enumerate(_SERIES, start=1)]
        assert _series(np.array([x]))[0] == pytest.approx(math.fsum(terms), rel=1e-14)


class Tilted(SimpleNamespace):
    """Numbers in place of a tilted sum, all of them different."""

    def __init__(self, tilt):
        super().__init__(tilt=tilt, deviation=0.7, density_bound=1.3, dropped=3e-9, bound_rounding=5e-9)
        self.characteristic = SimpleNamespace(majorant=lambda t: math.exp(-t))

    def decay(self, frequency):
        return 2.0 + frequency

    def rounding(self, frequency):
        return 1e-9 * (2 + 3 * frequency)

    def node_error(self, frequency):
        return 1e-9 * (7 + frequency)


@pytest.mark.parametrize("tilt", [0.0, 1.5, -1.5])
def test_errors_of_a_contour_term_by_term(tilt):
    """Sum over nodes of (h/pi) majorant times relative error, the cut, what was dropped, the bound's own."""
    h, reach, location = 0.25, 1e7, 1e-8
    tilted, nodes = Tilted(tilt), 0.25 * (np.arange(12) + 0.5)
    errors = _Errors(tilted, nodes, np.exp(-nodes), h, reach, location)
    last = nodes[-1]
    fixed = 1e-9 * 2 + 1e-9 * (7 + last)
    shift = location + 4 * ULP * reach + 1e-9 * 3
    weighted = [
        h / math.pi * math.exp(-t) * (fixed + t * shift + ULP * (nodes.size + 8)) for t in nodes.tolist()
    ]
    assert errors._weighted_error() == pytest.approx(weighted, rel=1e-12, abs=0)
    top = h * nodes.size
    cut = math.exp(-top) * (1 / (2 + top) + h) / math.pi * max(1 / top, 0.7)
    assert _cutting(tilted, h, top) == pytest.approx(cut, rel=1e-12, abs=0)
    early = math.exp(-0.5) * (1 / 2.5 + h) / math.pi / 0.5
    assert _cutting(tilted, h, 0.5) == pytest.approx(early, rel=1e-12, abs=0)
    tail = sum(w / math.hypot(t, tilt) for w, t in zip(weighted, nodes.tolist(), strict=True))
    assert errors.tail() == pytest.approx(tail + cut + 3e-9 + (5e-9 if tilt else 0), rel=1e-12, abs=0)
    density = sum(weighted) + cut / 0.7 + (3e-9 + 5e-9) * 1.3
    assert errors.density() == pytest.approx(density, rel=1e-12, abs=0)


def test_relative_errors_of_phases_are_as_large_as_they_are_said_to_be():
    """The roundings of the sum count one each, and eight besides: seen where nothing else is left."""
    tilted = Tilted(0.0)
    tilted.rounding = tilted.node_error = lambda frequency: 0.0
    nodes = np.arange(1000) + 0.5
    found = _Errors(tilted, nodes, np.ones(1000), math.pi, 0.0, 0.0)._weighted_error()
    assert found == pytest.approx(np.full(1000, ULP * 1008), rel=1e-12, abs=0)


def test_roundings_of_transforms_and_of_bounds(relu):
    """64 roundings, 8 more for each unit of t (2 + |log a| + |log scale|), and those of e^kappa itself."""
    ladder = relu._law.ladder
    for index in (0, 1, 3, -1):
        tilted = ladder[index]
        repeats = sum(r for _, r in tilted.parts)
        assert tilted.rounding(0.0) == pytest.approx(64 * repeats * ULP, rel=1e-12, abs=0)
        slope = 0.0
        for part, r in tilted.parts:
            spread = np.abs(np.log(part.shapes)).max() + np.abs(part.log_scales).max()
            slope += 8 * r * (2 + spread)
        assert tilted.rounding(3.0) == pytest.approx((64 * repeats + 3 * slope) * ULP, rel=1e-12, abs=0)
        own = ULP * abs(tilted.log_mass)
        expected = tilted.rounding(abs(tilted.tilt)) + tilted.node_error(0.0) + own
        assert tilted.bound_rounding == pytest.approx(expected, rel=1e-14, abs=0)
        if index:
            assert tilted.bound_rounding - tilted.rounding(abs(tilted.tilt)) >= 0.999 * own > 0


def test_frequencies_beyond_which_nothing_is_left():
    """The last halving leaves at most a sixteenth between what is needed and what is taken."""
    tilted = Tilted(0.0)
    for goal in np.geomspace(1e-12, 1e-3, 40).tolist():
        found = _highest_frequency(tilted, 0.1, goal)
        assert _cutting(tilted, 0.1, found) <= goal < _cutting(tilted, 0.1, found * (1 - 1 / 15.9))


def test_periods_keep_what_wraps_around_at_the_goal():
    """e^x sum_{j >= 1} e^{-g j P} summed term by term."""
    for excess, gap, goal in ((0.0, 1.0, 1e-9), (3.0, 0.5, 1e-6), (-2.0, 4.0, 1e-12)):
        period = _period(excess, gap, goal)
        total = math.exp(excess) * math.fsum(math.exp(-gap * j * period) for j in range(1, 200))
        assert total == pytest.approx(goal, rel=1e-9, abs=0)
        assert _wrapping(excess, gap, period) == pytest.approx(goal, rel=1e-9, abs=0)
    assert _wrapping(1e4, 1.0, 1.0) == math.exp(700)


def test_contours_cover_their_cells_and_widen_their_errors_with_the_points(linear):
    ladder = linear._law.ladder
    assert not ladder.is_leftmost(-1)
    for index in (1, 2, -1):
        assert _reach(ladder, index, ladder[index]) == max(
            abs(ladder.edge(index)), abs(ladder.edge(index - 1))
        )
    sharp, blurred = (contour(ladder, 0, 1e-12, error) for error in (0.0, 1e-6))
    assert blurred.tail_error > sharp.tail_error + 1e-8
    assert blurred.density_error > sharp.density_error + 1e-8
    assert np.array_equal(sharp.nodes, blurred.nodes)


def test_tilts_that_follow_one_are_at_most_as_many_as_asked_for_and_none_across_the_middle(linear):
    ladder = linear._law.ladder
    assert [t.tilt for t in ladder.beyond(0, 1, 3)] == [ladder[i].tilt for i in (1, 2, 3)]
    assert [t.tilt for t in ladder.beyond(1, -1, 5)] == [ladder[0].tilt]
    assert len(ladder.beyond(-1, -1, 2)) <= 2


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("log_p", [-0.5, -3.0, -20.0])
def test_the_furthest_point_is_that_of_the_best_tilt(linear, direction, log_p):
    """P(Z > z) <= e^{kappa(s) - s z}: the least z over all tilts with the right side p."""
    ladder = linear._law.ladder
    points, index = [], direction
    while ladder[index] is not None and abs(index) < 60:
        points.append((ladder[index].log_mass - log_p) / ladder[index].tilt)
        index += direction
    best = min(points) if direction > 0 else max(points)
    assert _furthest(ladder, direction, log_p) == pytest.approx(best)


def test_newtons_step_stays_inside_and_stands_still_at_the_root():
    numbers = [np.array([x]) for x in (1.0, 0.0, math.nan, 0.0, 3.0)]
    assert _newton(*numbers).tolist() == [1.0]
    assert _newton(*(np.array([x]) for x in (1.0, -1.0, 2.0, 0.0, 3.0))).tolist() == [1.5]
    assert _newton(*(np.array([x]) for x in (1.0, -1.0, 0.1, 0.0, 3.0))).tolist() == [1.5]
    assert _newton(*(np.array([x]) for x in (1.0, -1.0, 0.0, 0.0, 2.5))).tolist() == [1.25]
    assert _newton(*(np.array([x]) for x in (1.0, -1.0, 0.5, 0.0, 3.0))).tolist() == [1.5]
    assert _newton(*(np.array([x]) for x in (1.0, 1.0, 1.0, 0.0, 3.0))).tolist() == [1.5]
    assert _newton(*(np.array([x]) for x in (1.0, -1.0, 2 / 3, 0.0, 3.0))).tolist() == [2.5]


def test_relative_errors_in_the_middle_belong_to_the_smaller_tail(linear):
    """One contour with one absolute error serves the middle: relative error times smaller tail is that."""
    x = linear.ppf([0.4, 0.45, 0.5, 0.55, 0.6])
    absolute = linear.relative_errors(x).tail * np.minimum(linear.cdf(x), linear.sf(x))
    assert absolute.max() < 1.0001 * absolute.min()


def test_the_reported_error_adds_roundings_to_that_of_the_tails(linear, relu):
    for law in (linear, relu):
        assert law.reported_error == law._law.error + 4 * ULP
        assert law.reported_error <= law.absolute_error


def test_both_ends_of_the_law(relu):
    zero = float(relu.zero)
    assert relu.logsf(np.array([-1.0, 0.0, math.inf])).tolist() == [0.0, math.log1p(-zero), -math.inf]
    assert relu.sf(np.array([-1.0, 0.0, math.inf])).tolist() == pytest.approx([1.0, 1 - zero, 0.0])
    assert relu.cdf(np.array([-1.0, 0.0, math.inf])).tolist() == pytest.approx([0.0, zero, 1.0])
    ends = np.array([-1.0, 0.0, math.inf])
    assert relu.logcdf(ends).tolist() == pytest.approx([-math.inf, math.log(zero), 0.0])
    assert relu.logpdf(ends).tolist() == [-math.inf] * 3
    assert relu.pdf(ends).tolist() == [0.0] * 3
    at_ends = relu.relative_errors(ends)
    assert at_ends.pdf.tolist() == at_ends.tail.tolist() == [0.0, 0.0, math.inf]
    assert relu.std() ** 2 == pytest.approx(relu.var())


def test_goals_that_fit_are_powers_of_ten_with_room_for_a_factor_of_two():
    assert [_rounded_up(x) for x in (4e-10, 5e-10, 6e-10)] == pytest.approx(
        [1e-9, 1e-9, 1e-8], rel=1e-12, abs=0
    )


# Mixtures for two slopes.


def test_the_error_of_the_trapezoidal_rule_is_the_least_over_all_strips():
    """4 min_a e^{t a} cos(a/2)^{-n/2 - |s|} e^{-2 pi a/h}, at most 4."""
    width, tilt, step, frequency = 6, -1.5, 0.3, 2.0
    logs = [
        frequency * a - (width / 2 + abs(tilt)) * math.log(math.cos(a / 2)) - 2 * math.pi * a / step
        for a in _STRIPS.tolist()
    ]
    assert _rule_error(width, tilt, step, frequency) == pytest.approx(
        4 * math.exp(min(logs)), rel=1e-12, abs=0
    )
    assert _rule_error(width, tilt, 1e9, frequency) == 4
    assert _rule_error(1, tilt, 0.0, frequency) == 0
    grown = [log + 2 * math.pi * a / step for log, a in zip(logs, _STRIPS.tolist(), strict=True)]
    assert _growth(width, tilt, frequency) == pytest.approx(grown)


@pytest.mark.parametrize(("width", "tilt", "frequency"), [(2, 0.0, 30.0), (6, 1.5, 10.0), (3000, 4.0, 300.0)])
def test_no_strip_allows_a_much_larger_step(width, tilt, frequency):
    """2 pi a/log(4 e^{t a} cos(a/2)^{-n/2 - |s|}/goal) for 20,000 strips a, up to near pi."""
    best = 0.0
    for a in np.linspace(0, math.pi, 20_001)[1:-1].tolist():
        growth = frequency * a - (width / 2 + abs(tilt)) * math.log(math.cos(a / 2))
        best = max(best, 2 * math.pi * a / (growth + math.log(4e17)))
    assert 0.99 * best < _step(width, tilt, frequency) <= 1.0001 * best


def test_steps_meet_the_goal_and_no_smaller_one_is_taken():
    step = _step(6, 1.5, 10.0)
    assert _rule_error(6, 1.5, step, 10.0) == pytest.approx(1e-17, rel=1e-6, abs=0)
    assert _rule_error(6, 1.5, 1.1 * step, 10.0) > 1e-17


# Many architectures at once.


@pytest.mark.parametrize(("order", "bias"), [(1, 0), (2, 0), (3, 1), (6, 0)])
def test_relative_errors_of_batches_grow_with_depth_alone(order, bias):
    """Roundings a layer times depth + 2, as count u/(1 - count u).

    A layer sums its longest row of its longest entries; 11.5 roundings for each degree and 6 besides.
    """
    rows = moment_recursion(order, bool(bias)).terms.values()
    sums = max(map(len, rows)) + max(len(entry) for row in rows for entry in row.values())
    counts = []
    for depth, rows in ((2, 1), (2, 7), (10, 3)):
        widths = np.full((rows, depth + 1), 5)
        error = batch_length_moments(widths, order=order, bias_variance=bias).relative_error
        count = error / (1 + error) / ULP
        assert count == pytest.approx(round(count), rel=1e-9)
        counts.append(round(count) / (depth + 2))
    assert counts[0] == counts[1] == counts[2] == int(counts[0])
    assert sums + 11.5 * order + 6 <= counts[0] <= 1.2 * (sums + 11.5 * order + 6)


@pytest.mark.parametrize("depth", [10**6, 10**10])
def test_relative_errors_of_deep_batches_are_those_that_roundings_can_compound_to(depth):
    """(1 - u)^{-k} - 1 <= k u/(1 - k u) (Higham 2002, lemma 3.1), so that neither k u nor less is enough."""
    recursion = moment_recursion(2, has_bias=False)
    count = _roundings_per_layer(recursion) * (depth + 2)
    roundings = Fraction(count, 2**53)
    assert _relative_error(recursion, depth) == pytest.approx(float(roundings / (1 - roundings)), rel=1e-14)


@pytest.mark.parametrize(("order", "bias"), [(1, 0), (2, 0), (3, 1)])
def test_errors_of_logarithms_cover_a_rounding_of_the_largest_in_each_operation(order, bias):
    """The operations are counted as in the other reading; here each loses u times the largest logarithm.

    The largest is at most twice that of a state: a factor lies between two of them.
    """
    widths, options = np.array([[5, 5]]), {"order": order, "bias_variance": bias}
    counted = batch_length_moments(widths, **options).relative_error
    found = batch_length_moments(widths, variance_gain="1e300", logarithmic=True, **options)
    largest = found.logs.max()
    assert largest > 600
    assert 2 * counted * largest <= math.log1p(found.relative_error) <= 2.2 * counted * largest
    # Where no state is far from 0, factors of a layer still are: 1/n to the power of the order.
    near = batch_length_moments(widths, logarithmic=True, **options)
    assert counted * order * math.log(10**12) <= math.log1p(near.relative_error)


# The law at infinity.


def test_all_mass_lies_below_infinity():
    """Atom and rest, rounded one by one, add up to a number below 1 here; at infinity it is 1."""
    law = length_law(FullyConnected([3, *[16] * 8, *[4] * 4]))
    assert float(law.zero) + math.exp(law._law.log_mass) < 1
    assert law.cdf(math.inf) == 1
    assert law.cdf([1.0, math.inf])[1] == 1


def test_no_rounding_makes_a_probability_larger_than_one():
    """Atom and rest add up to more than 1 here."""
    law = length_law(FullyConnected([3, *[29] * 32, *[5] * 36]), absolute_error=1e-8)
    assert float(law.zero) + math.exp(law._law.log_mass) > 1
    assert law.cdf(1e300) == 1
    assert law.zero.number < 1
