"""Residual nets with linear branch output: exact moments, by routes that share no formula.

The recursion is held against exhaustive enumeration of finite laws, against closed forms for normal
weights, and, read symbolically, against itself; every check has mutants that it rejects.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import residual_oracle
from theory import Residual, predict
from theory import residual_closed_forms as closed_forms
from theory.empirical_variance import affine_empirical_variance
from theory.readings import residual as exact
from theory.residual import Block
from theory.residual_recursion import BlockRecursion, block_recursion
from theory.values import Exact

HALVES = "finite:-1:1/4,0:1/2,1:1/4"
SIXTHS = "finite:-1:1/6,0:2/3,1:1/6"
# Its moments up to order 4 are those of the uniform law: kurtosis 9/5.
LIKE_UNIFORM = "finite:-1:5/18,0:4/9,1:5/18"


def linear(width, scales, branch_widths, **options):
    return Residual(width, scales, branch_widths, **{"branch_output": "linear", **options})


# Widths and gains that make the deviation of every weight rational.
TINY = {
    "one hidden neuron, Rademacher": linear(2, ["1/2", "2/3"], [1], weights="rademacher", input=[1, "1/2"]),
    "four hidden neurons": linear(2, ["1/2"], [4], weights="rademacher", input=[1, -2]),
    "weights that can vanish": linear(2, ["1/2", "2/3"], [2], weights=HALVES, variance_gain=1, input=[1, 3]),
    "trunk of width 1": linear(1, ["1/2", "2/3", 1], [2], weights=HALVES, input=[3]),
    "trunk of width 3, a zero, gain 3": linear(
        3, ["3/4"], [4], weights="rademacher", variance_gain=3, input=[1, 0, -2]
    ),
    "unequal branches, two hidden layers": linear(
        2, ["1/2", "3/4"], [[2, 1], [1]], weights="rademacher", mode="none", variance_gain=1, input=[1, -2]
    ),
    "three hidden layers": linear(
        2, ["3/4"], [[2, 1, 4]], weights="rademacher", mode="none", variance_gain=4
    ),
    "negative slope": linear(
        2, ["1/2", "3/4"], [1], weights="rademacher", activation="leaky_relu:-1/2", variance_gain=2
    ),
    "other laws in other blocks": linear(
        2, ["1/2", "1/3"], [[1], [3]], weights=["rademacher", SIXTHS], mode="fan_out", variance_gain=1
    ),
    "a bent output whose slopes are equal": Residual(
        2,
        ["1/2", "3/4"],
        [[1], [2]],
        weights="rademacher",
        activation="slopes:2:2",
        mode="none",
        variance_gain=1,
    ),
}


@cache
def enumerated(name):
    return residual_oracle.length_moments(TINY[name], 4)


def agrees_with_enumeration(name, order) -> bool:
    return exact.length_moments(TINY[name], order) == [row[:order] for row in enumerated(name)]


@pytest.mark.full_cases("weights that can vanish")
@pytest.mark.parametrize("name", TINY)
def test_the_recursion_equals_enumeration(name):
    """Exact equality of fractions at every block, for k = 1..4."""
    assert agrees_with_enumeration(name, 4)


def test_the_uniform_law_equals_a_finite_law_of_the_same_moments():
    """E M^k needs moments up to order 2k only; at order 3 the laws differ, and so do the moments."""
    options = {"variance_gain": 5, "input": [2]}
    uniform = linear(1, ["1/2", "1/3"], [5], weights="uniform", **options)
    stand_in = uniform.replaced(weights=LIKE_UNIFORM)
    assert exact.length_moments(uniform, 2) == residual_oracle.length_moments(stand_in, 2)
    assert exact.length_moments(uniform, 3) != residual_oracle.length_moments(stand_in, 3)


def without_cross_terms(recursion: BlockRecursion) -> BlockRecursion:
    """The mutant that keeps x^{2l} and y^{2l} but drops binom(2l, 2k) x^{2(l-k)} y^{2k}, 0 < k < l."""
    kept = {
        target: {split: c for split, c in splits.items() if c == 1}
        for target, splits in recursion.terms.items()
    }
    return replace(recursion, terms=kept)


def with_smaller_binomials(recursion: BlockRecursion) -> BlockRecursion:
    """The mutant whose binomials are 1 too small."""
    changed = {
        target: {split: max(1, c - 1) for split, c in splits.items()}
        for target, splits in recursion.terms.items()
    }
    return replace(recursion, terms=changed)


@pytest.mark.parametrize("mutant", [without_cross_terms, with_smaller_binomials])
def test_wrong_coefficients_are_caught(monkeypatch, mutant):
    monkeypatch.setattr(exact, "block_recursion", lambda order: mutant(block_recursion(order)))
    assert not any(agrees_with_enumeration(name, 2) for name in TINY)


def test_eta_in_place_of_its_square_is_caught(monkeypatch):
    monkeypatch.setattr(Block, "scale_squared", property(lambda block: block.scale))
    assert not any(agrees_with_enumeration(name, 1) for name in TINY)


def test_an_output_variance_by_width_is_caught():
    """V of variance 1/n in place of 1/m; only a branch as wide as the trunk would not tell."""
    network = TINY["four hidden neurons"].replaced()
    truth = residual_oracle.length_moments(network, 1)
    *hidden, last = network.blocks[0].layers
    mutated = (Block(1, network.blocks[0].scale, (*hidden, replace(last, mode="fan_out"))),)
    network.__dict__["blocks"] = mutated
    assert exact.length_moments(network, 1) != truth


def test_reference_case():
    """M_0 = 267/200 times 1.49 * 1.25 * 1.81, and the product of THEORY.md 5(b), as fractions."""
    network = linear(4, ["0.7", "0.5", "0.9"], [6], input=[1, -2, "0.5", "0.3"])
    last = exact.length_moments(network, 2)[-1]
    assert last == [fmpq(7200723, 1600000), fmpq(229872302306905707, 4096000000000000)]
    second = fmpq(267, 200) ** 2
    for eta in (fmpq(7, 10), fmpq(1, 2), fmpq(9, 10)):
        n, m = fmpq(4), fmpq(6)
        second *= 1 + 2 * eta**2 * (1 + 2 / n) + eta**4 * (1 + 2 / n) * (1 + 5 / m)
    assert last[1] == second


scales = st.sampled_from([fmpq(0), fmpq(1, 3), fmpq(1), fmpq(7, 5)])


@st.composite
def normal_nets(draw):
    width = draw(st.integers(1, 6))
    etas = draw(st.lists(scales, min_size=1, max_size=3))
    hidden = [draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)) for _ in etas]
    return linear(
        width,
        etas,
        hidden,
        activation=draw(st.sampled_from(["relu", "abs", "linear", "leaky_relu:1/10", "slopes:0:-3"])),
        variance_gain=draw(st.sampled_from([None, 1, "5/2"])),
        mode=draw(st.sampled_from(["fan_in", "fan_out", "fan_avg"])),
        input=draw(st.lists(st.integers(-3, 3), min_size=width, max_size=width)),
    )


@settings(max_examples=150)
@given(network=normal_nets(), order=st.integers(1, 4))
def test_the_recursion_equals_the_closed_forms_for_normal_weights(network, order):
    assert exact.length_moments(network, order)[1:] == list(closed_forms.length_moments(network, order))


def test_the_closed_form_bites():
    """One degree of freedom less in 1 + 2i/n, or a branch one neuron wider, is seen at order 2."""
    network = linear(4, ["1/2"], [6])
    assert exact.length_moments(network, 2)[1][1] == closed_forms.block_factor(network.blocks[0], 2)
    for mutant in (linear(3, ["1/2"], [6]), linear(4, ["1/2"], [7])):
        assert exact.length_moments(network, 2)[1][1] != closed_forms.block_factor(mutant.blocks[0], 2)
    assert not closed_forms.applies_to(network.replaced(weights="uniform"))


@pytest.mark.parametrize("eta", ["1/10", "1", "3"])
def test_the_ratio_of_theory(eta):
    """E M^2/(E M)^2 = prod (1 + (4 eta^2/n + eta^4 (2/n + 5/m + 10/(nm)))/(1 + eta^2)^2)."""
    n, m, e = fmpq(7), fmpq(3), fmpq(*map(int, (eta + "/1").split("/")[:2]))
    network = linear(7, [eta, eta], [3])
    mean, second = exact.length_moments(network, 2)[-1]
    extra = 4 * e**2 / n + e**4 * (2 / n + 5 / m + 10 / (n * m))
    assert second / mean**2 == (1 + extra / (1 + e**2) ** 2) ** 2
    assert closed_forms.spread_factor(network.blocks[0]) == 1 + extra / (1 + e**2) ** 2


def test_scale_zero_is_the_identity():
    network = linear(3, [0, 0], [5], weights="laplace", input=[1, 2, -4])
    assert exact.length_moments(network, 3) == [[7, 49, 343]] * 3


def test_a_zero_input_stays_zero():
    prediction = predict(linear(3, [1], [5], input=[0, 0, 0]))
    assert [m.number for m in prediction.layers[1].moments] == [0, 0]
    assert prediction.failure_modes.fm1.fails is None


@pytest.mark.parametrize("name", ["trunk of width 1", "unequal branches, two hidden layers"])
def test_the_empirical_variance_equals_that_of_enumerated_paths(name):
    network = TINY[name]
    total = fmpq(0)
    for (_, *path), probability in residual_oracle.path_law(network).items():
        mean = sum(path) / len(path)
        total += probability * (sum(m * m for m in path) / len(path) - mean**2)
    assert predict(network).empirical_variance == Exact(total)
    rows = exact.length_moments(network, 2)[1:]
    unscaled = [(fmpq(1), fmpq(0))] * network.depth
    assert affine_empirical_variance(unscaled, [r[0] for r in rows], [r[1] for r in rows]) != total
