"""What is mutated, and which tests take part: `[tool.mutation]` in pyproject.toml of the working folder."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path.cwd()
STATE = ROOT / ".mutants"


@cache
def settings() -> dict[str, Any]:
    """rooms (name to patterns), packages, left_out (test file to reason), libraries, compiled, register."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(found["tool"]["mutation"])


def room_files() -> dict[str, list[Path]]:
    """The source files of each room, sorted, relative to the root.

    >>> sorted(room_files())
    ['proofs_check/kernel', 'proofs_check/statement_kernel', 'simulate', 'theory']
    """
    return {
        room: sorted(path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern))
        for room, patterns in settings()["rooms"].items()
    }


def module_name(path: Path) -> str:
    """The dotted name of a source file.

    >>> module_name(Path("theory/__init__.py")), module_name(Path("theory/readings/exact.py"))
    ('theory', 'theory.readings.exact')
    """
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def files_with_tests() -> list[Path]:
    """The files with tests that take part, found by base name wherever they lie under tests/."""
    found = sorted(path.relative_to(ROOT) for path in ROOT.glob("tests/**/test_*.py"))
    return [path for path in found if path.stem not in settings()["left_out"]]


def imports(source: str) -> set[str]:
    """Dotted names that a source imports anywhere; of `from a import b` both a and a.b.

    >>> sorted(imports("import x.y\\ndef f():\\n    from a import b"))
    ['a', 'a.b', 'x.y']
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@cache
def importers() -> dict[str, set[str]]:
    """For each of our modules, the modules that import it by name."""
    packages = settings()["packages"]
    files = [path.relative_to(ROOT) for room in packages for path in sorted((ROOT / room).rglob("*.py"))]
    found: dict[str, set[str]] = {module_name(path): set() for path in files}
    for path in files:
        for name in imports((ROOT / path).read_text(encoding="utf-8")) & set(found):
            found[name].add(module_name(path))
    return found


def reaches_kernels(module: str) -> bool:
    """Whether compiled code depends on the module, so that numba's cache could hide its mutants.

    >>> reaches_kernels("theory.bounds"), reaches_kernels("simulate.kernels.streams")
    (False, True)
    """
    seen, front = {module}, {module}
    while front:
        front = {importer for name in front for importer in importers().get(name, ())} - seen
        seen |= front
    return bool(seen & importers().get(settings()["compiled"], set()))
