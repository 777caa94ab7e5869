"""The expression tree of a statement: our own records, nothing executable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from flint import fmpq

__all__ = [
    "Binary",
    "Call",
    "Expectation",
    "Expression",
    "Fold",
    "Indexed",
    "Name",
    "Negate",
    "Number",
    "Statement",
    "children",
]


@dataclass(frozen=True)
class Number:
    """A rational constant."""

    value: fmpq


@dataclass(frozen=True)
class Name:
    """A plain name: d, kappa, g, EmpVar, or a variable of a sum or product.

    `column` says where it stands in the text, from 1; it takes no part in comparisons.
    """

    name: str
    column: int | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Indexed:
    """A per-layer quantity: M[...], n[...], nu2[...], eta[...], m[..., ...]; see `data`."""

    name: str
    index: Expression
    inner: Expression | None = None
    column: int | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Negate:
    """- operand."""

    operand: Expression


@dataclass(frozen=True)
class Binary:
    """left OPERATOR right with one of + - * / **."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Call:
    """exp, log, sqrt, abs, min or max."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Fold:
    """sum or prod of a body over variable = first, ..., last."""

    kind: str
    body: Expression
    variable: str
    first: Expression
    last: Expression


@dataclass(frozen=True)
class Expectation:
    """E[...] or Var[...] of a polynomial in random quantities."""

    kind: str
    body: Expression


Expression: TypeAlias = "Number | Name | Indexed | Negate | Binary | Call | Fold | Expectation"


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly below a node."""
    match node:
        case Indexed(_, index, None):
            return (index,)
        case Indexed(_, index, inner) if inner is not None:
            return (index, inner)
        case Negate(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case Fold(_, body, _, first, last):
            return (body, first, last)
        case Expectation(_, body):
            return (body,)
    return ()


@dataclass(frozen=True)
class Statement:
    """A relation or a chain: sides[0] relations[0] sides[1] relations[1] ..."""

    text: str
    sides: tuple[Expression, ...]
    relations: tuple[str, ...]

    def says_the_same(self, other: Statement) -> bool:
        """Whether both parse to the same tree."""
        return self.sides == other.sides and self.relations == other.relations
