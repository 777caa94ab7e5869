"""Parameters of the kernels that draw cut normal numbers by their quantile function.

SciPy is imported where it is needed, because it takes longer to load than many a simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

__all__ = ["CUT_OF_NARROW", "narrow_parameters", "singles", "truncated_parameters"]

Floats: TypeAlias = NDArray[np.float64]

# Up to this cut a rational function is near enough; beyond, the tail takes a logarithm.
CUT_OF_NARROW = 2


def narrow_parameters(cut: float) -> tuple[np.float32, ...]:
    """For y = erf(x/sqrt 2) up to that of the cut: x/y as P(t)/Q(t) of degree 4, t = 1 - slope y^2.

    Least squares at Chebyshev nodes, linearised and reweighted (Sanathanan and Koerner, IEEE Trans.
    Autom. Control 8, 1963). What has been rounded to single precision is taken as it is in the next
    step, so that roundings do not add up.
    """
    from scipy.special import erfinv

    largest = math.erf(cut / math.sqrt(2))
    unit, slope = np.float32(largest * 2.0**-31), np.float32(1 / largest**2)
    nodes = chebyshev.chebpts1(400)
    y = largest * np.sqrt((nodes + 1) / 2)
    seen = y * (float(unit) * 2.0**31 / largest)
    ratio = math.sqrt(2) * erfinv(y) / seen
    powers = np.vander(1 - float(slope) * seen**2, 5)
    below = np.ones(len(nodes))
    for _ in range(12):
        columns = np.hstack([powers, -ratio[:, None] * powers[:, :-1]])
        denominator = _fit(columns, ratio, ratio * below)[5:].astype(np.float32).astype(np.float64)
        below = powers @ np.append(denominator, 1)
    numerator: list[np.float32] = []
    for k in range(5):
        rest = ratio * below - powers[:, :k] @ np.array(numerator, np.float64)
        numerator.append(np.float32(_fit(powers[:, k:], rest, ratio * below)[0]))
    return (unit, slope, *numerator, *singles(*denominator))


def _fit(columns: Floats, target: Floats, unit: Floats) -> Floats:
    """Least squares with errors relative to `unit`."""
    return np.asarray(np.linalg.lstsq(columns / unit[:, None], target / unit, rcond=None)[0])


def truncated_parameters(cut: float) -> tuple[np.float32, ...]:
    """For q = -log2(1 - y^2), w = q/(q + 12): x^2/q as a polynomial of degree 9 in t = p[2] + p[3] w."""
    from scipy.special import erfcinv, erfinv

    inside, outside = math.erf(cut / math.sqrt(2)), math.erfc(cut / math.sqrt(2))
    largest = -math.log2(max(outside * (1 + inside), 2.0**-48))
    slope = 2 * (largest + 12) / largest

    def ratio(t: Floats) -> Floats:
        w = (t + 1) / slope
        q = 12 * w / (1 - w)
        y = np.sqrt(-np.expm1(-q * math.log(2)))
        tail = np.exp2(-q) / (1 + y)
        x = math.sqrt(2) * np.where(tail < 0.5, erfcinv(tail), erfinv(y))
        result: Floats = x * x / q
        return result

    return singles(outside, inside * 2.0**-31, -1, slope, *_interpolate(ratio))


def _interpolate(function: Callable[[Floats], Floats]) -> list[float]:
    """Coefficients of degree 9 on [-1, 1], highest first, from the Chebyshev nodes."""
    nodes = chebyshev.chebpts1(10)
    series = chebyshev.chebfit(nodes, function(nodes), 9)
    return [float(c) for c in chebyshev.cheb2poly(series)[::-1]]


def singles(*values: float) -> tuple[np.float32, ...]:
    """In single precision, as kernels read them.

    >>> singles(0.5, 3)
    (np.float32(0.5), np.float32(3.0))
    """
    return tuple(map(np.float32, values))
