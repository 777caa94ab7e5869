"""Settled claims as plain Markdown, for `actlen verify --report`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from theory.errors import SpecError

if TYPE_CHECKING:
    from proofs_check.claim import Claim
    from proofs_check.ledger.settled import Settled

__all__ = ["check_report_path", "ledger_markdown", "write_report"]

_SUFFIXES = (".md", ".markdown")
_VERDICTS = ("proved", "refuted", "supported", "inconclusive", "open")


def check_report_path(path: Path) -> None:
    """Refuse, before anything is settled, a report that could not be written."""
    if path.suffix.lower() not in _SUFFIXES:
        raise SpecError(f"--report writes Markdown; name a file such as report.md, not {path}")
    if path.is_dir() or not path.parent.is_dir():
        raise SpecError(f"cannot write {path}: no such folder, or a folder itself")


def write_report(path: Path, text: str) -> None:
    """Write the report; `SpecError` where that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot write {path}: {error.strerror or error}") from None


def ledger_markdown(settled: Sequence[Settled], total: int, refuted_below: Mapping[str, list[str]]) -> str:
    """A table of verdicts, then a section for each claim with its evidence.

    >>> print(ledger_markdown([], 0, {}).splitlines()[0])
    # Claims and their verdicts
    """
    return "\n".join(_lines(settled, total, refuted_below)) + "\n"


def _lines(settled: Sequence[Settled], total: int, refuted_below: Mapping[str, list[str]]) -> Iterator[str]:
    from proofs_check.ledger.settled import summary

    counts = summary(list(settled))
    yield "# Claims and their verdicts"
    yield ""
    named = ", ".join(f"{counts[v]} {v}" for v in _VERDICTS)
    yield f"{len(settled)} of {total} claims: {named}; {counts['unexpected']} not as expected."
    yield ""
    yield "| claim | verdict | expected | source |"
    yield "| --- | --- | --- | --- |"
    for item in settled:
        claim = item.claim
        yield f"| {claim.id} | {item.verdict} | {claim.expected} | {_cell(claim.source)} |"
    for item in settled:
        yield from _section(item, refuted_below.get(item.claim.id, []))


def _section(item: Settled, refuted: Sequence[str]) -> Iterator[str]:
    claim = item.claim
    yield from ("", f"## {claim.id}: {item.verdict}", "", _plain(claim.text))
    if not item.as_expected:
        yield from ("", f"**Expected: {claim.expected}.**")
    if refuted:
        yield from ("", f"**Rests on what is refuted: {', '.join(refuted)}.**")
    if claim.statement is not None:
        yield from ("", "```", " ".join(claim.statement.split()), "```")
    yield ""
    yield from _facts(claim)
    for evidence in item.evidence:
        kind = f"mutant of {evidence.kind}" if evidence.is_mutant else evidence.kind
        yield f"- {kind}, {evidence.outcome}: {_plain(evidence.detail)}"


def _facts(claim: Claim) -> Iterator[str]:
    from proofs_check.ledger.assumptions import meanings
    from proofs_check.ledger.textbook import facts_of

    if claim.source:
        yield f"- source: {_plain(claim.source)}"
    yield f"- family: `{claim.where or 'the default'}`"
    for name, meaning in meanings(claim).items():
        yield f"- assumes {_plain(name)}: {_plain(meaning)}"
    if claim.depends:
        yield f"- depends on: {', '.join(claim.depends)}"
    for fact in facts_of(claim):
        yield f"- cites {_plain(fact.name)}: {_plain(fact.source)}; {_plain(fact.discharged)}"
    if claim.known is not None:
        yield f"- known for it: {_plain(claim.known.in_favour)}"
        yield f"- known against it: {_plain(claim.known.against)}"


def _plain(text: str) -> str:
    """Text on one line that Markdown does not take for its own signs."""
    return "".join(f"\\{c}" if c in "\\*_`<>#|[]" else c for c in " ".join(text.split()))


def _cell(text: str) -> str:
    return _plain(text) or "-"
