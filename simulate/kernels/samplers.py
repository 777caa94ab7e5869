"""Raw weights from random words, law by law.

`signed_halves` and `signed_one` are functions of one word, used where the word is drawn. The other
laws turn a block of words into a block of weights, in short loops that vectorise: transform(words,
weights, p, k) fills `weights`, a multiple of 4 LANES, from HALF_WORDS/2 words a weight. p holds what
`simulate.law_plan` computed for the law, which also knows the scale that brings raw weights to variance
one; k is COEFFICIENTS.
"""

from __future__ import annotations

import numpy as np

from simulate.kernels.elementary import exp2_minus_one, half_circle, half_exponential, log2
from simulate.kernels.jit import inlined
from simulate.kernels.vectors import (
    LANES,
    as_floats,
    as_words,
    fused,
    larger,
    load,
    negative,
    root,
    signed,
    store,
)

__all__ = [
    "HALF_WORDS",
    "finite",
    "laplace",
    "narrow_normal",
    "normal",
    "signed_halves",
    "signed_one",
    "student_t",
    "truncated_normal",
]

f32 = np.float32
u32 = np.uint32
u64 = np.uint64

_SIGN = u32(0x80000000)
_TWO = f32(2)
# Where a cell of a uniform number is taken: there E (-log u1 u2)^8 keeps 2e-6; at 1/2 it loses 4e-5.
_INSIDE = f32(0.38)
_LOG2_E = f32(1.4426950408889634)

# Random words for two weights, of the laws with a transform.
HALF_WORDS = {
    "normal": 2,
    "laplace": 3,
    "truncated_normal": 3,
    "narrow_normal": 2,
    "student_t": 4,
    "finite": 4,
}


@inlined
def signed_halves(word):
    """Two raw uniform weights: odd multiples of 2^15 below 2^31 from 16 bits each."""
    low, high = word << u32(16) | u32(0x8000), word & u32(0xFFFF0000) | u32(0x8000)
    return signed(low), signed(high)


@inlined
def signed_one(word, position):
    """Raw Rademacher weight: 1 with the sign of one bit."""
    return as_floats(word << position & _SIGN | u32(0x3F800000))


@inlined
def normal(words, weights, p, k):
    """Four normal weights from four words: Box and Muller (Ann. Math. Stat. 29, 1958), one logarithm.

    Two exponentials are the squared radii of two points. Two angles of 16 bits share the last
    word; they form a regular 2^16-gon, whose even moments are those of the circle to order 65,534.
    """
    quarter = len(weights) // 4
    for i in range(0, quarter, LANES):
        x, y = _two_exponentials(load(words, i), load(words, i + quarter), load(words, i + 2 * quarter), k)
        store(weights, i, x)
        store(weights, i + quarter, y)
    for i in range(0, quarter, LANES):
        word = load(words, i + 3 * quarter)
        x, y = half_circle(_angle(word), k)
        radius = _flipped(root(load(weights, i)), word << u32(31))
        store(weights, i, x * radius)
        store(weights, i + 2 * quarter, y * radius)
    for i in range(0, quarter, LANES):
        word = load(words, i + 3 * quarter)
        x, y = half_circle(_angle(word >> u32(15)), k)
        radius = _flipped(root(load(weights, i + quarter)), word)
        store(weights, i + quarter, x * radius)
        store(weights, i + 3 * quarter, y * radius)


@inlined
def laplace(words, weights, p, k):
    """Two exponentials with random signs from three words."""
    half = len(weights) // 2
    for i in range(0, half, LANES):
        first, second = load(words, i), load(words, i + half)
        x, y = _two_exponentials(first, second, load(words, i + 2 * half), k)
        store(weights, i, _flipped(x, first << u32(31)))
        store(weights, i + half, _flipped(y, second << u32(31)))


@inlined
def truncated_normal(words, weights, p, k):
    """The quantile function of the cut normal law at 47 random bits and a sign.

    With y = erf(x/sqrt 2) and q = -log2(1 - y^2), x^2/q is a smooth function of w = q/(q + 12), a
    polynomial of degree 9 in t = p[2] + p[3] w. p starts with 1 - erf(cut/sqrt 2) and
    2^-31 erf(cut/sqrt 2); the coefficients follow, highest first.
    """
    half = len(weights) // 2
    for i in range(0, half, LANES):
        first, second, third = load(words, i), load(words, i + half), load(words, i + 2 * half)
        x = _cut_normal(_fraction(first, third), p, k)
        y = _cut_normal(_fraction(second, third >> u32(16)), p, k)
        store(weights, i, _flipped(x, first << u32(31)))
        store(weights, i + half, _flipped(y, second << u32(31)))


@inlined
def narrow_normal(words, weights, p, k):
    """The normal law with a near cut: x = y P(t)/Q(t) for y uniform on +-erf(cut/sqrt 2), t = 1 - slope y^2.

    p = (2^-31 erf(cut/sqrt 2), slope, P highest first, Q highest first without its constant 1).
    """
    for i in range(0, len(weights), LANES):
        y = signed(load(words, i)) * p[0]
        t = fused(y * negative(y), p[1], f32(1))
        above = fused(fused(fused(fused(p[2], t, p[3]), t, p[4]), t, p[5]), t, p[6])
        below = fused(fused(fused(fused(p[7], t, p[8]), t, p[9]), t, p[10]), t, f32(1))
        store(weights, i, y * (above / below))


@inlined
def student_t(words, weights, p, k):
    """Bailey's polar method (Math. Comp. 62, 1994): sqrt(U^(-2/df) - 1) cos(2 pi V); p = (2/df,).

    The two coordinates of a point are dependent, so each weight takes two words of its own.
    """
    count = len(weights)
    for i in range(0, count, LANES):
        fraction = _fraction(load(words, i), load(words, i + count))
        store(weights, i, (f32(31) - log2(fraction, k)) * p[0])
    for i in range(0, count, LANES):
        store(weights, i, root(exp2_minus_one(load(weights, i), k)))
    for i in range(0, count, LANES):
        word = load(words, i + count)
        x, _ = half_circle(_angle(word >> u32(15)), k)
        store(weights, i, _flipped(x * load(weights, i), word))


@inlined
def finite(words, weights, p, k):
    """p = (values, thresholds): the value in whose interval of thresholds 64 random bits lie."""
    values, thresholds = p
    count = len(weights)
    for i in range(count):
        draw = u64(u64(u64(words[i]) << u64(32)) | u64(words[count + i]))
        position = 0
        while position < len(thresholds) and draw >= thresholds[position]:
            position += 1
        weights[i] = values[position]


@inlined
def _two_exponentials(first, second, third, k):
    """Independent exponentials in units of log 2.

    The product of two uniform numbers gives a gamma variable of shape 2, which a third one splits
    into two independent exponentials (Devroye, Non-Uniform Random Variate Generation, 1986, IX.3).
    """
    mean = half_exponential(_uniform(first) * _uniform(second), k)
    split, unit = signed(third), mean * f32(2.0**-31)
    return fused(split, unit, mean), fused(negative(split), unit, mean)


@inlined
def _flipped(x, word):
    """x with the top bit of the word on its sign."""
    return as_floats(as_words(x) ^ (word & _SIGN))


@inlined
def _angle(word):
    """Bits 1 to 15 as a number of (-1, 1), centred."""
    return as_floats(word & u32(0xFFFE) | u32(0x43800001)) - f32(257)


@inlined
def _uniform(word):
    """2^31 times a number of (0, 1] of 31 bits."""
    return signed(word >> u32(1)) + _INSIDE


@inlined
def _fraction(high, low):
    """2^31 times a number of (0, 1]: 31 bits of `high`, then the 16 low bits of `low`, centred."""
    tail = signed(low & u32(0xFFFF))
    return fused(tail, f32(2.0**-16), signed(high >> u32(1)) + f32(2.0**-17))


@inlined
def _cut_normal(fraction, p, k):
    rest = fused(fraction, p[1], p[0])
    # Near 0 the product rounds to 1; q >= y^2 log2 e holds always and is sharp there.
    y = f32(1) - rest
    q = larger(negative(log2(rest * (_TWO - rest), k)), y * y * _LOG2_E)
    t = fused(q / (q + f32(12)), p[3], p[2])
    s = fused(p[4], t, p[5])
    s = fused(s, t, p[6])
    s = fused(s, t, p[7])
    s = fused(s, t, p[8])
    s = fused(s, t, p[9])
    s = fused(s, t, p[10])
    s = fused(s, t, p[11])
    s = fused(s, t, p[12])
    s = fused(s, t, p[13])
    return root(q * s)
