"""What a simulation of many inputs under the same weights returns: all ratios; the extremes with errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.result import Quantile, Sampled, exponential

__all__ = ["QUANTILES", "Extreme", "JointLengths", "JointTable"]

Floats = NDArray[np.float64]

QUANTILES = (0.05, 0.5, 0.95)
_OUTSIDE = 0.025  # of a 95 % interval, on either side
_SHARE = 0.1


@dataclass(frozen=True)
class JointTable:
    """log(M_d(x_i)/M_0(x_i)) of consecutive networks and every input, shape (networks, inputs)."""

    log_ratios: Floats

    def merged(self, other: JointTable) -> JointTable:
        """The networks of both, in this order."""
        return JointTable(np.concatenate([self.log_ratios, other.log_ratios]))


@dataclass(frozen=True)
class Extreme:
    """The largest or the smallest M_d/M_0 of a data set over simulated networks."""

    mean: Sampled
    quantiles: tuple[Quantile, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "of": "M_d/M_0",
            "mean": self.mean.to_dict(),
            "quantiles": [quantile.to_dict() for quantile in self.quantiles],
        }


@dataclass(frozen=True)
class JointLengths:
    """log(M_d(x_i)/M_0(x_i)) of every network and input, shape (networks, inputs); -inf where it is dead."""

    log_ratios: Floats
    seed: int

    def exceedances(self, factor: float) -> NDArray[np.int64]:
        """How many inputs grow beyond factor * M_0, network by network."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.sum(self.log_ratios > np.log(factor), axis=1), np.int64)

    @property
    def largest(self) -> Floats:
        """log of the largest ratio of each network."""
        return np.asarray(np.max(self.log_ratios, axis=1))

    @property
    def smallest(self) -> Floats:
        """log of the smallest ratio of each network, -inf where an input is dead."""
        return np.asarray(np.min(self.log_ratios, axis=1))

    def extreme(self, logs: Floats) -> Extreme:
        """Mean and quantiles over networks of `largest` or `smallest`.

        >>> found = JointLengths(np.log([[1.0, 2.0], [3.0, 1.0], [4.0, 2.0]]), seed=0)
        >>> mean = found.extreme(found.largest).mean
        >>> round(mean.value, 12), round(mean.standard_error, 12)                         # 1/sqrt 3
        (3.0, 0.57735026919)
        """
        return Extreme(_mean(logs, self.seed), tuple(_quantile(np.sort(logs), p) for p in QUANTILES))


def _mean(logs: Floats, seed: int) -> Sampled:
    """The average of exp(log), which may lie outside the range of floats, and its standard error."""
    count, top = logs.size, float(np.max(logs))
    if top == -math.inf:
        return Sampled(0.0, 0.0, count, seed, note="the extreme is 0 in every network")
    x = np.exp(logs - top)
    mean = float(np.mean(x))
    log = top + math.log(mean)
    if count < 2:
        return Sampled(exponential(log), None, count, seed, log, note="one network has no standard error")
    error = float(np.std(x, ddof=1)) / math.sqrt(count)
    heavy = 1 / float(np.sum(np.square(x))) > max(_SHARE, 2 / count)
    note = "decided by networks rarer than this sample; take more of them" if heavy else None
    value = exponential(log)
    return Sampled(value, value * error / mean, count, seed, log, error / mean, note=note)


def _quantile(ranked: Floats, p: float) -> Quantile:
    """The sample quantile and the order statistics that enclose the true one with 95 % confidence; 0 < p < 1.

    For any law, with atoms too: the number of networks at or below the quantile is binomial.
    """
    count = ranked.size
    low, high = _rank(_OUTSIDE, count, p) - 1, _rank(1 - _OUTSIDE, count, p)
    return Quantile(
        p,
        float(ranked[math.ceil(p * count) - 1]),
        float(ranked[low]) if low >= 0 else -math.inf,
        float(ranked[high]) if high < count else math.inf,
    )


def _rank(share: float, count: int, p: float) -> int:
    """The least k with P(Binomial(count, p) <= k) >= share."""
    from scipy.special import bdtr, bdtrik

    k = max(math.ceil(bdtrik(share, count, p)) - 1, 0)
    while bdtr(k, count, p) < share:
        k += 1
    return k
