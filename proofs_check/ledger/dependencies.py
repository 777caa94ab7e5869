"""What rests on a refuted claim, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proofs_check.claim import Claim
from proofs_check.ledger.settled import Settled
from proofs_check.verdict import Verdict

__all__ = ["refuted_below"]


def refuted_below(claims: Iterable[Claim], settled: Iterable[Settled]) -> dict[str, list[str]]:
    """Of each claim that rests on refuted ones, their ids, sorted; claims may depend in circles.

    A claim that was not settled this time counts with the verdict that it is expected to have.

    >>> refuted_below([], [])
    {}
    """
    known = {claim.id: claim for claim in claims}
    verdicts = {name: claim.expected for name, claim in known.items()}
    verdicts |= {item.claim.id: item.verdict for item in settled}
    refuted = {name for name, verdict in verdicts.items() if verdict is Verdict.REFUTED}
    found = {name: sorted(_below(name, known) & refuted) for name in known}
    return {name: below for name, below in found.items() if below}


def _below(name: str, known: Mapping[str, Claim]) -> set[str]:
    """All claims that this one depends on, but for itself."""
    reached: set[str] = set()
    pending = list(known[name].depends)
    while pending:
        below = pending.pop()
        if below not in reached:
            reached.add(below)
            pending += known[below].depends if below in known else ()
    return reached - {name}
