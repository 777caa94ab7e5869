"""What the theory needs of a weight law: its standardised even moments.

m_{2r} = E w^{2r} for the weight w scaled to E w^2 = 1, THEORY.md section 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

from flint import fmpq

from theory.reals import Number

__all__ = ["Law"]


class Law(ABC):
    """A symmetric law of variance one: of independent weights, unless `independent` is False.

    Theory needs E prod (W a)_i^{2 k_i} for fixed a. It is the value for independent entries with the
    moments `independent_moment`, times `moment_ratio` of sum k_i.
    """

    independent: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """How the command line spells this law."""

    @abstractmethod
    def even_moment(self, half_order: int) -> Number:
        """E w^(2 * half_order), exactly; `SpecError` where it is infinite."""

    def independent_moment(self, half_order: int) -> Number:
        """E w^(2 * half_order) of the independent entries with which the matrix is compared."""
        return self.even_moment(half_order)

    def moment_ratio(self, half_order: int, fan_in: int, width: int) -> fmpq:
        """What makes moments of W a of degree 2 * half_order out of those for independent entries."""
        return fmpq(1)

    @property
    def finite_half_order(self) -> float:
        """The largest r with E w^(2r) finite, infinite when all moments are."""
        return math.inf

    @property
    def kurtosis(self) -> Number:
        """kappa = E w^4, at least 1 for every law."""
        return self.even_moment(2)

    def has_moment(self, half_order: int) -> bool:
        """Whether E w^(2 * half_order) is finite."""
        return half_order <= self.finite_half_order
