"""`fast_cases` and `full_cases` name cases that exist, and not all; every purpose has fast tests.

Speaks of what was collected: of all tests in `make test`, of few where few are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from classes import COLLECTED, fits, mark_full_cases

TESTS = Path(__file__).parents[1]
SLOW = {"full", "slow"}


@pytest.fixture(scope="module")
def items(request):
    return [item for item in request.config.stash[COLLECTED] if item.path.is_relative_to(TESTS)]


def is_sensible(patterns, cases) -> bool:
    """Every pattern fits a case, and some case fits none."""
    used = all(any(fnmatchcase(case, pattern) for case in cases) for pattern in patterns)
    return used and not all(fits(case, patterns) for case in cases)


def test_every_pattern_fits_a_case_and_leaves_some(items):
    said = defaultdict(list)
    for item in items:
        for name in ("fast_cases", "full_cases"):
            if mark := item.get_closest_marker(name):
                said[item.path.stem, item.originalname, mark.args].append(item.callspec.id)
    assert [key for key, cases in said.items() if not is_sensible(key[-1], cases)] == []


def test_stale_and_useless_patterns_show():
    assert is_sensible(["a*"], ["a1", "a2", "b"])
    assert not is_sensible(["a*", "c"], ["a1", "a2", "b"])
    assert not is_sensible(["a*", "b"], ["a1", "a2", "b"])


def without_fast_tests(items) -> set[Path]:
    """Folders all of whose tests are full or slow."""
    fast = {item.path.parent for item in items if not SLOW & {mark.name for mark in item.iter_markers()}}
    return {item.path.parent for item in items} - fast


def test_every_purpose_has_fast_tests(items):
    assert without_fast_tests(items) == set()


class Case:
    """An item of pytest, as far as marks go."""

    def __init__(self, case, **marks):
        self.path = TESTS / "purpose" / "test_x.py"
        self.callspec = type("Spec", (), {"id": case})
        self.marks = {name: getattr(pytest.mark, name)(*args).mark for name, args in marks.items()}

    def get_closest_marker(self, name):
        return self.marks.get(name)

    def iter_markers(self):
        return iter(self.marks.values())

    def add_marker(self, name):
        self.marks[name] = getattr(pytest.mark, name).mark


@pytest.mark.parametrize(("name", "full"), [("fast_cases", ["b"]), ("full_cases", ["a1", "a2"])])
def test_cases_are_full_that_are_named_or_left_out(name, full):
    cases = [Case(case, **{name: ["a*"]}) for case in ("a1", "a2", "b")]
    mark_full_cases(cases)
    assert [case.callspec.id for case in cases if "full" in case.marks] == full
    assert without_fast_tests(cases) == set()
    assert without_fast_tests([case for case in cases if "full" in case.marks]) == {TESTS / "purpose"}
