"""A settled statement on the console, in at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from actlen.console import console, number
from theory.values import as_value

if TYPE_CHECKING:
    from proofs_check.settlement import Counterexample, Settlement
    from theory.reals import Number

__all__ = ["print_settlement"]

_COLOURS = {"proved": "green", "refuted": "red", "supported": "yellow", "inconclusive": "magenta"}
_LONGEST = 60


def print_settlement(found: Settlement) -> None:
    """The verdict, and the witness, the steps of the proof, or the tightest case."""
    out = console()
    verdict = str(found.verdict)
    out.print(Text.assemble((verdict, f"bold {_COLOURS[verdict]}"), f"  {found.statement}"))
    for line in _lines(found):
        out.print(Text(line))


def _lines(found: Settlement) -> Iterator[str]:
    yield f"for     {found.where or 'normal weights, no bias, ReLU, every width, depth and non-zero input'}"
    if found.witness is not None:
        yield from _witness_lines(found.witness)
    if found.proof is not None:
        from proofs_check.proving import proof_in_words

        yield "proof   re-checked by the kernel"
        yield from (f"        {line}" for line in proof_in_words(found.proof))
    if found.tightest is not None:
        from proofs_check.search import describe

        yield f"tightest {describe(found.tightest.network)}"
        yield f"        holds by {found.tightest.relative_slack:.3g} of the larger side"
    yield _effort(found)


def _witness_lines(witness: Counterexample) -> Iterator[str]:
    from proofs_check.search import describe

    yield f"network {describe(witness.network)}"
    for side, relation in zip(witness.sides, ("", *witness.relations), strict=True):
        yield f"{'not ' + relation if relation else 'sides':8}{_shown(side)}"
    if witness.confirmed_by:
        yield f"also by {', '.join(witness.confirmed_by)}"
    if witness.contradicted_by:
        yield f"BUT NOT BY {', '.join(witness.contradicted_by)}: one of the routes is wrong; please report it"


def _shown(side: Number) -> str:
    """Exact where it fits a line, with its size; else a ball or the size alone."""
    value = as_value(side)
    size = number(value.value, value.log)
    text = str(side) if side == 0 or value.log is None or abs(value.log) < 1e4 else ""
    if not text or len(text) > _LONGEST:
        return f"about {size}"
    return text if text == size else f"{text}  (about {size})"


def _effort(found: Settlement) -> str:
    parts = [f"{found.cases:,} networks tried"]
    if found.undecided:
        parts.append(f"{found.undecided:,} undecided at the greatest precision")
    if found.skipped:
        parts.append(f"{found.skipped:,} too large to evaluate")
    if found.out_of_time:
        parts.append("stopped by the time limit")
    return f"{'; '.join(parts)}; {found.seconds:.1f} s"
