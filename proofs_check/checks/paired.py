"""Evidence in pairs: a check's own outcome beside that of the planted error it must notice."""

from __future__ import annotations

from typing import Any

from proofs_check.verdict import Evidence, Outcome

__all__ = ["paired"]


def paired(
    kind: str, holds: bool, detail: str, noticed: bool, planted: str, figures: dict[str, Any] | None = None
) -> list[Evidence]:
    """The check passed if it `holds`; the error described by `planted` is rejected if `noticed`."""
    outcome = Outcome.PASSED if holds else Outcome.FAILED
    mutant = Outcome.REJECTED if noticed else Outcome.ACCEPTED
    return [
        Evidence(kind, outcome, detail, figures or {}),
        Evidence(kind, mutant, planted, {}, is_mutant=True),
    ]
