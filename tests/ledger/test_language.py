"""The statement language: reading, refusing, and evaluating by three sources of moments."""

from __future__ import annotations

import pytest
from flint import arb, fmpq

from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import MAX_CHARACTERS, StatementError, parse
from proofs_check.moment_sources import OracleMoments, PowerSumMoments, RecursionMoments
from theory.errors import SpecError
from theory.network import FullyConnected

SIGNS = FullyConnected([2, 2, 2], weights="rademacher")
BIASED = FullyConnected([2, 2, 2], weights="rademacher", bias_weights="rademacher", bias_variance=[4, 1])
SOURCES = [RecursionMoments, PowerSumMoments, OracleMoments]


def holds(text, network=SIGNS, source=RecursionMoments):
    return evaluate(parse(text), network, source(network)).holds


TRUE_ARITHMETIC = [
    "1 + 2*3 == 7",
    "(1 + 2)*3 == 9",
    "-2**2 == -4",
    "2**3**2 == 512",
    "1/2/2 == 1/4",
    "2 - 3 - 4 == -5",
    "12/2*3 == 18",
    "1/2**2 == 1/4",
    "--2 == 2",
    "0.1 + 0.2 == 0.3",
    "0**0 == 1",
    "min(3, 1, 2) == 1",
    "max(3, 1, 2) == 3",
    "abs(1 - 3) == 2",
    "sum(i**2, i, 1, 4) == 30",
    "prod(i, i, 1, 5) == 120",
    "sum(i, i, 3, 1) == 0",
    "prod(i, i, 3, 1) == 1",
    "sum(prod(i, j, 1, 2), i, 1, 3) == 14",
    "1 <= 1 < 2 == 2 > 1 != 0",
    "d == 2",
    "n[0] + n[d] == 4",
    "kappa == 1",
    "g == 2",
    "M[0] == 1",
    "sum(1/n[j], j, 1, d) == 1",
    "nu2[1] + nu4[d] == 0",
    " \t1==1\n",
]


@pytest.mark.parametrize("text", TRUE_ARITHMETIC)
def test_arithmetic_and_precedence(text):
    assert holds(text) is True


FALSE_ARITHMETIC = [
    "-2**2 == 4",
    "2**3**2 == 64",
    "1/2/2 == 1",
    "2 - 3 - 4 == 3",
    "1 < 2 < 2",
    "1 == 2 == exp(1)",
    "max(3, 1, 2) == 1",
    "d == 3",
    "1 != 1",
]


@pytest.mark.parametrize("text", FALSE_ARITHMETIC)
def test_false_is_false(text):
    assert holds(text) is False


# By hand (see test_hand_values): M_1 = 4, 2, 0 with 1/16, 6/16, 9/16, E M_1^2 = 5/2, E M_2^2 = 19/4.
ON_SIGNS = [
    ("E[M[1]**2]", fmpq(5, 2)),
    ("E[M[d]**2]", fmpq(19, 4)),
    ("Var[M[1]]", fmpq(3, 2)),
    ("E[M[1]*M[2]]", fmpq(5, 2)),
    ("E[(M[1] - M[2])**2]", fmpq(9, 4)),
    ("E[EmpVar]", fmpq(9, 16)),
    ("E[M[1]**3]", fmpq(7)),
    ("E[M[0]*M[1] + 1]", fmpq(2)),
    ("Var[M[2] - M[1]]", fmpq(9, 4)),
    ("Var[3]", fmpq(0)),
    ("E[M[1]**d]", fmpq(5, 2)),
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("text, value", ON_SIGNS)
def test_expectations_by_three_sources(text, value, source):
    assert evaluate(parse(f"{text} == {value}"), SIGNS, source(SIGNS)).sides == (value, value)
    assert holds(f"{text} == {value}", SIGNS, source) is True
    assert holds(f"{text} == {value} + 1/1000", SIGNS, source) is False


@pytest.mark.parametrize("source", SOURCES)
def test_biases_by_three_sources(source):
    """nu_2 = 4, 1: the oracle's scales are 1, 1; E M_d = 1 + 5/2 and nu_4 = nu_2^2 for signs."""
    assert holds("E[M[d]] == M[0] + sum(nu2[j], j, 1, d)/2", BIASED, source) is True
    assert holds("E[M[d]] == M[0] + sum(nu2[j]**2, j, 1, d)/2", BIASED, source) is False
    assert holds("nu4[1] == nu2[1]**2 == 16", BIASED, source) is True


@pytest.mark.parametrize("text", ["E[M[1]*M[2]]", "E[EmpVar]", "E[M[2]**2]", "Var[M[2] - M[1]]"])
def test_sources_agree_with_biases(text):
    first, *others = [evaluate(parse(f"{text} == 0"), BIASED, s(BIASED)).sides[0] for s in SOURCES]
    assert all(first == other for other in others)
    unbiased = evaluate(parse(f"{text} == 0"), SIGNS, RecursionMoments(SIGNS)).sides[0]
    assert first != unbiased


def test_only_the_oracle_knows_every_joint_moment():
    text = "E[M[1]**2*M[2]] == E[M[1]**3]"
    assert holds(text, SIGNS, OracleMoments) is True
    with pytest.raises(StatementError, match="available for a = b = 1"):
        holds(text)


ERRORS = [
    ("1 = 1", "column 3, near '= 1'"),
    ("1 == 2 ! 3", "column 8"),
    ("1 == (2", "at its end"),
    ("E[M[d]] ==", "at its end: E[M[d]] =="),
    ("", "the statement is empty"),
    ("1", "at its end"),
    ("== 1", "column 1"),
    ("1 == 1; import os", "column 7"),
    ("__import__('os') == 1", "column 1"),
    ("E[M[1]].real == 1", "column 8"),
    ("lambda: 1 == 1", "column 7"),
    ("[1][0] == 1", "column 1"),
    ("'a' == 'a'", "column 1"),
    ("1 == 1 # comment", "column 8"),
    ("1.5e3 == 1500", "column 4"),
    ("M[1 == 1", "column"),
    ("sum(1, 2, 1, 3) == 3", "column 8"),
]


@pytest.mark.parametrize("text, piece", ERRORS)
def test_unreadable_text_is_refused_with_its_place(text, piece):
    with pytest.raises(StatementError) as caught:
        parse(text)
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)


MEANINGLESS = [
    ("os == 1", "unknown name 'os'"),
    ("eval(1) == 1", "column"),
    ("open == 1", "unknown name 'open'"),
    ("j == 1", "unknown name 'j'"),
    ("M[1] == 1", "write E[...]"),
    ("E[1/M[1]] == 1", "is random"),
    ("E[exp(M[1])] == 1", "is random"),
    ("M[3] == 1", "indices run from 0 to d = 2"),
    ("n[-1] == 1", "indices run from 0"),
    ("nu2[0] == 1", "indices run from 1"),
    ("eta[1] == 1", "residual"),
    ("M[1/2] == 1", "whole number"),
    ("2**(1/2) == 1", "whole number"),
    ("2**65 == 1", "from 0 to 64, or d"),
    ("2**-1 == 1", "from 0 to 64, or d"),
    ("1/(d - 2) == 1", "divides by zero"),
    ("log(0) == 1", "not positive"),
    ("sqrt(0 - 1) == 1", "negative"),
    ("exp(1, 2) == 1", "one argument"),
    ("E[EmpVar**2] == 1", "EmpVar"),
    ("sum(j, j, 1, 100001) == 1", "100,000 terms"),
]


@pytest.mark.parametrize("text, piece", MEANINGLESS)
def test_meaningless_statements_are_refused(text, piece):
    with pytest.raises(StatementError) as caught:
        holds(text)
    assert piece in str(caught.value)


def test_orders_beyond_the_theory_are_refused():
    with pytest.raises(SpecError, match="from 1 to 12"):
        holds("E[M[1]**13] == 1")


def test_constants_that_differ_between_layers_are_refused():
    mixed = FullyConnected([2, 2, 2], weights=["normal", "uniform"])
    with pytest.raises(StatementError, match="kappa differs"):
        holds("kappa == 3", mixed)


@pytest.mark.parametrize("good, bad", [("1" + "+1" * 100, "1" * (MAX_CHARACTERS + 1)), ("(" * 60, "(" * 61)])
def test_length_and_nesting_are_bounded(good, bad):
    close = ")" * 60 if good.startswith("(") else ""
    inside = "1" if close else ""
    assert parse(f"{good}{inside}{close} == 1")
    with pytest.raises(StatementError, match=r"limit|deeper"):
        parse(f"{bad}{inside}{close and close + ')'} == 1")


@pytest.mark.parametrize(
    "text, verdict",
    [
        ("exp(1) > 2.718281828459045235360287471352662497757", True),
        ("exp(1) < 2.718281828459045235360287471352662497758", True),
        ("exp(1) < 2.718281828459045235360287471352662497757", False),
        ("exp(1) == 2.718281828459045", False),
        ("exp(1) == exp(1)", True),
        ("exp(1) <= exp(1)", True),
        ("sqrt(2)**2 == 2", True),
        ("log(exp(1)) != 1", False),
        ("exp(1) < exp(1)", False),
        ("exp(log(2)/3)**3 == 2", True),
        ("exp(log(2)/3)**2 == 2", False),
        ("2*log(2) >= log(4)", True),
        ("2*log(2) > log(4)", False),
        ("log(2) + 1 == log(2*exp(1))", True),
        ("prod(exp(1/j), j, 1, 3) == exp(11/6)", True),
        ("sqrt(8) < 2*sqrt(2)", False),
        ("sqrt(2) + sqrt(3) == sqrt(5 + 2*sqrt(6))", None),
        ("exp(0) == 1", True),
        ("1 == 2 == sqrt(2)**2", False),
        ("exp(10**60) > 10**60", True),
    ],
)
def test_comparisons_are_decided_only_when_certain(text, verdict):
    assert holds(text) is verdict


def test_precision_grows_until_the_sides_part():
    """e and its first 95 decimals differ by less than 10^-95: 128 bits cannot tell, 512 can."""
    digits = (
        "2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138217852516"
    )
    outcome = evaluate(parse(f"exp(1) > {digits}"), SIGNS, RecursionMoments(SIGNS))
    assert outcome.holds is True
    assert isinstance(outcome.sides[0], arb)
    assert outcome.sides[0].rel_accuracy_bits() > 300


def test_same_trees_say_the_same():
    assert parse("1+2*n[1] == 3").says_the_same(parse("1 + (2 * n[1]) == 3"))
    assert not parse("1+2*n[1] == 3").says_the_same(parse("(1 + 2)*n[1] == 3"))
    assert not parse("1 <= 2").says_the_same(parse("1 < 2"))
