"""Raw weights from random words, law by law.

`signed_halves` and `signed_one` are functions of one word, used where the word is drawn. The other
laws turn a block of words into a block of weights, in short loops that vectorise: transform(words,
weights, p, k) fills `weights`, a multiple of 128, from HALF_WORDS/2 words a weight. p holds what
`simulate.plan` computed for the law, which also knows the scale that brings raw weights to variance
one; k is COEFFICIENTS.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.kernels.bits import float_of_bits, fma, word_of_float
from simulate.kernels.elementary import exp2_minus_one, half_circle, log2
from simulate.kernels.jit import inlined

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
i32 = np.int32
u32 = np.uint32
u64 = np.uint64

_SIGN = u32(0x80000000)
_TWO = f32(2)
_HALF = f32(0.5)
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
    low = u32(u32(word << u32(16)) | u32(0x8000))
    high = u32(u32(word & u32(0xFFFF0000)) | u32(0x8000))
    return f32(i32(low)), f32(i32(high))


@inlined
def signed_one(word, position):
    """Raw Rademacher weight: 1 with the sign of one bit."""
    return float_of_bits(u32(u32(u32(word << position) & _SIGN) | u32(0x3F800000)))


@inlined
def normal(words, weights, p, k):
    """Four normal weights from four words: Box and Muller (Ann. Math. Stat. 29, 1958), one logarithm.

    The product of two uniform numbers gives a gamma variable of shape 2, which a third one splits
    into two independent exponentials (Devroye, Non-Uniform Random Variate Generation, 1986, IX.3):
    the squared radii of two points. Two angles of 16 bits share the last word; they form a
    regular 2^16-gon, whose even moments are those of the circle to order 65,534.
    """
    quarter = len(weights) // 4
    w0, w1, w2, w3 = _quarters(words, quarter)
    x0, x1, y0, y1 = _quarters(weights, quarter)
    for i in range(quarter):
        half = (f32(62) - log2(_centred(w0[i]) * _centred(w1[i]), k)) * _HALF
        split = f32(i32(w2[i])) * (half * f32(2.0**-31))
        x0[i], x1[i] = half + split, half - split
    for i in range(quarter):
        x, y = half_circle(_angle(u32(w3[i] >> u32(8))), k)
        radius = _flipped(f32(math.sqrt(x0[i])), w3[i])
        x0[i], y0[i] = x * radius, y * radius
    for i in range(quarter):
        x, y = half_circle(_angle(u32(w3[i] << u32(8))), k)
        radius = _flipped(f32(math.sqrt(x1[i])), u32(w3[i] << u32(16)))
        x1[i], y1[i] = x * radius, y * radius


@inlined
def laplace(words, weights, p, k):
    """Exponentials of 47 bits with random signs, two weights from three words."""
    half = len(weights) // 2
    w0, w1, w2 = words[:half], words[half : 2 * half], words[2 * half : 3 * half]
    xs, ys = weights[:half], weights[half:]
    for i in range(half):
        first, second, third = w0[i], w1[i], w2[i]
        x = f32(31) - log2(_fraction(first, third), k)
        y = f32(31) - log2(_fraction(second, u32(third >> u32(16))), k)
        xs[i] = _flipped(x, u32(first << u32(31)))
        ys[i] = _flipped(y, u32(second << u32(31)))


@inlined
def truncated_normal(words, weights, p, k):
    """The quantile function of the cut normal law at 47 random bits and a sign.

    With y = erf(x/sqrt 2) and q = -log2(1 - y^2), x^2/q is a smooth function of w = q/(q + 12), a
    polynomial of degree 9 in t = p[2] + p[3] w. p starts with 1 - erf(cut/sqrt 2) and
    2^-31 erf(cut/sqrt 2); the coefficients follow, highest first.
    """
    half = len(weights) // 2
    w0, w1, w2 = words[:half], words[half : 2 * half], words[2 * half : 3 * half]
    xs, ys = weights[:half], weights[half:]
    for i in range(half):
        first, second, third = w0[i], w1[i], w2[i]
        x = _cut_normal(_fraction(first, third), p, k)
        y = _cut_normal(_fraction(second, u32(third >> u32(16))), p, k)
        xs[i] = _flipped(x, u32(first << u32(31)))
        ys[i] = _flipped(y, u32(second << u32(31)))


@inlined
def narrow_normal(words, weights, p, k):
    """The normal law with a near cut: x = y P(t)/Q(t) for y uniform on +-erf(cut/sqrt 2), t = 1 - slope y^2.

    p = (2^-31 erf(cut/sqrt 2), slope, P highest first, Q highest first without its constant 1).
    """
    for i in range(len(weights)):
        y = f32(i32(words[i])) * p[0]
        t = fma(y * -y, p[1], f32(1))
        above = fma(fma(fma(fma(p[2], t, p[3]), t, p[4]), t, p[5]), t, p[6])
        below = fma(fma(fma(fma(p[7], t, p[8]), t, p[9]), t, p[10]), t, f32(1))
        weights[i] = y * (above / below)


@inlined
def student_t(words, weights, p, k):
    """Bailey's polar method (Math. Comp. 62, 1994): sqrt(U^(-2/df) - 1) cos(2 pi V); p = (2/df,).

    The two coordinates of a point are dependent, so each weight takes two words of its own.
    """
    w0, w1 = words[: len(weights)], words[len(weights) :]
    for i in range(len(weights)):
        first, second = w0[i], w1[i]
        exponent = (f32(31) - log2(_fraction(first, second), k)) * p[0]
        radius = f32(math.sqrt(exp2_minus_one(exponent, k)))
        x, _ = half_circle(_angle(u32(second >> u32(8))), k)
        weights[i] = _flipped(x * radius, second)


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
def _quarters(values, quarter):
    first, second = values[:quarter], values[quarter : 2 * quarter]
    return first, second, values[2 * quarter : 3 * quarter], values[3 * quarter : 4 * quarter]


@inlined
def _flipped(x, word):
    """x with the top bit of the word on its sign."""
    return float_of_bits(u32(word_of_float(x) ^ u32(word & _SIGN)))


@inlined
def _angle(word):
    """Bits 8 to 22 as a number of (-1, 1), centred."""
    return float_of_bits(u32(u32(word & u32(0x007FFF00)) | u32(0x40000000))) - f32(3 - 2.0**-15)


@inlined
def _centred(word):
    """2^31 times a number of (0, 1] of 31 bits, centred."""
    return f32(i32(u32(word >> u32(1)))) + _HALF


@inlined
def _fraction(high, low):
    """2^31 times a number of (0, 1]: 31 bits of `high`, then the 16 low bits of `low`, centred."""
    tail = f32(i32(low & u32(0xFFFF)))
    return fma(tail, f32(2.0**-16), f32(i32(u32(high >> u32(1)))) + f32(2.0**-17))


@inlined
def _cut_normal(fraction, p, k):
    rest = fma(fraction, p[1], p[0])
    # Near 0 the product rounds to 1; q >= y^2 log2 e holds always and is sharp there.
    y = f32(1) - rest
    q = max(-log2(rest * (_TWO - rest), k), y * y * _LOG2_E)
    t = fma(q / (q + f32(12)), p[3], p[2])
    s = fma(p[4], t, p[5])
    s = fma(s, t, p[6])
    s = fma(s, t, p[7])
    s = fma(s, t, p[8])
    s = fma(s, t, p[9])
    s = fma(s, t, p[10])
    s = fma(s, t, p[11])
    s = fma(s, t, p[12])
    s = fma(s, t, p[13])
    return f32(math.sqrt(q * s))
