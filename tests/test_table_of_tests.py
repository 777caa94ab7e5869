"""tests/README.md says where every test file belongs: each is listed there exactly once."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
README = (HERE / "README.md").read_text(encoding="utf-8")


def is_complete(readme: str, files: list[str]) -> bool:
    """Whether the rows of the table name these files, each once."""
    rows = [line for line in readme.splitlines() if line.startswith("| ")]
    return sorted(name for row in rows for name in re.findall(r"`(test_\w+\.py)`", row)) == sorted(files)


def test_every_file_is_listed_exactly_once():
    assert is_complete(README, [path.name for path in HERE.glob("test_*.py")])


def test_a_file_forgotten_or_listed_twice_shows():
    files = [path.name for path in HERE.glob("test_*.py")]
    assert not is_complete(README, [*files, "test_new.py"])
    assert not is_complete(README + "| again | once more | `test_bounds.py` |\n", files)
