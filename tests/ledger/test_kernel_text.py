"""The texts of the kernel: polynomials are read strictly, judgements are rendered as statements."""

from __future__ import annotations

import pytest

from proofs_check.kernel.check import check_proof
from proofs_check.kernel.polynomial import Polynomial, PolynomialError
from proofs_check.kernel.render import assumed_family, statement_of
from proofs_check.prover import PROOFS

PRODUCT, MEAN, SPREAD = "second-moment-normal", "mean", "corollary-2"


@pytest.mark.parametrize(
    "text",
    ["", " ", "+", "u +", "2u", "u**2", "U", "u^0", "1.5", "(u)", "1 + + u", "u^100", "é", "u\n2", "1e3"],
)
def test_polynomial_text_is_strict(text):
    with pytest.raises(PolynomialError):
        Polynomial.of(text)


def test_polynomials_are_equal_when_their_expansions_are():
    u, one = Polynomial.of("u"), Polynomial.of(1)
    assert (one + u) ** 2 == Polynomial.of("1 + 2*u + u^2") == Polynomial.of("u*u + 2*u + 1")
    assert (one + u) ** 2 != Polynomial.of("1 + u^2")
    assert (u - u).terms == {}
    assert Polynomial.of("u^2*m4").substitute("u", one + u) == Polynomial.of("m4 + 2*u*m4 + u^2*m4")
    assert Polynomial.of("u^2*m4 + u").degree("u") == 2


@pytest.mark.parametrize(
    "name, statement, family",
    [
        (PRODUCT, "E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)", {"weights": "normal", "bias": "none"}),
        (MEAN, "E[M[d]] == M[0] + sum(1/2*nu2[j], j, 1, d)", {"weights": "any", "bias": "any"}),
        (
            SPREAD,
            "E[EmpVar] == 1/d**2*sum((k-1)*(d-k+1)*(E[M[k]**2] - E[M[k-1]**2]), k, 2, d)",
            {"bias": "none"},
        ),
    ],
)
def test_rendered_statement_and_family(name, statement, family):
    (judgement,) = check_proof(PROOFS[name]()).conclusions
    shown = statement_of(judgement)
    assert shown is not None
    assert shown.replace("*(1/n[j])", "/n[j]") == statement
    assert assumed_family(judgement).items() >= family.items()


def test_family_of_unnamed_assumptions_is_not_named():
    """Kurtosis 9/5, or E b^2 written b4, is neither `any` nor `normal`: no claim may rest on it."""
    judgement = {
        "given": {"weights": ["1", "9/5"], "biases": ["b4", "b2"], "gain": "3", "halves": ["1/2"] * 2}
    }
    assert assumed_family(judgement) == {}
