"""Read a statement: lark grammar in, our own tree out. User text is never evaluated as Python."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from flint import fmpq
from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from proofs_check.language.errors import StatementError
from proofs_check.language.syntax_errors import syntax_error
from proofs_check.language.tree import (
    Binary,
    Call,
    Expectation,
    Expression,
    Fold,
    Indexed,
    Name,
    Negate,
    Number,
    Statement,
    children,
)
from theory.rationals import rational

__all__ = ["MAX_CHARACTERS", "StatementError", "parse"]

MAX_CHARACTERS = 4_000
_MAX_NESTING = 60
_MAX_DEPTH = 120


def parse(text: str) -> Statement:
    """The statement behind the text.

    >>> parse("E[M[d]] == M[0]").relations
    ('==',)
    >>> parse("E[M[d]] == ")
    Traceback (most recent call last):
    ...
    proofs_check.language.errors.StatementError: cannot read the statement at its end: E[M[d]] == \
(expected a value: a number, a name such as n[j], or "(")
    """
    if len(text) > MAX_CHARACTERS:
        raise StatementError(
            f"the statement has more than {MAX_CHARACTERS:,} characters, the limit; use sum and prod"
        )
    if _nesting(text) > _MAX_NESTING:
        raise StatementError(f"the statement nests brackets deeper than {_MAX_NESTING}")
    try:
        sides, relations = _Builder().transform(_grammar().parse(text))
    except UnexpectedInput as error:
        raise syntax_error(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, RecursionError):
            raise _too_deep() from None
        raise StatementError(str(error.orig_exc)) from None
    except RecursionError:
        raise _too_deep() from None
    if max(map(_depth, sides)) > _MAX_DEPTH:
        raise _too_deep()
    return Statement(text, sides, relations)


@cache
def _grammar() -> Lark:
    text = files("proofs_check.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, start="statement", parser="lalr")


def _nesting(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    return deepest


def _too_deep() -> StatementError:
    return StatementError(f"the statement is more than {_MAX_DEPTH} operations deep; use sum and prod")


def _depth(side: Expression) -> int:
    """The height of the tree, without recursion."""
    deepest, pending = 0, [(side, 1)]
    while pending:
        node, depth = pending.pop()
        deepest = max(deepest, depth)
        pending += [(child, depth + 1) for child in children(node)]
    return deepest


def _column(token: Token) -> int | None:
    return None if token.start_pos is None else token.start_pos + 1


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """From lark's parse tree to ours."""

    def statement(self, *children: Any) -> tuple[tuple[Expression, ...], tuple[str, ...]]:
        return tuple(children[0::2]), tuple(str(relation) for relation in children[1::2])

    def number(self, token: Token) -> Number:
        return Number(rational(str(token), "a number in the statement"))

    def name(self, token: Token) -> Name:
        return Name(str(token), _column(token))

    def indexed(self, token: Token, index: Expression, inner: Expression | None = None) -> Indexed:
        return Indexed(str(token), index, inner, _column(token))

    def add(self, left: Expression, right: Expression) -> Binary:
        return Binary("+", left, right)

    def subtract(self, left: Expression, right: Expression) -> Binary:
        return Binary("-", left, right)

    def multiply(self, left: Expression, right: Expression) -> Binary:
        return Binary("*", left, right)

    def divide(self, left: Expression, right: Expression) -> Expression:
        if isinstance(left, Number) and isinstance(right, Number) and right.value != fmpq(0):
            return Number(left.value / right.value)
        return Binary("/", left, right)

    def negate(self, operand: Expression) -> Negate:
        return Negate(operand)

    def power(self, base: Expression, exponent: Expression) -> Binary:
        return Binary("**", base, exponent)

    def call(self, function: Token, *arguments: Expression) -> Call:
        return Call(str(function), tuple(arguments))

    def fold(
        self, kind: Token, body: Expression, variable: Token, first: Expression, last: Expression
    ) -> Fold:
        return Fold(str(kind), body, str(variable), first, last)

    def expectation(self, kind: Token, body: Expression) -> Expectation:
        return Expectation(str(kind), body)
