"""Rules about many inputs, and random ones: the law of M_j/M_0 for normal weights (THEORY.md section 8).

Judgements, all under the assumptions that they list (`ASSUMPTIONS`):

ratio_law        for every input x != 0, (M_1/M_0, ..., M_d/M_0) has one and the same law.
expected_number  for all x_1, ..., x_k != 0 and t >= 0, equal, dependent or not: the expected number of them
                 with M_d(x_i) > t M_0(x_i) is `count`, p = P(M_d/M_0 > t).
random_input     for a random input x, almost surely not 0, (M_1/M_0, ..., M_d/M_0) has that same law too and
                 is independent of x: an event of chance p for fixed x has `chance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from proofs_check.kernel.gradient_rules import assumes_exactly
from proofs_check.kernel.judgement import Judgement, conclusion_of, same_assumptions
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["ASSUMPTIONS", "RULES"]

ASSUMPTIONS: Mapping[str, str] = {
    "independent_input": "the random input is independent of all weights",
    "normal_weights": "all weights are normal",
}


def rotation(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Rows of normal weights have a law that no orthogonal matrix changes (cited).

    So W a has the law of |a| W e_1, and phi(|a| z) = |a| phi(z): M_j/M_{j-1} has, given any a_{j-1} != 0,
    the law it has for e_1; where a_{j-1} = 0 all later ratios are 0, without biases. The premise shows what
    of it moments can show: E M_d^k is a multiple of M_0^k, not of other means of powers of x.
    """
    (moments,) = premises
    claim = conclusion_of(step, "ratio_law")
    require(moments["judgement"] == "product" and moments["order"] >= 2, "the premise must be a product")
    weights = [Polynomial.of(text) for text in claim["given"]["weights"]]
    normal = [Polynomial.of(prod(range(1, 2 * l, 2))) for l in range(1, len(weights) + 1)]
    require(len(weights) >= 2 and weights == normal, "the moments of normal weights are needed")
    require(all(not Polynomial.of(text).terms for text in claim["given"]["biases"]), "no bias")
    same_assumptions(claim, moments)
    assumes_exactly(claim, premises, "normal_weights")


def linearity(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A number of events has as its mean the sum of their chances, dependent or not.

    All chances are p: count is 0 for no inputs and grows by p with each (checked in k).
    """
    (law,) = premises
    claim = conclusion_of(step, "expected_number")
    require(law["judgement"] == "ratio_law", "the premise gives every input the same chance")
    count = Polynomial.of(claim["count"])
    require(count.variables() <= {"k", "p"}, "a polynomial in k and p is needed")
    require(not count.substitute("k", Polynomial.of(0)).terms, "no inputs, no events")
    more = count.substitute("k", Polynomial.of("k + 1")) - count
    require(more == Polynomial.of("p"), "one input more adds its chance p")
    same_assumptions(claim, law)
    assumes_exactly(claim, premises)


def mixing(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """An event that has chance p given each x has it given any event about x, and altogether (Fubini).

    Checked on two inputs of chances r and 1 - r; independence of x from the weights lets x be held fixed.
    """
    (law,) = premises
    claim = conclusion_of(step, "random_input")
    require(law["judgement"] == "ratio_law", "the premise gives every input the same law")
    mixed = Polynomial.of("r*p") + Polynomial.of("1 - r") * Polynomial.of("p")
    require(Polynomial.of(claim["chance"]) == mixed, "a mixture of equal chances is that chance")
    same_assumptions(claim, law)
    assumes_exactly(claim, premises, "independent_input")


RULES = (rotation, linearity, mixing)
