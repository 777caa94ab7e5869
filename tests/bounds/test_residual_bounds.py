"""Bounds on residual nets whose branch is bent: attained where they can be, between them elsewhere.

Finite laws are enumerated, so that the truth is a fraction; normal weights are simulated by explicit
matrices. Every bound has a mutant that the same test rejects.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from flint import arb, ctx, fmpq

from proofs_check import residual_oracle
from theory import Residual, SpecError, Thresholds, compared_schedules, predict
from theory import residual_bounds as bounds
from theory.laws import Normal
from theory.readings.exact import LayerMaps
from theory.recursion import moment_recursion
from theory.residual_branch import branch_numbers, largest_moments
from theory.values import Bounded, Exact

# Gains and widths that make the deviation of every weight rational.
SIGNS = {"weights": "rademacher", "mode": "none", "variance_gain": 1}
THREE = {"weights": "finite:-1:1/4,0:1/2,1:1/4", "mode": "none", "variance_gain": "1/2"}
TINY = {
    "relu": Residual(2, ["1/2", "2/3"], [2], **SIGNS),
    "relu, mixed signs": Residual(2, ["1/2", 1], [2], input=[1, -2], **SIGNS),
    "relu, negative mean": Residual(2, ["1/4", "1/4"], [1], input=[-1, -3], **THREE),
    "relu, trunk of width 1": Residual(1, [1, "1/2", "1/3"], [2], **THREE),
    "relu, two hidden layers": Residual(2, ["1/2"], [[2, 1]], **SIGNS),
    "leaky relu": Residual(2, ["1/2", "1/2"], [1], activation="leaky_relu:1/2", **SIGNS),
    "abs": Residual(2, ["1/2", "1/2"], [1], activation="abs", input=[1, 3], **SIGNS),
    "mirrored": Residual(2, ["1/2", "1/2"], [1], activation="slopes:-1:0", input=[-1, -1], **SIGNS),
}


def holds(between: Bounded, value: fmpq) -> bool:
    return bool(arb(between.lower) <= value) and bool(value <= arb(between.upper))


@pytest.mark.parametrize("name", TINY)
def test_enumerated_moments_lie_between_the_bounds(name):
    """Other laws than the normal one; where the bounds meet, balls overlap the truth: hence the slack."""
    truth = residual_oracle.length_moments(TINY[name], 3)
    for row, found in zip(truth, bounds.moment_bounds(TINY[name], 3), strict=True):
        for value, between in zip(row, found, strict=True):
            slack = 1 + fmpq(1, 10**12)
            assert holds(Bounded(between.lower / slack, between.upper * slack), value)
    for row, between in zip(truth, bounds.product_bounds(TINY[name]), strict=True):
        assert holds(Bounded(between.lower / slack, between.upper * slack), row[0])


def test_a_cross_term_left_out_is_caught(monkeypatch):
    """c = 0 makes upper bounds too small: seen on enumerated truths."""

    def without(network):
        return [replace(b, cross=(fmpq(0), fmpq(0))) for b in branch_numbers(network)]

    monkeypatch.setattr(bounds, "branch_numbers", without)
    caught = []
    for net in TINY.values():
        truth = residual_oracle.length_moments(net, 1)[-1][0]
        caught.append(not holds(bounds.pair_bounds(net)[-1], truth))
    assert sum(caught) >= 6


def test_one_neuron_attains_the_upper_bound():
    """x' = x (1 + eta R), R >= 0 independent of x: E M_L = prod (1 + 2 c eta + eta^2) exactly, x_0 > 0.

    With one hidden neuron R = |z_1| |z_2| on both being positive: c = (2/pi)/2 = 1/pi.
    """
    network = Residual(1, ["1/2", "1/3", 2], [1], input=[3])
    expected = arb(9)
    for eta in (fmpq(1, 2), fmpq(1, 3), fmpq(2)):
        expected *= 1 + 2 * eta / arb.pi() + eta**2
    last = bounds.pair_bounds(network)[-1]
    assert last.upper.overlaps(expected)
    assert last.lower.overlaps(expected)
    assert bounds.product_bounds(network)[-1].upper.overlaps(expected)
    assert not last.upper.overlaps(expected * (1 + arb(fmpq(1, 10**9))))


NORMAL = {
    "wide": Residual(100, "1/2x5", [80]),
    "deep branches": Residual(5, ["1/3", 2], [[3, 4], [2, 2, 7]], mode="fan_avg", input=[1, 2, -3, 0, 5]),
    "abs, mean below 0": Residual(3, "1/5x4", [6], activation="abs", input=[-1, -1, 0]),
    "leaky relu, normal": Residual(2, "1/2x3", [9], activation="leaky_relu:1/5"),
}


@pytest.mark.parametrize("name", [*TINY, *NORMAL])
def test_bounds_are_ordered(name):
    """pair inside product; each moment's factor at most Minkowski's, at least Jensen's."""
    network = (TINY | NORMAL)[name]
    slack = 1 + fmpq(1, 10**9)
    pairs, products = bounds.pair_bounds(network), bounds.product_bounds(network)
    for pair, wide in zip(pairs, products, strict=True):
        assert wide.lower <= pair.lower * slack
        assert pair.lower <= pair.upper * slack
        assert pair.upper <= wide.upper * slack
    maps = LayerMaps(moment_recursion(3, has_bias=False))
    for k, column in enumerate(zip(*bounds.moment_bounds(network, 3), strict=True), start=1):
        minkowski = arb(column[0].upper)
        for block, between in zip(network.blocks, column[1:], strict=True):
            norm = arb(largest_moments(block.layers, maps)[k - 1]).root(2 * k)
            minkowski *= (1 + arb(block.scale_squared).sqrt() * norm) ** (2 * k)
            assert between.lower <= between.upper * slack
            assert between.upper <= minkowski * slack


def test_largest_moments_of_normal_branches():
    """t^{2k} for k = 2 is the product of 1 + 5/h over the branch's layers, output included."""
    network = Residual(6, [1], [3, 4])
    maps = LayerMaps(moment_recursion(2, has_bias=False))
    expected = fmpq(8, 3) * fmpq(9, 4) * fmpq(11, 6)
    assert largest_moments(network.blocks[0].layers, maps) == [1, expected]


def test_wide_nets_approach_the_limit_from_below():
    """The upper bound tends to m_l as widths grow; the lower bound Q = B does not: a gap remains."""
    wide = Residual(10**9, ["1/2"] * 6, [10**9])
    limits = bounds.infinite_width(wide)
    last = bounds.pair_bounds(wide)[-1]
    assert abs(last.upper / limits[-1][0] - 1) < 1e-7
    assert last.lower < limits[-1][0] * fmpq(99, 100)
    narrow = bounds.pair_bounds(Residual(8, ["1/2"] * 6, [8]))[-1]
    assert abs(narrow.upper / limits[-1][0] - 1) > 1e-2
    with pytest.raises(SpecError, match="normal weights only"):
        bounds.infinite_width(wide.replaced(weights="uniform"))


def test_a_branch_of_the_other_sign_mirrors_the_input():
    net = Residual(2, ["1/2"] * 3, [3], input=[2, 1])
    mirror = net.replaced(activation="slopes:-1:0", input=[-2, -1])
    assert bounds.pair_bounds(mirror)[-1].upper.overlaps(bounds.pair_bounds(net)[-1].upper)
    assert not bounds.pair_bounds(mirror.replaced(input=[2, 1]))[-1].upper.overlaps(
        bounds.pair_bounds(net)[-1].upper
    )


def test_the_record_of_a_bent_net():
    found = predict(Residual(4, ["1/2", "1/3"], [6]), 2)
    assert found.layers[0].moments == (Exact(fmpq(1)), Exact(fmpq(1)))
    assert all(isinstance(m, Bounded) for m in found.layers[2].moments)
    assert found.empirical_variance is None
    criterion = found.details["criterion"]
    assert "if and only if" in criterion["meaning"]
    c = found.details["c"][0].ball
    assert criterion["sum"].ball.overlaps(c * fmpq(5, 6) + fmpq(13, 36))
    assert set(found.details) == {
        "branch_output",
        "criterion",
        "c",
        "mean_bounds",
        "pair_bounds",
        "infinite_width",
    }
    assert found.to_dict()["layers"][1]["moments"]["1"]["bounded"]
    other = predict(Residual(4, ["1/2"], [6], weights="student_t:3"), 1)
    assert other.details["c"][0].lower == 0
    assert "infinite_width" not in other.details
    assert other.failure_modes.fm2.fails is None


@pytest.mark.parametrize(
    "scales, low, high, verdict",
    [("0.01x3", "1/10", 10, False), ("1x9", "1/10", 10, True), ("0.3x6", "1/10", "6.8", None)],
)
def test_failure_modes_between_bounds(scales, low, high, verdict):
    found = predict(Residual(4, scales, [6]), thresholds=Thresholds(low, high))
    assert found.failure_modes.fm1.fails is verdict
    assert isinstance(found.failure_modes.fm1.worst, Bounded)
    last = found.layers[-1].moments[0]
    assert verdict is not None or last.lower < fmpq(34, 5) < last.upper


@pytest.mark.full
def test_which_schedules_are_safe():
    """1/sqrt(L): E M_L -> e for linear output; for ReLU the lower bound passes 10^36."""
    rows = {
        (r.schedule, r.branch_output, r.blocks): r.mean for r in compared_schedules(blocks=[10, 1_000, 6_000])
    }
    with ctx.workprec(100):
        safe = arb(rows["1/sqrt(L)", "linear", 6_000].ball)
        assert abs(safe - arb.const_e()) < 3e-4
        assert rows["1/sqrt(L)", "relu", 6_000].lower > arb(10) ** 36
        for name in ("1/L", "geometric:1/2"):
            assert rows[name, "relu", 6_000].upper < 4
            assert float(rows[name, "linear", 6_000]) < 2


def test_laws_without_a_fourth_moment_keep_the_upper_bound():
    network = Residual(3, ["1/2"], [4], weights="student_t:3")
    (found,) = branch_numbers(network)
    assert (found.cross[0], found.pair[1]) == (0, fmpq(1, 2))
    assert not isinstance(network.weights[0], Normal)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_the_criterion_needs_more_than_symmetric_weights(blocks):
    """ReLU, signs as weights, x_0 = -1: N(-1) = 4 with probability 1/4, else 0, and 0 stays 0.

    With eta = 1/4 in every block E M_L = (3/4)^L although sum (c eta + alpha eta^2) diverges: so
    "only if" is claimed for normal weights alone.
    """
    options = {"weights": "rademacher", "mode": "none", "variance_gain": 4, "input": [-1]}
    network = Residual(1, ["1/4"] * blocks, [1], **options)
    assert residual_oracle.length_moments(network, 1)[-1] == [fmpq(3, 4) ** blocks]
    found = predict(network).details["criterion"]
    assert found["sum"].lower > fmpq(1, 4) * blocks
    assert "if and only if" not in found["meaning"]
