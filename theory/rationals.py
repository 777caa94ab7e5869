"""Exact rationals at the door: whatever a user writes becomes one `fmpq`, or a helpful error."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import TypeAlias

from flint import fmpq, fmpz

from theory.errors import SpecError

__all__ = ["RationalLike", "as_fraction", "rational"]

RationalLike: TypeAlias = "int | float | str | Fraction | Decimal | fmpq | fmpz | Real"

_MAX_DIGITS = 1_000
_NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?\Z", re.ASCII)


def rational(value: RationalLike, what: str = "a number") -> fmpq:
    """The exact rational behind `value`; text such as ``1/3``, ``0.1`` or ``2e-3`` is read exactly.

    A float stands for the dyadic rational that it is. Raises `SpecError` for anything that is
    not a finite number.

    >>> rational("0.1"), rational("-1/3"), rational(0.5), rational("2e-3")
    (1/10, -1/3, 1/2, 1/500)
    >>> rational("nan", "the input")
    Traceback (most recent call last):
    ...
    theory.errors.SpecError: the input must be a finite number such as 2, 0.1 or 1/3, not 'nan'
    """
    if isinstance(value, fmpq):
        return value
    if isinstance(value, bool):
        raise _refusal(value, what)
    if isinstance(value, str):
        return _from_text(value.strip(), what)
    if isinstance(value, fmpz):
        return fmpq(value)
    if isinstance(value, Integral):
        return fmpq(int(value))
    if isinstance(value, Rational):
        return fmpq(int(value.numerator), int(value.denominator))
    if isinstance(value, (Real, Decimal)):
        return _from_real(value, what)
    raise _refusal(value, what)


def as_fraction(value: fmpq) -> Fraction:
    """The same number as a `fractions.Fraction`, for users who prefer the standard library.

    >>> as_fraction(fmpq(5, 10))
    Fraction(1, 2)
    """
    return Fraction(int(value.p), int(value.q))


def _from_real(value: Real | Decimal, what: str) -> fmpq:
    number = value if isinstance(value, Decimal) else float(value)
    finite = number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)
    if not finite:
        raise _refusal(value, what)
    if isinstance(number, Decimal) and abs(number.adjusted()) > _MAX_DIGITS:
        raise _refusal(value, what)
    numerator, denominator = number.as_integer_ratio()
    return fmpq(numerator, denominator)


def _from_text(text: str, what: str) -> fmpq:
    if len(text) > _MAX_DIGITS:
        raise SpecError(f"{what} has {len(text)} characters; at most {_MAX_DIGITS} are read")
    top, slash, bottom = text.partition("/")
    numerator = _decimal(top, text, what)
    if not slash:
        return numerator
    denominator = _decimal(bottom, text, what)
    if denominator == 0:
        raise SpecError(f"{what} divides by zero: {text!r}")
    return numerator / denominator


def _decimal(text: str, whole: str, what: str) -> fmpq:
    match = _NUMBER.match(text.strip())
    if match is None or not (match[2] or match[3]):
        raise _refusal(whole, what)
    sign, units, decimals, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    if abs(exponent) > _MAX_DIGITS:
        raise SpecError(f"{what} has the exponent {exponent}; at most {_MAX_DIGITS} is read")
    digits = fmpq(int(sign + (units + decimals)))
    return digits * fmpq(10) ** (exponent - len(decimals))


def _refusal(value: object, what: str) -> SpecError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:60] + "..."
    return SpecError(f"{what} must be a finite number such as 2, 0.1 or 1/3, not {shown}")
