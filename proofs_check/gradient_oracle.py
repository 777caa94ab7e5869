"""Exhaustive backpropagation: every weight takes each of its values, gradients by the chain rule.

Whole numbers throughout: weights are not scaled, which changes laws of squared norms by a factor alone.
Each entry of each matrix has values of its own. Entries +-m with sizes m apart show the theorem on
gradients for weights whose sizes are given: no z is 0, as for laws without atoms. (Weights alike in law
and finite tie as soon as two activations are equal.) No formula of `theory` is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import TypeAlias

__all__ = [
    "SIGNS",
    "Forward",
    "Matrices",
    "alike",
    "apart",
    "backward",
    "column",
    "directions",
    "draws",
    "forward",
    "squared",
    "transposed",
]

Choices: TypeAlias = Mapping[int, int]  # {value: how often}
Vector: TypeAlias = tuple[int, ...]
Matrix: TypeAlias = tuple[Vector, ...]
Matrices: TypeAlias = Sequence[Sequence[Sequence[Choices]]]

SIGNS: Choices = {-1: 1, 1: 1}
_SIZES = (101, 233, 359, 467, 613, 743, 877, 1013, 1163, 1297, 1451, 1601, 1747, 1901, 2063, 2221)


@dataclass(frozen=True)
class Forward:
    """a_0, ..., a_d, the derivatives phi'(z_1), ..., phi'(z_d), and whether some z_i = 0 while alive."""

    activations: tuple[Vector, ...]
    derivatives: tuple[Vector, ...]
    tied: bool


def alike(widths: Sequence[int], choices: Choices = SIGNS) -> Matrices:
    """Matrices of entries with these values, of shapes n_1 x n_0, n_2 x n_1, ..."""
    return [[[choices] * m for _ in range(n)] for m, n in pairwise(widths)]


def apart(widths: Sequence[int]) -> Matrices:
    """Matrices of entries +-m, each of its own size m.

    >>> [sorted(row[0]) for row in apart([1, 2])[0]]
    [[-101, 101], [-233, 233]]
    """
    sizes = iter(_SIZES)
    return [
        [[{sign * m: 1 for m in [next(sizes)] for sign in (-1, 1)} for _ in range(fan_in)] for _ in range(n)]
        for fan_in, n in pairwise(widths)
    ]


def transposed(matrix: Sequence[Sequence[Choices]]) -> Sequence[Sequence[Choices]]:
    """The same entries, rows for columns."""
    return [list(row) for row in zip(*matrix, strict=True)]


def column(choices: Choices, size: int) -> Sequence[Sequence[Choices]]:
    """The read-out as the first matrix of the reversed net."""
    return [[choices]] * size


def draws(matrices: Matrices) -> Iterator[tuple[int, tuple[Matrix, ...]]]:
    """All values of all entries, each with how often it occurs.

    >>> [w for _, (w,) in draws(alike([1, 1]))]
    [((-1,),), ((1,),)]
    """
    entries = [entry.items() for matrix in matrices for row in matrix for entry in row]
    for chosen in product(*entries):
        values = iter(value for value, _ in chosen)
        drawn = tuple(tuple(tuple(next(values) for _ in row) for row in matrix) for matrix in matrices)
        yield prod(count for _, count in chosen), drawn


def forward(
    matrices: Sequence[Matrix], x: Vector, slopes: tuple[int, int] = (1, 0), at_zero: int = 0
) -> Forward:
    """The pass from x; `slopes` right and left of 0, `at_zero` the derivative there."""
    activations, derivatives, tied = [x], [], False
    for matrix in matrices:
        z = _times(matrix, activations[-1])
        tied = tied or (any(activations[-1]) and 0 in z)
        bent = tuple(slopes[t < 0] for t in z)
        activations.append(tuple(s * t for s, t in zip(bent, z, strict=True)))
        derivatives.append(tuple(s if t else at_zero for s, t in zip(bent, z, strict=True)))
    return Forward(tuple(activations), tuple(derivatives), tied)


def directions(matrices: Sequence[Matrix], passed: Forward, u: Vector) -> list[Vector]:
    """J_1 u, ..., J_d u."""
    found = [u]
    for matrix, derivative in zip(matrices, passed.derivatives, strict=True):
        found.append(tuple(s * t for s, t in zip(derivative, _times(matrix, found[-1]), strict=True)))
    return found[1:]


def backward(matrices: Sequence[Matrix], passed: Forward, readout: Vector) -> list[Vector]:
    """delta_1, ..., delta_d for F = readout . a_d.

    >>> backward([((2,),)], forward([((2,),)], (3,)), (5,))
    [(5,)]
    """
    found: list[Vector] = []
    beta = readout
    for matrix, derivative in zip(reversed(matrices), reversed(passed.derivatives), strict=True):
        delta = tuple(s * t for s, t in zip(derivative, beta, strict=True))
        found.append(delta)
        beta = _times(tuple(zip(*matrix, strict=True)), delta)
    return found[::-1]


def squared(vector: Vector) -> int:
    """The squared length."""
    return sum(t * t for t in vector)


def _times(matrix: Matrix, vector: Vector) -> Vector:
    return tuple(sum(w * t for w, t in zip(row, vector, strict=True)) for row in matrix)
