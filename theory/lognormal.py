"""The log-normal approximation of the activation length, with its measured distance to the exact law.

Var X = C/n for one layer's factor X of mean 1 (C = 5 for ReLU), so as widths grow with sum C/n_j = v, the
logarithm of the product tends to a normal law of mean -v/2 and variance v (THEORY.md section 8).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.exact_law_door import points_of, probabilities_of
from theory.stirling import Floats

__all__ = ["LogNormal", "kolmogorov_distance"]


@dataclass(frozen=True)
class LogNormal:
    """exp of a normal variable.

    `kolmogorov_distance` is sup |F - G| to the exact law F, its atom at 0 included, as measured on a grid.

    >>> law = LogNormal(-2.5, 5.0, 0.0)
    >>> float(law.cdf(np.exp(-2.5))), law.mean()
    (0.5, 1.0)
    """

    log_mean: float
    log_variance: float
    kolmogorov_distance: float

    def pdf(self, x: ArrayLike) -> Floats:
        """The density, 0 for x <= 0."""
        points = points_of(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = self._score(points)
            found = np.exp(-score * score / 2) / (points * math.sqrt(2 * math.pi * self.log_variance))
        return np.where(points > 0, found, 0.0)

    def cdf(self, x: ArrayLike) -> Floats:
        """P(M <= x)."""
        from scipy.special import ndtr

        return np.asarray(ndtr(self._score(points_of(x))))

    def sf(self, x: ArrayLike) -> Floats:
        """P(M > x)."""
        from scipy.special import ndtr

        return np.asarray(ndtr(-self._score(points_of(x))))

    def ppf(self, q: ArrayLike) -> Floats:
        """The quantile of q."""
        from scipy.special import ndtri

        score = ndtri(probabilities_of(q))
        return np.asarray(np.exp(self.log_mean + math.sqrt(self.log_variance) * score))

    def mean(self) -> float:
        """E M."""
        return math.exp(self.log_mean + self.log_variance / 2)

    def var(self) -> float:
        """Var M."""
        return self.mean() ** 2 * math.expm1(self.log_variance)

    def _score(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(x, 0))
        return (logs - self.log_mean) / math.sqrt(self.log_variance)


def kolmogorov_distance(
    first: Callable[[Floats], Floats], second: Callable[[Floats], Floats], centre: float, deviation: float
) -> float:
    """The largest |F - G| at 0 and on 2,001 points of e^{centre +- 10 deviations}, then closer around it.

    >>> uniform = lambda x: np.clip(x, 0, 1)
    >>> round(kolmogorov_distance(uniform, lambda x: uniform(x) ** 2, 0.0, 1.0), 9)        # x - x^2
    0.25
    """

    def difference(logs: Floats) -> Floats:
        x = np.exp(logs)
        return np.abs(first(x) - second(x))

    logs = centre + deviation * np.linspace(-10, 10, 2001)
    zero = np.zeros(1)
    largest = float(np.abs(first(zero) - second(zero)).item())
    for _ in range(3):
        found = difference(logs)
        peak = int(np.argmax(found))
        largest = max(largest, float(found[peak]))
        near = logs[max(peak - 1, 0) : peak + 2]
        logs = np.linspace(near[0], near[-1], 101)
    return largest
