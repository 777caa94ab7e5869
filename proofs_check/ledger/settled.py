"""A claim that was settled: its verdict, the evidence, and how it compares with what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs_check.claim import Claim
from proofs_check.ledger.textbook import facts_of
from proofs_check.verdict import Evidence, Verdict

__all__ = ["Settled", "summary"]


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


def summary(settled: list[Settled]) -> dict[str, int]:
    """How many claims reached each verdict, and how many not the expected one.

    >>> summary([])
    {'claims': 0, 'proved': 0, 'refuted': 0, 'supported': 0, 'inconclusive': 0, 'open': 0, 'unexpected': 0}
    """
    counts = {str(verdict): sum(s.verdict is verdict for s in settled) for verdict in Verdict}
    unexpected = sum(not s.as_expected for s in settled)
    return {"claims": len(settled)} | counts | {"unexpected": unexpected}
