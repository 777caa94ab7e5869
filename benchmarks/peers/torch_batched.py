"""torch: preallocated blocks, in-place draws, one batched product per block of weights.

How it was tuned (2 cores of Zen 3, torch 2.13 with MKL):

- Two Python threads with a generator and one intra-op thread each: a torch generator draws
  serially, whatever the number of intra-op threads.
- Weights lie inputs first, so that `bmm` multiplies a row by a matrix: with 64 neurons 5 times as fast
  as matrix by column.
- Uniform: `random_` of 64-bit integers read as 32-bit ones is 1.6 times as fast as `uniform_`, read as 16-bit
  ones, as ours are, 3 times.
- Normal: `normal_`, vectorised for blocks of at least 16, beats Box and Muller on tensors.
- Rademacher: 64 signs from each integer; `bernoulli_` is 20 times slower.
- Laplace: the logarithm of uniform numbers; `exponential_` is 4 times slower.
- Truncated normal: `erfinv_` of uniform numbers; `nn.init.trunc_normal_` is 5 times slower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from benchmarks.peers.contest import (
    ABOVE,
    CUT,
    CUT_VARIANCE,
    UNIFORM_BITS,
    Contestant,
    Run,
    Shape,
    Worker,
    critical_scale,
    in_threads,
)

__all__ = ["contestant"]

BLOCK = 2**16
BATCH = 2**20

Fill: TypeAlias = Callable[[Tensor], None]


def contestant(pool: Executor) -> Contestant:
    """The contestant, its threads taken from the pool."""

    def prepare(shape: Shape, law: str) -> Run:
        return in_threads(lambda thread: _worker(shape, law, Generator().manual_seed(thread)), pool)

    return Contestant("torch", prepare)


def _worker(shape: Shape, law: str, random: Generator) -> Worker:
    fill, raw_variance = _LAWS[law](random)
    width = shape.width
    columns = min(width, BLOCK // width)
    group = max(1, BLOCK // width**2)
    count = group * max(1, BATCH // (group * width**2))
    scale = critical_scale(width, raw_variance)
    weights = torch.empty(group, width, columns)
    flat = weights.view(-1)
    sums, lengths = torch.empty(count, 1, width), torch.empty(shape.depth, count)

    def worker() -> int:
        torch.set_num_threads(1)
        activations = torch.ones(count, 1, width)
        for layer in range(shape.depth):
            for first in range(0, count, group):
                own = slice(first, first + group)
                for column in range(0, width, columns):
                    fill(flat)
                    out = sums[own, :, column : column + columns]
                    torch.bmm(activations[own], weights, out=out)
            torch.clamp(sums, min=0, out=activations).mul_(scale)
            torch.linalg.vector_norm(activations, dim=(1, 2), out=lengths[layer])
        lengths.square_().div_(width)
        return count * shape.weights

    return worker


def _words(random: Generator, count: int, bits: int = 32) -> tuple[Callable[[], None], Tensor]:
    """A refill and the signed integers that it fills, 64/bits from each draw."""
    draws = torch.empty(count * bits // 64, dtype=torch.int64)

    def refill() -> None:
        draws.random_(-(2**63), None, generator=random)

    return refill, draws.view(torch.int32 if bits == 32 else torch.int16)


def _integers(random: Generator, bits: int) -> Fill:
    refill, words = _words(random, BLOCK, bits)

    def fill(out: Tensor) -> None:
        refill()
        out.copy_(words)

    return fill


def _uniform(random: Generator) -> tuple[Fill, float]:
    return _integers(random, UNIFORM_BITS), 4.0**UNIFORM_BITS / 12


def _normal(random: Generator) -> tuple[Fill, float]:
    def fill(out: Tensor) -> None:
        out.normal_(generator=random)

    return fill, 1.0


def _rademacher(random: Generator) -> tuple[Fill, float]:
    refill, words = _words(random, BLOCK // 32)
    places = torch.arange(32, dtype=torch.int32)[:, None]

    def fill(out: Tensor) -> None:
        bits = out.view(torch.int32)
        refill()
        torch.bitwise_left_shift(words, places, out=bits.view(32, -1))
        bits.bitwise_and_(-(2**31)).bitwise_or_(0x3F800000)

    return fill, 1.0


def _laplace(random: Generator) -> tuple[Fill, float]:
    uniform = _integers(random, 32)
    size = torch.empty(BLOCK)

    def fill(out: Tensor) -> None:
        uniform(out)
        torch.abs(out, out=size).add_(0.5).log_()
        torch.sub(ABOVE, size, out=size)
        torch.copysign(size, out, out=out)

    return fill, 2.0


def _truncated_normal(random: Generator) -> tuple[Fill, float]:
    """sqrt 2 erf^-1(u) for u uniform on +-erf(CUT/sqrt 2), without the factor sqrt 2."""
    largest = math.erf(CUT / math.sqrt(2))
    uniform = _integers(random, 32)

    def fill(out: Tensor) -> None:
        uniform(out)
        out.mul_(largest * 2.0**-31).erfinv_()

    return fill, CUT_VARIANCE / 2


_LAWS: dict[str, Callable[[Generator], tuple[Fill, float]]] = {
    "uniform": _uniform,
    "normal": _normal,
    "rademacher": _rademacher,
    "laplace": _laplace,
    "truncated_normal": _truncated_normal,
}
