"""The NumPy reference pass: explicit weight matrices, one network per replicate, no formula.

Slow and plain on purpose; the engine is held against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulate.arguments import check_samples, check_seed
from simulate.samplers import draw
from theory.errors import SpecError
from theory.network import FullyConnected, Layer
from theory.reals import as_float

__all__ = ["activations", "lengths"]

Floats = NDArray[np.float64]

_BLOCK_ENTRIES = 4_000_000
_MAX_MATRIX = 50_000_000


def activations(network: FullyConnected, samples: int, seed: int) -> Iterator[list[Floats]]:
    """Blocks of [a_0, ..., a_d]; each a_j has shape (networks in the block, n_j).

    Every network draws its own matrices. Raises `SpecError` for sizes that do not fit in memory.

    >>> net = FullyConnected([3, 4, 2])
    >>> [a.shape for a in next(activations(net, 5, seed=0))]
    [(5, 3), (5, 4), (5, 2)]
    """
    check_samples(samples)
    check_seed(seed)
    largest = max(layer.fan_in * layer.width for layer in network.layers)
    if largest > _MAX_MATRIX:
        raise SpecError(
            f"a weight matrix of {largest:,} entries is too large to simulate (limit {_MAX_MATRIX:,})"
        )
    random = np.random.default_rng(seed)
    block = max(1, min(samples, _BLOCK_ENTRIES // (largest + sum(network.widths))))
    for first in range(0, samples, block):
        count = min(block, samples - first)
        rows = [np.broadcast_to(_input(network), (count, network.widths[0]))]
        for layer in network.layers:
            rows.append(_layer(layer, rows[-1], random))
        yield rows


def lengths(network: FullyConnected, samples: int, seed: int) -> Floats:
    """M_0, ..., M_d of every simulated network, shape (samples, d + 1)."""
    blocks = [
        np.stack([np.mean(a * a, axis=1) for a in rows], axis=1)
        for rows in activations(network, samples, seed)
    ]
    return np.concatenate(blocks)


def _input(network: FullyConnected) -> Floats:
    if network.input is None:
        return np.ones(network.widths[0])
    return np.array([as_float(x) for x in network.input])


def _layer(layer: Layer, before: Floats, random: np.random.Generator) -> Floats:
    shape = (len(before), layer.width, layer.fan_in)
    weights = draw(layer.weights, random, shape) * math.sqrt(as_float(layer.entry_variance))
    z = np.einsum("bij,bj->bi", weights, before)
    if layer.bias_variance != 0:
        biases = draw(layer.bias, random, (len(before), layer.width))
        z = z + biases * math.sqrt(as_float(layer.bias_variance))
    plus, minus = map(as_float, layer.activation.slopes)
    result: Floats = z * np.where(z > 0, plus, minus)
    return result
