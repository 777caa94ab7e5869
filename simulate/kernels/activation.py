"""From sums to activations: scale, add the bias, bend, measure the length, rescale by a power of two.

Activations are kept near 1; each network carries an exponent e such that its true activations are
2^e times those stored. Scaling by powers of two is exact, so neither depth 10,000 nor a weight
variance of 1e-300 overflows or underflows, and a length of zero means a dead layer.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.kernels.jit import inlined, kernel
from simulate.kernels.streams import LANES

__all__ = ["activate"]

f32 = np.float32


@inlined
def _scale(row, width, factor, bias, bias_factor):
    """row[i] factor + bias[i] bias_factor; `bias` is empty where there is none."""
    if len(bias):
        for i in range(width):
            row[i] = row[i] * factor + bias[i] * bias_factor
    else:
        for i in range(width):
            row[i] = row[i] * factor
    for i in range(width, len(row)):
        row[i] = f32(0)


@inlined
def _bend(row, plus, minus, partial):
    """Apply the slopes in place; the sum of squares, in double precision and LANES partial sums."""
    for lane in range(LANES):
        partial[lane] = 0.0
    for tile in range(0, len(row), LANES):
        part = row[tile : tile + LANES]
        for lane in range(LANES):
            z = part[lane]
            y = z * (plus if z > f32(0) else minus)
            part[lane] = y
            partial[lane] += np.float64(y) * np.float64(y)
    total = 0.0
    for lane in range(LANES):
        total += partial[lane]
    return total


@inlined
def _unit(exponent, bias_exponent, row, width):
    """The exponent in which a layer with biases is computed: that of the larger of signal and bias."""
    for i in range(width):
        if row[i] != f32(0):
            return max(exponent, bias_exponent)
    return bias_exponent


@kernel
def activate(
    sums, width, weight_scale, weight_exponent, biases, bias_scale, bias_exponent, slopes, exponents, lengths
):
    """Turn raw sums (R, padded width) into activations, in place.

    The pre-activation is weight_scale 2^(weight_exponent + exponents[r]) sums + bias_scale
    2^bias_exponent biases; `biases` has no columns where there is none. Afterwards the activation is
    2^exponents[r] sums, and M = 4^exponents[r] lengths[r] with lengths[r] in [1/2, 2), or 0 for a
    dead layer.
    """
    plus, minus = slopes
    biased = biases.shape[1] > 0
    partial = np.empty(LANES, np.float64)
    for r in range(len(sums)):
        row = sums[r]
        exponent = int(exponents[r]) + weight_exponent
        unit = _unit(exponent, bias_exponent, row, width) if biased else exponent
        # Of signal and bias the larger sets the unit; a silent signal may have any exponent.
        factor = f32(math.ldexp(weight_scale, min(max(exponent - unit, -1000), 0)))
        bias_factor = f32(math.ldexp(bias_scale, max(bias_exponent - unit, -1000)))
        _scale(row, width, factor, biases[r], bias_factor)
        mean = _bend(row, plus, minus, partial) / width
        if mean > 0:
            half = math.frexp(mean)[1] >> 1
            shrink = f32(math.ldexp(1.0, -half))
            for i in range(len(row)):
                row[i] *= shrink
            lengths[r] = math.ldexp(mean, -2 * half)
            exponents[r] = unit + half
        else:
            lengths[r] = 0.0
            exponents[r] = 0
