"""The way back through a layer: W^T delta, with the very weights that the way forward drew.

Weights are never kept. Where a layer's streams were before it, the same weights come out of them
again, tile by tile of 16 outputs and input by input, as in `simulate.kernels.layer`. Here each input
has a vector of 16 partial sums, one a lane, over the tiles in their order; at the end lane l is added
to lane l + 8, then to lane l + 4, l + 2 and l + 1. So the bits do not depend on the machine.

Shapes, for R networks and a layer of m -> n neurons: `outputs` (R, n rounded up to LANES), zero
beyond n; `states` (R, 4 LANES) as they were before the layer; `inputs` (R, m rounded up to LANES),
zero beyond m afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulate.kernels import samplers
from simulate.kernels.jit import inlined, kernel
from simulate.kernels.layer import BLOCK
from simulate.kernels.samplers import HALF_WORDS, signed_halves, signed_one
from simulate.kernels.streams import draw_words, load_state, next_word, store_state
from simulate.kernels.vectors import LANES, fused, load, store

__all__ = ["transposed_passes"]

f32 = np.float32
u32 = np.uint32


@inlined
def _add(sums, j, weights, delta):
    """One input's weights to the outputs of a tile, times the tile's delta, to its partial sums."""
    store(sums, j * LANES, fused(weights, delta, load(sums, j * LANES)))


@inlined
def _uniform_tile(sums, fan_in, delta, a, b, c, d, p, k, words, weights):
    for j in range(0, fan_in, 8):
        for i in range(j, j + 8, 2):
            word, a, b, c, d = next_word(a, b, c, d)
            low, high = signed_halves(word)
            _add(sums, i, low, delta)
            _add(sums, i + 1, high, delta)
    return a, b, c, d


@inlined
def _rademacher_tile(sums, fan_in, delta, a, b, c, d, p, k, words, weights):
    for j in range(0, fan_in, 16):
        word, a, b, c, d = next_word(a, b, c, d)
        for i in range(16):
            _add(sums, j + i, signed_one(word, u32(i)), delta)
    return a, b, c, d


def _through_buffer(transform: Callable[..., None], half_words: int) -> Callable[..., Any]:
    @inlined
    def tile(sums, fan_in, delta, a, b, c, d, p, k, words, weights):
        for start in range(0, fan_in, BLOCK):
            count = min(BLOCK, -(-(fan_in - start) // 4) * 4)
            drawn = words[: count * LANES * half_words // 2]
            a, b, c, d = draw_words(a, b, c, d, drawn)
            x = weights[: count * LANES]
            transform(drawn, x, p, k)
            for j in range(count):
                _add(sums, start + j, load(x, j * LANES), delta)
        return a, b, c, d

    return tile


@inlined
def _reduce(sums, fan_in, row):
    """The 16 partial sums of each input added up by halves."""
    for j in range(fan_in):
        lanes = sums[j * LANES : (j + 1) * LANES]
        half = LANES // 2
        while half > 0:
            for lane in range(half):
                lanes[lane] = lanes[lane] + lanes[lane + half]
            half //= 2
        row[j] = lanes[0]
    for j in range(fan_in, len(row)):
        row[j] = f32(0)


def _transposed_pass(tile: Callable[..., Any]) -> Any:
    @kernel
    def transposed_pass(outputs, fan_in, states, p, k, inputs):
        """inputs[r, j] = sum over outputs i of the raw weight from j to i times outputs[r, i]."""
        words = np.empty(2 * BLOCK * LANES, u32)
        weights = np.empty(BLOCK * LANES, f32)
        sums = np.empty(inputs.shape[1] * LANES, f32)
        for r in range(len(outputs)):
            row = outputs[r]
            sums[:] = f32(0)
            a, b, c, d = load_state(states[r])
            for i in range(0, len(row), LANES):
                a, b, c, d = tile(sums, fan_in, load(row, i), a, b, c, d, p, k, words, weights)
            store_state(states[r], a, b, c, d)
            _reduce(sums, fan_in, inputs[r])

    return transposed_pass


_TILES = {
    "uniform": _uniform_tile,
    "rademacher": _rademacher_tile,
} | {law: _through_buffer(getattr(samplers, law), half) for law, half in HALF_WORDS.items()}

transposed_passes = {law: _transposed_pass(tile) for law, tile in _TILES.items()}
