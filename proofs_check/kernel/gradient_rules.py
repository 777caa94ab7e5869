"""Rules about gradients of F = v.a_d: signs, Jacobians, the reversed net (docs/theory.md, Gradients).

Nets without biases, phi piecewise linear, the weights of a layer independent and of one symmetric law, the
entries of v independent, symmetric, of variance 1; J_j is the Jacobian of a_j in the input, delta_j the
gradient of F at z_j, dF/dW_j = delta_j a_{j-1}^T. In factor(u_i; g) the symbols c_l belong to layer i too.
Judgements, all under the assumptions that they list (`ASSUMPTIONS`):

mask              given a_{j-1} != 0, z_i is > 0, < 0 or = 0 with these chances, independently over i and
                  of all s w, s the sign of z_i and w its weights.
jacobian_law      for every fixed u, (|J_1 u|^2, ..., |J_d u|^2) has the law of (|a_1|^2, ..., |a_d|^2)
                  started at u.
jacobian_product  for every fixed u, E (|J_d u|^2/n_d)^k = (|u|^2/n_0)^k prod_i factor(u_i; g_i), k the order.
reversed_law      given W_1, ..., W_{j-1} with a_{j-1} != 0, the squared coordinates of delta_j have the law
                  of those at the end of the net that draws v, W_d^T, ..., W_{j+1}^T from the input 1:
                  given a_{j-1} != 0, |delta_j|^2 is independent of |a_{j-1}|^2.
delta_product     E[|delta_j|^{2k} | a_{j-1} != 0] = n_d^k factor(u_d; 1) prod_{j<=i<d} factor(u_i; g_{i+1}).
weight_product    E |dF/dW_j|^{2k} is that times (n_{j-1} M_0)^k prod_{i<j} factor(u_i; g_i).
gradient_balance  E |dF/dW_j|^2 Var W_j (of one entry) = E |a_d|^2 = n_d M_0 prod_i factor(g_i), for every j.
gradient_spread   Y = |dF/dW_j|^2 has E Y^k = (E Y)^k prod_{i=1..d} factor(u_i), the same for every j.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.judgement import Judgement, conclusion_of, nonzero_coefficients, same_assumptions
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["ASSUMPTIONS", "RULES", "assumes_exactly"]

ASSUMPTIONS: Mapping[str, str] = {
    "atomless_weights": "the law of a weight has no atoms",
    "matching_readout": "the entries of v have the even moments of the weights, those under given",
}
_HALF = Fraction(1, 2)
_SIGNS = {"positive": 1, "negative": -1, "zero": 0}


def fair_signs(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """z = w.a, a != 0, has no atoms where one of its terms has none; w and -w have one law.

    So P(z = 0) = 0, and turning w turns s = sign z but not s w: s is fair given s w. Rows of W_j are
    independent of one another and of a. The premise says that z is W_j a alone, no bias beside it.
    """
    (layer,) = premises
    claim = conclusion_of(step, "mask")
    require(layer["judgement"] == "layer", "the premise is about one layer")
    require(() not in nonzero_coefficients(layer), "a bias would shift z")
    silent = all(not Polynomial.of(text).terms for text in claim["given"]["biases"])
    require(silent, "no layer has a bias")
    same_assumptions(claim, layer)
    chances = _chances(claim)
    require(chances[0] == 0, "a law without atoms gives z = 0 no chance")
    require(chances[1] == chances[-1], "a symmetric law gives both signs the same chance")
    require(sum(chances.values()) == 1, "the chances must sum to 1")
    assumes_exactly(claim, premises, "atomless_weights")


def jacobian_signs(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """(J_j u)_i = phi'(z_i) w_i.h, h = J_{j-1} u, against phi(w_i.h) = phi'(sign(w_i.h)) w_i.h.

    |w_i.h| = |s_i w_i.h| is independent of s_i, and of the sign of w_i.h, a fair one: the squares have
    the same law, jointly over i and given W_1, ..., W_{j-1}, if s_i is fair (checked). If a_{j-1} = 0, the
    first such layer had no z_i = 0 (checked), hence slopes 0 alone: h = 0, and phi(W_j h) = 0 too.
    """
    (mask,) = premises
    claim = conclusion_of(step, "jacobian_law")
    _require_fair(mask)
    same_assumptions(claim, mask)
    assumes_exactly(claim, premises)


def jacobian_moments(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E |J_d u|^{2k} is E |a_d|^{2k} started at u, which the product says."""
    law, moments = premises
    claim = conclusion_of(step, "jacobian_product")
    require(law["judgement"] == "jacobian_law", "the first premise is the law of J u")
    require(moments["judgement"] == "product", "the second premise must be a product")
    require(claim["order"] == moments["order"], "the orders differ")
    require(claim["factor"] == moments["factor"], "the factors differ")
    for premise in premises:
        same_assumptions(claim, premise)
    assumes_exactly(claim, premises)


def reversal(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Down from layer d: beta_{j-1} = W_j^T D_j beta_j, beta_d = v, delta_j = D_j beta_j.

    Claimed of beta_j: given W_1, ..., W_j with a_j != 0 it has one law, invariant under changes of sign.
    beta_{j-1} = sum_i (s_i w_i) phi'(s_i) (s_i beta_{j,i}), where s_i w_i is independent of s_i by the mask,
    and s_i beta_{j,i} of s_i by that invariance, as s_i is never 0 (checked). So it is in law W_j^T D beta_j
    with slopes D independent of beta_j, invariant because W_j^T is. In the reversed net phi(beta_i) has the
    slope of the sign of beta_i, a fair one: s_i must be fair (checked). Where a_j = 0 all slopes D_j are 0,
    so that beta_j may be taken of that law there too.
    """
    (mask,) = premises
    claim = conclusion_of(step, "reversed_law")
    _require_fair(mask)
    same_assumptions(claim, mask)
    assumes_exactly(claim, premises)


def delta_moments(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """The reversed net's own product: v has fan-in 1 and variance 1, W_{i+1}^T has fan-in n_{i+1}.

    Its gain is fan-in times variance: 1 for v, g_{i+1} n_{i+1}/n_i for W_{i+1}^T. As factor is homogeneous of
    degree k in g (checked), |b_i|^{2k} = (n_i M)^k gets factor(u_i; g_{i+1}), and n_d^k factor(u_d; 1) at v.
    """
    law, moments = premises
    claim = conclusion_of(step, "delta_product")
    require(law["judgement"] == "reversed_law", "the first premise is the law of the reversed net")
    require(moments["judgement"] == "product", "the second premise must be a product")
    require(claim["order"] == moments["order"], "the orders differ")
    require(claim["factor"] == moments["factor"], "the factors differ")
    require(claim["given"]["gain"] == "g", "the gain is a symbol: layers of the reversed net have their own")
    factor = Polynomial.of(claim["factor"])
    powers = {dict(monomial).get("g", 0) for monomial in factor.terms}
    require(powers == {claim["order"]}, "the factor is not homogeneous in the gain")
    for premise in premises:
        same_assumptions(claim, premise)
    # E v^2 = 1 is the definition of v; higher moments have to be assumed.
    assumes_exactly(claim, premises, *(["matching_readout"] if claim["order"] > 1 else []))


def weight_moments(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """|dF/dW_j|^2 = |delta_j|^2 |a_{j-1}|^2: independent given a_{j-1} != 0, and 0 where a_{j-1} = 0.

    So E |dF/dW_j|^{2k} = E |a_{j-1}|^{2k} E[|delta_j|^{2k} | a_{j-1} != 0].
    """
    law, deltas, lengths = premises
    claim = conclusion_of(step, "weight_product")
    require(law["judgement"] == "reversed_law", "the first premise says what is independent")
    require(deltas["judgement"] == "delta_product", "the second premise is about delta_j")
    require(lengths["judgement"] == "product", "the third premise is about a_{j-1}")
    require(claim["order"] == deltas["order"] == lengths["order"], "the orders differ")
    require(claim["factor"] == deltas["factor"] == lengths["factor"], "the factors differ")
    for premise in premises:
        same_assumptions(claim, premise)
    assumes_exactly(claim, premises)


def balanced(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """n_{j-1} n_d M_0 times d factors at the gains 1 and g_i, i != j; Var W_j = g_j/n_{j-1} gives the last.

    That takes factor(u; g) = g factor(1), free of u.
    """
    (moments,) = premises
    claim = conclusion_of(step, "gradient_balance")
    require(moments["judgement"] == "weight_product", "the premise is about dF/dW_j")
    require(moments["order"] == 1, "the balance is one of means")
    require(claim["factor"] == moments["factor"], "the factors differ")
    factor = Polynomial.of(claim["factor"])
    at_one = factor.substitute("g", Polynomial.of(1))
    require(factor == Polynomial.of("g") * at_one, "the factor is not a multiple of the gain")
    require("u" not in factor.variables(), "the factor depends on the width")
    same_assumptions(claim, moments)
    assumes_exactly(claim, premises)


def spreading(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """factor_k(u; g) = spread(u) factor_1(u; g)^k at every g, so that no trace of j is left."""
    high, mean = premises
    claim = conclusion_of(step, "gradient_spread")
    about = all(premise["judgement"] == "weight_product" for premise in premises)
    require(about, "the premises are about dF/dW_j")
    require(high["order"] == claim["order"] and mean["order"] == 1, "orders k and 1 are needed")
    spread = Polynomial.of(claim["factor"])
    require("g" not in spread.variables(), "the spread depends on the gain")
    expected = spread * Polynomial.of(mean["factor"]) ** claim["order"]
    require(Polynomial.of(high["factor"]) == expected, "the factors are not the spread times a power")
    for premise in premises:
        same_assumptions(claim, premise)
    assumes_exactly(claim, premises)


RULES = (
    fair_signs,
    jacobian_signs,
    jacobian_moments,
    reversal,
    delta_moments,
    weight_moments,
    balanced,
    spreading,
)


def assumes_exactly(claim: Judgement, premises: Sequence[Judgement], *own: str) -> None:
    """The conclusion lists all assumptions of its premises and of this rule, and no others."""
    needed = sorted({*own, *(name for premise in premises for name in premise.get("assumes", []))})
    require(claim["assumes"] == needed, f"assumes exactly: {', '.join(needed)}")


def _chances(mask: Judgement) -> dict[int, Fraction]:
    """Chances by sign."""
    found = {}
    for key, sign in _SIGNS.items():
        terms = Polynomial.of(mask[key]).terms
        require(set(terms) <= {()}, "a chance is a number")
        found[sign] = terms.get((), Fraction(0))
    return found


def _require_fair(mask: Judgement) -> None:
    require(mask["judgement"] == "mask", "the premise is about signs")
    require(_chances(mask) == {1: _HALF, -1: _HALF, 0: 0}, "the signs are not fair")
