"""The sum over a layer's inputs: every weight is drawn, multiplied once and forgotten.

Lanes run along the outputs: output i of a tile has its own lane of the generator and its own sum
over the inputs in their order, those of even and of odd number apart (a single sum would wait for
itself), so that the bits do not depend on how many lanes a machine does at once. Uniform and
Rademacher weights never leave the registers; the other laws pass through a buffer of at most BLOCK
weights a lane.

Shapes, for R networks and a layer of m -> n neurons: `inputs` (R, at least m rounded up to a
multiple of 16), zero beyond m; `states` (R, 4 LANES); `outputs` (R, n rounded up to LANES).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulate.kernels import samplers
from simulate.kernels.jit import inlined, kernel
from simulate.kernels.orthogonal import orthogonal_pass
from simulate.kernels.samplers import HALF_WORDS, signed_halves, signed_one
from simulate.kernels.streams import draw_words, load_state, next_word, store_state
from simulate.kernels.vectors import LANES, at, fused, load, store, zeros

__all__ = ["BLOCK", "padded", "weight_passes"]

BLOCK = 32
f32 = np.float32
u32 = np.uint32


def padded(width: int) -> int:
    """The width rounded up to whole tiles of lanes."""
    return -(-width // LANES) * LANES


@inlined
def _uniform_tile(row, width, a, b, c, d, p, k, words, weights):
    even, odd = zeros(weights), zeros(weights)
    for j in range(0, width, 8):
        for i in range(0, 8, 2):
            word, a, b, c, d = next_word(a, b, c, d)
            low, high = signed_halves(word)
            even = fused(low, at(row, j + i), even)
            odd = fused(high, at(row, j + i + 1), odd)
    return even + odd, a, b, c, d


@inlined
def _rademacher_tile(row, width, a, b, c, d, p, k, words, weights):
    even, odd = zeros(weights), zeros(weights)
    for j in range(0, width, 16):
        word, a, b, c, d = next_word(a, b, c, d)
        for i in range(0, 16, 2):
            even = fused(signed_one(word, u32(i)), at(row, j + i), even)
            odd = fused(signed_one(word, u32(i + 1)), at(row, j + i + 1), odd)
    return even + odd, a, b, c, d


def _through_buffer(transform: Callable[..., None], half_words: int) -> Callable[..., Any]:
    @inlined
    def tile(row, width, a, b, c, d, p, k, words, weights):
        even, odd = zeros(weights), zeros(weights)
        for start in range(0, width, BLOCK):
            count = min(BLOCK, -(-(width - start) // 4) * 4)
            drawn = words[: count * LANES * half_words // 2]
            a, b, c, d = draw_words(a, b, c, d, drawn)
            x = weights[: count * LANES]
            transform(drawn, x, p, k)
            for j in range(0, count, 2):
                even = fused(load(x, j * LANES), at(row, start + j), even)
                odd = fused(load(x, j * LANES + LANES), at(row, start + j + 1), odd)
        return even + odd, a, b, c, d

    return tile


def _weight_pass(tile: Callable[..., Any]) -> Any:
    @kernel
    def weight_pass(inputs, width, states, p, k, outputs):
        """outputs[r, i] = sum over j < width of a fresh raw weight times inputs[r, j]."""
        words = np.empty(2 * BLOCK * LANES, u32)
        weights = np.empty(BLOCK * LANES, f32)
        for r in range(len(inputs)):
            row, sums = inputs[r], outputs[r]
            a, b, c, d = load_state(states[r])
            for i in range(0, len(sums), LANES):
                z, a, b, c, d = tile(row, width, a, b, c, d, p, k, words, weights)
                store(sums, i, z)
            store_state(states[r], a, b, c, d)

    return weight_pass


_TILES = {
    "uniform": _uniform_tile,
    "rademacher": _rademacher_tile,
} | {law: _through_buffer(getattr(samplers, law), half) for law, half in HALF_WORDS.items()}

weight_passes = {law: _weight_pass(tile) for law, tile in _TILES.items()} | {"orthogonal": orthogonal_pass}
