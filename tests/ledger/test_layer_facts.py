"""The rules about one layer, each condition alone: what is false by a hand's width is refused by its name."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

import pytest
from flint import fmpq
from rules_by_hand import ABSOLUTE, BIASED, RELU, complaint, judgement, mean_layer

from proofs_check.checks.polynomials import value_at
from proofs_check.kernel import layer_facts
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import ProofError

# Lengths under the root.


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        ("1 - 1/8*u", ""),
        ("1 - 1/7*u", "square roots"),
        ("1 - u", "square roots"),
        ("1 - 2*u", "c must be in"),
        ("1", "c must be in"),
        ("1 + 1/8*u", "c must be in"),
        ("2 - 1/8*u", "written 1 - c"),
        ("1 - 1/8*u^2", "written 1 - c"),
    ],
)
def test_roots_shrink_by_an_eighth_at_most(factor, says):
    """(2 (1 - c y)^2 - 1)^2 = 1 - 8 c y + ... is at least 1 - y near y = 0 for c <= 1/8 alone."""
    found = complaint(layer_facts.mask_root, judgement("root", factor=factor), mean_layer())
    assert says in found
    assert bool(found) is bool(says)


# Rare biases.


@pytest.mark.parametrize(
    ("base", "holds"), [("1/2", True), ("99/100", True), ("0", False), ("1", False), ("-1/2", False)]
)
def test_chances_of_rare_biases_are_positive_and_summable(base, holds):
    """At base 0 no bias has a variance: B^2 = 1/p does not exist."""
    claim = judgement("rare_biases", RELU | {"biases": ["1"]}, base=base)
    assert (complaint(layer_facts.rare_biases, claim) == "") is holds


# The chance of a length.


def likely(threshold="1/2", chance="1/24", given=RELU, mean=None, **square):
    claim = judgement("likely", given, threshold=threshold, chance=chance)
    silent = given | {"biases": RELU["biases"]}
    moment = judgement("product", silent, order=2, factor="1 + 5*u") | square
    return complaint(layer_facts.paley_zygmund, claim, mean or mean_layer(given=silent), moment)


def test_no_length_above_its_mean_is_likely_by_paley_and_zygmund():
    """(1 - t)^2 grows again beyond t = 1: at 3/2 it is 1/4, and P(X >= 3/2) is not bounded by it."""
    assert likely("1/2") == ""
    for beyond in ("3/2", "19/10", "2"):
        assert "threshold is in (0, 1)" in likely(beyond)


def test_the_second_moment_of_a_length_is_a_product_of_order_two():
    assert "factor" in likely(order=3)
    assert "factor" in likely(judgement="width_one")
    assert likely(judgement="product", order=2) == ""


def test_premises_of_a_chance_may_lack_the_biases_and_nothing_else():
    """X is the length without biases, so its premises have none; ReLU is not exchanged for |z|."""
    assert likely(given=BIASED) == ""
    assert "assumptions change" in likely(given=BIASED, mean=mean_layer(given=ABSOLUTE))
    assert "assumptions change" in likely(mean=mean_layer(given=BIASED))


@pytest.mark.parametrize(
    ("given", "other", "same"),
    [(BIASED, RELU, True), (RELU, RELU, True), (BIASED, BIASED, False), (RELU, ABSOLUTE, False)],
)
def test_the_same_net_without_biases(given, other, same):
    assert layer_facts.but_for_biases(given, other) is same


def test_relu_is_told_by_two_moments_however_many_are_given():
    assert layer_facts.is_relu(RELU)
    assert layer_facts.is_relu(RELU | {"halves": ["1/2"] * 3})
    assert not layer_facts.is_relu(RELU | {"halves": ["1/2", "1/3"]})
    assert not layer_facts.is_relu(RELU | {"gain": "1"})
    assert not layer_facts.is_relu(ABSOLUTE)


def test_numbers_are_read_without_variables():
    """The reader of numbers alone: every rule that uses it asks for more than 0."""
    assert layer_facts._number("0") == 0
    assert layer_facts._number("1/2 - 1") == Fraction(-1, 2)
    with pytest.raises(ProofError, match="number"):
        layer_facts._number("u")


# Polynomials on [0, 1].


@pytest.mark.parametrize(
    ("polynomial", "non_negative"),
    [
        ("1 - 3*u + 2*u^2", False),
        ("1 - 2*u + u^2", True),
        ("1 - 4*u + 5*u^2 - 2*u^3", False),
        ("3 - 3*u^8", True),
        ("3 - 4*u^8", False),
    ],
)
def test_a_dip_between_0_and_1_is_seen(polynomial, non_negative):
    """(1 - u)(1 - 2u) is 0 at u = 1 but -1/8 at 3/4; (1 - u)^2 (1 - 2u) falls below 0 beyond 1/2."""
    grid = [value_at(polynomial, {"u": fmpq(k, 64)}) for k in range(65)]
    assert (min(grid) >= 0) is non_negative
    assert layer_facts._non_negative(Polynomial.of(polynomial), "u") is non_negative


# Moving widths together.


def lowers(term):
    return complaint(layer_facts.exchange_sum, judgement("equal_widths_sum", term=term)) == ""


def moves():
    """Widths (a, b) and (a - e, b + e) with e > 0 and a - e >= b + e."""
    return [(a, b, e) for a, b, e in product(range(1, 14), range(1, 7), range(1, 7)) if a - e >= b + e]


def sums(term):
    """Whether every move of `moves` lowers the sum of the term."""

    def total(*widths):
        return sum((value_at(term, {"u": fmpq(1, n)}) for n in widths), fmpq(0))

    return all(total(a, b) > total(a - e, b + e) for a, b, e in moves())


@pytest.mark.parametrize(
    ("term", "holds"),
    [
        ("u + 5", True),
        ("u - 5", True),
        ("u^2 - 5", True),
        ("u^2 + u + 1", True),
        ("u^3 + 7", True),
        ("u^4", True),
        ("u^2 - u", False),
        ("u^2 - 5*u", False),
        ("u^4 - u", False),
        ("5", False),
    ],
)
def test_constants_do_not_matter_to_sums_and_powers_do(term, holds):
    """A constant cancels between the four widths, whatever its sign; u^2 - u rises for n > 2."""
    assert sums(term) is holds
    assert lowers(term) is holds


def keeps_lowering(factor, order=2):
    claim = judgement("equal_widths_product", order=order)
    return complaint(layer_facts.exchange_product, claim, judgement("product", order=2, factor=factor)) == ""


@pytest.mark.parametrize(
    ("factor", "holds"), [("1 + u", True), ("1 + u^2", True), ("2 + 3*u + u^3", True), ("1", False)]
)
def test_products_of_growing_factors_fall_and_constant_ones_do_not(factor, holds):
    """log F(1/n) is convex in n where F has non-negative coefficients, strictly unless it is constant."""

    def total(*widths):
        return prod((value_at(factor, {"u": fmpq(1, n)}) for n in widths), start=fmpq(1))

    assert all(total(a, b) > total(a - e, b + e) for a, b, e in moves()) is holds
    assert keeps_lowering(factor) is holds


def test_factors_that_may_be_negative_and_other_orders_are_refused():
    assert not keeps_lowering("1 - u")
    assert not keeps_lowering("1 + u", order=3)


def test_terms_of_degree_four_are_followed_and_none_beyond():
    """The bound of the work: what is true of u^5 as well is refused for its degree."""
    assert lowers("u^4")
    claim = judgement("equal_widths_sum", term="u^5")
    assert "degree is too large" in complaint(layer_facts.exchange_sum, claim)
    assert likely(factor="1 + 5*u^8") == ""
    assert "degree is too large" in likely(factor="1 + 5*u^9")
