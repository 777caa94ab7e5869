"""Real numbers that are known exactly but are not rational, for use in specs.

A spec must not carry a rounded number, nor one at a fixed precision. A `Real` says what the
number is; `number()` encloses it in a ball at the precision of the current flint context.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from flint import arb, ctx, fmpq

__all__ = [
    "ExactReal",
    "Number",
    "Real",
    "SquareRoot",
    "TruncatedNormalMoment",
    "as_float",
    "number",
    "rational_root",
    "square_root",
]

Number: TypeAlias = "fmpq | arb"


_ONE = fmpq(1)


class Real(ABC):
    """A real number given by what it is; equal when described alike."""

    @abstractmethod
    def enclosure(self) -> arb:
        """A ball that contains the number, at the current precision."""

    @abstractmethod
    def __str__(self) -> str:
        """The number in mathematical notation."""


ExactReal: TypeAlias = "fmpq | Real"


def number(value: ExactReal) -> Number:
    """The rational itself, or a ball around the real number.

    >>> number(fmpq(1, 3))
    1/3
    >>> number(SquareRoot(fmpq(2))).str(10, radius=False)
    '1.414213562'
    """
    return value if isinstance(value, fmpq) else value.enclosure()


def as_float(value: Number) -> float:
    """The nearest float, of a ball that to its centre; infinite beyond the range of floats.

    >>> as_float(fmpq(1, 3)), as_float(fmpq(10) ** 400)
    (0.3333333333333333, inf)
    """
    if isinstance(value, arb):
        return float(value.mid())
    try:
        return int(value.p) / int(value.q)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@dataclass(frozen=True)
class SquareRoot(Real):
    """The positive root of a rational."""

    square: fmpq

    def enclosure(self) -> arb:
        return arb(self.square).sqrt()

    def __str__(self) -> str:
        return f"sqrt({self.square})"


def square_root(square: fmpq) -> ExactReal:
    """The root of a rational, rational where it can be.

    >>> square_root(fmpq(9, 4)), str(square_root(fmpq(2)))
    (3/2, 'sqrt(2)')
    """
    root = rational_root(square)
    return SquareRoot(square) if root is None else root


def rational_root(square: fmpq) -> fmpq | None:
    """The root of a non-negative rational if it is rational, else None.

    >>> rational_root(fmpq(9, 4)), rational_root(fmpq(2))
    (3/2, None)
    """
    root = fmpq(math.isqrt(int(square.p)), math.isqrt(int(square.q)))
    return root if root**2 == square else None


@dataclass(frozen=True)
class TruncatedNormalMoment(Real):
    """factor * E[X^{2 half_order} | |X| <= cut] for X standard normal.

    With t = cut^2/2 the moment is 2^r gamma(r + 1/2, t)/gamma(1/2, t), gamma the lower incomplete
    gamma function (substitute s = x^2/2 in both integrals).
    """

    cut: fmpq
    half_order: int
    factor: fmpq = _ONE

    def enclosure(self) -> arb:
        return _truncated_moment(self.cut, self.half_order, ctx.prec) * self.factor

    def __str__(self) -> str:
        return f"{self.factor}*E[X^{2 * self.half_order} | |X| <= {self.cut}]"


@lru_cache(maxsize=4096)
def _truncated_moment(cut: fmpq, half_order: int, precision: int) -> arb:
    with ctx.workprec(precision + 30):
        t = arb(cut) ** 2 / 2
        top = t.gamma_lower(half_order + arb(fmpq(1, 2)))
        bottom = t.gamma_lower(arb(fmpq(1, 2)))
        return arb(2) ** half_order * top / bottom
