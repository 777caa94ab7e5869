"""Random words: Philox4x32-10 for the states, SFC32 for the words, and no two streams alike.

Philox is held to Random123's published vectors. Both generators are written a second time with
Python's integers for any word size: at 64 bits these second versions must be `numpy.random.Philox` and
`numpy.random.SFC64`, at 32 bits the kernels. Statistics use the first 16 words of each of 16 lanes of
2,048 replicates under 3 purposes, 1.6 million words; a z-score of 5 fails by chance once in 1.7
million, seeds are fixed, and twice the limit is an effect surely seen: a bit that is 1 with
probability 1/2 +- 0.004, two neighbours whose bits agree with probability 1/2 +- 0.005.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2, norm
from soundness import POWER_RUNS, QUANTILE, RUNS, check_p_values, check_power

from simulate.kernels.streams import LANES, draw_words, fill_states, fill_words, next_word, philox
from simulate.population import Purpose

LIMIT = 5.0
PURPOSES, REPLICATES, STEPS = range(3), 2048, 16
u32, u64 = np.uint32, np.uint64
RANDOM123 = {
    "zeros": ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    "ones": ([2**32 - 1] * 4, [2**32 - 1] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    "pi": (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
}
PHILOX = {
    32: (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85),
    64: (0xD2E7470EE14C6C93, 0xCA5A826395121157, 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B),
}
SHIFTS = {32: (9, 3, 21), 64: (11, 3, 24)}


def philox_integers(counter, key, bits=32, rounds=10):
    """Philox4xW of Salmon et al. (SC 2011), section 3.3, in whole numbers."""
    multiplier, other, weyl, other_weyl = PHILOX[bits]
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(rounds):
        high, low = divmod(multiplier * x0, 2**bits)
        other_high, other_low = divmod(other * x2, 2**bits)
        x0, x1, x2, x3 = other_high ^ x1 ^ k0, other_low, high ^ x3 ^ k1, low
        k0, k1 = (k0 + weyl) % 2**bits, (k1 + other_weyl) % 2**bits
    return [x0, x1, x2, x3]


def sfc_integers(state, count, bits=32, shifts=None):
    """Doty-Humphrey's small fast counting generator in whole numbers: the next words."""
    right, left, turn = shifts or SHIFTS[bits]
    a, b, c, d = state
    words = []
    for _ in range(count):
        words.append((a + b + d) % 2**bits)
        turned = (c << turn | c >> (bits - turn)) % 2**bits
        a, b, c, d = b ^ b >> right, c * (1 + 2**left) % 2**bits, (turned + words[-1]) % 2**bits, d + 1
    return words


def states_of(seed=1, purpose=0, first=0, count=1):
    states = np.zeros((count, 4 * LANES), u32)
    fill_states(u64(seed), u64(purpose), u64(first), states)
    return states


def words_of(states, steps):
    """Shape (replicates, steps, lanes)."""
    words = np.zeros((len(states), steps * LANES), u32)
    fill_words(states.copy(), words)
    return words.reshape(len(states), steps, LANES)


def philox_kernel(counter, key):
    with np.errstate(over="ignore"):
        return [int(word) for word in philox(*map(u32, counter), *map(u32, key))]


@pytest.mark.parametrize("name", RANDOM123)
def test_philox_gives_the_published_words(name):
    """Random123's kat_vectors, philox4x32 10; nine rounds are rejected."""
    counter, key, expected = RANDOM123[name]
    assert philox_kernel(counter, key) == expected
    assert philox_integers(counter, key) == expected
    assert philox_integers(counter, key, rounds=9) != expected


def test_philox_by_whole_numbers_is_numpy_s_at_64_bits():
    """The independent version is numpy's Philox4x64-10, which steps its counter before each block."""
    key, counter = [2**63 + 5, 77], [2**64 - 2, 3, 2**40, 9]
    found = np.random.Philox(counter=np.array(counter, u64), key=np.array(key, u64)).random_raw(4)
    counter[0] += 1
    assert philox_integers(counter, key, bits=64) == found.tolist()
    assert philox_integers(counter, key[::-1], bits=64) != found.tolist()


def test_philox_agrees_with_whole_numbers_everywhere():
    """300 random counters and keys, and single bits, where a wrong half of a product would show."""
    random = np.random.default_rng(1)
    cases = random.integers(0, 2**32, (300, 6)).tolist()
    cases += [[2**b if i == j else 0 for i in range(6)] for j in range(6) for b in (0, 15, 16, 31)]
    for case in cases:
        assert philox_kernel(case[:4], case[4:]) == philox_integers(case[:4], case[4:])


def test_sfc_by_whole_numbers_is_numpy_s_at_64_bits():
    """The independent version is numpy.random.SFC64, over the wrap of its counter as well."""
    state, generator = [2**63 + 1, 12345, 2**64 - 1, 2**64 - 3], np.random.SFC64(0)
    generator.state = generator.state | {"state": {"state": np.array(state, u64)}}
    expected = generator.random_raw(50).tolist()
    assert sfc_integers(state, 50, bits=64) == expected
    assert sfc_integers(state, 50, bits=64, shifts=(11, 3, 23)) != expected


def test_the_lanes_run_sfc32():
    """Word k of lane l at 16 k + l, compiled; every shift changed by one is rejected.

    States: Philox's, all zeros, all ones, and a counter that wraps.
    """
    states = states_of(seed=3, count=4)
    states[1], states[2], states[3, 3 * LANES :] = 0, 2**32 - 1, 2**32 - 5
    words = words_of(states, 24)
    for r in range(4):
        for lane in range(LANES):
            state = [int(states[r, lane + i * LANES]) for i in range(4)]
            assert sfc_integers(state, 24) == words[r, :, lane].tolist()
    for shifts in ((8, 3, 21), (9, 2, 21), (9, 3, 20)):
        assert sfc_integers(states[0, ::LANES].tolist(), 24, shifts=shifts) != words[0, :, 0].tolist()


def test_one_step_and_many_in_plain_python():
    """On single numbers and on all lanes: the state left behind goes on where the words end.

    Mutant: going on from the state before the last two words.
    """
    states = states_of(seed=4)
    lanes = [[int(x) for x in states[0, lane::LANES]] for lane in range(LANES)]
    words, fewer = np.zeros(8 * LANES, u32), np.zeros(6 * LANES, u32)
    with np.errstate(over="ignore"):
        first, *_ = next_word(*map(u32, lanes[5]))
        ninth, *after = next_word(*draw_words(*states.reshape(4, LANES), words))
        seventh, *_ = next_word(*draw_words(*states.reshape(4, LANES), fewer))
    expected = np.array([sfc_integers(lane, 10) for lane in lanes]).T
    assert int(first) == expected[0, 5]
    assert np.array_equal(words.reshape(8, LANES), expected[:8])
    assert np.array_equal(ninth, expected[8])
    assert not np.array_equal(seventh, expected[8])
    with np.errstate(over="ignore"):
        assert np.array_equal(next_word(*after)[0], expected[9])


def test_words_do_not_depend_on_the_calls_they_come_in():
    """Compiled: 14 words a lane at once, by twos, or in uneven parts. Mutant: two words skipped."""
    whole, states = words_of(states_of(seed=5, count=3), 14), states_of(seed=5, count=3)

    def in_parts(steps):
        left = states.copy()
        parts = [np.zeros((3, n * LANES), u32) for n in steps]
        for part in parts:
            fill_words(left, part)
        return [part.reshape(3, -1, LANES) for part in parts]

    for steps in ([2] * 7, [4, 10], [8, 6]):
        assert np.array_equal(np.concatenate(in_parts(steps), axis=1), whole)
    assert not np.array_equal(in_parts([2, 2, 12])[2], whole[:, 2:])


def test_compiled_states_and_words_are_those_of_plain_python():
    """Bit for bit, state left behind included; one flipped bit of a state is noticed."""
    states, twin = states_of(2**40 + 3, 2, 2**32 - 1, 3), np.zeros((3, 4 * LANES), u32)
    with np.errstate(over="ignore"):
        fill_states.py_func(u64(2**40 + 3), u64(2), u64(2**32 - 1), twin)
    assert np.array_equal(states, twin)
    mutant = states.copy()
    mutant[1, 7] ^= u32(1)
    found = [np.zeros((3, 16 * LANES), u32) for _ in range(3)]
    fill_words(states, found[0])
    with np.errstate(over="ignore"):
        fill_words.py_func(twin, found[1])
    fill_words(mutant, found[2])
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(states, twin)
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize("seed", [0, 7, 2**32, 2**63 + 2**31 + 1, 2**64 - 1])
@pytest.mark.parametrize("first", [0, 2**32 - 2, 2**63, 2**64 - 4])
def test_the_layout_of_counter_and_key(seed, first):
    """Key: seed low, high. Counter: replicate low, high, lane, purpose; each pair swapped is rejected."""
    states = states_of(seed, 2, first, 4)
    key = [seed % 2**32, seed >> 32]
    for r in range(4):
        low, high = (first + r) % 2**32, (first + r) >> 32
        for lane in (0, 1, 9, 15):
            found = states[r, lane::LANES].tolist()
            assert found == philox_integers([low, high, lane, 2], key)
            assert low == high or found != philox_integers([high, low, lane, 2], key)
            assert lane == 2 or found != philox_integers([low, high, 2, lane], key)
            assert key[0] == key[1] or found != philox_integers([low, high, lane, 2], key[::-1])


def distinct(blocks):
    """Whether no lane of any of these states equals another: 128-bit strings, counted."""
    lanes = np.concatenate([s.reshape(-1, 4, LANES).transpose(0, 2, 1).reshape(-1, 4) for s in blocks])
    return len(np.unique(np.ascontiguousarray(lanes).view("V16"))) == len(lanes)


def test_no_two_of_150_000_states_are_equal():
    """Seeds, purposes and replicates that share their low or their high halves.

    Mutants: a half of the seed or of the replicate, or the purpose, or the lane is dropped.
    """
    seeds = [0, 1, 2**32, 2**32 + 1, 2**63, 2**64 - 1]
    keys = [(s, p, f) for s in seeds for p in Purpose for f in (0, 2**32, 2**33, 2**63)]
    assert len(keys) * 131 * LANES > 150_000
    assert distinct([states_of(*key, 131) for key in keys])
    mutants = {
        "seed, high": lambda s, p, f: (s % 2**32, p, f),
        "seed, low": lambda s, p, f: (s >> 32, p, f),
        "purpose": lambda s, p, f: (s, 0, f),
        "replicate, high": lambda s, p, f: (s, p, f % 2**32),
    }
    for changed in mutants.values():
        assert not distinct([states_of(*changed(*key), 3) for key in keys])
    one_lane = states_of(count=5).reshape(5, 4, LANES)
    one_lane[:] = one_lane[:, :, :1]
    assert not distinct([one_lane])


def test_streams_do_not_depend_on_the_split_into_batches():
    """Replicates 0 to 99 in one call, in three, and one by one; a batch off by one is rejected."""
    whole = states_of(seed=6, first=2**32 - 50, count=100)
    for cuts in ([0, 100], [0, 1, 64, 100], list(range(101))):
        parts = [states_of(6, 0, 2**32 - 50 + a, b - a) for a, b in pairwise(cuts)]
        assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(states_of(6, 0, 2**32 - 49, 100), whole)


def bit_score(words):
    """The largest |z| over 32 bits, of how often each is 1."""
    counts = np.array([np.count_nonzero(words & u32(1 << bit)) for bit in range(32)])
    return float(np.max(np.abs(2 * counts - words.size)) / np.sqrt(words.size))


def byte_p_value(words):
    """The smallest chi-square p-value of the four bytes, 255 degrees of freedom, from either side."""
    tables = [np.bincount((words >> u32(8 * i) & u32(255)).ravel(), minlength=256) for i in range(4)]
    statistics = [float(np.sum((t - words.size / 256) ** 2) / (words.size / 256)) for t in tables]
    return min(min(chi2.sf(s, 255), chi2.cdf(s, 255)) for s in statistics)


def correlation_score(x, y):
    """|z| of the correlation of two arrays of words as signed numbers."""
    x, y = (v.astype(np.int32).ravel() / 2.0**31 for v in (x, y))
    return float(abs(np.sum(x * y)) * 3 / np.sqrt(x.size))


def pair_score(x, y):
    """The worse score of two arrays of words, bit by bit and as numbers."""
    return max(bit_score(x ^ y), correlation_score(x, y))


def neighbour_scores(words):
    """For words (purposes, replicates, steps, lanes): neighbours on each axis, and a lane one step ahead."""
    axes = ("purposes", "replicates", "steps", "lanes")
    scores = {
        name: pair_score(np.delete(words, -1, axis), np.delete(words, 0, axis))
        for axis, name in enumerate(axes)
    }
    return scores | {"lanes a step apart": pair_score(words[:, :, 1:, :-1], words[:, :, :-1, 1:])}


def sample(seed=11, replicates=REPLICATES):
    return np.stack([words_of(states_of(seed, p, 0, replicates), STEPS) for p in PURPOSES])


def test_bits_and_bytes_are_uniform():
    """1.6 million words. Mutant: one word in 100 has its bit 7 set, so it is 1 with probability 0.505."""
    words = sample()
    assert bit_score(words) < LIMIT
    assert byte_p_value(words) > 1e-6
    assert LIMIT / np.sqrt(words.size) < 0.004
    words.ravel()[::100] |= u32(128)
    assert bit_score(words) > LIMIT
    assert byte_p_value(words) < 1e-6


def test_neighbouring_streams_are_unrelated():
    """Lanes, replicates, purposes, steps and seeds; each bit of a pair of neighbours, and their product."""
    words = sample()
    assert max(neighbour_scores(words).values()) < LIMIT
    assert pair_score(words, sample(seed=12)) < LIMIT
    assert LIMIT / np.sqrt(words[1:].size) < 0.005


def test_related_streams_would_be_noticed():
    """Mutants: one state for all replicates; no lane, no purpose in the counter; lanes that share a cycle."""
    words = sample()[:, :256]
    chain = words.reshape(3, 256, -1)
    mutants = {
        "replicates": np.broadcast_to(words[:, :1], words.shape),
        "lanes": np.broadcast_to(words[..., :1], words.shape),
        "purposes": np.broadcast_to(words[:1], words.shape),
        "lanes a step apart": np.stack([chain[:, :, i : i + STEPS] for i in range(LANES)], axis=3),
    }
    for name, mutant in mutants.items():
        assert neighbour_scores(mutant)[name] > LIMIT


def test_raw_counters_as_states_would_be_noticed():
    """Why Philox comes before SFC32, which starts without warming up: raw counters give related words."""
    raw = np.zeros((REPLICATES, 4, LANES), u32)
    raw[:, 0], raw[:, 2] = np.arange(REPLICATES)[:, None], np.arange(LANES)
    words = words_of(raw.reshape(REPLICATES, -1), STEPS)
    assert pair_score(words[:-1], words[1:]) > LIMIT
    assert pair_score(words[:, :, :-1], words[:, :, 1:]) > LIMIT


def worst_of(tail, tests):
    """The p-value of the smallest of so many independent ones."""
    return 1 - (1 - tail) ** tests


def pair_p_value(score):
    """Of the worst of 32 bits and one correlation."""
    return worst_of(2 * norm.sf(score), 33)


def set_bits(words, share, seed):
    """Bit 7 of so many of the words is set, which moves its chance of being 1 by half of that."""
    chosen = np.random.default_rng(seed).uniform(size=words.shape) < share
    return words | np.where(chosen, u32(128), u32(0))


@pytest.mark.slow
def test_soundness_of_bits_and_bytes():
    """2,000 runs of 49,152 words: 32 bits are one p-value, four bytes from either side another."""
    runs = [sample(run, 64) for run in range(RUNS)]
    check_p_values("bits", (worst_of(2 * norm.sf(bit_score(words)), 32) for words in runs))
    check_p_values("bytes", (worst_of(2 * byte_p_value(words), 4) for words in runs))
    share = (LIMIT + QUANTILE) / math.sqrt(runs[0].size)
    found = (bit_score(set_bits(words, share, i)) > LIMIT for i, words in enumerate(runs[:POWER_RUNS]))
    check_power(f"bits, off by {share / 2:.4f}", found)


@pytest.mark.slow
def test_soundness_of_neighbours():
    """2,000 runs of 12,288 words; the neighbours' bit 7 made alike by turns of chance."""
    scores = {}
    for run in range(RUNS):
        words = sample(run, 16)
        for name, score in neighbour_scores(words).items():
            scores.setdefault(name, []).append(score)
        scores.setdefault("seeds", []).append(pair_score(words, sample(RUNS + run, 16)))
    for name, found in scores.items():
        check_p_values(f"neighbours, {name}", map(pair_p_value, found))
    share, found = (LIMIT + QUANTILE) / math.sqrt(words.size), []
    for run in range(POWER_RUNS):
        x, y = (sample(seed, 16) for seed in (run, RUNS + run))
        found.append(bit_score(set_bits(x ^ y, share, run)) > LIMIT)
    check_power(f"neighbours, off by {share / 2:.4f}", found)
