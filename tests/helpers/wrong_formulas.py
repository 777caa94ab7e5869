"""The list of wrong formulas, tests/mutants/*.toml, and the page that shows it: docs/wrong_formulas.md.

python tests/helpers/wrong_formulas.py > docs/wrong_formulas.md
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "wrong_formulas.md"
HEAD = """# Wrong formulas, and the tests that catch them

{count} formulas that somebody could have written. Each is planted in the real module, and the named test has
to fail; `pytest tests/tests_of_tests/test_formula_mutants.py` does that, as part of the fast tests. The exact
changes stand in `tests/mutants/*.toml`, from which `python tests/helpers/wrong_formulas.py` makes this page.

| wrong formula | in | caught by |
| --- | --- | --- |
"""


def entries() -> list[dict[str, Any]]:
    """All entries, in the order of the files."""
    files = sorted((TESTS / "mutants").glob("*.toml"))
    return [entry for file in files for entry in tomllib.loads(file.read_text(encoding="utf-8"))["mutant"]]


def page(listed: Iterable[dict[str, Any]]) -> str:
    """The page as Markdown."""
    rows = []
    for entry in listed:
        name = entry["name"].replace("|", "\\|")
        check = entry["check"].replace("doctest:", "doctests of ").replace("::", ": ")
        rows.append(f"| {name} | `{entry['module']}` | {check} |\n")
    return HEAD.format(count=len(rows)) + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page(entries()))
