"""E M_j of convolutional nets, position by position (THEORY.md section 6).

For every symmetric law the mean square of a neuron given the layer before is alpha times the mean
square of its patch. So u_p, the mean of E a^2 over the channels at position p, obeys
    u'_p = (alpha/q) sum over offsets o of u_{p+o},
whatever the groups: all of them apply the same linear map to channels of their own, and all are
of the same size. A position beyond a border of zeros contributes nothing, and its mass is lost;
around a circle the sum over p is kept, and E M_j = alpha M_{j-1}.

The same map without alpha, applied to the input itself instead of its squares, gives the averages
over positions that bound E M_j^2 from below (theory/convolutional_bounds.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import lcm, prod
from typing import Any, TypeAlias

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.errors import SpecError
from theory.reals import Number
from theory.values import shortened

__all__ = [
    "PositionMeans",
    "check_effort",
    "input_array",
    "is_affordable",
    "loses_mass",
    "position_means",
    "window_means",
]

Objects: TypeAlias = NDArray[np.object_]
_MOST_STEPS = 5_000_000


@dataclass(frozen=True)
class PositionMeans:
    """Numbers of shape (groups, *positions): scale times the product of the factors.

    A factor has shape (groups, positions of its axes) and holds integers, or balls once these are
    too long. All-ones inputs stay products of one factor per axis; other inputs are one factor.
    Group g is what the input channels of group g alone give rise to, times the number of groups.
    """

    factors: tuple[Objects, ...]
    scale: Number

    @property
    def positions(self) -> int:
        """The number of positions."""
        return prod(prod(factor.shape[1:]) for factor in self.factors)

    def group_means(self) -> list[Number]:
        """Means over the positions, one per group; their mean is E M_j."""
        sums = [[group.sum() for group in factor] for factor in self.factors]
        return [self.scale * prod(parts) / self.positions for parts in zip(*sums, strict=True)]

    def by_position(self) -> Objects:
        """u_p of shape `positions`, the mean over the groups."""
        grids = [reduce(np.multiply.outer, parts) for parts in zip(*self.factors, strict=True)]
        scaled = np.frompyfunc(lambda u: self.scale * u / len(grids), 1, 1)
        found: Objects = scaled(reduce(np.add, grids))
        return found


def position_means(
    network: Convolutional, groups: int = 1, *, longest_bits: int | None = None
) -> Iterator[PositionMeans]:
    """u of layer 0 to layer d; `groups` divides the input channels.

    Integers of more than `longest_bits` bits become balls at the current precision.

    >>> net = Convolutional([1, 4, 4], kernel=3, positions=5, padding="zero")
    >>> [means.group_means()[0] for means in position_means(net)]
    [1, 13/15, 7/9]
    """
    start = _start(network, groups, power=2)
    return _carried(network, start, [layer.mean_factor for layer in network.layers], longest_bits)


def window_means(network: Convolutional, *, longest_bits: int | None = None) -> Iterator[PositionMeans]:
    """The input averaged over windows j times, for j = 0..d, channels as groups (one if all are alike).

    >>> net = Convolutional([1, 4], kernel=2, positions=2, padding="zero", input=[3, -1])
    >>> [means.group_means()[0] for means in window_means(net)]
    [1, 1/4]
    """
    start = _start(network, 1 if network.input is None else network.channels[0], power=1)
    return _carried(network, start, [fmpq(1)] * network.depth, longest_bits)


def _carried(
    network: Convolutional, start: PositionMeans, gains: list[Number], longest_bits: int | None
) -> Iterator[PositionMeans]:
    means, bits = start, max(_bits(factor) for factor in start.factors)
    yield means
    for layer, gain in zip(network.layers, gains, strict=True):
        bits += max(layer.kernel).bit_length() * len(layer.kernel)
        if longest_bits is not None and bits > longest_bits:
            means, bits = PositionMeans(tuple(map(_balls, means.factors)), means.scale), 0
        means = _next(means, layer, gain, longest_bits)
        yield means


def loses_mass(network: Convolutional) -> bool:
    """Whether patches reach beyond a border of zeros."""
    return network.padding == "zero" and max(network.kernel) > 1


def is_affordable(network: Convolutional, channels: int) -> bool:
    """Whether so many channels can be carried through all layers without running for minutes."""
    sizes = network.positions
    entries = sum(sizes) if network.input is None else channels * prod(sizes)
    return entries * network.depth <= _MOST_STEPS


def check_effort(network: Convolutional) -> None:
    """Refuse zero padding over too many positions and layers."""
    if loses_mass(network) and not is_affordable(network, network.groups[0]):
        raise SpecError(
            f"zero padding at {prod(network.positions):,} positions and depth {network.depth:,} would take "
            f"too long; positions times layers may be {_MOST_STEPS:,}, and circular padding has no such limit"
        )


def input_array(network: Convolutional) -> tuple[Objects, int]:
    """Integers of shape (c_0, *positions), and the denominator that they share."""
    shape = (network.channels[0], *network.positions)
    if network.input is None:
        return np.full(shape, 1, dtype=object), 1
    denominator = lcm(*(int(x.q) for x in network.input))
    numerators = [int((x * denominator).p) for x in network.input]
    return np.array(numerators, dtype=object).reshape(shape), denominator


def _start(network: Convolutional, groups: int, *, power: int) -> PositionMeans:
    """Powers of the input, averaged over the channels of every group."""
    if network.input is None:
        return PositionMeans(
            tuple(np.full((groups, size), 1, dtype=object) for size in network.positions), fmpq(1)
        )
    numerators, denominator = input_array(network)
    sums = (numerators**power).reshape((groups, -1, *network.positions)).sum(axis=1)
    return PositionMeans((sums,), fmpq(groups, network.channels[0] * denominator**power))


def _next(
    means: PositionMeans, layer: ConvolutionalLayer, gain: Number, longest_bits: int | None
) -> PositionMeans:
    factors, axis = [], 0
    for factor in means.factors:
        for own in range(1, factor.ndim):
            factor = _window_sums(factor, own, layer.offsets[axis], circular=layer.padding == "circular")
            axis += 1
        factors.append(factor)
    scale = means.scale * gain / prod(layer.kernel)
    return PositionMeans(tuple(factors), shortened(scale, longest_bits))


def _window_sums(array: Objects, axis: int, offsets: range, *, circular: bool) -> Objects:
    """At each p the sum of the entries p + o along an axis, by sums of 1, 2, 4, ... neighbours.

    Nothing is subtracted, so that balls stay sharp.
    """
    values = np.moveaxis(array, axis, -1)
    size, left, right = values.shape[-1], -offsets[0], offsets[-1]
    ends = values[..., size - left :], values[..., :right]
    if not circular:
        ends = np.zeros_like(ends[0]), np.zeros_like(ends[1])
    block = np.concatenate([ends[0], values, ends[1]], axis=-1)
    total, start, length = None, 0, 1
    while length <= len(offsets):
        if len(offsets) & length:
            piece = block[..., start : start + size]
            total = piece if total is None else total + piece
            start += length
        block = block[..., :-length] + block[..., length:]
        length *= 2
    found: Objects = np.moveaxis(np.asarray(total), -1, axis)
    return found


def _bits(factor: Objects) -> int:
    return max(int(entry).bit_length() for entry in factor.flat)


def _balls(factor: Objects) -> Objects:
    converted: Any = np.frompyfunc(arb, 1, 1)(factor)
    return np.asarray(converted)
