"""JAX: one jitted function takes a batch through all layers, a scan over the layers' keys.

How it was tuned (2 cores of Zen 3, JAX 0.10): of the key implementations threefry2x32, rbg and
unsafe_rbg each law takes the one that is fastest here on 256x20, a choice made at the start and outside
the timing; on CPUs it is threefry2x32, whose kernel XLA vectorises. Batches are as small as the
cache. Two Python threads, each with its own keys, keep both cores busy between two calls.
Uniform and Laplace weights come from converted bits, Rademacher weights bit by bit; both beat the
functions of `jax.random`. Its normal and truncated normal laws beat Box and Muller.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from functools import cache
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

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

BATCH = 2**18
_KEYS = ("threefry2x32", "rbg", "unsafe_rbg")
_CALIBRATION = Shape(256, 20)

Draw: TypeAlias = Callable[[Array, tuple[int, ...]], Array]


def contestant(pool: Executor) -> Contestant:
    """The contestant, its threads taken from the pool."""

    def build(shape: Shape, law: str, implementation: str) -> Run:
        step, count = _step(shape, law)

        def make(thread: int) -> Worker:
            key = jax.random.key(thread, impl=implementation)

            def worker() -> int:
                nonlocal key
                key, lengths = step(key)
                lengths.block_until_ready()
                return count * shape.weights

            return worker

        return in_threads(make, pool)

    @cache
    def fastest(law: str) -> str:
        return max(_KEYS, key=lambda implementation: build(_CALIBRATION, law, implementation)(0.1))

    return Contestant("jax", lambda shape, law: build(shape, law, fastest(law)))


def _step(shape: Shape, law: str) -> tuple[Callable[[Array], tuple[Array, Array]], int]:
    """From a key to the next key and the lengths (depth, networks) of a batch."""
    draw, raw_variance = _LAWS[law]
    width = shape.width
    count = max(1, BATCH // width**2)
    scale = critical_scale(width, raw_variance)

    def layer(activations: Array, key: Array) -> tuple[Array, Array]:
        weights = draw(key, (count, width, width))
        activations = scale * jnp.maximum(jnp.einsum("rij,rj->ri", weights, activations), 0)
        return activations, jnp.mean(jnp.square(activations), axis=1)

    @jax.jit
    def step(key: Array) -> tuple[Array, Array]:
        key, own = jax.random.split(key)
        _, lengths = lax.scan(layer, jnp.ones((count, width)), jax.random.split(own, shape.depth))
        return key, lengths

    return step, count


def _integers(key: Array, shape: tuple[int, ...]) -> Array:
    """Signed 32-bit integers, uniform."""
    words = lax.bitcast_convert_type(jax.random.bits(key, shape, jnp.uint32), jnp.int32)
    return words.astype(jnp.float32)


def _uniform(key: Array, shape: tuple[int, ...]) -> Array:
    if UNIFORM_BITS == 32:
        return _integers(key, shape)
    halves = jax.random.bits(key, shape, jnp.uint16)
    return lax.bitcast_convert_type(halves, jnp.int16).astype(jnp.float32)


def _rademacher(key: Array, shape: tuple[int, ...]) -> Array:
    words = jax.random.bits(key, (math.prod(shape) // 32, 1), jnp.uint32)
    ones = words >> jnp.arange(32, dtype=jnp.uint32) & 1
    return (2 * ones.astype(jnp.float32) - 1).reshape(shape)


def _laplace(key: Array, shape: tuple[int, ...]) -> Array:
    words = _integers(key, shape)
    return jnp.copysign(ABOVE - jnp.log(jnp.abs(words) + 0.5), words)


def _truncated_normal(key: Array, shape: tuple[int, ...]) -> Array:
    return jax.random.truncated_normal(key, -CUT, CUT, shape, jnp.float32)


_LAWS: dict[str, tuple[Draw, float]] = {
    "uniform": (_uniform, 4.0**UNIFORM_BITS / 12),
    "normal": (lambda key, shape: jax.random.normal(key, shape, jnp.float32), 1.0),
    "rademacher": (_rademacher, 1.0),
    "laplace": (_laplace, 2.0),
    "truncated_normal": (_truncated_normal, CUT_VARIANCE),
}
