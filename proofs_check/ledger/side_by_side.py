"""Settle claims side by side, one process a core; claims on the same family go to the same process."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing import active_children, get_context, parent_process
from threading import Thread

from proofs_check.claim import Claim
from proofs_check.ledger.run import settle
from proofs_check.ledger.settled import Settled
from proofs_check.search import thorough
from proofs_check.shared_work import sharing
from theory.errors import SpecError

__all__ = ["cores", "settle_side_by_side"]

_WORK = ExitStack()


def cores() -> int:
    """How many processes run at the same time here.

    >>> cores() >= 1
    True
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def settle_side_by_side(
    claims: Sequence[Claim], processes: int, *, thoroughly: bool = False
) -> Generator[Settled]:
    """The claims settled, in the order in which they are done; closing the iterator ends all work.

    `SpecError` when a process is killed from outside.
    """
    queues = _by_family(claims)
    workers = [_worker(thoroughly) for _ in range(min(processes, len(claims)))]
    children = set(active_children())
    mine: list[list[Claim]] = [[] for _ in workers]
    running: dict[Future[Settled], int] = {}
    try:
        with _interrupts_held():
            for number in range(len(workers)):
                _submit(number, workers, mine, queues, running)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                number = running.pop(future)
                _submit(number, workers, mine, queues, running)
                yield future.result()
    except BrokenProcessPool:
        raise SpecError(
            "a process that settled claims was killed, perhaps for want of memory; try --only"
        ) from None
    finally:
        for child in set(active_children()) - children if running else ():
            child.terminate()
        for worker in workers:
            worker.shutdown(wait=not running, cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started within never hear Ctrl-C, not while they start either; here it waits."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _by_family(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Claims on the same family together; the family with most evidence to gather first."""
    groups: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.where].append(claim)
    return sorted(groups.values(), key=lambda group: -sum(len(claim.evidence) for claim in group))


def _submit(
    number: int,
    workers: Sequence[ProcessPoolExecutor],
    mine: list[list[Claim]],
    queues: list[list[Claim]],
    running: dict[Future[Settled], int],
) -> None:
    """Give a worker the next claim: of its own family, of the next, or of the longest list of another."""
    if not mine[number]:
        longest = max(mine, key=len)
        if queues:
            mine[number] = queues.pop(0)
        elif longest:
            mine[number] = [longest.pop()]
        else:
            return
    running[workers[number].submit(_settle, mine[number].pop(0))] = number


def _worker(thoroughly: bool) -> ProcessPoolExecutor:
    """One process of its own, so that its claims share their work; started afresh, without our threads."""
    return ProcessPoolExecutor(1, get_context("spawn"), _start, (thoroughly,))


def _start(thoroughly: bool) -> None:
    """Ctrl-C is for the process that asked for the work; without that one there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_leave_with_parent, daemon=True).start()
    _WORK.enter_context(sharing())
    if thoroughly:
        _WORK.enter_context(thorough())


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _settle(claim: Claim) -> Settled:
    return settle(claim)
