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

__all__ = [
    "LANES",
    "draw_words",
    "fill_states",
    "fill_words",
    "next_eight",
    "next_word",
    "philox",
    "philox_words",
]

LANES = 16
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
    """One step of SFC32: the random word, then the new state (d counts)."""
    word = u32(u32(a + b) + d)
    d = u32(d + u32(1))
    a = u32(b ^ u32(b >> u32(9)))
    b = u32(c + u32(c << u32(3)))
    c = u32(u32(u32(c << u32(21)) | u32(c >> u32(11))) + word)
    return word, a, b, c, d


@inlined
def next_eight(a, b, c, d):
    """Eight steps at once: a lane's state is read and written once for eight words."""
    w0, a, b, c, d = next_word(a, b, c, d)
    w1, a, b, c, d = next_word(a, b, c, d)
    w2, a, b, c, d = next_word(a, b, c, d)
    w3, a, b, c, d = next_word(a, b, c, d)
    w4, a, b, c, d = next_word(a, b, c, d)
    w5, a, b, c, d = next_word(a, b, c, d)
    w6, a, b, c, d = next_word(a, b, c, d)
    w7, a, b, c, d = next_word(a, b, c, d)
    return w0, w1, w2, w3, w4, w5, w6, w7, a, b, c, d


@inlined
def draw_words(state, words):
    """The next words of all lanes, word k of lane l at words[LANES k + l]; a multiple of eight each."""
    for k in range(0, len(words), 8 * LANES):
        block = words[k : k + 8 * LANES]
        for lane in range(LANES):
            a, b, c, d = state[lane], state[lane + LANES], state[lane + 2 * LANES], state[lane + 3 * LANES]
            w0, w1, w2, w3, w4, w5, w6, w7, a, b, c, d = next_eight(a, b, c, d)
            block[lane], block[lane + LANES] = w0, w1
            block[lane + 2 * LANES], block[lane + 3 * LANES] = w2, w3
            block[lane + 4 * LANES], block[lane + 5 * LANES] = w4, w5
            block[lane + 6 * LANES], block[lane + 7 * LANES] = w6, w7
            state[lane], state[lane + LANES] = a, b
            state[lane + 2 * LANES], state[lane + 3 * LANES] = c, d


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
    """The next words of every replicate; `words` has shape (replicates, a multiple of 8 LANES)."""
    for r in range(len(states)):
        draw_words(states[r], words[r])


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
