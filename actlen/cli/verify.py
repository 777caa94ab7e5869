"""`actlen verify`: settle the ledger of claims."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from actlen.cli.interrupt import interruptible

if TYPE_CHECKING:
    from proofs_check.claim import Claim
    from proofs_check.ledger.run import Settled

__all__ = ["verify"]


def verify(
    only: Annotated[list[str] | None, typer.Option(help="settle only this claim; repeatable")] = None,
    list_claims: Annotated[bool, typer.Option("--list", help="list the claims, run nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Settle every claim of the ledger: proved, refuted with a witness, or supported.

    Exit status 1 when a verdict is not the expected one.
    """
    from proofs_check.claim import load_ledger, select
    from proofs_check.ledger.run import summary

    claims = select(load_ledger(), only or [])
    if list_claims:
        _list(claims, as_json)
        return
    settled = _settle(claims)
    if as_json:
        typer.echo(json.dumps({"claims": [s.to_dict() for s in settled], "summary": summary(settled)}))
    else:
        from actlen.tables import print_ledger

        print_ledger(settled, len(claims))
    if len(settled) < len(claims):
        raise KeyboardInterrupt
    if not all(s.as_expected for s in settled):
        raise typer.Exit(1)


def _list(claims: list[Claim], as_json: bool) -> None:
    if as_json:
        rows = [{"id": c.id, "source": c.source, "expected": str(c.expected)} for c in claims]
        typer.echo(json.dumps({"claims": rows}))
        return
    for claim in claims:
        typer.echo(f"{claim.id:28}{claim.expected:10}{claim.source}")


def _settle(claims: list[Claim]) -> list[Settled]:
    """Settle one by one; Ctrl-C keeps what is done. Progress only on a terminal."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from proofs_check.ledger.run import settle

    done: list[Settled] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("settling", total=len(claims))
        with suppress(KeyboardInterrupt), interruptible() as interrupt:
            for claim in claims:
                interrupt.check()
                bar.update(task, description=claim.id)
                done.append(settle(claim))
                bar.advance(task)
    return done
