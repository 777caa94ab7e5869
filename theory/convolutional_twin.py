"""Convolutional nets that are fully connected ones in disguise (THEORY.md section 6).

Around a circle a shift of the input shifts every layer. If the input is the same at all positions,
so is every layer; then a neuron sees sum_i (sum_o w_{i,o}) a_i, and the net is a fully connected one
of the widths c_0, ..., c_d whose weights are sums of q independent weights. The lengths M_j agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import factorial, prod

import numpy as np
from flint import fmpq

from theory.convolutional import Convolutional
from theory.convolutional_means import Objects
from theory.law import Law
from theory.laws import Normal
from theory.network import FullyConnected
from theory.reals import ExactReal, Number

__all__ = ["SumLaw", "distinct_positions", "fully_connected_twin"]


@dataclass(frozen=True)
class SumLaw(Law):
    """The sum of `terms` independent copies of a law, scaled to variance one.

    Moments come from the power of the series sum_l E w^{2l} t^l / (2l)!.

    >>> from theory.laws import as_law
    >>> SumLaw(as_law("laplace"), 9).kurtosis                  # 3 + (6 - 3)/9
    10/3
    """

    law: Law
    terms: int

    @property
    def name(self) -> str:
        return f"sum of {self.terms} {self.law.name}"

    @property
    def finite_half_order(self) -> float:
        return self.law.finite_half_order

    def even_moment(self, half_order: int) -> Number:
        one = [self.law.even_moment(l) / factorial(2 * l) for l in range(half_order + 1)]
        total: list[Number] = [fmpq(1), *[fmpq(0)] * half_order]
        for digit in f"{self.terms:b}":
            total = _product(total, total)
            if digit == "1":
                total = _product(total, one)
        return total[half_order] * factorial(2 * half_order) / fmpq(self.terms) ** half_order


def _product(left: list[Number], right: list[Number]) -> list[Number]:
    """Of two series, as long as they are."""
    rows = ((left[i] * right[l - i] for i in range(l + 1)) for l in range(len(left)))
    return [sum(row, fmpq(0)) for row in rows]


def distinct_positions(network: Convolutional) -> int:
    """How many positions can differ: the input's period along each axis, multiplied.

    Along an axis with a border of zeros all positions differ, unless the kernel has size 1 there.

    >>> distinct_positions(Convolutional([1, 4], kernel=3, positions=6, input=[1, 2, 3, 1, 2, 3]))
    3
    """
    circular = [network.padding == "circular" or q == 1 for q in network.kernel]
    if network.input is None:
        pairs = zip(network.positions, circular, strict=True)
        return prod(1 if around else size for size, around in pairs)
    names: dict[tuple[int, int], int] = {}
    labels = [names.setdefault((int(x.p), int(x.q)), len(names)) for x in network.input]
    grid = np.array(labels).reshape(network.channels[0], *network.positions)
    axes = zip(range(1, grid.ndim), network.positions, circular, strict=True)
    return prod(_period(grid, axis) if around else size for axis, size, around in axes)


def _period(grid: Objects | np.ndarray[tuple[int, ...], np.dtype[np.int_]], axis: int) -> int:
    entries = np.moveaxis(grid, axis, 0)
    size = len(entries)
    divisors = (s for s in range(1, size) if size % s == 0)
    return next((s for s in divisors if np.array_equal(entries[s:], entries[:-s])), size)


def fully_connected_twin(network: Convolutional) -> FullyConnected | None:
    """The fully connected net with the same law of (M_0, ..., M_d), where there is one.

    None where the input differs between positions, for more than one group, and for gains that
    cannot be scaled exactly (irrational, mode none).

    >>> twin = fully_connected_twin(Convolutional([3, 16, 16], kernel=3, positions=[32, 32]))
    >>> twin.widths, twin.weights[0].name
    ((3, 16, 16), 'normal')
    """
    if set(network.groups) != {1} or distinct_positions(network) > 1:
        return None
    terms = prod(network.kernel)
    gains = _scaled_gains(network.variance_gain, terms if network.mode == "none" else 1)
    if gains is None:
        return None
    summed = cache(lambda law: law if terms == 1 or isinstance(law, Normal) else SumLaw(law, terms))
    first = network.input and network.input[:: prod(network.positions)]
    return FullyConnected(
        network.channels,
        weights=[summed(law) for law in network.weights],
        variance_gain=gains,
        mode=network.mode,
        activation=network.activation,
        input=first,
    )


def _scaled_gains(gains: Iterable[ExactReal], factor: int) -> list[ExactReal] | None:
    """Entry variances of the summed weights; without a fan they grow with the number of terms."""
    if factor == 1:
        return list(gains)
    rational = [gain * factor for gain in gains if isinstance(gain, fmpq)]
    return list(rational) if len(rational) == len(list(gains)) else None
