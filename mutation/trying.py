"""Trying one mutant: in place where that is exact, afresh where code that runs on import changed."""

from __future__ import annotations

from dataclasses import dataclass

from mutation.forking import Ended
from mutation.mutants import Mutant
from mutation.reach import Reach
from mutation.running import Planned, Warm, afresh
from mutation.scope import ROOT, reaches_kernels
from mutation.session import KILLED, NO_PROGRAM, SURVIVED, Session

# A change that is not noticed in place may still show on import, which these many seconds of tests repeat.
SECONDS_AFRESH = 12.0


@dataclass
class Trial:
    """Tries mutants and records what came of them."""

    session: Session
    reach: Reach
    warm: Warm

    def __post_init__(self) -> None:
        self.present, self.on_import = set(self.warm.nodeids), set(self.warm.on_import)

    def run(self, mutant: Mutant) -> tuple[str, str]:
        """The outcome and what noticed it."""
        changed = mutant.source()
        if changed is None:
            outcome, by, diff = NO_PROGRAM, "does not compile", ""
        else:
            diff = difference((ROOT / mutant.path).read_text(encoding="utf-8"), changed)
            by = self.noticed(mutant, changed)
            outcome = KILLED if by else SURVIVED
        self.session.record(mutant, outcome, by, diff)
        return outcome.value, by

    def noticed(self, mutant: Mutant, changed: str) -> str:
        """The test that fails, or how else the change showed; "" if it did not."""
        if reaches_kernels(mutant.module):
            raise SystemExit(
                f"{mutant.module}: compiled code depends on it, and a cache may hide its mutants"
            )
        tests = self.reach.tests(mutant.module, mutant.function, self.present)
        ended = self.warm.mutant(mutant.path, changed, tests)
        on_import = f"{mutant.module}:{mutant.function}" in self.on_import
        if ended is None or (on_import and not said(ended)):
            ended = self.afresh(mutant, changed, tests)
        return said(ended)

    def afresh(self, mutant: Mutant, changed: str, tests: list[Planned]) -> Ended:
        """With our modules imported anew; of the tests the first few seconds' worth."""
        total = 0.0
        chosen: list[Planned] = []
        for test in tests:
            total += test.seconds
            if total > SECONDS_AFRESH and chosen:
                break
            chosen.append(test)
        return afresh(mutant.module, ROOT / mutant.path, changed, chosen)


def said(ended: Ended) -> str:
    """In one word or name."""
    return str(ended.value or ended.how)


def difference(before: str, after: str) -> str:
    """The lines that differ: `- old` and `+ new`, without indentation; mutants keep the number of lines."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    return "\n".join(f"- {old.strip()}\n+ {new.strip()}" for old, new in pairs if old != new)
