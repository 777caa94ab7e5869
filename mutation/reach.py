"""Which functions of the scope a test reaches, and how long it takes; measured once and kept in a file."""

from __future__ import annotations

import ast
import hashlib
import json
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from coverage import Coverage

from mutation.running import Planned, Warm
from mutation.scope import ROOT, importers, imports, module_name, room_files

# A test that needs more than this is left to `make test`; a mutant is tried on so much testing at most.
LONGEST_TEST, LONGEST_MUTANT = 4.0, 20.0
# Of a parametrised test, so many instances take part.
INSTANCES = 40
# Seconds for a first run that compiles kernels.
COMPILING = 90
TOO_LONG = "takes too long"


@cache
def function_lines(path: Path) -> dict[int, str]:
    """The qualified name of the innermost function for each line of a body; `<module>` for all others."""
    found: dict[int, str] = {}

    def visit(node: ast.AST, names: tuple[str, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = (*names, child.name)
                if not isinstance(child, ast.ClassDef):
                    for line in range(child.body[0].lineno, (child.end_lineno or 0) + 1):
                        found[line] = ".".join(inner)
                visit(child, inner)
            else:
                visit(child, names)

    visit(ast.parse((ROOT / path).read_text(encoding="utf-8")), ())
    return found


def scope_files() -> list[Path]:
    """All files that are mutated."""
    return [path for paths in room_files().values() for path in paths]


@contextmanager
def traced() -> Iterator[Callable[[], list[str]]]:
    """Within: the lines run are noted. Afterwards, call what was yielded: `module:function` of each."""
    files = scope_files()
    cover = Coverage(data_file=None, include=[str(ROOT / path) for path in files], config_file=False)
    cover.start()

    def reached() -> list[str]:
        cover.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = cover.get_data()
        return sorted(
            {
                f"{module_name(path)}:{function_lines(path)[line]}"
                for path in files
                for line in data.lines(str(ROOT / path)) or ()
                if line in function_lines(path)
            }
        )

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
    failed = TOO_LONG if ended.how == "timeout" else ended.how
    return {"seconds": LONGEST_TEST + 1, "failed": failed, "reached": []}


@dataclass
class Reach:
    """The measurements: for each test its seconds and the functions that it reaches."""

    file: Path
    seconds: dict[str, float] = field(default_factory=dict)
    by_function: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
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

    def add(self, nodeid: str, seconds: float, failed: str, reached: list[str]) -> None:
        """One test more."""
        self.seconds[nodeid] = seconds
        if failed or seconds > LONGEST_TEST:
            self.failing[nodeid] = failed or TOO_LONG
            return
        for name in reached:
            self.by_function[name].append(nodeid)
        for module in {name.partition(":")[0] for name in reached}:
            self.by_module[module].append(nodeid)

    def measure(self, warm: Warm, say: Callable[[str], None]) -> None:
        """Measure the tests that are new, and keep each at once."""
        new = [nodeid for nodeid in taking_part(warm.nodeids) if nodeid not in self.seconds]
        slow = {family(nodeid) for nodeid, why in self.failing.items() if why == TOO_LONG}
        with self.file.open("a", encoding="utf-8") as out:
            for number, nodeid in enumerate(new):
                row: dict[str, Any] = {"seconds": LONGEST_TEST + 1, "failed": TOO_LONG, "reached": []}
                if family(nodeid) not in slow:
                    row = measured(warm, nodeid)
                self.add(nodeid, **row)
                if self.failing.get(nodeid) == TOO_LONG:
                    slow.add(family(nodeid))
                out.write(json.dumps({"nodeid": nodeid, "source": _source(nodeid), **row}) + "\n")
                out.flush()
                if number % 100 == 99:
                    say(f"measured {number + 1} of {len(new)} tests")

    def tests(self, module: str, function: str, present: set[str]) -> list[Planned]:
        """The tests for a mutant, the quick ones of each test function first, up to so many seconds.

        A function that no test is known to reach, and code that runs on import, gets the tests that reach
        its module, those that reach the modules which import it, and those in files which import it.
        """
        names = self.by_function.get(f"{module}:{function}", [])
        if not names:
            names = list(self.by_module.get(module, ()))
            for importer in sorted(importers().get(module, ())):
                names += self.by_module.get(importer, ())
            names += [nodeid for nodeid in self.seconds if module in _imported(nodeid)]
        return self._in_order(
            [name for name in dict.fromkeys(names) if name in present and name not in self.failing]
        )

    def _in_order(self, names: list[str]) -> list[Planned]:
        instances: dict[str, int] = defaultdict(int)
        ranked = []
        for name in sorted(names, key=lambda name: self.seconds[name]):
            instances[family(name)] += 1
            ranked.append(((0.01 + self.seconds[name]) * instances[family(name)], name))
        chosen: list[Planned] = []
        total = 0.0
        for _, name in sorted(ranked):
            total += self.seconds[name]
            if total > LONGEST_MUTANT and chosen:
                break
            chosen.append(Planned(name, self.seconds[name]))
        return chosen
