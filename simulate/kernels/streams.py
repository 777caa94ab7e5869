"""Random words: 16 lanes of SFC32 for every replicate, their states drawn by Philox4x32-10.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011) maps a counter under a key to 128 random bits. With the seed as key and (replicate, lane,
purpose) as counter it gives each lane its whole state, so a stream is found without walking there.
From that state the lane runs SFC32 (Doty-Humphrey, PractRand 0.94, 2014; its 64-bit sibling is
`numpy.random.SFC64`), which needs eleven 32-bit operations for 32 random bits, all of them usable.
One word of the state is a counter: no cycle is shorter than 2^32 words.
"""

from __future__ import annotations

import numpy as np

from simulate.kernels.jit import inlined, kernel
from simulate.kernels.vectors import LANES, load, store

__all__ = [
    "LANES",
    "draw_words",
    "fill_states",
    "fill_words",
    "load_state",
    "next_word",
    "philox",
    "philox_words",
]

u32 = np.uint32
u64 = np.uint64
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words from a counter of four words under a key of two: ten rounds of Philox.

    >>> with np.errstate(over="ignore"):
    ...     [hex(w) for w in philox(*map(np.uint32, (0, 0, 0, 0)), np.uint32(0), np.uint32(0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    for _ in range(10):
        first = u64(u64(0xD2511F53) * u64(c0))
        second = u64(u64(0xCD9E8D57) * u64(c2))
        c0 = u32(u32(second >> _HALF) ^ c1 ^ k0)
        c1 = u32(second & _LOW)
        c2 = u32(u32(first >> _HALF) ^ c3 ^ k1)
        c3 = u32(first & _LOW)
        k0 = u32(k0 + u32(0x9E3779B9))
        k1 = u32(k1 + u32(0xBB67AE85))
    return c0, c1, c2, c3


@inlined
def next_word(a, b, c, d):
    """One step of SFC32 in all lanes: the random words, then the new state (d counts)."""
    word = a + b + d
    return word, b ^ b >> u32(9), c + (c << u32(3)), (c << u32(21) | c >> u32(11)) + word, d + u32(1)


@inlined
def load_state(state):
    """The four words of all lanes."""
    return load(state, 0), load(state, LANES), load(state, 2 * LANES), load(state, 3 * LANES)


@inlined
def store_state(state, a, b, c, d):
    """Keep the four words of all lanes."""
    store(state, 0, a)
    store(state, LANES, b)
    store(state, 2 * LANES, c)
    store(state, 3 * LANES, d)


@inlined
def draw_words(a, b, c, d, words):
    """The next words of all lanes, word k of lane l at words[LANES k + l]; an even number each."""
    for k in range(0, len(words), 2 * LANES):
        word, a, b, c, d = next_word(a, b, c, d)
        store(words, k, word)
        word, a, b, c, d = next_word(a, b, c, d)
        store(words, k + LANES, word)
    return a, b, c, d


@kernel
def fill_states(seed, purpose, first, states):
    """States of replicates first, first + 1, ... into `states`, shape (replicates, 4 LANES)."""
    k0, k1 = u32(seed & _LOW), u32(seed >> _HALF)
    for r in range(states.shape[0]):
        replicate = u64(first + u64(r))
        low, high = u32(replicate & _LOW), u32(replicate >> _HALF)
        for lane in range(LANES):
            a, b, c, d = philox(low, high, u32(lane), u32(purpose), k0, k1)
            states[r, lane], states[r, lane + LANES] = a, b
            states[r, lane + 2 * LANES], states[r, lane + 3 * LANES] = c, d


@kernel
def fill_words(states, words):
    """The next words of every replicate; `words` has shape (replicates, a multiple of 2 LANES)."""
    for r in range(len(states)):
        a, b, c, d = load_state(states[r])
        a, b, c, d = draw_words(a, b, c, d, words[r])
        store_state(states[r], a, b, c, d)


@kernel
def _four_words(seed, purpose, first, second):
    key = u64(seed)
    low, high = u32(u64(first) & _LOW), u32(u64(first) >> _HALF)
    return philox(low, high, u32(second), u32(purpose), u32(key & _LOW), u32(key >> _HALF))


def philox_words(seed: int, purpose: int, first: int, second: int) -> tuple[int, int]:
    """Two random words for a single decision, such as the offset of a resampling step.

    `first` has 64 bits, `second` 32; the purpose keeps them apart from the lanes' states.

    >>> philox_words(1, 1, 0, 5) == philox_words(1, 1, 0, 5) != philox_words(1, 1, 0, 6)
    True
    """
    words = _four_words(u64(seed), u32(purpose), u64(first), u32(second))
    return int(words[0]), int(words[1])
