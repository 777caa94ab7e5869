"""Rules about bounds, orthogonal weights, limits and the continuum: each condition violated alone.

Judgements are written by hand, so that a rule meets premises that no other rule would let through, and
what it complains of is the condition in question. Beside each refusal stands its neighbour that is accepted.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from rules_by_hand import ABSOLUTE, BIASED, RELU, complaint, judgement

from proofs_check.kernel import (
    attainment_rules,
    bound_rules,
    continuum_rules,
    limit_rules,
    orthogonal_rules,
)
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import ProofError


def layer(target, coefficients, given=RELU):
    return judgement("layer", given, target=target, coefficients=coefficients)


# Second moments with biases.


def bias_bound(one="1 + 5*u", two="1", linear="b2", mean_of=None, square_of=None):
    constant = "1/4*b2^2 + 1/2*u*b4"
    claim = judgement("bias_bound", BIASED, factors={"max": [one, two]})
    mean = layer(mean_of or {"length": 1}, {"1": "1", "": "1/2*b2"}, BIASED)
    terms = {"1,1": one, "2": two, "1": linear, "": constant}
    return complaint(
        bound_rules.bias_induction, claim, mean, layer(square_of or {"length": 2}, terms, BIASED)
    )


def test_with_biases_the_linear_term_is_a_factor_times_nu_2():
    assert bias_bound() == ""
    assert bias_bound(linear="b2 + 5*u*b2") == ""
    assert bias_bound(linear="7*b2") == "the linear term is not F b2"


def test_with_biases_a_factor_is_at_least_1():
    """The induction multiplies the biases of early layers by later factors, which must not shrink them."""
    assert bias_bound("1", "1/2") == ""
    assert bias_bound("1/2 + 5*u", "1/2", linear="1/2*b2") == "no factor is at least 1"


@pytest.mark.parametrize("other", [{"length": 3}, {"augmented": [2]}])
def test_with_biases_the_premises_are_about_the_length_and_its_square(other):
    assert bias_bound(mean_of=other) == "two layer premises"
    assert bias_bound(square_of=other) == "two layer premises"


# Exponential form.


@pytest.mark.parametrize(
    ("rate", "factor", "fits"),
    [("5", "1 + 5*u", True), ("0", "1", True), ("-1", "1 - u", False), ("u", "1 + u^2", False)],
)
def test_rates_are_not_negative_and_free_of_the_width(rate, factor, fits):
    """1 - u >= (1 + r)^u with r = -1 would read log 0."""
    claim = judgement("exponential", order=2, relation=">=", rates={"min": [rate]})
    bound = judgement("bound", order=2, relation=">=", factors={"min": [factor]})
    assert complaint(bound_rules.exponentiate, claim, bound) == ("" if fits else "rates are >= 0, free of u")


# Growth per layer, whatever came before.


@pytest.mark.parametrize(
    ("p", "q", "difference", "fits"),
    [
        ("1 + 5*u", "1 - u + 2*u*m4", "2*u*m4 - 6*u", True),
        ("1", "1", "0", True),
        ("1/2", "1", "1/2", False),
        ("1", "1/2", "-1/2", False),
    ],
)
def test_universal_growth_needs_second_moments_that_do_not_fall(p, q, difference, fits):
    """The spread of layer j - 1 is measured in E M_{j-2}^2, which must not exceed E M_{j-1}^2."""
    claim = judgement("universality", centre=p, deviation=difference, spread=["3", "m4"])
    second = layer({"length": 2}, {"1,1": p, "2": q})
    fourth = layer({"augmented": [2]}, {"1,1": "3*u", "2": "u*m4"})
    said = complaint(bound_rules.universal_growth, claim, second, fourth)
    assert said == ("" if fits else "second moments must not decrease")


# The empirical variance.


def variance_bound(factors=("1 + 5*u", "1"), given=RELU, **other):
    """The bound by the middle layers, whose premises are about the nets `given` and RELU."""
    middle = judgement("middle_layers", given, weight=["k - 1", "d - k + 1"])
    parts = {"relation": ">=", "factors": {"min": list(factors)}}
    bound = judgement("bound", order=2, **parts) | other
    return complaint(bound_rules.middle_layer_bounds, judgement("variance_bound", **parts), middle, bound)


def quarter_bound(factors=("1 + 5*u", "1"), given=RELU, **other):
    """A quarter of Var M_d, whose premises are about the nets `given` and RELU."""
    middle = judgement("middle_layers", given, weight=["k - 1", "d - k + 1"])
    lower = judgement("bound", order=2, relation=">=", factors={"min": list(factors)}) | other
    return complaint(bound_rules.quarter, judgement("quarter_bound", square="d - 2*k + 2"), middle, lower)


VARIANCE = pytest.mark.parametrize("bounded", [variance_bound, quarter_bound])


@VARIANCE
def test_variances_are_bounded_by_second_moments_alone(bounded):
    assert bounded() == ""
    assert bounded(order=4) == "the premise must bound E M_d^2"
    assert bounded(judgement="product") == "the premise must bound E M_d^2"


@VARIANCE
def test_variances_are_bounded_by_factors_of_at_least_1(bounded):
    assert bounded(("1",)) == ""
    assert bounded(("1", "1/2 + 5*u")) == "a factor is below 1"


@VARIANCE
@pytest.mark.parametrize(
    "changed",
    [{"weights": ["1", "9/5"]}, {"biases": ["b2", "b4"]}, {"halves": ["1", "1"]}, {"halves": ["1/2"] * 3}],
)
def test_variances_are_bounded_by_moments_of_the_same_net(bounded, changed):
    assert bounded(given=RELU | changed) == "the premises speak of other layers"


@VARIANCE
def test_the_sum_over_middle_layers_may_assume_fewer_moments(bounded):
    assert bounded(given=RELU | {"weights": ["1"], "biases": ["0"], "halves": ["1/2"]}) == ""
    assert bounded(given=RELU | {"gain": "1"}) == "the premises speak of other gains"


@pytest.mark.parametrize(
    ("polynomial", "non_negative"),
    [
        ("0", True),
        ("m4 - 1", True),
        ("u*m4*b2 + b4", True),
        ("m4 - 2", False),
        ("b2 - u*b4", False),
        ("c1", False),
    ],
)
def test_what_is_not_negative_for_widths_kurtoses_and_biases(polynomial, non_negative):
    """u, b2, b4 >= 0 and m4 >= 1; of other symbols nothing is known. (Private: the unit.)"""
    assert bound_rules._non_negative(Polynomial.of(polynomial)) is non_negative


# Attainment.


def test_attainment_at_one_kurtosis_whatever_the_width():
    """(u - 2 u^2)(m4 - 1) vanishes at n = 2 for every kurtosis."""

    def attained(difference):
        claim = judgement("attainment", difference=difference, equal_at="1")
        return complaint(
            attainment_rules.attained, claim, layer({"length": 2}, {"1,1": "1", "2": f"1 + {difference}"})
        )

    assert attained("2*u*m4 - 2*u") == ""
    alone = "the kurtosis must enter as a multiple of u*m4"
    assert attained("u*m4 - 2*u^2*m4 - u + 2*u^2") == alone
    assert attained("m4 - 1") == alone
    assert attained("g*u*m4 - g*u") == alone
    assert attained("u") == alone
    assert attained("0") == alone


# Orthogonal weights.


def sphere(given=ABSOLUTE, **other):
    """E (r^2/N)^2 = (N^2 + 2 N)/N^2 = 1 + 2/N for the squared length of N normal numbers."""
    radius = judgement("product", given, order=2, factor="1 + 2*u") | other
    return complaint(orthogonal_rules.polar, judgement("sphere", given, order=2, factor="1 + 2*w"), radius)


def test_the_radius_is_a_product_of_the_same_order():
    assert sphere() == ""
    assert sphere(order=3) == "another order"
    assert sphere(judgement="width_one") == "another order"


@pytest.mark.parametrize("weights", [["1", "9/5"], ["1"], []])
def test_spheres_need_normal_moments_up_to_the_order(weights):
    assert sphere(ABSOLUTE | {"weights": ["1", "3", "15"]}) == ""
    assert sphere(ABSOLUTE | {"weights": weights}) == "the moments of normal weights are needed"


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [("product", "sphere", True), ("product", "product", False), ("width_one", "sphere", False)],
)
def test_orthogonal_growth_rests_on_a_product_and_a_sphere(first, second, fits):
    claim = judgement("orthogonal_product", order=2, factor="1 + 5*u", divisor="1 + 2*w")
    normal = judgement(first, order=2, factor="1 + 5*u")
    said = complaint(
        orthogonal_rules.orthogonal_growth, claim, normal, judgement(second, order=2, factor="1 + 2*w")
    )
    assert said == ("" if fits else "a product and a sphere")


@pytest.mark.parametrize(("divisor", "fits"), [("1 + 2*w", True), ("1", False), ("1/2 + w", False)])
def test_orthogonal_moments_are_smaller_where_the_divisor_exceeds_1(divisor, fits):
    """At N = 3 the divisor 1/2 + w is 5/6, and the moments would be larger."""
    claim = judgement("orthogonal_below", order=2, relation="<")
    product = judgement("orthogonal_product", order=2, factor="1 + 5*u", divisor=divisor)
    said = complaint(orthogonal_rules.below_normal, claim, product)
    assert said == ("" if fits else "the divisor is not seen to exceed 1")


@pytest.mark.parametrize(
    ("factor", "divisor", "excess", "fits"),
    [
        ("1 + 5*u", "1 + 2*w", "3*u", True),
        ("1 + 2*u", "1 - w", "3*u", False),
        ("1 + u", "1 + 2*w", "-u", False),
        ("1 + 2*u", "1 + 2*w", "0", False),
    ],
)
def test_orthogonal_moments_grow_where_divisor_and_excess_are_positive(factor, divisor, excess, fits):
    """divisor(w) <= divisor(u) needs one that grows; with excess <= 0 the product is not above 1."""
    claim = judgement("orthogonal_grows", order=2, divisor=divisor, excess=excess)
    product = judgement("orthogonal_product", order=2, factor=factor, divisor=divisor)
    said = complaint(orthogonal_rules.above_one, claim, product)
    assert said == ("" if fits else "the divisor grows with w, the excess is positive")


@pytest.mark.parametrize(
    ("polynomial", "positive"),
    [
        ("1", True),
        ("1/2*u", True),
        ("1 + u*w", True),
        ("0", False),
        ("1 - 1/2*u", False),
        ("w - 1", False),
        ("1 + g", False),
    ],
)
def test_what_is_positive_for_all_widths(polynomial, positive):
    """u, w > 0; of other symbols nothing is known. (Private: the unit.)"""
    assert orthogonal_rules._positive(Polynomial.of(polynomial)) is positive


# Limits.


@pytest.mark.parametrize(
    ("term", "bounded"),
    [
        ("1/2*b2", True),
        ("0", True),
        ("-1/2*b2", False),
        ("1/2", False),
        ("1/2*b2 + u", False),
        ("b2^2", False),
    ],
)
def test_means_are_bounded_with_the_sum_of_the_bias_variances(term, bounded):
    """(Private, here and below: a hypothesis of a theorem is the unit.)"""
    assert limit_rules._mean(BIASED, judgement("sum", BIASED, term=term)) is bounded


def test_means_are_sums_over_the_layers_of_this_net():
    """A sum that is least at equal widths has a term as well."""
    assert not limit_rules._mean(BIASED, judgement("sum", RELU, term="1/2*b2"))
    assert not limit_rules._mean(BIASED, judgement("equal_widths_sum", BIASED, term="1/2*b2"))


def test_the_martingale_without_biases_is_that_of_the_same_net():
    def martingale(given, coefficient="1"):
        premise = layer({"length": 1}, {"1": coefficient}, given)
        return limit_rules._martingale_without_biases(BIASED, premise)

    assert martingale(RELU)
    assert not martingale(RELU, "2")
    assert not martingale(ABSOLUTE)
    assert not martingale(BIASED)


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        (["bounded_bias_variances"], ["unbounded_bias_variances"], True),
        (["bounded_bias_variances"], [], False),
        ([], ["unbounded_bias_variances"], False),
        (["unbounded_bias_variances"], ["bounded_bias_variances"], False),
    ],
)
def test_of_two_cases_each_assumes_its_own_half(first, second, fits):
    """Without the other half nothing is known where the bias variances are unbounded, or bounded."""
    claim = judgement("limit", says=limit_rules.UNBOUNDED, assumes=["nested_net"])
    cases = [claim | {"assumes": [*half, "nested_net"]} for half in (first, second)]
    said = complaint(limit_rules.either, claim, *cases)
    assert said == ("" if fits else "the two cases are not complementary")


# The continuum.


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        ("1", "b"),
        ("x", "b*x + 1"),
        ("x^3", "b*x^3 + 3*x^2"),
        ("b*x^2 - 5*x", "b^2*x^2 + 2*b*x - 5*b*x - 5"),
    ],
)
def test_derivatives_of_exponentials_times_powers(function, derivative):
    """(e^{bx} p)' = e^{bx} (b p + p') with p' by the power rule. (Private, here and below: the unit.)"""
    assert continuum_rules._derivative(Polynomial.of(function)) == Polynomial.of(derivative)


@pytest.mark.parametrize(
    ("function", "bound", "holds"),
    [
        ("1/2*x", "1/2", True),
        ("1/2 + 1/2*x", "1/2", False),
        ("-1/2", "1/3", False),
        ("1/2", "1/3", False),
        ("b*x", "b", True),
        ("2*b*x", "b", False),
    ],
)
def test_bounds_on_the_unit_interval(function, bound, holds):
    """|p| <= bound for 0 <= x <= 1, b >= 0."""
    said = ""
    try:
        continuum_rules._require_bounded(Polynomial.of(function), Polynomial.of(bound))
    except ProofError as error:
        said = str(error)
    assert said == ("" if holds else "the second derivative exceeds its bound")


@pytest.mark.parametrize(
    ("function", "integral"),
    [("3", Fraction(3, 2)), ("x", Fraction(3, 8)), ("x^2", Fraction(7, 24)), ("2*x^2 - x", Fraction(5, 24))],
)
def test_integrals_over_the_second_half(function, integral):
    """The primitive x^{k+1}/(k + 1) at 1 less that at 1/2."""
    found = continuum_rules._integral(Polynomial.of(function), Fraction(1, 2), Fraction(1))
    assert found == integral
