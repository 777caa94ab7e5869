"""Where a simulation runs, and the bar that shows how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from actlen.cli.numbers import whole_number
from theory.errors import SpecError

if TYPE_CHECKING:
    from simulate.running import Progress

__all__ = ["chosen_executor", "progress_bar"]


def chosen_executor(
    stack: ExitStack, threads: str | None, workers: str | None, dask: str | None
) -> dict[str, Any]:
    """The executor that the options ask for; none means threads of this process."""
    given = [name for name, value in _named(threads, workers, dask) if value is not None]
    if len(given) > 1:
        raise SpecError(f"{' and '.join(given)} are different places to compute in; give one")
    if workers is None and dask is None:
        return {}
    from simulate.executors import dask_cluster, local_processes

    if workers is not None:
        count = whole_number(workers, "--workers")
        if not 1 <= count <= 1024:
            raise SpecError(f"--workers must be from 1 to 1024, not {count}")
        executor, window = stack.enter_context(local_processes(count))
    else:
        assert dask is not None
        executor, window = stack.enter_context(dask_cluster(dask))
    return {"executor": executor, "window": window}


def _named(threads: str | None, workers: str | None, dask: str | None) -> list[tuple[str, str | None]]:
    return [("--threads", threads), ("--workers", workers), ("--dask", dask)]


@contextmanager
def progress_bar(time_limit: float | None) -> Iterator[Progress | None]:
    """A bar on standard error with rate and remaining time; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("compiling", total=None)

        def show(done: int, total: int | None, seconds: float) -> None:
            text = f"{done:,} networks, {done / max(seconds, 1e-9):,.0f}/s" if done else "computing"
            if total is None and time_limit is not None:
                bar.update(task, description=text, total=time_limit, completed=min(seconds, time_limit))
            else:
                bar.update(task, description=text, total=total, completed=done)

        yield show
