"""Theorem 5 with its constants: the bounds hold, are attained where THEORY.md section 3 says so."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given, settings

from actlen import strategies as nets
from theory import bounds as bounds_module
from theory.activations import as_activation
from theory.bounds import layer_constants, second_moment_bounds
from theory.laws import as_law
from theory.network import FullyConnected
from theory.readings.exact import length_moments

LAWS = ["normal", "uniform", "laplace", "rademacher", "student_t:5", "finite:-1:1/40,0:19/20,1:1/40"]
ACTIVATIONS = ["relu", "abs", "linear", "leaky_relu:1/3", "slopes:1/2:-3"]


networks = nets.fully_connected(widths=nets.widths(max_depth=6, max_width=20), biased=False)


def second_moment(network) -> fmpq:
    return length_moments(network, 2)[-1][1]


def sandwiched(network) -> bool:
    found = second_moment_bounds(network)
    return bool(found.lower.number <= second_moment(network) <= found.upper.number)


@settings(max_examples=100)
@given(networks)
def test_exponential_bounds_lie_outside_the_products(network):
    """1 + C/n <= exp(C/n), and 1 + c/n >= (1 + c)^{1/n}; equality at n = 1 below, so balls may touch."""
    found = second_moment_bounds(network)
    assert not found.exponential_lower.ball > arb(found.lower.number)
    assert found.exponential_upper.ball > arb(found.upper.number)


@pytest.mark.parametrize("law", ["uniform", "rademacher", "laplace"])
def test_sandwich_rejects_swapped_constants(monkeypatch, law):
    """min and max swapped: the sandwich is empty unless kappa = 3."""
    network = FullyConnected([3, 4, 5], weights=law, input=[1, -2, 3])
    assert sandwiched(network)
    right = bounds_module.layer_constants
    monkeypatch.setattr(bounds_module, "layer_constants", lambda w, a: right(w, a)[::-1])
    assert not sandwiched(network)


def test_sandwich_rejects_four_in_place_of_five(monkeypatch):
    network = FullyConnected([3, 4, 5])
    assert sandwiched(network)
    monkeypatch.setattr(bounds_module, "layer_constants", lambda w, a: (fmpq(4), fmpq(4)))
    assert not sandwiched(network)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_normal_weights_attain_both_bounds(activation):
    network = FullyConnected([3, 4, 5, 1], activation=activation, variance_gain=2, input=[1, -2, 3])
    found = second_moment_bounds(network)
    assert found.lower == found.upper
    assert found.lower.number == second_moment(network)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("last_width", [1, 6])
def test_chains_of_width_one_attain_two_kappa_minus_one(law, last_width):
    """One non-zero entry before every layer: E M_j^2 = (1 + (2 kappa - 1)/n_j) q_{j-1}."""
    widths = [4, 1, 1, 1, last_width]
    single = 2 * as_law(law).kurtosis - 1
    attained = (1 + single) ** 3 * (1 + single / last_width)
    one_hot = FullyConnected(widths, weights=law, input=[2, 0, 0, 0])
    found = second_moment_bounds(one_hot)
    assert attained == second_moment(one_hot)
    assert attained in (found.lower.number, found.upper.number)
    spread_out = FullyConnected(widths, weights=law)
    assert (second_moment(spread_out) == attained) == (single == 5)


@pytest.mark.parametrize(
    "law, activation, expected",
    [
        ("normal", "relu", (5, 5)),
        ("rademacher", "relu", (1, 5)),
        ("laplace", "relu", (5, 11)),
        ("uniform", "relu", (fmpq(13, 5), 5)),
        ("rademacher", "abs", (0, 2)),
        ("laplace", "leaky_relu:1/2", (fmpq(77, 25), 6 * fmpq(34, 25) - 1)),
    ],
)
def test_constants_by_hand(law, activation, expected):
    """min and max of 3 tau - 1 and kappa tau - 1; tau = 2 (ReLU), 1 (abs), 34/25 (leaky 1/2)."""
    assert layer_constants(as_law(law), as_activation(activation)) == expected


def test_reported_constants_are_the_extremes_over_layers():
    found = second_moment_bounds(FullyConnected([2, 2, 2], weights=["rademacher", "laplace"]))
    assert (found.c.number, found.C.number) == (1, 11)


def test_layers_do_not_borrow_each_others_constants():
    """Rademacher then Laplace, widths 2, 4: lower (1 + 1/2)(1 + 5/4), upper (1 + 5/2)(1 + 11/4)."""
    found = second_moment_bounds(FullyConnected([3, 2, 4], weights=["rademacher", "laplace"]))
    assert found.lower.number == fmpq(3, 2) * fmpq(9, 4)
    assert found.upper.number == fmpq(7, 2) * fmpq(15, 4)


def test_exponential_bounds_by_hand():
    """Rademacher, widths 2, 4: sum 1/n = 3/4, so 2^{3/4} and e^{15/4}."""
    found = second_moment_bounds(FullyConnected([3, 2, 4], weights="rademacher"))
    assert found.exponential_lower.ball.overlaps(arb(2) ** fmpq(3, 4))
    assert found.exponential_upper.ball.overlaps(arb(fmpq(15, 4)).exp())
    assert not found.exponential_upper.ball.overlaps(arb(fmpq(12, 4)).exp())


@pytest.mark.parametrize("options", [{"bias_variance": 1}, {"weights": "student_t:4"}])
def test_no_bounds_where_the_theorem_does_not_reach(options):
    assert second_moment_bounds(FullyConnected([2, 2], **options)) is None


def test_long_products_become_enclosures_of_the_same_number():
    network = FullyConnected([7] * 60)
    exact, enclosed = second_moment_bounds(network), second_moment_bounds(network, longest_bits=40)
    assert enclosed.lower.ball.overlaps(arb(exact.lower.number))
    assert enclosed.lower.ball.rel_accuracy_bits() > 30
    assert not enclosed.lower.ball.overlaps(arb(exact.lower.number) * fmpq(12, 7))
