"""Contours and the cells that they serve: sums, errors and ranges written again from their definitions."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from flint import fmpq

import theory.inversion
from theory import FullyConnected
from theory.exact_law import length_law
from theory.inversion import Contour, _Errors, _reach, contour
from theory.length_factor import LengthFactor
from theory.log_law import LogLaw
from theory.tilting import TiltLadder

GOAL, TRIM = 1e-12, 1e-6
# ReLU of width 60 leaves out its smallest shapes to the left; of width 3 it leaves out nothing.
FACTORS = {
    "linear": [(LengthFactor(4, fmpq(1)), 1), (LengthFactor(5, fmpq(1)), 2)],
    "trimmed": [(LengthFactor(60, fmpq(0)), 2)],
    "narrow": [(LengthFactor(3, fmpq(0)), 1), (LengthFactor(2, fmpq(0)), 3)],
    "single": [(LengthFactor(1, fmpq(1)), 3)],
}


def new_law(name: str) -> LogLaw:
    """Its ladder and contours are made when they are asked for, and kept."""
    return LogLaw(FACTORS[name], GOAL, TRIM, 0.0)


# What the tests share is made by the first of them, and nothing of it when they are collected.
shared_law = cache(new_law)


def leftmost(ladder: TiltLadder) -> int:
    return next(index for index in range(-1, -1000, -1) if ladder.is_leftmost(index))


def named_cells():
    """A few cells of each law, the open one among them."""
    for name in FACTORS:
        for index in sorted({0, 1, 2, -1, leftmost(new_law(name).ladder)}):
            yield pytest.param(name, index, id=f"{name} {index}")


CELLS = list(named_cells())


# Sums over nodes.


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 17])
@pytest.mark.parametrize("tilt", [0.0, 0.5, -0.5, 1.5])
@pytest.mark.parametrize("block", [8, 2**21])
def test_sums_over_nodes_term_by_term(count, tilt, block, monkeypatch):
    """Re sum a_k e^{-i t_k z}, and with the denominator s + i t_k; half the mass is above where s = 0."""
    monkeypatch.setattr(theory.inversion, "_BLOCK", block)
    random = np.random.default_rng(count)
    nodes = 0.3 * (np.arange(count) + 0.5)
    amplitudes = random.standard_normal(count) + 1j * random.standard_normal(count)
    z = np.linspace(-4, 5, 11)
    density, tail = Contour(tilt, 0.0, nodes, amplitudes, 0.0, 0.0, None).density_and_tail(z)
    for k, point in enumerate(z.tolist()):
        terms = [a * np.exp(-1j * t * point) for a, t in zip(amplitudes, nodes, strict=True)]
        upper = sum(term / (tilt + 1j * t) for term, t in zip(terms, nodes, strict=True)).real
        assert density[k] == pytest.approx(sum(terms).real, abs=1e-12)
        expected = upper if tilt > 0 else -upper if tilt < 0 else 0.5 + upper
        assert tail[k] == pytest.approx(expected, abs=1e-12)


def test_sums_over_thousands_of_nodes_by_the_geometric_series():
    """sum_{k < K} q^k = (1 - q^K)/(1 - q), q = r e^{-i h z}; nodes (k + 1/2) h, K beyond the square of 42."""
    step, ratio, count = 0.01, 0.999, 5000
    nodes = step * (np.arange(count) + 0.5)
    amplitudes = (ratio ** np.arange(count)).astype(complex)
    z = np.linspace(-3, 3, 7)
    density, _ = Contour(1.0, 0.0, nodes, amplitudes, 0.0, 0.0, None).density_and_tail(z)
    q = ratio * np.exp(-1j * step * z)
    expected = (np.exp(-0.5j * step * z) * (1 - q**count) / (1 - q)).real
    assert density == pytest.approx(expected, rel=1e-9)


# Errors of a contour.


def log_excess(ladder, index, other, z):
    """By what factor the other tilt's bounds on tail or density at z exceed this one's."""
    own = ladder[index]
    scale = max(1.0, other.density_bound * own.deviation)
    return math.log(scale) + other.log_mass - own.log_mass - (other.tilt - own.tilt) * z


def wraps(ladder, index, period):
    """On each side the least, over other tilts, of excess times sum_{j >= 1} e^{-gap j P}.

    From the left the worst point of the cell is its right end; from the right the left one. What bounds the
    same tail are tilts further out. The open cell has no left end, and the mass of the law stands in.
    """
    last = index == leftmost(ladder)
    left = [(i, ladder.edge(index)) for i in range(index - 1, index - 5, -1)]
    right = (
        [(0, ladder.edge(index))]
        if last
        else [(i, ladder.edge(index - 1)) for i in range(index + 1, index + 5)]
    )
    for side in (left, right):
        found = []
        for i, z in side:
            if i * index < 0 or ladder[i] is None:
                continue
            fall = abs(ladder[i].tilt - ladder[index].tilt) * period
            terms = math.exp(log_excess(ladder, index, ladder[i], z) - fall) / -math.expm1(-fall)
            found.append(terms)
        yield min(found)


@pytest.mark.parametrize(("name", "index"), CELLS)
def test_errors_of_contours_are_wrapping_cutting_and_the_rest(name, index):
    """In units of the bound for the tail; the density's bound is wider by 1/deviation."""
    law = shared_law(name)
    found, tilted = law.contour(index), law.ladder[index]
    step = 2 * found.nodes[0]
    wrapping = list(wraps(law.ladder, index, 2 * math.pi / step))
    assert max(wrapping) == pytest.approx(GOAL, rel=1e-6, abs=0)
    assert np.allclose(np.diff(found.nodes), step)
    _, majorant = tilted.characteristic(found.nodes)
    rest = _Errors(tilted, found.nodes, majorant, step, _reach(law.ladder, index, tilted), 0.0)
    assert rest._cut() <= GOAL
    assert found.tail_error == pytest.approx(sum(wrapping) + rest.tail(), rel=1e-6, abs=0)
    density = sum(wrapping) / tilted.deviation + rest.density()
    assert found.density_error == pytest.approx(density, rel=1e-6, abs=0)
    assert (found.tilt, found.log_mass) == (tilted.tilt, tilted.log_mass)
    assert found.anchor == (law.ladder.edge(index) if index == leftmost(law.ladder) else None)


def test_contours_have_no_more_nodes_than_allowed(monkeypatch):
    """Then what wraps around exceeds the goal, and is stated all the same."""
    ladder = shared_law("narrow").ladder
    index = leftmost(ladder)
    whole = contour(ladder, index, GOAL, 0.0)
    monkeypatch.setattr(theory.inversion, "_MAX_NODES", whole.nodes.size // 4)
    capped = contour(ladder, index, GOAL, 0.0)
    assert 0.9 * whole.nodes.size / 4 < capped.nodes.size <= whole.nodes.size / 4 + 1
    assert capped.tail_error > sum(wraps(ladder, index, math.pi / capped.nodes[0])) > GOAL


def test_beyond_the_reach_of_the_open_cell_its_bound_has_fallen():
    """By e^-9 at least; other cells reach to their further end."""
    for law in map(shared_law, FACTORS):
        index = leftmost(law.ladder)
        tilted, edge = law.ladder[index], law.ladder.edge(index)
        beyond = -_reach(law.ladder, index, tilted)
        assert beyond < min(edge, 0)
        assert tilted.log_bound(beyond) < tilted.log_bound(edge) - 9


# The ladder.


@pytest.mark.parametrize("name", FACTORS)
def test_tilts_of_a_ladder(name):
    """Two standard deviations to the right; to the left no further than halfway to the end of the strip."""
    ladder = shared_law(name).ladder
    assert ladder.centre is ladder[0]
    assert ladder[0].tilt == 0
    for index in range(4):
        step = ladder[index + 1].tilt - ladder[index].tilt
        assert step == pytest.approx(2 / ladder[index].deviation)
    # Gamma(b/2 + s) of the least shape that is kept: of a linear layer n/2, of a narrow ReLU layer 1/2.
    end = {"linear": 2.0, "narrow": 0.5, "single": 0.5}.get(name)
    for index in range(0, leftmost(ladder), -1):
        step = ladder[index].tilt - ladder[index - 1].tilt
        assert 0 < step <= 2 / ladder[index].deviation * (1 + 1e-12)
        if end is not None:
            assert step == pytest.approx(min(2 / ladder[index].deviation, (end + ladder[index].tilt) / 2))


def test_ladders_end_before_the_end_of_the_strip():
    """At the first tilt that is nearer to -1/2 than 1/512 of it: E X^s has no meaning beyond."""
    ladder = shared_law("narrow").ladder
    gaps = [0.5 + ladder[index].tilt for index in range(leftmost(ladder), 0)]
    assert min(gaps) > 0.5 / 512
    assert ladder[leftmost(ladder) - 1].tilt + 0.5 < 2 * 0.5 / 512
    assert ladder[leftmost(ladder) - 2] is None


def test_ladders_end_where_nothing_is_left():
    """To the right below e^-1000 at the last tilt's mean, and not before."""
    ladder = shared_law("linear").ladder
    last = next(index for index in range(1, 10_000) if ladder[index + 1] is None)
    bounds = [ladder[index].log_bound(ladder[index].mean) for index in (last - 1, last)]
    assert bounds[1] < -1000 <= bounds[0]
    assert ladder.is_usable(last - 1)
    assert not ladder.is_usable(last)
    assert not ladder.is_usable(last + 1)
    assert not ladder.is_usable(leftmost(ladder) - 1)


def test_two_tilts_to_the_left_serve_the_middle_however_little_they_move_it():
    """Width 40, nothing left out: the strip ends at -1/2, and steps are a tenth of a deviation at most."""
    ladder = LogLaw([(LengthFactor(40, fmpq(0)), 1)], GOAL, 1e-15, 0.0).ladder
    assert ladder.trimmed == 0
    assert [ladder[index].tilt for index in (-1, -2)] == [-0.25, -0.375]
    assert ladder[-3] is None
    assert ladder.is_leftmost(-1)
    assert (ladder[0].tilt - ladder[-1].tilt) * ladder[0].deviation < 0.25


def test_edges_are_where_two_tilts_bound_alike():
    for law in map(shared_law, FACTORS):
        for index in (-1, 0, 1):
            z = law.ladder.edge(index)
            assert law.ladder[index].log_bound(z) == pytest.approx(law.ladder[index + 1].log_bound(z))


@pytest.mark.parametrize("name", FACTORS)
def test_tilted_sums_add_their_parts(name):
    """kappa, mean, variance, decay and errors over layers, each as often as it is repeated."""
    tilted = shared_law(name).ladder[1]
    each = [part for part, repeats in tilted.parts for _ in range(repeats)]
    assert len(each) == sum(repeats for _, repeats in FACTORS[name])
    assert tilted.log_mass == pytest.approx(sum(part.log_mass for part in each))
    assert tilted.mean == pytest.approx(sum(part.log_moments[0] for part in each))
    assert tilted.deviation**2 == pytest.approx(sum(part.log_moments[1] for part in each))
    assert tilted.density_bound == min(part.density_bound for part in each)
    assert tilted.dropped == pytest.approx(sum(part.dropped for part in each), rel=1e-12, abs=0)
    assert tilted.decay(3.0) == pytest.approx(sum(math.atan(3 / part.largest_shape) for part in each))
    assert tilted.rounding(3.0) == pytest.approx(sum(p.rounding(3.0) for p in each), rel=1e-12, abs=0)


def test_errors_of_integrals_are_added_for_every_layer():
    """Two slopes: what nodes add, at the frequency asked for; of a bound it is that at frequency 0."""
    ladder = LogLaw([(LengthFactor(3, fmpq(1, 4)), 3)], 1e-6, 1e-6, 0.0).ladder
    tilted = ladder[1]
    ((part, _),) = tilted.parts
    for frequency in (0.0, 1e3):
        assert tilted.node_error(frequency) == pytest.approx(3 * part.node_error(frequency), rel=1e-12, abs=0)
    assert tilted.node_error(1e3) > 1e6 * tilted.node_error(0.0) > 0
    rest = tilted.bound_rounding - tilted.rounding(tilted.tilt)
    assert rest == pytest.approx(tilted.node_error(0.0) + 2.0**-53 * abs(tilted.log_mass), rel=1e-2, abs=0)


def test_what_is_trimmed_is_the_mass_of_the_smallest_shapes():
    """Binomial(60, 1/2): b = 1, ..., 11 go, of a mass of 1e-6 for two layers; linear layers have none."""
    chances = [math.comb(60, b) / 2.0**60 for b in range(1, 20)]
    sums = [math.fsum(chances[:k]) for k in range(len(chances))]
    lost = max(mass for mass in sums if mass <= TRIM / 2)
    assert shared_law("trimmed").ladder.trimmed == pytest.approx(2 * lost, rel=1e-9, abs=0)
    assert shared_law("linear").ladder.trimmed == shared_law("narrow").ladder.trimmed == 0
    deep = LogLaw([(LengthFactor(60, fmpq(0)), 100)], GOAL, TRIM, 0.0).ladder
    assert deep.trimmed > 0
    assert 0 < deep[1].tilt < 1
    for tilted, smallest in (
        (shared_law("trimmed").ladder[0], 1),
        (shared_law("trimmed").ladder[-1], 1 + sums.index(lost)),
        (deep[1], 1),
    ):
        ((part, _),) = tilted.parts
        assert part.shapes[0] - tilted.tilt == pytest.approx(smallest / 2)


# Cells.


@pytest.mark.parametrize("name", FACTORS)
def test_every_point_is_served_by_the_tilt_of_the_least_bound(name):
    law = shared_law(name)
    indices = list(range(leftmost(law.ladder), 6))
    z = np.linspace(law.ladder[-1].mean - 3, law.ladder[4].mean, 301)
    bounds = np.array([[law.ladder[index].log_bound(x) for index in indices] for x in z.tolist()])
    best = np.array(indices)[np.argmin(bounds, axis=1)]
    assert law._cells(z).tolist() == best.tolist()
    for x, index in zip(z[::50].tolist(), best[::50].tolist(), strict=True):
        assert law._cells(np.array([x])).tolist() == [index]


@pytest.mark.parametrize(("name", "index"), CELLS)
def test_absolute_errors_in_a_cell(name, index):
    """Of the tail: the contour's times e^{kappa - s z}, and to the left the mass that was left out.

    In the open cell it is what it is at the right end; in the middle the smaller tail counts. The density of
    what was left out is at most the highest one.
    """
    law = shared_law(name)
    ladder, found = law.ladder, law.contour(index)
    right = ladder.edge(index)
    left = right - 3 if index == leftmost(ladder) else ladder.edge(index - 1)
    z = np.linspace(left, right, 7)[1:-1]
    served = law.at(z)
    tail = np.exp(served.log_lower if index < 0 else served.log_upper)
    if index == 0:
        tail = np.minimum(tail, np.exp(served.log_lower))
    bound = np.exp(ladder[index].log_mass - ladder[index].tilt * z)
    at_end = np.exp(ladder[index].log_mass - ladder[index].tilt * right)
    unit = np.full(z.size, at_end) if index == leftmost(ladder) else bound
    trimmed = ladder.trimmed if index < 0 else 0.0
    assert served.tail_error * tail == pytest.approx(unit * found.tail_error + trimmed, rel=1e-6, abs=0)
    density = np.exp(served.log_density)
    peak = ladder.centre.density_bound
    expected = unit * found.density_error + trimmed * peak
    assert served.density_error * density == pytest.approx(expected, rel=1e-6, abs=0)
    alive = math.exp(law.log_mass)
    assert np.exp(served.log_lower) + np.exp(served.log_upper) == pytest.approx(np.full(5, alive), rel=1e-9)


@pytest.mark.parametrize("name", FACTORS)
def test_the_error_of_a_law_is_the_largest_of_its_cells(name):
    """At the end of a cell nearer to the middle, the goal where that is larger, and what is left out.

    It lies to the left for `single`, to the right for others.
    """
    law = shared_law(name)
    errors = [law.contour(0).tail_error, GOAL]
    for direction in (1, -1):
        index = direction
        while law.ladder.is_usable(index) and abs(index) < 12:
            edge = law.ladder.edge(index - 1 if direction > 0 else index)
            errors.append(math.exp(law.ladder[index].log_bound(edge)) * law.contour(index).tail_error)
            index += direction
    assert law.error == pytest.approx(max(errors) + law.ladder.trimmed, rel=1e-9, abs=0)


def test_far_out_a_density_that_is_lost_in_errors_is_none():
    """Neither it nor the tail becomes the logarithm of a negative number; the stated errors are above 1."""
    for name, z in (("linear", -2e4), ("trimmed", -60.0)):
        served = shared_law(name).at(np.linspace(z, z / 2, 101))
        assert not np.isnan(served.log_density).any()
        assert not np.isnan(served.log_lower).any()
        assert np.isneginf(served.log_density).any()
        assert np.isneginf(served.log_lower).any()
        assert min(served.density_error.min(), served.tail_error.min()) > 1


def test_relative_errors_far_out_are_infinite_and_not_undefined():
    """Where nothing was left out, e^{s z - kappa} overflows: no mass times infinity is no mass."""
    law = length_law(FullyConnected([1, 5, 5], activation="linear"))
    errors = law.relative_errors(np.exp([-700.0, -600.0]))
    assert errors.pdf.tolist() == errors.tail.tolist() == [math.inf, math.inf]


def test_the_mass_of_what_does_not_vanish():
    assert math.exp(shared_law("narrow").log_mass) == pytest.approx(7 / 8 * (3 / 4) ** 3)
    assert shared_law("linear").log_mass == 0


def test_beyond_the_ladder_the_upper_tail_is_nothing():
    served = shared_law("narrow").at(np.array([1e4]))
    assert served.log_upper.tolist() == served.log_density.tolist() == [-math.inf]
    assert served.log_lower.tolist() == [shared_law("narrow").log_mass]
    assert served.tail_error.tolist() == served.density_error.tolist() == [math.inf]


def test_laws_ask_a_fiftieth_of_the_error_of_each_source():
    law = length_law(FullyConnected([1, 60], variance_gain=4), absolute_error=1e-8)
    assert law._law._goal == pytest.approx(1e-8 / 50)
    assert law._law.ladder.trimmed <= 1e-8 / 50
