"""`actlen verify`: settle the ledger of claims, or the claims of a file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, nullcontext, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actlen.cli.interrupt import Interrupt, held, interruptible
from actlen.cli.numbers import real_number
from theory.errors import SpecError

if TYPE_CHECKING:
    from proofs_check.claim import Claim
    from proofs_check.ledger.settled import Settled

__all__ = ["verify"]

_SECONDS, _THOROUGH_SECONDS = "20", "120"
# Fewer claims are settled before another process has started; more processes find too little to share.
_MANY = 8
_MOST_PROCESSES = 8


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
    """Settle every claim of the ledger: proved, refuted with a witness, supported, or open.

    Exit status 1 when a verdict is not the expected one. `--list --only ID` shows a claim in full.
    """
    with held():
        from proofs_check.claim import select

        if claims is not None:
            import_module("proofs_check.claim_file")
    everything, settle = _from_ledger() if claims is None else _from_file(claims, thorough, time_limit)
    if claims is None and time_limit is not None:
        raise SpecError("--time-limit goes with --claims; the checks of the ledger have their own measure")
    chosen = select(everything, only or [])
    if report is not None:
        from actlen.report import check_report_path

        check_report_path(report)
    if list_claims:
        _list(chosen, as_json, in_full=bool(only))
        return
    with held():
        # With the engine behind the checks: half a second more, which bad input need not wait for.
        import_module("proofs_check.ledger.side_by_side")
    start = time.perf_counter()
    settled = _settle(chosen, settle, thorough)
    _show(everything, settled, len(chosen), report, as_json, time.perf_counter() - start)
    if len(settled) < len(chosen):
        raise KeyboardInterrupt
    if not all(s.as_expected for s in settled):
        raise typer.Exit(1)


_Settle = Callable[["Claim", Callable[[], None]], "Settled"]


def _from_ledger() -> tuple[list[Claim], None]:
    from proofs_check.claim import load_ledger

    return load_ledger(), None


def _from_file(path: Path, thorough: bool, time_limit: str | None) -> tuple[list[Claim], _Settle]:
    from proofs_check.claim_file import load_claims, settle_claim

    limit = time_limit or (_THOROUGH_SECONDS if thorough else _SECONDS)
    settle = partial(settle_claim, seconds=real_number(limit, "--time-limit"), thorough=thorough)
    return load_claims(path), lambda claim, watch: settle(claim, watch=watch)


def _list(claims: list[Claim], as_json: bool, *, in_full: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"claims": [claim.to_dict() for claim in claims]}))
        return
    from actlen.ledger_text import print_claims

    print_claims(claims, in_full=in_full)


def _show(
    everything: list[Claim],
    settled: list[Settled],
    total: int,
    report: Path | None,
    as_json: bool,
    seconds: float,
) -> None:
    """Print what was settled, and write the report."""
    from proofs_check.ledger.dependencies import refuted_below
    from proofs_check.ledger.settled import summary

    below = refuted_below(everything, settled)
    if as_json:
        rows = [s.to_dict() | {"rests_on_refuted": below.get(s.claim.id, [])} for s in settled]
        typer.echo(json.dumps({"claims": rows, "summary": summary(settled)}))
    else:
        from actlen.ledger_text import print_ledger

        print_ledger(settled, total, below, seconds)
    if report is not None:
        from actlen.report import ledger_markdown, write_report

        write_report(report, ledger_markdown(settled, total, below))


def _settle(claims: list[Claim], settle: _Settle | None, thorough: bool) -> list[Settled]:
    """Settle all; Ctrl-C keeps what is done. Progress only on a terminal."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    done: list[Settled] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("settling", total=len(claims))
        with (
            suppress(KeyboardInterrupt),
            interruptible() as interrupt,
            closing(_settled(claims, settle, thorough, interrupt)) as items,
        ):
            for item in items:
                done.append(item)
                bar.update(task, description=item.claim.id, advance=1)
                interrupt.check()
    place = {claim.id: number for number, claim in enumerate(claims)}
    return sorted(done, key=lambda item: place[item.claim.id])


def _settled(
    claims: list[Claim], settle: _Settle | None, thorough: bool, interrupt: Interrupt
) -> Generator[Settled]:
    """One by one as they are done; the ledger's own (`settle` is None) side by side where that pays."""
    from proofs_check import search
    from proofs_check.ledger import run, side_by_side
    from proofs_check.shared_work import sharing

    processes = min(side_by_side.cores(), _MOST_PROCESSES)
    if settle is None and processes > 1 and len(claims) >= _MANY:
        with closing(side_by_side.settle_side_by_side(claims, processes, thoroughly=thorough)) as results:
            yield from results
        return
    with search.thorough() if thorough else nullcontext(), sharing():
        for claim in claims:
            yield run.settle(claim) if settle is None else settle(claim, interrupt.check)
