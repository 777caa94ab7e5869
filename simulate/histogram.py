"""A mergeable histogram of log M, with quantiles of stated accuracy.

Bins of equal width in log2 M, kept where they are not empty: the sketch of Masson, Rim and Lee
(DDSketch, PVLDB 12(12), 2019) with relative accuracy 2^(1/64) - 1, about 1.1 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS_PER_OCTAVE", "Histogram"]

Integers: TypeAlias = NDArray[np.int64]

BINS_PER_OCTAVE = 32


@dataclass(frozen=True)
class Histogram:
    """Counts of floor(32 log2 M_j): entry i says that `counts[i]` networks fell in `bins[i]`.

    Entries are sorted by layer, then bin; dead layers are not in it.
    """

    layers: Integers
    bins: Integers
    counts: Integers

    @classmethod
    def of(cls, logs: NDArray[np.float64]) -> Histogram:
        """From logs (layers, R), -inf for dead."""
        layers, bins, counts = ([np.empty(0, np.int64)] for _ in range(3))
        for j, row in enumerate(logs):
            alive = row[np.isfinite(row)]
            found, number = _tally(np.floor(alive * (BINS_PER_OCTAVE / math.log(2))).astype(np.int64))
            layers.append(np.full(len(found), j, np.int64))
            bins.append(found)
            counts.append(number)
        return cls(np.concatenate(layers), np.concatenate(bins), np.concatenate(counts))

    def merged(self, other: Histogram) -> Histogram:
        """Of both samples together."""
        layers = np.concatenate([self.layers, other.layers])
        bins = np.concatenate([self.bins, other.bins])
        counts = np.concatenate([self.counts, other.counts])
        order = np.lexsort((bins, layers))
        layers, bins, counts = layers[order], bins[order], counts[order]
        fresh = np.ones(len(layers), bool)
        fresh[1:] = (layers[1:] != layers[:-1]) | (bins[1:] != bins[:-1])
        starts = np.flatnonzero(fresh)
        total = np.add.reduceat(counts, starts) if len(starts) else counts
        return Histogram(layers[starts], bins[starts], total)

    def log_quantiles(self, layer: int, dead: int) -> Callable[[float], float]:
        """The quantile function of log M_layer, dead layers counted as -inf; within ln 2/64.

        Below 0 it is the smallest length, beyond 1 the largest.

        >>> quantile = Histogram.of(np.log([[1.0, 2.0, 4.0, 8.0]])).log_quantiles(0, dead=4)
        >>> round(math.exp(quantile(0.75)), 1), quantile(0.5)
        (2.0, -inf)
        """
        start, stop = np.searchsorted(self.layers, [layer, layer + 1])
        bins = self.bins[start:stop]
        cumulative = dead + np.cumsum(self.counts[start:stop])
        total = int(cumulative[-1]) if len(cumulative) else dead

        def quantile(probability: float) -> float:
            rank = min(max(math.ceil(probability * total), 1), total)
            if rank <= dead:
                return -math.inf
            middle = float(bins[np.searchsorted(cumulative, rank)]) + 0.5
            return middle * math.log(2) / BINS_PER_OCTAVE

        return quantile


def _tally(values: Integers) -> tuple[Integers, Integers]:
    """Distinct values and how often each occurs."""
    if len(values) == 0:
        return values, values
    low, high = int(values.min()), int(values.max())
    if high - low > 1 << 20:
        found, counts = np.unique(values, return_counts=True)
        return found, counts.astype(np.int64)
    dense = np.bincount(values - low)
    occupied = np.flatnonzero(dense)
    return occupied + low, dense[occupied].astype(np.int64)
