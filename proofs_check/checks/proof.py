"""The proof check: the kernel accepts the stored proof, and it proves this very claim."""

from __future__ import annotations

import json

from proofs_check.claim import Claim
from proofs_check.kernel.check import Checked, check_proof
from proofs_check.kernel.render import assumed_family, statement_of
from proofs_check.language.parse import parse
from proofs_check.prover import stored_proof
from proofs_check.verdict import Evidence, Outcome

__all__ = ["proof"]


def proof(claim: Claim) -> list[Evidence]:
    """Check the claim's proof object, and that the planted error breaks it."""
    assert claim.proof is not None
    stored = stored_proof(claim.proof)
    checked = check_proof(stored)
    complaint = checked.complaint or _mismatch(claim, checked)
    figures = {"proof": claim.proof, "steps": checked.steps}
    if claim.statement is None:
        figures["judgements"] = [dict(j) for j in checked.conclusions]
    detail = complaint or f"kernel accepts {checked.steps} steps"
    outcome = Outcome.FAILED if complaint else Outcome.PASSED
    return [Evidence("proof", outcome, detail, figures), _mutant(claim, stored)]


def _mismatch(claim: Claim, checked: Checked) -> str | None:
    """Why the accepted proof does not prove the claim, or None when it does."""
    if claim.statement is None:
        same = list(claim.judgements) == list(checked.conclusions) and claim.judgements != ()
        return None if same else "the proof concludes other judgements than the claim's"
    if not all(claim.family.lies_within(assumed_family(j)) for j in checked.conclusions):
        return "the claim's family is larger than what the proof assumes"
    rendered = [statement_of(judgement) for judgement in checked.conclusions]
    if any(text is not None and parse(text).says_the_same(claim.parsed) for text in rendered):
        return None
    return f"the proof concludes {rendered[0]!r}, not the claim"


def _mutant(claim: Claim, stored: dict[str, object]) -> Evidence:
    replace, by = claim.mutant.replace, claim.mutant.by
    assert replace is not None
    assert by is not None
    text = json.dumps(stored)
    if replace not in text:
        return Evidence("proof", Outcome.ACCEPTED, f"{replace!r} is not in the proof", {}, is_mutant=True)
    checked = check_proof(json.loads(text.replace(replace, by)))
    outcome = Outcome.ACCEPTED if checked.accepted else Outcome.REJECTED
    detail = f"{replace} changed to {by}: {checked.complaint or 'accepted'}"
    return Evidence("proof", outcome, detail, {}, is_mutant=True)
