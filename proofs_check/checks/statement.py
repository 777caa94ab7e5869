"""Evaluate a claim's statement on many networks, by routes that share no formula.

Each check passes when no member tried violates the statement, and notices the mutant statement.
"""

from __future__ import annotations

from collections.abc import Callable

from proofs_check import oracle, routes
from proofs_check.claim import Claim
from proofs_check.family import ResidualFamily
from proofs_check.language.evaluate import MomentSource, evaluate
from proofs_check.language.orders import order_of
from proofs_check.language.tree import Statement
from proofs_check.members import small_members
from proofs_check.routes import counted, predicted, second_route
from proofs_check.search import effort, find_witness
from proofs_check.shared_work import of_network, once
from proofs_check.verdict import Evidence, Outcome
from theory.spec import Network

__all__ = ["closed_form", "enumeration", "recursion"]

_Source = Callable[[Network], MomentSource]


def recursion(claim: Claim) -> list[Evidence]:
    """The recursion satisfies the statement, of fully connected nets the power-sum route too."""
    if isinstance(claim.family, ResidualFamily):
        name = "recursion" if claim.family.branch_output == "linear" else "bounds"
        return _sweep(claim, name, predicted, examples=40)
    return [
        *_sweep(claim, "recursion", predicted, examples=60),
        *_sweep(claim, "power sums", second_route, examples=20),
    ]


def closed_form(claim: Claim) -> list[Evidence]:
    """The chi-square closed forms satisfy the statement (normal weights)."""
    return _sweep(claim, "closed form", routes.closed_form, examples=60)


def enumeration(claim: Claim) -> list[Evidence]:
    """Exhaustive enumeration of finite (stand-in) laws satisfies the statement."""
    order = order_of(claim.parsed)
    family = claim.family
    members = once(("small", family, order), lambda: list(small_members(family, order)))
    violated, cases = _enumerate(claim.parsed, members)
    passed = violated is None and cases >= 10
    detail = f"holds on {cases} enumerated networks" if violated is None else f"fails: {violated}"
    evidence = [Evidence("enumeration", _outcome(passed), detail, {"cases": cases})]
    caught, _ = _enumerate(claim.parsed_mutant, members)
    outcome = Outcome.ACCEPTED if caught is None else Outcome.REJECTED
    return [*evidence, Evidence("enumeration", outcome, f"{claim.mutant.statement}", {}, is_mutant=True)]


def _sweep(claim: Claim, name: str, source: _Source, examples: int) -> list[Evidence]:
    more = effort()
    found = find_witness(
        claim.parsed, claim.family, source=source, examples=examples * more, corners=60 * more
    )
    detail = f"holds on {found.cases - found.undecided} networks" if found.witness is None else "fails"
    if found.undecided:
        detail += f", touches equality on {found.undecided} (undecided by enclosures)"
    evidence = Evidence(name, _outcome(found.witness is None), detail, {"cases": found.cases})
    planted = find_witness(claim.parsed_mutant, claim.family, source=source, examples=examples, corners=60)
    outcome = Outcome.ACCEPTED if planted.witness is None else Outcome.REJECTED
    return [evidence, Evidence(name, outcome, f"{claim.mutant.statement}", {}, is_mutant=True)]


def _enumerate(statement: Statement, members: list[Network]) -> tuple[Network | None, int]:
    cases = 0
    for network in members:
        try:
            outcome = evaluate(statement, network, of_network(counted, network))
        except oracle.OracleLimitError:
            continue
        cases += 1
        if outcome.holds is False:
            return network, cases
    return None, cases


def _outcome(passed: bool) -> Outcome:
    return Outcome.PASSED if passed else Outcome.FAILED
