"""Evaluate a statement on one network: both sides exact or enclosed, the relation decided or not.

A comparison of balls is decided only when it is certain. Where balls overlap, `ties` may tell that
both sides are equal; else precision is doubled until the balls part, or until the limit, when the
outcome is None.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeAlias

from flint import ctx, fmpq

from proofs_check.language.data import NetworkData, data_of
from proofs_check.language.errors import CostError, StatementError
from proofs_check.language.functions import call
from proofs_check.language.random_polynomial import Monomial, RandomPolynomial
from proofs_check.language.relations import decided
from proofs_check.language.ties import TieBreaker
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
)
from theory.reals import Number as Value
from theory.spec import Network

__all__ = ["MomentSource", "OutOfTimeError", "Outcome", "evaluate"]

_FIRST_PRECISION = 128
_LAST_PRECISION = 4_096
_MAX_EXPONENT = 64
_MAX_RANGE = 100_000
_MAX_STEPS = 2_000_000
_STEPS_BETWEEN_LOOKS = 512
_LARGEST_WHOLE = 10**9
_Scope: TypeAlias = Mapping[str, int]


class OutOfTimeError(Exception):
    """The deadline passed within an evaluation."""


class MomentSource(Protocol):
    """Where expectations come from: the recursion, power sums, an enumeration, ...

    One that more precision does not narrow may set `last_precision`.
    """

    def expectation(self, monomial: Monomial) -> Value:
        """E of a product of powers of M_1, ..., M_d and EmpVar."""


@dataclass(frozen=True)
class Outcome:
    """Whether the statement holds on a network (None: not decided), and the value of each side."""

    holds: bool | None
    sides: tuple[Value, ...]


def evaluate(
    statement: Statement, network: Network, moments: MomentSource, *, deadline: float | None = None
) -> Outcome:
    """Evaluate both sides and decide; `OutOfTimeError` at the deadline, a time of `perf_counter`.

    >>> from proofs_check.language.parse import parse
    >>> from proofs_check.moment_sources import RecursionMoments
    >>> from theory.network import FullyConnected
    >>> net = FullyConnected([3, 5, 5])
    >>> evaluate(parse("E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)"), net, RecursionMoments(net))
    Outcome(holds=True, sides=(4, 4))
    """
    precision, last = _FIRST_PRECISION, getattr(moments, "last_precision", _LAST_PRECISION)
    equal: list[bool | None] | None = None
    while True:
        with ctx.workprec(precision):
            evaluator = _Evaluator(network, data_of(network), moments, deadline)
            sides = tuple(evaluator.value(side, {}) for side in statement.sides)
            holds = decided(sides, statement.relations, equal)
            if holds is None and equal is None:
                equal = evaluator.ties(statement)
                holds = decided(sides, statement.relations, equal)
        if holds is not None or precision >= last:
            return Outcome(holds, sides)
        precision *= 2


@dataclass
class _Evaluator:
    network: Network
    data: NetworkData
    moments: MomentSource
    deadline: float | None
    _steps: int = 0

    def ties(self, statement: Statement) -> list[bool | None]:
        """Which neighbouring sides are exactly equal, where that can be told."""
        breaker = TieBreaker(self.value, self._integer)
        return [breaker.equal(left, right) for left, right in pairwise(statement.sides)]

    def value(self, node: Expression, scope: _Scope) -> Value:
        """The value of a deterministic expression."""
        result = self.random(node, scope)
        if not result.is_constant:
            raise StatementError(f"{result.random_name} is random; write E[...] or Var[...] around it")
        return result.constant

    def random(self, node: Expression, scope: _Scope) -> RandomPolynomial:
        """The value as a polynomial in random quantities."""
        self._count_step()
        match node:
            case Number(value):
                return RandomPolynomial.of(value)
            case Name(name):
                return self._name(name, scope)
            case Indexed():
                return self._indexed(node, scope)
            case Negate(operand):
                return self.random(operand, scope) * RandomPolynomial.of(fmpq(-1))
            case Binary():
                return self._binary(node, scope)
            case Call(function, arguments):
                values = [self.value(a, scope) for a in arguments]
                return RandomPolynomial.of(call(function, values))
            case Fold():
                return self._fold(node, scope)
            case Expectation(kind, body):
                return RandomPolynomial.of(self._expectation(kind, self.random(body, scope)))

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise CostError(f"the statement takes more than {_MAX_STEPS:,} operations to evaluate")
        if self.deadline is None or self._steps % _STEPS_BETWEEN_LOOKS:
            return
        if time.perf_counter() > self.deadline:
            raise OutOfTimeError

    def _name(self, name: str, scope: _Scope) -> RandomPolynomial:
        if name in scope:
            return RandomPolynomial.of(fmpq(scope[name]))
        if name == "EmpVar":
            return RandomPolynomial.variable("EmpVar")
        value = self.data.named(name)
        if value is not None:
            return RandomPolynomial.of(value)
        known = [*self.data.plain, "EmpVar", *scope]
        raise StatementError(f"unknown name {name!r} in the statement (known here: {', '.join(known)})")

    def _indexed(self, node: Indexed, scope: _Scope) -> RandomPolynomial:
        j, net = self._integer(node.index, scope), self.network
        if node.name != "M":
            i = None if node.inner is None else self._integer(node.inner, scope)
            return RandomPolynomial.of(self.data.at(node.name, j, i))
        if node.inner is not None:
            raise StatementError("M takes one index; m[l,i] takes two")
        self.data.checked("M", j, net.depth)
        if j > 0:
            return RandomPolynomial.variable(f"M[{j}]")
        return RandomPolynomial.of(net.input_power_sum(1) / net.widths[0])

    def _binary(self, node: Binary, scope: _Scope) -> RandomPolynomial:
        left = self.random(node.left, scope)
        if node.operator == "**":
            return left.power(self._exponent(node.right, scope))
        right = self.random(node.right, scope)
        if node.operator == "+":
            return left + right
        if node.operator == "-":
            return left + right * RandomPolynomial.of(fmpq(-1))
        if node.operator == "*":
            return left * right
        divisor = self.value(node.right, scope)
        if divisor == 0:
            raise StatementError("the statement divides by zero on a member of the family")
        return left * RandomPolynomial.of(1 / divisor)

    def _exponent(self, node: Expression, scope: _Scope) -> int:
        exponent = self._integer(node, scope)
        if node != Name("d") and not 0 <= exponent <= _MAX_EXPONENT:
            raise StatementError(f"an exponent is a whole number from 0 to {_MAX_EXPONENT}, or d")
        return exponent

    def _integer(self, node: Expression, scope: _Scope) -> int:
        value = self.value(node, scope)
        if not isinstance(value, fmpq) or value.q != 1:
            raise StatementError(f"an index or exponent must be a whole number, not {value!s:.40}")
        if abs(value) > _LARGEST_WHOLE:
            raise StatementError(
                f"an index or exponent is beyond all bounds: {_LARGEST_WHOLE:,} is the limit"
            )
        return int(value.p)

    def _fold(self, node: Fold, scope: _Scope) -> RandomPolynomial:
        first, last = self._integer(node.first, scope), self._integer(node.last, scope)
        if last - first >= _MAX_RANGE:
            raise CostError(f"a {node.kind} runs over more than {_MAX_RANGE:,} terms")
        total = RandomPolynomial.of(fmpq(1 if node.kind == "prod" else 0))
        for index in range(first, last + 1):
            term = self.random(node.body, {**scope, node.variable: index})
            total = (total * term if node.kind == "prod" else total + term).checked()
        return total

    def _expectation(self, kind: str, body: RandomPolynomial) -> Value:
        mean = self._mean(body)
        return mean if kind == "E" else self._mean(body.power(2)) - mean**2

    def _mean(self, body: RandomPolynomial) -> Value:
        total: Value = fmpq(0)
        for monomial, coefficient in body.terms.items():
            expected = self.moments.expectation(monomial) if monomial else fmpq(1)
            total = total + coefficient * expected
        return total
