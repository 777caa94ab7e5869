"""Refutation: an exact witness from the search, replayed by routes that share no formula."""

from __future__ import annotations

from proofs_check import oracle
from proofs_check.claim import Claim
from proofs_check.language.evaluate import MomentSource, evaluate
from proofs_check.language.orders import order_of
from proofs_check.members import small_members
from proofs_check.residual_moments import BlockClosedFormMoments
from proofs_check.routes import counted, pinpointed, second_route
from proofs_check.search import describe, effort, find_witness
from proofs_check.stand_in import stand_in_network
from proofs_check.verdict import Evidence, Outcome
from theory.network import FullyConnected
from theory.spec import Network
from theory.values import as_value

__all__ = ["pinned", "replay", "witness", "witnessed"]

_WIDEST = 32


def witness(claim: Claim) -> list[Evidence]:
    """Find a member on which the statement fails; the true mutant statement must find none."""
    found = find_witness(claim.parsed, claim.family, source=pinpointed)
    more = effort()
    planted = find_witness(claim.parsed_mutant, claim.family, examples=60 * more, corners=60 * more)
    outcome = Outcome.REJECTED if planted.witness is None else Outcome.ACCEPTED
    mutant = Evidence("witness", outcome, f"no witness against {claim.mutant.statement}", {}, is_mutant=True)
    if found.witness is None:
        return [Evidence("witness", Outcome.FAILED, f"none in {found.cases} cases"), mutant]
    figures = {
        "witness": found.witness.network.to_dict(),
        "sides": [as_value(side).to_dict() for side in found.witness.sides],
        "relations": list(claim.parsed.relations),
        "cases": found.cases,
    }
    sides = f" {claim.parsed.relations[0]} ".join(_shown(side) for side in found.witness.sides)
    detail = f"{describe(found.witness.network)}: not {sides}"
    return [Evidence("witness", pinned(claim, detail), detail, figures), mutant]


def pinned(claim: Claim, detail: str) -> Outcome:
    """Whether the witness is the one on record; a changed formula finds other numbers."""
    return Outcome.PASSED if claim.shows == detail else Outcome.FAILED


def witnessed(claim: Claim, detail: str, fails: bool, noticed: bool, planted: str) -> list[Evidence]:
    """A witness of its own against the claim; `noticed`: there is none where the claim holds (`planted`)."""
    mutant = Outcome.REJECTED if noticed else Outcome.ACCEPTED
    return [
        Evidence("witness", pinned(claim, detail) if fails else Outcome.FAILED, detail),
        Evidence("witness", mutant, planted, {}, is_mutant=True),
    ]


def replay(claim: Claim) -> list[Evidence]:
    """The witness fails by its second route too, and some enumerated member fails by counting."""
    found = find_witness(claim.parsed, claim.family, source=pinpointed).witness
    if found is None:
        return [Evidence("replay", Outcome.FAILED, "no witness to replay")]
    again = _fails(claim, found.network, second_route(found.network))
    order = order_of(claim.parsed)
    counted = None
    for network in [
        *_stand_ins(found.network, order),
        *small_members(claim.family, order, also_wide=True),
    ]:
        if _enumerated_failure(claim, network):
            counted = network
            break
    passed = again and counted is not None
    detail = f"{_named(found.network)} confirm; " + (
        f"enumeration: {describe(counted)}" if counted is not None else "no enumeration"
    )
    return [Evidence("replay", Outcome.PASSED if passed else Outcome.FAILED, detail)]


def _named(network: Network) -> str:
    """What the second route of a network is called."""
    if isinstance(network, FullyConnected):
        return "power sums"
    return "closed forms" if isinstance(second_route(network), BlockClosedFormMoments) else "bounds"


def _stand_ins(network: Network, order: int) -> list[FullyConnected]:
    """The witness itself with finite laws; residual members are all enumerated with finite laws anyway."""
    if not isinstance(network, FullyConnected) or max(network.widths) > _WIDEST:
        return []
    return [stand_in_network(network, order)]


def _enumerated_failure(claim: Claim, network: Network) -> bool:
    try:
        return _fails(claim, network, counted(network))
    except oracle.OracleLimitError:
        return False


def _fails(claim: Claim, network: Network, source: MomentSource) -> bool:
    return evaluate(claim.parsed, network, source).holds is False


def _shown(number: object) -> str:
    text = str(number)
    return text if len(text) <= 40 else f"{text[:37]}..."
