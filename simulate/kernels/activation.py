"""From sums to activations: scale, add the bias, bend, measure the length, rescale by a power of two.

Activations are kept near 1; each network carries an exponent e such that its true activations are
2^e times those stored. Scaling by powers of two is exact, so neither depth 10,000 nor a weight
variance of 1e-300 overflows or underflows, and a length of zero means a dead layer.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.kernels.jit import inlined, kernel

__all__ = ["activate"]

f32 = np.float32
f64 = np.float64


@inlined
def _biased(row, factor, bias, bias_factor):
    """row[i] factor + bias[i] bias_factor."""
    for i in range(len(row)):
        row[i] = row[i] * factor + bias[i] * bias_factor


@inlined
def _bend(row, plus, minus):
    """Apply the slopes in place; the sum of squares, in double precision and eight partial sums."""
    for i in range(len(row)):
        z = row[i]
        row[i] = z * (plus if z > f32(0) else minus)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for start in range(0, len(row), 8):
        y = row[start : start + 8]
        y0, y1, y2, y3 = f64(y[0]), f64(y[1]), f64(y[2]), f64(y[3])
        y4, y5, y6, y7 = f64(y[4]), f64(y[5]), f64(y[6]), f64(y[7])
        s0, s1, s2, s3 = s0 + y0 * y0, s1 + y1 * y1, s2 + y2 * y2, s3 + y3 * y3
        s4, s5, s6, s7 = s4 + y4 * y4, s5 + y5 * y5, s6 + y6 * y6, s7 + y7 * y7
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


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
    2^bias_exponent biases; `biases` has no columns where there is none, and weight_scale is 1 then.
    Afterwards the activation is 2^exponents[r] sums, and M = 4^exponents[r] lengths[r] with lengths[r]
    in [1/2, 2), or 0 for a dead layer.
    """
    plus, minus = slopes
    biased = biases.shape[1] > 0
    for r in range(len(sums)):
        row = sums[r]
        unit = int(exponents[r]) + weight_exponent
        if biased:
            exponent, unit = unit, _unit(unit, bias_exponent, row, width)
            # Of signal and bias the larger sets the unit; a silent signal may have any exponent.
            factor = f32(math.ldexp(weight_scale, min(max(exponent - unit, -1000), 0)))
            bias_factor = f32(math.ldexp(bias_scale, max(bias_exponent - unit, -1000)))
            _biased(row, factor, biases[r], bias_factor)
        for i in range(width, len(row)):
            row[i] = f32(0)
        mean = _bend(row, plus, minus) / width
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
