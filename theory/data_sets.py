"""How many inputs of a data set explode or die: R1's question, from the exact law (THEORY.md section 8).

The law of M_j(x)/M_0(x) is the same for every non-zero input x. So among N inputs, fixed or drawn without
looking at the weights, the expected number with M_j(x_i) > t M_0(x_i) is exactly N P(M_j/M_0 > t), however
dependent they are through the weights that they share; and by Markov's inequality the probability that there
is any is at most that number.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from flint import fmpq
from numpy.typing import ArrayLike

from theory.errors import SpecError
from theory.exact_law import length_law
from theory.exact_law_door import checked_whole, points_of
from theory.exact_moments import vanishing_probability
from theory.length_distribution import LengthLaw
from theory.network import FullyConnected
from theory.stirling import Floats
from theory.values import Enclosed, Exact, as_value

__all__ = [
    "NetworkOrLaw",
    "checked_size",
    "expected_above",
    "expected_below",
    "expected_dead",
    "fall_limit",
    "growth_limit",
    "ratio_law",
]

_MAX_SIZE = 10**15
NetworkOrLaw = FullyConnected | LengthLaw


def expected_above(network: NetworkOrLaw, size: int, threshold: ArrayLike) -> Floats:
    """Expected number of `size` inputs with M_d(x) > threshold * M_0(x).

    `network` may be the law of any layer instead, from `length_law`. Thresholds are numbers or arrays.

    >>> net = FullyConnected([784, *[100] * 20])
    >>> [round(float(n), 3) for n in expected_above(net, 60_000, [1, 10, 100])]
    [18703.879, 138.955, 0.004]
    """
    size = checked_size(size)
    return np.asarray(size * ratio_law(network).sf(_thresholds_of(threshold)))[()]


def expected_below(network: NetworkOrLaw, size: int, threshold: ArrayLike) -> Floats:
    """Expected number with M_d(x) <= threshold * M_0(x), the dead ones included.

    >>> net = FullyConnected([784, 4, 4])
    >>> float(expected_below(net, 1024, 0)), float(expected_dead(net, 1024))
    (124.0, 124.0)
    """
    size = checked_size(size)
    return np.asarray(size * ratio_law(network).cdf(_thresholds_of(threshold)))[()]


def expected_dead(network: NetworkOrLaw, size: int) -> Exact | Enclosed:
    """Expected number with a_d(x) = 0, exactly: N (1 - prod (1 - 2^-n_j)) for ReLU."""
    return as_value(checked_size(size) * vanishing_probability(ratio_law(network).layers))


def growth_limit(network: NetworkOrLaw, size: int, *, expected: float = 1.0) -> float:
    """The least t with at most `expected` of `size` inputs beyond t M_0(x), on average.

    0 where fewer than `expected` are alive on average.

    >>> net = FullyConnected([784, *[100] * 20])
    >>> t = growth_limit(net, 60_000)
    >>> round(t, 2), round(float(expected_above(net, 60_000, t)), 9)
    (34.86, 1.0)
    """
    return float(ratio_law(network).isf(_share(size, expected)))


def fall_limit(network: NetworkOrLaw, size: int, *, expected: float = 1.0) -> float:
    """The largest t with at most `expected` of `size` inputs at or below t M_0(x), on average.

    0 where the dead alone are as many.
    """
    return float(ratio_law(network).ppf(_share(size, expected)))


def _share(size: int, expected: float) -> float:
    if isinstance(expected, bool) or not isinstance(expected, (int, float)) or not expected > 0:
        raise SpecError(f"the expected number must be a positive number such as 1, not {expected!r:.60}")
    return min(1.0, expected / checked_size(size))


def checked_size(size: int) -> int:
    """N, or `SpecError`."""
    return checked_whole(size, "the size of a data set", 1, _MAX_SIZE)


def _thresholds_of(threshold: ArrayLike) -> Floats:
    found = points_of(threshold, "thresholds")
    bad = found[~(found >= 0)]
    if bad.size:
        shown = "not a number" if math.isnan(bad[0]) else f"{bad[0]:g}"
        raise SpecError(f"a threshold is a ratio of squared lengths, at least 0, and one of them is {shown}")
    return found


def ratio_law(network: NetworkOrLaw) -> LengthLaw:
    """The law of the ratio to the input's length, of a net or of any layer's length."""
    return replace(network, start=fmpq(1)) if isinstance(network, LengthLaw) else length_law(network)
