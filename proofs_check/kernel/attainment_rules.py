"""When the constants of Theorem 5 are attained (no bias, no layer dead for sure).

Judgement `attainment`, for the growth of E M_j^2 in a layer and with p, q the coefficients of A_11
and A_2 in E[M_j^2 | a_{j-1}] (A normalised, so M^2 = A_11 + A_2):

    E M_j^2 - p E M_{j-1}^2 = (q - p) E A_2(a_{j-1}),   q E M_{j-1}^2 - E M_j^2 = (q - p) E A_11(a_{j-1}).

`difference` is q - p and `equal_at` the kurtosis at which it vanishes: there both constants agree and
are attained always. At any other kurtosis p is never attained, and q is attained in a layer if and
only if a_{j-1} has at most one non-zero entry almost surely: n_{j-1} = 1, or j = 1 and a one-hot input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs_check.kernel.judgement import Judgement, conclusion_of, nonzero_coefficients, same_assumptions
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["RULES"]


def attained(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A_2 > 0 wherever a_{j-1} is non-zero; A_11 = 0 exactly where one entry at most is non-zero.

    Given a_{j-2} non-zero, neurons are independent and each is non-zero with positive probability, so
    two of them are non-zero together with positive probability: n_{j-1} = 1 is necessary. A difference
    c u m4 + rest that vanishes at equal_at is c u (m4 - equal_at), which vanishes nowhere else.
    """
    (layer,) = premises
    claim = conclusion_of(step, "attainment")
    require(layer["target"] == {"length": 2}, "the premise must be about M_j^2")
    found = nonzero_coefficients(layer)
    require(set(found) == {(1, 1), (2,)}, "the layer must have exactly the terms of order 2")
    difference = found[2,] - found[1, 1]
    require(difference == Polynomial.of(claim["difference"]), "the difference is not q - p")
    slope = difference - difference.substitute("m4", Polynomial.of("0"))
    require(set(slope.terms) == {(("m4", 1), ("u", 1))}, "the kurtosis must enter as a multiple of u*m4")
    at_root = difference.substitute("m4", Polynomial.of(claim["equal_at"]))
    require(Polynomial.of(claim["equal_at"]).variables() == set(), "the kurtosis is a number")
    require(at_root.terms == {}, "the difference does not vanish there")
    same_assumptions(claim, layer)


RULES = (attained,)
