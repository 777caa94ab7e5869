"""Wrong formulas, each with the check that catches it: tests/mutants/*.toml, one entry for each.

An entry replaces one snippet of a module's source, which must occur there exactly once, so that an entry
gone stale fails loudly. The changed source is compiled in a namespace of its own; then the code of the
function (or the value of the name) in which the change lies is put in place of the real one, where every
importer meets it. The named check has to pass before, to fail by an assertion meanwhile, and nothing of
the change may stay behind. Properties run on a few examples that are the same on every run.

The tests at the end are checks that the list asked for and that had no place yet.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import inspect
import io
import sys
import tomllib
from collections import Counter
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest
from flint import fmpq
from hypothesis import HealthCheck, Phase, settings
from wrong_formulas import PAGE, TESTS, entries, page

from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import parse
from proofs_check.moment_sources import RecursionMoments
from simulate.methods.direct import lengths
from theory.activations import as_activation
from theory.fans import fan
from theory.initialisers import initialiser
from theory.length_factor import LengthFactor
from theory.network import FullyConnected
from theory.prediction import predict
from theory.readings.exact import length_moments

OURS = ("theory", "simulate", "proofs_check", "actlen")
QUICK = settings(
    max_examples=60,
    database=None,
    derandomize=True,
    deadline=None,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
NUMBER = count()


MUTANTS = entries()


# Planting a change.


def changed_statement(source: str, old: str, new: str) -> tuple[str, str]:
    """The source with the one change, and the name that the changed top-level statement defines."""
    assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times, not once: update the entry"
    assert old != new
    line = source[: source.index(old)].count("\n") + 1
    for node in ast.parse(source).body:
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", node)
            return source.replace(old, new), target.id if isinstance(target, ast.Name) else node.name
    raise AssertionError(f"{old!r} lies in no top-level statement")


def functions(thing) -> dict[str, FunctionType]:
    """A function, or all methods and properties of a class, by name, without what is wrapped around them."""
    if inspect.isclass(thing):
        found = {}
        for name, member in vars(thing).items():
            inner = getattr(member, "fget", None) or getattr(member, "func", None) or member
            plain = inspect.unwrap(getattr(inner, "__func__", inner))
            if isinstance(plain, FunctionType) and plain.__module__ == thing.__module__:
                found[name] = plain
        return found
    plain = inspect.unwrap(thing) if callable(thing) else None
    return {"": plain} if isinstance(plain, FunctionType) else {}


def forget() -> None:
    """Empty all caches of functions: they hold what another formula gave."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OURS:
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


@contextlib.contextmanager
def planted(module_name: str, old: str, new: str):
    module = importlib.import_module(module_name)
    source, name = changed_statement(Path(module.__file__).read_text(encoding="utf-8"), old, new)
    namespace = {"__name__": module_name, "__file__": module.__file__}
    exec(compile(source, module.__file__, "exec"), namespace)
    real, wrong = functions(getattr(module, name)), functions(namespace[name])
    before = getattr(module, name)
    codes = {key: function.__code__ for key, function in real.items()}
    forget()
    try:
        if not real:
            setattr(module, name, namespace[name])
        for key, function in real.items():
            if key in wrong:
                function.__code__ = wrong[key].__code__
        yield
    finally:
        setattr(module, name, before)
        for key, function in real.items():
            function.__code__ = codes[key]
        forget()


# Running a check.


def fresh(file: str) -> ModuleType:
    """A test module loaded anew, so that its networks have cached nothing."""
    (path,) = TESTS.rglob(f"{file}.py")
    spec = spec_from_file_location(f"check_{next(NUMBER)}_{file}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_tuples(value):
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def run_check(check: str, args=()) -> None:
    """Run a test function, or the doctests of a module; an assertion fails where they fail."""
    kind, colon, module = check.partition(":")
    if kind == "doctest" and colon:
        with contextlib.redirect_stdout(io.StringIO()):
            outcome = doctest.testmod(importlib.import_module(module))
        assert outcome.attempted > 0
        assert outcome.failed == 0
        return
    file, _, function = check.partition("::")
    test = getattr(fresh(file), function)
    if getattr(test, "is_hypothesis_test", False):
        # Hypothesis keeps the settings of a test here, and takes only one decorator of them.
        test._hypothesis_internal_use_settings = QUICK
    test(*map(as_tuples, args))


@cache
def passes_unchanged(check: str, args: str) -> bool:
    run_check(check, tomllib.loads(args)["args"])
    return True


def catches(entry) -> bool:
    """Whether the check objects by an assertion; a crash is no judgement."""
    with planted(entry["module"], entry["old"], entry["new"]):
        try:
            run_check(entry["check"], entry.get("args", ()))
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("entry", MUTANTS, ids=lambda entry: entry["name"])
def test_the_named_check_catches_the_wrong_formula(entry):
    assert passes_unchanged(entry["check"], f"args = {entry.get('args', [])!r}")
    assert catches(entry)


def test_there_are_at_least_sixty_and_none_twice():
    assert len(MUTANTS) >= 60
    assert max(Counter(entry["name"] for entry in MUTANTS).values()) == 1
    assert max(Counter((e["module"], e["old"], e["new"]) for e in MUTANTS).values()) == 1


def test_the_page_shows_the_list():
    """Made anew by `python tests/helpers/wrong_formulas.py > docs/wrong_formulas.md`."""
    assert PAGE.read_text(encoding="utf-8") == page(MUTANTS)
    assert page(MUTANTS[1:]) != page(MUTANTS)


def test_a_stale_entry_fails_loudly():
    with pytest.raises(AssertionError, match="occurs 0 times"), planted("theory.fans", "no such line", ""):
        pass
    with pytest.raises(AssertionError, match="not once"), planted("theory.fans", "return fmpq", "return 1 +"):
        pass


def test_a_change_that_changes_nothing_is_not_caught_and_nothing_stays_behind():
    harmless = {"old": "return fmpq(fan_in)", "new": "return fmpq(fan_in) + 0", "module": "theory.fans"}
    assert not catches(harmless | {"check": "test_formula_mutants::test_fans_by_hand"})
    with planted("theory.fans", "return fmpq(fan_in)", "return fmpq(fan_out)"):
        assert fan("fan_in", 3, 5) == 5
    assert fan("fan_in", 3, 5) == 3


# Checks that the list asked for.


def test_fans_by_hand():
    """fan_in 4, fan_out 9: mean 13/2, geometric mean 6."""
    found = [fan(m, 4, 9) for m in ("fan_in", "fan_out", "fan_avg", "fan_geo_avg", "fan_max", "none")]
    assert found == [4, 9, fmpq(13, 2), 6, 9, 1]
    assert fan("fan_max", 9, 4) == 9


def test_moments_of_slopes_by_hand():
    """Slopes 2 and 1: c_1 = (4 + 1)/2, c_2 = (16 + 1)/2."""
    phi = as_activation("slopes:2:1")
    assert (phi.even_moment_factor(1), phi.even_moment_factor(2)) == (fmpq(5, 2), fmpq(17, 2))


def test_the_variance_of_a_length_by_hand():
    """M_0 = 4; 4, 2, 5: E M^2 = 16 (7/2) 2 = 112, so Var M = 112 - 16."""
    assert predict(FullyConnected([4, 2, 5], input=[2] * 4)).layers[-1].variance.number == 96


def test_the_variance_of_a_factor_is_that_of_the_moments():
    for slope in ("0", "1/2", "1", "-1"):
        network = FullyConnected([1, 7], activation=f"leaky_relu:{slope}")
        ratio = fmpq(*map(int, (slope.lstrip("-") + "/1").split("/")[:2])) ** 2
        assert LengthFactor(7, ratio).variance == length_moments(network, 2)[-1][1] - 1


def test_failure_of_the_spread_is_relative_to_the_mean():
    """M_0 = 100: E M_1^2 = 6 * 10^4 is only six times the square of its mean."""
    found = predict(FullyConnected([1, 1], input=[10])).failure_modes.fm2
    assert (found.fails, found.worst.number) == (False, 6)


@pytest.mark.parametrize("slope", ["0", "1/2", "-1/3", "1"])
def test_the_gain_of_kaiming_is_critical_for_its_slope(slope):
    gain = initialiser("torch.kaiming_normal", nonlinearity="leaky_relu", negative_slope=slope).variance_gain
    assert FullyConnected([2, 3], activation=f"leaky_relu:{slope}").variance_gain == (gain,)


def holds(statement: str) -> bool | None:
    network = FullyConnected([2, 3, 4])
    return evaluate(parse(statement), network, RecursionMoments(network)).holds


def test_a_bound_that_is_attained_holds_without_strictness():
    assert holds("E[M[d]**2] <= M[0]**2*prod(1+5/n[j], j, 1, d)") is True
    assert holds("E[M[d]**2] >= M[0]**2*prod(1+5/n[j], j, 1, d)") is True


def test_a_bound_that_is_attained_is_not_strict():
    assert holds("E[M[d]**2] < M[0]**2*prod(1+5/n[j], j, 1, d)") is False
    assert holds("E[M[d]**2] > M[0]**2*prod(1+5/n[j], j, 1, d)") is False


def test_no_two_replicates_are_alike():
    """10,000 networks: several leaves, and several chunks in each; two continuous lengths never agree."""
    found = lengths(FullyConnected([2, 3], activation="linear"), 10_000, seed=3)[:, -1]
    assert len(np.unique(found)) > 9_950
