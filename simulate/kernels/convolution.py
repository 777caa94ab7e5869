"""The sums of a convolution over its inputs: the same weights at every position.

Lanes run along the output channels and six positions go together, so that a weight, once loaded, is used
six times and the sums stay in registers. Each output has one sum over its inputs, place by place and
channel by channel: the bits do not depend on how many lanes a machine does at once.

Shapes, for R networks: `inputs` and `outputs` (R, places times stride), as `simulate.steps.layout` has
them; `weights` (R, tiles, LANES times inputs) as `simulate.kernels.drawing` leaves them.
"""

from __future__ import annotations

import numpy as np

from simulate.kernels.activation import bent
from simulate.kernels.jit import inlined, kernel
from simulate.kernels.vectors import LANES, at, fused, load, store, zeros

__all__ = ["TOGETHER", "convolve", "fill_frame", "finish", "six_places", "six_sums", "store_six"]

TOGETHER = 6
f32 = np.float32


@kernel
def fill_frame(rows, stride, frame, found):
    """Copy what stands at the places `found` to those of the frame."""
    for r in range(len(rows)):
        row = rows[r]
        for i in range(len(frame)):
            for c in range(0, stride, LANES):
                store(row, frame[i] * stride + c, load(row, found[i] * stride + c))


@kernel
def convolve(inputs, weights, corners, taps, shape, outputs, width, exponent, slopes, exponents, lengths):
    """From inputs to activations, as `activate` leaves them, and their exponents and lengths.

    shape = (stride, inputs of a group, its tiles, its outputs, stride of the outputs, from a corner to
    the place of its position). Lanes without an output have weight 0; what they write lies behind the
    last channel, or the next group writes over it.
    """
    stride, channels, tiles, group_width, out_stride, centre = shape
    for r in range(len(inputs)):
        x, y = inputs[r], outputs[r]
        y[:] = f32(0)
        for t in range(weights.shape[1]):
            group, w = t // tiles, weights[r, t]
            output = group * group_width + (t - group * tiles) * LANES
            for n in range(0, len(corners), TOGETHER):
                places, first = six_places(corners, n, stride, group * channels), 0
                none = zeros(y)
                sums = none, none, none, none, none, none
                for i in range(len(taps)):
                    sums = six_sums(w, first, x, places, at(taps, i) * stride, channels, sums)
                    first += channels * LANES
                store_six(y, six_places(corners, n, out_stride, centre * out_stride + output), sums)
        finish(y, r, width, exponent, slopes, exponents, lengths)


@inlined
def finish(row, r, width, exponent, slopes, exponents, lengths):
    """Bend and measure the sums of network r."""
    lengths[r], half = bent(row, width, slopes)
    exponents[r] = int(exponents[r]) + exponent + half if lengths[r] > 0 else 0


@inlined
def six_places(places, n, stride, offset):
    """Where in a row six places begin, and `offset` numbers on."""
    return (
        at(places, n) * stride + offset,
        at(places, n + 1) * stride + offset,
        at(places, n + 2) * stride + offset,
        at(places, n + 3) * stride + offset,
        at(places, n + 4) * stride + offset,
        at(places, n + 5) * stride + offset,
    )


@inlined
def six_sums(weights, first, inputs, places, start, count, sums):
    """Add `count` vectors of weights to six sums, each times the next of the inputs from `start` on."""
    p0, p1, p2, p3, p4, p5 = places
    s0, s1, s2, s3, s4, s5 = sums
    for i in range(start, start + count):
        w = load(weights, first)
        first += LANES
        s0 = fused(w, at(inputs, p0 + i), s0)
        s1 = fused(w, at(inputs, p1 + i), s1)
        s2 = fused(w, at(inputs, p2 + i), s2)
        s3 = fused(w, at(inputs, p3 + i), s3)
        s4 = fused(w, at(inputs, p4 + i), s4)
        s5 = fused(w, at(inputs, p5 + i), s5)
    return s0, s1, s2, s3, s4, s5


@inlined
def store_six(outputs, places, sums):
    """Write six vectors."""
    p0, p1, p2, p3, p4, p5 = places
    s0, s1, s2, s3, s4, s5 = sums
    store(outputs, p0, s0)
    store(outputs, p1, s1)
    store(outputs, p2, s2)
    store(outputs, p3, s3)
    store(outputs, p4, s4)
    store(outputs, p5, s5)
