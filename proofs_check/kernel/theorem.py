"""Textbook theorems cited by name: their table entries, and how their hypotheses are discharged.

A step that cites a theorem says under "discharges", for each of its hypotheses, what supplies it:
earlier steps, by number, and assumptions, by name. The kernel checks that none is missing or foreign,
that each step says what the hypothesis needs, and that the conclusion lists all assumptions, those of
the steps it rests on included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.shape import require

__all__ = ["Given", "Test", "Theorem", "cited"]

Given: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Given, Judgement], bool]


@dataclass(frozen=True)
class Theorem:
    """A textbook theorem as applied here; a hypothesis needs assumptions (names) and steps (tests)."""

    statement: str
    hypotheses: Mapping[str, tuple[str | Test, ...]]
    says: str


def cited(
    step: Mapping[str, Any],
    premises: Sequence[Judgement],
    theorems: Mapping[str, Theorem],
    assumptions: Mapping[str, str],
) -> None:
    """A theorem of the table, each hypothesis discharged by what it needs, in that order."""
    claim = step["concludes"]
    require(claim["judgement"] == "limit", "this rule concludes a judgement of kind limit")
    require(step.get("theorem") in theorems, "no such theorem in the table")
    theorem, discharges = theorems[step["theorem"]], step.get("discharges", {})
    missing = set(theorem.hypotheses) - set(discharges)
    require(not missing, f"hypotheses without discharge: {', '.join(sorted(missing))}")
    require(set(discharges) == set(theorem.hypotheses), "a hypothesis that the theorem has not")
    sources = dict(zip(step.get("from", []), premises, strict=True))
    assumed = {name for premise in premises for name in premise.get("assumes", [])}
    for name, needs in theorem.hypotheses.items():
        require(len(discharges[name]) == len(needs), f"{name} needs {len(needs)} items")
        for need, item in zip(needs, discharges[name], strict=True):
            _discharged(claim["given"], name, need, sources.get(item, item))
            assumed |= {item} & set(assumptions)
    require(claim["assumes"] == sorted(assumed), f"assumes exactly: {', '.join(sorted(assumed))}")
    require(claim["says"] == theorem.says, "the theorem concludes something else")


def _discharged(given: Given, name: str, need: str | Test, item: object) -> None:
    if isinstance(need, str):
        require(item == need, f"{name} needs the assumption {need}")
        return
    require(isinstance(item, dict) and need(given, item), f"{name} is not what that step says")
