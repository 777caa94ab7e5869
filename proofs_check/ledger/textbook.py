"""The textbook facts that proofs rest on without proving them, each with its source and its hypotheses.

Which facts a claim cites follows from the rules and theorems that its proof uses, so that none can be
left out: every rule of the kernel stands in `_OF_RULE` or in `SELF_CONTAINED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofs_check.claim import Claim
from proofs_check.prover import stored_proof

__all__ = ["FACTS", "SELF_CONTAINED", "Fact", "cited_by", "facts_of"]


@dataclass(frozen=True)
class Fact:
    """A theorem, where it stands, and what discharges its hypotheses here."""

    name: str
    source: str
    discharged: str

    def to_dict(self) -> dict[str, str]:
        """JSON form."""
        return {"name": self.name, "source": self.source, "discharged": self.discharged}


_WILLIAMS = "Williams, Probability with Martingales (1991), chapter"
_INEQUALITIES = "Hardy, Littlewood and Polya, Inequalities (1934), chapter"
_STEPS = "the step lists each hypothesis with the earlier steps and assumptions that give it"

FACTS: Mapping[str, Fact] = {
    "doob": Fact("Doob's forward convergence theorem", f"{_WILLIAMS} 11", _STEPS),
    "l2_martingales": Fact("convergence of martingales bounded in L^2", f"{_WILLIAMS} 12", _STEPS),
    "stopping": Fact("Doob's optional stopping theorem", f"{_WILLIAMS} 10", _STEPS),
    "fatou": Fact("Fatou's lemma", f"{_WILLIAMS} 5", "lengths are non-negative"),
    "borel_cantelli_1": Fact("first lemma of Borel and Cantelli", f"{_WILLIAMS} 2", _STEPS),
    "borel_cantelli_2": Fact("second lemma of Borel and Cantelli", f"{_WILLIAMS} 4", _STEPS),
    "fubini": Fact("Fubini's theorem", f"{_WILLIAMS} 8", "probabilities, of independent variables"),
    "jensen": Fact("Jensen's inequality", f"{_WILLIAMS} 6", "a square or a square root; finite means"),
    "schwarz": Fact("the inequality of Cauchy and Schwarz", f"{_WILLIAMS} 6", "finite second moments"),
    "minkowski": Fact("Minkowski's inequality", f"{_INEQUALITIES} 6", "an exponent 2k >= 1"),
    "bernoulli": Fact("Bernoulli's inequality", f"{_INEQUALITIES} 2", "checked: rates r >= 0, 0 < u <= 1"),
    "chebyshev": Fact(
        "Chebyshev's inequality for monotone functions", f"{_INEQUALITIES} 2", "checked: b >= 0"
    ),
    "products": Fact(
        "an infinite product of 1 + a, a >= 0, converges if and only if the sum of a does",
        "Rudin, Real and Complex Analysis (1987), chapter 15",
        "checked: the factor is 1 + eta^2",
    ),
    "midpoint": Fact(
        "the error of the midpoint rule is at most max |f''|/(24 d^2)",
        "Davis and Rabinowitz, Methods of Numerical Integration (1984), chapter 2",
        "checked: the second derivative, as a polynomial times e^(bx)",
    ),
    "ageing": Fact(
        "a mean residual life is at most the mean where the hazard rate increases",
        "Barlow and Proschan, Statistical Theory of Reliability (1975), chapter 4",
        "gamma laws of shape b/2 >= 1 have log-concave densities; shape 1/2 is argued by itself",
    ),
    "paley_zygmund": Fact(
        "the inequality of Paley and Zygmund",
        "Paley and Zygmund, Proc. Cambridge Phil. Soc. 28 (1932)",
        "checked: X >= 0, E X = 1, E X^2, threshold in (0, 1)",
    ),
    "harris": Fact(
        "increasing functions of independent variables are positively correlated",
        "Harris, Proc. Cambridge Phil. Soc. 56 (1960)",
        "one sign in every channel (an assumption of the claim)",
    ),
    "price": Fact(
        "Price's theorem",
        "Price, IRE Trans. Inform. Theory 4 (1958)",
        "normal weights (an assumption); piecewise quadratic functions",
    ),
    "sheppard": Fact(
        "E sgn z sgn z' = (2/pi) asin r for normal z, z'",
        "Sheppard, Phil. Trans. R. Soc. A 192 (1899)",
        "normal weights (an assumption)",
    ),
    "rotation": Fact(
        "a standard normal vector is rotation invariant; its length and direction are independent",
        "Muirhead, Aspects of Multivariate Statistical Theory (1982), chapter 1",
        "checked: moments of normal weights, no bias",
    ),
}

# Of rules, and of the theorems that the rules `cite` and `cite_residual` name.
_OF_RULE: Mapping[str, tuple[str, ...]] = {
    "exponentiate": ("bernoulli",),
    "midpoint_rule": ("midpoint", "chebyshev"),
    "mask_root": ("schwarz", "jensen"),
    "gamma_overshoot": ("ageing",),
    "paley_zygmund": ("paley_zygmund",),
    "bound_from_above": ("schwarz",),
    "bound_from_below": ("harris", "jensen"),
    "price": ("price", "sheppard"),
    "polar": ("rotation",),
    "half_root": ("schwarz", "jensen"),
    "bent_bound": ("schwarz",),
    "rising_mean": ("jensen",),
    "norm_sum": ("minkowski",),
    "rotation": ("rotation",),
    "mixing": ("fubini",),
    "fair_signs": ("fubini",),
    "dying": ("fubini",),
    "doob": ("doob",),
    "fatou_supermartingale": ("doob", "fatou"),
    "l2_martingale": ("l2_martingales",),
    "borel_cantelli_1": ("borel_cantelli_1",),
    "martingale_from_some_layer_on": ("doob",),
    "optional_stopping": ("stopping",),
    "borel_cantelli_2": ("borel_cantelli_2",),
    "infinite_product": ("products",),
    "second_moments": ("jensen",),
    "telescoping_means": ("schwarz", "jensen"),
    "vanishing_constants": ("schwarz",),
}

SELF_CONTAINED = frozenset(
    [
        "width_identity",
        "telescope",
        "iterate",
        "coefficient_bound",
        "commute",
        "martingale_variance",
        "attained",
        "bias_induction",
        "single_file",
        "universal_growth",
        "middle_layer_bounds",
        "quarter",
        "rare_biases",
        "exchange_sum",
        "exchange_product",
        "cite",
        "either",
        "channel_identity",
        "pair_identity",
        "window_means",
        "around_the_circle",
        "summed_weights",
        "twin_product",
        "orthogonal_growth",
        "below_normal",
        "above_one",
        "block_identity",
        "block_product",
        "block_bound",
        "block_growth",
        "bent_identity",
        "single_neuron",
        "falling_neuron",
        "cite_residual",
        "jacobian_signs",
        "jacobian_moments",
        "reversal",
        "delta_moments",
        "weight_moments",
        "balanced",
        "spreading",
        "linearity",
        "exponential_bound",
        "positive_entry",
        "bounded_below",
        "product_of_squares",
        "both_ways",
        "summable_linear",
        "summable_bent",
        "harmonic_scales",
        "sign_weights",
    ]
)


def cited_by(rule: str) -> tuple[Fact, ...]:
    """The facts that a rule, or a theorem of its table, rests on.

    >>> [fact.name for fact in cited_by("norm_sum")]
    ["Minkowski's inequality"]
    """
    return tuple(FACTS[name] for name in _OF_RULE.get(rule, ()))


def facts_of(claim: Claim) -> list[Fact]:
    """What the claim's proof cites, each fact once, in the order of its steps."""
    if claim.proof is None:
        return []
    steps = stored_proof(claim.proof)["steps"]
    used = [step.get("theorem", step["rule"]) for step in steps]
    return list(dict.fromkeys(fact for rule in used for fact in cited_by(rule)))
