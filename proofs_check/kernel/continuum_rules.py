"""The rule behind the continuum limit of Corollary 2 (normal weights, constant width, no bias).

Judgement `continuum`: with u = 1/n in every layer, b = d log(1 + 5u), f(x) = e^{bx} integrand(x) and
I(b) the integral of f over [0, 1],

    | e^{-b/(2d)} E EmpVar / M_0^2 - I(b) | <= e^b (b^2 + 4b)/(24 d^2),
    0 <= I(5du) - I(b) <= (5/24) e^{5du} (5du - b),

and I(b) = (e^b primitive(1) - primitive(0))/b^2. Functions e^{bx} p(x) are known by p; their
derivative is e^{bx} (b p + p').
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.judgement import Judgement, conclusion_of, same_assumptions
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["RULES"]

_X, _B = Polynomial.of("x"), Polynomial.of("b")


def midpoint_rule(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E EmpVar is e^{b/(2d)} times the d-point midpoint rule of f; textbook error max |f''|/(24 d^2).

    With q_j = (1 + 5u)^j the middle-layer sum is (1/d^2) sum_j (2j - 1 - d) q_j, and
    2 x_j - 1 = (2j - 1 - d)/d at the midpoints. I' = int e^{bx} x integrand(x) dx is non-negative
    (Chebyshev's inequality: x e^{bx} grows, integrand is odd about 1/2) and at most
    e^b int_{1/2}^1 x integrand(x) dx.
    """
    middle, product = premises
    claim = conclusion_of(step, "continuum")
    require(middle["judgement"] == "middle_layers", "the first premise must be about E EmpVar")
    require((product["judgement"], product["order"]) == ("product", 2), "the second must be E M_d^2")
    require(Polynomial.of(product["factor"]) == Polynomial.of("1 + 5*u"), "growth other than 1 + 5u")
    integrand = Polynomial.of(claim["integrand"])
    require(integrand == Polynomial.of("2*x - 1"), "the midpoints give 2x - 1")
    second = _derivative(_derivative(integrand))
    require(second == Polynomial.of(claim["second"]), "not the second derivative")
    _require_bounded(second, Polynomial.of("b^2 + 4*b"))
    require(_derivative(Polynomial.of(claim["primitive"])) == _B * _B * integrand, "not the primitive")
    mass = _integral(_X * integrand, Fraction(1, 2), Fraction(1))
    require(mass == Fraction(5, 24), "the slope of I is not bounded by 5/24 e^b")
    require(middle["given"]["biases"] == ["0"], "the middle-layer sum must be without bias")
    same_assumptions(claim, product)


RULES = (midpoint_rule,)


def _derivative(polynomial: Polynomial) -> Polynomial:
    """Of e^{bx} p(x): b p + p'."""
    total = _B * polynomial
    for monomial, coefficient in polynomial.terms.items():
        powers = dict(monomial)
        power = powers.pop("x", 0)
        if power:
            rest = Polynomial({tuple(sorted(powers.items())): coefficient * power})
            total = total + rest * _X ** (power - 1)
    return total


def _require_bounded(polynomial: Polynomial, bound: Polynomial) -> None:
    """|p| <= bound for 0 <= x <= 1 and b >= 0, from non-negative coefficients in x, in 1 - x, and b."""
    reflected = (bound - polynomial).substitute("x", Polynomial.of("1 - y"))
    for difference in (reflected, bound + polynomial):
        require(all(c >= 0 for c in difference.terms.values()), "the second derivative exceeds its bound")


def _integral(polynomial: Polynomial, first: Fraction, last: Fraction) -> Fraction:
    """Over [first, last], of a polynomial in x alone."""
    total = Fraction(0)
    for monomial, coefficient in polynomial.terms.items():
        power = dict(monomial).get("x", 0) + 1
        total += coefficient * (last**power - first**power) / power
    return total
