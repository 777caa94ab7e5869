"""The sum over a layer's inputs: every weight is drawn, multiplied once and forgotten.

Lanes run along the outputs: output i of a tile has its own lane of the generator and its own sum
over the inputs in their order, so that the bits do not depend on how many lanes a machine does at
once. Uniform and Rademacher weights never leave the registers; the other laws pass through a buffer
of BLOCK weights a lane.

Shapes, for R networks and a layer of m -> n neurons: `inputs` (R, at least m rounded up to a
multiple of 8), zero beyond m; `states` (R, 4 LANES); `outputs` (R, n rounded up to LANES).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulate.kernels import samplers
from simulate.kernels.bits import fma
from simulate.kernels.jit import inlined, kernel
from simulate.kernels.samplers import HALF_WORDS, signed_halves, signed_one
from simulate.kernels.streams import LANES, draw_words, next_word

__all__ = ["BLOCK", "padded", "weight_passes"]

BLOCK = 32
f32 = np.float32
u32 = np.uint32


def padded(width: int) -> int:
    """The width rounded up to whole tiles of lanes."""
    return -(-width // LANES) * LANES


@inlined
def _eight_uniform(a, b, c, d):
    w0, a, b, c, d = next_word(a, b, c, d)
    w1, a, b, c, d = next_word(a, b, c, d)
    w2, a, b, c, d = next_word(a, b, c, d)
    w3, a, b, c, d = next_word(a, b, c, d)
    x0, x1 = signed_halves(w0)
    x2, x3 = signed_halves(w1)
    x4, x5 = signed_halves(w2)
    x6, x7 = signed_halves(w3)
    return x0, x1, x2, x3, x4, x5, x6, x7, a, b, c, d


@inlined
def _eight_rademacher(a, b, c, d):
    word, a, b, c, d = next_word(a, b, c, d)
    x0, x1 = signed_one(word, u32(0)), signed_one(word, u32(1))
    x2, x3 = signed_one(word, u32(2)), signed_one(word, u32(3))
    x4, x5 = signed_one(word, u32(4)), signed_one(word, u32(5))
    x6, x7 = signed_one(word, u32(6)), signed_one(word, u32(7))
    return x0, x1, x2, x3, x4, x5, x6, x7, a, b, c, d


def _in_registers(eight: Callable[..., Any]) -> Callable[..., None]:
    @inlined
    def add_tile(row, width, state, p, k, words, weights, z):
        for j in range(0, width, 8):
            a0, a1, a2, a3 = row[j], row[j + 1], row[j + 2], row[j + 3]
            a4, a5, a6, a7 = row[j + 4], row[j + 5], row[j + 6], row[j + 7]
            for lane in range(LANES):
                a, b, c, d = (
                    state[lane],
                    state[lane + LANES],
                    state[lane + 2 * LANES],
                    state[lane + 3 * LANES],
                )
                x0, x1, x2, x3, x4, x5, x6, x7, a, b, c, d = eight(a, b, c, d)
                s = fma(x3, a3, fma(x2, a2, fma(x1, a1, fma(x0, a0, z[lane]))))
                z[lane] = fma(x7, a7, fma(x6, a6, fma(x5, a5, fma(x4, a4, s))))
                state[lane], state[lane + LANES] = a, b
                state[lane + 2 * LANES], state[lane + 3 * LANES] = c, d

    return add_tile


def _through_buffer(transform: Callable[..., None], half_words: int) -> Callable[..., None]:
    @inlined
    def add_tile(row, width, state, p, k, words, weights, z):
        for start in range(0, width, BLOCK):
            count = min(BLOCK, -(-(width - start) // 8) * 8)
            # Lanes step in eights; what a last, short block draws too much is dropped.
            drawn = words[: -(-count * half_words // 16) * 8 * LANES]
            draw_words(state, drawn)
            x = weights[: count * LANES]
            transform(drawn, x, p, k)
            for j in range(0, count, 8):
                a = row[start + j : start + j + 8]
                a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
                y = x[j * LANES : (j + 8) * LANES]
                for lane in range(LANES):
                    s = fma(y[lane + LANES], a1, fma(y[lane], a0, z[lane]))
                    s = fma(y[lane + 3 * LANES], a3, fma(y[lane + 2 * LANES], a2, s))
                    t = fma(y[lane + 5 * LANES], a5, y[lane + 4 * LANES] * a4)
                    z[lane] = s + fma(y[lane + 7 * LANES], a7, fma(y[lane + 6 * LANES], a6, t))

    return add_tile


def _weight_pass(add_tile: Callable[..., None]) -> Any:
    @kernel
    def weight_pass(inputs, width, states, p, k, outputs):
        """outputs[r, i] = sum over j < width of a fresh raw weight times inputs[r, j]."""
        words = np.empty(2 * BLOCK * LANES, u32)
        weights = np.empty(BLOCK * LANES, f32)
        for r in range(len(inputs)):
            for tile in range(0, outputs.shape[1], LANES):
                z = outputs[r, tile : tile + LANES]
                for lane in range(LANES):
                    z[lane] = f32(0)
                add_tile(inputs[r], width, states[r], p, k, words, weights, z)

    return weight_pass


_TILES = {
    "uniform": _in_registers(_eight_uniform),
    "rademacher": _in_registers(_eight_rademacher),
} | {law: _through_buffer(getattr(samplers, law), half) for law, half in HALF_WORDS.items()}

weight_passes = {law: _weight_pass(tile) for law, tile in _TILES.items()}
