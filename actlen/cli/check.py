"""`actlen check`: one statement, proved for a whole family or refuted by a small network."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from actlen.cli.interrupt import interruptible
from actlen.cli.numbers import real_number
from actlen.cli.options import AsJson
from theory.errors import SpecError

__all__ = ["check"]

REFUTED, OPEN = 1, 3
_STATUS = {"proved": 0, "refuted": REFUTED, "supported": OPEN, "inconclusive": OPEN}


def check(
    statement: Annotated[str, typer.Argument(help="such as 'E[M[d]] == M[0]'; - reads standard input")],
    where: Annotated[
        str, typer.Option(help="the family: 'weights=normal,uniform; widths=1..64; depth=1..30; bias=any'")
    ] = "",
    accept_supported: Annotated[
        bool, typer.Option("--accept-supported", help="exit 0 also where no witness was found")
    ] = False,
    time_limit: Annotated[str, typer.Option(help="seconds for proof and search together")] = "20",
    as_json: AsJson = False,
) -> None:
    """Whether a statement holds for every network of a family.

    Exit status 0 proved, 1 refuted, 3 supported or inconclusive.
    """
    from proofs_check.settle import settle

    text = _from_standard_input() if statement == "-" else statement
    with interruptible() as interrupt:
        found = settle(text, where, seconds=real_number(time_limit, "--time-limit"), watch=interrupt.check)
        interrupt.check()
    if as_json:
        typer.echo(json.dumps(found.to_dict()))
    else:
        from actlen.settlement_text import print_settlement

        print_settlement(found)
    status = _STATUS[str(found.verdict)]
    if status and not (status == OPEN and accept_supported):
        raise typer.Exit(status)


def _from_standard_input() -> str:
    from proofs_check.language.parse import MAX_CHARACTERS

    if sys.stdin is None or sys.stdin.isatty():
        raise SpecError("- reads the statement from standard input; pipe it in, or write it in quotes")
    try:
        # One character more than may be, so that longer text is refused and never held.
        return sys.stdin.read(MAX_CHARACTERS + 2).strip()
    except UnicodeDecodeError:
        raise SpecError("the statement on standard input is not text") from None
