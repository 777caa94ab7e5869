"""Which cases of a test are `full`: those that `full_cases` names, and those that `fast_cases` leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

# All that was collected, before `-m` leaves some out: tests_of_tests/test_marks.py looks at it.
COLLECTED = pytest.StashKey[list[pytest.Item]]()


def fits(case: str, patterns: Iterable[str]) -> bool:
    """Whether the id of a case fits one of the patterns, such as "slope-*"."""
    return any(fnmatchcase(case, pattern) for pattern in patterns)


def mark_full_cases(items: Iterable[pytest.Item]) -> None:
    """Add the mark `full` to the cases that a test's `full_cases` and `fast_cases` speak of."""
    for item in items:
        for name, fitting in (("full_cases", True), ("fast_cases", False)):
            mark = item.get_closest_marker(name)
            if mark and fits(item.callspec.id, mark.args) is fitting:  # type: ignore[attr-defined]
                item.add_marker("full")
