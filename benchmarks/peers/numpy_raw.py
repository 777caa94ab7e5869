"""NumPy from the bits up: `SFC64.random_raw` and whole-array arithmetic, what a programmer can make of it.

How it was tuned (2 cores of Zen 3, NumPy 2.4), beside what `benchmarks.peers.numpy_sfc64` says of blocks,
buffers and threads:

- Uniform: raw bits read as signed integers of UNIFORM_BITS bits and converted; of 32 bits twice as
  fast as `Generator.random`, of 16 bits, as ours have, 4 times.
- Normal: Box and Muller on whole arrays; 1.4 times as fast as the ziggurat.
- Rademacher: signs from a table, as there.
- Laplace: the logarithm of a uniform number; 1.6 times as fast as `standard_exponential`.
- Truncated normal: the quantile function with Giles' polynomial for erf^-1 (GPU Computing Gems 2, 2011,
  ch. 10; its central branch holds up to cuts of 2.7); twice as fast as drawing again.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor

import numpy as np
from numpy.random import SFC64

from benchmarks.peers.contest import ABOVE, CUT, CUT_VARIANCE, UNIFORM_BITS, Contestant
from benchmarks.peers.numpy_sfc64 import BLOCK, Fill, Laws, Singles, numpy_contestant, rademacher

__all__ = ["contestant"]

# erf^-1(u)/u in -ln(1 - u^2) - 2.5, highest first.
_GILES = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)

f32 = np.float32


def contestant(pool: Executor) -> Contestant:
    """The contestant, its threads taken from the pool."""
    return numpy_contestant("numpy raw", _LAWS, pool)


def _integers(bits: SFC64, out: Singles) -> None:
    """Signed 32-bit integers, uniform."""
    np.copyto(out, bits.random_raw(out.size // 2).view(np.int32), casting="unsafe")


def _uniform(bits: SFC64) -> Fill:
    integer = np.dtype(f"i{UNIFORM_BITS // 8}")
    words = BLOCK * UNIFORM_BITS // 64

    def fill(out: Singles) -> None:
        np.copyto(out, bits.random_raw(words).view(integer), casting="unsafe")

    return fill


def normal(bits: SFC64) -> Fill:
    half = BLOCK // 2
    cosine = np.empty(half, f32)

    def fill(out: Singles) -> None:
        radius, angle = out[:half], out[half:]
        _integers(bits, out)
        _exponential(radius)
        np.sqrt(radius, out=radius)
        np.multiply(angle, f32(math.pi * 2**-31), out=angle)
        np.cos(angle, out=cosine)
        np.sin(angle, out=angle)
        np.multiply(angle, radius, out=angle)
        np.multiply(cosine, radius, out=radius)

    return fill


def _exponential(out: Singles) -> None:
    """Integers turned into exponential numbers, in place."""
    np.abs(out, out=out)
    np.add(out, f32(0.5), out=out)
    np.log(out, out=out)
    np.subtract(f32(ABOVE), out, out=out)


def _laplace(bits: SFC64) -> Fill:
    size = np.empty(BLOCK, f32)

    def fill(out: Singles) -> None:
        _integers(bits, out)
        np.copyto(size, out)
        _exponential(size)
        np.copysign(size, out, out=out)

    return fill


def _truncated_normal(bits: SFC64) -> Fill:
    """sqrt 2 erf^-1(u) for u uniform on +-erf(CUT/sqrt 2), without the factor sqrt 2."""
    largest = math.erf(CUT / math.sqrt(2))
    shifted, polynomial = np.empty(BLOCK, f32), np.empty(BLOCK, f32)

    def fill(out: Singles) -> None:
        _integers(bits, out)
        np.multiply(out, f32(largest * 2**-31), out=out)
        np.multiply(out, out, out=shifted)
        np.subtract(f32(1), shifted, out=shifted)
        np.log(shifted, out=shifted)
        np.subtract(f32(-2.5), shifted, out=shifted)
        np.multiply(shifted, f32(_GILES[0]), out=polynomial)
        for coefficient in _GILES[1:-1]:
            np.add(polynomial, f32(coefficient), out=polynomial)
            np.multiply(polynomial, shifted, out=polynomial)
        np.add(polynomial, f32(_GILES[-1]), out=polynomial)
        np.multiply(out, polynomial, out=out)

    return fill


_LAWS: Laws = {
    "uniform": (_uniform, 4.0**UNIFORM_BITS / 12),
    "normal": (normal, 0.5),
    "rademacher": (rademacher, 1.0),
    "laplace": (_laplace, 2.0),
    "truncated_normal": (_truncated_normal, CUT_VARIANCE / 2),
}
