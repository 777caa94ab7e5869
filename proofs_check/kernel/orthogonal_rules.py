"""Rules about orthogonal weights: W = s Q, Q uniform with orthonormal rows or columns, no bias.

Judgements, u = 1/n_j and w = 1/N, N = max(n_{j-1}, n_j); "given" names the normal weights of the same
entry variance that orthogonal ones are compared with:

sphere              for every a: factor(w) E prod_i (W a)_i^{2 k_i} is its value for normal weights,
                    whenever sum k_i = order.
orthogonal_product  E M_d^k = M_0^k prod_j factor(u_j)/divisor(w_j), k the order.
orthogonal_below    E M_d^k is below (relation <) its value for normal weights, for all widths (M_0 > 0).
orthogonal_grows    E M_d^k >= M_0^k prod_j (1 + excess(u_j)/divisor(u_j)), a product of numbers above 1;
                    with equality where no layer is narrower than the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from proofs_check.kernel.judgement import Judgement, conclusion_of, same_assumptions
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["RULES"]

_ONE = Polynomial.of(1)


def polar(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A standard normal vector of R^N is r times a uniform point of the sphere, r independent of it.

    Q a is |a| times coordinates of such a point (rows of O a, or O (a, 0), O uniform in O(N)), and an
    entry of Q has variance 1/N. So E prod z_i^{2 k_i} = E (r^2/N)^k E prod (sqrt N u_i)^{2 k_i}. The premise
    is E (r^2/N)^k = factor(1/N): the length of a linear layer of N normal neurons, M_0 = 1.
    """
    (radius,) = premises
    claim = conclusion_of(step, "sphere")
    require(radius["judgement"] == "product" and radius["order"] == claim["order"], "another order")
    given = claim["given"]
    _require_normal(given, claim["order"])
    linear = [given["gain"], *given["halves"]]
    require(all(Polynomial.of(text) == _ONE for text in linear), "the premise is about linear layers, gain 1")
    factor = Polynomial.of(radius["factor"])
    require(factor.variables() <= {"u"}, "a polynomial in 1/N is needed")
    require(factor.substitute("u", Polynomial.of("w")) == Polynomial.of(claim["factor"]), "another factor")
    same_assumptions(claim, radius)


def orthogonal_growth(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Signs of the point are fair and independent of its sizes, so activations enter as they do for normal z.

    E[M_j^k | a_{j-1}] is a sum of E prod z^{2 k_i}, sum k_i = k, with the same coefficients.
    """
    product, sphere = premises
    claim = conclusion_of(step, "orthogonal_product")
    require(product["judgement"] == "product" and sphere["judgement"] == "sphere", "a product and a sphere")
    require(claim["order"] == product["order"] == sphere["order"], "the orders differ")
    _require_normal(claim["given"], claim["order"])
    require(product["factor"] == claim["factor"], "the factor is not that of normal weights")
    require(sphere["factor"] == claim["divisor"], "the divisor is not the sphere's")
    same_assumptions(claim, product)


def below_normal(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Every layer divides by divisor(w) > 1: divisor - 1 has non-negative coefficients, one positive."""
    (product,) = premises
    claim = conclusion_of(step, "orthogonal_below")
    require(product["judgement"] == "orthogonal_product", "the premise must be a product")
    require(product["order"] == claim["order"], "the orders differ")
    require(claim["relation"] == "<", "orthogonal weights have the smaller moments")
    require(_positive(Polynomial.of(product["divisor"]) - _ONE), "the divisor is not seen to exceed 1")
    require(_positive(Polynomial.of(product["factor"])), "the factor is not seen to be positive")
    same_assumptions(claim, product)


def above_one(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """N >= n_j, so divisor(w) <= divisor(u), and factor(u) - divisor(u) = excess(u) > 0."""
    (product,) = premises
    claim = conclusion_of(step, "orthogonal_grows")
    require(product["judgement"] == "orthogonal_product", "the premise must be a product")
    require(product["order"] == claim["order"], "the orders differ")
    require(product["divisor"] == claim["divisor"], "the divisors differ")
    divisor, excess = Polynomial.of(claim["divisor"]), Polynomial.of(claim["excess"])
    require(_positive(divisor) and _positive(excess), "the divisor grows with w, the excess is positive")
    difference = Polynomial.of(product["factor"]) - divisor.substitute("w", Polynomial.of("u"))
    require(difference == excess, "the excess is not factor - divisor")
    same_assumptions(claim, product)


RULES = (polar, orthogonal_growth, below_normal, above_one)


def _require_normal(given: Mapping[str, Any], order: int) -> None:
    moments = [Polynomial.of(text) for text in given["weights"]]
    normal = [Polynomial.of(prod(range(1, 2 * l, 2))) for l in range(1, len(moments) + 1)]
    require(len(moments) >= order and moments == normal, "the moments of normal weights are needed")
    require(all(not Polynomial.of(text).terms for text in given["biases"]), "no bias")


def _positive(polynomial: Polynomial) -> bool:
    """Non-negative coefficients in u or w, one of them positive."""
    known = polynomial.variables() <= {"u", "w"}
    return known and polynomial.terms != {} and all(c > 0 for c in polynomial.terms.values())
