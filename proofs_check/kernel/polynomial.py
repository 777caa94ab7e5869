"""Polynomials with rational coefficients, as short text such as ``1 - u + 2*u*m4``.

Text is sums of monomials: a rational and variables, each with an optional power, joined by
``*``. Nothing else is read, so a proof can be read aloud; nor is text of more than 20,000 characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

__all__ = ["Polynomial", "PolynomialError"]

_Monomial: TypeAlias = tuple[tuple[str, int], ...]
_FACTOR = re.compile(r"(?:(\d+(?:/[1-9]\d*)?)|([a-z][a-z0-9]*)(?:\^([1-9]\d?))?)\Z", re.ASCII)
_MAX_TEXT = 20_000


class PolynomialError(ValueError):
    """Text that is not a polynomial."""


@dataclass(frozen=True)
class Polynomial:
    """Non-zero coefficients by monomial; equality is equality of polynomials."""

    terms: Mapping[_Monomial, Fraction]

    @classmethod
    def of(cls, text: str | int | Fraction) -> Polynomial:
        """Read text or a number.

        >>> Polynomial.of("1 + 5*u") * Polynomial.of("u") == Polynomial.of("5*u^2 + u")
        True
        """
        if isinstance(text, (int, Fraction)):
            return cls({(): Fraction(text)} if text else {})
        if not isinstance(text, str) or len(text) > _MAX_TEXT:
            raise PolynomialError("a polynomial is written as text")
        total = cls({})
        for sign, monomial in _split(text):
            total = total + _read_monomial(monomial) * sign
        return total

    def __add__(self, other: Polynomial) -> Polynomial:
        terms = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            value = terms.get(monomial, Fraction(0)) + coefficient
            if value:
                terms[monomial] = value
            else:
                terms.pop(monomial, None)
        return Polynomial(terms)

    def __mul__(self, other: Polynomial | int | Fraction) -> Polynomial:
        right = other if isinstance(other, Polynomial) else Polynomial.of(other)
        total: dict[_Monomial, Fraction] = {}
        for left_powers, a in self.terms.items():
            for right_powers, b in right.terms.items():
                monomial = _multiplied(left_powers, right_powers)
                total[monomial] = total.get(monomial, Fraction(0)) + a * b
        return Polynomial({m: c for m, c in total.items() if c})

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + other * -1

    def __pow__(self, exponent: int) -> Polynomial:
        result = Polynomial.of(1)
        for _ in range(exponent):
            result = result * self
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and dict(self.terms) == dict(other.terms)

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def substitute(self, variable: str, value: Polynomial) -> Polynomial:
        """The polynomial with a variable replaced."""
        total = Polynomial({})
        for monomial, coefficient in self.terms.items():
            power = dict(monomial).get(variable, 0)
            rest = tuple((name, e) for name, e in monomial if name != variable)
            total = total + Polynomial({rest: coefficient}) * value**power
        return total

    def degree(self, variable: str) -> int:
        """The largest power of the variable."""
        return max((dict(m).get(variable, 0) for m in self.terms), default=0)

    def variables(self) -> set[str]:
        """All variables that occur."""
        return {name for monomial in self.terms for name, _ in monomial}


def _split(text: str) -> list[tuple[int, str]]:
    """Signed monomials of ``a - b + c``."""
    pieces = re.split(r" ([+-]) ", text.strip())
    first, sign = (pieces[0][1:], -1) if pieces[0].startswith("-") else (pieces[0], 1)
    signed = [(sign, first)]
    signed += [(-1 if s == "-" else 1, m) for s, m in zip(pieces[1::2], pieces[2::2], strict=True)]
    return signed


def _read_monomial(text: str) -> Polynomial:
    result = Polynomial.of(1)
    for factor in text.split("*"):
        match = _FACTOR.match(factor.strip())
        if match is None:
            raise PolynomialError(f"not a monomial: {text[:60]!r}")
        number, name, power = match.groups()
        if number:
            result = result * Fraction(number)
        else:
            result = result * Polynomial({((name, int(power or 1)),): Fraction(1)})
    return result


def _multiplied(left: _Monomial, right: _Monomial) -> _Monomial:
    powers = dict(left)
    for name, exponent in right:
        powers[name] = powers.get(name, 0) + exponent
    return tuple(sorted(powers.items()))
