"""The rules of the kernel. Each takes a step and the judgements it rests on, and accepts or raises.

Judgements (JSON objects) and what they mean, u_j = 1/n_j throughout:

layer          for all widths and every a_{j-1}: E[target of a_j | a_{j-1}] is the sum over
               partitions of coefficient(u_j) times the normalised augmented moment of a_{j-1},
               n^{-|p|} times the sum over distinct indices of prod_s a_{i_s}^{2 p_s}. Targets:
               {"length": k} for M_j^k, {"augmented": p} for the normalised augmented moment.
sum            E M_d = M_0 + sum_j term.
product        E M_d^k = M_0^k prod_j factor(u_j).
bound          E M_d^k <= (or >=) M_0^k prod_j max (or min) of factors(u_j).
permutation    E M_d^k does not depend on the order of the hidden widths n_1, ..., n_d.
middle_layers  E EmpVar = (1/d^2) sum_{k=2..d} weight(k, d) (E M_k^2 - E M_{k-1}^2), the weight
               given as a list of factors.

Every judgement names what it assumes of its layers under "given": the even moments of the
standardised weights (1, m4, m6, ... when any law will do; m4 is the kurtosis) and of the biases as
they are (b2, b4, ...; b2 is the variance nu_2), the effective gain fan_in * Var w, and the factors
c_l of the activation. Symbols may take other values in every layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.expansion import augmented, augmented_of_input, length_power
from proofs_check.kernel.judgement import (
    Judgement,
    assumed_variables,
    conclusion_of,
    layer_model,
    length_coefficients,
    nonzero_coefficients,
    read_partition,
    same_assumptions,
    shared_order,
)
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["RULES", "Rule"]

Rule = Callable[[Mapping[str, Any], Sequence[Judgement]], None]

_MAX_ORDER = 5


def width_identity(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A layer judgement holds for all widths because it holds at enough whole widths.

    n_j: multiplied out over equal and distinct indices, the left side is a polynomial in u_j of
    degree at most k - 1 (falling factorials (n)_r n^{-k}, 1 <= r <= k), so max(k - 1, degree of
    the right side) + 1 widths settle it. n_{j-1}: its powers cancel in the normalised moments,
    so one width m >= k, at which all partitions of k occur, settles all.
    """
    claim = conclusion_of(step, "layer")
    require(not premises, "this rule rests on nothing")
    model, target = layer_model(claim), claim["target"]
    coefficients = {read_partition(p): Polynomial.of(text) for p, text in claim["coefficients"].items()}
    order = target["length"] if "length" in target else sum(target["augmented"])
    require(1 <= order <= _MAX_ORDER, f"the order must be 1 to {_MAX_ORDER}")
    require(all(sum(parts) <= order for parts in coefficients), "a partition beyond the order")
    known = {"u"} | assumed_variables(claim["given"])
    for coefficient in coefficients.values():
        require(coefficient.variables() <= known, "a coefficient uses an unknown variable")
    degree = max([order - 1, *(c.degree("u") for c in coefficients.values())])
    points = {(m, n) for m, n in step["widths"]}
    require(all(order <= m <= 12 and 1 <= n <= 12 for m, n in points), "widths must be small whole numbers")
    require(len({n for _, n in points}) > degree, f"degree {degree} in u needs {degree + 1} widths")
    for m, n in sorted(points):
        left = (
            length_power(model, order, m, n)
            if "length" in target
            else augmented(model, target["augmented"], m, n)
        )
        right = Polynomial({})
        for parts, coefficient in coefficients.items():
            at_width = coefficient.substitute("u", Polynomial.of(Fraction(1, n)))
            right = right + at_width * augmented_of_input(parts, m)
        require(left == right, f"coefficients differ at n_(j-1) = {m}, n_j = {n}")


def telescope(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[M_j | a_{j-1}] = M_{j-1} + term in every layer gives E M_d = M_0 + sum of the terms."""
    (layer,) = premises
    claim = conclusion_of(step, "sum")
    require(layer["target"] == {"length": 1}, "the premise must be about M_j")
    expected = {(1,): Polynomial.of(1), (): Polynomial.of(claim["term"])}
    require(
        nonzero_coefficients(layer) == {p: c for p, c in expected.items() if c.terms}, "the step does not fit"
    )
    same_assumptions(claim, layer)


def iterate(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[M_j^k | a_{j-1}] = factor(u_j) M_{j-1}^k in every layer gives the product."""
    (layer,) = premises
    claim = conclusion_of(step, "product")
    factor = Polynomial.of(claim["factor"])
    expected = {p: factor * c for p, c in length_coefficients(shared_order(layer, claim)).items()}
    require(nonzero_coefficients(layer) == expected, "the premise is not that multiple of M^k")
    same_assumptions(claim, layer)


def coefficient_bound(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[M_j^k | a] is a weighted mean of the listed factors times M^k, so it lies between them.

    Each coefficient, relative to that of M^k, is one of the factors; augmented moments are
    non-negative. Every factor is such a coefficient, hence non-negative, so bounds multiply up.
    """
    (layer,) = premises
    claim = conclusion_of(step, "bound")
    kind = {"<=": "max", ">=": "min"}.get(claim["relation"])
    require(list(claim["factors"]) == [kind], "<= takes the max of the factors, >= the min")
    factors = [Polynomial.of(text) for text in claim["factors"][kind]]
    length = length_coefficients(shared_order(layer, claim))
    found = nonzero_coefficients(layer)
    require(set(found) <= set(length), "the premise has terms that M^k has not")
    ratios = {p: found.get(p, Polynomial({})) * Fraction(1, c) for p, c in length.items()}
    require(set(ratios.values()) == set(factors), "the factors are not the coefficients' ratios")
    same_assumptions(claim, layer)


def commute(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A product over layers of one and the same function of u_j does not depend on their order."""
    (premise,) = premises
    claim = conclusion_of(step, "permutation")
    require(premise["judgement"] == "product", "the premise must be a product")
    variables = Polynomial.of(premise["factor"]).variables()
    require(variables <= {"u"}, "a factor with symbols may differ between layers")
    require(claim["order"] == premise["order"], "the orders differ")
    same_assumptions(claim, premise)


def martingale_variance(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[M_j | a_{j-1}] = M_{j-1} gives E M_i M_j = E M_min(i,j)^2, and E EmpVar by parts.

    With q_j = E M_j^2, d^2 E EmpVar = d sum q_j - sum_{i,j} q_min(i,j) = sum_j (2j - 1 - d) q_j:
    q_j occurs as the minimum 2(d - j) + 1 times. Summation by parts gives weights W with
    W(1) = W(d + 1) = 0 and W(j) - W(j+1) = 2j - 1 - d.
    """
    (layer,) = premises
    claim = conclusion_of(step, "middle_layers")
    require(layer["target"] == {"length": 1}, "the premise must be about M_j")
    require(nonzero_coefficients(layer) == {(1,): Polynomial.of(1)}, "the lengths must form a martingale")
    weight = Polynomial.of(1)
    for factor in claim["weight"]:
        weight = weight * Polynomial.of(factor)
    require(weight.variables() <= {"k", "d"}, "the weight is a polynomial in k and d")
    at = {text: weight.substitute("k", Polynomial.of(text)) for text in ("1", "d + 1", "k + 1")}
    require(not at["1"].terms and not at["d + 1"].terms, "the weight must vanish at 1 and d + 1")
    require(weight - at["k + 1"] == Polynomial.of("2*k - 1 - d"), "the weights do not telescope")
    same_assumptions(claim, layer)


RULES = (width_identity, telescope, iterate, coefficient_bound, commute, martingale_variance)
