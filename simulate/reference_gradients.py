"""Backpropagation in NumPy, through explicit weight matrices in double precision; no formula.

Slow and plain on purpose; the engine and the theory of gradients are held against it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulate.arguments import check_samples, check_seed
from simulate.samplers import draw
from theory.errors import SpecError
from theory.laws import LawLike, as_law
from theory.network import FullyConnected
from theory.reals import as_float

__all__ = ["backpropagated", "gradients", "random_matrices"]

Floats = NDArray[np.float64]


def gradients(
    network: FullyConnected, samples: int, seed: int, readout: LawLike = "normal"
) -> tuple[list[Floats], list[Floats]]:
    """[a_0, ..., a_d] and [delta_1, ..., delta_d] of random networks; a_j has shape (samples, n_j).

    >>> activations, deltas = gradients(FullyConnected([3, 4, 2]), 5, seed=0)
    >>> [a.shape for a in activations], [d.shape for d in deltas]
    ([(5, 3), (5, 4), (5, 2)], [(5, 4), (5, 2)])
    """
    check_samples(samples)
    check_seed(seed)
    if network.has_bias:
        raise SpecError("the reference for gradients knows nets without biases; set bias_variance=0")
    random = np.random.default_rng(seed)
    matrices = random_matrices(network, samples, random)
    return backpropagated(network, matrices, draw(as_law(readout), random, (samples, network.widths[-1])))


def random_matrices(network: FullyConnected, samples: int, random: np.random.Generator) -> list[Floats]:
    """W_1, ..., W_d of random networks, shapes (samples, n_j, n_{j-1})."""
    return [
        draw(layer.weights, random, (samples, layer.width, layer.fan_in))
        * math.sqrt(as_float(layer.entry_variance))
        for layer in network.layers
    ]


def backpropagated(
    network: FullyConnected, matrices: Sequence[Floats], readout: Floats
) -> tuple[list[Floats], list[Floats]]:
    """Activations and gradients at the pre-activations, for these weights and read-outs (samples, n_d).

    Where the slopes of an activation differ its derivative at 0 is taken as 0.
    """
    start = [1.0] * network.widths[0] if network.input is None else [as_float(x) for x in network.input]
    activations, derivatives = [np.tile(start, (len(readout), 1))], []
    for layer, matrix in zip(network.layers, matrices, strict=True):
        z = np.einsum("bij,bj->bi", matrix, activations[-1])
        plus, minus = map(as_float, layer.activation.slopes)
        derivatives.append(np.select([z > 0, z < 0], [plus, minus], plus if plus == minus else 0.0))
        activations.append(derivatives[-1] * z)
    deltas = [derivatives[-1] * readout]
    for matrix, derivative in zip(matrices[:0:-1], derivatives[-2::-1], strict=True):
        deltas.append(derivative * np.einsum("bij,bi->bj", matrix, deltas[-1]))
    return activations, deltas[::-1]
