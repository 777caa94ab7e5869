"""Rules about residual nets, each condition alone: what a theorem accepts as a premise, blocks, words.

The units are single rules and the private tests that stand at a hypothesis of a theorem: a whole proof meets
them only after rules that would object earlier.
"""

from __future__ import annotations

import pytest
from rules_by_hand import BIASED, RELU, holds, judgement, refused

from proofs_check.kernel import residual_limits, residual_rules
from proofs_check.kernel.render import statement_of
from proofs_check.language.parse import parse
from proofs_check.prover import stored_proof

ANY = RELU | {"weights": ["1", "m4"]}


# What discharges a hypothesis of a limit.

SQUARE = judgement(
    "block_bound",
    order=2,
    relation="<=",
    factor="1 + 2*e^2 + 4*u*e^2 + s*e^4*p",
    spreads={"max": ["1 + 2*u"]},
    branches={"max": ["1 + 5*u", "1 - u + 2*u*m4"]},
)
UPPER = judgement("bent_bound", relation="<=", factor="1 + 2*c*e + e^2", constant="c")
LOWER = judgement("bent_bound", relation=">=", factor="1 - 2*c*e + e^2", constant="c")
SUFFICIENT = [
    (residual_limits._says("so"), judgement("limit", assumes=[], says="so"), [{"says": "not so"}]),
    (
        residual_limits._mean_product,
        judgement("block_product", order=1, factor="1 + e^2", branch="1"),
        [{"order": 2}, {"factor": "1 + e^4"}],
    ),
    (residual_limits._square_bound, SQUARE, [{"relation": ">="}]),
    (
        residual_limits._bent_block,
        judgement("bent_block", growth="1 + e^2", cross="2*e", rise="e"),
        [{"rise": "2*e"}, {"rise": "0"}],
    ),
    (residual_limits._upper, UPPER, [LOWER, {"factor": "1 + c*e + e^2"}, {"constant": "1/2"}]),
    (residual_limits._lower, LOWER, [UPPER, {"factor": "1 - c*e + e^2"}, {"constant": "1/2"}]),
    (
        residual_limits._below_one,
        judgement("bent_constant", square="1/2"),
        [{"square": "1"}, {"square": "3/2"}],
    ),
    (
        residual_limits._falling,
        judgement("bent_falling", factor="1 - 2*c*e + e^2"),
        [{"factor": "1 - c*e + e^2"}, {"factor": "1 + 2*c*e + e^2"}],
    ),
    (residual_limits._shrinking, judgement("root", factor="1 - 1/8*u"), []),
]


@pytest.mark.parametrize("sufficient, premise, changes", SUFFICIENT, ids=range(len(SUFFICIENT)))
def test_a_hypothesis_takes_one_kind_of_step_about_the_same_net(sufficient, premise, changes):
    """A step of another kind, about another net, or that says less discharges nothing."""
    assert sufficient(RELU, premise)
    for change in (*changes, {"given": BIASED}, {"judgement": "sum"}):
        assert not sufficient(RELU, premise | change), change


@pytest.mark.parametrize(
    "branches", [["1 + u"], ["1"], ["1 - u + 2*u*m4", "1 + u^2"], ["1 + 1/2*u*m4^2 - u^3"]], ids=str
)
def test_branches_whose_product_is_bounded_with_the_sum_of_1_over_m(branches):
    """1 + (terms in 1/m and the kurtosis) <= exp(const/m) where the kurtoses are bounded."""
    assert residual_limits._square_bound(RELU, SQUARE | {"branches": {"max": branches}})


@pytest.mark.parametrize(
    "branches",
    [["2"], ["1 + m4"], ["1 + u", "1 + 1/2*m4"], ["1/2"], ["1 + u*e"], ["1 + u*m6"], ["1 + u", "1 + u*c"]],
    ids=str,
)
def test_branches_whose_product_may_not_be_bounded(branches):
    """A factor 1 + const for each hidden layer is bounded by no sum of 1/m; of e, c, m6 nothing is known."""
    assert not residual_limits._square_bound(RELU, SQUARE | {"branches": {"max": branches}})


@pytest.mark.parametrize("factor", ["1 + e^2", "1 + 4*u*e^2 + s*e^4*p", "1 + s*p*e^2 + e^3"])
def test_squares_stay_bounded_where_blocks_add_terms_in_squared_scales(factor):
    assert residual_limits._square_bound(RELU, SQUARE | {"factor": factor})


@pytest.mark.parametrize("factor", ["1 + e", "1 + e^2 + u*e", "2 + e^2", "1 + u", "1 + e^2 + s*p*e", "0"])
def test_squares_may_grow_where_a_term_has_a_smaller_power_of_the_scale(factor):
    """With eta_l = 1/l the sum of eta_l^2 converges, that of eta_l does not; a constant term adds up too."""
    assert not residual_limits._square_bound(RELU, SQUARE | {"factor": factor})


# Blocks.


def third_moment():
    """E M'^3 after a linear block with normal weights, from the cumulants of a non-central chi-square.

    Given x and h the y_i are independent normal of variance H = A_1(h). With S = e^2 H the sum n M' of
    (x_i + e y_i)^2 has the cumulants 2^{r-1} (r-1)! (n S^r + r S^{r-1} n M); those of M' are
    M + S, 2u S^2 + 4u S M, 8u^2 S^3 + 24u^2 S^2 M, and E M'^3 = k_1^3 + 3 k_1 k_2 + k_3 =
    M^3 + (3 + 12u) M^2 S + (3 + 18u + 24u^2) M S^2 + (1 + 6u + 8u^2) S^3.
    H^2 = A_11 + A_2 and H^3 = A_111 + 3 A_21 + A_3.
    """
    twice = "3*e^4 + 18*u*e^4 + 24*u^2*e^4"
    thrice, three_times = "e^6 + 6*u*e^6 + 8*u^2*e^6", "3*e^6 + 18*u*e^6 + 24*u^2*e^6"
    linear = {"": "1", "1": "3*e^2 + 12*u*e^2", "1,1": twice, "2": twice}
    terms = {**linear, "1,1,1": thrice, "2,1": three_times, "3": thrice}
    return judgement("block", RELU | {"weights": ["1", "3", "15"]}, order=3, terms=terms)


THREE_WIDTHS = [[3, 3], [3, 4], [3, 5]]


def test_a_block_of_order_three_by_the_cumulants_of_a_chi_square():
    assert holds(residual_rules.block_identity, third_moment(), widths=THREE_WIDTHS)


@pytest.mark.parametrize("weights", [["1", "3", "14"], ["1", "2", "15"]])
def test_a_block_of_order_three_reads_the_sixth_moment_too(weights):
    other = third_moment()
    other["given"] = other["given"] | {"weights": weights}
    refused(residual_rules.block_identity, other, widths=THREE_WIDTHS, because="terms differ")


def one_block(order=1, terms=None, weights=("1", "m4")):
    """The first moment, or what is claimed of another: E[M' | x, h] = M + e^2 A_1(h)."""
    terms = {"": "1", "1": "e^2"} if terms is None else terms
    return judgement("block", RELU | {"weights": [*weights]}, order=order, terms=terms)


@pytest.mark.parametrize("widths", [[[6, 6]], [[1, 1]], [[6, 1], [1, 6]]], ids=str)
def test_blocks_are_expanded_at_widths_up_to_six(widths):
    assert holds(residual_rules.block_identity, one_block(), widths=widths)


@pytest.mark.parametrize("term", ["1/2*e^2", "e^2 + e^4", "e^2 + u*e^2", "e", "0"])
def test_a_wrong_term_of_a_block_differs_at_the_widths(term):
    """The variance of e y_i is e^2 A_1(h), whatever the width."""
    wrong = one_block(terms={"": "1", "1": term})
    refused(residual_rules.block_identity, wrong, widths=[[1, 1], [2, 2]], because="terms differ at m = 1")


@pytest.mark.parametrize("order, terms", [(0, {"": "1"}), (4, {}), (-1, {})])
def test_blocks_of_order_one_to_three(order, terms):
    """Order 0 says that 1 is 1; it is refused all the same, since no rule expects it."""
    claim = one_block(order, terms, ["1", "3", "15", "105", "945"])
    refused(residual_rules.block_identity, claim, widths=[[4, 4], [5, 5]], because="must be 1 to 3")


def test_blocks_of_weights_that_are_not_standardised():
    """With E v^2 = 2 the block would add 2 e^2 A_1(h): refused, as m E v^2 = 1 is what "block" means."""
    claim = one_block(terms={"": "1", "1": "2*e^2"}, weights=["2", "m4"])
    refused(residual_rules.block_identity, claim, widths=[[1, 1]], because="standardised")


@pytest.mark.parametrize(
    "claim, widths, needed",
    [
        (third_moment(), THREE_WIDTHS[:2], "degree 2 in u needs 3 widths"),
        (third_moment(), [*THREE_WIDTHS[:2], [4, 4]], "degree 2 in u needs 3 widths"),
        (one_block(), [], "degree 0 in u needs 1 widths"),
        (one_block(terms={"": "1", "1": "e^2 + u^4"}), [[1, 1]], "degree 4 in u needs 5 widths"),
    ],
)
def test_the_complaint_says_how_many_widths_are_needed(claim, widths, needed):
    """A polynomial of degree D is settled by D + 1 values; trunks of equal width count once."""
    refused(residual_rules.block_identity, claim, widths=widths, because=needed)


KEPT = judgement("product", order=1, factor="1")
GROWN = judgement("product", order=2, factor="1 + 5*u")
SECOND = judgement(
    "block",
    order=2,
    terms={"": "1", "1": "2*e^2 + 4*u*e^2", "1,1": "e^4 + 2*u*e^4", "2": "e^4 + 2*u*e^4"},
)
FIRST = judgement("block", order=1, terms={"": "1", "1": "e^2"})


def grown(order=1, factor="1 + e^2", branch="1", given=RELU):
    return judgement("block_product", given, order=order, factor=factor, branch=branch)


def test_lengths_of_one_order_need_the_block_of_that_order():
    """The order 2 terms without A_11 and A_2, 1 + 2e^2 + 4u e^2, are no factor of E M_L."""
    rule = residual_rules.block_product
    assert holds(rule, grown(), FIRST, KEPT)
    refused(rule, grown(factor="1 + 2*e^2 + 4*u*e^2"), SECOND, KEPT, because="no such block")
    refused(rule, grown(), FIRST | {"judgement": "layer"}, KEPT, because="no such block")


def test_lengths_multiply_up_under_the_assumptions_of_every_premise():
    rule = residual_rules.block_product
    claim = grown(2, "1 + 2*e^2 + 4*u*e^2 + p*e^4 + 2*u*e^4*p", "1 + 5*u")
    premises = [SECOND, KEPT, GROWN]
    assert holds(rule, claim, *premises)
    for place, premise in enumerate(premises):
        others = [*premises[:place], premise | {"given": BIASED}, *premises[place + 1 :]]
        refused(rule, claim, *others, because="changes the assumptions")


def bounded(*spreads, relation="<=", given=RELU):
    kind = {"<=": "max", ">=": "min"}[relation]
    factors = {kind: ["1 + 5*u"] if given == RELU else ["1 + 5*u", "1 - u + 2*u*m4"]}
    claim = judgement("block_bound", given, order=2, relation=relation, spreads={kind: [*spreads]})
    claim |= {"branches": factors, "factor": "1 + 2*e^2 + 4*u*e^2 + s*e^4*p"}
    block = SECOND | {"given": given}
    if given == ANY:
        block["terms"] = SECOND["terms"] | {"2": "e^4 - u*e^4 + u*m4*e^4"}
    growth = judgement("bound", given, order=2, relation=relation, factors=factors)
    return residual_rules.block_bound, claim, block, KEPT | {"given": given}, growth


@pytest.mark.parametrize("relation", ["<=", ">="])
def test_terms_of_one_spread_are_bounded_by_it_alone(relation):
    """Normal weights: A_11 and A_2 both get e^4 (1 + 2u), so the only spread is the largest and the least."""
    assert holds(*bounded("1 + 2*u", relation=relation))
    refused(*bounded("1 + 2*u", "1 + 3*u", relation=relation), because="a spread without a term")
    refused(*bounded("1 + 3*u", relation=relation), because="a term is no lead")


@pytest.mark.parametrize("relation", ["<=", ">="])
def test_every_term_has_its_spread(relation):
    """Other weights: A_11 gets 1 + 2u, A_2 gets 1 - u + u m4, and the bound names both and no more."""
    both = ("1 + 2*u", "1 - u + u*m4")
    assert holds(*bounded(*both, relation=relation, given=ANY))
    for spread in both:
        refused(*bounded(spread, relation=relation, given=ANY), because="a term is no lead")
    refused(*bounded(*both, "1", relation=relation, given=ANY), because="a spread without a term")


@pytest.mark.parametrize("rate", ["u*e*m4", "e^2", "u*m4 - u", "0"])
def test_rates_of_exponential_bounds_of_lengths(rate):
    """1 + r <= e^r for r >= 0, and r may depend on the width, the scale and the kurtosis at once."""
    claim = judgement("block_growth", rate=rate)
    assert holds(residual_rules.block_growth, claim, grown(factor=f"1 + {rate}"))


@pytest.mark.parametrize("rate", ["u*m4 - 2*u", "e^2 - e", "c*e", "m6*e"])
def test_rates_that_may_be_negative_bound_nothing(rate):
    """A kurtosis may be 1; of the sign of other symbols nothing is known here."""
    claim = judgement("block_growth", rate=rate)
    refused(residual_rules.block_growth, claim, grown(factor=f"1 + {rate}"), because="the rate is factor - 1")


# In words.


def words(kind, **more):
    return statement_of(judgement(kind, **more))


@pytest.mark.parametrize(
    "judgement, text",
    [
        (grown(), "E[M[d]] == M[0]*prod(1 + eta[l]**2, l, 1, d)"),
        (
            grown(2, "1 + e^2*p", "1 + u"),
            "E[M[d]**2] == M[0]**2*prod(1 + eta[l]**2*prod(1 + 1/m[l,i], i, 1, depth[l]), l, 1, d)",
        ),
        (judgement("block_growth", rate="e^2"), "E[M[d]] <= M[0]*exp(sum(eta[l]**2, l, 1, d))"),
        (
            judgement("bent_mean", factor="1 + c*e", assumes=["normal_weights"]),
            "E[M[d]] >= M[0]*prod((1 + c[l]*eta[l])**2, l, 1, d)",
        ),
        (
            judgement("bent_norm", order=2, factors={"max": ["1 + 5*u"]}),
            "E[M[d]**2] <= M[0]**2*prod((1 + eta[l]*sqrt(sqrt("
            "max(1 + 5/n[l])*prod(max(1 + 5/m[l,i]), i, 1, depth[l]))))**4, l, 1, d)",
        ),
    ],
)
def test_what_judgements_about_residual_nets_say(judgement, text):
    """E M of order 1, E M^2 of order 2; M >= mean(x)^2 squares a mean's factor, and t is a fourth root."""
    assert parse(statement_of(judgement)).says_the_same(parse(text))


@pytest.mark.parametrize("order", [1, 3, 4])
def test_norms_of_other_orders_cannot_be_said(order):
    """t_l is the root of order 2k of a product: the writer has the two square roots of k = 2."""
    assert words("bent_norm", order=2, factors={"max": ["1 + 5*u"]}) is not None
    assert words("bent_norm", order=order, factors={"max": ["1 + 5*u"]}) is None


@pytest.mark.parametrize(
    "judgement",
    [
        SQUARE | {"spreads": {"max": ["1 + 2*u", "1 + u*m6"]}},
        SQUARE | {"branches": {"max": ["1 + m6"]}},
        SQUARE | {"factor": "1 + m6*e^2"},
        judgement("bent_norm", order=2, factors={"max": ["1 + 5*u", "1 + u*m6"]}),
        grown(branch="1 + u*m6"),
        judgement("block_growth", rate="m6*e^2"),
    ],
)
def test_symbols_without_a_name_in_the_language_leave_nothing_to_say(judgement):
    """The sixth moment m6 has none: the judgement supports no claim, wherever the symbol stands."""
    assert statement_of(SQUARE) is not None
    assert statement_of(judgement) is None


def test_the_edges_here_are_those_of_a_proof_that_is_stored():
    """The judgements by hand above are not of another shape than the prover's."""
    steps = [step["concludes"] for step in stored_proof("residual-linear-second-normal")["steps"]]
    assert SECOND in steps
    assert grown(2, "1 + 2*e^2 + 4*u*e^2 + e^4*p + 2*u*e^4*p", "1 + 5*u") in steps
