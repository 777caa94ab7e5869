"""The largest and the smallest M_j(x_i)/M_0(x_i) of N inputs under the same weights: their law, bounded.

Every ratio X_i has the same exact law (theory/exact_law.py), but they are dependent through the weights,
and how depends on the angles of the inputs. Whatever it is, a union of events is at least as probable as any
one of them, and at most as all of them together:

    P(X > t)  <= P(max X_i > t)  <= min(1, N P(X > t)),
    P(X <= t) <= P(min X_i <= t) <= min(1, N P(X <= t)).

On the left equality holds for parallel inputs. On the right it holds at every t for two opposite inputs
where layer 1 has a single ReLU neuron, which is dead for exactly one of them. For any N some joint law with
these marginals attains it at every t at once, X_i = F^{-1}((U + i/N) mod 1) with U uniform, so that nothing
better follows from the law of one input alone. Quantiles lie between those of the two sides.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from flint import arb, fmpq
from numpy.typing import ArrayLike

from theory.data_sets import NetworkOrLaw, checked_size, ratio_law
from theory.enclosed_tails import enclosed_tails
from theory.errors import SpecError
from theory.exact_law_door import points_of, probabilities_of
from theory.length_distribution import LengthLaw
from theory.values import Bounded, Exact, Number, larger, smaller

__all__ = ["ExtremeLaw", "largest_length", "smallest_length"]

_ORDERS = range(2, 21)
_SHARES = (0.25, 0.5, 0.75)
# How far beyond a guess the proof is tried.
_DISTANCES = (0.0, *(2.0**k for k in range(-44, 16)))


def largest_length(network: NetworkOrLaw, size: int) -> ExtremeLaw:
    """The law of max M_d(x_i)/M_0(x_i) over `size` non-zero inputs, fixed or drawn without the weights.

    `network` may be the law of any layer instead, from `length_law`.

    >>> from theory.network import FullyConnected
    >>> median = largest_length(FullyConnected([784, *[100] * 20]), 60_000).ppf(0.5)
    >>> round(float(median.lower), 4), round(float(median.upper), 4)
    (0.6081, 40.3287)
    """
    return Largest(ratio_law(network), checked_size(size))


def smallest_length(network: NetworkOrLaw, size: int) -> ExtremeLaw:
    """The law of min M_d(x_i)/M_0(x_i); its `cdf(0)` is the probability that some input dies.

    >>> from theory.network import FullyConnected
    >>> law = smallest_length(FullyConnected([784, 4, 4]), 3)
    >>> law.cdf(0)
    Bounded(lower=31/256, upper=93/256)
    """
    return Smallest(ratio_law(network), checked_size(size))


@dataclass(frozen=True)
class ExtremeLaw(ABC):
    """Of the largest or the smallest of `size` ratios, each of the law `of_one`: two-sided bounds.

    The bounds are proved: the errors of the inversion are inside. Points and probabilities are numbers.
    """

    of_one: LengthLaw
    size: int

    def cdf(self, t: float) -> Bounded:
        """P(extreme <= t)."""
        low, high = self._cdf(_log_of(t))
        return Bounded(_clipped(low), _clipped(high))

    def sf(self, t: float) -> Bounded:
        """P(extreme > t)."""
        low, high = self._sf(_log_of(t))
        return Bounded(_clipped(low), _clipped(high))

    def ppf(self, p: float) -> Bounded:
        """The least t with P(extreme <= t) >= p; infinite above where nothing bounds it."""
        p = float(probabilities_of(_single(p, "a probability")))
        least, most = self._guesses(p)
        exact = fmpq(*p.as_integer_ratio())
        low = _proved(least, -1, lambda log_t: bool(self._cdf(log_t)[1] < exact))
        high = _proved(most, 1, lambda log_t: bool(self._cdf(log_t)[0] >= exact))
        return Bounded(arb(low).exp(), arb(high).exp())

    @abstractmethod
    def mean(self) -> Bounded:
        """E extreme, by moments of every ratio and quantiles of the extreme."""

    @abstractmethod
    def _sf(self, log_t: float) -> tuple[Number, Number]:
        """Bounds on P(extreme > t), not cut to [0, 1]."""

    @abstractmethod
    def _cdf(self, log_t: float) -> tuple[Number, Number]:
        """Bounds on P(extreme <= t), not cut to [0, 1]."""

    @abstractmethod
    def _guesses(self, p: float) -> tuple[float, float]:
        """Logarithms of the ends that a quantile's bounds would have without errors."""

    def _mean_by_quantiles(self) -> Number:
        """E Y >= q_p (1 - p) for a non-negative Y and its quantile q_p, since P(Y >= q_p) >= 1 - p."""
        bounds: list[Number] = [arb(self.ppf(p).lower) * (1 - arb(p)) for p in _SHARES]
        return reduce(larger, bounds)


class Largest(ExtremeLaw):
    """The largest."""

    def mean(self) -> Bounded:
        """At least E X; at most (N E X^k)^{1/k} for every k, since max X_i^k <= sum X_i^k."""
        one = _moment(self.of_one, 1)
        best = one * self.size
        for order in _ORDERS:
            found = (arb(_moment(self.of_one, order)) * self.size).root(order)
            if not found < best:
                break
            best = found
        return Bounded(larger(one, self._mean_by_quantiles()), best)

    def _sf(self, log_t: float) -> tuple[Number, Number]:
        _, above = enclosed_tails(self.of_one, log_t)
        return above, self.size * above

    def _cdf(self, log_t: float) -> tuple[Number, Number]:
        below, above = enclosed_tails(self.of_one, log_t)
        return 1 - self.size * above, below

    def _guesses(self, p: float) -> tuple[float, float]:
        return float(self.of_one.log_ppf(p)), float(self.of_one.log_isf((1 - p) / self.size))


class Smallest(ExtremeLaw):
    """The smallest."""

    def mean(self) -> Bounded:
        """At most E X, and E X itself for one input."""
        one = _moment(self.of_one, 1)
        return Bounded(one if self.size == 1 else self._mean_by_quantiles(), one)

    def _sf(self, log_t: float) -> tuple[Number, Number]:
        below, above = enclosed_tails(self.of_one, log_t)
        return 1 - self.size * below, above

    def _cdf(self, log_t: float) -> tuple[Number, Number]:
        below, _ = enclosed_tails(self.of_one, log_t)
        return below, self.size * below

    def _guesses(self, p: float) -> tuple[float, float]:
        return float(self.of_one.log_ppf(p / self.size)), float(self.of_one.log_ppf(p))


def _proved(log_t: float, direction: int, holds: Callable[[float], bool]) -> float:
    """The guess or the first point outward from it at which the enclosed law proves the bound.

    Where none does: -inf below, which is t = 0, and inf above. The quantile of 1 is inf, of one ratio and so
    of the largest, because normal weights know no largest length.
    """
    if log_t == math.inf:
        return log_t
    if direction > 0 and holds(-math.inf):
        return -math.inf
    points = (log_t + direction * distance for distance in _DISTANCES)
    return next(filter(holds, points), direction * math.inf)


def _moment(law: LengthLaw, order: int) -> Number:
    found = law.exact_moment(order)
    return found.number if isinstance(found, Exact) else found.ball


def _clipped(probability: Number) -> Number:
    return smaller(larger(probability, fmpq(0)), fmpq(1))


def _log_of(threshold: float) -> float:
    t = float(points_of(_single(threshold, "a threshold"), "a threshold"))
    if not 0 <= t < math.inf:
        raise SpecError(f"a threshold is a ratio of squared lengths, finite and at least 0, not {t:g}")
    return math.log(t) if t > 0 else -math.inf


def _single(value: ArrayLike, what: str) -> ArrayLike:
    if getattr(value, "ndim", 0) or isinstance(value, (list, tuple)):
        raise SpecError(f"{what} is one number here; ask for one after another")
    return value
