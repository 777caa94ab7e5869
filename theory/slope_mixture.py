"""Leaky slopes: the layer's factor as a gamma mixture, its only integral by the trapezoidal rule.

Let r in (0, 1) be the ratio of the squared slopes. chi^2_B + r chi^2_{n-B} = chi^2_n (U + r (1 - U)) with
U ~ Beta(B/2, (n-B)/2) independent of chi^2_n, given B. Put U = e^x/(1 + e^x). Summed over 0 < B < n,
x has the density

    f(x) = sum_b C(n,b)/2^n e^{b x/2} (1 + e^x)^{-n/2} / Beta(b/2, (n-b)/2),

and the factor is (2/n) Gamma_{n/2} v, v(x) = (2/(1+r)) (r + e^x)/(1 + e^x); b = 0 and b = n give v at
minus and plus infinity.

Error of the rule with step h for int f v^{s+it}, s the tilt. In |Im x| <= a < pi we have
|1 + e^x| >= cos(a/2) (1 + e^{Re x}), likewise |r + e^x|, and |arg v| <= a. So on such a line the integral
of |f v^{s+it}| is at most e^{|t| a} cos(a/2)^{-n/2-|s|} int f v^s, and relative to int f v^s the rule errs
by at most 2 e^{|t| a} cos(a/2)^{-n/2-|s|} / (e^{2 pi a/h} - 1), for every a (Trefethen and Weideman 2014,
SIAM Review 56, 385, theorem 5.1).

The sum over b: the log of its terms has second differences of at most -4/(n+1) - 2/n < -6/(n + 2), by
log(1 + y) >= 2y/(2 + y) and psi'(y) >= 1/y, so that terms further than sqrt(15 (n + 2)) from the largest are
below e^-44 of it. The range of x: (log f)' =
(E[B | x] - n U)/2 >= 1/2 - 1/32 where U <= 1/(16 n), since B >= 1, and |s (log v)'| <= 1/16 where
|x| >= log(16 |s|/r); from there f v^s falls faster than e^{-0.4 |x|}, and the grid ends where it is below
e^-50 of its highest value.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
from flint import fmpq

from theory.binomial import log_binomial, twice_entropy_lost
from theory.gamma_mixture import GammaMixture
from theory.stirling import Floats, log_gamma_imaginary, stirling_error

__all__ = ["slope_mixture"]

_STRIPS = np.linspace(0.02, math.pi - 0.02, 400)
_GOAL = 1e-17  # what the rule may add to a transform of modulus 1
_LEFT_OUT = 1e-17  # far more than the ends of the sum over b and of the range of x
_NEGLIGIBLE = 50.0
_BLOCK = 2**21


def slope_mixture(width: int, ratio: fmpq, tilt: float, repeats: int) -> GammaMixture:
    """The mixture for this tilt, its nodes close enough for a net with `repeats` such layers.

    Tilts share their nodes: those of the next power of 4.

    >>> mixture = slope_mixture(3, fmpq(1, 4), 0.0, 1)
    >>> float(np.round(np.exp(mixture.log_weights).sum(), 12))
    1.0
    """
    largest = float(4 ** math.ceil(math.log(max(abs(tilt), 1), 4)))
    for extension in itertools.count(step=16.0):
        mixture = _shared_mixture(width, ratio, largest, repeats, extension)
        if width == 1 or _ends_low(mixture, tilt):
            break
    return mixture


def _ends_low(mixture: GammaMixture, tilt: float) -> bool:
    """Whether the tilted density at the last nodes is negligible; the first two are b = 0 and n."""
    logs = mixture.log_weights + tilt * mixture.log_scales
    return bool(max(logs[2], logs[-1]) < logs.max() - _NEGLIGIBLE)


@lru_cache(maxsize=1024)
def _shared_mixture(width: int, ratio: fmpq, tilt: float, repeats: int, extension: float) -> GammaMixture:
    """For all tilts up to this size; `extension` widens the range of x."""
    flat = _float(ratio)
    log_means = np.log([2 * flat / (1 + flat), 2 / (1 + flat)])
    log_weights = np.full(2, -width * math.log(2))
    step = 0.0
    if width > 1:
        step = _step(width, tilt, _highest_frequency(width / 2 + tilt, repeats))
        nodes = _nodes(step, math.log(max(16 * width, 16 * tilt / flat)) + extension)
        half = _log_density(width, nodes[nodes.size // 2 :]) + math.log(step)
        log_weights = np.concatenate([log_weights, half[:0:-1], half])
        log_means = np.concatenate([log_means, _log_mean(nodes, flat)])
    # The weights add up to 1; dividing by their sum takes out what rounding they have in common.
    log_weights = log_weights - np.logaddexp.reduce(log_weights)

    def node_error(frequency: float) -> float:
        return _rule_error(width, tilt, step, frequency) + _LEFT_OUT

    return GammaMixture(log_weights, np.array([width / 2]), log_means + math.log(2 / width), node_error)


def _nodes(step: float, reach: float) -> Floats:
    """An odd number of them, around 0."""
    count = math.ceil(reach / step)
    return step * np.arange(-count, count + 1, dtype=np.float64)


def _log_mean(x: Floats, flat: float) -> Floats:
    """log v(x)."""
    return np.logaddexp(math.log(flat), x) - np.logaddexp(0, x) + math.log(2 / (1 + flat))


def _float(ratio: fmpq) -> float:
    return int(ratio.p) / int(ratio.q)


def _highest_frequency(shape: float, repeats: int) -> float:
    """Where |Gamma(a + it)/Gamma(a)|^repeats is below 1e-20, so that no contour goes further."""
    t = 1.0
    while repeats * log_gamma_imaginary(np.array([shape]), np.array([t])).real.item() > -46:
        t *= 1.25
    return t


def _growth(width: int, tilt: float, frequency: float) -> Floats:
    """log of e^{t a} cos(a/2)^{-n/2-|s|} on all strips."""
    return frequency * _STRIPS - (width / 2 + abs(tilt)) * np.log(np.cos(_STRIPS / 2))


def _step(width: int, tilt: float, frequency: float) -> float:
    """The largest step with error below the goal."""
    needed = _growth(width, tilt, frequency) + math.log(4 / _GOAL)
    return float(np.max(2 * math.pi * _STRIPS / needed))


def _rule_error(width: int, tilt: float, step: float, frequency: float) -> float:
    if step == 0:
        return 0.0
    best = float(np.min(_growth(width, tilt, frequency) - 2 * math.pi * _STRIPS / step))
    return 4 * math.exp(min(best, 0.0))


def _log_density(width: int, x: Floats) -> Floats:
    """log f(x) = log sum_b e^{c_b + (b - n/2) x/2} - (n/2) log cosh(x/2), near the largest term."""
    coefficients = _coefficients(width)
    reach = math.ceil(math.sqrt(15 * (width + 2)))
    offsets = np.arange(-reach, reach + 1)
    result = np.empty(x.size)
    step = _BLOCK // offsets.size
    for start in range(0, x.size, step):
        part = x[start : start + step]
        peaks = np.searchsorted(-np.diff(coefficients), part / 2)
        index = peaks[:, None] + offsets
        inside = (index >= 0) & (index < coefficients.size)
        index = np.clip(index, 0, coefficients.size - 1)
        terms = coefficients[index] + (index + 1 - width / 2) * part[:, None] / 2
        terms[~inside] = -np.inf
        result[start : start + step] = np.logaddexp.reduce(terms, axis=1)
    half = np.abs(x) / 2
    return result - width / 2 * (half + np.log1p(np.exp(-2 * half)) - math.log(2))


@lru_cache(maxsize=64)
def _coefficients(width: int) -> Floats:
    """c_b = log C(n,b)/2^n - log Beta(b/2, (n-b)/2) - (n/2) log 2, 0 < b < n, by Stirling."""
    b = np.arange(1, width, dtype=np.float64)
    halves = stirling_error(b / 2)
    beta = -width / 4 * twice_entropy_lost(b, width) + np.log(b * (width - b) / (2 * width)) / 2
    beta += stirling_error(np.array([width / 2])) - halves - halves[::-1] - math.log(2 * math.pi) / 2
    return log_binomial(width)[1:-1] + beta
