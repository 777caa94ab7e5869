"""The record of what came of the mutants, kept beside the sources so that a later run can go on from it.

One line for each function in which something was tried: its name, a digest of its mutants, and a letter for
each of them in the order of the file: `k` killed, `s` survived, `n` no program, `.` not tried. A function
that has changed has other mutants, and its line says nothing any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cosmic_ray.work_item import TestOutcome, WorkResult

from mutation.mutants import Mutant
from mutation.session import KILLED, NO_PROGRAM, SURVIVED

LETTERS = {KILLED: "k", SURVIVED: "s", NO_PROGRAM: "n"}
OUTCOMES = {letter: outcome for outcome, letter in LETTERS.items()}


def _by_function(mutants: Iterable[Mutant]) -> dict[str, list[Mutant]]:
    found: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        found.setdefault(f"{mutant.module}:{mutant.function}", []).append(mutant)
    return found


def _digest(mutants: list[Mutant]) -> str:
    return hashlib.sha256(" ".join(mutant.id for mutant in mutants).encode()).hexdigest()[:8]


def written(mutants: Iterable[Mutant], results: dict[str, WorkResult]) -> str:
    """The text of the record."""
    rows = []
    for name, group in sorted(_by_function(mutants).items()):
        letters = "".join(
            LETTERS[TestOutcome(results[m.id].test_outcome)] if m.id in results else "." for m in group
        )
        if letters.strip("."):
            rows.append(f"{name} {_digest(group)} {letters}\n")
    return "".join(rows)


def read(file: Path, mutants: Iterable[Mutant]) -> dict[str, TestOutcome]:
    """The outcomes on record, by the mutant's id, of functions that are as they were."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    rows = {name: (digest, letters) for name, digest, letters in map(str.split, lines)}
    found: dict[str, TestOutcome] = {}
    for name, group in _by_function(mutants).items():
        digest, letters = rows.get(name, ("", ""))
        if digest == _digest(group):
            pairs = zip(group, letters, strict=True)
            found |= {mutant.id: OUTCOMES[letter] for mutant, letter in pairs if letter in OUTCOMES}
    return found
