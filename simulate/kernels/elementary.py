"""Single-precision polynomials that vectorise: log2, 2^x - 1, and cosine and sine.

Coefficients interpolate at Chebyshev nodes; the stated errors are those of the polynomial, to
which rounding adds a few 2^-24. No table, no branch, no library call.
"""

from __future__ import annotations

import numpy as np

from simulate.kernels.jit import inlined
from simulate.kernels.vectors import as_floats, as_words, fused, rounded, shifted_with_sign, signed

__all__ = ["COEFFICIENTS", "exp2_minus_one", "half_circle", "half_exponential", "log2"]

f32 = np.float32
u32 = np.uint32

# Passed to kernels as an argument: LLVM would load a literal anew at every use.
COEFFICIENTS = tuple(
    map(
        f32,
        (
            # log2(1 + f)/f for 1 + f between the roots of 1/2 and 2, to 2.2e-6 of f
            *(1.44269652305, -0.721360178576, 0.480613125473, -0.359524455463),
            *(0.296119557222, -0.267963870516, 0.168186591107),
            # cos(pi t/2) in t^2 for |t| <= 1, to 4.7e-8
            *(0.999999953028, -1.23369820062, 0.253650674423, -0.0208105151998, 0.000858134467091),
            # sin(pi t/2)/t in t^2 for |t| <= 1, to 1.2e-6
            *(1.57079512837, -0.645925720795, 0.0795000067558, -0.00437058594401),
            # (2^f - 1)/f for |f| <= 1/2, to 7.8e-9
            *(0.693147188026, 0.240226507606, 0.0555035711422),
            *(0.00961808255728, 0.00133908633647, 0.000154531629451),
            # -1/2 of those of log2
            *(-0.721348261525, 0.360680089288, -0.2403065627365, 0.1797622277315),
            *(-0.148059778611, 0.133981935258, -0.0840932955455),
        ),
    )
)

_ROOT_HALF = u32(0x3F3504F3)
_ONE = f32(1)


@inlined
def log2(x, k):
    """log2 of positive normal numbers; k is COEFFICIENTS.

    >>> with np.errstate(over="ignore"):
    ...     float(log2(np.float32(8), COEFFICIENTS)), round(float(log2(np.float32(10), COEFFICIENTS)), 5)
    (3.0, 3.32193)
    """
    octave, f = _reduced(x)
    return fused(_log2_ratio(f, k), f, signed(shifted_with_sign(octave, u32(23))))


@inlined
def half_exponential(x, k):
    """31 - log2(x)/2; k is COEFFICIENTS."""
    octave, f = _reduced(x)
    p = fused(k[28], f, k[27])
    p = fused(p, f, k[26])
    p = fused(p, f, k[25])
    p = fused(p, f, k[24])
    p = fused(p, f, k[23])
    p = fused(p, f, k[22])
    return fused(p, f, fused(signed(octave), f32(-(2.0**-24)), f32(31)))


@inlined
def half_circle(t, k):
    """Cosine and sine of pi t/2, for |t| <= 1; k is COEFFICIENTS.

    >>> [round(float(x), 5) for x in half_circle(np.float32(-0.5), COEFFICIENTS)]
    [0.70711, -0.70711]
    """
    square = t * t
    cosine = fused(fused(fused(fused(k[11], square, k[10]), square, k[9]), square, k[8]), square, k[7])
    sine = fused(fused(fused(k[15], square, k[14]), square, k[13]), square, k[12]) * t
    return cosine, sine


@inlined
def exp2_minus_one(x, k):
    """2^x - 1 for 0 <= x < 100, accurate near 0 as well; k is COEFFICIENTS.

    >>> [float(exp2_minus_one(np.float32(x), COEFFICIENTS)) for x in (3, 0)]
    [7.0, 0.0]
    """
    whole = rounded(x + f32(0.5))
    f = x - signed(whole)
    p = fused(k[21], f, k[20])
    p = fused(p, f, k[19])
    p = fused(p, f, k[18])
    p = fused(p, f, k[17])
    p = fused(p, f, k[16])
    power = as_floats(whole + u32(127) << u32(23))
    return fused(power * f, p, power - _ONE)


@inlined
def _reduced(x):
    """x = 2^e (1 + f), 1 + f between the roots of 1/2 and 2: the word 2^23 e, and f."""
    bits = as_words(x)
    octave = bits - _ROOT_HALF & u32(0xFF800000)
    return octave, as_floats(bits - octave) - _ONE


@inlined
def _log2_ratio(f, k):
    p = fused(k[6], f, k[5])
    p = fused(p, f, k[4])
    p = fused(p, f, k[3])
    p = fused(p, f, k[2])
    p = fused(p, f, k[1])
    return fused(p, f, k[0])
