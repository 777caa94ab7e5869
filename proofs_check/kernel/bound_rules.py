"""Rules for bounds: with biases, in exponential form, on the growth per layer, on E EmpVar.

Further judgements, in the notation of `rules`:

bias_bound         E M_d^2 <= prod_j F(u_j) [(M_0 + sum b2/2)^2 + sum u_j b4/2], F the max of factors.
exponential        E M_d^k <= M_0^k exp(sum_j u_j max(rates)), or
                   E M_d^k >= M_0^k exp(sum_j u_j log(1 + min(rates))).
width_one          E M_d^k = M_0^k prod_j factor(u_j) when n_0 = ... = n_{d-1} = 1.
universality       |E M_j^2 / E M_{j-1}^2 - centre(u_j)| <= |deviation(u_j)| u_{j-1} max(spread), j >= 2.
variance_bound     d^2 E EmpVar <= (or >=) M_0^2 sum_{k=2..d} (k-1)(d-k+1)(F(u_k) - 1) prod_{i<k} F(u_i),
                   F the max (or min) of factors.
quarter_bound      E EmpVar <= Var M_d / 4.

Symbols are read on their ranges: 0 < u <= 1, kurtosis m4 >= 1, b2 >= 0, b4 >= 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.judgement import (
    Judgement,
    conclusion_of,
    length_coefficients,
    nonzero_coefficients,
    same_assumptions,
)
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["RULES"]

_ONE = Polynomial.of(1)
_U = Polynomial.of("u")


def bias_induction(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Second moments with biases, by induction on depth.

    With B_j = E M_j, V_j = sum_{i<=j} u_i b4/2 and P_j = prod F >= 1, suppose
    E M_{j-1}^2 <= P_{j-1} (B_{j-1}^2 + V_{j-1}). The layer gives E M_j^2 <= F E M_{j-1}^2
    + F b2 B_{j-1} + (b2^2/4 + u b4/2) <= P_j (B_{j-1}^2 + b2 B_{j-1} + b2^2/4 + V_j) = P_j (B_j^2 + V_j),
    once each coefficient of the layer is at most the one used here.
    """
    mean, layer = premises
    claim = conclusion_of(step, "bias_bound")
    factors = [Polynomial.of(text) for text in claim["factors"]["max"]]
    half = Polynomial.of("1/2*b2")
    require(mean["target"] == {"length": 1} and layer["target"] == {"length": 2}, "two layer premises")
    require(nonzero_coefficients(mean) == {(1,): _ONE, (): half}, "the mean must grow by b2/2")
    found = nonzero_coefficients(layer)
    linear, constant = found.pop((1,), Polynomial({})), found.pop((), Polynomial({}))
    require(set(_ratios(found, 2).values()) == set(factors), "the factors are not the layer's ratios")
    require(any(linear == f * Polynomial.of("b2") for f in factors), "the linear term is not F b2")
    room = Polynomial.of("1/4*b2^2 + 1/2*u*b4") - constant
    require(_non_negative(room), "the constant term exceeds b2^2/4 + u b4/2")
    require(any(_non_negative(f - _ONE) for f in factors), "no factor is at least 1")
    same_assumptions(claim, mean)
    same_assumptions(claim, layer)


def exponentiate(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """1 + r u <= e^{r u}, and 1 + r u >= (1 + r)^u for 0 <= u <= 1, r >= 0 (Bernoulli)."""
    (bound,) = premises
    claim = conclusion_of(step, "exponential")
    require(bound["judgement"] == "bound", "the premise must be a product bound")
    require((claim["order"], claim["relation"]) == (bound["order"], bound["relation"]), "other bound")
    ((kind, factors),) = bound["factors"].items()
    require(list(claim["rates"]) == [kind], "rates and factors are chosen alike")
    rates = [Polynomial.of(text) for text in claim["rates"][kind]]
    require(all(rate.degree("u") == 0 and _non_negative(rate) for rate in rates), "rates are >= 0, free of u")
    linear = {_ONE + _U * rate for rate in rates}
    require(linear == {Polynomial.of(text) for text in factors}, "the factors are not 1 + rate u")
    same_assumptions(claim, bound)


def single_file(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """At n_{j-1} = 1 all augmented moments with two or more parts vanish; the one-part one is M^k."""
    (layer,) = premises
    claim = conclusion_of(step, "width_one")
    order = claim["order"]
    require(layer["target"] == {"length": order}, "the orders differ")
    found = nonzero_coefficients(layer)
    require(all(sum(parts) == order for parts in found), "the layer must have no bias terms")
    require(found[(order,)] == Polynomial.of(claim["factor"]), "the factor is not the one-part coefficient")
    same_assumptions(claim, layer)


def universal_growth(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[M_j^2 | a] = p M^2 + (q - p) A_2 with p, q the coefficients of A_11, A_2 (normalised).

    E A_2 of layer j - 1 is at most u_{j-1} max(spread) E M_{j-2}^2, and E M_{j-2}^2 <= E M_{j-1}^2
    because p and q are at least 1.
    """
    second, fourth = premises
    claim = conclusion_of(step, "universality")
    require(second["target"] == {"length": 2}, "the first premise must be about M_j^2")
    require(fourth["target"] == {"augmented": [2]}, "the second premise must be about A_2")
    p, q = _pair(second)
    require(p == Polynomial.of(claim["centre"]), "the centre is not the coefficient of A_11")
    require(q - p == Polynomial.of(claim["deviation"]), "the deviation is not the difference")
    spread = {_U * Polynomial.of(text) for text in claim["spread"]}
    require(set(_pair(fourth)) == spread, "the spread is not that of A_2")
    require(_non_negative(p - _ONE) and _non_negative(q - _ONE), "second moments must not decrease")
    same_assumptions(claim, second)
    same_assumptions(claim, fourth)


def middle_layer_bounds(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """q_k - q_{k-1} lies between (F - 1) q_{k-1} for F the min and the max; so does q_{k-1} itself."""
    middle, bound = premises
    claim = conclusion_of(step, "variance_bound")
    _require_middle(middle)
    require(bound["judgement"] == "bound" and bound["order"] == 2, "the premise must bound E M_d^2")
    require(bound["relation"] == claim["relation"], "the relations differ")
    require(bound["factors"] == claim["factors"], "the factors differ")
    ((_, texts),) = claim["factors"].items()
    require(all(_non_negative(Polynomial.of(text) - _ONE) for text in texts), "a factor is below 1")
    _same_second_order(middle, bound)
    same_assumptions(claim, bound)


def quarter(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Weights (k-1)(d-k+1) <= d^2/4, non-negative steps, and E M_d = M_0 with E M_1^2 >= M_0^2."""
    middle, lower = premises
    claim = conclusion_of(step, "quarter_bound")
    _require_middle(middle)
    require(lower["judgement"] == "bound" and lower["order"] == 2, "the premise must bound E M_d^2")
    require(lower["relation"] == ">=", "the premise must bound from below")
    ((_, texts),) = lower["factors"].items()
    require(all(_non_negative(Polynomial.of(text) - _ONE) for text in texts), "a factor is below 1")
    weight = _ONE
    for factor in middle["weight"]:
        weight = weight * Polynomial.of(factor)
    gap = Polynomial.of("d^2") - weight * 4
    require(gap == Polynomial.of(claim["square"]) ** 2, "d^2 - 4 weight is not that square")
    _same_second_order(middle, lower)
    same_assumptions(claim, lower)


RULES = (bias_induction, exponentiate, single_file, universal_growth, middle_layer_bounds, quarter)


def _non_negative(polynomial: Polynomial) -> bool:
    """Non-negative on the ranges of the symbols, seen from its coefficients after m4 = 1 + t."""
    shifted = polynomial.substitute("m4", Polynomial.of("1 + t"))
    known = shifted.variables() <= {"u", "t", "b2", "b4"}
    return known and all(coefficient >= 0 for coefficient in shifted.terms.values())


def _ratios(found: Mapping[tuple[int, ...], Polynomial], order: int) -> dict[tuple[int, ...], Polynomial]:
    length = length_coefficients(order)
    require(set(found) <= set(length), "the premise has terms that M^k has not")
    return {p: found.get(p, Polynomial({})) * Fraction(1, c) for p, c in length.items()}


def _pair(layer: Judgement) -> tuple[Polynomial, Polynomial]:
    """The coefficients of A_11 and A_2, the only ones."""
    found = nonzero_coefficients(layer)
    require(set(found) == {(1, 1), (2,)}, "the layer must have exactly the terms of order 2")
    return found[1, 1], found[2,]


def _require_middle(middle: Judgement) -> None:
    require(middle["judgement"] == "middle_layers", "the first premise must be about E EmpVar")
    require(sorted(middle["weight"]) == ["d - k + 1", "k - 1"], "weights that are seen to be >= 0")


def _same_second_order(first: Judgement, second: Judgement) -> None:
    """The same layers, of which the first premise may assume moments of lower order only."""
    for key in ("weights", "biases", "halves"):
        short = first["given"][key]
        require(second["given"][key][: len(short)] == short, "the premises speak of other layers")
    require(first["given"]["gain"] == second["given"]["gain"], "the premises speak of other gains")
