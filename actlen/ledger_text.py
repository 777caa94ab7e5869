"""Claims and their verdicts as a person reads them, in blocks that fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from actlen.console import console

if TYPE_CHECKING:
    from rich.console import Console

    from proofs_check.claim import Claim
    from proofs_check.ledger.settled import Settled

__all__ = ["print_claims", "print_ledger"]

_COLOURS = {
    "proved": "green",
    "refuted": "magenta",
    "supported": "cyan",
    "inconclusive": "yellow",
    "open": "yellow",
}
_INDENT, _LABEL = "  ", 11


def print_claims(claims: Sequence[Claim], *, in_full: bool) -> None:
    """A line for each claim; `in_full` also what it says, assumes, rests on and cites."""
    out = console()
    width = max((len(claim.id) for claim in claims), default=0) + 2
    verdict = max((len(claim.expected) for claim in claims), default=0) + 2
    for claim in claims:
        line = Text(f"{claim.id:{width}}{claim.expected:{verdict}}")
        line.append(claim.source or claim.text)
        if not in_full:
            line.truncate(out.width, overflow="ellipsis")
            out.print(line)
            continue
        out.print(Text(claim.id, "bold"), Text(str(claim.expected), _COLOURS[claim.expected]))
        _print_said(out, claim)
        for label, text in _facts(claim, in_full=True):
            _print_field(out, label, text)
        out.print()


def print_ledger(
    settled: Sequence[Settled], total: int, refuted_below: Mapping[str, Sequence[str]], seconds: float
) -> None:
    """Each claim with its verdict and what that rests on, and a summary.

    `refuted_below` names the refuted claims that a claim rests on.
    """
    out = console()
    for item in settled:
        out.print(Text(item.claim.id, "bold"), Text(str(item.verdict), _COLOURS[item.verdict]))
        if not item.as_expected:
            out.print(Text(f"{_INDENT}expected {item.claim.expected}", "bold red"))
        _print_said(out, item.claim)
        for label, text in _facts(item.claim, in_full=False):
            _print_field(out, label, text)
        if item.claim.id in refuted_below:
            below = ", ".join(refuted_below[item.claim.id])
            _print_wrapped(out, f"rests on what is refuted: {below}", _INDENT, _INDENT, "bold red")
        _print_evidence(out, item)
        out.print()
    out.print(Text(_summary(settled, total, seconds)))


def _print_said(out: Console, claim: Claim) -> None:
    _print_wrapped(out, claim.text, _INDENT, _INDENT)
    if claim.statement is not None:
        _print_wrapped(out, claim.statement, _INDENT, 2 * _INDENT, "cyan")


def _facts(claim: Claim, *, in_full: bool) -> Iterator[tuple[str, str]]:
    """What else there is to say of a claim, label by label."""
    from proofs_check.ledger.assumptions import meanings
    from proofs_check.ledger.textbook import facts_of

    if claim.source:
        yield "source", claim.source
    yield "family", claim.where or "the default"
    for name, meaning in meanings(claim).items() if in_full else ():
        yield "assumes", f"{name}: {meaning}"
    if claim.assumes and not in_full:
        yield "assumes", ", ".join(claim.assumes)
    if claim.depends:
        yield "rests on", ", ".join(claim.depends)
    facts = facts_of(claim)
    for fact in facts if in_full else ():
        yield "cites", f"{fact.name} ({fact.source}); {fact.discharged}"
    if facts and not in_full:
        yield "cites", "; ".join(fact.name for fact in facts)
    if claim.known is not None:
        yield "for", claim.known.in_favour
        yield "against", claim.known.against


def _print_evidence(out: Console, item: Settled) -> None:
    kinds = dict.fromkeys(e.kind for e in item.evidence if not e.is_mutant)
    mutants = [e for e in item.evidence if e.is_mutant]
    caught = sum(e.is_good for e in mutants)
    rejected = f"; mutants rejected {caught}/{len(mutants)}" if mutants else ""
    _print_field(out, "evidence", f"{', '.join(kinds)}{rejected}" if kinds else "none")
    for evidence in item.evidence:
        if not evidence.is_good:
            what = f"mutant of {evidence.kind}" if evidence.is_mutant else evidence.kind
            _print_wrapped(out, f"{what} {evidence.outcome}: {evidence.detail}", _INDENT, 2 * _INDENT, "red")
        elif evidence.kind in {"witness", "attack"} and not evidence.is_mutant:
            _print_field(out, evidence.kind, evidence.detail)


def _print_field(out: Console, label: str, text: str) -> None:
    _print_wrapped(out, text, f"{_INDENT}{label:{_LABEL}}", " " * (len(_INDENT) + _LABEL), "dim")


def _print_wrapped(out: Console, text: str, first: str, rest: str, style: str = "") -> None:
    lines = wrap(text, out.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    for line in lines:
        out.print(Text(line, style))


def _summary(settled: Sequence[Settled], total: int, seconds: float) -> str:
    from proofs_check.ledger.settled import summary

    counts = summary(list(settled))
    named = ", ".join(f"{counts[v]} {v}" for v in _COLOURS if counts[v]) or "none"
    others = [item.claim.id for item in settled if not item.as_expected]
    expected = f"{len(others)} NOT as expected: {', '.join(others)}" if others else "all as expected"
    line = f"{len(settled)} of {total} claims: {named}; {expected}; {seconds:.1f} s"
    # A line of its own, which no console can break in the middle.
    return line if len(settled) == total else f"{line}\ninterrupted before the rest"
