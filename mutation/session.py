"""The session file of Cosmic Ray: which mutants there are, and what came of each.

Nothing is lost when a run is broken off. When sources change, mutants of the functions that changed are
dropped with their results, and the new ones wait; all others keep theirs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from mutation.mutants import Mutant

KILLED, SURVIVED, NO_PROGRAM = TestOutcome.KILLED, TestOutcome.SURVIVED, TestOutcome.INCOMPETENT


class Session:
    """A session file, opened, holding exactly the mutants given."""

    def __init__(self, file: Path, mutants: Iterable[Mutant]) -> None:
        self.file, self.mutants = file, {mutant.id: mutant for mutant in mutants}
        self.database = WorkDB(str(file), WorkDB.Mode.create)
        with closing(sqlite3.connect(file)) as connection, connection:
            known = {row[0] for row in connection.execute("SELECT job_id FROM work_items")}
            stale = [(name,) for name in known - set(self.mutants)]
            for table in ("work_results", "mutation_specs", "work_items"):
                connection.executemany(f"DELETE FROM {table} WHERE job_id = ?", stale)
        new = [mutant.work_item() for name, mutant in self.mutants.items() if name not in known]
        self.database.add_work_items(new)

    def results(self) -> dict[str, WorkResult]:
        """What is known so far, by the id of the mutant."""
        return dict(self.database.results)

    def record(self, mutant: Mutant, answer: tuple[str, str] | None) -> tuple[str, str]:
        """The answer is what noticed a mutant and the lines that differ; None if it is no program."""
        if answer is None:
            self.keep(mutant, NO_PROGRAM, "does not compile", "")
            return NO_PROGRAM.value, "does not compile"
        by, diff = answer
        outcome = KILLED if by else SURVIVED
        self.keep(mutant, outcome, by, diff)
        return outcome.value, by

    def keep(self, mutant: Mutant, outcome: TestOutcome, by: str, diff: str) -> None:
        """What came of one mutant; `by` names the test that noticed it."""
        self.database.set_result(mutant.id, WorkResult(WorkerOutcome.NORMAL, by, outcome, diff))

    def close(self) -> None:
        """Close the file."""
        self.database.close()
