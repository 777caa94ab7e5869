"""Trunk and branch of a residual block put together, whatever the powers of two in which they are kept."""

from __future__ import annotations

import math

import numpy as np

from simulate.kernels.activation import rescaled, squares
from simulate.kernels.jit import kernel
from simulate.kernels.vectors import LANES, fused, load, store

__all__ = ["add_branch"]

f32 = np.float32


@kernel
def add_branch(trunk, exponents, lengths, branch, branch_exponents, branch_lengths, scale, width):
    """x + eta y in place of x, rows (R, padded width); M of it in place of that of x.

    The trunk is 2^exponents[r] trunk[r], and M = 4^exponents[r] lengths[r], as after `activate`; the
    addition is scale 2^branch_exponents[r] branch[r]. Of the two the larger sets the unit.
    """
    for r in range(len(trunk)):
        if scale == 0 or branch_lengths[r] == 0:
            continue
        x, y = trunk[r], branch[r]
        unit = exponent = int(branch_exponents[r])
        if lengths[r] > 0:
            unit = max(exponent, int(exponents[r]))
        keep = f32(math.ldexp(1.0, min(max(int(exponents[r]) - unit, -1000), 0)))
        gain = f32(math.ldexp(scale, max(exponent - unit, -1000)))
        for i in range(0, len(x), LANES):
            store(x, i, fused(load(y, i), gain, load(x, i) * keep))
        lengths[r], half = rescaled(x, squares(x) / width)
        exponents[r] = unit + half if lengths[r] > 0 else 0
