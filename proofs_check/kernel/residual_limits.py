"""Residual nets of growing depth: which scales keep the moments bounded (THEORY.md section 5).

Judgements `limit` about E M_L as L grows, for one sequence of blocks unless they name the scales, and a
non-zero input x_0. A step with the rule `cite_residual` names a theorem of the table, as in `theorem`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs_check.kernel.bent_rules import square_of
from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.theorem import Given, Test, Theorem, cited

__all__ = ["RESIDUAL_ASSUMPTIONS", "RESIDUAL_THEOREMS", "RULES"]

RESIDUAL_ASSUMPTIONS: Mapping[str, str] = {
    "bounded_kurtosis": "the kurtoses of the blocks' weights have a finite upper bound",
    "bounded_modules": "sup_l sum_i 1/m_{l,i} < infinity over the hidden layers i of block l",
    "normal_weights": "all weights are normal",
    "summable_scales": "sum_l eta_l < infinity",
}

_BOUNDED = "sup_L E M_L < infinity"
LINEAR = f"linear branch outputs: {_BOUNDED} if and only if sum_l eta_l^2 < infinity"
SQUARES = "linear branch outputs: sup_L E M_L^2 < infinity if and only if sum_l eta_l^2 < infinity"
_TERMS = "sum_l (c_l eta_l + eta_l^2) < infinity"
ENOUGH = f"ReLU branch outputs: {_TERMS} implies {_BOUNDED}"
WEIGHTED = f"ReLU branch outputs: {_BOUNDED} implies sum_l c_l eta_l E sqrt(M_{{l-1}}) < infinity"
FLOOR = "ReLU branch outputs: inf over l >= k of E sqrt(M_l) > 0, k the first block with eta_k > 0"
CROSS = f"ReLU branch outputs: {_BOUNDED} implies sum_l c_l eta_l < infinity"
NEEDED = f"ReLU branch outputs: {_BOUNDED} implies {_TERMS}"
RELU = f"ReLU branch outputs: {_BOUNDED} if and only if {_TERMS}"


def _says(text: str) -> Test:
    """A limit already reached."""
    return lambda given, premise: bool(
        premise["judgement"] == "limit" and premise["given"] == given and premise["says"] == text
    )


def _mean_product(given: Given, premise: Judgement) -> bool:
    """E M_L = M_0 prod (1 + eta_l^2)."""
    fits = premise["judgement"] == "block_product" and premise["given"] == given
    return bool(fits and premise["order"] == 1 and _same(premise["factor"], "1 + e^2"))


def _square_bound(given: Given, premise: Judgement) -> bool:
    """E M_L^2 <= M_0^2 prod (1 + terms in eta_l^2 s p), p = prod max(1 + terms in 1/m_{l,i}).

    With bounded kurtoses s is bounded, with bounded modules p <= exp(const sum_i 1/m_{l,i}) too, and with
    sum eta_l^2 the sums of higher powers of eta_l converge.
    """
    fits = premise["judgement"] == "block_bound" and premise["given"] == given
    if not (fits and premise["relation"] == "<="):
        return False
    excess = Polynomial.of(premise["factor"]) - Polynomial.of(1)
    branch = [Polynomial.of(text) - Polynomial.of(1) for text in premise["branches"]["max"]]
    in_widths = all("u" in dict(m) for growth in branch for m in growth.terms)
    known = all(growth.variables() <= {"u", "m4"} for growth in branch)
    return in_widths and known and all(dict(m).get("e", 0) >= 2 for m in excess.terms)


def _bent_block(given: Given, premise: Judgement) -> bool:
    """mean(x_l) grows by eta_l C_l(x) sqrt(M(x)) in the mean, entries never decrease."""
    fits = premise["judgement"] == "bent_block" and premise["given"] == given
    return bool(fits and _same(premise["rise"], "e"))


def _upper(given: Given, premise: Judgement) -> bool:
    """E M_L <= M_0 prod (1 + 2 c_l eta_l + eta_l^2)."""
    return _bounded_by(given, premise, "<=", "1 + 2*c*e + e^2")


def _lower(given: Given, premise: Judgement) -> bool:
    """E M_L >= M_0 prod (1 - 2 c_l eta_l + eta_l^2)."""
    return _bounded_by(given, premise, ">=", "1 - 2*c*e + e^2")


def _below_one(given: Given, premise: Judgement) -> bool:
    """sup c_l < 1."""
    fits = premise["judgement"] == "bent_constant" and premise["given"] == given
    return fits and square_of(premise, "c") < 1


def _falling(given: Given, premise: Judgement) -> bool:
    """n = 1, x_0 < 0, eta_l N_l(1) <= 1: E M_L = M_0 prod (1 - 2 c_l eta_l + eta_l^2)."""
    fits = premise["judgement"] == "bent_falling" and premise["given"] == given
    return fits and _same(premise["factor"], "1 - 2*c*e + e^2")


def _shrinking(given: Given, premise: Judgement) -> bool:
    """E sqrt(M) shrinks by 1 - r, 0 < r <= 1, in every hidden layer of one neuron."""
    return bool(premise["judgement"] == "root" and premise["given"] == given)


RESIDUAL_THEOREMS: Mapping[str, Theorem] = {
    "infinite_product": Theorem(
        "For a_l >= 0, prod (1 + a_l) < infinity if and only if sum a_l < infinity.",
        {"product": (_mean_product,)},
        LINEAR,
    ),
    "second_moments": Theorem(
        "If: prod (1 + a_l) <= exp(sum a_l). Only if: (E M_L)^2 <= E M_L^2 (Jensen).",
        {
            "product": (_square_bound, "bounded_kurtosis", "bounded_modules"),
            "means": (_says(LINEAR),),
        },
        SQUARES,
    ),
    "exponential_bound": Theorem(
        "prod (1 + a_l) <= exp(sum a_l), a_l = 2 c_l eta_l + eta_l^2.", {"bound": (_upper,)}, ENOUGH
    ),
    "telescoping_means": Theorem(
        "E mean(x_L) = mean(x_0) + sum_l c_l eta_l E sqrt(M_{l-1}), the sum having terms >= 0, and "
        "mean(x_L) <= sqrt(M_L) (Cauchy and Schwarz), E sqrt(M_L) <= sqrt(E M_L) (Jensen).",
        {"steps": (_bent_block,), "constant": ("normal_weights",)},
        WEIGHTED,
    ),
    "positive_entry": Theorem(
        "If eta_k > 0 then x_{k,1} > 0 with positive probability: the last hidden layer is not 0 with "
        "positive probability, as x_{k-1} = x_0 != 0, and then N_k(x)_1, the positive part of a normal "
        "variable, exceeds every bound. No entry decreases: sqrt(M_l) >= max(x_{k,1}, 0)/sqrt(n) for l >= k.",
        {"steps": (_bent_block,), "unbounded": ("normal_weights",)},
        FLOOR,
    ),
    "bounded_below": Theorem(
        "sum_l c_l eta_l E sqrt(M_{l-1}) >= floor * sum_{l > k} c_l eta_l, and sum_{l <= k} is finite.",
        {"weighted": (_says(WEIGHTED),), "floor": (_says(FLOOR),)},
        CROSS,
    ),
    "product_of_squares": Theorem(
        "1 - 2 c eta + eta^2 = (1 + eta^2)(1 - a), a = 2 c eta/(1 + eta^2) <= min(c, 2 c eta). If "
        "sum c_l eta_l converges and sup c_l < 1 then prod (1 - a_l) > 0, so that "
        "prod (1 + eta_l^2) <= E M_L/(M_0 prod (1 - a_l)).",
        {"lower": (_lower,), "constants": (_below_one,), "cross": (_says(CROSS),)},
        NEEDED,
    ),
    "both_ways": Theorem(
        "A implies B and B implies A.", {"if": (_says(ENOUGH),), "only_if": (_says(NEEDED),)}, RELU
    ),
    "summable_linear": Theorem(
        "sum eta_l < infinity implies eta_l <= 1 from some l on, so that sum eta_l^2 < infinity.",
        {"criterion": (_says(LINEAR),), "scales": ("summable_scales",)},
        f"linear branch outputs: {_BOUNDED}",
    ),
    "summable_bent": Theorem(
        "sum eta_l < infinity implies eta_l <= 1 from some l on, so that sum eta_l^2 < infinity; c_l <= 1.",
        {"criterion": (_says(ENOUGH),), "constants": (_below_one,), "scales": ("summable_scales",)},
        f"ReLU branch outputs: {_BOUNDED}",
    ),
    "harmonic_scales": Theorem(
        "eta_l = 1/sqrt(l): eta_l -> 0, but sum eta_l^2 = sum 1/l = infinity.",
        {"criterion": (_says(LINEAR),)},
        f"linear branch outputs: eta_l = 1/sqrt(l) -> 0, but not {_BOUNDED}",
    ),
    "sign_weights": Theorem(
        "One neuron in every layer, one hidden layer, weights +-sqrt(2): N_l(1) is 2 with probability 1/4, "
        "else 0, so that c_l = 1/2, and with eta_l = 1/2 each factor 1 - 2 c_l eta_l + eta_l^2 is 3/4.",
        {"falling": (_falling,)},
        "ReLU branch outputs: sign weights, one neuron in every layer, x_0 < 0 and eta_l = 1/2 give "
        "E M_L = (3/4)^L M_0, though sum_l eta_l = infinity",
    ),
    "vanishing_constants": Theorem(
        "Given the last hidden layer h, E N_l = E|z|/2 <= sqrt(M(h)/2) (Cauchy and Schwarz), so that c_l <= "
        "(1 - r)^{2l-1}: sum c_l/l and sum 1/l^2 converge although sum 1/l = infinity.",
        {"criterion": (_says(ENOUGH),), "shrinking": (_shrinking,)},
        "ReLU branch outputs: with eta_l = 1/l and 2l - 1 hidden layers of one neuron in module l "
        f"sum_l eta_l = infinity, yet {_BOUNDED}",
    ),
}


def cite_residual(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A theorem on residual nets, each hypothesis discharged by what it needs, in that order."""
    cited(step, premises, RESIDUAL_THEOREMS, RESIDUAL_ASSUMPTIONS)


RULES = (cite_residual,)


def _bounded_by(given: Given, premise: Judgement, relation: str, factor: str) -> bool:
    fits = premise["judgement"] == "bent_bound" and premise["given"] == given
    own = fits and premise["constant"] == "c" and premise["relation"] == relation
    return bool(own and _same(premise["factor"], factor))


def _same(text: str, other: str) -> bool:
    return Polynomial.of(text) == Polynomial.of(other)
