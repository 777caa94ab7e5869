"""Mean and variance of log M with their standard errors, mergeable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogMoments"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class LogMoments:
    """Of log M_j over the networks where layer j is alive: count, mean, sums of central powers 2 to 4.

    All of shape (d + 1,). Merged by the formulas of Pebay (Sandia report SAND2008-6212, 2008).
    """

    count: Integers
    mean: Floats
    second: Floats
    third: Floats
    fourth: Floats

    @classmethod
    def of(cls, logs: Floats) -> LogMoments:
        """From a table (d + 1, R) with -inf for dead layers.

        >>> found = LogMoments.of(np.array([[0.0, 2.0, -np.inf]]))
        >>> found.count, found.mean, found.variance()
        (array([2]), array([1.]), array([2.]))
        """
        alive = np.isfinite(logs)
        count = np.sum(alive, axis=1)
        finite = np.where(alive, logs, 0.0)
        mean = np.sum(finite, axis=1) / np.maximum(count, 1)
        deviation = np.where(alive, finite - mean[:, None], 0.0)
        square = np.square(deviation)
        sums = (np.sum(square * deviation**p, axis=1) for p in (0, 1, 2))
        return cls(count, mean, *sums)

    def merged(self, other: LogMoments) -> LogMoments:
        """Of both samples together."""
        # Floats: squares of counts may pass 2^63.
        n, m = self.count.astype(np.float64), other.count.astype(np.float64)
        total = np.maximum(n + m, 1.0)
        # With n or m = 0 all sums of that side are 0, and so is each term that they multiply.
        d = other.mean - self.mean
        third = d**3 * n * m * (n - m) / total**2 + 3 * d * (n * other.second - m * self.second) / total
        fourth = (
            d**4 * n * m * (n**2 - n * m + m**2) / total**3
            + 6 * d**2 * (n**2 * other.second + m**2 * self.second) / total**2
            + 4 * d * (n * other.third - m * self.third) / total
        )
        return LogMoments(
            self.count + other.count,
            np.where(n > 0, self.mean + d * m / total, other.mean),
            self.second + other.second + d**2 * n * m / total,
            self.third + other.third + third,
            self.fourth + other.fourth + fourth,
        )

    def variance(self) -> Floats:
        """Unbiased; nan with fewer than two alive networks."""
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Floats = np.where(self.count > 1, self.second / (self.count - 1), np.nan)
        return result

    def mean_error(self) -> Floats:
        """Standard error of the mean."""
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Floats = np.sqrt(self.variance() / self.count)
        return result

    def variance_error(self) -> Floats:
        """Standard error of the variance, sqrt((m_4 - m_2^2)/n)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            second, fourth = self.second / self.count, self.fourth / self.count
            result: Floats = np.sqrt(np.maximum(fourth - second**2, 0) / self.count)
        return result
