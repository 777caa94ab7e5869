"""The mutation testing itself, on a toy project whose survivors are known.

The toy has what is easily missed: a cached function, a property, a constant that is read on import, a
function in which no operator of the tool finds anything, and annotations, which must not be mutated.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_item import WorkerOutcome, WorkResult

from mutation.__main__ import main
from mutation.emptying import EmptyBody
from mutation.forking import allow, forked
from mutation.mutants import EMPTYING, mutants_of
from mutation.record import read
from mutation.report import Rate, Report
from mutation.running import afresh
from mutation.scope import (
    files_with_tests,
    importers,
    imports,
    module_name,
    reaches_kernels,
    room_files,
    settings,
)
from mutation.session import KILLED, SURVIVED

ROOT = Path(__file__).resolve().parent
while not (ROOT / "pyproject.toml").exists():
    ROOT = ROOT.parent

SETTINGS = """
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "--doctest-modules"]
[tool.mutation]
packages = ["toy"]
register = "surviving.toml"
record = "record.txt"
compiled = "toy.compiled"
libraries = []
[tool.mutation.rooms]
toy = ["toy/*.py"]
[tool.mutation.left_out]
"""
TOY = '''
from __future__ import annotations
from functools import cache

LIMIT = 10


@cache
def double(x: int | None) -> int | None:
    """Twice."""
    return x * 2


def capped(x):
    return x if x < LIMIT else LIMIT


def word(x):
    return str(x)


def loose(x):
    return x + 1


class Square:
    def __init__(self, side):
        self.side = side

    @property
    def area(self):
        return self.side**2

    def perimeter(self): ...
'''
TESTS = """
import pytest
from toy.counts import Square, capped, double, loose, word

AT_ONCE = word(5)

@pytest.mark.parametrize("x", [3, 4])
def test_double(x):
    assert double(x) == x + x

def test_capped():
    assert (capped(3), capped(20)) == (3, 10)

def test_word():
    assert AT_ONCE == "5"

def test_loose():
    assert isinstance(loose(1), int)

def test_square():
    assert Square(3).area == 9
"""
MORE_TESTS = """
from toy.counts import loose

def test_more():
    assert loose(1) == 2
"""
# By hand: two numbers and one sign of `loose`, and the comparison of `capped`, where both sides agree.
SURVIVORS = {"loose": 3, "capped": 1}
EXPLAINED = """
[[mutant]]
where = "toy.counts:capped"
before = "return x if x < LIMIT else LIMIT"
after = ["return x if x <= LIMIT else LIMIT", "return x if x < LIMIT else -LIMIT"]
reason = "at the limit both branches give the limit"
"""


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "toy" / "__init__.py").write_text("")
    (tmp_path / "toy" / "counts.py").write_text(TOY)
    (tmp_path / "tests" / "test_toy.py").write_text(TESTS)
    return tmp_path


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def mutate(folder, *words):
    """Exit status and output of the command in a project."""
    path = os.pathsep.join([str(ROOT), str(folder)])
    command = [sys.executable, "-m", "mutation", *words]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


def tried(output):
    return re.findall(r"^\d+/\d+ .* (killed|survived|incompetent) \S+ (\S+)", output, re.MULTILINE)


@pytest.mark.full
def test_the_survivors_of_the_toy_are_the_known_ones_and_runs_go_on_where_they_stopped(toy):
    _, first = mutate(toy, "--sample", "4")
    assert len(tried(first)) == 4
    status, rest = mutate(toy)
    outcomes = tried(first) + tried(rest)
    assert f"{len(outcomes) - 4}/{len(outcomes) - 4} " in rest, "the four are not tried again"
    found = [name for outcome, name in outcomes if outcome == "survived"]
    assert {name: found.count(name) for name in found} == SURVIVORS
    assert {name for outcome, name in outcomes if outcome == "killed"} >= {
        "double",
        "Square.area",
        "word",
        "<module>",
    }
    assert status == 1
    assert "FAILS: 4 survivors are not explained" in rest
    assert re.search(r"^ +3 +3 +0  toy\.counts:loose$", rest, re.MULTILINE)

    (toy / "surviving.toml").write_text(EXPLAINED)
    (toy / "tests" / "test_more.py").write_text(MORE_TESTS)
    assert mutate(toy, "--tests", "more")[0] == 2, "what survives some of the tests may not survive all"
    status, again = mutate(toy, "--again", "--tests", "nothing,more", "--record")
    assert sorted(tried(again)) == [("killed", "loose")] * 3 + [("survived", "capped")]
    assert status == 0

    (toy / ".mutants" / "session.sqlite").unlink()
    status, known = mutate(toy, "--known")
    assert (status, tried(known)) == (0, []), "the record says it all"

    (toy / "toy" / "counts.py").write_text(TOY.replace("x + 1", "1 + x"))
    _, changed = mutate(toy)
    assert {name for _, name in tried(changed)} == {"loose"}, "only the function that changed is tried again"


def test_a_function_without_mutants_fails():
    path = Path("theory/reals.py")
    everything = mutants_of(path)
    assert Report(everything, {}, Path("none.toml")).without_mutants() == []
    fewer = [mutant for mutant in everything if mutant.function != "square_root"]
    report = Report(fewer, {}, Path("none.toml"))
    assert report.without_mutants() == ["theory.reals:square_root"]
    assert report.fails() == ["1 functions have no mutant"]


@pytest.mark.full
def test_the_record_says_what_trust_says():
    """Nine in ten killed, survivors explained, and nothing else; `make mutants KNOWN=1` would tell."""
    everything = [mutant for paths in room_files().values() for path in paths for mutant in mutants_of(path)]
    known = read(ROOT / settings()["record"], everything)

    def result(mutant, outcome):
        diff = mutant.difference() if outcome == SURVIVED else ""
        return WorkResult(WorkerOutcome.NORMAL, "", outcome, diff)

    results = {mutant.id: result(mutant, known[mutant.id]) for mutant in everything if mutant.id in known}
    report = Report(everything, results, ROOT / settings()["register"])
    assert report.fails() == []
    assert report.stale() == []
    assert report.rate(everything).tried > 0.9 * len(everything)
    killed = next(mutant for mutant in everything if known.get(mutant.id) == KILLED)
    results[killed.id] = result(killed, SURVIVED)
    assert report.unexplained() == [killed]


def test_a_name_that_no_module_has_is_told(capsys):
    assert main(["--only", "theory.nothing"]) == 2
    assert capsys.readouterr().err == "mutation: no module that is mutated has 'theory.nothing' in its name\n"


def test_too_low_a_rate_fails_by_its_value():
    assert Rate(89, 100, 100).value < 0.9 <= Rate(90, 100, 100).value
    assert Rate(90, 100, 100).standard_error == 0
    assert str(Rate(0, 0, 7)) == "none of 7 tried"
    assert Rate(50, 101, 10**9).standard_error == pytest.approx(0.05, abs=1e-4)


def test_annotations_and_decorators_are_left_alone():
    """`theory/network.py` has both in plenty; a mutant that touched one would change its text."""
    for mutant in mutants_of(Path("theory/fans.py")):
        changed = mutant.source()
        before = text(mutant.path)
        assert changed is not None
        lines = [(a, b) for a, b in zip(before.splitlines(), changed.splitlines(), strict=True) if a != b]
        assert lines
        assert not any(a.lstrip().startswith(("@", "def ")) for a, _ in lines)


def test_an_emptied_function_keeps_its_docstring_and_its_lines():
    source = 'def f(x):\n    """Doc."""\n    y = g(x)\n    return y\n\n\ndef h(): return g(1)\n'
    assert mutate_code(source, EmptyBody(), 0).splitlines()[1:3] == ['    """Doc."""', "    return None"]
    assert mutate_code(source, EmptyBody(), 0).count("\n") == source.count("\n")
    assert "def h(): return None" in mutate_code(source, EmptyBody(), 1)


def test_a_dotted_exception_among_others_is_no_program_and_ends_no_run():
    """`except (sqlite3.Error, OSError)`: the tool fails at the first of the two, and replaces the second."""
    places = [m for m in mutants_of(Path("simulate/store.py")) if m.operator == "core/ExceptionReplacer"]
    changed = [m.source() for m in places if m.function == "_reported"]
    assert [source is None for source in changed].count(True) == 1
    assert "except (sqlite3.Error, CosmicRayTestingException) as error:" in (changed[-1] or "")


def test_digests_tell_all_mutants_apart():
    mutants = [m for path in room_files()["proofs_check/statement_kernel"] for m in mutants_of(path)]
    assert len({mutant.id for mutant in mutants}) == len(mutants) > 500
    assert any(mutant.operator == EMPTYING for mutant in mutants)


def test_no_compiled_code_depends_on_what_is_mutated():
    """So the cache of compiled kernels cannot hide a mutant; the rule would notice."""
    modules = [module_name(path) for paths in room_files().values() for path in paths]
    assert not any(map(reaches_kernels, modules))
    assert reaches_kernels("simulate.kernels.streams")


def test_every_module_in_scope_has_checks():
    """Its own doctests, or a test file that takes part and imports it, directly or through others."""
    known = importers()
    reached = {name for path in files_with_tests() for name in imports(text(path))} & set(known)
    while more := {name for name, by in known.items() if by & reached} - reached:
        reached |= more
    # The lazy packages load theirs on first use.
    reached |= {name for name in known if name.rpartition(".")[0] in {"theory", "simulate"}}
    for paths in room_files().values():
        for path in paths:
            assert module_name(path) in reached or ">>> " in text(path) or not mutants_of(path), path


def test_files_left_out_exist_and_have_a_reason():
    names = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(settings()["left_out"]) <= names
    assert all(settings()["left_out"].values())


def test_a_fork_reports_values_crashes_and_time_that_ran_out():
    def forever():
        allow(0.1)
        while True:
            pass

    assert forked(lambda: [1, "a"], 20).value == [1, "a"]
    assert "ZeroDivisionError" in forked(lambda: 1 / 0, 20).how
    assert forked(forever, 20).how == "timeout"
    assert forked(lambda: os._exit(3), 20).how == "crash: exit"


@pytest.mark.full
def test_nothing_of_ours_is_imported_before_the_fork():
    """Hypothesis would, through our entry point; then no mutant of those modules could be imported anew."""
    code = (
        "import sys; from mutation.running import load_libraries, register_types; load_libraries();"
        "ours = lambda: {'theory', 'actlen'} & set(sys.modules);"
        "before = ours(); register_types(); print(before, sorted(ours()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.strip() == "set() ['actlen', 'theory']"


def test_a_module_imported_before_the_fork_stops_the_run_and_kills_no_mutant():
    path = Path("mutation/scope.py")
    with pytest.raises(SystemExit, match=r"mutation\.scope was imported before the fork"):
        afresh("mutation.scope", ROOT / path, text(path), [])
