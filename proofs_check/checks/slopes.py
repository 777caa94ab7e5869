"""General slopes: the judged bound, with tau for c2, against recursion and the printed bounds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from flint import fmpq

from proofs_check.checks.polynomials import value_at
from proofs_check.claim import Claim
from proofs_check.kernel.judgement import Judgement
from proofs_check.verdict import Evidence, Outcome
from theory.activations import Activation
from theory.bounds import second_moment_bounds
from theory.network import FullyConnected, Layer
from theory.power_sums import length_moments
from theory.values import Exact

__all__ = ["slopes"]

_ACTIVATIONS = ("relu", "leaky_relu:1/10", "abs", "linear", "slopes:2:-1/3")
_WIDTHS = ((1, 1, 1), (2, 3, 4), (5, 1, 2), (6, 6, 6, 6), (10, 40, 30, 20))


def slopes(claim: Claim) -> list[Evidence]:
    """E M_d^2 respects the judged bound, which is the one that `predict` prints."""
    (judgement,) = claim.judgements
    networks = [
        FullyConnected(widths, weights=law, activation=phi)
        for widths, law, phi in product(_WIDTHS, claim.family.representatives(), _ACTIVATIONS)
    ]
    broken = _replaced(judgement, claim)
    good = Outcome.PASSED if _holds(judgement, networks) else Outcome.FAILED
    planted = Outcome.ACCEPTED if _holds(broken, networks) else Outcome.REJECTED
    changed = f"{claim.mutant.replace} changed to {claim.mutant.by}"
    return [
        Evidence("slopes", good, f"bound respected and printed on {len(networks)} networks"),
        Evidence("slopes", planted, changed, {}, is_mutant=True),
    ]


def _replaced(judgement: Judgement, claim: Claim) -> Judgement:
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    factors = {k: [text.replace(old, new) for text in texts] for k, texts in judgement["factors"].items()}
    return {**judgement, "factors": factors}


def _holds(judgement: Judgement, networks: Sequence[FullyConnected]) -> bool:
    upper = judgement["relation"] == "<="
    for network in networks:
        *_, (_, second) = length_moments(network, 2)
        bound = fmpq(1)
        for layer in network.layers:
            values = [_at(text, layer) for text in next(iter(judgement["factors"].values()))]
            bound *= max(values) if upper else min(values)
        printed = second_moment_bounds(network)
        assert printed is not None
        shown = printed.upper if upper else printed.lower
        if not (second <= bound if upper else second >= bound) or shown != Exact(bound):
            return False
    return True


def _at(text: str, layer: Layer) -> fmpq:
    kurtosis = layer.weights.kurtosis
    assert isinstance(kurtosis, fmpq)
    given = {"u": fmpq(1, layer.width), "m4": kurtosis, "c2": _tau(layer.activation)}
    value = value_at(text, given)
    assert isinstance(value, fmpq)
    return value


def _tau(phi: Activation) -> fmpq:
    """g^2 (s_+^4 + s_-^4)/2 at the critical gain g."""
    fourth = sum((slope**4 for slope in phi.slopes), fmpq(0)) / 2
    return phi.critical_variance_gain**2 * fourth
