"""Convolutional nets with normal weights, going round: NumPy, torch and JAX.

How they were tuned (2 cores of Zen 3, 16 channels, 32 x 32 positions, kernel 3; 10^9 products a second on
one core, which does 50 at most):

- NumPy: three copies shifted along the rows, then three products of matrices of 16 x 48 and 48 x 1024 on
  views shifted by columns: 16. All nine copies and one product: 14. Channels last: 15.
- torch: `conv2d` of 16 networks at once as groups: 23, of one network 14. The activations stay in the
  inside of a frame, of which only the border is copied; `F.pad(mode="circular")` in place of that: 18,
  channels last 12, `unfold` and `bmm` 6.
- JAX: `lax.map` over the networks with channels last, 13. Groups and `vmap` below 1, patches and one product
  8. threefry2x32 is its fastest generator here.
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
from numpy.random import SFC64, Generator
from numpy.typing import NDArray
from torch.nn.functional import conv2d

from benchmarks.peers.contest import Contestant, Run, Worker, in_threads

__all__ = ["ConvolutionalShape", "contestants"]

KERNEL = 3
TORCH_BATCH = 16
JAX_BATCH = 16

f32 = np.float32


@dataclass(frozen=True)
class ConvolutionalShape:
    """`depth` layers of `channels` channels on a square of positions, from a fixed normal input."""

    channels: int
    side: int
    depth: int

    @property
    def weights(self) -> int:
        """How many weights one network has."""
        return (self.channels * KERNEL) ** 2 * self.depth

    @property
    def deviation(self) -> float:
        """Of a weight."""
        return math.sqrt(2 / (self.channels * KERNEL**2))

    def input(self) -> NDArray[np.float32]:
        """Rounded to thousandths, so that it is short when written exactly."""
        size = self.channels, self.side, self.side
        return np.random.default_rng(1).normal(size=size).round(3).astype(f32)


def contestants(pool: Executor) -> list[Contestant]:
    """The peers, their threads taken from the pool."""

    def threaded(
        make: Callable[[ConvolutionalShape, int], Worker],
    ) -> Callable[[ConvolutionalShape, str], Run]:
        return lambda shape, _: in_threads(lambda thread: make(shape, thread), pool)

    makers = {"numpy": _numpy, "torch": _torch, "jax": _jax}
    return [Contestant(name, threaded(make)) for name, make in makers.items()]


def _numpy(shape: ConvolutionalShape, thread: int) -> Worker:
    random = Generator(SFC64(thread))
    channels, side = shape.channels, shape.side
    framed = np.empty((channels, side + 2, side + 2), f32)
    inside, first = framed[:, 1:-1, 1:-1], shape.input()
    weights = np.empty((KERNEL, channels, KERNEL * channels), f32)
    columns = np.empty((KERNEL, channels, side + 2, side), f32)
    flat = columns.reshape(KERNEL * channels, (side + 2) * side)
    sums, part = (np.empty((channels, side * side), f32) for _ in range(2))
    lengths = np.empty(shape.depth, f32)

    def worker() -> int:
        inside[:] = first
        for layer in range(shape.depth):
            _go_round(framed)
            random.standard_normal(out=weights, dtype=f32)
            for j in range(KERNEL):
                columns[j] = framed[:, :, j : j + side]
            np.matmul(weights[0], flat[:, : side * side], out=sums)
            for i in range(1, KERNEL):
                np.matmul(weights[i], flat[:, i * side : (i + side) * side], out=part)
                np.add(sums, part, out=sums)
            np.maximum(sums, 0, out=sums)
            np.multiply(sums.reshape(inside.shape), f32(shape.deviation), out=inside)
            lengths[layer] = np.vdot(sums, sums)
        return shape.weights

    return worker


def _go_round(framed: NDArray[np.float32]) -> None:
    framed[:, 0], framed[:, -1] = framed[:, -2], framed[:, 1]
    framed[:, :, 0], framed[:, :, -1] = framed[:, :, -2], framed[:, :, 1]


def _torch(shape: ConvolutionalShape, thread: int) -> Worker:
    random = torch.Generator().manual_seed(thread)
    channels, side = shape.channels, shape.side
    framed = torch.empty(1, TORCH_BATCH * channels, side + 2, side + 2)
    inside = framed[:, :, 1:-1, 1:-1]
    first = torch.from_numpy(shape.input()).repeat(TORCH_BATCH, 1, 1)
    weights = torch.empty(TORCH_BATCH * channels, channels, KERNEL, KERNEL)
    lengths = torch.empty(shape.depth, TORCH_BATCH)

    def worker() -> int:
        torch.set_num_threads(1)
        with torch.inference_mode():
            go_through()
        return TORCH_BATCH * shape.weights

    def go_through() -> None:
        inside.copy_(first)
        for row in lengths:
            framed[:, :, 0], framed[:, :, -1] = framed[:, :, -2], framed[:, :, 1]
            framed[:, :, :, 0], framed[:, :, :, -1] = framed[:, :, :, -2], framed[:, :, :, 1]
            weights.normal_(0, shape.deviation, generator=random)
            activations = conv2d(framed, weights, groups=TORCH_BATCH).relu_()
            torch.linalg.vector_norm(activations.view(TORCH_BATCH, -1), dim=1, out=row)
            inside.copy_(activations)
        lengths.square_().div_(channels * side**2)

    return worker


def _jax(shape: ConvolutionalShape, thread: int) -> Worker:
    channels, first = shape.channels, jnp.moveaxis(jnp.asarray(shape.input()), 0, -1)

    def convolved(given: tuple[Array, Array]) -> Array:
        framed, weights = given
        axes = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(framed[None], weights, (1, 1), "VALID", dimension_numbers=axes)[0]

    def layer(activations: Array, key: Array) -> tuple[Array, Array]:
        weights = jax.random.normal(key, (JAX_BATCH, KERNEL, KERNEL, channels, channels), jnp.float32)
        framed = jnp.pad(activations, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap")
        activations = shape.deviation * jnp.maximum(lax.map(convolved, (framed, weights)), 0)
        return activations, jnp.mean(jnp.square(activations), axis=(1, 2, 3))

    @jax.jit
    def step(key: Array) -> tuple[Array, Array]:
        key, own = jax.random.split(key)
        start = jnp.broadcast_to(first, (JAX_BATCH, *first.shape))
        _, lengths = lax.scan(layer, start, jax.random.split(own, shape.depth))
        return key, lengths

    key = jax.random.key(thread)

    def worker() -> int:
        nonlocal key
        key, lengths = step(key)
        lengths.block_until_ready()
        return JAX_BATCH * shape.weights

    return worker
