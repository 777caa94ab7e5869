"""The two ways to run tests on a mutant, both inside a fork.

`Warm` is a process that has collected all tests once; its children exchange code in place and run items.
`afresh` starts from the caller, which has imported libraries but nothing of ours.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from mutation.forking import Ended, allow, forked
from mutation.planting import Living, exchanges, living_functions, plant_afresh, plant_in_place
from mutation.scope import ROOT, STATE, room_files, settings

OPTIONS = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-m",
    "not slow",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
# Seconds of computation that one test gets: a fixed allowance, and a multiple of what it took unchanged.
ALLOWANCE, MULTIPLE, LONGEST_WALL = 4.0, 5.0, 300.0
Tracing = Callable[[], AbstractContextManager[Callable[[], dict[str, str]]]]


@dataclass(frozen=True)
class Planned:
    """A test, and the seconds that it took on the unchanged code."""

    nodeid: str
    seconds: float


def load_libraries() -> None:
    """Import what is not ours, so that no child has to; threads do not survive forks, so one each.

    Hypothesis would import us through our entry point: that is left to `register_types`, in the children.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["CI"] = "1"
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(STATE / "bytecode")
    os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"
    try:
        for library in settings()["libraries"]:
            importlib.import_module(library)
    finally:
        del os.environ["HYPOTHESIS_NO_PLUGINS"]


def register_types() -> None:
    """What Hypothesis does on import: tell it how our types are drawn."""
    if "hypothesis" in sys.modules:
        importlib.import_module("hypothesis.entry_points").run()


class Watch:
    """A plugin that notes which test failed, and limits the time of each."""

    def __init__(self, tests: Iterable[Planned] = ()) -> None:
        self.seconds = {test.nodeid: test.seconds for test in tests}
        self.order = {test.nodeid: number for number, test in enumerate(tests)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only the tests asked for, in their order."""
        items[:] = sorted((i for i in items if i.nodeid in self.order), key=lambda i: self.order[i.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Each test has its own limit."""
        allow(ALLOWANCE + MULTIPLE * self.seconds.get(nodeid, 1.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first failure."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


def afresh(module: str, path: Path, changed: str, tests: list[Planned]) -> Ended:
    """The value is the first test that failed, "" if none; our modules are imported anew."""
    if module in sys.modules:
        raise SystemExit(f"{module} was imported before the fork: its mutants cannot be imported anew")

    def attempt() -> str:
        watch = Watch(tests)
        allow(60)
        plant_afresh(module, path, changed)
        importlib.import_module(module)
        register_types()
        files = sorted({test.nodeid.partition("::")[0] for test in tests})
        status = pytest.main([*OPTIONS, "-x", *files], plugins=[watch]) if files else 0
        return watch.failed or ("the tests do not load" if status not in {0, 5} else "")

    return forked(attempt, LONGEST_WALL)


class Warm:
    """A process in which the files are collected, with our modules' own doctests; asked over a pipe."""

    def __init__(self, reach: Tracing, files: list[Path]) -> None:
        self.pipe, other = Pipe()
        self.child = os.fork()
        if self.child == 0:
            self.pipe.close()
            silence = os.open(os.devnull, os.O_RDWR)
            os.dup2(silence, 1)
            _serve(other, reach, files)
            os._exit(0)
        other.close()
        self.nodeids: list[str]
        self.on_import: dict[str, str]
        self.nodeids, self.on_import = self.pipe.recv()

    def measure(self, nodeid: str, seconds: float) -> Ended:
        """Run one test unchanged: its seconds, whether it passed, and the functions that it reached."""
        ended = self.ask("measure", nodeid, seconds)
        assert ended is not None
        return ended

    def mutant(self, path: Path, changed: str, tests: list[Planned]) -> Ended | None:
        """The value is the first test that failed, "" if none; None: not to be judged in place."""
        return self.ask("mutant", path, changed, tests)

    def ask(self, *job: Any) -> Ended | None:
        """One answer."""
        self.pipe.send(job)
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self.pipe.send(None)
        os.waitpid(self.child, 0)


def _serve(pipe: Connection, reach: Tracing, files: list[Path]) -> None:
    chosen = [*files, *(file for room in room_files().values() for file in room)]
    with reach() as reached:
        register_types()
        pytest.main([*OPTIONS, *map(str, chosen)], plugins=[_Loop(pipe, reach, reached)])


class _Loop:
    """Takes the place of pytest's loop over the tests."""

    def __init__(self, pipe: Connection, reach: Tracing, reached: Callable[[], dict[str, str]]) -> None:
        self.pipe, self.reach, self.reached, self.watch = pipe, reach, reached, Watch()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.watch.pytest_runtest_logreport(report)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        on_import = self.reached()
        if session.testsfailed:
            self.pipe.send(([], {}))
            return True
        self.items = {item.nodeid: item for item in session.items}
        gc.collect()
        self.living: Living = living_functions(ROOT)
        gc.freeze()
        self.pipe.send((list(self.items), on_import))
        with suppress(EOFError):
            while (job := self.pipe.recv()) is not None:
                self.pipe.send(self.answer(*job))
        return True

    def answer(self, kind: str, *words: Any) -> Ended | Exception | None:
        """What the method of this name returns or raises."""
        try:
            return getattr(self, kind)(*words)  # type: ignore[no-any-return]
        except Exception as error:
            return error

    def measure(self, nodeid: str, seconds: float) -> Ended:
        """A test by itself, on the unchanged code."""

        def attempt() -> dict[str, Any]:
            allow(seconds)
            with self.reach() as reached:
                start = time.process_time()
                self.run([Planned(nodeid, 0)], limited=False)
                taken = time.process_time() - start
            return {"seconds": taken, "failed": self.watch.failed, "reached": reached()}

        return forked(attempt, LONGEST_WALL)

    def mutant(self, path: Path, changed: str, tests: list[Planned]) -> Ended | None:
        """The tests on the changed code."""
        pairs = exchanges(ROOT / path, changed, self.living)
        if pairs is None:
            return None

        def attempt() -> str:
            plant_in_place(pairs)
            self.run(tests)
            return self.watch.failed

        return forked(attempt, LONGEST_WALL)

    def run(self, tests: list[Planned], limited: bool = True) -> None:
        """Until one fails. The next test is named so that fixtures which it shares are kept."""
        items = [self.items[test.nodeid] for test in tests]
        for test, item, after in zip(tests, items, [*items, None][1:], strict=True):
            if limited:
                allow(ALLOWANCE + MULTIPLE * test.seconds)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.watch.failed:
                return
