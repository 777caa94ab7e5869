"""The exhaustive oracle for convolutional nets: exact laws of lengths by enumerating finite weight laws.

Every weight takes every value, and the convolution is summed position by position as it is defined:
output channel c at p sees the channels of its group at p + o, o from -((q - 1)//2) to q//2 along
each axis. No formula for a moment, no patch and no window of `theory` is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TypeAlias

from flint import fmpq

from proofs_check.oracle import OracleLimitError
from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.laws import FiniteLaw, Rademacher
from theory.reals import rational_root

__all__ = ["conditional_lengths", "path_law", "position_means"]

MAX_STATES = 300_000

_Channel: TypeAlias = tuple[fmpq, ...]
_State: TypeAlias = tuple[_Channel, ...]
_Law: TypeAlias = dict[_State, fmpq]


def path_law(network: Convolutional) -> dict[tuple[fmpq, ...], fmpq]:
    """The exact joint law of (M_0, ..., M_d).

    Needs finite laws and rational weights: an entry variance over that of the law's points that is
    the square of a rational.

    >>> net = Convolutional([1, 1], kernel=1, positions=2, weights="rademacher", mode="none", variance_gain=4)
    >>> path_law(net)
    {(1, 0): 1/2, (1, 4): 1/2}
    """
    start = _input(network)
    states: dict[tuple[tuple[fmpq, ...], _State], fmpq] = {((_length(start),), start): fmpq(1)}
    for layer in network.layers:
        following: defaultdict[tuple[tuple[fmpq, ...], _State], fmpq] = defaultdict(fmpq)
        known: dict[_State, _Law] = {}
        for (path, before), probability in states.items():
            if before not in known:
                known[before] = _next_law(layer, before)
            for after, chance in known[before].items():
                following[(*path, _length(after)), after] += probability * chance
            _check_size(len(following))
        states = following
    law: defaultdict[tuple[fmpq, ...], fmpq] = defaultdict(fmpq)
    for (path, _), probability in states.items():
        law[path] += probability
    return dict(sorted(law.items()))


def conditional_lengths(layer: ConvolutionalLayer, activations: Sequence[fmpq]) -> dict[fmpq, fmpq]:
    """The exact law of M_j given a_{j-1}, channel by channel, each row by row."""
    size = prod(layer.positions)
    before = tuple(tuple(activations[k : k + size]) for k in range(0, len(activations), size))
    law: defaultdict[fmpq, fmpq] = defaultdict(fmpq)
    for after, chance in _next_law(layer, before).items():
        law[_length(after)] += chance
    return dict(law)


def position_means(network: Convolutional) -> list[fmpq]:
    """E of the mean of a_d^2 over the channels, position by position, row by row."""
    states: dict[_State, fmpq] = {_input(network): fmpq(1)}
    for layer in network.layers:
        following: defaultdict[_State, fmpq] = defaultdict(fmpq)
        for before, probability in states.items():
            for after, chance in _next_law(layer, before).items():
                following[after] += probability * chance
        states = following
    return [
        sum((p * sum(channel[i] ** 2 for channel in s) / len(s) for s, p in states.items()), fmpq(0))
        for i in range(prod(network.positions))
    ]


def _input(network: Convolutional) -> _State:
    size = prod(network.positions)
    values = network.input or (fmpq(1),) * (network.channels[0] * size)
    return tuple(tuple(values[k : k + size]) for k in range(0, len(values), size))


def _length(state: _State) -> fmpq:
    return sum((x * x for channel in state for x in channel), fmpq(0)) / (len(state) * len(state[0]))


def _next_law(layer: ConvolutionalLayer, before: _State) -> _Law:
    """The law of a_j given a_{j-1}: channels are independent."""
    own, each = len(before) // layer.groups, layer.channels // layer.groups
    law: _Law = {(): fmpq(1)}
    for group in range(layer.groups):
        one = _channel_law(layer, before[group * own : (group + 1) * own])
        for _ in range(each):
            _check_size(len(law) * len(one))
            law = {(*state, channel): p * r for state, p in law.items() for channel, r in one.items()}
    return law


def _channel_law(layer: ConvolutionalLayer, seen: _State) -> dict[_Channel, fmpq]:
    points = _weights(layer)
    terms = [_reached(layer, index) for index in product(*map(range, layer.positions))]
    count = prod(layer.kernel)
    plus, minus = layer.activation.slopes
    law: defaultdict[_Channel, fmpq] = defaultdict(fmpq)
    _check_size(len(points) ** (count * len(seen)))
    for chosen in product(points, repeat=count * len(seen)):
        sums = [
            sum((chosen[i * count + o][0] * a[p] for i, a in enumerate(seen) for o, p in reached), fmpq(0))
            for reached in terms
        ]
        law[tuple(z * (plus if z > 0 else minus) for z in sums)] += prod(
            (p for _, p in chosen), start=fmpq(1)
        )
    return dict(law)


def _reached(layer: ConvolutionalLayer, position: tuple[int, ...]) -> list[tuple[int, int]]:
    """(number of the weight, number of the position) for every input that the position sees."""
    found = []
    for number, taken in enumerate(product(*map(range, layer.kernel))):
        place = 0
        for p, t, q, size in zip(position, taken, layer.kernel, layer.positions, strict=True):
            at = p + t - (q - 1) // 2
            if layer.padding == "zero" and not 0 <= at < size:
                break
            place = place * size + at % size
        else:
            found.append((number, place))
    return found


def _weights(layer: ConvolutionalLayer) -> list[tuple[fmpq, fmpq]]:
    """Values and probabilities of one weight."""
    law = layer.weights
    if isinstance(law, Rademacher):
        points, variance = [(fmpq(-1), fmpq(1, 2)), (fmpq(1), fmpq(1, 2))], fmpq(1)
    elif isinstance(law, FiniteLaw):
        points, variance = list(law.points), law.raw_moment(1)
    else:
        raise OracleLimitError(f"{law.name} weights have infinitely many values")
    entry = layer.entry_variance
    scale = rational_root(entry / variance) if isinstance(entry, fmpq) else None
    if scale is None:
        raise OracleLimitError(f"the weights of layer {layer.index} are irrational")
    return [(value * scale, probability) for value, probability in points]


def _check_size(states: int) -> None:
    if states > MAX_STATES:
        raise OracleLimitError(f"more than {MAX_STATES:,} states; take fewer channels, weights or layers")
