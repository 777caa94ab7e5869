"""Theory against simulation: one-layer conditional ratios on explicit random networks."""

from __future__ import annotations

from proofs_check.claim import Claim
from proofs_check.language.orders import order_of
from proofs_check.statistics import conditional_ratio
from proofs_check.verdict import Evidence, Outcome
from theory.network import FullyConnected

__all__ = ["ratio"]

_SAMPLES = 6_000
_SEED = 20180305
_WIDTHS = (5, 6, 8, 7)


def ratio(claim: Claim) -> list[Evidence]:
    """E[M_j^k | a_{j-1}] agrees with simulation for every representative law of the family."""
    k = 2 if claim.statement is None else order_of(claim.parsed)
    evidence, family = [], claim.fully_connected_family
    for law in family.representatives():
        network = FullyConnected(
            _WIDTHS,
            weights=law,
            bias_weights="laplace",
            bias_variance="1/2" if family.has_bias else 0,
            input=[1, -2, "1/2", 0, 3],
        )
        result = conditional_ratio(network, k, _SAMPLES, _SEED)
        detail = (
            f"{law.name}: p = {result.p_value:.3g} over {result.terms} layers; "
            f"would detect {100 * result.detectable_effect:.1f} % with power 0.9"
        )
        outcome = Outcome.PASSED if result.agrees else Outcome.FAILED
        evidence.append(Evidence("simulation", outcome, detail, {"order": k, **result.to_dict()}))
        factor = 1 + 1.5 * result.detectable_effect
        planted = conditional_ratio(network, k, _SAMPLES, _SEED, believed_factor=factor)
        evidence.append(
            Evidence(
                "simulation",
                Outcome.ACCEPTED if planted.agrees else Outcome.REJECTED,
                f"{law.name}: expectation multiplied by {factor:.3f}",
                {"p_value": planted.p_value},
                is_mutant=True,
            )
        )
    return evidence
