"""What the theory needs of a weight law: its standardised even moments.

m_{2r} = E w^{2r} for the weight w scaled to E w^2 = 1, THEORY.md section 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from theory.reals import Number

__all__ = ["Law"]


class Law(ABC):
    """A symmetric law of variance one."""

    @property
    @abstractmethod
    def name(self) -> str:
        """How the command line spells this law."""

    @abstractmethod
    def even_moment(self, half_order: int) -> Number:
        """E w^(2 * half_order), exactly; `SpecError` where it is infinite."""

    @property
    def finite_half_order(self) -> int | None:
        """The largest r with E w^(2r) finite, or None when all moments are finite."""
        return None

    @property
    def kurtosis(self) -> Number:
        """kappa = E w^4, at least 1 for every law."""
        return self.even_moment(2)

    def has_moment(self, half_order: int) -> bool:
        """Whether E w^(2 * half_order) is finite."""
        return self.finite_half_order is None or half_order <= self.finite_half_order
