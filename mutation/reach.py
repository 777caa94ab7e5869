"""Which functions of the scope a test reaches, and how long it takes; measured once and kept in a file."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from coverage import Coverage

from mutation.lines import bodies, statement
from mutation.mutants import Mutant
from mutation.running import Planned, Warm
from mutation.scope import ROOT, importers, imports, module_name, room_files
from mutation.workers import Workers

# A test that needs more than this is left to `make test`; a mutant is tried on so much testing at most.
LONGEST_TEST, LONGEST_MUTANT = 4.0, 20.0
# A mutant that no test is known to run is tried on so much.
UNSEEN = 4.0
# Of a parametrised test, so many instances take part.
INSTANCES = 40
# Seconds for a first run that compiles kernels.
COMPILING = 90
TOO_LONG = "takes too long"


def scope_files() -> list[Path]:
    """All files that are mutated."""
    return [path for paths in room_files().values() for path in paths]


@contextmanager
def traced() -> Iterator[Callable[[], dict[str, str]]]:
    """Within: the lines run are noted. Afterwards, call what was yielded: the lines run in each function.

    The key is `module:function@digest`, the value a hexadecimal number with one bit for each line.
    """
    files = scope_files()
    cover = Coverage(data_file=None, include=[str(ROOT / path) for path in files], config_file=False)
    cover.start()

    def reached() -> dict[str, str]:
        cover.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = cover.get_data()
        masks: dict[str, int] = defaultdict(int)
        for path in files:
            for line in data.lines(str(ROOT / path)) or ():
                if body := bodies(path).get(line):
                    masks[f"{module_name(path)}:{body.name}@{body.digest}"] |= body.mask(
                        range(line, line + 1)
                    )
        return {name: f"{mask:x}" for name, mask in sorted(masks.items())}

    yield reached


def taking_part(nodeids: list[str]) -> list[str]:
    """Of each parametrised test up to so many instances, the same ones on every run; doctests come first.

    >>> taking_part(["tests/a.py::f", "m.py::m.f", *(f"tests/a.py::g[{n}]" for n in range(10))])[:3]
    ['m.py::m.f', 'tests/a.py::f', 'tests/a.py::g[0]']
    """
    families = defaultdict(list)
    for nodeid in nodeids:
        families[family(nodeid)].append(nodeid)
    spread = [
        members[len(members) * k // min(len(members), INSTANCES)]
        for members in families.values()
        for k in range(min(len(members), INSTANCES))
    ]
    return sorted(spread, key=lambda nodeid: (nodeid.startswith("tests/"), _simulates(nodeid)))


@cache
def _imported_by(path: Path) -> frozenset[str]:
    return frozenset(imports(path.read_text(encoding="utf-8"))) if path.exists() else frozenset()


def _imported(nodeid: str) -> frozenset[str]:
    """What the file of a test imports."""
    return _imported_by(ROOT / nodeid.partition("::")[0])


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else ""


def _source(nodeid: str) -> str:
    """A digest of the file that a test stands in."""
    return _digest(ROOT / nodeid.partition("::")[0])


def _simulates(nodeid: str) -> bool:
    """Whether the test's file simulates, which takes longer and may have to compile first."""
    return any(name.partition(".")[0] == "simulate" for name in _imported(nodeid))


def family(nodeid: str) -> str:
    """The test function of an instance.

    >>> family("tests/test_a.py::test_b[1-2]")
    'tests/test_a.py::test_b'
    """
    return nodeid.partition("[")[0]


def measured(warm: Warm, nodeid: str) -> dict[str, Any]:
    """One test on the unchanged code; a first run that compiles kernels does not count."""
    compiles = _simulates(nodeid) or not nodeid.startswith("tests/")
    ended = warm.measure(nodeid, COMPILING if compiles else 2 * LONGEST_TEST)
    if compiles and ended.value and ended.value["seconds"] > LONGEST_TEST:
        ended = warm.measure(nodeid, 2 * LONGEST_TEST)
    if ended.value:
        return dict(ended.value)
    return _not_taking_part(TOO_LONG if ended.how == "timeout" else ended.how)


def _not_taking_part(why: str) -> dict[str, Any]:
    return {"seconds": LONGEST_TEST + 1, "failed": why, "reached": {}}


@dataclass
class Reach:
    """The measurements: for each test its seconds and the functions that it reaches, with the lines."""

    file: Path
    seconds: dict[str, float] = field(default_factory=dict)
    by_function: dict[str, dict[str, tuple[str, int]]] = field(default_factory=lambda: defaultdict(dict))
    by_module: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    failing: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Reach:
        """What was measured before."""
        found = cls(file)
        if file.exists():
            rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            # Of tests whose file has changed since, nothing is known.
            fresh = [row for row in rows if row.pop("source", "") == _source(row["nodeid"])]
            for row in {row["nodeid"]: row for row in fresh}.values():
                found.add(**row)
        return found

    def add(self, nodeid: str, seconds: float, failed: str, reached: dict[str, str]) -> None:
        """One test more."""
        self.seconds[nodeid] = seconds
        if failed or seconds > LONGEST_TEST:
            self.failing[nodeid] = failed or TOO_LONG
            return
        for key, mask in reached.items():
            name, _, digest = key.partition("@")
            self.by_function[name][nodeid] = digest, int(mask, 16)
        for module in {key.partition(":")[0] for key in reached}:
            self.by_module[module].append(nodeid)

    def measure(self, workers: Workers, nodeids: list[str], say: Callable[[str], None]) -> None:
        """Measure the tests that are new, and keep each at once."""
        new = [nodeid for nodeid in taking_part(nodeids) if nodeid not in self.seconds]
        slow = {family(nodeid) for nodeid, why in self.failing.items() if why == TOO_LONG}
        with self.file.open("a", encoding="utf-8") as out:

            def keep(nodeid: str, row: dict[str, Any]) -> None:
                self.add(nodeid, **row)
                if self.failing.get(nodeid) == TOO_LONG:
                    slow.add(family(nodeid))
                out.write(json.dumps({"nodeid": nodeid, "source": _source(nodeid), **row}) + "\n")
                out.flush()

            def jobs() -> Iterator[tuple[str, str]]:
                for number, nodeid in enumerate(new):
                    if number % 100 == 99:
                        say(f"measured {number + 1} of {len(new)} tests")
                    if family(nodeid) in slow:
                        keep(nodeid, _not_taking_part(TOO_LONG))
                    else:
                        yield "measure", nodeid

            for (_, nodeid), row in workers.map(jobs()):
                keep(nodeid, row)

    def tests(self, mutant: Mutant, present: set[str], seconds: float = LONGEST_MUTANT) -> list[Planned]:
        """The tests for a mutant, the quick ones of each test function first, up to so many seconds.

        They are those that run the changed statement. Where none is known to (it may run in another
        process) those that reach its function come, but for a few seconds only. A function that no test is
        known to reach, and code that runs on import, gets the tests that reach its module, those that reach
        the modules which import it, and those in files which import it.
        """
        by_test = self.by_function.get(f"{mutant.module}:{mutant.function}", {})
        if by_test:
            names = [name for name, (digest, mask) in by_test.items() if _runs(mutant, digest, mask)]
            names, seconds = (names, seconds) if names else (list(by_test), min(seconds, UNSEEN))
        else:
            names = list(self.by_module.get(mutant.module, ()))
            for importer in sorted(importers().get(mutant.module, ())):
                names += self.by_module.get(importer, ())
            names += [nodeid for nodeid in self.seconds if mutant.module in _imported(nodeid)]
        chosen = [name for name in dict.fromkeys(names) if name in present and name not in self.failing]
        return self._in_order(chosen, seconds)

    def _in_order(self, names: list[str], seconds: float) -> list[Planned]:
        instances: dict[str, int] = defaultdict(int)
        ranked = []
        for name in sorted(names, key=lambda name: self.seconds[name]):
            instances[family(name)] += 1
            ranked.append(((0.01 + self.seconds[name]) * instances[family(name)], name))
        return within([Planned(name, self.seconds[name]) for _, name in sorted(ranked)], seconds)


def within(tests: list[Planned], seconds: float) -> list[Planned]:
    """The first tests, up to so many seconds; at least one.

    >>> [test.nodeid for test in within([Planned("a", 2), Planned("b", 2), Planned("c", 2)], 5)]
    ['a', 'b']
    """
    totals = accumulate(test.seconds for test in tests)
    return [
        test for n, (test, total) in enumerate(zip(tests, totals, strict=True)) if total <= seconds or not n
    ]


def _runs(mutant: Mutant, digest: str, mask: int) -> bool:
    """Whether a test ran the statement; one that was measured on another text of the function may have."""
    body = bodies(mutant.path).get(mutant.start[0])
    if body is None or body.digest != digest or body.name != mutant.function:
        return True
    lines = (line for line in statement(mutant.path, mutant.start[0]) if line >= body.first)
    return bool(mask & body.mask(lines))
