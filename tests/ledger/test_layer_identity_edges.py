"""Layer identities at the edge: which widths settle them, how partitions are spelled, what is rendered."""

from __future__ import annotations

import pytest

from proofs_check.kernel import rules
from proofs_check.kernel.check import check_proof
from proofs_check.kernel.judgement import read_partition
from proofs_check.kernel.render import assumed_family, statement_of
from proofs_check.kernel.shape import ProofError
from proofs_check.prover import stored_proof

RELU = {"weights": ["1", "3"], "biases": ["0", "0"], "gain": "2", "halves": ["1/2", "1/2"]}
# E[M_j^2 | a] of ReLU with normal weights, in A_11 and A_2.
SQUARE = {"1,1": "1 + 5*u", "2": "1 + 5*u"}
SMALL = "widths must be small whole numbers"


def complaint(target, coefficients, *widths, given=RELU) -> str:
    """What the rule says against the identity checked at these widths, "" if it accepts."""
    claim = {"judgement": "layer", "given": given, "target": target, "coefficients": coefficients}
    try:
        rules.width_identity({"concludes": claim, "widths": [list(pair) for pair in widths]}, ())
    except ProofError as error:
        return str(error)
    return ""


# Widths.


@pytest.mark.parametrize(
    ("widths", "fits"),
    [
        ((1, 1), True),
        ((12, 1), True),
        ((1, 12), True),
        ((13, 1), False),
        ((1, 13), False),
        ((0, 1), False),
        ((1, 0), False),
    ],
)
def test_widths_from_1_to_12(widths, fits):
    """Beyond twelve a check would take too long; E M_j = M_{j-1} itself is true of any width."""
    assert complaint({"length": 1}, {"1": "1"}, widths) == ("" if fits else SMALL)


def test_the_layer_before_is_wide_enough_for_all_partitions():
    """At n_{j-1} = 1 there is no A_11: any coefficient of it would pass."""
    assert complaint({"length": 2}, SQUARE, (2, 1), (2, 2)) == ""
    assert complaint({"length": 2}, SQUARE, (1, 1), (1, 2)) == SMALL
    assert complaint({"length": 2}, SQUARE | {"1,1": "7"}, (1, 1), (1, 2)) == SMALL


def test_what_is_true_of_one_width_is_not_enough_for_a_square():
    """1 + 5/2 = 7/2 at n_j = 2 alone: E M_j^2 has degree 1 in 1/n_j, which two widths settle."""
    at_two = {"1,1": "7/2", "2": "7/2"}
    assert complaint({"length": 2}, at_two, (2, 2)) == "degree 1 in u needs 2 widths"
    assert complaint({"length": 2}, at_two, (2, 2), (3, 2)) == "degree 1 in u needs 2 widths"
    assert "differ at n_(j-1) = 2, n_j = 1" in complaint({"length": 2}, at_two, (2, 2), (2, 1))


def test_what_is_true_of_two_widths_is_not_enough_for_a_degree_of_two():
    """1 + (1 - u)(1 - 2 u) is 1 at n_j = 1 and 2, not at 3."""
    claim = {"1": "2 - 3*u + 2*u^2"}
    assert complaint({"length": 1}, claim, (1, 1), (1, 2)) == "degree 2 in u needs 3 widths"
    assert "n_j = 3" in complaint({"length": 1}, claim, (1, 1), (1, 2), (1, 3))


# Orders.


def biases_alone(order) -> str:
    """E n^{-k} sum z_i^{2k} = n^{1-k} E b^{2k}: a linear layer of gain 0 hears its biases alone."""
    moments = [f"b{2 * l}" for l in range(1, order + 1)]
    given = {"weights": ["1"] * order, "biases": moments, "gain": "0", "halves": ["1"] * order}
    power = {"augmented": [order]}
    widths = [(order, n) for n in range(1, order + 1)]
    return complaint(power, {"": f"u^{order - 1}*b{2 * order}"}, *widths, given=given)


def test_orders_from_1_to_5():
    """True identities all; but of order 0 nothing is said, and those of order 6 would take too long."""
    assert biases_alone(5) == ""
    assert biases_alone(6) == "the order must be 1 to 5"
    assert complaint({"length": 0}, {"": "1"}, (1, 1)) == "the order must be 1 to 5"


# Assumptions.


def test_coefficients_do_not_name_the_neurons_of_the_layer_before():
    """At n_{j-1} = 1 the only x1 is M_{j-1}, so that E M_j = x1 is true there, and nowhere else."""
    assert complaint({"length": 1}, {"": "x1"}, (1, 1)) == "a coefficient uses an unknown variable"


def test_weights_are_standardised_even_where_the_gain_makes_up_for_it():
    """Variance 2 at gain 1 has the mean of variance 1 at gain 2; but fan_in Var w would not be the gain."""
    doubled = {"weights": ["2"], "biases": ["0"], "gain": "1", "halves": ["1/2"]}
    assert complaint({"length": 1}, {"1": "1"}, (1, 1)) == ""
    said = complaint({"length": 1}, {"1": "1"}, (1, 1), given=doubled)
    assert said == "weights are standardised: E w^2 = 1"


# Partitions.


@pytest.mark.parametrize(("text", "parts"), [("", ()), ("1", (1,)), ("2,1", (2, 1)), ("12,3,3", (12, 3, 3))])
def test_partitions_are_read(text, parts):
    assert read_partition(text) == parts


@pytest.mark.parametrize("text", ["0", "1,0", "2,-1", "-1", "1,2", "01", "+1", " 1", "2, 1", "1_0", "\u0661"])
def test_partitions_are_positive_decreasing_and_spelled_in_one_way(text):
    """Two spellings of one partition would let the later coefficient hide the earlier."""
    with pytest.raises(ProofError, match="not a partition"):
        read_partition(text)


# What is said.


@pytest.mark.parametrize(
    "broken",
    [
        {"format": "none"},
        {"rule": "unknown"},
        {"rule": "iterate", "from": []},
        {"concludes": {"judgement": "product", "order": 2, "factor": "u^0", "given": RELU}},
        {"concludes": {"judgement": "product", "order": 3, "factor": "1 + 5*u", "given": RELU}},
    ],
)
def test_of_a_refused_proof_no_step_counts(broken):
    """However far the check came, and in whatever way it ended."""
    proof = stored_proof("second-moment-normal")
    assert check_proof(proof).steps == len(proof["steps"]) == 2
    (proof if "format" in broken else proof["steps"][1]).update(broken)
    checked = check_proof(proof)
    assert not checked.accepted
    assert checked.steps == 0


@pytest.mark.parametrize(
    ("weights", "named"),
    [
        (["1", "3", "15"], "normal"),
        (["1", "3", "15", "105"], "normal"),
        (["1", "3", "20"], None),
        (["1", "m4", "m6"], "any"),
    ],
)
def test_families_are_named_by_all_moments(weights, named):
    """E w^{2l} = 1 * 3 * ... * (2 l - 1) for normal weights: 1, 3, 15, 105."""
    assert assumed_family({"given": RELU | {"weights": weights}}).get("weights") == named


def bound(*factors):
    return {"judgement": "bound", "order": 2, "relation": "<=", "factors": {"max": list(factors)}}


def test_every_symbol_that_has_a_name_is_rendered():
    said = statement_of(bound("1 + u*m4", "b2 + b4"))
    assert said == "E[M[d]**2] <= M[0]**2*prod(max(1+kappa/n[j], nu2[j]+nu4[j]), j, 1, d)"


def test_symbols_in_factors_and_rates_that_have_no_name_are_not_rendered():
    """The reader of statements would take c1 for something else, or for nothing."""
    assert statement_of(bound("1 + 5*u", "1 + c1*u")) is None
    rates = {"judgement": "exponential", "order": 2, "relation": "<=", "rates": {"max": ["5"]}}
    assert statement_of(rates) is not None
    assert statement_of(rates | {"rates": {"max": ["5", "g"]}}) is None
