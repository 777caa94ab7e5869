"""Trying one mutant: in place where that is exact, afresh where code that runs on import changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mutation.forking import Ended
from mutation.mutants import Mutant
from mutation.reach import measured, traced, within
from mutation.running import Planned, Warm, afresh
from mutation.scope import ROOT, reaches_kernels

# A change that is not noticed in place may still show on import, which these many seconds of tests repeat.
SECONDS_AFRESH = 12.0


class Trial:
    """Tries mutants on the tests of some files, and measures tests; `hello` lists the tests."""

    def __init__(self, files: list[Path]) -> None:
        self.warm = Warm(traced, files)
        self.on_import = {name.partition("@")[0] for name in self.warm.on_import}
        self.hello = self.warm.nodeids

    def measure(self, nodeid: str) -> dict[str, Any]:
        """One test on the unchanged code."""
        return measured(self.warm, nodeid)

    def mutant(self, mutant: Mutant, tests: list[Planned]) -> tuple[str, str] | None:
        """What noticed it ("" if nothing did) and then the lines that differ; None: no program."""
        changed = mutant.source()
        if changed is None:
            return None
        by = self.noticed(mutant, changed, tests)
        return by, "" if by else mutant.difference()

    def noticed(self, mutant: Mutant, changed: str, tests: list[Planned]) -> str:
        """The test that fails, or how else the change showed; "" if it did not."""
        if reaches_kernels(mutant.module):
            raise SystemExit(
                f"{mutant.module}: compiled code depends on it, and a cache may hide its mutants"
            )
        ended = self.warm.mutant(mutant.path, changed, tests)
        on_import = f"{mutant.module}:{mutant.function}" in self.on_import
        if ended is None or (on_import and not said(ended)):
            ended = afresh(mutant.module, ROOT / mutant.path, changed, within(tests, SECONDS_AFRESH))
        return said(ended)


def said(ended: Ended) -> str:
    """In one word or name."""
    return str(ended.value or ended.how)
