"""The direction of imports between the rooms, read from the syntax trees of all files.

theory imports none of ours; simulate knows only the specs; proofs_check knows both but not the
front door; the proof kernel trusts nothing but the standard library and itself.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("actlen", "theory", "simulate", "proofs_check")
SPECS = {
    "activations",
    "convolutional",
    "law",
    "finite_law",
    "door",
    "errors",
    "fans",
    "laws",
    "network",
    "rationals",
    "reals",
    "residual",
    "schedules",
    "spec",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "sympify", "parse_expr", "__import__"}


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"no Python files in {folder}"
    return found


@cache
def imported(source: str) -> set[str]:
    """Dotted names of all modules imported anywhere in the source, also inside functions.

    `from a import b` gives a.b, which for a plain name b of module a is finer than need be.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def called(source: str) -> set[str]:
    """Plain and attribute names that are called."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {f.id for f in calls if isinstance(f, ast.Name)} | {
        f.attr for f in calls if isinstance(f, ast.Attribute)
    }


def room(name: str) -> str:
    return name.partition(".")[0]


def theory_imports_nothing_of_ours(source: str) -> bool:
    return not {room(n) for n in imported(source)} & {"actlen", "simulate", "proofs_check", "tests"}


def simulate_imports_only_specs(source: str) -> bool:
    names = imported(source)
    specs_only = all(n.split(".")[1] in SPECS for n in names if room(n) == "theory" and "." in n)
    return specs_only and "theory" not in names and not {room(n) for n in names} & {"actlen", "proofs_check"}


def proofs_check_leaves_the_front_door_alone(source: str) -> bool:
    return not {room(n) for n in imported(source)} & {"actlen", "tests"}


def kernel_trusts_only_itself(source: str) -> bool:
    names = imported(source)
    algebra = {"sympy", "flint", "mpmath", "numpy", "scipy", "actlen", "theory", "simulate"}
    ours = [n for n in names if room(n) == "proofs_check"]
    return not {room(n) for n in names} & algebra and all(n.startswith("proofs_check.kernel.") for n in ours)


def calls_nothing_that_runs_text(source: str) -> bool:
    return not called(source) & (FORBIDDEN_CALLS - {"compile"}) and "compile" not in plain_calls(source)


@cache
def plain_calls(source: str) -> set[str]:
    """re.compile is fine; the builtin compile is not."""
    nodes = [n.func for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)]
    return {f.id for f in nodes if isinstance(f, ast.Name)}


def does_not_import_sympy(source: str) -> bool:
    return "sympy" not in {room(n) for n in imported(source)}


RULES = [
    (theory_imports_nothing_of_ours, "theory", "from simulate.reference import lengths"),
    (simulate_imports_only_specs, "simulate", "from theory.recursion import moment_recursion"),
    (simulate_imports_only_specs, "simulate", "from theory import gaussian"),
    (simulate_imports_only_specs, "simulate", "def f():\n    import theory.bounds"),
    (simulate_imports_only_specs, "simulate", "import proofs_check.oracle"),
    (proofs_check_leaves_the_front_door_alone, "proofs_check", "import actlen as al"),
    (kernel_trusts_only_itself, "proofs_check/kernel", "from theory.recursion import moment_recursion"),
    (kernel_trusts_only_itself, "proofs_check/kernel", "from proofs_check import oracle"),
    (kernel_trusts_only_itself, "proofs_check/kernel", "def f():\n    from flint import fmpq"),
    (kernel_trusts_only_itself, "proofs_check/kernel", "import sympy"),
]


@pytest.mark.parametrize("rule, folder, mutant", RULES)
def test_import_direction(rule, folder, mutant):
    offenders = [str(path) for path in files(folder) if not rule(path.read_text(encoding="utf-8"))]
    assert offenders == []
    assert not rule(mutant)


def test_only_the_bridge_imports_sympy():
    found = {
        str(path.relative_to(ROOT))
        for folder in ROOMS
        for path in files(folder)
        if not does_not_import_sympy(path.read_text(encoding="utf-8"))
    }
    assert found == {"theory/sympy_bridge.py"}


@pytest.mark.parametrize("folder", ROOMS)
def test_no_text_is_ever_run(folder):
    offenders = [
        str(p) for p in files(folder) if not calls_nothing_that_runs_text(p.read_text(encoding="utf-8"))
    ]
    assert offenders == []


@pytest.mark.parametrize("name", sorted(FORBIDDEN_CALLS))
def test_search_for_running_text_bites(name):
    assert not calls_nothing_that_runs_text(f"x = {name}('1 + 1')")
    assert name == "compile" or not calls_nothing_that_runs_text(f"import m\nx = m.{name}('1 + 1')")
    assert calls_nothing_that_runs_text("import re\nx = re.compile('a').match('eval(1)')")


@pytest.mark.parametrize("room", ROOMS)
def test_no_submodule_shadows_a_public_name(room):
    """Importing theory.x sets the attribute x of theory: a lazy name x would turn into the module."""
    tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    public = {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    modules = {path.stem for path in (ROOT / room).iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not public & modules
