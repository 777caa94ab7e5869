"""Attack an open claim: look for a member on which it fails, as widely as for a claim to be refuted."""

from __future__ import annotations

from proofs_check.claim import Claim
from proofs_check.routes import pinpointed
from proofs_check.search import describe, effort, find_witness
from proofs_check.verdict import Evidence, Outcome

__all__ = ["attack"]

_EXAMPLES, _CORNERS = 100, 200


def attack(claim: Claim) -> list[Evidence]:
    """No member tried violates the statement; the mutant, known to be false, falls to the same attack."""
    # Thoroughness draws more: later corners only repeat the first, and some take minutes to count.
    examples = _EXAMPLES * effort()
    found = find_witness(claim.parsed, claim.family, source=pinpointed, examples=examples, corners=_CORNERS)
    figures = {"cases": found.cases, "undecided": found.undecided}
    if found.witness is None:
        detail = f"no counterexample in {found.cases} networks"
        detail += f", {found.undecided} of them undecided" if found.undecided else ""
    else:
        sides = f" {claim.parsed.relations[0]} ".join(map(str, found.witness.sides))
        detail = f"a counterexample: {describe(found.witness.network)}: not {sides}"
    outcome = Outcome.PASSED if found.witness is None else Outcome.FAILED
    planted = find_witness(
        claim.parsed_mutant, claim.family, source=pinpointed, examples=_EXAMPLES, corners=_CORNERS
    )
    caught = Outcome.ACCEPTED if planted.witness is None else Outcome.REJECTED
    return [
        Evidence("attack", outcome, detail, figures),
        Evidence("attack", caught, f"{claim.mutant.statement}", {}, is_mutant=True),
    ]
