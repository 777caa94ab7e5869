"""tests/README.md says where a test belongs: each folder has one row, no test lies outside of them."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
README = (TESTS / "README.md").read_text(encoding="utf-8")


def folders(readme: str) -> list[str]:
    """The folders that the rows of the table name."""
    rows = [line for line in readme.splitlines() if line.startswith("| ")]
    return sorted(name for row in rows for name in re.findall(r"`(\w+)/`", row))


def places(paths: list[Path]) -> list[str]:
    """The folders, relative to tests/, in which these test files lie."""
    return sorted({str(path.parent.relative_to(TESTS)) for path in paths})


def test_every_folder_has_one_row_and_holds_the_tests():
    assert places(list(TESTS.rglob("test_*.py"))) == folders(README)


def test_a_folder_forgotten_or_listed_twice_and_a_stray_file_show():
    found = list(TESTS.rglob("test_*.py"))
    assert places([*found, TESTS / "new" / "test_new.py"]) != folders(README)
    assert places([*found, TESTS / "test_stray.py"]) != folders(README)
    assert places(found) != folders(README + "| again | once more | `bounds/` |\n")


def test_names_of_test_files_are_told_apart():
    """The checks in mutants/*.toml name a file without its folder."""
    names = [path.name for path in TESTS.rglob("test_*.py")]
    assert len(set(names)) == len(names)
