"""`actlen verify`: settle the ledger of claims, or the claims of a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actlen.cli.interrupt import interruptible
from actlen.cli.numbers import real_number
from theory.errors import SpecError

if TYPE_CHECKING:
    from proofs_check.claim import Claim
    from proofs_check.ledger.run import Settled

__all__ = ["verify"]

_SECONDS, _THOROUGH_SECONDS = "20", "120"


def verify(
    only: Annotated[list[str] | None, typer.Option(help="settle only this claim; repeatable")] = None,
    list_claims: Annotated[bool, typer.Option("--list", help="list the claims, run nothing")] = False,
    claims: Annotated[
        Path | None, typer.Option(help="the claims of this TOML file (docs/claims-example.toml)")
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="try ten times as many networks; minutes")
    ] = False,
    time_limit: Annotated[
        str | None, typer.Option(help="with --claims: seconds for each claim (20, 120 if thorough)")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="also write a Markdown report to this .md")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Settle every claim of the ledger: proved, refuted with a witness, or supported.

    Exit status 1 when a verdict is not the expected one.
    """
    from proofs_check.claim import select

    everything, settle = _from_ledger() if claims is None else _from_file(claims, thorough, time_limit)
    if claims is None and time_limit is not None:
        raise SpecError("--time-limit goes with --claims; the checks of the ledger have their own measure")
    chosen = select(everything, only or [])
    if report is not None:
        from actlen.report import check_report_path

        check_report_path(report)
    if list_claims:
        _list(chosen, as_json)
        return
    settled = _settle(chosen, settle, thorough)
    _show(everything, settled, len(chosen), report, as_json)
    if len(settled) < len(chosen):
        raise KeyboardInterrupt
    if not all(s.as_expected for s in settled):
        raise typer.Exit(1)


_Settle = Callable[["Claim", Callable[[], None]], "Settled"]


def _from_ledger() -> tuple[list[Claim], _Settle]:
    from proofs_check.claim import load_ledger
    from proofs_check.ledger.run import settle

    return load_ledger(), lambda claim, watch: settle(claim)


def _from_file(path: Path, thorough: bool, time_limit: str | None) -> tuple[list[Claim], _Settle]:
    from proofs_check.claim_file import load_claims, settle_claim

    limit = time_limit or (_THOROUGH_SECONDS if thorough else _SECONDS)
    settle = partial(settle_claim, seconds=real_number(limit, "--time-limit"), thorough=thorough)
    return load_claims(path), lambda claim, watch: settle(claim, watch=watch)


def _list(claims: list[Claim], as_json: bool) -> None:
    if as_json:
        rows = [
            {"id": c.id, "source": c.source, "expected": str(c.expected), "depends": list(c.depends)}
            for c in claims
        ]
        typer.echo(json.dumps({"claims": rows}))
        return
    width = max((len(claim.id) for claim in claims), default=0) + 2
    for claim in claims:
        typer.echo(f"{claim.id:{width}}{claim.expected:14}{claim.source or claim.text}")


def _show(
    everything: list[Claim], settled: list[Settled], total: int, report: Path | None, as_json: bool
) -> None:
    """Print what was settled, and write the report."""
    from proofs_check.ledger.dependencies import refuted_below
    from proofs_check.ledger.run import summary

    below = refuted_below(everything, settled)
    if as_json:
        rows = [s.to_dict() | {"rests_on_refuted": below.get(s.claim.id, [])} for s in settled]
        typer.echo(json.dumps({"claims": rows, "summary": summary(settled)}))
    else:
        from actlen.tables import print_ledger

        print_ledger(settled, total, below)
    if report is not None:
        from actlen.report import ledger_markdown, write_report

        write_report(report, ledger_markdown(settled, total, below))


def _settle(claims: list[Claim], settle: _Settle, thorough: bool) -> list[Settled]:
    """Settle one by one; Ctrl-C keeps what is done. Progress only on a terminal."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from proofs_check import search

    done: list[Settled] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        search.thorough() if thorough else nullcontext(),
        Progress(
            *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as bar,
    ):
        task = bar.add_task("settling", total=len(claims))
        with suppress(KeyboardInterrupt), interruptible() as interrupt:
            for claim in claims:
                interrupt.check()
                bar.update(task, description=claim.id)
                done.append(settle(claim, interrupt.check))
                bar.advance(task)
    return done
