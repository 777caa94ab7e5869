"""Orthogonal weights by enumeration: the group of the 24-cell stands in for all orthogonal 4 x 4 matrices.

The Coxeter group F4 has 1,152 elements with entries in halves of whole numbers; among them are all
permutations and changes of signs. Its invariants have degrees 2, 6, 8, 12, so the mean of a polynomial
of degree at most 5 over an orbit is that over the sphere (a spherical 5-design): E M_d^2 is exact, E M_d^3
is not.
No moment of a uniform matrix is used. Layers with max(n_{j-1}, n_j) = 4, no biases.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from math import lcm
from typing import TypeAlias

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from proofs_check.oracle import OracleLimitError
from theory.network import FullyConnected

__all__ = ["SIDE", "group", "length_moments"]

SIDE = 4
_Vector: TypeAlias = tuple[int, ...]


def length_moments(network: FullyConnected, order: int) -> list[fmpq]:
    """E M_d^k, k = 1, ..., order, with the 24-cell's matrices for orthogonal ones.

    Raises `OracleLimitError` for biases, and for layers whose larger side is not 4.

    >>> length_moments(FullyConnected([4, 4], weights="orthogonal"), 2)      # 1 + 3/(4 + 2)
    [1, 3/2]
    """
    vector, scale = _input(network)
    states: dict[_Vector, fmpq] = {vector: fmpq(1)}
    for layer in network.layers:
        if max(layer.fan_in, layer.width) != SIDE or layer.bias_variance != 0:
            raise OracleLimitError("only layers whose larger side is 4, without bias, can be enumerated")
        plus, minus = layer.activation.slopes
        common = lcm(int(plus.q), int(minus.q))
        slopes = int((plus * common).p), int((minus * common).p)
        states = _next(states, layer.width, slopes)
        # Matrices and slopes are whole after multiplication by 2 and by their denominator.
        scale *= _exact(SIDE * layer.entry_variance) / (2 * common) ** 2
    n = network.widths[-1]
    lengths = ((p, scale * sum(x * x for x in v) / n) for v, p in states.items())
    pairs = list(lengths)
    return [sum((p * m**k for p, m in pairs), fmpq(0)) for k in range(1, order + 1)]


@cache
def group() -> NDArray[np.int64]:
    """Twice the matrices, of shape (1152, 4, 4), by closure under the four simple reflections."""
    roots = np.array([[0, 2, -2, 0], [0, 0, 2, -2], [0, 0, 0, 2], [1, -1, -1, -1]])
    reflections = [2 * np.eye(4, dtype=np.int64) - 4 * np.outer(r, r) // (r @ r) for r in roots]
    found = {m.tobytes(): m for m in [2 * np.eye(4, dtype=np.int64)]}
    fresh = list(found.values())
    while fresh:
        images = [r @ m // 2 for m in fresh for r in reflections]
        new = {m.tobytes(): m for m in images if m.tobytes() not in found}
        found.update(new)
        fresh = list(new.values())
    return np.array(list(found.values()))


def _input(network: FullyConnected) -> tuple[_Vector, fmpq]:
    """Whole numbers, and what their squares are to be multiplied by."""
    values = network.input or (fmpq(1),) * network.widths[0]
    common = lcm(*(int(x.q) for x in values))
    return tuple(int((x * common).p) for x in values), fmpq(1, common**2)


def _next(states: dict[_Vector, fmpq], width: int, slopes: tuple[int, int]) -> dict[_Vector, fmpq]:
    """The law after a layer; states are kept up to order and sign, which the group contains."""
    plus, minus = slopes
    law: defaultdict[_Vector, fmpq] = defaultdict(fmpq)
    for vector, chance in states.items():
        z = (group()[:, :, : len(vector)] @ np.array(vector, dtype=np.int64))[:, :width]
        after = np.sort(np.abs(np.where(z > 0, plus, minus) * z), axis=1)
        images, counts = np.unique(after, axis=0, return_counts=True)
        for image, count in zip(images.tolist(), counts.tolist(), strict=True):
            law[tuple(image)] += chance * fmpq(count, len(z))
    return law


def _exact(number: object) -> fmpq:
    if not isinstance(number, fmpq):
        raise OracleLimitError("the weights' variance is irrational")
    return number
