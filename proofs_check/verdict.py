"""Verdicts and evidence: how a claim stands, and what that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Evidence", "Outcome", "Verdict", "decide"]


class Verdict(StrEnum):
    """How a claim stands. Sampling alone never proves and never refutes.

    Open is what the ledger itself lists as unsettled, with what is known, and attacks in vain.
    """

    PROVED = "proved"
    REFUTED = "refuted"
    SUPPORTED = "supported"
    INCONCLUSIVE = "inconclusive"
    OPEN = "open"


class Outcome(StrEnum):
    """How one check ended; a mutant is rejected when the check notices the planted error."""

    PASSED = "passed"
    FAILED = "failed"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Evidence:
    """One check of one claim.

    `kind` names the check (proof, enumeration, witness, ...); for a mutant `is_mutant` is set and
    the good outcome is `rejected`.
    """

    kind: str
    outcome: Outcome
    detail: str
    figures: dict[str, Any] = field(default_factory=dict)
    is_mutant: bool = False

    @property
    def is_good(self) -> bool:
        """Whether this is what a sound claim shows."""
        return self.outcome is (Outcome.REJECTED if self.is_mutant else Outcome.PASSED)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        kind = f"mutant of {self.kind}" if self.is_mutant else self.kind
        return {"kind": kind, "outcome": str(self.outcome), "detail": self.detail, **self.figures}


def decide(evidence: Sequence[Evidence]) -> Verdict:
    """The verdict that a claim's evidence supports.

    A proof that the kernel accepts proves, an exact witness that a second route confirms refutes;
    one check that fails, or one mutant that slips through, leaves the claim inconclusive.

    >>> decide([Evidence("enumeration", Outcome.PASSED, "200 networks")])
    <Verdict.SUPPORTED: 'supported'>
    """
    if not evidence or not all(e.is_good for e in evidence):
        return Verdict.INCONCLUSIVE
    kinds = {e.kind for e in evidence if not e.is_mutant}
    if {"witness", "replay"} <= kinds:
        return Verdict.REFUTED
    return Verdict.PROVED if "proof" in kinds else Verdict.SUPPORTED
