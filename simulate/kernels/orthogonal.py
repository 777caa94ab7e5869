"""Q a for a fresh orthogonal matrix Q, uniform by Haar's measure, without forming it.

Stewart (SIAM J. Numer. Anal. 17, 1980), with the signs of Mezzadri (Notices AMS 54, 2007): in the
decomposition G = Q R of a normal matrix of N = max(m, n) rows and min(m, n) columns by reflections, what
is left of G after each of them is again a normal matrix, independent of those before. So column j of it
is drawn fresh: a normal vector x of N - j + 1 numbers, whose reflection takes x to a multiple of e_1.
With the sign that makes R's diagonal positive the step is

    S e_1 = u = x/|x|,    S (0, r) = (0, r) - (u'.r) (sign(u_1) e_1 + u'/(1 + |u_1|)),    u = (u_1, u'),

and Q = S_1 S_2 ... on growing tails of the coordinates. For n >= m neurons Q has orthonormal columns: the
last step acts first, each takes one more input. For n < m its transpose does: the first step acts first,
each leaves one output, u.y, behind.

Normal numbers are in single precision, everything else in double, sums in eight parts in a fixed order.
Memory is O(N), and min(m, n) (2 N + 1 - min(m, n))/2 normal numbers are used.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.kernels.jit import inlined, kernel
from simulate.kernels.samplers import normal
from simulate.kernels.streams import LANES, draw_words, load_state, store_state

__all__ = ["BLOCK", "orthogonal_pass"]

# Normal numbers drawn at a time, a multiple of _QUANTUM, which is what `normal` fills at least.
BLOCK = 512
_QUANTUM = 4 * LANES

f32 = np.float32
f64 = np.float64
u32 = np.uint32


@inlined
def _block(left):
    """How many normal numbers to draw where `left` are still to be used."""
    return min(BLOCK, -(-left // _QUANTUM) * _QUANTUM)


@inlined
def _products(x, y):
    """x.x and x.y over a multiple of 8 places, each in eight partial sums."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = 0.0
    for start in range(0, len(x), 8):
        u, v = x[start : start + 8], y[start : start + 8]
        s0, s1, s2, s3 = s0 + u[0] * u[0], s1 + u[1] * u[1], s2 + u[2] * u[2], s3 + u[3] * u[3]
        s4, s5, s6, s7 = s4 + u[4] * u[4], s5 + u[5] * u[5], s6 + u[6] * u[6], s7 + u[7] * u[7]
        t0, t1, t2, t3 = t0 + u[0] * v[0], t1 + u[1] * v[1], t2 + u[2] * v[2], t3 + u[3] * v[3]
        t4, t5, t6, t7 = t4 + u[4] * v[4], t5 + u[5] * v[5], t6 + u[6] * v[6], t7 + u[7] * v[7]
    square = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    return square, ((t0 + t1) + (t2 + t3)) + ((t4 + t5) + (t6 + t7))


@inlined
def _add(factor, x, y):
    """y += factor x."""
    for i in range(len(x)):
        y[i] += factor * x[i]


@inlined
def _with_input(x, y, first):
    """S (first, y') into y = (0, y')."""
    square, product = _products(x, y)
    if square == 0.0:
        y[0] = first
        return
    size, start = math.sqrt(square), x[0]
    product = product / size
    _add(first / size - product / (size + abs(start)), x, y)
    y[0] = start / size * first - math.copysign(1.0, start) * product


@inlined
def _output(x, y):
    """The first coordinate of S^T y, with the others left in y."""
    square, product = _products(x, y)
    if square == 0.0:
        return y[0]
    size, start = math.sqrt(square), x[0]
    product = product / size
    _add(-(product + math.copysign(1.0, start) * y[0]) / (size + abs(start)), x, y)
    return product


@inlined
def _copied(source, target):
    for i in range(len(source)):
        target[i] = source[i]


@kernel
def orthogonal_pass(inputs, width, states, p, k, outputs):
    """outputs[r] = Q inputs[r, :width] with Q of p[0] rows, a fresh one for every network.

    Shapes as those of the passes of `simulate.kernels.layer`; p = (number of outputs,).
    """
    (rows,) = p
    largest, steps = max(rows, width), min(rows, width)
    words, pool = np.empty(BLOCK, u32), np.empty(BLOCK, f32)
    vector, reflected = np.zeros(largest + 8), np.zeros(largest + 8)
    for r in range(len(inputs)):
        a, b, c, d = load_state(states[r])
        left, taken, held = steps * (2 * largest + 1 - steps) // 2, 0, 0
        reflected[:] = 0.0
        vector[:] = 0.0
        if rows < width:
            _copied(inputs[r, :width], reflected)
        for step in range(steps):
            start = step if rows < width else steps - 1 - step
            size, done = largest - start, 0
            while done < size:
                if taken == held:
                    taken, held = 0, _block(left)
                    a, b, c, d = draw_words(a, b, c, d, words[:held])
                    normal(words[:held], pool[:held], p, k)
                count = min(size - done, held - taken)
                _copied(pool[taken : taken + count], vector[done:])
                done, taken, left = done + count, taken + count, left - count
            vector[size : size + 7] = 0.0
            places = -(-size // 8) * 8
            x, y = vector[:places], reflected[start : start + places]
            if rows < width:
                outputs[r, start] = f32(_output(x, y))
            else:
                _with_input(x, y, f64(inputs[r, start]))
        if rows >= width:
            _copied(reflected[:rows], outputs[r])
        outputs[r, rows:] = f32(0)
        store_state(states[r], a, b, c, d)
