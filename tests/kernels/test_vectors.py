"""Operations on vectors of lanes: compiled, each is NumPy's, bit for bit, at awkward numbers too."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from numba import njit

from simulate.kernels import vectors
from simulate.kernels.vectors import LANES, load, store, zeros

f32, u32 = np.float32, np.uint32
_random = np.random.default_rng(7)
WORDS = _random.integers(0, 2**32, (50, LANES), dtype=u32)
WORDS[0] = np.resize(np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 1], u32), LANES)
AWKWARD = [0.0, -0.0, 1.0, -1.0, 1 + 2**-23, 2.0**-149, -(2.0**-126), 2.0**100, -(2.0**-100), 3.5, -2.5]
NUMBERS = (_random.normal(size=(50, LANES)) * 2.0 ** _random.integers(-20, 20, (50, LANES))).astype(f32)
NUMBERS[0] = np.resize(np.array(AWKWARD, f32), LANES)
SMALL = (WORDS % u32(31)).astype(u32)

UNARY = {
    "signed": (vectors.signed, WORDS),
    "rounded": (vectors.rounded, NUMBERS[1:] / f32(2**20)),
    "as_floats": (vectors.as_floats, WORDS & u32(0xBFFFFFFF)),
    "as_words": (vectors.as_words, NUMBERS),
    "root": (vectors.root, np.abs(NUMBERS)),
    "negative": (vectors.negative, NUMBERS),
}
BINARY = {
    "word +": (operator.add, WORDS, WORDS[::-1]),
    "word -": (operator.sub, WORDS, WORDS[::-1]),
    "word ^": (operator.xor, WORDS, WORDS[::-1]),
    "word |": (operator.or_, WORDS, WORDS[::-1]),
    "word &": (operator.and_, WORDS, WORDS[::-1]),
    "word <<": (operator.lshift, WORDS, SMALL),
    "word >>": (operator.rshift, WORDS, SMALL),
    "+": (operator.add, NUMBERS, NUMBERS[::-1]),
    "-": (operator.sub, NUMBERS, NUMBERS[::-1]),
    "*": (operator.mul, NUMBERS, NUMBERS[::-1]),
    "/": (operator.truediv, NUMBERS[1:], NUMBERS[:0:-1]),
    "larger": (vectors.larger, NUMBERS, NUMBERS[::-1]),
}


def compiled(function, *rows):
    """The function on rows of lanes, through load and store of a compiled loop."""
    arity = len(rows)
    kind = function(*(row[0] for row in rows)).dtype

    @njit(error_model="numpy")
    def one(x, result):
        for i in range(0, len(x), LANES):
            store(result, i, function(load(x, i)))

    @njit(error_model="numpy")
    def two(x, y, result):
        for i in range(0, len(x), LANES):
            store(result, i, function(load(x, i), load(y, i)))

    result = np.zeros(rows[0].size, kind)
    (one if arity == 1 else two)(*(np.ascontiguousarray(row).ravel() for row in rows), result)
    return result.reshape(-1, LANES)


def same_bits(x, y):
    return x.dtype == y.dtype and np.array_equal(x.view(u32), y.view(u32))


@pytest.mark.parametrize("name", UNARY)
def test_operations_of_one_vector(name):
    """Mutant: lanes in another order."""
    function, rows = UNARY[name]
    expected = np.array([function(row) for row in rows])
    assert same_bits(compiled(function, rows), expected)
    assert not same_bits(compiled(function, np.roll(rows, 1, axis=1)), expected)


@pytest.mark.parametrize("name", BINARY)
def test_operations_of_two_vectors(name):
    """Mutant: lanes of the first in another order."""
    function, x, y = BINARY[name]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        expected = np.array([function(a, b) for a, b in zip(x, y, strict=True)])
        found = compiled(function, x, y)
        mutant = compiled(function, np.roll(x, 1, axis=1), y)
    assert same_bits(found, expected)
    assert not same_bits(mutant, expected)


def test_sign_goes_with_the_shift():
    """Arithmetic shift by every count below 32. Mutant: the plain shift."""

    @njit
    def shifted(x, count, result):
        store(result, 0, vectors.shifted_with_sign(load(x, 0), u32(count)))

    for count in range(32):
        result = np.zeros(LANES, u32)
        shifted(WORDS[1], count, result)
        assert same_bits(result, vectors.shifted_with_sign(WORDS[1], u32(count)))
        assert count == 0 or not np.array_equal(result, WORDS[1] >> u32(count))


@pytest.mark.parametrize("which", range(4))
def test_fused_rounds_once_with_single_numbers_anywhere(which):
    """All three vectors, or one of them a single number. Mutant: product and sum rounded apart."""

    @njit
    def vectors_only(x, y, z, result):
        store(result, 0, vectors.fused(load(x, 0), load(y, 0), load(z, 0)))

    @njit
    def first(x, y, z, result):
        store(result, 0, vectors.fused(x[0], load(y, 0), load(z, 0)))

    @njit
    def second(x, y, z, result):
        store(result, 0, vectors.fused(load(x, 0), y[0], load(z, 0)))

    @njit
    def third(x, y, z, result):
        store(result, 0, vectors.fused(load(x, 0), load(y, 0), z[0]))

    rounded_apart = 0
    for x, y, z in zip(NUMBERS, NUMBERS[::-1], np.roll(NUMBERS, 3, axis=0), strict=True):
        z = np.where(_random.random(LANES) < 0.5, z, -(x * y)).astype(f32)
        arguments = [a[:1] if i == which - 1 else a for i, a in enumerate((x, y, z))]
        expected = vectors.fused(*(a[0] if i == which - 1 else a for i, a in enumerate((x, y, z))))
        result = np.zeros(LANES, f32)
        (vectors_only, first, second, third)[which](*map(np.ascontiguousarray, arguments), result)
        assert same_bits(result, expected)
        apart = arguments[0] * arguments[1] + arguments[2]
        rounded_apart += not same_bits(apart.astype(f32), expected)
    assert rounded_apart > 20


def test_zeros_and_single_reads():
    """A vector of zeros of either kind, and `at`. Mutant: the neighbour."""

    @njit
    def both(words, numbers, place):
        store(words, 0, zeros(words))
        store(numbers, 0, zeros(numbers) + numbers[0])
        return vectors.at(place, 3)

    words, numbers = WORDS[1].copy(), NUMBERS[1].copy()
    expected = np.full(LANES, numbers[0])
    assert both(words, numbers, NUMBERS[2]) == NUMBERS[2, 3] != NUMBERS[2, 4]
    assert not words.any()
    assert same_bits(numbers, expected)
