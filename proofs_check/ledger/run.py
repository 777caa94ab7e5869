"""Settle claims: run the checks that each names, decide its verdict, compare with the expected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from proofs_check.checks import CHECKS
from proofs_check.claim import Claim
from proofs_check.ledger.textbook import facts_of
from proofs_check.shared_work import sharing
from proofs_check.verdict import Evidence, Verdict, decide
from theory.errors import SpecError, unknown_name

__all__ = ["Settled", "settle", "summary"]


@dataclass(frozen=True)
class Settled:
    """A claim with its verdict and the evidence behind it."""

    claim: Claim
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one the ledger states."""
        return self.verdict is self.claim.expected

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            **self.claim.to_dict(),
            "verdict": str(self.verdict),
            "cites": [fact.to_dict() for fact in facts_of(self.claim)],
            "evidence": [e.to_dict() for e in self.evidence],
            "seconds": round(self.seconds, 3),
        }


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


def summary(settled: list[Settled]) -> dict[str, int]:
    """How many claims reached each verdict, and how many not the expected one.

    >>> summary([])
    {'claims': 0, 'proved': 0, 'refuted': 0, 'supported': 0, 'inconclusive': 0, 'open': 0, 'unexpected': 0}
    """
    counts = {str(verdict): sum(s.verdict is verdict for s in settled) for verdict in Verdict}
    unexpected = sum(not s.as_expected for s in settled)
    return {"claims": len(settled)} | counts | {"unexpected": unexpected}
