"""Rules about one layer that the limit theorems rest on: what is left of each proof is algebra.

Judgements, u = 1/n_j, ReLU at gain 2 (THEORY.md sections 3 and 10.9):

root                  E[sqrt(M_j) | a_{j-1}] <= factor(u_j) sqrt(M_{j-1}).
rare_biases           each bias of layer j is +-B_j with probability p_j/2 each, else 0, where
                      p_j = base^j / n_j and B_j^2 = 1/p_j: symmetric, of variance 1, and
                      P(some bias of layer j is not 0) <= n_j p_j = base^j.
overshoot             X = (2/n) chi^2_B, B ~ Binomial(n, 1/2): E[X | X > t] <= t + excess for
                      all n >= 1 and t >= 0 with P(X > t) > 0.
likely                for the same X and all n: P(X >= threshold) >= chance.
zero                  P(M_d = 0) = 1 - prod_j (1 - per_neuron^{n_j}), M_0 > 0.
equal_widths_sum      among positive (whole or real) widths of given number and total the sum of
                      term(1/n_j) is least for the most equal ones alone: moving e from a width a
                      to a width b <= a - 2e lowers it. (So it does whatever "given" says.)
equal_widths_product  the same for E M_d^k, k = order, as a function of n_1, ..., n_d.

To bound the work, a term or a factor has degree 4 in u at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["LAYER_FACTS", "but_for_biases", "is_layer", "is_relu"]

_MAX_DEGREE = 4


def mask_root(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[sqrt M_j | a] <= (1 - c u) sqrt M_{j-1}, for every symmetric law of finite variance.

    Given |z|, M_j = X = (1/n) sum B_i z_i^2 with fair independent bits B_i, and X and V - X,
    V = (1/n) sum z_i^2, are exchangeable. With X = V (1 + Y)/2 and y = Y^2 in [0, 1],
    E[sqrt X | |z|] = sqrt(V/2) E[(sqrt(1 + Y) + sqrt(1 - Y))/2 | |z|] <= sqrt(V/2) E[1 - c y | |z|]
    if (squaring twice) r(y) = 2 (1 - c y)^2 - 1 >= 0 and r^2 >= 1 - y on [0, 1]: checked here.
    E[y | |z|] = sum z_i^4/(sum z_i^2)^2 >= 1/n (Cauchy and Schwarz; V = 0 forces X = 0), and
    E sqrt(V/2) <= sqrt(E V/2) = sqrt M_{j-1} (Jensen), E V/2 = E[M_j | a] being the premise.
    """
    (layer,) = premises
    claim = conclusion_of(step, "root", layer)
    require(is_relu(claim["given"]), "the lemma is about ReLU at gain 2")
    require(is_layer(layer, {"1": "1"}), "the lengths must form a martingale")
    slope = -Polynomial.of(claim["factor"]).terms.get((("u", 1),), Fraction(0))
    require(Polynomial.of(claim["factor"]) == _linear(-slope, "u"), "the factor is written 1 - c*u")
    require(0 < slope <= 1, "c must be in (0, 1]")
    root = _linear(-slope, "y") ** 2 * 2 - Polynomial.of(1)
    gap = root**2 - _linear(Fraction(-1), "y")
    require(_non_negative(root, "y") and _non_negative(gap, "y"), "the square roots exceed 2 - 2 c y")


def rare_biases(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """0 < base < 1 makes p_j a probability; the variance p_j B_j^2 is 1; the rest is a union bound."""
    require(not premises, "this rule rests on nothing")
    claim = conclusion_of(step, "rare_biases")
    base = _number(claim["base"])
    require(0 < base < 1, "the chances must be below 1 and summable: 0 < base < 1")
    biases = [Polynomial.of(text) for text in claim["given"]["biases"]]
    require(biases == [Polynomial.of(1)], "these biases have variance 1")


def gamma_overshoot(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[X - t | X > t] <= excess, as it holds given B = b for every 1 <= b <= n.

    Given B = b, X is Gamma of shape b/2 and scale 4/n. b >= 2: the density is log-concave, so the
    hazard rate increases and the mean residual life is at most the mean 2b/n (Barlow and Proschan).
    b = 1: f(s + r)/f(s) <= e^{-r n/4}, so P(X > t + r) <= e^{-r n/4} P(X > t) and the mean residual
    life is at most 4/n. Given X > t > 0 (or X > 0) some b >= 1 occurs, and a mean of numbers is at
    most the largest. Checked: excess n - 2b >= 0 with n = b + s, and excess n - 4 >= 0, n = 1 + s.
    """
    require(not premises, "this rule rests on nothing")
    excess = Polynomial.of(_number(conclusion_of(step, "overshoot")["excess"]))
    several = excess * Polynomial.of("b + s") - Polynomial.of("2*b")
    one = excess * Polynomial.of("1 + s") - Polynomial.of("4")
    require(_positive(several) and _positive(one), "the mean residual life can be larger")


def paley_zygmund(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """P(X >= t) >= (1 - t)^2 (E X)^2 / E X^2 for 0 <= t <= 1 (Paley and Zygmund), E X = 1.

    With normal weights and no bias M_1 = X M_0, so E X = 1 and E X^2 = F(1/n) are the premises;
    checked: (1 - t)^2 - chance F(u) >= 0 on [0, 1].
    """
    mean, square = premises
    claim = conclusion_of(step, "likely")
    require(is_relu(claim["given"]), "X is about ReLU at gain 2")
    require(is_layer(mean, {"1": "1"}), "E X must be 1")
    weights = [Polynomial.of(text) for text in claim["given"]["weights"][:2]]
    require(weights == [Polynomial.of(1), Polynomial.of(3)], "X belongs to normal weights")
    require(square["judgement"] == "product" and square["order"] == 2, "E X^2 must be a product's factor")
    require(all(but_for_biases(claim["given"], p["given"]) for p in premises), "assumptions change")
    threshold, chance = _number(claim["threshold"]), _number(claim["chance"])
    require(0 < threshold < 1 and chance > 0, "the threshold is in (0, 1), the chance positive")
    spare = Polynomial.of((1 - threshold) ** 2) - Polynomial.of(square["factor"]) * chance
    require(_non_negative(spare, "u"), "the chance is larger than Paley and Zygmund give")


def dying(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """P(a_j = 0 | a_{j-1} != 0) = P(z <= 0)^{n_j}, z symmetric, and 0 stays 0 without bias.

    P(z <= 0) = (1 + P(z = 0))/2, and a law without atoms gives P(z = 0) = 0: sum w_t a_t has none.
    """
    (layer,) = premises
    claim = conclusion_of(step, "zero", layer)
    require(is_relu(claim["given"]) and is_layer(layer, {"1": "1"}), "ReLU at gain 2 without bias")
    require(claim["assumes"] == ["atomless_weights"], "needs atomless_weights and nothing else")
    require(_number(claim["per_neuron"]) == Fraction(1, 2), "the chance that z <= 0 is one half")


def exchange_sum(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """f(1/a) + f(1/b) - f(1/(a-e)) - f(1/(b+e)) > 0 for a = b + 2e + t, b, e > 0 and t >= 0."""
    require(not premises, "this rule rests on nothing")
    term = _in_widths(conclusion_of(step, "equal_widths_sum")["term"])
    over = [_numerator(term, width) for width in _WIDTHS]
    power = term.degree("u")
    gap = Polynomial({})
    for sign, own, others in ((1, 0, (1, 2, 3)), (1, 1, (0, 2, 3)), (-1, 2, (0, 1, 3)), (-1, 3, (0, 1, 2))):
        product = over[own] * sign
        for other in others:
            product = product * _WIDTHS[other] ** power
        gap = gap + product
    require(_strict(gap), "moving widths together does not lower the sum")


def exchange_product(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """F(1/a) F(1/b) - F(1/(a-e)) F(1/(b+e)) > 0 for a = b + 2e + t, b, e > 0 and t >= 0."""
    (product,) = premises
    claim = conclusion_of(step, "equal_widths_product", product)
    require(product["judgement"] == "product", "the premise must be a product")
    require(product["order"] == claim["order"], "the orders differ")
    factor = _in_widths(product["factor"])
    require(_positive(factor), "the factor must be positive")
    a, b, less, more = (_numerator(factor, width) for width in _WIDTHS)
    power = factor.degree("u")
    before, after = (_WIDTHS[0] * _WIDTHS[1]) ** power, (_WIDTHS[2] * _WIDTHS[3]) ** power
    require(_strict(a * b * after - less * more * before), "moving widths together does not lower it")


LAYER_FACTS = (
    mask_root,
    rare_biases,
    gamma_overshoot,
    paley_zygmund,
    dying,
    exchange_sum,
    exchange_product,
)

# a = b + 2e + t, b = s, a - e, b + e.
_WIDTHS = tuple(Polynomial.of(text) for text in ("s + 2*e + t", "s", "s + e + t", "s + e"))


def is_layer(judgement: Judgement, coefficients: Mapping[str, str]) -> bool:
    """Whether it says E[M_j | a_{j-1}] = sum of these coefficients and no others."""
    if judgement["judgement"] != "layer" or judgement["target"] != {"length": 1}:
        return False
    read = {p: Polynomial.of(text) for p, text in judgement["coefficients"].items()}
    expected = {p: Polynomial.of(text) for p, text in coefficients.items()}
    return {p: c for p, c in read.items() if c.terms} == expected


def is_relu(given: Mapping[str, Any]) -> bool:
    """Gain 2 and c_1 = c_2 = 1/2, which leave s_+^2 s_-^2 = 0: ReLU, up to signs that M ignores."""
    halves = [Polynomial.of(text) for text in given["halves"]]
    half = Polynomial.of("1/2")
    return Polynomial.of(given["gain"]) == Polynomial.of(2) and halves[:2] == [half, half]


def but_for_biases(given: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether `other` makes the same assumptions but has no bias."""
    silent = all(not Polynomial.of(text).terms for text in other["biases"])
    return silent and {**other, "biases": []} == {**given, "biases": []}


def conclusion_of(step: Mapping[str, Any], kind: str, premise: Judgement | None = None) -> Judgement:
    claim: Judgement = step["concludes"]
    require(claim["judgement"] == kind, f"this rule concludes a judgement of kind {kind}")
    same = premise is None or claim["given"] == premise["given"]
    require(same, "the conclusion changes the assumptions")
    return claim


def _number(text: str) -> Fraction:
    terms = Polynomial.of(text).terms
    require(set(terms) <= {()}, "a number is needed here")
    return terms.get((), Fraction(0))


def _linear(slope: Fraction, variable: str) -> Polynomial:
    return Polynomial.of(1) + Polynomial.of(variable) * slope


def _positive(polynomial: Polynomial) -> bool:
    """Non-negative coefficients, one of them positive: positive where the variables are."""
    return polynomial.terms != {} and all(c > 0 for c in polynomial.terms.values())


def _strict(gap: Polynomial) -> bool:
    """Positive for s, e > 0 and t >= 0: some term is free of t."""
    return _positive(gap) and gap.substitute("t", Polynomial({})).terms != {}


def _non_negative(polynomial: Polynomial, variable: str) -> bool:
    """At least 0 on [0, 1]: with variable = 1/(1 + t), no coefficient in t is negative."""
    require(polynomial.variables() <= {variable}, "a polynomial in one variable is needed here")
    require(polynomial.degree(variable) <= 2 * _MAX_DEGREE, "the degree is too large")
    shifted, top = Polynomial({}), polynomial.degree(variable)
    for monomial, coefficient in polynomial.terms.items():
        power = dict(monomial).get(variable, 0)
        shifted = shifted + Polynomial.of("1 + t") ** (top - power) * coefficient
    return all(c >= 0 for c in shifted.terms.values())


def _in_widths(text: str) -> Polynomial:
    polynomial = Polynomial.of(text)
    require(polynomial.variables() <= {"u"}, "a function of u alone is needed here")
    require(polynomial.degree("u") <= _MAX_DEGREE, "the degree is too large")
    return polynomial


def _numerator(function: Polynomial, width: Polynomial) -> Polynomial:
    """f(1/n) n^degree at this width."""
    top, total = function.degree("u"), Polynomial({})
    for monomial, coefficient in function.terms.items():
        total = total + width ** (top - dict(monomial).get("u", 0)) * coefficient
    return total
