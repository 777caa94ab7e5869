"""The NumPy reference pass: explicit weights, one network per replicate, no formula.

Slow and plain on purpose; the engine is held against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from simulate.arguments import check_samples, check_seed
from simulate.networks import unknown
from simulate.samplers import draw
from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.errors import SpecError
from theory.network import FullyConnected, Layer
from theory.reals import as_float, number
from theory.residual import Block, Residual
from theory.spec import Network

__all__ = ["activations", "bent", "convolved", "lengths"]

Floats = NDArray[np.float64]
Step = Layer | Block | ConvolutionalLayer

_BLOCK_ENTRIES = 4_000_000
_MAX_MATRIX = 50_000_000


def activations(network: Network, samples: int, seed: int) -> Iterator[list[Floats]]:
    """Blocks of [a_0, ..., a_d], or [x_0, ..., x_L]; each has shape (networks in the block, n_j).

    Every network draws its own weights. Raises `SpecError` for sizes that do not fit in memory.

    >>> net = FullyConnected([3, 4, 2])
    >>> [a.shape for a in next(activations(net, 5, seed=0))]
    [(5, 3), (5, 4), (5, 2)]
    """
    check_samples(samples)
    check_seed(seed)
    steps = _steps(network)
    largest = max(_entries(layer) for step in steps for layer in _layers(step))
    if largest > _MAX_MATRIX:
        raise SpecError(
            f"a weight matrix of {largest:,} entries is too large to simulate (limit {_MAX_MATRIX:,})"
        )
    random = np.random.default_rng(seed)
    block = max(1, min(samples, _BLOCK_ENTRIES // (largest + sum(network.widths))))
    for first in range(0, samples, block):
        count = min(block, samples - first)
        rows = [np.broadcast_to(_input(network), (count, network.widths[0]))]
        for step in steps:
            rows.append(_after(step, rows[-1], random))
        yield rows


def lengths(network: Network, samples: int, seed: int) -> Floats:
    """M_0, ..., M_d of every simulated network, shape (samples, d + 1)."""
    blocks = [
        np.stack([np.mean(a * a, axis=1) for a in rows], axis=1)
        for rows in activations(network, samples, seed)
    ]
    return np.concatenate(blocks)


def convolved(layer: ConvolutionalLayer, weights: Floats, before: Floats) -> Floats:
    """The sums of a layer, (R, channels, *positions), from a of shape (R, in_channels, *positions).

    `weights` has shape (R, channels, in_channels / groups, *kernel).
    """
    rows, groups, axes = len(before), layer.groups, tuple(range(2, before.ndim))
    sums = np.zeros((rows, layer.channels, *layer.positions))
    for t, offsets in enumerate(product(*layer.offsets)):
        seen = _moved(before, offsets, axes, layer.padding)
        inputs = seen.reshape(rows, groups, -1, *layer.positions)
        factors = weights.reshape(*weights.shape[:3], -1)[..., t].reshape(rows, groups, -1, inputs.shape[2])
        sums += np.einsum("rgoi,rgi...->rgo...", factors, inputs).reshape(sums.shape)
    return sums


def bent(layer: Layer | ConvolutionalLayer, z: Floats) -> Floats:
    """The activation of a layer."""
    plus, minus = map(as_float, layer.activation.slopes)
    result: Floats = z * np.where(z > 0, plus, minus)
    return result


def _moved(a: Floats, offsets: tuple[int, ...], axes: tuple[int, ...], padding: str) -> Floats:
    """What stands at p + offset, for every position p: going round, or 0 beyond the border."""
    moved = np.roll(a, [-o for o in offsets], axes)
    if padding == "zero":
        for axis, offset in zip(axes, offsets, strict=True):
            places = np.arange(a.shape[axis]) + offset
            outside = (places < 0) | (places >= a.shape[axis])
            moved[(slice(None),) * axis + (outside,)] = 0
    return moved


def _steps(network: Network) -> tuple[Step, ...]:
    if isinstance(network, Residual):
        return network.blocks
    if isinstance(network, (FullyConnected, Convolutional)):
        return network.layers
    raise unknown(network)


def _layers(step: Step) -> tuple[Layer | ConvolutionalLayer, ...]:
    return step.layers if isinstance(step, Block) else (step,)


def _entries(layer: Layer | ConvolutionalLayer) -> int:
    return layer.fan_in * (layer.channels if isinstance(layer, ConvolutionalLayer) else layer.width)


def _input(network: Network) -> Floats:
    if network.input is None:
        return np.ones(network.widths[0])
    return np.array([as_float(x) for x in network.input])


def _after(step: Step, before: Floats, random: np.random.Generator) -> Floats:
    """a_j from a_{j-1}, or x_l from x_{l-1}."""
    if isinstance(step, Layer):
        return _layer(step, before, random)
    if isinstance(step, ConvolutionalLayer):
        return _convolution(step, before, random)
    branch = before
    for layer in step.layers:
        branch = _layer(layer, branch, random)
    return before + as_float(number(step.scale)) * branch


def _layer(layer: Layer, before: Floats, random: np.random.Generator) -> Floats:
    shape = (len(before), layer.width, layer.fan_in)
    weights = draw(layer.weights, random, shape) * math.sqrt(as_float(layer.entry_variance))
    z = np.einsum("bij,bj->bi", weights, before)
    if layer.bias_variance != 0:
        biases = draw(layer.bias, random, (len(before), layer.width))
        z = z + biases * math.sqrt(as_float(layer.bias_variance))
    return bent(layer, z)


def _convolution(layer: ConvolutionalLayer, before: Floats, random: np.random.Generator) -> Floats:
    shape = (len(before), layer.channels, layer.in_channels // layer.groups, *layer.kernel)
    weights = draw(layer.weights, random, shape) * math.sqrt(as_float(layer.entry_variance))
    channels = before.reshape(len(before), layer.in_channels, *layer.positions)
    return bent(layer, convolved(layer, weights, channels)).reshape(len(before), layer.width)
