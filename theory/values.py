"""Numbers that know their kind: exact, enclosed, bounded or floating. Kinds never mix silently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from flint import arb, ctx, fmpq

from theory.rationals import as_fraction
from theory.reals import Number

__all__ = [
    "EXACT_DIGITS",
    "Bounded",
    "Enclosed",
    "Exact",
    "Floating",
    "Number",
    "Value",
    "as_value",
    "larger",
    "shortened",
    "smaller",
]

EXACT_DIGITS = 4_000
_BITS_PER_DIGIT = math.log2(10)
_MOST_BITS = 20_000


@dataclass(frozen=True)
class Exact:
    """A rational number, as it is.

    >>> Exact(fmpq(1, 3)).to_dict()
    {'value': 0.3333333333333333, 'log': -1.0986122886681098, 'exact': '1/3'}
    """

    number: fmpq

    @property
    def fraction(self) -> Fraction:
        """The same number from the standard library."""
        return as_fraction(self.number)

    @property
    def value(self) -> float | None:
        """The nearest float, or None when it overflows."""
        return _finite(self.number)

    @property
    def log(self) -> float | None:
        """The natural logarithm, or None where the number is not positive."""
        return _log(self.number)

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """JSON form; a number longer than `exact_digits` is given as an enclosure."""
        head = {"value": self.value, "log": self.log}
        if exact_digits is not None and self.number.height_bits() > exact_digits * _BITS_PER_DIGIT:
            with ctx.workprec(128):
                return head | _decimal_bounds(arb(self.number))
        return head | {"exact": _rational_text(self.number)}

    def __float__(self) -> float:
        return math.inf if self.value is None else self.value


@dataclass(frozen=True)
class Enclosed:
    """A real number inside a ball whose radius is a guaranteed error bound."""

    ball: arb

    @property
    def value(self) -> float | None:
        """The nearest float to the centre, or None when it overflows."""
        return _finite(self.ball)

    @property
    def log(self) -> float | None:
        """The natural logarithm of the centre, or None where the number is not surely positive."""
        return _log(self.ball)

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """JSON form: decimal bounds, rounded outward, with all guaranteed digits."""
        return {"value": self.value, "log": self.log} | _decimal_bounds(self.ball)

    def __float__(self) -> float:
        return math.inf if self.value is None else self.value


@dataclass(frozen=True)
class Floating:
    """A floating-point number with a bound on its relative rounding error."""

    value: float
    relative_error: float

    @property
    def log(self) -> float | None:
        """The natural logarithm, or None where the number is not positive."""
        return math.log(self.value) if self.value > 0 else None

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """JSON form."""
        value = self.value if math.isfinite(self.value) else None
        return {"value": value, "log": self.log, "floating": True, "relative_error": self.relative_error}

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Bounded:
    """A number between two proved bounds, each exact or enclosed; nothing says where in between.

    >>> found = Bounded(fmpq(0), fmpq(9, 4)).to_dict()
    >>> float(found["lower"]), 2.25 <= float(found["upper"]) < 2.2500001, found["value"]
    (0.0, True, None)
    """

    lower: Number
    upper: Number

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """JSON form: decimal bounds, rounded outward, null for an infinite one; no value."""
        with ctx.workprec(128):
            low, high = _outward(self.lower)["lower"], _outward(self.upper)["upper"]
        return {"value": None, "log": None, "lower": low, "upper": high, "bounded": True}


Value: TypeAlias = "Exact | Enclosed | Bounded | Floating"


def as_value(number: Number) -> Exact | Enclosed:
    """Name the kind of a number that a reading returned."""
    return Exact(number) if isinstance(number, fmpq) else Enclosed(number)


def smaller(left: Number, right: Number) -> Number:
    """The minimum; a ball when either is one, containing the true minimum."""
    if isinstance(left, fmpq) and isinstance(right, fmpq):
        return min(left, right)
    return arb(left).min(arb(right))


def larger(left: Number, right: Number) -> Number:
    """The maximum; a ball when either is one, containing the true maximum."""
    if isinstance(left, fmpq) and isinstance(right, fmpq):
        return max(left, right)
    return arb(left).max(arb(right))


def shortened(number: Number, longest_bits: int | None) -> Number:
    """The number itself, or a ball around it when its fraction needs more bits than allowed."""
    if longest_bits is not None and isinstance(number, fmpq) and number.height_bits() > longest_bits:
        return arb(number)
    return number


def _finite(number: Number) -> float | None:
    with ctx.workprec(64):
        nearest = float(arb(number).mid())
    return nearest if math.isfinite(nearest) else None


def _log(number: Number) -> float | None:
    with ctx.workprec(128):
        ball = arb(number)
        return float(ball.log().mid()) if ball > 0 else None


def _rational_text(number: fmpq) -> str:
    if number.q == 1:
        return number.p.str()
    return f"{number.p.str()}/{number.q.str()}"


def _outward(number: Number) -> dict[str, Any]:
    """Decimal bounds of about 30 digits, of a long or exact number too; None for infinity."""
    if arb(number) == arb("inf"):
        return {"lower": None, "upper": None}
    return _decimal_bounds(arb(number) * arb(1, 2.0**-100))


def _decimal_bounds(ball: arb) -> dict[str, Any]:
    digits = max(2, int(min(ball.rel_accuracy_bits(), _MOST_BITS) / _BITS_PER_DIGIT))
    middle, radius, exponent = ball.mid_rad_10exp(digits)
    ends = {"lower": middle - radius, "upper": middle + radius}
    return {name: _scientific(end.str(), int(exponent)) for name, end in ends.items()}


def _scientific(whole: str, exponent: int) -> str:
    """whole * 10^exponent with the point behind the first digit: exact, only rewritten."""
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}e{exponent + len(digits) - 1}"
