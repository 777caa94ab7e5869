"""Almost-sure limits: textbook theorems, cited by name, every hypothesis discharged one by one.

limit          under the named assumptions (and the judgement's "given") what "says" states.

A step with the rule `cite` names a theorem of the table; `theorem` checks its discharges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.layer_facts import LAYER_FACTS, but_for_biases, is_layer, is_relu
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require
from proofs_check.kernel.theorem import Given, Theorem, cited

__all__ = ["ASSUMPTIONS", "RULES", "THEOREMS", "Theorem"]

ASSUMPTIONS: Mapping[str, str] = {
    "atomless_weights": "the law of a weight has no atoms",
    "bounded_bias_variances": "sup_j nu_2^(j) < infinity",
    "bounded_kurtosis": "the kurtoses of the layers' weights have a finite upper bound",
    "divergent_biases": "sum_j nu_2^(j) = infinity",
    "divergent_widths": "sum_j 1/n_j = infinity",
    "nested_net": "one infinite net: a_j is made from a_{j-1} by weights and biases independent of the past",
    "normal_biases": "all biases are normal",
    "normal_weights": "all weights are normal",
    "summable_biases": "sum_j nu_2^(j) < infinity",
    "summable_widths": "sum_j 1/n_j < infinity",
    "unbounded_bias_variances": "sup_j nu_2^(j) = infinity",
}
# Of each pair one holds, whatever the net.
_COMPLEMENTS = (("bounded_bias_variances", "unbounded_bias_variances"),)

CONVERGES = "M_d converges almost surely to a finite limit"
FEW_BIASES = "almost surely only finitely many layers have a non-zero bias"
UNBOUNDED = "limsup M_d = infinity almost surely"


def _mean(given: Given, premise: Judgement) -> bool:
    """E M_d = M_0 + sum c b2, c >= 0: finite, and bounded if sum b2 is."""
    if premise["judgement"] != "sum" or premise["given"] != given:
        return False
    terms = Polynomial.of(premise["term"]).terms
    return set(terms) <= {(("b2", 1),)} and all(c > 0 for c in terms.values())


def _growing(given: Given, premise: Judgement) -> bool:
    """E[M_j | a_{j-1}] = M_{j-1} + b2/2, so M_j less half the sum of b2 is a martingale."""
    return bool(premise["given"] == given) and is_layer(premise, {"": "1/2*b2", "1": "1"})


def _submartingale(given: Given, premise: Judgement) -> bool:
    """E[M_j | a_{j-1}] = M_{j-1} + c, where c has non-negative coefficients in b2 >= 0."""
    if premise["given"] != given or premise["judgement"] != "layer":
        return False
    constant = Polynomial.of(premise["coefficients"].get("", "0"))
    grows = constant.variables() <= {"b2"} and all(c > 0 for c in constant.terms.values())
    rest = {p: text for p, text in premise["coefficients"].items() if p != ""}
    return grows and is_layer({**premise, "coefficients": rest}, {"1": "1"})


def _martingale(given: Given, premise: Judgement) -> bool:
    """E[M_j | a_{j-1}] = M_{j-1}."""
    return bool(premise["given"] == given) and is_layer(premise, {"1": "1"})


def _martingale_without_biases(given: Given, premise: Judgement) -> bool:
    """The same net, its biases taken away, has martingale lengths."""
    return but_for_biases(given, premise["given"]) and is_layer(premise, {"1": "1"})


def _contracting(given: Given, premise: Judgement) -> bool:
    """E[sqrt M_j | a_{j-1}] <= (1 - c/n_j) sqrt M_{j-1}, 0 < c <= 1: the rule that concludes it says so."""
    return bool(premise["judgement"] == "root" and premise["given"] == given)


def _bounded_square(given: Given, premise: Judgement) -> bool:
    """E M_d^2 <= M_0^2 prod max(factors), each factor 1 plus multiples of u in u and the kurtosis."""
    fits = premise["judgement"] == "bound" and premise["given"] == given
    if not (fits and premise["order"] == 2 and premise["relation"] == "<="):
        return False
    excess = [Polynomial.of(text) - Polynomial.of(1) for text in premise["factors"]["max"]]
    small = all("u" in dict(m) for polynomial in excess for m in polynomial.terms)
    return small and all(polynomial.variables() <= {"u", "m4"} for polynomial in excess)


def _rare(given: Given, premise: Judgement) -> bool:
    """P(some bias of layer j is not 0) <= base^j."""
    return bool(premise["judgement"] == "rare_biases" and premise["given"] == given)


def _few_biases(given: Given, premise: Judgement) -> bool:
    """Only finitely many layers have a non-zero bias."""
    said = premise["judgement"] == "limit" and premise["says"] == FEW_BIASES
    return bool(said and premise["given"] == given)


def _overshoot(given: Given, premise: Judgement) -> bool:
    """E[X | X > t] <= t + excess for the factor X of M_j = X_j (M_{j-1} + b2/2)."""
    return bool(premise["judgement"] == "overshoot" and premise["given"] == given and is_relu(given))


def _likely(given: Given, premise: Judgement) -> bool:
    """P(X_j >= threshold) >= chance > 0 in every layer, threshold > 0."""
    return bool(premise["judgement"] == "likely" and premise["given"] == given)


THEOREMS: Mapping[str, Theorem] = {
    "doob": Theorem(
        "An adapted integrable submartingale with sup E M_j^+ < infinity converges almost surely to a "
        "finite limit (Doob's forward convergence theorem).",
        {
            "adapted": ("nested_net",),
            "integrable": (_mean,),
            "submartingale": (_submartingale,),
            "bounded_mean": (_mean, "summable_biases"),
        },
        CONVERGES,
    ),
    "fatou_supermartingale": Theorem(
        "A non-negative supermartingale converges almost surely (Doob), and the limit's mean is at most "
        "liminf E (Fatou); prod (1 - c/n_j) <= exp(-c sum 1/n_j).",
        {
            "adapted": ("nested_net",),
            "supermartingale": (_contracting,),
            "vanishing_mean": (_contracting, "divergent_widths"),
        },
        "M_d -> 0 almost surely",
    ),
    "l2_martingale": Theorem(
        "An adapted martingale bounded in L^2 converges almost surely and in L^2 (Doob), so its limit has "
        "its mean; prod (1 + x_j) <= exp(sum x_j).",
        {
            "adapted": ("nested_net",),
            "martingale": (_martingale,),
            "bounded_square": (_bounded_square, "bounded_kurtosis", "summable_widths"),
        },
        "M_d converges almost surely and in L^2, and the limit has mean M_0",
    ),
    "borel_cantelli_1": Theorem(
        "If sum P(A_j) < infinity, almost surely only finitely many A_j occur (Borel and Cantelli); "
        "A_j: layer j has a non-zero bias.",
        {"summable_chances": (_rare,)},
        FEW_BIASES,
    ),
    "martingale_from_some_layer_on": Theorem(
        "For each N the net without the biases of the layers after N has lengths that form a non-negative "
        "martingale from layer N on, which converges almost surely (Doob). M_j equals it on the event that "
        "these biases are 0; almost surely one of these countably many events occurs.",
        {
            "adapted": ("nested_net",),
            "few_biases": (_few_biases,),
            "martingale": (_martingale_without_biases,),
        },
        CONVERGES,
    ),
    "optional_stopping": Theorem(
        "Stop the martingale M_j - sum_{k<=j} beta_k, beta_k = nu_2^(k)/2, at min(d, T), T the first j with "
        "M_j > K > M_0: sum_{k<=d} beta_k P(T >= k) = E M_min(d,T) - M_0 (Doob's optional stopping). As "
        "M_T = X_T (M_{T-1} + beta_T), X_T independent of the past, the mean is at most K + excess "
        "(K + sup beta). So sum beta = infinity forces T < infinity almost surely, for every K.",
        {
            "adapted": ("nested_net",),
            "factors": ("normal_weights", "normal_biases"),
            "increments": (_growing,),
            "overshoot": (_overshoot,),
            "bounded_steps": ("bounded_bias_variances",),
            "divergence": ("divergent_biases",),
        },
        UNBOUNDED,
    ),
    "borel_cantelli_2": Theorem(
        "Of independent events with divergent sum of chances infinitely many occur almost surely (Borel and "
        "Cantelli); X_j >= threshold along layers with beta_j -> infinity, where M_j >= beta_j X_j.",
        {
            "independent": ("nested_net",),
            "factors": ("normal_weights", "normal_biases"),
            "chances": (_likely,),
            "growing_biases": ("unbounded_bias_variances",),
        },
        UNBOUNDED,
    ),
}


def cite(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A theorem of the table, each hypothesis discharged by what it needs, in that order."""
    cited(step, premises, THEOREMS, ASSUMPTIONS)


def either(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """The same conclusion under an assumption and under its complement: it needs neither."""
    first, second = premises
    claim = step["concludes"]
    require({p["judgement"] for p in (claim, *premises)} == {"limit"}, "this rule is about limits")
    same = all((p["says"], p["given"]) == (claim["says"], claim["given"]) for p in premises)
    require(same, "the two cases must say the same as the conclusion")
    pairs = [(a, b) for a, b in _COMPLEMENTS if a in first["assumes"] and b in second["assumes"]]
    require(len(pairs) == 1, "the two cases are not complementary")
    ((one, other),) = pairs
    left = (set(first["assumes"]) - {one}) | (set(second["assumes"]) - {other})
    require(claim["assumes"] == sorted(left), f"assumes exactly: {', '.join(sorted(left))}")


RULES = (*LAYER_FACTS, cite, either)
