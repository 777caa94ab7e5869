"""Ratios of Gamma functions that stay accurate where Gamma itself is huge.

log Gamma(x) = (x - 1/2) log x - x + (1/2) log(2 pi) + e(x), and e(x) = 1/(12 x) - 1/(360 x^3) + ...
for Re x > 0. The ratios below subtract the main terms on paper, so that log Gamma(5000 + i)
- log Gamma(5000) is not the difference of two numbers near 37,000. Arguments below 16 are shifted
up by 16 with Gamma(x + 1) = x Gamma(x); beyond, eight terms of e leave less than 3e-19, by the
remainder |B_18|/(18 * 17 |x|^17) sec^18(arg(x)/2) and |arg(x)/2| <= pi/4.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Complexes", "Floats", "digamma_and_slope", "log_gamma_imaginary", "log_rising", "stirling_error"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Array = TypeVar("Array", Floats, Complexes)

_SHIFT = 16
# B_2k / (2k (2k - 1)), k = 1, ..., 8.
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


def stirling_error(x: Floats) -> Floats:
    """e(x) for positive numbers of any shape.

    >>> float(np.round(stirling_error(np.array([1.0]))[0], 12))        # 1 - log(2 pi)/2
    0.081061466795
    """
    small = x < _SHIFT
    result = _series(np.where(small, x + _SHIFT, x))
    low = x[small]
    for k in range(_SHIFT):
        # e(y) - e(y + 1) = (y + 1/2) log(1 + 1/y) - 1.
        result[small] += (low + k + 0.5) * np.log1p(1 / (low + k)) - 1
    return result


def digamma_and_slope(x: Floats) -> tuple[Floats, Floats]:
    """psi(x) and psi'(x), mean and variance of the logarithm of a gamma variable of shape x.

    psi(x) = log x - 1/(2x) + e'(x), and psi(x) = psi(x + 1) - 1/x below 16.

    >>> value, slope = digamma_and_slope(np.array([1.0]))
    >>> round(float(value[0]), 12), bool(abs(slope[0] - np.pi**2 / 6) < 1e-14)
    (-0.577215664902, True)
    """
    small = x < _SHIFT
    inverse = 1 / np.where(small, x + _SHIFT, x)
    square = inverse * inverse
    first, second = np.zeros_like(square), np.zeros_like(square)
    for k, coefficient in reversed(list(enumerate(_SERIES))):
        first = first * square + (2 * k + 1) * coefficient
        second = second * square + (2 * k + 1) * (2 * k + 2) * coefficient
    value = -np.log(inverse) - inverse / 2 - first * square
    slope = inverse + square / 2 + second * square * inverse
    low = x[small]
    for k in range(_SHIFT):
        value[small] -= 1 / (low + k)
        slope[small] += 1 / (low + k) ** 2
    return value, slope


def log_rising(shapes: Floats, increment: float) -> Floats:
    """log(Gamma(a + s)/Gamma(a)) for an array of shapes a > 0 and one real s with a + s > 0.

    >>> float(np.round(np.exp(log_rising(np.array([0.5]), 3))[0], 12))        # (1/2)(3/2)(5/2)
    1.875
    """
    small = np.minimum(shapes, shapes + increment) < _SHIFT
    base = np.where(small, shapes + _SHIFT, shapes)
    moved = base + increment
    result = (moved - 0.5) * np.log1p(increment / base) + increment * (np.log(base) - 1)
    result += _series(moved) - _series(base)
    low = shapes[small]
    for k in range(_SHIFT):
        result[small] -= np.log1p(increment / (low + k))
    return result


def log_gamma_imaginary(shapes: Floats, frequencies: Floats) -> Complexes:
    """log(Gamma(a + it)/Gamma(a)), shape (shapes, frequencies), of any branch of the logarithm.

    >>> t = 1.5                                     # |Gamma(1/2 + it)|^2 = pi / cosh(pi t)
    >>> found = log_gamma_imaginary(np.array([0.5]), np.array([t]))[0, 0].real
    >>> bool(abs(found + np.log(np.cosh(np.pi * t)) / 2) < 1e-14)
    True
    """
    small = shapes < _SHIFT
    base = np.where(small, shapes + _SHIFT, shapes)[:, None]
    result = _ratio_far_out(base, frequencies)
    if small.any():
        low = shapes[small][:, None]
        for k in range(_SHIFT):
            result[small] -= _log_one_plus_imaginary(frequencies / (low + k))
    return result


def _ratio_far_out(base: Floats, t: Floats) -> Complexes:
    logarithm = _log_one_plus_imaginary(t / base)
    modulus, angle = logarithm.real, logarithm.imag
    result: Complexes = np.asarray(_series(base + 1j * t) - _series(base), dtype=np.complex128)
    result += (base - 0.5) * modulus - t * angle
    result += 1j * ((base - 0.5) * angle + t * (modulus + np.log(base) - 1))
    return result


def _log_one_plus_imaginary(y: Floats) -> Complexes:
    """log(1 + iy), the real part with full relative accuracy where y is small."""
    result = np.empty(y.shape, dtype=np.complex128)
    result.real, result.imag = np.log1p(y * y) / 2, np.arctan(y)
    return result


def _series(x: Array) -> Array:
    inverse = 1 / x
    square = inverse * inverse
    total = np.full_like(x, _SERIES[-1])
    for coefficient in reversed(_SERIES[:-1]):
        total = total * square + coefficient
    return total * inverse
