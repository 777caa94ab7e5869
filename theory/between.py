"""Non-negative numbers between two proved bounds: sums and products keep the order of the ends."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from theory.reals import Number
from theory.values import Bounded, Enclosed, Exact, as_value, shortened

__all__ = ["Between"]


@dataclass(frozen=True, slots=True)
class Between:
    """lower <= x <= upper, both at least 0; known when both are one and the same number.

    >>> one, some = Between.known(fmpq(1)), Between.of(fmpq(1), fmpq(2))
    >>> (one + some).upper, (one + one).is_known, (some * some).is_known, Between.of(one.lower, fmpq(1))
    (3, True, False, Between(lower=1, upper=1))
    """

    lower: Number
    upper: Number

    @classmethod
    def known(cls, number: Number) -> Between:
        """The number itself."""
        return cls(number, number)

    @classmethod
    def of(cls, lower: Number, upper: Number) -> Between:
        """Known where two rational ends agree."""
        alike = isinstance(lower, fmpq) and isinstance(upper, fmpq) and lower == upper
        return cls(lower, lower if alike else upper)

    @property
    def is_known(self) -> bool:
        """Whether the ends are one object: two balls may agree and hold different numbers."""
        return self.lower is self.upper

    def __add__(self, other: Between) -> Between:
        lower = self.lower + other.lower
        known = self.is_known and other.is_known
        return Between(lower, lower if known else self.upper + other.upper)

    def __mul__(self, other: Between) -> Between:
        lower = self.lower * other.lower
        known = self.is_known and other.is_known
        return Between(lower, lower if known else self.upper * other.upper)

    def times(self, factor: Number) -> Between:
        """The product with a non-negative number."""
        return self * Between.known(factor)

    def shortened(self, longest_bits: int | None) -> Between:
        """Ends of more than `longest_bits` bits as balls."""
        lower = shortened(self.lower, longest_bits)
        return Between(lower, lower if self.is_known else shortened(self.upper, longest_bits))

    def value(self) -> Exact | Enclosed | Bounded:
        """The number by its kind, or its bounds."""
        return as_value(self.lower) if self.is_known else Bounded(self.lower, self.upper)
