"""What a statement means in a family, before any member is evaluated.

Names must belong to the family's kind of network, and an index must exist in its shallowest and in
its deepest nets. What depends on widths or other data shows on members, which refuse it then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

from proofs_check.family import Family, ResidualFamily
from proofs_check.language.errors import StatementError
from proofs_check.language.tree import (
    Binary,
    Expression,
    Fold,
    Indexed,
    Name,
    Negate,
    Number,
    Statement,
    children,
)

__all__ = ["check_meaning"]

# The least and the largest value that a whole-number expression takes; None where that is not known.
_Range: TypeAlias = "tuple[int, int] | None"
_PLAIN = {"fully connected": ("d", "kappa", "g"), "residual": ("d", "L", "kappa", "g")}
_FIRST_INDEX: Mapping[str, Mapping[str, int]] = {
    "fully connected": {"M": 0, "n": 0, "nu2": 1, "nu4": 1},
    "residual": {"M": 0, "n": 0, "eta": 1, "depth": 1, "m": 1, "c": 1},
}
_LONGEST = 10**12


def check_meaning(statement: Statement, family: Family) -> None:
    """Refuse names and indices that the family does not have.

    >>> from proofs_check.family import parse_family
    >>> from proofs_check.language.parse import parse
    >>> check_meaning(parse("E[M[d+1]] == 1"), parse_family(""))
    Traceback (most recent call last):
    ...
    proofs_check.language.errors.StatementError: M[d+1] does not exist: in nets of depth 1 its indices \
run from 0 to 1
    """
    kind = "residual" if isinstance(family, ResidualFamily) else "fully connected"
    for depth in dict.fromkeys(family.depth):
        reader = _Reader(statement.text, kind, depth, family.depth[1])
        for side in statement.sides:
            reader.read(side)


@dataclass
class _Reader:
    text: str
    kind: str
    depth: int
    deepest: int
    scope: dict[str, _Range] = field(default_factory=dict)

    def read(self, node: Expression) -> _Range:
        """Check a node and all below; the range of its value where it is a plain whole number."""
        match node:
            case Number(value):
                return (int(value.p), int(value.p)) if value.q == 1 else None
            case Name(name):
                return self._name(name, node.column)
            case Indexed():
                return self._indexed(node)
            case Fold():
                return self._fold(node)
            case Negate(operand):
                return _combined("-", (0, 0), self.read(operand))
            case Binary(operator, left, right):
                return _combined(operator, self.read(left), self.read(right))
        for child in children(node):
            self.read(child)
        return None

    def _name(self, name: str, column: int | None) -> _Range:
        if name in self.scope:
            return self.scope[name]
        if name == "EmpVar":
            return None
        if name in _PLAIN[self.kind]:
            return (self.depth, self.depth) if name in {"d", "L"} else None
        if name in _FIRST_INDEX[self.kind]:
            raise StatementError(f"{name} takes an index, such as {name}[d]", self.text, column)
        if name in {"E", "Var"}:
            raise StatementError(f"{name} takes square brackets, such as {name}[M[d]]", self.text, column)
        known = [*_PLAIN[self.kind], "EmpVar", *self.scope]
        indexed = [f"{other}[j]" for other in _FIRST_INDEX[self.kind]]
        raise self._unknown(name, column, (*known, *indexed), _PLAIN)

    def _indexed(self, node: Indexed) -> _Range:
        firsts = _FIRST_INDEX[self.kind]
        if node.name not in firsts:
            raise self._unknown(node.name, node.column, firsts, _FIRST_INDEX)
        index = self.read(node.index)
        if node.inner is not None:
            self.read(node.inner)
            if node.name != "m":
                raise StatementError(f"{node.name} takes one index; m[l,i] takes two", self.text, node.column)
        first = firsts[node.name]
        if index is not None and (index[1] < first or index[0] > self.depth):
            message = (
                f"{self._shown(node)} does not exist: in nets of depth {self.depth} its indices run from "
                f"{first} to {self.depth}"
            )
            if isinstance(node.index, Number) and self.depth < index[0] <= self.deepest:
                message += f"; leave those out with --where depth={index[0]}..{self.deepest}"
            raise StatementError(message, self.text, node.column)
        return None

    def _fold(self, node: Fold) -> _Range:
        if node.variable in {*_PLAIN["residual"], "EmpVar"}:
            raise StatementError(
                f"{node.variable} has a meaning of its own; name the variable of the {node.kind} j, say",
                self.text,
            )
        first, last = self.read(node.first), self.read(node.last)
        values = None if first is None or last is None else (first[0], last[1])
        if values is not None and values[1] < values[0]:
            return None
        outer = self.scope
        self.scope = {**outer, node.variable: values}
        self.read(node.body)
        self.scope = outer
        return None

    def _shown(self, node: Indexed) -> str:
        """The text of name[...], up to its bracket."""
        if node.column is None:
            return f"{node.name}[...]"
        start = node.column - 1
        depth = 0
        for end in range(start, len(self.text)):
            depth += (self.text[end] == "[") - (self.text[end] == "]")
            if self.text[end] == "]" and depth == 0:
                return self.text[start : end + 1]
        return f"{node.name}[...]"

    def _unknown(
        self, name: str, column: int | None, known: Iterable[str], homes: Mapping[str, Iterable[str]]
    ) -> StatementError:
        """An unknown name, offering the nearest; or one that other nets have."""
        for kind, names in homes.items():
            if kind != self.kind and name in names:
                message = f"{name} belongs to {kind} nets; this family is {self.kind}"
                return StatementError(message, self.text, column)
        names = list(known)
        near = get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        shown = name if len(name) <= 40 else f"{name[:40]}..."
        message = f"unknown name {shown!r} in the statement{hint} (known here: {', '.join(names)})"
        return StatementError(message, self.text, column)


def _combined(operator: str, left: _Range, right: _Range) -> _Range:
    """Interval arithmetic on whole numbers, as far as indices need it."""
    if left is None or right is None or operator not in {"+", "-", "*"}:
        return None
    if operator == "+":
        ends = [left[0] + right[0], left[1] + right[1]]
    elif operator == "-":
        ends = [left[0] - right[1], left[1] - right[0]]
    else:
        ends = [a * b for a in left for b in right]
    low, high = min(ends), max(ends)
    return (low, high) if max(-low, high) <= _LONGEST else None
