"""The rules about convolutional nets, each condition alone, on premises written by hand."""

from __future__ import annotations

import pytest
from rules_by_hand import ABSOLUTE, RELU, complaint, judgement, mean_layer

from proofs_check.kernel import convolutional_rules as rules

FREE = RELU | {"weights": ["1", "m4"]}
OTHER = FREE | {"halves": ["1/2", "1/2", "1/2"]}
FACTORS = ["1 + 5*u", "1 - u + 2*u*m4"]


# Means by position.


def test_means_by_position_rest_on_the_mean_of_one_layer():
    claim = judgement("convolution_means", padding="zero", factor="1")
    assert complaint(rules.window_means, claim, mean_layer()) == ""
    assert "about M_j" in complaint(rules.window_means, claim, mean_layer(length=2))
    for kind in ("block", "augmented"):
        assert "about M_j" in complaint(rules.window_means, claim, mean_layer() | {"judgement": kind})


@pytest.mark.parametrize(
    ("sizes", "says"),
    [([[3, 3]], ""), ([[4, 3], [2, 1]], ""), ([[5, 2]], "both sides"), ([[5, 2], [4, 1]], "both sides")],
)
def test_a_kernel_of_three_is_the_least_that_reaches_to_both_sides(sizes, says):
    same = {"padding": "circular", "factor": "1"}
    means, claim = judgement("convolution_means", **same), judgement("convolution_mean", **same)
    found = complaint(rules.around_the_circle, claim, means, widths=sizes)
    assert says in found
    assert bool(found) is bool(says)


# Bounds.


def premises(relation, *factors, **changed):
    """Means around a circle, channels and the bound of one neuron; those named in `changed` changed."""
    kind = {"<=": "max", ">=": "min"}[relation]
    found = {
        "means": judgement("convolution_means", FREE, padding="circular", factor="1"),
        "channels": judgement("channel_spread", FREE, factor="u"),
        "bound": judgement("bound", FREE, order=2, relation=relation, factors={kind: [*factors]}),
    }
    return [content | changed.get(name, {}) for name, content in found.items()]


def above(*premises, factors=("1 + 5*u*h", "1 - u*h + 2*u*h*m4")):
    same = {"padding": "circular", "relation": "<=", "assumes": []}
    claim = judgement("convolution_bound", FREE, factors={"max": [*factors]}, **same)
    return complaint(rules.bound_from_above, claim, *premises)


def below(*premises, factors=("1 + 5*u*p", "1 - u*p + 2*u*p*m4"), square="2", fourth="m4 - 3", given=FREE):
    same = {"padding": "circular", "relation": ">=", "assumes": ["one_sign"]}
    claim = judgement("convolution_bound", FREE, factors={"min": [*factors]}, **same)
    pair = judgement("pair_covariance", given, coefficients={"square": square, "fourth": fourth})
    return complaint(rules.bound_from_below, claim, *premises, pair)


def test_bounds_need_a_bound_of_the_second_moment():
    """Beside a judgement of another kind with its keys stands a bound of the fourth moment."""
    for bound, relation in ((above, "<="), (below, ">=")):
        assert bound(*premises(relation, *FACTORS)) == ""
        for wrong in ({"order": 4}, {"order": 1}, {"judgement": "block_bound"}):
            assert "bounds E M_d^2" in bound(*premises(relation, *FACTORS, bound=wrong))


@pytest.mark.parametrize("premise", ["means", "channels", "bound"])
def test_premises_of_bounds_are_about_the_net_of_the_claim(premise):
    for bound, relation in ((above, "<="), (below, ">=")):
        for given in (OTHER, ABSOLUTE):
            found = bound(*premises(relation, *FACTORS, **{premise: {"given": given}}))
            assert "changes the assumptions" in found


def test_pairs_of_a_lower_bound_are_about_the_net_of_the_claim():
    assert "changes the assumptions" in below(*premises(">=", *FACTORS), given=OTHER)


@pytest.mark.parametrize("factors", [["2 + 5*u"], ["1 + 5*u^2"], ["1 + 5*u", "1"], ["1 + u + u^2"]])
def test_factors_of_one_neuron_are_1_and_a_multiple_of_u(factors):
    """1 itself is 1 + 0 u, which is a rate as well."""
    claimed = tuple(text.replace("u", "u*h") for text in factors)
    found = above(*premises("<=", *factors), factors=claimed)
    assert (found == "") is (factors == ["1 + 5*u", "1"])
    assert found in ("", "the premise's factors are not 1 + rate u")


@pytest.mark.parametrize(
    ("square", "fourth", "fits"),
    [
        ("2", "m4 - 3", True),
        ("1/2", "0", True),
        ("0", "0", True),
        ("-1", "2", False),
        ("2", "-3", False),
        ("-1/2", "1", False),
        ("2", "m4 - 4", False),
        ("2", "y", False),
    ],
)
def test_covariances_are_sums_of_two_non_negative_parts(square, fourth, fits):
    """square (<x, x'>^2 - sum x^2 x'^2) and (square + fourth) sum x^2 x'^2: either can be the only one.

    With one common entry the first is 0; with many equal ones it outweighs the second. At kurtosis 1,
    2 + (1 - 4) is below 0. A symbol other than the kurtosis may be anything.
    """
    found = below(*premises(">=", *FACTORS), square=square, fourth=fourth)
    assert found == ("" if fits else "a covariance can be negative")


@pytest.mark.parametrize(
    ("rate", "fits"),
    [
        ("5", True),
        ("1/2", True),
        ("0", True),
        ("1/2*m4 - 1/2", True),
        ("m4^2 - m4", True),
        ("-1/2", False),
        ("1/2*m4 - 1", False),
        ("m6", False),
    ],
)
def test_rates_of_a_lower_bound_are_non_negative_whatever_the_kurtosis(rate, fits):
    """m4 >= 1 is all that is known of a kurtosis, and of the sixth moment not even that is used."""
    signed = " + ".join(f"{term}*u" for term in rate.split(" + ")).replace(" - ", "*u - ")
    own = f"1 + {signed}".replace("+ -", "- ")
    found = below(*premises(">=", own), factors=(own.replace("u", "u*p"),))
    assert found == ("" if fits else "a rate can be negative")


# The twin.


def twin(kurtosis, given=FREE):
    return complaint(rules.summed_weights, judgement("twin", given, kurtosis=kurtosis))


@pytest.mark.parametrize(
    ("kurtosis", "fits"),
    [
        ("3 - 3*y + y*m4", True),
        ("m4", False),
        ("3/2 + 1/2*m4", False),
        ("3 - 3*y + y*m4 + 1 - 3*y + 2*y^2", False),
        ("3 - 3*y^2 + y^2*m4", False),
        ("3*y - 3*y^2 + y*m4", False),
        ("3 - 3*y + y*m6", False),
    ],
)
def test_the_kurtosis_of_a_sum_is_linear_in_the_reciprocal_of_its_size(kurtosis, fits):
    """E (sum of q)^4 = q m4 + 3 q (q - 1): by q^2, 3 + (m4 - 3) y.

    m4 agrees at q = 1 alone, 3/2 + m4/2 at q = 2 alone, and with (1 - y)(1 - 2y) added at both.
    """
    assert (twin(kurtosis) == "") is fits


def test_the_kurtosis_of_a_sum_of_normal_weights_is_3():
    assert twin("3", RELU) == ""
    assert twin("3", FREE) != ""


def test_the_kurtosis_of_a_sum_needs_the_fourth_moment_of_a_weight():
    short = RELU | {"weights": ["1"]}
    assert twin("3", short) == "the fourth moment of a weight is needed"


def growth(weights, order=2):
    given = RELU | {"weights": list(weights)}
    product = judgement("product", given, order=order, factor="1 + 5*u")
    claim = judgement("twin_growth", given, order=order, factor="1 + 5*u")
    return complaint(rules.twin_product, claim, judgement("twin", given, kurtosis="3"), product)


@pytest.mark.parametrize(
    ("weights", "order", "says"),
    [
        (("1",), 1, ""),
        (("1", "3"), 2, ""),
        (("1", "3", "15"), 3, ""),
        (("1", "4"), 1, ""),
        (("1", "4"), 2, "moment 4 of a sum"),
        (("1", "3", "14"), 2, ""),
        (("1", "3", "14"), 3, "moment 6 of a sum"),
        (("1", "4", "15"), 3, "moment 4 of a sum"),
        (("1", "3"), 3, "more moments"),
        (("1",), 2, "more moments"),
    ],
)
def test_sums_of_weights_have_their_moments_if_these_are_normal_up_to_the_order(weights, order, says):
    """m_4 = 3 and m_6 = 15 are those of a normal law; moments beyond the order do not matter."""
    found = growth(weights, order)
    assert says in found
    assert bool(found) is bool(says)
