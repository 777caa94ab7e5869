"""Settle claims: run the checks that each names, decide its verdict, compare with the expected."""

from __future__ import annotations

import time

from proofs_check.checks import CHECKS
from proofs_check.claim import Claim
from proofs_check.ledger.settled import Settled
from proofs_check.shared_work import sharing
from proofs_check.verdict import Evidence, Verdict, decide
from theory.errors import SpecError, unknown_name

__all__ = ["settle"]


def settle(claim: Claim) -> Settled:
    """Run all checks of one claim; a check that breaks counts as failed, never as passed."""
    start = time.perf_counter()
    evidence: list[Evidence] = []
    with sharing():
        for name in claim.evidence:
            if name not in CHECKS:
                raise unknown_name(f"check in claim {claim.id}", name, CHECKS)
            evidence += CHECKS[name](claim)
    is_open = claim.expected is Verdict.OPEN
    if not any(e.is_mutant for e in evidence) and not (is_open and claim.statement is None):
        raise SpecError(f"claim {claim.id} has no mutant: a check that cannot fail proves nothing")
    verdict = decide(evidence)
    if is_open and all(e.is_good for e in evidence) and verdict is not Verdict.PROVED:
        verdict = Verdict.OPEN
    return Settled(claim, verdict, tuple(evidence), time.perf_counter() - start)
