"""The same sums for kernels of 3 x 3, in squares of 4 x 4 positions, with a quarter of the products.

Four outputs in a row belong to the product of polynomials of degrees 3 and 2, which six values decide:
those at 0, 3/4, -3/4, 3/2, -3/2 and infinity. So 6 products do for 12, and 36 for 144 in a square (Toom
and Cook; Winograd, Arithmetic Complexity of Computations, SIAM 1980; Lavin and Gray, CVPR 2016). That is
an identity in weights and inputs, whatever their law. At these points rounding errors are 3 times those
of the plain sums, at the usual 1 and 2 they are 5 times as large.

Sums of whole numbers are not exact here, so that laws with atoms go through `convolve`. Shapes as there.
"""

from __future__ import annotations

import numpy as np

from simulate.kernels.convolution import TOGETHER, finish, six_sums, store_six
from simulate.kernels.jit import inlined, kernel
from simulate.kernels.vectors import LANES, fused, load, store, zeros

__all__ = ["SIDE", "convolve_squares"]

SIDE = 4
_VALUES = 36
f32 = np.float32

# The points 0, +-a, +-b; (x^2 - a^2)(x^2 - b^2) = x^4 + _MIDDLE x^2 + _LAST.
a, b = 3 / 4, 3 / 2
_A, _B, _A2, _B2, _A3, _B3 = map(f32, (a, b, a**2, b**2, a**3, b**3))
_LESS_A, _LESS_B, _LESS_A2, _LESS_B2 = -_A, -_B, -_A2, -_B2
_MIDDLE, _LAST = f32(-(a**2) - b**2), f32(a**2 * b**2)
# x^k over the product of the distances to the other points.
_ZERO = f32(1 / (a**2 * b**2))
_A_0, _A_1, _A_2 = (f32(a**k / (2 * a**2 * (a**2 - b**2))) for k in range(3))
_B_0, _B_1, _B_2 = (f32(b**k / (2 * b**2 * (b**2 - a**2))) for k in range(3))


@kernel
def convolve_squares(
    inputs, weights, corners, row, shape, outputs, width, exponent, slopes, exponents, lengths
):
    """`convolve` for the squares at the corners; `row` is the number of places in a row."""
    stride, channels, tiles, group_width, out_stride, centre = shape
    scratch = np.empty(_VALUES * LANES, f32)
    factors = np.empty((weights.shape[1], _VALUES * channels * LANES), f32)
    values = np.empty(_VALUES * TOGETHER * stride, f32)
    products = np.empty(_VALUES * TOGETHER * LANES, f32)
    for r in range(len(inputs)):
        x, y = inputs[r], outputs[r]
        y[:] = f32(0)
        for t in range(len(factors)):
            _weights_at_points(weights[r, t], channels, scratch, factors[t])
        for n in range(0, len(corners), TOGETHER):
            for i in range(TOGETHER):
                _inputs_at_points(x, corners[n + i] * stride, row * stride, stride, scratch, values, i)
            for t in range(len(factors)):
                group = t // tiles
                output = group * group_width + (t - group * tiles) * LANES
                _multiply(factors[t], channels, values, stride, group * channels, products)
                for i in range(TOGETHER):
                    place = (corners[n + i] + centre) * out_stride + output
                    _outputs_from_points(products, i, scratch, y, place, row * out_stride, out_stride)
        finish(y, r, width, exponent, slopes, exponents, lengths)


@inlined
def _multiply(factors, channels, values, stride, first, products):
    """At each point the sum over the channels, for six squares."""
    none = zeros(products)
    for v in range(_VALUES):
        nothing = none, none, none, none, none, none
        places = _steps(v * TOGETHER * stride, stride)
        sums = six_sums(factors, v * channels * LANES, values, places, first, channels, nothing)
        store_six(products, _steps(v * TOGETHER * LANES, LANES), sums)


@inlined
def _steps(first, step):
    """Six places in steps."""
    return first, first + step, first + 2 * step, first + 3 * step, first + 4 * step, first + 5 * step


@inlined
def _weights_at_points(weights, channels, scratch, factors):
    """From kernels of 3 x 3, one weight of all channels after another, to their values."""
    step = channels * LANES
    for c in range(0, step, LANES):
        for j in range(3):
            _weight_values(weights, c + j * step, 3 * step, scratch, j * LANES, 3 * LANES)
        for i in range(6):
            _weight_values(scratch, 3 * i * LANES, LANES, factors, 6 * i * step + c, step)


@inlined
def _inputs_at_points(inputs, corner, row, stride, scratch, values, square):
    """From the 6 x 6 inputs of one of six squares to their values."""
    step = TOGETHER * stride
    for c in range(0, stride, LANES):
        for j in range(6):
            _input_values(inputs, corner + c + j * stride, row, scratch, j * LANES, 6 * LANES)
        for i in range(6):
            first = 6 * i * step + square * stride + c
            _input_values(scratch, 6 * i * LANES, LANES, values, first, step)


@inlined
def _outputs_from_points(products, square, scratch, outputs, place, row, stride):
    """From the products of one of six squares to its 4 x 4 outputs."""
    step = TOGETHER * LANES
    for j in range(6):
        _coefficients(products, j * step + square * LANES, 6 * step, scratch, j * LANES, 6 * LANES)
    for i in range(SIDE):
        _coefficients(scratch, 6 * i * LANES, LANES, outputs, place + i * row, stride)


@inlined
def _weight_values(given, i, step, target, j, jump):
    """Of a polynomial of degree 2, divided by what the interpolation asks for."""
    w0, w1, w2 = load(given, i), load(given, i + step), load(given, i + 2 * step)
    near, slow = fused(w2, _A_2, w0 * _A_0), w1 * _A_1
    far, fast = fused(w2, _B_2, w0 * _B_0), w1 * _B_1
    store(target, j, w0 * _ZERO)
    store(target, j + jump, near + slow)
    store(target, j + 2 * jump, near - slow)
    store(target, j + 3 * jump, far + fast)
    store(target, j + 4 * jump, far - fast)
    store(target, j + 5 * jump, w2)


@inlined
def _input_values(given, i, step, target, j, jump):
    """The transpose of the interpolation of a polynomial of degree 5."""
    x0, x2, x4 = load(given, i), load(given, i + 2 * step), load(given, i + 4 * step)
    store(target, j, fused(x0, _LAST, fused(x2, _MIDDLE, x4)))
    x1, x3, x5 = load(given, i + step), load(given, i + 3 * step), load(given, i + 5 * step)
    store(target, j + 5 * jump, fused(x1, _LAST, fused(x3, _MIDDLE, x5)))
    even, odd = fused(x2, _LESS_B2, x4), fused(x1, _LESS_B2, x3)
    store(target, j + jump, fused(odd, _A, even))
    store(target, j + 2 * jump, fused(odd, _LESS_A, even))
    even, odd = fused(x2, _LESS_A2, x4), fused(x1, _LESS_A2, x3)
    store(target, j + 3 * jump, fused(odd, _B, even))
    store(target, j + 4 * jump, fused(odd, _LESS_B, even))


@inlined
def _coefficients(given, i, step, target, j, jump):
    """The transpose of the evaluation of a polynomial of degree 3."""
    m1, m2, m3, m4 = (
        load(given, i + step),
        load(given, i + 2 * step),
        load(given, i + 3 * step),
        load(given, i + 4 * step),
    )
    even, odd, far_even, far_odd = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    store(target, j, load(given, i) + even + far_even)
    store(target, j + jump, fused(far_odd, _B, odd * _A))
    store(target, j + 2 * jump, fused(far_even, _B2, even * _A2))
    store(target, j + 3 * jump, fused(far_odd, _B3, fused(odd, _A3, load(given, i + 5 * step))))
