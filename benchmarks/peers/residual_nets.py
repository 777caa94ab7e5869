"""Residual nets with normal weights: NumPy, torch and JAX as they are tuned for fully connected ones.

Every block has a hidden layer as wide as the trunk. The trunk is updated in place; the scales of both
layers and of the block are one number, since ReLU lets it pass. What was tuned for `numpy_sfc64`,
`numpy_raw`, `torch_batched` and `jax_jitted` is tuned here: blocks of weights of 256 KiB, batches that
fit the cache, two Python threads with a generator each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import Array, lax
from numpy.random import SFC64

from benchmarks.peers import numpy_raw, numpy_sfc64
from benchmarks.peers.contest import Contestant, Run, Worker, in_threads
from benchmarks.peers.numpy_sfc64 import Fill

__all__ = ["ResidualShape", "contestants"]

BLOCK = 2**16
BATCH = 2**20
JAX_BATCH = 2**18

f32 = np.float32


@dataclass(frozen=True)
class ResidualShape:
    """`blocks` blocks of one hidden layer, all widths alike, from an input of ones."""

    width: int
    blocks: int
    scale: float

    @property
    def weights(self) -> int:
        """How many weights one network has."""
        return 2 * self.width**2 * self.blocks

    def factor(self, output: str, raw_variance: float) -> float:
        """What a branch is multiplied by: its scale, and the deviations of two layers."""
        gain = 4 if output == "relu" else 2
        return self.scale * math.sqrt(gain) / (self.width * raw_variance)

    def batch(self, numbers: int) -> tuple[int, int]:
        """Networks whose weights of one layer fill a block, and networks of a batch."""
        group = max(1, BLOCK // self.width**2)
        return group, group * max(1, numbers // (group * self.width**2))


def contestants(pool: Executor) -> list[Contestant]:
    """The peers, their threads taken from the pool; what they prepare for is a shape and an output."""
    fills: dict[str, tuple[Callable[[SFC64], Fill], float]] = {
        "numpy": (numpy_sfc64.normal, 1.0),
        "numpy raw": (numpy_raw.normal, 0.5),
    }

    def threaded(make: Callable[[ResidualShape, str, int], Worker]) -> Callable[[ResidualShape, str], Run]:
        return lambda shape, output: in_threads(lambda thread: make(shape, output, thread), pool)

    by_numpy = [
        Contestant(name, threaded(lambda *given, fill=fill: _numpy(*given, fill=fill)))
        for name, fill in fills.items()
    ]
    return [*by_numpy, Contestant("torch", threaded(_torch)), Contestant("jax", threaded(_jax))]


def _numpy(
    shape: ResidualShape, output: str, thread: int, *, fill: tuple[Callable[[SFC64], Fill], float]
) -> Worker:
    drawn, raw_variance = fill[0](SFC64(thread)), fill[1]
    group, count = shape.batch(BATCH)
    factor, width = f32(shape.factor(output, raw_variance)), shape.width
    weights = np.empty((group, width, width), f32)
    flat = weights.reshape(-1)
    hidden, lengths = np.empty((group, width), f32), np.empty((shape.blocks, count), f32)

    def worker() -> int:
        trunk = np.ones((count, width), f32)
        for row in lengths:
            for first in range(0, count, group):
                own = trunk[first : first + group]
                drawn(flat)
                np.matvec(weights, own, out=hidden)
                np.maximum(hidden, 0, out=hidden)
                drawn(flat)
                branch = np.matvec(weights, hidden)
                if output == "relu":
                    np.maximum(branch, 0, out=branch)
                np.multiply(branch, factor, out=branch)
                np.add(own, branch, out=own)
            np.vecdot(trunk, trunk, out=row)
        np.divide(lengths, width, out=lengths)
        return count * shape.weights

    return worker


def _torch(shape: ResidualShape, output: str, thread: int) -> Worker:
    random = torch.Generator().manual_seed(thread)
    group, count = shape.batch(BATCH)
    factor, width = shape.factor(output, 1.0), shape.width
    weights = torch.empty(group, width, width)
    hidden, branch = torch.empty(group, 1, width), torch.empty(group, 1, width)
    lengths = torch.empty(shape.blocks, count)

    def worker() -> int:
        torch.set_num_threads(1)
        trunk = torch.ones(count, 1, width)
        for row in lengths:
            for first in range(0, count, group):
                own = trunk[first : first + group]
                torch.bmm(own, weights.normal_(generator=random), out=hidden)
                torch.bmm(hidden.relu_(), weights.normal_(generator=random), out=branch)
                own.add_(branch.relu_() if output == "relu" else branch, alpha=factor)
            torch.linalg.vector_norm(trunk, dim=(1, 2), out=row)
        lengths.square_().div_(width)
        return count * shape.weights

    return worker


def _jax(shape: ResidualShape, output: str, thread: int) -> Worker:
    _, count = shape.batch(JAX_BATCH)
    factor, width = shape.factor(output, 1.0), shape.width

    def block(trunk: Array, key: Array) -> tuple[Array, Array]:
        weights = jax.random.normal(key, (2, count, width, width), jnp.float32)
        hidden = jnp.maximum(jnp.einsum("rij,rj->ri", weights[0], trunk), 0)
        branch = jnp.einsum("rij,rj->ri", weights[1], hidden)
        trunk = trunk + factor * (jnp.maximum(branch, 0) if output == "relu" else branch)
        return trunk, jnp.mean(jnp.square(trunk), axis=1)

    @jax.jit
    def step(key: Array) -> tuple[Array, Array]:
        key, own = jax.random.split(key)
        _, lengths = lax.scan(block, jnp.ones((count, width)), jax.random.split(own, shape.blocks))
        return key, lengths

    key = jax.random.key(thread)

    def worker() -> int:
        nonlocal key
        key, lengths = step(key)
        lengths.block_until_ready()
        return count * shape.weights

    return worker
