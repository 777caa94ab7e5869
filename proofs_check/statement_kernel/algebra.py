"""Fractions of polynomials over Q in the symbols of a proof, and what is seen to be non-negative.

A polynomial is seen to be non-negative when all its coefficients are, after each symbol with a range
was written by one that runs over [0, oo): x = a + t from a on, x = (a + b t)/(1 + t) on [a, b].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from proofs_check.statement_kernel.rejection import RejectedProofError, require

__all__ = ["NAMES", "RING", "Fraction", "Poly", "compose", "degrees_of", "ranged", "read", "symbol"]

Poly: TypeAlias = Any
_MANY = range(1, 9)
NAMES = (
    *("m", "u", "v", "w", "D", "S1", "S2", "k", "x", "M", "W", "nu2", "nu4", "nu6", "nu8"),
    *(f"{letter}{i}" for letter in "qspytxz" for i in _MANY),
)
RING = fmpq_mpoly_ctx.get(NAMES, Ordering.lex)
_SYMBOLS = dict(zip(NAMES, RING.gens(), strict=True))
_TEXT = re.compile(
    r"(?:[a-zA-Z]\w{0,3}|\d{1,400}(?:/[1-9]\d{0,399})?|\^\d{1,2}(?![\^\d])|[-+* ])++", re.ASCII
)


def symbol(name: str) -> Poly:
    """The polynomial that is one symbol."""
    return _SYMBOLS[name]


def read(text: object) -> Poly:
    """The polynomial in a proof object, such as 3/2*u^2*q2 - 1: sums of products, no brackets."""
    plain = text if isinstance(text, str) and len(text) < 20_000 else ""
    require(_TEXT.fullmatch(plain), "not a polynomial")
    return fmpq_mpoly(plain, RING)


@dataclass(frozen=True)
class Fraction:
    """above/below; what is divided by is to be seen to be positive by whoever uses it."""

    above: Poly
    below: Poly

    @classmethod
    def of(cls, value: Any) -> Fraction:
        """A polynomial or a rational number."""
        return cls(RING.constant(value) if isinstance(value, fmpq | int) else value, RING.constant(1))

    def __add__(self, other: Fraction) -> Fraction:
        return _lowest(self.above * other.below + other.above * self.below, self.below * other.below)

    def __sub__(self, other: Fraction) -> Fraction:
        return self + Fraction(-other.above, other.below)

    def __mul__(self, other: Fraction) -> Fraction:
        return _lowest(self.above * other.above, self.below * other.below)

    def __truediv__(self, other: Fraction) -> Fraction:
        return _lowest(self.above * other.below, self.below * other.above)

    def __pow__(self, exponent: int) -> Fraction:
        return Fraction(self.above**exponent, self.below**exponent)

    @property
    def constant(self) -> fmpq | None:
        """The number that it is, or None."""
        value = self.above.to_dict()
        plain = self.below.is_one() and self.above.is_constant()
        return next(iter(value.values()), fmpq(0)) if plain else None

    def number(self, otherwise: str) -> fmpq:
        """The number that it is; the proof is rejected where it is none."""
        value = self.constant
        if value is None:
            raise RejectedProofError(otherwise)
        return value


def _lowest(above: Poly, below: Poly) -> Fraction:
    require(not below.is_zero(), "division by zero")
    common = above.gcd(below)
    above, below = above / common, below / common
    lead = below.leading_coefficient()
    return Fraction(above / lead, below / lead)


def degrees_of(polynomial: Poly) -> list[int]:
    """The degree in each symbol; 0 for the polynomial 0."""
    return [max(0, int(degree)) for degree in polynomial.degrees()]


def compose(polynomial: Poly, values: Mapping[str, Fraction]) -> Fraction:
    """The polynomial with symbols replaced, over the product of the denominators' powers."""
    degrees = degrees_of(polynomial)
    places = [(i, value) for name, value in values.items() if degrees[i := NAMES.index(name)]]
    above, below = RING.constant(0), RING.constant(1)
    for i, value in places:
        below *= value.below ** degrees[i]
    for exponents, coefficient in polynomial.to_dict().items():
        kept, term = list(exponents), RING.constant(1)
        for i, value in places:
            kept[i] = 0
            term *= value.above ** exponents[i] * value.below ** (degrees[i] - exponents[i])
        above += term * RING.from_dict({tuple(kept): coefficient})
    return Fraction(above, below)


def ranged(polynomial: Poly, name: str, low: fmpq, high: fmpq | None) -> Poly:
    """A polynomial of the same sign, with a symbol t >= 0 in the place of one between low and high."""
    t = symbol(name)
    value = Fraction.of(low + 0 * t) if low == high else Fraction(low + high * t, 1 + t) if high else None
    return compose(polynomial, {name: value or Fraction.of(low + t)}).above
