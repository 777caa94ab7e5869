"""Symmetric laws on finitely many rational points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flint import fmpq

from theory.errors import SpecError
from theory.law import Law
from theory.rationals import RationalLike, rational

__all__ = ["FiniteLaw", "finite_law"]


@dataclass(frozen=True)
class FiniteLaw(Law):
    """Any symmetric law on finitely many rational points, standardised by its own variance.

    `points` holds (value, probability) pairs, sorted by value, probabilities positive.

    >>> three = finite_law([(-1, "1/6"), (0, "2/3"), (1, "1/6")])
    >>> three.kurtosis                      # matches the normal law up to order 5
    3
    """

    points: tuple[tuple[fmpq, fmpq], ...]

    def __post_init__(self) -> None:
        total = sum((p for _, p in self.points), fmpq(0))
        if any(p <= 0 for _, p in self.points):
            raise SpecError("the probabilities of a finite law must be positive; drop the others")
        if total != 1:
            raise SpecError(f"the probabilities of a finite law must sum to 1, not {total}")
        table = dict(self.points)
        if len(table) != len(self.points):
            raise SpecError("a finite law names one of its values twice; add their probabilities")
        for value, probability in self.points:
            if table.get(-value) != probability:
                raise SpecError(
                    f"this finite law is not symmetric: {value} has probability {probability}, "
                    f"{-value} has {table.get(-value, 0)}; asymmetric weights leave the theory"
                )
        if all(value == 0 for value, _ in self.points):
            raise SpecError("a finite law must have a non-zero value; all mass at 0 has variance 0")

    @property
    def name(self) -> str:
        return "finite:" + ",".join(f"{v}:{p}" for v, p in self.points)

    def raw_moment(self, half_order: int) -> fmpq:
        """E v^(2 * half_order) of the law as written, before standardising."""
        return sum((p * v ** (2 * half_order) for v, p in self.points), fmpq(0))

    def even_moment(self, half_order: int) -> fmpq:
        return self.raw_moment(half_order) / self.raw_moment(1) ** half_order


def finite_law(points: Iterable[tuple[RationalLike, RationalLike]]) -> FiniteLaw:
    """A finite symmetric law from (value, probability) pairs in any order.

    >>> finite_law([(1, "1/2"), (-1, "1/2")]).kurtosis
    1
    """
    try:
        pairs = [(value, probability) for value, probability in points]
    except (TypeError, ValueError):
        raise SpecError("a finite law is given as (value, probability) pairs") from None
    exact = [
        (rational(v, "a value of a finite law"), rational(p, "a probability of a finite law"))
        for v, p in pairs
    ]
    return FiniteLaw(tuple(sorted(exact, key=lambda pair: pair[0])))
