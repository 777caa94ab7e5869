"""NumPy as its manual has it: `numpy.random.Generator` over SFC64, its fastest bits, in single precision.

How it was tuned (2 cores of Zen 3, NumPy 2.4):

- Weights go through one buffer of BLOCK numbers (256 KiB, half a core's L2), drawn and multiplied at once
  by `np.matvec`; every operation has its `out`. BLAS keeps to one thread, the two Python threads
  run side by side because NumPy releases the interpreter lock.
- Uniform: `random(out=, dtype=float32)` on (0, 1), doubled and shifted in place.
- Normal: `standard_normal(out=, dtype=float32)`, a ziggurat.
- Rademacher: no call gives signs as floats; `np.take` from a table of 256 rows of 8 signs, indexed by
  random bytes, beats `integers`, `unpackbits` and masks on float32 views.
- Laplace: `standard_exponential(out=, dtype=float32)` with random signs is 3 times as fast as `laplace`.
- Truncated normal: `standard_normal`, and the twentieth beyond the cut drawn again.

`benchmarks.peers.numpy_raw` is what a programmer gets out of the raw bits instead.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeAlias

import numpy as np
from numpy.random import SFC64, Generator
from numpy.typing import NDArray

from benchmarks.peers.contest import (
    CUT,
    CUT_VARIANCE,
    Contestant,
    Run,
    Shape,
    Worker,
    critical_scale,
    in_threads,
)

__all__ = ["BLOCK", "Fill", "Laws", "Singles", "contestant", "numpy_contestant", "rademacher"]

BLOCK = 2**16
BATCH = 2**20

Singles: TypeAlias = NDArray[np.float32]
Fill: TypeAlias = Callable[[Singles], None]
Laws: TypeAlias = dict[str, tuple[Callable[[SFC64], Fill], float]]

f32 = np.float32
u32 = np.uint32


def contestant(pool: Executor) -> Contestant:
    """The contestant, its threads taken from the pool."""
    return numpy_contestant("numpy", _LAWS, pool)


def numpy_contestant(name: str, laws: Laws, pool: Executor) -> Contestant:
    """A contestant from raw weights of each law, by filling BLOCK numbers, and their variance."""

    def prepare(shape: Shape, law: str) -> Run:
        fill, variance = laws[law]
        return in_threads(lambda thread: _worker(shape, fill(SFC64(thread)), variance), pool)

    return Contestant(name, prepare)


def _worker(shape: Shape, fill: Fill, raw_variance: float) -> Worker:
    width = shape.width
    rows = min(width, BLOCK // width)
    group = max(1, BLOCK // width**2)
    count = group * max(1, BATCH // (group * width**2))
    scale = f32(critical_scale(width, raw_variance))
    weights = np.empty((group, rows, width), f32)
    flat = weights.reshape(-1)
    sums, lengths = np.empty((count, width), f32), np.empty((shape.depth, count), f32)

    def worker() -> int:
        activations = np.ones((count, width), f32)
        for layer in range(shape.depth):
            for first in range(0, count, group):
                own = slice(first, first + group)
                for row in range(0, width, rows):
                    fill(flat)
                    np.matvec(weights, activations[own], out=sums[own, row : row + rows])
            np.maximum(sums, 0, out=activations)
            np.multiply(activations, scale, out=activations)
            np.vecdot(activations, activations, out=lengths[layer])
        np.divide(lengths, width, out=lengths)
        return count * shape.weights

    return worker


def _uniform(bits: SFC64) -> Fill:
    random = Generator(bits)

    def fill(out: Singles) -> None:
        random.random(out=out, dtype=f32)
        np.multiply(out, f32(2), out=out)
        np.subtract(out, f32(1), out=out)

    return fill


def normal(bits: SFC64) -> Fill:
    random = Generator(bits)

    def fill(out: Singles) -> None:
        random.standard_normal(out=out, dtype=f32)

    return fill


def rademacher(bits: SFC64) -> Fill:
    """Eight signs from a table for each random byte."""
    signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(f32) * 2 - 1
    rows = np.empty(BLOCK // 8, np.intp)

    def fill(out: Singles) -> None:
        np.copyto(rows, bits.random_raw(BLOCK // 64).view(np.uint8))
        np.take(signs, rows, axis=0, out=out.reshape(-1, 8), mode="clip")

    return fill


def _laplace(bits: SFC64) -> Fill:
    random = Generator(bits)
    signs = np.empty(BLOCK, u32)

    def fill(out: Singles) -> None:
        random.standard_exponential(out=out, dtype=f32)
        np.bitwise_and(bits.random_raw(BLOCK // 2).view(u32), u32(2**31), out=signs)
        np.bitwise_or(out.view(u32), signs, out=out.view(u32))

    return fill


def _truncated_normal(bits: SFC64) -> Fill:
    random = Generator(bits)
    size, beyond = np.empty(BLOCK, f32), np.empty(BLOCK, np.bool_)

    def fill(out: Singles) -> None:
        random.standard_normal(out=out, dtype=f32)
        np.abs(out, out=size)
        np.greater(size, f32(CUT), out=beyond)
        places = np.flatnonzero(beyond)
        while len(places):
            fresh = random.standard_normal(len(places), dtype=f32)
            out[places] = fresh
            places = places[np.abs(fresh) > CUT]

    return fill


_LAWS: Laws = {
    "uniform": (_uniform, 1 / 3),
    "normal": (normal, 1.0),
    "rademacher": (rademacher, 1.0),
    "laplace": (_laplace, 2.0),
    "truncated_normal": (_truncated_normal, CUT_VARIANCE),
}
