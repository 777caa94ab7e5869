"""The figures that `predict` prints agree with what a claim says they are."""

from __future__ import annotations

from collections.abc import Callable

from flint import fmpq

from proofs_check.claim import Claim
from proofs_check.family import FullyConnectedFamily
from proofs_check.language.evaluate import evaluate
from proofs_check.language.tree import Statement
from proofs_check.moment_sources import PowerSumMoments
from proofs_check.verdict import Evidence, Outcome
from theory.bounds import second_moment_bounds
from theory.empirical_variance import middle_layer_sum
from theory.network import FullyConnected
from theory.prediction import predict
from theory.reals import Number
from theory.values import Exact

__all__ = ["bounds", "middle_layers"]

_CASES = 40


def bounds(claim: Claim) -> list[Evidence]:
    """Theorem 5's product bound, as printed by `predict`, is the statement's right side."""
    upper = claim.parsed.relations == ("<=",)

    def printed(network: FullyConnected) -> Number:
        found = second_moment_bounds(network)
        assert found is not None
        bound = found.upper if upper else found.lower
        assert isinstance(bound, Exact)
        return bound.number

    return _compare(claim, "printed bound", printed)


def middle_layers(claim: Claim) -> list[Evidence]:
    """E EmpVar as printed by `predict`, and the sum over middle layers, are the right side."""

    def printed(network: FullyConnected) -> Number:
        prediction = predict(network, exact=True)
        assert isinstance(prediction.empirical_variance, Exact)
        return prediction.empirical_variance.number

    def summed(network: FullyConnected) -> Number:
        source = PowerSumMoments(network)
        seconds = [source.moment(j, 2) for j in range(1, network.depth + 1)]
        return middle_layer_sum([q for q in seconds if isinstance(q, fmpq)])

    return [
        *_compare(claim, "printed variance", printed),
        *_compare(claim, "middle-layer sum", summed),
    ]


def _compare(claim: Claim, kind: str, figure: Callable[[FullyConnected], Number]) -> list[Evidence]:
    good, cases = _agree(claim.parsed, claim.fully_connected_family, figure)
    planted, _ = _agree(claim.parsed_mutant, claim.fully_connected_family, figure)
    return [
        Evidence(kind, Outcome.PASSED if good else Outcome.FAILED, f"equal on {cases} networks"),
        Evidence(
            kind,
            Outcome.ACCEPTED if planted else Outcome.REJECTED,
            f"{claim.mutant.statement}",
            {},
            is_mutant=True,
        ),
    ]


def _agree(
    statement: Statement, family: FullyConnectedFamily, figure: Callable[[FullyConnected], Number]
) -> tuple[bool, int]:
    cases = 0
    for network in family.corners():
        if network.depth < 2 or max(network.widths) > 100:
            continue
        right = evaluate(statement, network, PowerSumMoments(network)).sides[1]
        if right != figure(network):
            return False, cases
        cases += 1
        if cases == _CASES:
            break
    return cases > 0, cases
