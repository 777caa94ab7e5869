"""Doubling the precision of balls until every printed number has its digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from flint import ctx

from theory.errors import SpecError
from theory.failure_modes import UndecidedError
from theory.values import EXACT_DIGITS, Bounded, Enclosed, Exact, as_value

__all__ = ["LONGEST_BITS", "MAX_DIGITS", "at_precision"]

T = TypeVar("T")

MAX_DIGITS = 1_000
_BITS_PER_DIGIT = 3.3220
_GUARD_BITS = 64
_DOUBLINGS = 6
LONGEST_BITS = int(EXACT_DIGITS * _BITS_PER_DIGIT)


def at_precision(
    assemble: Callable[[], T],
    numbers: Callable[[T], Iterable[Exact | Enclosed | Bounded | None]],
    digits: int,
) -> T:
    """What `assemble` returns at the first precision that gives each of its numbers the digits.

    >>> from flint import arb
    >>> found = at_precision(lambda: Enclosed(arb(2).sqrt()), lambda value: [value], 10)
    >>> found.ball.str(10, radius=False)
    '1.414213562'
    """
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MAX_DIGITS:
        raise SpecError(f"digits must be a whole number from 1 to {MAX_DIGITS}, not {digits!r:.40}")
    bits = int(digits * _BITS_PER_DIGIT) + 1
    precision = bits + _GUARD_BITS
    for _ in range(_DOUBLINGS):
        with ctx.workprec(precision), suppress(UndecidedError):
            record = assemble()
            if all(_sharp(value, bits) for value in numbers(record)):
                return record
        precision *= 2
    raise SpecError(f"{precision // 2} bits of precision do not give {digits} digits here; ask for fewer")


def _sharp(value: Exact | Enclosed | Bounded | None, bits: int) -> bool:
    if isinstance(value, Bounded):
        return all(_sharp(as_value(end), bits) for end in (value.lower, value.upper))
    if not isinstance(value, Enclosed):
        return True
    return bool(value.ball.is_exact()) or int(value.ball.rel_accuracy_bits()) >= bits
