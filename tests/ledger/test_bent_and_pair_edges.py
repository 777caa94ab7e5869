"""Rules about ReLU blocks, pairs of positions and gradients, each condition alone.

Judgements are written by hand, so that no earlier rule objects first; what is refused is false, or would be
for some net that fits its assumptions.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from rules_by_hand import ABSOLUTE, RELU, holds, judgement, refused

from proofs_check.kernel import bent_rules, gradient_rules, pair_rules
from proofs_check.kernel.shape import ProofError
from proofs_check.prover import stored_proof

FREE = RELU | {"gain": "g", "halves": ["c1", "c2"]}


# ReLU blocks.

KEPT = judgement("product", order=1, factor="1")
BLOCK = judgement("bent_block", growth="1 + e^2", cross="2*e", rise="e")
HALF = judgement("bent_constant", square="1/2")


@pytest.mark.parametrize("rule, claim", [(bent_rules.bent_identity, BLOCK), (bent_rules.half_root, HALF)])
def test_branches_are_relu_nets_and_keep_the_mean(rule, claim):
    """E N_i^2 = M(x) needs a kept mean; E N = E|z|/2 needs ReLU: with abs, which keeps it too, E N = E|z|."""
    assert holds(rule, claim, KEPT)
    refused(rule, claim, KEPT | {"factor": "2"}, because="a ReLU net that keeps the mean")
    refused(rule, claim, KEPT | {"order": 2}, because="a ReLU net that keeps the mean")
    other = {"given": ABSOLUTE}
    refused(rule, claim | other, KEPT | other, because="a ReLU net that keeps the mean")


@pytest.mark.parametrize("square", ["c", "m4", "1/2 + u", "1/2*e"])
def test_the_square_of_a_constant_is_a_number(square):
    refused(bent_rules.half_root, judgement("bent_constant", square=square), KEPT, because="a number")


@pytest.mark.parametrize(
    "square, constant, found",
    [("1/2", "c", "1/2"), ("1/2", "1/2", "1/2"), ("1/2", "2", "2"), ("0", "c", "0"), ("0", "0", "0")],
)
def test_the_square_of_what_bounds_the_blocks(square, constant, found):
    """c itself is bounded by the premise, a number in its place has to be at least that; 0 is a number."""
    assert bent_rules.square_of(judgement("bent_constant", square=square), constant) == Fraction(found)


@pytest.mark.parametrize("square, constant", [("1/2", "0"), ("1/2", "1/3"), ("0", "-1/2"), ("1/2", "-1")])
def test_no_number_below_the_premise_bounds_the_blocks(square, constant):
    with pytest.raises(ProofError, match="smaller than"):
        bent_rules.square_of(judgement("bent_constant", square=square), constant)


def bent(relation, factor, constant):
    return judgement("bent_bound", relation=relation, factor=factor, constant=constant)


@pytest.mark.parametrize(
    "claim",
    [
        bent(">=", "1 - 2*e + e^2", "1"),
        bent(">=", "1 - 2*c*e + e^2", "c"),
        bent(">=", "1 - 2*c*e + e^2", "3/4"),
        bent("<=", "1 + 2*e + e^2", "1"),
        bent("<=", "1 + 2*c*e + e^2", "3/2"),
    ],
)
def test_lengths_within_growth_and_cross_terms(claim):
    """1 - 2ce + e^2 = (e - c)^2 + 1 - c^2 is at least 0 up to c = 1, where it is (1 - e)^2."""
    assert holds(bent_rules.bent_bound, claim, BLOCK, HALF)


def test_a_lower_bound_that_may_be_negative_is_none():
    """c^2 = 3/2, e = c: 1 - 2c^2 + c^2 = -1/2, and bounds of negative factors do not multiply up."""
    refused(bent_rules.bent_bound, bent(">=", "1 - 2*c*e + e^2", "3/2"), BLOCK, HALF, because="negative")


@pytest.mark.parametrize("growth", ["1 - 1/2*e^2", "1/2 - 1/4*e", "1 - e^2"])
def test_an_upper_bound_that_may_be_negative_is_none(growth):
    """Of a block that shrinks so, with e large: the factors' product says nothing of a non-negative mean."""
    block = BLOCK | {"growth": growth}
    claim = bent("<=", f"{growth} + 2*c*e", "c")
    refused(bent_rules.bent_bound, claim, block, HALF, because="the upper factor may be negative")


@pytest.mark.parametrize("relation", ["==", "<", "", "=>"])
def test_bounds_are_from_above_or_from_below(relation):
    claim = bent(relation, "1 + 2*c*e + e^2", "c")
    refused(bent_rules.bent_bound, claim, BLOCK, HALF, because="the relation")


# Pairs of positions.


def pair(square, fourth, kurtosis="m4"):
    given = FREE | {"weights": ["1", kurtosis]}
    return judgement("pair_covariance", given, coefficients={"square": square, "fourth": fourth})


@pytest.mark.parametrize("kurtosis, fourth", [("m4", "m4 - 3"), ("3", "0"), ("1", "-2"), ("9/5", "-6/5")])
def test_covariances_of_squares_by_the_fourth_cumulant(kurtosis, fourth):
    """Cov(z^2, z'^2) = 2 (Var w)^2 <x, x'>^2 + kappa_4 sum x^2 x'^2, kappa_4 = E w^4 - 3."""
    assert holds(pair_rules.pair_identity, pair("2", fourth, kurtosis))


@pytest.mark.parametrize("square, fourth", [("m4 - 1", "0"), ("0", "m4 - 1"), ("1", "m4 - 2")])
def test_patches_of_one_entry_do_not_settle_covariances(square, fourth):
    """There <x, x'>^2 = x^2 x'^2, so that only the sum of both coefficients, m4 - 1, would count."""
    refused(pair_rules.pair_identity, pair(square, fourth), because="the covariance is another")


@pytest.mark.parametrize("sign, other", [("", "-"), ("-", "")])
def test_coefficients_that_know_the_patches_are_refused(sign, other):
    """2 +- sum x^2 x'^2 and kappa_4 -+ <x, x'>^2 fit all patches of two entries, and no larger ones."""
    square = f"2 {sign or '+'} x0^2*y0^2 {sign or '+'} x1^2*y1^2"
    fourth = f"{other}x0^2*y0^2 {other or '+'} 2*x0*x1*y0*y1 {other or '+'} x1^2*y1^2"
    refused(pair_rules.pair_identity, pair(square, fourth, "3"), because="unknown variable")


KERNEL = "2*r^2 + 6*b*i*r*s + 2*b*i*a + 4*b*i*r^2*a"


def priced(kernel, weights=("1", "3"), channels_given=None, pair_given=None):
    given = FREE | {"weights": [*weights]}
    claim = judgement("pair_kernel", given, kernel=kernel, assumes=["normal_weights"])
    channels = judgement("channel_spread", channels_given or given, factor="u")
    covariance = pair("2", "0", "3") | {"given": pair_given or given}
    return pair_rules.price, claim, channels, covariance


@pytest.mark.parametrize("weights", [["1", "3"], ["1", "3", "15"], ["1", "3", "15", "105"]])
def test_kernels_of_normal_weights_whatever_moments_are_listed(weights):
    """The covariances of squares take two moments; more of them are assumed, not needed."""
    assert holds(*priced(KERNEL, weights))


@pytest.mark.parametrize("weights", [["1"], ["1", "2"], ["1", "m4"], []])
def test_kernels_of_other_weights_are_refused(weights):
    refused(*priced(KERNEL, weights), because="normal weights")


@pytest.mark.parametrize(
    "zero",
    [
        "b*r^6*s^2 + b*r^8 - b*r^6",
        "b*r^2*s^8 + b*r^4*s^6 - b*r^2*s^6",
        "1/2*b*r^4*s^3 + 1/2*b*r^6*s - 1/2*b*r^4*s",
    ],
)
def test_kernels_written_with_terms_that_cancel(zero):
    """Multiples of s^2 + r^2 - 1, which is 0, change no kernel; degree 8 in r or s is still read."""
    assert holds(*priced(f"{KERNEL} + {zero}"))


@pytest.mark.parametrize("nonzero", ["b*r^3", "b*r^2*s", "b*i*r^4*a", "b*r^6*s^2 + b*r^8 - b*r^5"])
def test_kernels_with_terms_that_do_not_cancel(nonzero):
    refused(*priced(f"{KERNEL} + {nonzero}"), because="C")


@pytest.mark.parametrize("high", ["b*r^7*s^2 + b*r^9 - b*r^7", "b*r^2*s^9 + b*r^4*s^7 - b*r^2*s^7"])
def test_kernels_of_a_higher_degree_are_not_read(high):
    """They are true: what is refused is the effort, and the complaint says so."""
    refused(*priced(f"{KERNEL} + {high}"), because="the degree is too large")


def test_kernels_rest_on_steps_about_the_same_weights():
    other = FREE | {"weights": ["1", "3", "15"]}
    refused(*priced(KERNEL, channels_given=other), because="changes the assumptions")
    refused(*priced(KERNEL, pair_given=other), because="changes the assumptions")


@pytest.mark.parametrize("factor", ["u^2", "u^11", "u^12", "1/2*u + u^8", "u^99"])
def test_no_power_of_the_channels_but_the_first_fits(factor):
    """At one size others would be right too (c = 2: u^2 is 1/2 u); at twelve sizes only u itself is."""
    claim = judgement("channel_spread", FREE, factor=factor)
    sizes = [[2, k] for k in range(1, 13)]
    refused(pair_rules.channel_identity, claim, widths=sizes, because="differs at|different sizes are needed")
    assert holds(pair_rules.channel_identity, claim | {"factor": "u"}, widths=sizes[:3])


# Gradients.


def fair(positive, negative, zero):
    given = FREE | {"weights": ["1"], "biases": ["0"], "halves": ["c1"]}
    chances = {"positive": positive, "negative": negative, "zero": zero}
    layer = judgement("layer", given, target={"length": 1}, coefficients={"1": "g*c1"})
    claim = judgement("mask", given, assumes=["atomless_weights"], **chances)
    return gradient_rules.fair_signs, claim, layer


@pytest.mark.parametrize(
    "chances, because",
    [
        (("1/3", "2/3", "0"), "both signs the same chance"),
        (("1", "0", "0"), "both signs the same chance"),
        (("3/2", "-1/2", "0"), "both signs the same chance"),
        (("1/4", "1/4", "1/2"), "no chance"),
        (("1/4", "1/4", "0"), "sum to 1"),
        (("1", "1", "0"), "sum to 1"),
        (("-1/2", "-1/2", "0"), "sum to 1"),
        (("p", "1/2", "0"), "a number"),
    ],
)
def test_signs_of_symmetric_sums_without_atoms_are_fair(chances, because):
    """P(z = 0) = 0 and P(z > 0) = P(z < 0) leave one half each and nothing else."""
    assert holds(*fair("1/2", "1/2", "0"))
    refused(*fair(*chances), because=because)


def deltas(order, factor, given=FREE, law_given=FREE, moments_given=FREE):
    assumes = ["matching_readout"] if order > 1 else []
    claim = judgement("delta_product", given, order=order, factor=factor, assumes=assumes)
    law = judgement("reversed_law", law_given, assumes=[])
    return (
        gradient_rules.delta_moments,
        claim,
        law,
        judgement("product", moments_given, order=order, factor=factor),
    )


@pytest.mark.parametrize("order, factor", [(1, "g*c1"), (2, "g^2*c1^2 - u*g^2*c1^2 + 3*u*g^2*c2")])
def test_moments_of_deltas_have_factors_homogeneous_in_the_gain(order, factor):
    assert holds(*deltas(order, factor))


@pytest.mark.parametrize(
    "order, factor",
    [(1, "g*c1 + u"), (1, "c1"), (1, "g^2*c1"), (2, "g*c1"), (2, "g^2*c1^2 + u*g*c2"), (-1, "c1"), (1, "0")],
)
def test_moments_of_deltas_whose_factor_is_not_homogeneous(order, factor):
    """Layers of the reversed net have other gains, and a factor g^k c is all that carries over to them."""
    refused(*deltas(order, factor), because="not homogeneous")


@pytest.mark.parametrize("which", ["given", "law_given", "moments_given"])
def test_moments_of_deltas_keep_the_assumptions_of_both_premises(which):
    other = FREE | {"weights": ["1", "m4"]}
    refused(*deltas(1, "g*c1", **{which: other}), because="changes the assumptions")


def spread(order, high, mean, factor="1 + 5*u"):
    """From E |dF/dW_j|^{2 high} and E |dF/dW_j|^{2 mean}, whatever these orders are, of the same factors."""
    factors = "1/4*g^2 + 5/4*u*g^2", "1/2*g"
    first, second = (
        judgement("weight_product", FREE, order=k, factor=f, assumes=[])
        for k, f in zip((high, mean), factors, strict=True)
    )
    claim = judgement("gradient_spread", FREE, order=order, factor=factor, assumes=[])
    return gradient_rules.spreading, claim, first, second


def test_spreads_compare_a_moment_with_the_power_of_the_mean():
    """E Y^2 = (1 + 5u) (E Y)^2 in every layer; with E Y^2 in the mean's place it would speak of (E Y^2)^2."""
    assert holds(*spread(2, 2, 1))
    for high, mean in ((2, 2), (3, 1), (1, 1), (3, 3)):
        refused(*spread(2, high, mean), because="orders k and 1 are needed")


def test_the_judgements_here_are_shaped_as_the_prover_s():
    kinds = {}
    for name in ("residual-relu-lower", "conv-pair-kernel", "gradient-spread"):
        for step in stored_proof(name)["steps"]:
            kinds[step["concludes"]["judgement"]] = set(step["concludes"])
    ours = (BLOCK, HALF, bent("<=", "1", "c"), pair("2", "0"), *priced(KERNEL)[1:])
    for made in (*ours, *fair("1/2", "1/2", "0")[1:], *deltas(1, "g*c1")[1:], *spread(2, 2, 1)[1:]):
        assert set(made) == kinds[made["judgement"]]
