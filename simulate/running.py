"""Run a job to its end on any executor: in order, resumable, interruptible.

The driver hands shards to a `concurrent.futures.Executor`, keeps what comes back in the store, and
merges in the order of the shards. The estimate is always that of a prefix of the networks, so that
it has the same bits for any number of threads, any executor, and after a resume.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulate.job import Job
from simulate.merging import Tree
from simulate.methods.choice import method_named
from simulate.shards import Part, Shard, Shards, compute, unpack
from simulate.store import ShardStore
from theory.errors import SpecError

__all__ = ["Interrupted", "Limits", "run"]

_TICK = 0.1
_PATIENCE = 5.0
Progress = Callable[[int, "int | None", float], None]


class Interrupted(KeyboardInterrupt):
    """The user interrupted; `estimate` is what was computed until then, or None."""

    def __init__(self, estimate: Any) -> None:
        super().__init__("interrupted")
        self.estimate = estimate


@dataclass(frozen=True)
class Limits:
    """When to stop: whichever comes first of those that are given."""

    samples: int | None = None
    relative_error: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class _Prefix:
    """The first networks, merged."""

    shards: int = 0
    samples: int = 0
    tree: Tree = field(default_factory=Tree)

    def extended(self, job: Job, part: Part) -> _Prefix:
        tree = Tree()
        tree.roots = list(self.tree.roots)
        for level, record in unpack(job, part.payload):
            tree.push(level, record)
        return _Prefix(self.shards + 1, self.samples + part.count, tree)


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
    prefix: _Prefix = field(default_factory=_Prefix)
    pending: dict[Future[Part], Shard] = field(default_factory=dict)
    ready: dict[int, tuple[Shard, Part]] = field(default_factory=dict)
    submitted: int = 0
    done: bool = False

    def loop(self) -> None:
        """Submit, collect and merge until a limit is reached."""
        while not self.done:
            self.fill()
            if not self.pending and self.prefix.shards == self.submitted:
                return
            self.collect(_TICK)
            self.merge()
            self.report()
            # Threads hand over what they have; other executors must finish one shard.
            if self.late() and (self.prefix.shards or self.stop is not None):
                return

    def late(self) -> bool:
        """Whether the time is up."""
        seconds = self.limits.seconds
        return seconds is not None and time.perf_counter() - self.start >= seconds

    def precise(self) -> bool:
        """Whether the error of E M_d^order is small enough, or there is none: no length was positive."""
        target = self.limits.relative_error
        if target is None or not _asked(self.prefix.shards):
            return False
        moment = self.estimate().layers[-1].moments[-1]
        return moment.log == -math.inf or (
            moment.relative_error is not None and moment.relative_error <= target
        )

    def fill(self) -> None:
        """Keep the window full; what the store holds is not computed again."""
        while len(self.pending) + len(self.ready) < self.window:
            shard = self.cut.shard(self.submitted, self.limits.samples)
            if shard is None:
                return
            self.submitted += 1
            known = None if self.store is None else self.store.get(self.key(shard), shard.number)
            if known is not None:
                self.ready[shard.number] = (shard, Part(shard.count, known))
                continue
            stopped = None if self.stop is None else self.stop.is_set
            with _workers_may_be_gone():
                self.pending[self.executor.submit(compute, self.job, shard, stopped)] = shard

    def key(self, shard: Shard) -> str:
        """Job and shape of the shard: another cut is another entry."""
        return f"{self.job.key}:{shard.leaf}:{self.cut.leaves}:{shard.count}"

    def collect(self, seconds: float) -> None:
        """Take what is done; store what is whole."""
        done, _ = wait(self.pending, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            shard, part = self.pending[future], _result(future)
            if self.store is not None and part.count == shard.count:
                self.store.put(self.key(shard), shard.number, part.payload)
            self.ready[shard.number] = (shard, part)
            del self.pending[future]

    def merge(self) -> None:
        """Merge in order, as far as nothing is missing; stop as soon as a limit is met."""
        while not self.done and self.prefix.shards in self.ready:
            shard, part = self.ready[self.prefix.shards]
            self.prefix = self.prefix.extended(self.job, part)
            del self.ready[shard.number]
            # A part of a shard ends the prefix.
            self.done = part.count < shard.count or self.precise()

    def report(self) -> None:
        if self.progress is not None:
            self.progress(self.prefix.samples, self.limits.samples, time.perf_counter() - self.start)

    def estimate(self) -> Any:
        method = method_named(self.job.method)
        return method.estimate(self.job, self.prefix.tree.total(), time.perf_counter() - self.start)

    def give_up(self) -> None:
        """Drop what has not begun, keep what comes back: threads finish their leaf, others get seconds."""
        if self.stop is not None:
            self.stop.set()
        for future, shard in self.pending.items():
            # Without the first shard there would be nothing to tell.
            if shard.number > self.prefix.shards:
                future.cancel()
        self.pending = {f: s for f, s in self.pending.items() if not f.cancelled()}
        end = time.perf_counter() + _PATIENCE
        while self.pending and (self.stop is not None or time.perf_counter() < end):
            self.collect(_TICK)
        self.merge()


def _result(future: Future[Part]) -> Part:
    """What a worker handed back."""
    with _workers_may_be_gone():
        return future.result()


@contextmanager
def _workers_may_be_gone() -> Iterator[None]:
    """One line for what a lost worker raises, be it on the way there or on the way back."""
    try:
        yield
    except MemoryError:
        raise SpecError(
            "the networks do not fit in memory; give fewer --threads, or narrower layers"
        ) from None
    except (BrokenExecutor, CancelledError) as error:
        raise SpecError(_lost(error)) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "distributed":
            raise SpecError(_lost(error)) from None
        raise


def _lost(error: BaseException) -> str:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return (
        f"the workers are gone ({reason}); start again, with fewer if memory ran out, and with --store to "
        "keep what is done"
    )


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
) -> Any:
    """Carry out a job; what comes back is what its method makes of the networks.

    `executor` takes any Executor; without one, threads of this process work. `window` shards are under way
    at once, two a thread if it is not given.

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
        raise Interrupted(state.estimate() if state.prefix.shards else None) from None
    finally:
        if state.stop is not None:
            state.stop.set()
        if own is not None:
            own.shutdown(cancel_futures=True)
        if kept is not None:
            kept.close()
