"""The weights of a whole layer, drawn once and kept: what a convolution applies to every position.

Streams, samplers and the order of the draws are those of `simulate.kernels.layer`: at one position, with
a kernel of one, a convolution has the very weights of a fully connected layer.

Shapes, for R networks: `states` (R, 4 LANES); `weights` (R, tiles, LANES times the number of inputs
rounded up to a multiple of 16), in which weight LANES j + l of a tile goes from its input j to its
output l.
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
from simulate.kernels.vectors import LANES, store

__all__ = ["weight_draws"]

f32 = np.float32
u32 = np.uint32


@inlined
def _uniform(tile, fan_in, a, b, c, d, p, k, words):
    for j in range(0, fan_in, 8):
        for i in range(0, 8, 2):
            word, a, b, c, d = next_word(a, b, c, d)
            low, high = signed_halves(word)
            store(tile, (j + i) * LANES, low)
            store(tile, (j + i + 1) * LANES, high)
    return a, b, c, d


@inlined
def _rademacher(tile, fan_in, a, b, c, d, p, k, words):
    for j in range(0, fan_in, 16):
        word, a, b, c, d = next_word(a, b, c, d)
        for i in range(16):
            store(tile, (j + i) * LANES, signed_one(word, u32(i)))
    return a, b, c, d


def _by_transform(transform: Callable[..., None], half_words: int) -> Callable[..., Any]:
    @inlined
    def fill(tile, fan_in, a, b, c, d, p, k, words):
        for start in range(0, fan_in, BLOCK):
            count = min(BLOCK, -(-(fan_in - start) // 4) * 4) * LANES
            drawn = words[: count * half_words // 2]
            a, b, c, d = draw_words(a, b, c, d, drawn)
            transform(drawn, tile[start * LANES : start * LANES + count], p, k)
        return a, b, c, d

    return fill


@inlined
def _silence(tile, fan_in, outputs):
    """No weight where there is no output."""
    for j in range(0, fan_in * LANES, LANES):
        for i in range(j + outputs, j + LANES):
            tile[i] = f32(0)


def _weight_draw(fill: Callable[..., Any]) -> Any:
    @kernel
    def weight_draw(states, fan_in, outputs, p, k, weights):
        """Fresh raw weights; each group of `outputs` outputs begins with a tile of its own."""
        words = np.empty(2 * BLOCK * LANES, u32)
        tiles = -(-outputs // LANES)
        for r in range(len(states)):
            a, b, c, d = load_state(states[r])
            for t in range(weights.shape[1]):
                a, b, c, d = fill(weights[r, t], fan_in, a, b, c, d, p, k, words)
                _silence(weights[r, t], fan_in, outputs - t % tiles * LANES)
            store_state(states[r], a, b, c, d)

    return weight_draw


_FILLS = {
    "uniform": _uniform,
    "rademacher": _rademacher,
} | {law: _by_transform(getattr(samplers, law), half) for law, half in HALF_WORDS.items()}

weight_draws = {law: _weight_draw(fill) for law, fill in _FILLS.items()}
