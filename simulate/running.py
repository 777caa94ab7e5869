"""Run a job to its end on any executor: in order, resumable, interruptible.

The driver hands shards to a `concurrent.futures.Executor`, keeps what comes back in the store, and
merges in the order of the shards. The estimate is always that of a prefix of the networks, so that
it has the same bits for any number of threads, any executor, and after a resume.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulate.job import Job
from simulate.merging import Tree
from simulate.methods.choice import method_named
from simulate.result import Estimate
from simulate.shards import Shard, Shards, compute, unpack
from simulate.store import ShardStore

__all__ = ["Interrupted", "Limits", "run"]

_TICK = 0.1
Progress = Callable[[int, "int | None", float], None]


class Interrupted(KeyboardInterrupt):
    """The user interrupted; `estimate` is what was computed until then, or None."""

    def __init__(self, estimate: Estimate | None) -> None:
        super().__init__("interrupted")
        self.estimate = estimate


@dataclass(frozen=True)
class Limits:
    """When to stop: whichever comes first of those that are given."""

    samples: int | None = None
    relative_error: float | None = None
    seconds: float | None = None


@dataclass
class _Run:
    """The state of a run: what is under way, what came back, what is merged."""

    job: Job
    limits: Limits
    cut: Shards
    executor: Executor
    window: int
    store: ShardStore | None
    progress: Progress | None
    # Only threads of this process share the event.
    stop: threading.Event | None
    start: float = field(default_factory=time.perf_counter)
    tree: Tree = field(default_factory=Tree)
    pending: dict[Future[bytes | None], Shard] = field(default_factory=dict)
    ready: dict[int, tuple[Shard, bytes]] = field(default_factory=dict)
    submitted: int = 0
    merged: int = 0
    samples: int = 0
    done: bool = False

    def loop(self) -> None:
        """Submit, collect and merge until a limit is reached."""
        while not self.done:
            self.fill()
            if not self.pending and self.merged == self.submitted:
                return
            self.collect(_TICK)
            self.merge()
            self.report()

    def enough(self) -> bool:
        """Whether a limit is reached by what is merged."""
        seconds, target = self.limits.seconds, self.limits.relative_error
        if seconds is not None and time.perf_counter() - self.start >= seconds:
            return True
        return target is not None and _asked(self.merged) and self.precise(target)

    def precise(self, target: float) -> bool:
        """Whether the error of E M_d^order is small enough."""
        error = self.estimate().layers[-1].moments[-1].relative_error
        return error is not None and error <= target

    def fill(self) -> None:
        """Keep the window full; what the store holds is not computed again."""
        while len(self.pending) + len(self.ready) < self.window:
            shard = self.cut.shard(self.submitted, self.limits.samples)
            if shard is None:
                return
            self.submitted += 1
            known = None if self.store is None else self.store.get(self.key(shard), shard.number)
            if known is not None:
                self.ready[shard.number] = (shard, known)
                continue
            stopped = None if self.stop is None else self.stop.is_set
            self.pending[self.executor.submit(compute, self.job, shard, stopped)] = shard

    def key(self, shard: Shard) -> str:
        """Job and shape of the shard: another cut is another entry."""
        return f"{self.job.key}:{shard.leaf}:{self.cut.leaves}:{shard.count}"

    def collect(self, seconds: float) -> None:
        """Take what is done; store it at once."""
        done, _ = wait(self.pending, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            shard = self.pending.pop(future)
            payload = future.result()
            if payload is None:
                continue
            if self.store is not None:
                self.store.put(self.key(shard), shard.number, payload)
            self.ready[shard.number] = (shard, payload)

    def merge(self) -> None:
        """Merge in order, as far as nothing is missing; stop as soon as a limit is met."""
        while self.merged in self.ready:
            shard, payload = self.ready.pop(self.merged)
            for level, record in unpack(self.job, payload):
                self.tree.push(level, record)
            self.merged += 1
            self.samples += shard.count
            if self.enough():
                self.done = True
                return

    def report(self) -> None:
        if self.progress is not None:
            self.progress(self.samples, self.limits.samples, time.perf_counter() - self.start)

    def estimate(self) -> Estimate:
        method = method_named(self.job.method)
        return method.estimate(self.job, self.tree.total(), time.perf_counter() - self.start)

    def give_up(self) -> None:
        """Drop what has not begun, let what runs finish its leaf, keep what comes back."""
        if self.stop is not None:
            self.stop.set()
        for future in self.pending:
            future.cancel()
        self.pending = {f: s for f, s in self.pending.items() if not f.cancelled()}
        while self.pending and self.stop is not None:
            self.collect(_TICK)
        self.merge()


def _asked(number: int) -> bool:
    """Whether the precision is looked at after this many shards: 1, 2, 3, 4, 6, 8, 12, 16, ..."""
    power = 1 << (number.bit_length() - 1)
    return number in (power, power + power // 2)


def run(
    job: Job,
    limits: Limits,
    *,
    threads: int,
    executor: Executor | None = None,
    window: int | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
    leaves: int | None = None,
) -> Estimate:
    """Carry out a job. `executor` takes any Executor; without one, threads of this process work.

    Raises `Interrupted`, with the estimate so far, when the user presses Ctrl-C.
    """
    method_named(job.method).check(job)
    kept = None if store is None else ShardStore(store)
    own = ThreadPoolExecutor(threads, "simulate") if executor is None else None
    working: Any = own if executor is None else executor
    state = _Run(
        job=job,
        limits=limits,
        cut=Shards.of(job, leaves),
        executor=working,
        window=window or 2 * threads,
        store=kept,
        progress=progress,
        stop=threading.Event() if own is not None else None,
    )
    try:
        if kept is not None:
            kept.register(job.key, job.text)
        state.loop()
        state.give_up()
        return state.estimate()
    except KeyboardInterrupt:
        state.give_up()
        raise Interrupted(state.estimate() if state.merged else None) from None
    finally:
        if state.stop is not None:
            state.stop.set()
        if own is not None:
            own.shutdown(cancel_futures=True)
        if kept is not None:
            kept.close()
