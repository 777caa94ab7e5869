"""Theory against simulation, by tests that heavy tails cannot fool (THEORY.md section 9).

Averages of M_d^2 at depth, and their estimated standard errors, lie. Instead:

conditional_ratio   every simulated layer gives M_j^k / E[M_j^k | a_{j-1}] - 1, light-tailed, with
                    mean 0 and a variance known exactly given a_{j-1}; these are martingale
                    differences, so their standardised sum is close to a standard normal.
probability         the count of networks with M_d <= t is binomial with the exact probability that
                    an enumeration gives; the p-value is exact.

Both run on the method `direct`, with explicit weights, and state the effect that they would detect
nine times out of ten at the level used here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from proofs_check import oracle
from simulate.methods.direct import activations, lengths
from theory.augmented import from_power_sums
from theory.network import FullyConnected, Layer
from theory.readings.exact import check_order, layer_map
from theory.reals import as_float
from theory.recursion import MomentRecursion, Rows, moment_recursion

__all__ = ["LEVEL", "POWER_QUANTILE", "TWO_SIDED_QUANTILE", "TestResult", "conditional_ratio", "probability"]

Floats = NDArray[np.float64]

LEVEL = 1e-4
TWO_SIDED_QUANTILE = 3.8906
POWER_QUANTILE = 1.2816
_CERTAIN = 1e-6
# Rounding of one layer in single precision, with room to spare.
_SINGLE = 1e-5


@dataclass(frozen=True)
class TestResult:
    """A p-value, how many terms went in, and the relative effect detected with power 0.9."""

    __test__ = False

    p_value: float
    terms: int
    detectable_effect: float
    samples: int
    seed: int

    @property
    def agrees(self) -> bool:
        """Whether theory and simulation are compatible at the level `LEVEL`."""
        return self.p_value >= LEVEL

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "p_value": self.p_value,
            "level": LEVEL,
            "terms": self.terms,
            "detectable_effect": self.detectable_effect,
            "samples": self.samples,
            "seed": self.seed,
        }


def conditional_ratio(
    network: FullyConnected, k: int, samples: int, seed: int, *, believed_factor: float = 1.0
) -> TestResult:
    """Test E[M_j^k | a_{j-1}] of the recursion in all layers at once.

    `believed_factor` multiplies what theory says: a planted error for the mutants.

    >>> net = FullyConnected([5, 6, 6], weights="uniform")
    >>> conditional_ratio(net, 1, samples=500, seed=1).agrees
    True
    >>> conditional_ratio(net, 1, samples=500, seed=1, believed_factor=1.2).agrees
    False
    """
    check_order(network, 2 * k)
    recursion = moment_recursion(2 * k, network.has_bias)
    maps = [_float_map(layer, recursion) for layer in network.layers]
    total, information, terms = 0.0, 0.0, 0
    for rows in activations(network, samples, seed):
        for (before, after), matrix in zip(pairwise(rows), maps, strict=True):
            expected, variance = _conditional(before, matrix, recursion, k)
            alive = expected > 0
            ratio = np.mean(after * after, axis=1)[alive] ** k / (believed_factor * expected[alive]) - 1
            spread = np.sqrt(variance[alive])
            certain = spread < _CERTAIN
            if np.any(np.abs(ratio[certain]) > _SINGLE):
                return TestResult(0.0, int(certain.sum()), 0.0, samples, seed)
            total += float(np.sum(ratio[~certain] / spread[~certain]))
            information += float(np.sum(1 / spread[~certain]))
            terms += int(np.sum(~certain))
    if terms == 0:
        return TestResult(1.0, 0, 0.0, samples, seed)
    z = total / math.sqrt(terms)
    effect = (TWO_SIDED_QUANTILE + POWER_QUANTILE) * math.sqrt(terms) / information
    return TestResult(math.erfc(abs(z) / math.sqrt(2)), terms, effect, samples, seed)


def probability(
    network: FullyConnected, samples: int, seed: int, *, believed_shift: float = 0.0
) -> TestResult:
    """Exact binomial test of P(M_d <= t), t near the median of the enumerated law.

    The law of the weights must be finite; `believed_shift` is added to the probability as a
    planted error. The effect is in absolute probability.
    """
    from scipy.stats import binomtest

    threshold, chance = _near_median(oracle.length_law(network)[-1])
    believed = min(max(chance + believed_shift, 0.0), 1.0)
    count = int(np.sum(lengths(network, samples, seed)[:, -1] <= threshold))
    p_value = float(binomtest(count, samples, believed).pvalue)
    spread = math.sqrt(chance * (1 - chance) / samples)
    effect = (TWO_SIDED_QUANTILE + POWER_QUANTILE) * spread
    return TestResult(p_value, samples, effect, samples, seed)


def _near_median(law: dict[fmpq, fmpq]) -> tuple[float, float]:
    """A threshold strictly between two values, where the distribution function is nearest 1/2."""
    values, best, cumulative = list(law), (1.0, 0.0, 1.0), fmpq(0)
    for value, following in pairwise(values):
        cumulative += law[value]
        middle, chance = (value + following) / 2, as_float(cumulative)
        best = min(best, (abs(chance - 0.5), as_float(middle), chance))
    return best[1], best[2]


def _float_map(layer: Layer, recursion: MomentRecursion) -> Rows[Any]:
    exact = layer_map(layer, recursion)
    return [[(i, as_float(e)) for i, e in row] for row in exact]


def _conditional(
    before: Floats, matrix: Rows[Any], recursion: MomentRecursion, k: int
) -> tuple[Floats, Floats]:
    """E[M_j^k | a_{j-1}] and the conditional variance of M_j^k over its square, per network."""
    squares, m = before * before, before.shape[1]
    sums = [np.sum(squares**r, axis=1) for r in range(recursion.order + 1)]
    one = np.ones(len(before))
    state = [from_power_sums(p, sums.__getitem__, one) / float(m) ** sum(p) for p in recursion.partitions]
    after: list[Any] = recursion.apply(matrix, state)
    moments = recursion.length_moments(after, float)
    expected, square = moments[k - 1], moments[2 * k - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(expected > 0, square / expected**2 - 1, 0.0)
    return np.asarray(expected), np.maximum(variance, 0.0)
