"""What became of a statement: its verdict, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs_check.verdict import Verdict
from theory.reals import Number
from theory.spec import Network
from theory.values import as_value

__all__ = ["Counterexample", "Settlement", "TightestCase"]


@dataclass(frozen=True)
class Counterexample:
    """A member of the family on which the statement fails.

    `sides` are exact or enclosed; `confirmed_by` names the further routes by which it fails too. One
    that a route contradicts refutes nothing: then one of the routes is wrong.
    """

    network: Network
    sides: tuple[Number, ...]
    relations: tuple[str, ...]
    confirmed_by: tuple[str, ...]
    contradicted_by: tuple[str, ...] = ()

    @property
    def is_confirmed(self) -> bool:
        """Whether no route contradicts it."""
        return not self.contradicted_by

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "network": self.network.to_dict(),
            "sides": [as_value(side).to_dict() for side in self.sides],
            "relations": list(self.relations),
            "confirmed_by": list(self.confirmed_by),
            "contradicted_by": list(self.contradicted_by),
        }


@dataclass(frozen=True)
class TightestCase:
    """The member on which an inequality holds by least: (right - left)/max(|left|, |right|)."""

    network: Network
    relative_slack: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"network": self.network.to_dict(), "relative_slack": self.relative_slack}


@dataclass(frozen=True)
class Settlement:
    """The verdict on a statement about all members of a family.

    `cases` members were evaluated; on `undecided` of them no precision told; `skipped` more were too
    large for this statement.
    """

    verdict: Verdict
    statement: str
    where: str
    witness: Counterexample | None
    cases: int
    undecided: int
    skipped: int
    proof: Mapping[str, Any] | None
    tightest: TightestCase | None
    out_of_time: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "verdict": str(self.verdict),
            "statement": self.statement,
            "where": self.where,
            "witness": None if self.witness is None else self.witness.to_dict(),
            "cases": self.cases,
            "undecided": self.undecided,
            "skipped": self.skipped,
            "tightest": None if self.tightest is None else self.tightest.to_dict(),
            "proof": None if self.proof is None else dict(self.proof),
            "out_of_time": self.out_of_time,
            "seconds": round(self.seconds, 3),
        }
