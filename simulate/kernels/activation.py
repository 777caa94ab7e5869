"""From sums to activations: scale, add the bias, bend, measure the length, rescale by a power of two.

Activations are kept near 1; each network carries an exponent e such that its true activations are
2^e times those stored. Scaling by powers of two is exact, so neither depth 10,000 nor a weight
variance of 1e-300 overflows or underflows, and a length of zero means a dead layer.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.kernels.doubles import EIGHT, no_sums, plus_squares, total
from simulate.kernels.jit import inlined, kernel

__all__ = ["activate", "bent", "rescaled", "squares"]

f32 = np.float32


@inlined
def _biased(row, factor, bias, bias_factor):
    """row[i] factor + bias[i] bias_factor."""
    for i in range(len(row)):
        row[i] = row[i] * factor + bias[i] * bias_factor


@inlined
def squares(row):
    """The sum of squares, in double precision and eight partial sums; EIGHT divides the length."""
    sums = no_sums()
    for i in range(0, len(row), EIGHT):
        sums = plus_squares(sums, row, i)
    return total(sums)


@inlined
def rescaled(row, mean):
    """Bring a row of this mean square near 1 by a power of two: what is left of the mean, the power.

    >>> row = np.array([6.0], np.float32)
    >>> rescaled(row, 36.0), row.tolist()
    ((0.5625, 3), [0.75])
    """
    if not mean > 0:
        return 0.0, 0
    half = math.frexp(mean)[1] >> 1
    if half != 0:
        shrink = f32(math.ldexp(1.0, -half))
        for i in range(len(row)):
            row[i] *= shrink
    return math.ldexp(mean, -2 * half), half


@inlined
def bent(row, width, slopes):
    """Apply the slopes in place and rescale: what is left of M, the power; all but `width` numbers are 0."""
    plus, minus = slopes
    for i in range(len(row)):
        z = row[i]
        row[i] = z * (plus if z > f32(0) else minus)
    return rescaled(row, squares(row) / width)


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
        lengths[r], half = bent(row, width, slopes)
        exponents[r] = unit + half if lengths[r] > 0 else 0
