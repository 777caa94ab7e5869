"""Equality of exponentials, logarithms and roots of rationals, decided exactly where balls cannot.

A `Power` is e^c * q_1^{r_1} * ... * q_k^{r_k} with rational c, r_i and positive rational q_i; its
logarithm is linear in 1, log q_1, ..., log q_k. Two powers are equal iff their quotient is 1:

* e^c is transcendental for rational c != 0 (Lindemann), a product of rational powers is algebraic,
  so c = 0;
* and then prod q_i^{D r_i} = 1 in the rationals, D the common denominator of the r_i.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import lcm
from typing import TypeAlias

from flint import fmpq

from proofs_check.language.tree import Binary, Call, Expression, Fold, Negate
from theory.reals import Number

__all__ = ["Power", "TieBreaker"]

_Scope: TypeAlias = Mapping[str, int]
_MAX_BITS = 200_000
_ZERO = fmpq(0)


@dataclass(frozen=True)
class Power:
    """e^constant times rational powers of positive rationals; or, read as a logarithm, their sum."""

    constant: fmpq
    exponents: Mapping[fmpq, fmpq]

    @classmethod
    def of(cls, base: fmpq) -> Power:
        """A positive rational, as its own first power."""
        return cls(_ZERO, {base: fmpq(1)})

    def __mul__(self, other: Power) -> Power:
        total = dict(self.exponents)
        for base, exponent in other.exponents.items():
            total[base] = total.get(base, _ZERO) + exponent
        return Power(self.constant + other.constant, total)

    def __pow__(self, exponent: fmpq) -> Power:
        scaled = {base: r * exponent for base, r in self.exponents.items()}
        return Power(self.constant * exponent, scaled)

    def is_one(self) -> bool | None:
        """Whether it equals 1; None where the rationals are too long to say.

        >>> (Power.of(fmpq(4)) ** fmpq(1, 2) * Power.of(fmpq(2)) ** fmpq(-1)).is_one()
        True
        """
        if self.constant != 0:
            return False
        common = lcm(*(int(r.q) for r in self.exponents.values()))
        powers = [(base, int((r * common).p)) for base, r in self.exponents.items()]
        if sum(base.height_bits() * abs(r) for base, r in powers) > _MAX_BITS:
            return None
        product = fmpq(1)
        for base, r in powers:
            product *= base**r
        return product == 1


@dataclass(frozen=True)
class TieBreaker:
    """Reads expressions as powers on one network, whose rational parts `value` computes."""

    value: Callable[[Expression, _Scope], Number]
    integer: Callable[[Expression, _Scope], int]

    def equal(self, left: Expression, right: Expression) -> bool | None:
        """Whether two sides are equal; None where one is no such power.

        Two sides that are logarithms are equal iff their exponentials are.
        """
        for read in (self._power, self._exponential):
            a, b = read(left, {}), read(right, {})
            if a is not None and b is not None:
                return (a * b ** fmpq(-1)).is_one()
        return None

    def _power(self, node: Expression, scope: _Scope) -> Power | None:
        """The node itself, where it is a positive number of this form."""
        match node:
            case Call("exp", (argument,)):
                return self._exponential(argument, scope)
            case Call("sqrt", (argument,)):
                return _raised(self._power(argument, scope), fmpq(1, 2))
            case Binary("*" | "/" as operator, left, right) if self._rational(node, scope) is None:
                divided = _raised(self._power(right, scope), fmpq(1 if operator == "*" else -1))
                return _times(self._power(left, scope), divided)
            case Binary("**", base, exponent) if self._rational(node, scope) is None:
                return _raised(self._power(base, scope), fmpq(self.integer(exponent, scope)))
            case Fold("prod") if self._rational(node, scope) is None:
                return self._folded(node, scope, self._power)
        value = self._rational(node, scope)
        return Power.of(value) if value is not None and value > 0 else None

    def _exponential(self, node: Expression, scope: _Scope) -> Power | None:
        """exp of the node, where that is of this form."""
        value = self._rational(node, scope)
        if value is not None:
            return Power(value, {})
        match node:
            case Call("log", (argument,)):
                return self._power(argument, scope)
            case Negate(operand):
                return _raised(self._exponential(operand, scope), fmpq(-1))
            case Binary("+" | "-" as operator, left, right):
                added = _raised(self._exponential(right, scope), fmpq(1 if operator == "+" else -1))
                return _times(self._exponential(left, scope), added)
            case Binary("*" | "/", left, right):
                return self._scaled(node, left, right, scope)
            case Fold("sum"):
                return self._folded(node, scope, self._exponential)
        return None

    def _scaled(self, node: Binary, left: Expression, right: Expression, scope: _Scope) -> Power | None:
        factor = self._rational(right, scope)
        if factor is not None and factor != 0:
            return _raised(self._exponential(left, scope), factor if node.operator == "*" else 1 / factor)
        factor = self._rational(left, scope) if node.operator == "*" else None
        return None if factor is None else _raised(self._exponential(right, scope), factor)

    def _folded(
        self, node: Fold, scope: _Scope, read: Callable[[Expression, _Scope], Power | None]
    ) -> Power | None:
        total: Power | None = Power(_ZERO, {})
        for index in range(self.integer(node.first, scope), self.integer(node.last, scope) + 1):
            total = _times(total, read(node.body, {**scope, node.variable: index}))
            if total is None:
                return None
        return total

    def _rational(self, node: Expression, scope: _Scope) -> fmpq | None:
        value = self.value(node, scope)
        return value if isinstance(value, fmpq) else None


def _times(left: Power | None, right: Power | None) -> Power | None:
    return None if left is None or right is None else left * right


def _raised(power: Power | None, exponent: fmpq) -> Power | None:
    return None if power is None else power**exponent
