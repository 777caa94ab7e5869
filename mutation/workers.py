"""Some processes that work side by side, each asked over a pipe of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

Job = tuple[Any, ...]


@dataclass(frozen=True)
class Worker:
    """A process, the pipe to it, and what it said first."""

    process: int
    pipe: Connection
    hello: Any


class Workers:
    """`make()` is called in each process; a job `(name, *words)` calls that method of what it made."""

    def __init__(self, number: int, make: Callable[[], Any]) -> None:
        started: list[tuple[int, Connection]] = []
        for _ in range(number):
            started.append(_start(make, [pipe for _, pipe in started]))
        self.workers = [Worker(process, pipe, _received(pipe)) for process, pipe in started]

    @property
    def hello(self) -> Any:
        """The `hello` of what was made, the same for all."""
        return self.workers[0].hello

    def map(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Any]]:
        """Each job with its answer, as they come; a job is asked for when a process is free for it."""
        waiting, busy = iter(jobs), {}
        for worker in self.workers:
            if job := _send(worker.pipe, waiting):
                busy[worker.pipe] = job
        while busy:
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                done, answer = busy.pop(pipe), _received(pipe)
                if job := _send(pipe, waiting):
                    busy[pipe] = job
                yield done, answer

    def close(self) -> None:
        """End the processes."""
        for worker in self.workers:
            worker.pipe.close()
            with suppress(ProcessLookupError):
                os.kill(worker.process, signal.SIGTERM)
            os.waitpid(worker.process, 0)


def _start(make: Callable[[], Any], others: list[Connection]) -> tuple[int, Connection]:
    ours, theirs = Pipe()
    process = os.fork()
    if process:
        theirs.close()
        return process, ours
    # Ctrl-C is for the process that asks; it ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A pipe that stays open here would not end for its own process.
    for pipe in (ours, *others):
        pipe.close()
    try:
        made = make()
        theirs.send(made.hello)
        with suppress(EOFError):
            while True:
                name, *words = theirs.recv()
                theirs.send(getattr(made, name)(*words))
    except BaseException as error:
        with suppress(OSError):
            theirs.send(error)
    os._exit(1)


def _send(pipe: Connection, jobs: Iterator[Job]) -> Job | None:
    """The job sent, if there is one left."""
    job = next(jobs, None)
    if job is not None:
        pipe.send(job)
    return job


def _received(pipe: Connection) -> Any:
    answer = pipe.recv()
    if isinstance(answer, BaseException):
        raise answer
    return answer
