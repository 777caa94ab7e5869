"""The law of the activation length as a distribution object, in the style of SciPy's frozen ones.

M_j/M_0 is a product of independent factors, one per layer (theory/length_factor.py), whatever the input.
For ReLU it is 0 with probability 1 - prod (1 - 2^-n_i); beyond 0 it has a density, found by Fourier
inversion with a bound on its error (theory/log_law.py; docs/theory.md, "The exact law").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from flint import arb, fmpq
from numpy.typing import ArrayLike

from theory.exact_law_door import points_of, probabilities_of
from theory.exact_moments import factor_of, length_moment, log_scale, vanishing_probability
from theory.length_factor import LengthFactor
from theory.log_law import LogLaw, Served
from theory.lognormal import LogNormal, kolmogorov_distance
from theory.network import Layer
from theory.quantiles import quantiles
from theory.reals import as_float
from theory.stirling import Floats
from theory.values import Enclosed, Exact, as_value

__all__ = ["LengthLaw", "RelativeErrors"]

_SHARE = 1 / 50  # of the absolute error: to each of wrapping, cutting and trimming
_ROUNDOFF = 2.0**-53
Random = int | np.random.Generator | None


@dataclass(frozen=True)
class RelativeErrors:
    """Bounds at each point, of the density and of the tail on that side of the middle; inf: none."""

    pdf: Floats
    tail: Floats


@dataclass(frozen=True)
class LengthLaw:
    """The law of M_j/M_0, or of M_j: an atom `zero` at 0 and a density on x > 0.

    Methods take numbers or arrays of any shape. `reported_error` bounds the absolute error of `cdf` and
    `sf` everywhere and is at most `absolute_error`; `relative_errors` says what holds far out.
    """

    layers: tuple[Layer, ...] = field(repr=False)
    start: fmpq
    absolute_error: float

    @cached_property
    def zero(self) -> Exact | Enclosed:
        """P(M = 0), exact; a ball where the fraction would need more than a million bits."""
        return as_value(vanishing_probability(self.layers))

    @cached_property
    def reported_error(self) -> float:
        """A bound on the absolute error of `cdf` and `sf`."""
        return self._law.error + 4 * _ROUNDOFF

    def pdf(self, x: ArrayLike) -> Floats:
        """The density for x > 0, elsewhere 0; it integrates to 1 - zero."""
        return np.exp(self.logpdf(x))

    def logpdf(self, x: ArrayLike) -> Floats:
        """log of the density, -inf for x <= 0 and where less than e^-1000 is left to the right."""
        return self._at(x, lambda served, logs: served.log_density - logs, -np.inf, -np.inf, -np.inf)

    def cdf(self, x: ArrayLike) -> Floats:
        """P(M <= x)."""
        zero = float(self.zero)
        return self._at(x, lambda s, _: np.minimum(zero + np.exp(s.log_lower), 1.0), 0.0, zero, 1.0)

    def sf(self, x: ArrayLike) -> Floats:
        """P(M > x), with relative accuracy in the upper tail."""
        return self._at(x, lambda served, _: np.exp(served.log_upper), 1.0, self._alive, 0.0)

    def logcdf(self, x: ArrayLike) -> Floats:
        """log P(M <= x)."""
        with np.errstate(divide="ignore"):
            log_zero = np.log(float(self.zero))
        return self._at(x, lambda s, _: np.logaddexp(log_zero, s.log_lower), -np.inf, log_zero, 0.0)

    def logsf(self, x: ArrayLike) -> Floats:
        """log P(M > x), -inf below -1000."""
        return self._at(x, lambda served, _: served.log_upper, 0.0, self._law.log_mass, -np.inf)

    def ppf(self, q: ArrayLike) -> Floats:
        """The smallest x with P(M <= x) >= q: 0 up to the atom, inf for 1."""
        return np.exp(self.log_ppf(q))

    def log_ppf(self, q: ArrayLike) -> Floats:
        """log of the quantile, also where the quantile itself is beyond the range of floats."""
        q = probabilities_of(q)
        return self._quantiles(q - float(self.zero), 1 - q)

    def isf(self, q: ArrayLike) -> Floats:
        """The x with P(M > x) = q, accurate for tiny q: 0 from 1 - zero on, inf for 0."""
        return np.exp(self.log_isf(q))

    def log_isf(self, q: ArrayLike) -> Floats:
        """log of the same, also where that is beyond the range of floats."""
        q = probabilities_of(q)
        return self._quantiles(self._alive - q, q)

    def median(self) -> float:
        """The quantile of 1/2."""
        return float(self.ppf(0.5))

    def exact_moment(self, order: int) -> Exact | Enclosed:
        """E M^order for a whole order from 0 to 50, exactly."""
        return as_value(length_moment(self.layers, order) * self.start**order)

    def moment(self, order: int) -> float:
        """E M^order, inf beyond the range of floats."""
        return float(self.exact_moment(order))

    def mean(self) -> float:
        """E M."""
        return self.moment(1)

    def var(self) -> float:
        """Var M."""
        mean, square = (self.exact_moment(k) for k in (1, 2))
        return as_float(_number(square) - _number(mean) ** 2)

    def std(self) -> float:
        """The standard deviation of M."""
        return math.sqrt(self.var())

    def rvs(self, size: int | tuple[int, ...] | None = None, random_state: Random = None) -> Floats:
        """Independent copies of M, drawn from its factors and not through the inversion."""
        random = np.random.default_rng(random_state)
        logs = np.full(() if size is None else size, self._log_scale)
        for factor, repeats in self._factors:
            for _ in range(repeats):
                logs += factor.log_samples(logs.size, random).reshape(logs.shape)
        found: Floats = np.exp(logs)
        return found

    @property
    def log_mean(self) -> float:
        """E[log M | M > 0]."""
        return self._law.ladder.centre.mean + self._log_scale

    @property
    def log_variance(self) -> float:
        """Var[log M | M > 0]."""
        return self._law.ladder.centre.deviation**2

    def lognormal(self, *, limit: bool = False) -> LogNormal:
        """The log-normal law with the mean and variance of log M given M > 0.

        With `limit` those of the limit of wide layers: variance v = sum C/n_i, C = 5 for ReLU at any
        gain, and mean log E M - v/2, that is -(5/2) sum 1/n_i for ReLU at the critical gain.
        """
        mean, variance = self.log_mean, self.log_variance
        if limit:
            variance = as_float(sum((repeats * f.variance for f, repeats in self._factors), fmpq(0)))
            mean = self._log_scale - variance / 2
        plain = LogNormal(mean, variance, math.nan)
        spread = math.sqrt(max(variance, self.log_variance))
        return LogNormal(mean, variance, kolmogorov_distance(self.cdf, plain.cdf, mean, spread))

    def relative_errors(self, x: ArrayLike) -> RelativeErrors:
        """Bounds on the relative errors of `pdf`, and of `sf` right, `cdf` - zero left of the middle."""
        density = self._at(x, lambda served, _: served.density_error, 0.0, 0.0, np.inf)
        tail = self._at(x, lambda served, _: served.tail_error, 0.0, 0.0, np.inf)
        return RelativeErrors(density, tail)

    def at_logs(self, log_x: ArrayLike) -> Served:
        """Both tails without the atom, the density of log M and relative errors at M = exp(log_x)."""
        return self._law.at(points_of(log_x) - self._log_scale)

    @cached_property
    def _alive(self) -> float:
        return as_float(1 - _number(self.zero))

    @cached_property
    def _factors(self) -> tuple[tuple[LengthFactor, int], ...]:
        counted = Counter(factor_of(layer) for layer in self.layers)
        return tuple(counted.items())

    @cached_property
    def _log_scale(self) -> float:
        return log_scale(self.layers, self.start)

    @cached_property
    def _law(self) -> LogLaw:
        share = self.absolute_error * _SHARE
        return LogLaw(self._factors, share, share, 4 * _ROUNDOFF * abs(self._log_scale))

    def _at(
        self,
        x: ArrayLike,
        inside: Callable[[Served, Floats], Floats],
        below: float,
        at_zero: float,
        at_infinity: float,
    ) -> Floats:
        """A function of the points: from the log law on 0 < x < inf, constants elsewhere, nan for nan."""
        points = points_of(x)
        ends = [points < 0, points == 0, points == np.inf]
        result = np.select(ends, [below, at_zero, at_infinity], np.nan)
        proper = (points > 0) & (points < np.inf)
        if proper.any():
            logs = np.log(points[proper])
            result[proper] = inside(self._law.at(logs - self._log_scale), logs)
        found: Floats = result[()]
        return found

    def _quantiles(self, lower: Floats, upper: Floats) -> Floats:
        """log of the x with mass `lower` on (0, x] and `upper` beyond."""
        result = np.where(upper <= 0, np.inf, -np.inf)
        proper = (lower > 0) & (upper > 0)
        if proper.any():
            z = quantiles(self._law, np.log(lower[proper]), np.log(upper[proper]))
            result[proper] = z + self._log_scale
        found: Floats = result[()]
        return found


def _number(value: Exact | Enclosed) -> fmpq | arb:
    return value.number if isinstance(value, Exact) else value.ball
