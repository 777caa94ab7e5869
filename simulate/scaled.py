"""Averages of positive numbers far outside the range of floats, and their merging.

A scaled number is value * 2^exponent. Scaling by powers of two is exact, so an average does not
depend on where the numbers lie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Averages", "Lengths", "common_exponent", "shifted"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class _Meant(Protocol):
    @property
    def mean(self) -> Floats: ...

    @property
    def exponent(self) -> Integers: ...


def shifted(x: Floats, exponent: Integers) -> Floats:
    """x 2^exponent for x of ordinary size, 0 or infinite far outside the range of floats.

    >>> shifted(np.array([1.0, 3.0]), np.array([-10**9, 1]))
    array([0., 6.])
    """
    near = np.clip(exponent, -2000, 2000)
    half = near >> 1
    # Powers of two by their bits: ldexp takes one number at a time.
    with np.errstate(over="ignore"):
        result: Floats = x * _power_of_two(half) * _power_of_two(near - half)
    return result


def _power_of_two(exponent: Integers) -> Floats:
    return (exponent + 1023 << 52).view(np.float64)


def common_exponent(one: _Meant, two: _Meant) -> Integers:
    """The larger exponent of two columns; a mean of 0 has none of its own."""
    return np.maximum(
        np.where(one.mean > 0, one.exponent, two.exponent),
        np.where(two.mean > 0, two.exponent, one.exponent),
    )


@dataclass(frozen=True)
class Lengths:
    """M_j of R networks, shape (d + 1, R): fraction * 2^exponent, fraction in [1/8, 2) or 0."""

    fraction: Floats
    exponent: Integers

    @classmethod
    def from_logs(cls, logs: Floats) -> Lengths:
        """From natural logarithms, -inf for a dead layer."""
        alive = np.isfinite(logs)
        binary = np.where(alive, logs, 0.0) / math.log(2)
        exponent = np.floor(binary).astype(np.int64)
        return cls(np.where(alive, np.exp2(binary - exponent), 0.0), exponent)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Where the layer is not dead."""
        return self.fraction > 0

    def logs(self) -> Floats:
        """log M_j, -inf for a dead layer.

        >>> Lengths.from_logs(np.array([[-2000.0, 0.5]])).logs().tolist()
        [[-2000.0, 0.5]]
        """
        with np.errstate(divide="ignore"):
            result: Floats = np.log(self.fraction) + self.exponent * math.log(2)
        return result

    def top(self, axis: int) -> Integers:
        """The largest exponent along an axis, of positive numbers where there are any."""
        lowest = np.min(self.exponent, axis=axis, keepdims=True)
        return np.asarray(np.max(np.where(self.alive, self.exponent, lowest), axis=axis))

    def power(self, k: int) -> Lengths:
        """M_j^k; the fraction then lies in [8^-k, 2^k)."""
        return Lengths(self.fraction**k, self.exponent * k)


@dataclass(frozen=True)
class Averages:
    """Count, mean and sum of squared deviations of many columns at once.

    Column c has mean[c] 2^exponent[c] and squares spread[c] 4^exponent[c]; `count` is one number
    or one per column.
    """

    count: Integers
    exponent: Integers
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, numbers: Lengths) -> Averages:
        """Over the last axis."""
        top = numbers.top(-1)
        x = shifted(numbers.fraction, numbers.exponent - top[..., None])
        mean = np.mean(x, axis=-1)
        spread = np.sum(np.square(x - mean[..., None]), axis=-1)
        return cls(np.asarray(x.shape[-1], np.int64), top, mean, spread)

    def merged(self, other: Averages) -> Averages:
        """Of both samples together (Chan, Golub and LeVeque, Am. Stat. 37, 1983).

        >>> one, two = (Averages.of(Lengths.from_logs(np.log([x]))) for x in ([1.0, 2.0], [6.0]))
        >>> both = one.merged(two)
        >>> mean, spread = both.mean[0] * 2.0 ** both.exponent[0], both.spread[0] * 4.0 ** both.exponent[0]
        >>> round(float(mean), 12), round(float(spread), 12)
        (3.0, 14.0)
        """
        exponent = common_exponent(self, other)
        one, two = self._at(exponent), other._at(exponent)
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        difference = two.mean - one.mean
        mean = one.mean + difference * share
        spread = one.spread + two.spread + np.square(difference) * self.count * share
        return Averages(count, exponent, mean, spread)

    def _at(self, exponent: Integers) -> Averages:
        shift = self.exponent - exponent
        return Averages(self.count, exponent, shifted(self.mean, shift), shifted(self.spread, 2 * shift))

    def log_mean(self) -> Floats:
        """Natural logarithm of the mean, -inf where it is 0."""
        with np.errstate(divide="ignore"):
            result: Floats = np.log(self.mean) + self.exponent * math.log(2)
        return result

    def relative_error(self) -> Floats:
        """Estimated standard error over mean; nan with fewer than two samples or a mean of 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = self.spread / (self.count - 1) / self.count
            result: Floats = np.sqrt(variance) / np.abs(self.mean)
        return result
