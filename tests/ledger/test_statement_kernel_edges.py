"""The checker of statements at the edge of each of its conditions: what is just allowed, and what is not.

Every refusal names its condition, so that a proof is not refused for another reason by chance. A statement
that is refused in `FALSE_PROOFS` is false or meaningless, and the proof would stand without the condition.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flint import arb, fmpq

from proofs_check.family import parse_family
from proofs_check.language.parse import parse
from proofs_check.statement_kernel.algebra import Fraction, compose, ranged, read, symbol
from proofs_check.statement_kernel.check import FORMAT, Part, check_proof
from proofs_check.statement_kernel.domain import Domain
from proofs_check.statement_kernel.model import Model
from proofs_check.statement_kernel.rejection import RejectedProofError

HYPOTHESIS = {"fact": "hypothesis", "times": "1"}
NARROW = "weights=rademacher; widths=1..1"


def case(*terms: Any, widths: Any = (1, None)) -> dict[str, Any]:
    return {"widths": list(widths), "terms": list(terms)}


def direct(*terms: Any, widths: Any = (1, None)) -> dict[str, Any]:
    return {"direct": case(*terms, widths=widths)}


def induction(base: Any, step: Any) -> dict[str, Any]:
    return {"base": [base], "step": [step]}


def part(goal: Any, *lemmas: Any, base: Any = 0, sense: str = ">=") -> dict[str, Any]:
    return {"base": base, "sense": sense, "lemmas": list(lemmas), "goal": goal}


def check(text: str, where: str, proof: Any) -> None:
    check_proof(parse(text), parse_family(where), {"format": FORMAT, "parts": [proof]})


def refused(reason: str, text: str, where: str, proof: Any) -> None:
    with pytest.raises(RejectedProofError, match=re.escape(reason)):
        check(text, where, proof)


def model_of(where: str = "weights=normal") -> Model:
    family = parse_family(where)
    return Model(family, family.weights[0] if family.weights else None)


def value_of(model: Model, text: str) -> Fraction:
    return model.value(parse(f"{text} >= 0").sides[0])


def part_of(text: str, where: str = "weights=normal", base: int = 0) -> Part:
    family = parse_family(where)
    law = family.weights[0] if family.weights else None
    return Part(parse(text), 0, family, law, part(direct(), base=base))


def same(one: Fraction, above: str, below: str = "1") -> bool:
    """The same rational function."""
    return bool((one.above * read(below) - one.below * read(above)).is_zero())


# Proofs that would stand without one condition.

BIASED = "weights=any; bias=any"
FALSE_PROOFS = {
    # With the square taken for an equation, which may be subtracted, every inequality is proved.
    "a square subtracted": (
        "a factor that may be negative",
        "M[0] >= 1",
        "weights=any",
        part(direct({"square": "1", "times": "-1"})),
    ),
    # A bias variance may be 0, and then so is the product; the hypothesis times 0 excludes no equality.
    "the hypothesis times what may be 0": (
        "equality is not excluded",
        "prod(nu2[j], j, 1, d) > 0",
        BIASED,
        part(induction(case(), case(HYPOTHESIS | {"times": "nu2"}))),
    ),
    "a product of what may be 0": (
        "equality is not excluded",
        "prod(nu2[j], j, 1, d) > 0",
        BIASED,
        part(direct()),
    ),
    "a lemma that is not strict": (
        "equality is not excluded",
        "prod(nu2[j], j, 1, d) > 0",
        BIASED,
        part(direct({"fact": 0, "times": "1"}), {"claim": "p1", **direct()}),
    ),
    "a sum that is empty at depth 0": (
        "equality is not excluded",
        "sum(1/n[j], j, 1, d) > 0",
        "weights=any",
        part(direct()),
    ),
    "a layer's share over 0": (
        "division by what may be 0",
        "sum((j-1)/(j-1), j, 1, d) >= 0",
        "weights=any",
        part(direct(), base=1),
    ),
    "the least share of a width that has no end": (
        "the rest may be negative",
        "1/n[d] >= 1/1000000000001",
        "weights=any",
        part(direct()),
    ),
    "twice the least share of a width": (
        "the rest may be negative",
        "1/n[d] >= 2/1000",
        "widths=1..1000; weights=any",
        part(direct(widths=(1, 1000))),
    ),
}


@pytest.mark.parametrize("name", FALSE_PROOFS)
def test_what_stands_only_without_a_condition_is_refused(name: str) -> None:
    refused(*FALSE_PROOFS[name])


TRUE_PROOFS = {
    "a strict hypothesis": (
        "prod(n[j], j, 1, d) > 0",
        "weights=any",
        part(induction(case(), case(HYPOTHESIS))),
    ),
    "a product of what is positive": ("exp(log(2)*d) > 0", "weights=any", part(direct())),
    "a moment is positive": ("E[M[d]**2] > 0", "weights=any", part(direct())),
    "a divisor that is negative": ("M[0]/(-1-d) <= 0", "weights=any", part(direct(), sense="<=")),
    "a divisor that is positive from the base on": ("1/d >= 0", "weights=any", part(direct(), base=1)),
    "a layer's share over j": ("sum(1/j, j, 1, d) >= 0", "weights=any", part(direct())),
    "one width alone": ("1/n[d] <= 1/3", "widths=3..3; weights=any", part(direct(widths=(3, 3)), sense="<=")),
    "the mean of a martingale": ("E[M[d]] == M[0]", "weights=any", part(direct())),
    "exp(d log 2) is a product of 2": (
        "exp(log(2)*d) >= 2**d",
        "weights=any",
        part(induction(case(), case(HYPOTHESIS | {"times": "2"}))),
    ),
    "a claim about every symbol of depth d": (
        "M[0] >= 0",
        "weights=any",
        part(direct(), {"claim": "m + w + k + D + v + x^2", **direct({"square": "x", "times": "1"})}),
    ),
    "a lemma that says that it is no equation": (
        "prod(2, j, 1, d) >= 1",
        "weights=any",
        part(
            direct({"fact": 0, "times": "1"}),
            {"claim": "p1 - 1", "equal": False, **induction(case(), case(HYPOTHESIS))},
        ),
    ),
    "an equation times what is negative": (
        "prod(2, j, 1, d) <= 2**d",
        "weights=any",
        part(
            direct({"fact": 0, "times": "-1"}),
            {"claim": "p1 - p2", "equal": True, **induction(case(), case(HYPOTHESIS | {"times": "2"}))},
            sense="<=",
        ),
    ),
    "a rate that is no binary fraction": (
        "exp(sum(1/n[j], j, 1, d)/3) >= 1",
        "weights=any",
        part(induction(case(), case(HYPOTHESIS, {"bound": "y1", "rate": "1/3", "degree": 1, "times": "p1"}))),
    ),
}


@pytest.mark.parametrize("name", TRUE_PROOFS)
def test_what_just_meets_the_conditions_is_accepted(name: str) -> None:
    check(*TRUE_PROOFS[name])


@pytest.mark.parametrize(
    "widths", [[True, None], [1.0, None], [1, True], [1, 2.0], [0, None], [-1, 3], [2, 1], [None, None]]
)
def test_what_is_no_range_of_widths_is_refused_as_such(widths: Any) -> None:
    refused("not a range of widths", "M[0] >= 0", "weights=any", part({"direct": case(widths=widths)}))


@pytest.mark.parametrize("ranges", [[[1, None], [1, None]], [[1, 2], [4, None]], [[2, None]]])
def test_ranges_of_widths_that_leave_one_out_are_refused_as_such(ranges: Any) -> None:
    goal = {"base": [case()], "step": [case(HYPOTHESIS, widths=widths) for widths in ranges]}
    refused("a width is missing", "E[M[d]**2] >= 0", "weights=any", part(goal))


# Log-convexity of moments.


@pytest.mark.parametrize(
    ("spread", "narrow"),
    [([2, 0], [1, 0]), ([3, 0], [2, 0]), ([2], [1, 1]), ([3, 0, 0], [2, 1]), ([3, -1], [2, 0])],
)
def test_powers_of_other_totals_do_not_compare(spread: list[int], narrow: list[int]) -> None:
    """E M^2 >= E M is false where M is small; only vectors of one length and total majorise each other."""
    with pytest.raises(RejectedProofError, match="powers that do not compare"):
        part_of("E[M[d]**3] >= E[M[d]**2]").log_convexity(spread, narrow)


def test_moments_that_no_statement_needs_are_refused() -> None:
    """E M = m is known without biases at the critical gain; at another gain it is a moment of its own."""
    assert part_of("E[M[d]**2] >= 0").log_convexity([2, 0], [1, 1]) == read("q2 - m^2")
    assert part_of("M[0] >= 0").log_convexity([1, 0], [1, 0]).is_zero()
    for text, where, spread, narrow in (
        ("M[0] >= 0", "weights=normal", [2, 0], [1, 1]),
        ("M[0] >= 0", "weights=normal; variance_gain=1", [1, 0], [1, 0]),
    ):
        with pytest.raises(RejectedProofError, match="a moment that the statement does not need"):
            part_of(text, where).log_convexity(spread, narrow)


def test_at_most_twelve_moments_are_multiplied() -> None:
    """E M^2 >= (E M)^2, with factors 1 up to twelve of them; a proof cannot ask for products without end."""
    known = part_of("E[M[d]**2] >= 0")
    assert known.log_convexity([2] + [0] * 11, [1, 1] + [0] * 10) == read("q2 - m^2")
    with pytest.raises(RejectedProofError, match="powers that do not compare"):
        known.log_convexity([2] + [0] * 12, [1, 1] + [0] * 11)


# Bounds of exponentials, where the exponent is a fraction: h = 1/(1 + j) = 1/(D + 2) <= 1/2.

FRACTION = "exp(sum(1/(j+1), j, 1, d)) >= 1"


def bound(text: str, **term: Any) -> Any:
    known = part_of(text)
    return known.exponential({"bound": "y1", **term}, known.domain)


def test_taylor_polynomials_of_fractions_by_hand() -> None:
    """y >= 1 + h + h^2/2 + h^3/6, times (D + 2)^3."""
    lower = "D^3 + 6*D^2 + 12*D + 8 + D^2 + 4*D + 4 + 1/2*D + 1 + 1/6"
    expected = symbol("y1") * read("D + 2") ** 3 - read(lower)
    assert bound(FRACTION, rate="1", degree=3) == expected


def test_chords_of_fractions_by_hand() -> None:
    """exp(2) < 15/2, so up to h = 2 exp(h) <= 1 + (15/2 - 1) h/2, times 2 (D + 2)."""
    expected = read("2*D + 4 + 13/2") - symbol("y1") * read("2*D + 4")
    assert bound(FRACTION, top="15/2", end="2") == expected


@pytest.mark.parametrize(
    ("text", "term", "reason"),
    [
        (FRACTION, {"top": "15/2", "end": "1/4"}, "the exponent may be larger"),
        (FRACTION, {"top": "2", "end": "2"}, "the chord is too low"),
        ("exp(sum(0, j, 1, d)) >= 1", {"top": "1", "end": "0"}, "the exponent may be larger"),
        ("exp(sum(-1/(j+1), j, 1, d)) <= 1", {"rate": "1", "degree": 1}, "the exponent may be < 0"),
    ],
)
def test_bounds_beyond_the_range_of_the_exponent(text: str, term: Any, reason: str) -> None:
    """1/2 is not below 1/4; e^2 is not below 2; an interval has a length; h < 0 bends the other way."""
    family = parse_family("weights=normal")
    sense = "<=" if "<=" in text else ">="
    known = Part(parse(text), 0, family, family.weights[0], part(direct(), sense=sense))
    with pytest.raises(RejectedProofError, match=reason):
        known.exponential({"bound": "y1", **term}, known.domain)


def test_the_chord_of_exp_0_is_1_itself() -> None:
    """exp(0 h) <= 1 with equality: the comparison of exact values is not strict."""
    text = "exp(0*sum(1/n[j], j, 1, d)) <= 1"
    family = parse_family("weights=normal")
    known = Part(parse(text), 0, family, family.weights[0], part(direct(), sense="<="))
    fact = known.exponential({"bound": "y1", "top": "1", "end": "2"}, known.domain)
    assert fact == read("2 - 2*y1")


def test_a_rate_may_be_the_lower_end_of_what_is_known_of_a_logarithm() -> None:
    """c = log 2 less the double nearest to it lies in 0 +- r: r is all that the enclosure knows.

    -r <= c is certain, and -r is a number of 30 bits, which the comparison does not round; what is above
    -r may be too large.
    """
    mantissa, exponent = (int(part) for part in arb(2).log().mid().man_exp())
    near = fmpq(mantissa) * fmpq(2) ** exponent
    mantissa, exponent = (int(part) for part in (arb(2).log() - arb(near)).rad().man_exp())
    radius = fmpq(mantissa) * fmpq(2) ** exponent
    known = part_of(f"exp((log(2) - {near})*sum(1/n[j], j, 1, d)) >= 1")
    fact = known.exponential({"bound": "y1", "rate": str(-radius), "degree": 1}, known.domain)
    assert fact == symbol("y1") - (1 - radius * symbol("u"))
    with pytest.raises(RejectedProofError, match="the rate is too large"):
        known.exponential({"bound": "y1", "rate": str(-radius / 2), "degree": 1}, known.domain)


def test_extremes_are_of_the_layer_after_any_depth_unless_said_otherwise() -> None:
    """max(j, 1/n_j) is at least j = D + 1 after depth D, and 1 in the first layer."""
    known = part_of("sum(max(j, 1/n[j]), j, 1, d) >= 0")
    assert known.extreme("z1", 0) == read("z1 - D - 1")
    assert known.extreme("z1", 1) == read("z1 - u")
    assert known.extreme("z1", 0, first=True) == read("z1 - 1")


# Where the symbols run.


def test_floors_of_0_leave_a_moment_positive() -> None:
    """q2 = 0 + q2: nothing is taken away from it. Above a floor of 1 the rest may be 0."""
    model = model_of("weights=normal")
    model.moment(2)
    domain = Domain(model, 0)
    assert domain.with_floors((1, None), {"q2": 0}, [read("q2")]).positive(read("q2"))
    floored = domain.with_floors((1, None), {"q2": 0}, [read("q2 - 1")])
    assert floored.nonnegative(read("q2 - 1"))
    assert not floored.positive(read("q2 - 1"))


def test_the_place_of_a_moment_in_its_interval_may_be_0() -> None:
    """t1 runs over [0, 1] with its ends, unlike u, which is 1 over a width."""
    model = model_of("weights=uniform")
    model.moment(2)
    domain = Domain(model, 0)
    assert set(model.ranges) >= {"t1", "v", "w"}
    for text in ("t1", "1 - t1", "t1 - t1^2"):
        assert domain.nonnegative(read(text))
        assert not domain.positive(read(text))
    assert domain.positive(read("1 + t1"))
    assert domain.positive(read("u"))


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        ("max(1/n[j], nu2[j])", True),
        ("max(nu2[j], nu4[j])", False),
        ("min(1/n[j], j)", True),
        ("min(1/n[j], nu2[j])", False),
    ],
)
def test_extremes_that_are_positive(text: str, positive: bool) -> None:
    """One positive quantity makes the largest positive; the smallest needs all of them."""
    model = model_of(BIASED)
    value_of(model, f"sum({text}, j, 1, d)")
    assert Domain(model, 0).nonnegative(read("z1"))
    assert Domain(model, 0).positive(read("z1")) is positive


def test_a_share_of_a_sum_is_judged_by_its_own_coefficients() -> None:
    """u^2 - u + 1/3 is positive on [0, 1], but u = t/(1 + t) leaves (1 - t + t^2)/3: not seen.

    Times 1 + t it would be (1 + t^3)/3. The sum's own denominator, of degree 3 in u, must not lend that.
    """
    model = model_of("weights=normal")
    value_of(model, "sum((1/n[j]**2 - 1/n[j] + 1/3)/(1 + 1/n[j]**3), j, 1, d)")
    domain = Domain(model, 0)
    assert domain.free == {"x", "s1"}
    assert not domain.nonnegative(read("u^2 - u + 1/3"))
    assert not domain.nonnegative(read("s1"))


def test_ranges_of_one_point_and_without_end() -> None:
    """x = 1/3 leaves a number; x >= 2 is 2 + t; between 1 and 2 x is (1 + 2t)/(1 + t)."""
    assert ranged(read("1/3 - u"), "u", fmpq(1, 3), fmpq(1, 3)).is_zero()
    assert ranged(read("u^2"), "u", fmpq(2), None) == read("u^2 + 4*u + 4")
    assert ranged(read("u - 1"), "u", fmpq(1), fmpq(2)) == read("u")


def test_fractions_are_composed_with_the_powers_of_their_denominators() -> None:
    """x^2 + x at x = 1/(1 + t) is (2 + t)/(1 + t)^2."""
    value = Fraction(read("1"), read("1 + t1"))
    found = compose(read("x^2 + x"), {"x": value})
    assert same(found, "2 + t1", "1 + 2*t1 + t1^2")
    assert not same(found, "2 + t1", "1 + t1")


def test_the_number_that_a_fraction_is() -> None:
    assert Fraction.of(0).constant == 0
    assert Fraction.of(fmpq(2, 3)).constant == fmpq(2, 3)
    assert Fraction.of(symbol("m")).constant is None
    assert Fraction(read("1"), read("m")).constant is None


def test_texts_without_end_and_names_of_nothing_are_no_polynomials() -> None:
    assert read("0+" * 5_000 + "m") == symbol("m")
    for text in ("q0", "s0", "x0", "t0", "q9"):
        with pytest.raises(ValueError, match="unable to parse"):
            read(text)
    for nothing in ("0+" * 15_000 + "m", "", None, 7):
        with pytest.raises(RejectedProofError, match="not a polynomial"):
            read(nothing)


# What the model reads.


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sum(1/n[j+1], j, 1, d)", "index that is not followed"),
        ("sum(1/n[d], j, 1, d)", "index that is not followed"),
        ("1/n[d-1]", "index that is not followed"),
        ("1/n[1]", "index that is not followed"),
        ("sum(M[j], j, 1, d)", "M[...] is not followed"),
        ("sum(nu2[j-1], j, 1, d)", "nu2[...] is not followed"),
        ("nu2[d]", "nu2[...] is not followed"),
        ("sum(nu4[0], j, 1, d)", "nu4[...] is not followed"),
        ("E[1/M[d]]", "division by a random quantity"),
        ("E[M[d]/EmpVar]", "division by a random quantity"),
        ("max(d, 3)", "max of what is no number"),
        ("min(d, 3)", "min of what is no number"),
        ("sum(abs(j), j, 1, d)", "abs of what is no number"),
        ("sum(max(1/j, 1/n[j]), j, 1, d)", "max of fractions"),
        ("exp(log(0)*d)", "log of what is not positive"),
        ("exp(log(-1/2)*d)", "log of what is not positive"),
        ("exp(log(2)*log(3)*d)", "linear in logarithms"),
        ("exp(log(2)*d/2)", "whole multiples"),
        ("exp(1001*log(2)*d)", "whole multiples"),
        ("+".join(f"sum({i}/n[j], j, 1, d)" for i in range(1, 10)), "too many sums"),
        ("+".join(f"sum(max(1, {i}/n[j]), j, 1, d)" for i in range(1, 10)), "max of fractions"),
    ],
)
def test_what_is_not_followed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RejectedProofError, match=re.escape(reason)):
        value_of(model_of("weights=normal; bias=any"), text)


@pytest.mark.parametrize("gain", [fmpq(0), fmpq(-1, 2)])
def test_gains_are_positive(gain: fmpq) -> None:
    family = replace(parse_family("weights=normal"), variance_gain=gain)
    with pytest.raises(RejectedProofError, match="the variance gain is not positive"):
        Model(family, None)


def test_eight_sums_are_told_apart() -> None:
    model = model_of()
    found = value_of(model, "+".join(f"sum({i}/n[j], j, 1, d)" for i in range(1, 9)))
    assert found.above == read("s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8")
    assert all(same(model.step[f"s{i}"], f"s{i} + {i}*u") for i in range(1, 9))


def test_extremes_are_told_apart_and_numbers_are_taken_at_once() -> None:
    """Two of a layer's quantities are two symbols; the larger of 1 and 2 is 2."""
    model = model_of()
    value_of(model, "sum(max(1/n[j], j) + 2*min(1/n[j], j) + max(1, 2)/n[j], j, 1, d)")
    assert same(model.step["s1"], "s1 + z1 + 2*z2 + 2*u")
    assert [model.extremes[name][0] for name in ("z1", "z2")] == ["max", "min"]


def test_denominators_leave_expectations_as_they_are() -> None:
    assert same(value_of(model_of(), "E[M[d]/(1+d)]"), "m", "1 + D")


def test_the_moments_of_a_bias_law() -> None:
    """Uniform biases: E b^4 = 9/5 (E b^2)^2."""
    model = model_of("weights=normal; bias=uniform")
    value_of(model, "sum(nu4[j], j, 1, d)")
    assert same(model.step["s1"], "s1 + 9/5*nu2^2")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("2*(1/3*S)", (fmpq(2, 3), fmpq(1))),
        ("1/2*(1/3*S)", (fmpq(1, 6), fmpq(1))),
        ("log(2)*3*S", (fmpq(0), fmpq(8))),
        ("3*log(2)*S", (fmpq(0), fmpq(8))),
        ("log(1/2)*S", (fmpq(0), fmpq(1, 2))),
        ("1000*log(2)*S", (fmpq(0), fmpq(2) ** 1000)),
    ],
)
def test_the_rates_of_exponents(text: str, rate: tuple[fmpq, fmpq]) -> None:
    """exp((a + log b) S), where c log b = log b^c for whole c."""
    model = model_of()
    value_of(model, f"exp({text.replace('S', 'sum(1/n[j], j, 1, d)')})")
    assert model.exponents["y1"][:2] == rate


def test_powers_of_d_are_products_of_numbers() -> None:
    """exp(d log 3) is 3 once more with each layer, not an exponential to be enclosed."""
    model = model_of()
    value_of(model, "exp(log(3)*d)")
    assert same(model.step["p1"], "3*p1")
    assert not model.exponents


def test_moments_up_to_6_and_of_any_bias_up_to_4() -> None:
    """At width 1 with signs for weights M is doubled or lost, each by chance 1/2: E M^k by 2^k/2."""
    model = model_of(NARROW)
    model.moment(6)
    assert same(compose(model.step["q6"].above, {"u": Fraction.of(1)}), "32*q6")
    with pytest.raises(RejectedProofError, match="above 6"):
        model.moment(7)
    biased = model_of(NARROW + "; bias=any")
    biased.moment(4)
    with pytest.raises(RejectedProofError, match="above 4 with biases"):
        biased.moment(5)


def test_no_width_is_too_large_where_the_family_has_no_largest() -> None:
    """1/n runs down to 0, which it does not reach; up to 1 over the smallest width."""
    assert model_of("weights=any; widths=2..1000000000000").ranges["v"] == (fmpq(0), fmpq(1, 2))
    assert model_of("weights=any; widths=2..1000").ranges["v"] == (fmpq(1, 1000), fmpq(1, 2))


def test_polynomials_have_less_than_20_000_characters() -> None:
    """Spaces count, and change nothing."""
    assert read("1".ljust(19_999)) == 1
    with pytest.raises(RejectedProofError, match="not a polynomial"):
        read("1".ljust(20_000))
