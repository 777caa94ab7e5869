"""What the means of a convolutional net's layers and the bounds on E M_j^2 read from its input.

The input is carried to layer j by the map of the means (theory/convolutional_means.py). Of it
theory/convolutional_bounds.py takes, for partitions of the channels into g equal groups, two kinds
of mean squares of group lengths.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq

from theory.convolutional import Convolutional
from theory.convolutional_means import is_affordable, loses_mass, position_means, window_means
from theory.reals import Number
from theory.values import shortened

__all__ = ["Carried", "Squares", "carried_lengths"]

Squares: TypeAlias = "Mapping[int, Number]"


@dataclass(frozen=True)
class Carried:
    """The input carried to one layer: its mean length E M_j, and mean squares by number of groups.

    `squares[g]` takes as a group's length the mean of a^2 over its channels and positions, and
    `averages[g]` the mean over its channels of the square of the channel's average over positions.
    """

    mean: Number
    squares: Squares
    averages: Squares


def carried_lengths(
    network: Convolutional, levels: Collection[int] = (1,), *, longest_bits: int | None = None
) -> Iterator[Carried]:
    """The input carried to layer 0, ..., d, for numbers of groups that divide max(levels).

    The averages are left at 0, which is what a bound may always use, where they would cost too much.

    >>> net = Convolutional([2, 2], kernel=2, positions=2, groups=2, input=[1, 3, 0, 2])
    >>> list(carried_lengths(net, (1, 2)))[-1]
    Carried(mean=7/2, squares={1: 49/4, 2: 29/2}, averages={1: 25/4, 2: 17/2})
    """
    lengths = _group_lengths(network, max(levels), longest_bits)
    scale: Number = fmpq(1)
    for j, (own, averages) in enumerate(zip(lengths, _channel_averages(network, longest_bits), strict=True)):
        if j > 0:
            scale = shortened(scale * network.layers[j - 1].mean_factor ** 2, longest_bits)
        wide = [average**2 for average in averages] * (max(levels) if len(averages) == 1 else 1)
        yield Carried(
            sum(own, fmpq(0)) / len(own),
            {g: _mean_square(own, g) for g in levels},
            {g: shortened(scale * _mean_square(wide, g), longest_bits) for g in levels},
        )


def _mean_square(lengths: Sequence[Number], groups: int) -> Number:
    """The mean over equal groups of the square of the group's mean."""
    means = (sum(part, fmpq(0)) * groups / len(lengths) for part in _parts(lengths, groups))
    return sum((mean**2 for mean in means), fmpq(0)) / groups


def _group_lengths(network: Convolutional, groups: int, longest_bits: int | None) -> Iterator[list[Number]]:
    if loses_mass(network):
        for means in position_means(network, groups, longest_bits=longest_bits):
            yield means.group_means()
        return
    parts = _input_parts(network, groups)
    found: list[Number] = [sum((x**2 for x in part), fmpq(0)) / len(part) for part in parts]
    yield found
    for layer in network.layers:
        found = [shortened(length * layer.mean_factor, longest_bits) for length in found]
        yield found


def _channel_averages(network: Convolutional, longest_bits: int | None) -> Iterator[list[Number]]:
    """Averages over the positions, channel by channel, or one number if all are alike."""
    channels = 1 if network.input is None else network.channels[0]
    if not loses_mass(network):
        parts = _input_parts(network, channels)
        averages: list[Number] = [sum(part, fmpq(0)) / len(part) for part in parts]
        yield from (averages for _ in range(network.depth + 1))
    elif is_affordable(network, channels):
        for means in window_means(network, longest_bits=longest_bits):
            yield means.group_means()
    else:
        unknown: list[Number] = [fmpq(0)]
        yield from (unknown for _ in range(network.depth + 1))


def _input_parts(network: Convolutional, parts: int) -> Iterator[Sequence[Number]]:
    if network.input is None:
        return iter([[fmpq(1)]] * parts)
    return _parts(network.input, parts)


def _parts(values: Sequence[Number], count: int) -> Iterator[Sequence[Number]]:
    size = len(values) // count
    return (values[k : k + size] for k in range(0, len(values), size))
