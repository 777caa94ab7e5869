"""What came of the mutants: by room and by function, with the survivors and whether each is explained."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.work_item import WorkResult

from mutation.mutants import Mutant, functions_of
from mutation.scope import module_name, room_files
from mutation.session import KILLED, NO_PROGRAM, SURVIVED

LEAST = 0.9


@dataclass(frozen=True)
class Rate:
    """Killed among tried; those that are no programs count as neither."""

    killed: int
    tried: int
    mutants: int

    @property
    def value(self) -> float:
        """The raw kill rate."""
        return self.killed / self.tried if self.tried else math.nan

    @property
    def standard_error(self) -> float:
        """Of the rate as that of all mutants; 0 when all were tried (sampling without replacement)."""
        if self.tried < 2:
            return math.nan
        left = max(0.0, 1 - self.tried / self.mutants)
        return math.sqrt(self.value * (1 - self.value) * left / (self.tried - 1))

    def __str__(self) -> str:
        """As `90.1 % (standard error 0.5 %, 910 of 1010 tried, 4000 in all)`.

        >>> str(Rate(9, 10, 10))
        '90.0 % (9 of 10 killed; all tried)'
        """
        if not self.tried:
            return f"none of {self.mutants} tried"
        count = f"{100 * self.value:.1f} % ({self.killed} of {self.tried} killed"
        if self.tried >= self.mutants:
            return f"{count}; all tried)"
        return f"{count}; standard error {100 * self.standard_error:.1f} %; {self.mutants} in all)"


@dataclass(frozen=True)
class Report:
    """All mutants in scope with the results so far."""

    mutants: list[Mutant]
    results: dict[str, WorkResult]
    register: Path

    def rate(self, mutants: list[Mutant]) -> Rate:
        """Of some mutants."""
        count = Counter(self.results[m.id].test_outcome for m in mutants if m.id in self.results)
        return Rate(count[KILLED], count[KILLED] + count[SURVIVED], len(mutants) - count[NO_PROGRAM])

    def survivors(self) -> list[Mutant]:
        """In the order of the files."""
        found = [m for m in self.mutants if m.id in self.results]
        return [m for m in found if self.results[m.id].test_outcome == SURVIVED]

    def explained(self) -> dict[str, str]:
        """The reasons in the register, by `module:function` and the lines before and after.

        An entry may list several lines that stand for the one before, where one reason explains them all.
        """
        if not self.register.exists():
            return {}
        rows = tomllib.loads(self.register.read_text(encoding="utf-8")).get("mutant", [])
        return {
            f"{row['where']}\n- {row['before']}\n+ {after}": row["reason"]
            for row in rows
            for after in ([row["after"]] if isinstance(row["after"], str) else row["after"])
        }

    def name(self, mutant: Mutant) -> str:
        """Under which a survivor stands in the register."""
        return f"{mutant.module}:{mutant.function}\n{self.results[mutant.id].diff}"

    def unexplained(self) -> list[Mutant]:
        """Survivors that the register does not list."""
        reasons = self.explained()
        return [mutant for mutant in self.survivors() if self.name(mutant) not in reasons]

    def stale(self) -> list[str]:
        """Entries of the register whose mutant was killed since, or is gone."""
        names = {self.name(mutant) for mutant in self.survivors()}
        places = {f"{m.module}:{m.function}" for m in self.mutants if m.id not in self.results}
        return [e for e in self.explained() if e not in names and e.partition("\n")[0] not in places]

    def functions(self) -> Iterator[tuple[str, Rate]]:
        """Every function of the scope that does anything, with its count."""
        by_name: dict[str, list[Mutant]] = {}
        for mutant in self.mutants:
            by_name.setdefault(f"{mutant.module}:{mutant.function}", []).append(mutant)
        for path in sorted({mutant.path for mutant in self.mutants}):
            for function, has_body in functions_of(path).items():
                if has_body:
                    name = f"{module_name(path)}:{function}"
                    yield name, self.rate(by_name.get(name, []))

    def without_mutants(self) -> list[str]:
        """Functions in which nothing was changed: there must be none."""
        return [name for name, rate in self.functions() if rate.mutants == 0]

    def rooms(self) -> Iterator[tuple[str, Rate]]:
        """The rate of each room."""
        for room, paths in room_files().items():
            yield room, self.rate([m for m in self.mutants if m.path in set(paths)])

    def lines(self) -> Iterator[str]:
        """The whole report."""
        yield f"{'mutants':>8} {'tried':>6} {'killed':>7}  function"
        for name, rate in self.functions():
            yield f"{rate.mutants:8d} {rate.tried:6d} {rate.killed:7d}  {name}"
        for mutant in self.unexplained():
            yield f"survived, unexplained: {mutant.path}:{mutant.start[0]} {self.name(mutant)}"
        yield from (f"no mutant in {name}" for name in self.without_mutants())
        yield from (f"explained, but no longer surviving: {entry}" for entry in self.stale())
        yield from (f"{room}: {rate}" for room, rate in self.rooms())
        yield f"all: {self.rate(self.mutants)}"

    def fails(self) -> list[str]:
        """Why the run fails; nothing if it does not."""
        rate, reasons = self.rate(self.mutants), []
        if empty := self.without_mutants():
            reasons.append(f"{len(empty)} functions have no mutant")
        if rate.tried and rate.value < LEAST:
            reasons.append(f"the raw kill rate {rate.value:.1%} is below {LEAST:.0%}")
        if left := self.unexplained():
            reasons.append(f"{len(left)} survivors are not explained in {self.register.name}")
        return reasons
