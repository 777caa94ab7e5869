"""The exhaustive oracle: exact laws of activation lengths by enumerating finite weight laws.

Every weight and bias takes every value; states with the same activations up to order and sign
are merged, which loses nothing because weights are i.i.d. and symmetric. No moment formula of
`theory` is used. Activations are kept as whole numbers times a known scale sigma_j, sigma_j^2
rational; with a bias this needs bias_variance / sigma_j^2 to be the square of a rational.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb, factorial, lcm, prod
from typing import TypeAlias

from flint import fmpq

from theory.activations import Activation
from theory.laws import FiniteLaw, Law, Rademacher
from theory.network import FullyConnected, Layer
from theory.reals import rational_root

__all__ = [
    "OracleLimitError",
    "enumerable",
    "length_law",
    "length_moments",
    "path_law",
    "rational_bias_variances",
]

MAX_STATES = 200_000

_Vector: TypeAlias = tuple[int, ...]
_Path: TypeAlias = tuple[fmpq, ...]
# Sums of squares so far, in the units of their layers, and the activations.
_States: TypeAlias = dict[tuple[tuple[int, ...], _Vector], fmpq]
# Whole values with whole weights; dividing by the sum of the weights gives probabilities.
_Weighted: TypeAlias = Mapping[int, int]


class OracleLimitError(ValueError):
    """The network cannot be enumerated: a law is not finite, a scale irrational, or it is too big."""


def enumerable(law: Law) -> bool:
    """Whether the law has finitely many values.

    >>> from theory.laws import as_law
    >>> enumerable(as_law("rademacher")), enumerable(as_law("normal"))
    (True, False)
    """
    return isinstance(law, (FiniteLaw, Rademacher))


def length_law(network: FullyConnected, *, max_states: int = MAX_STATES) -> list[dict[fmpq, fmpq]]:
    """The exact law {length: probability} of M_j for j = 0, ..., d.

    >>> length_law(FullyConnected([1, 2], weights="rademacher"))[1]     # M_1 = 2 B/2
    {0: 1/4, 1: 1/2, 2: 1/4}
    """
    laws = []
    for units, states in _layers(network, max_states, keep_paths=False):
        law: defaultdict[fmpq, fmpq] = defaultdict(fmpq)
        for ((squares,), _), probability in states.items():
            law[units[-1] * squares] += probability
        laws.append(dict(sorted(law.items())))
    return laws


def length_moments(network: FullyConnected, order: int, *, max_states: int = MAX_STATES) -> list[list[fmpq]]:
    """E M_j^k for j = 0, ..., d (rows) and k = 1, ..., order (columns).

    >>> length_moments(FullyConnected([1, 2], weights="rademacher"), 2)[1]
    [1, 3/2]
    """
    return [
        [sum((p * m**k for m, p in law.items()), fmpq(0)) for k in range(1, order + 1)]
        for law in length_law(network, max_states=max_states)
    ]


def path_law(network: FullyConnected, *, max_states: int = MAX_STATES) -> dict[_Path, fmpq]:
    """The exact joint law {(M_0, ..., M_d): probability}."""
    law: defaultdict[_Path, fmpq] = defaultdict(fmpq)
    *_, (units, last) = _layers(network, max_states, keep_paths=True)
    for (path, _), probability in last.items():
        law[tuple(unit * squares for unit, squares in zip(units, path, strict=True))] += probability
    return dict(law)


def rational_bias_variances(network: FullyConnected, ratio: fmpq) -> list[fmpq]:
    """Bias variances, one per layer, with which the network's biases enumerate rationally.

    Each bias is `ratio` times its law on whole numbers, in units of the pre-activations.

    >>> net = FullyConnected([1, 2], weights="rademacher", bias_weights="rademacher")
    >>> rational_bias_variances(net, fmpq(1))
    [2]
    """
    variances, scale_squared = [], _input_scale(network)
    for layer in network.layers:
        pre_scale = scale_squared * _entry_variance(layer) / _integers(layer.weights).raw_variance
        variances.append(ratio**2 * _integers(layer.bias).raw_variance * pre_scale)
        _, slope_unit = _whole_slopes(layer.activation)
        scale_squared = pre_scale / (int(ratio.q) * slope_unit) ** 2
    return variances


@dataclass(frozen=True)
class _Integers:
    """A finite law blown up to whole numbers, with its variance."""

    weighted: _Weighted
    raw_variance: fmpq


def _layers(
    network: FullyConnected, max_states: int, *, keep_paths: bool
) -> Iterator[tuple[list[fmpq], _States]]:
    """Per layer, the units of the layers so far and the probability of each (path, activation vector).

    M_j is its unit times the path's sum of squares: whole numbers merge faster than rationals. Without
    `keep_paths` only the layer's own sum is kept; the last vector is never needed.
    """
    start = [fmpq(1)] * network.widths[0] if network.input is None else list(network.input)
    scale_squared = _input_scale(network)
    vector = tuple(sorted(abs(int((x / scale_squared.sqrt()).p)) for x in start))
    units = [scale_squared / network.widths[0]]
    states: _States = {((sum(a * a for a in vector),), vector): fmpq(1)}
    yield units, states
    for layer in network.layers:
        step = _Step.of(layer, scale_squared)
        scale_squared = step.scale_squared
        successors = step.last if layer.index == network.depth else step.successors
        outcomes = {v: list(successors(v, max_states)) for v in {v for _, v in states}}
        units = [*units, scale_squared / layer.width]
        grown: defaultdict[tuple[tuple[int, ...], _Vector], fmpq] = defaultdict(fmpq)
        for (path, before), probability in states.items():
            for after, squares, chance in outcomes[before]:
                grown[(*path, squares) if keep_paths else (squares,), after] += probability * chance
            if len(grown) > max_states:
                raise OracleLimitError(f"more than {max_states:,} states; enumerate a smaller network")
        states = dict(grown)
        yield units, states


def _entry_variance(layer: Layer) -> fmpq:
    variance = layer.entry_variance
    if not isinstance(variance, fmpq):
        raise OracleLimitError("an irrational weight variance does not enumerate rationally")
    return variance


def _input_scale(network: FullyConnected) -> fmpq:
    """sigma_0^2 with x / sigma_0 whole."""
    return fmpq(1, lcm(*(int(x.q) for x in network.input or ())) ** 2)


@dataclass(frozen=True)
class _Step:
    """One layer on whole numbers."""

    weights: _Weighted
    bias: _Weighted
    unit: int
    slopes: tuple[int, int]
    width: int
    scale_squared: fmpq

    @classmethod
    def of(cls, layer: Layer, scale_squared: fmpq) -> _Step:
        weights = _integers(layer.weights)
        pre_scale = scale_squared * _entry_variance(layer) / weights.raw_variance
        ratio, bias = fmpq(0), _Integers({0: 1}, fmpq(1))
        if layer.bias_variance != 0:
            bias = _integers(layer.bias)
            ratio = _square_root(layer.bias_variance / (bias.raw_variance * pre_scale))
        unit = int(ratio.q)
        shifts = {value * int(ratio.p): count for value, count in bias.weighted.items()}
        slopes, slope_unit = _whole_slopes(layer.activation)
        scale = pre_scale / (unit * slope_unit) ** 2
        return cls(weights.weighted, shifts, unit, slopes, layer.width, scale)

    def successors(self, before: _Vector, max_states: int) -> Iterator[tuple[_Vector, int, fmpq]]:
        """Each next activation vector with its sum of squares and its probability."""
        neuron = self._neuron(before)
        if comb(len(neuron) + self.width - 1, self.width) > max_states:
            raise OracleLimitError("one layer has too many outcomes; enumerate a smaller network")
        total = sum(neuron.values()) ** self.width
        arrangements = factorial(self.width)
        for vector in combinations_with_replacement(sorted(neuron), self.width):
            counts = Counter(vector)
            ways = arrangements // prod(factorial(c) for c in counts.values())
            weight = ways * prod(neuron[v] ** c for v, c in counts.items())
            yield vector, sum(v * v for v in vector), fmpq(weight, total)

    def last(self, before: _Vector, max_states: int) -> Iterator[tuple[_Vector, int, fmpq]]:
        """Each sum of squares of the last layer with its probability."""
        squares = {v * v: count for v, count in self._neuron(before).items()}
        sums = {0: 1}
        for _ in range(self.width):
            sums = _convolve(sums, squares)
            if len(sums) > max_states:
                raise OracleLimitError("the last layer has too many outcomes; enumerate a smaller network")
        total = sum(sums.values())
        for value, count in sums.items():
            yield (), value, fmpq(count, total)

    def _neuron(self, before: _Vector) -> dict[int, int]:
        """Law of |activation| of one neuron, as weighted whole numbers."""
        sums: dict[int, int] = dict(self.bias)
        for a in before:
            if a != 0:
                sums = _convolve(sums, {self.unit * a * w: c for w, c in self.weights.items()})
        outcome: defaultdict[int, int] = defaultdict(int)
        for z, count in sums.items():
            outcome[abs(z * self.slopes[z < 0])] += count
        return dict(outcome)


def _convolve(left: _Weighted, right: _Weighted) -> dict[int, int]:
    result: defaultdict[int, int] = defaultdict(int)
    for x, a in left.items():
        for y, b in right.items():
            result[x + y] += a * b
    return dict(result)


def _integers(law: Law) -> _Integers:
    if isinstance(law, Rademacher):
        return _Integers({-1: 1, 1: 1}, fmpq(1))
    if not isinstance(law, FiniteLaw):
        raise OracleLimitError(f"the law {law.name} has infinitely many values; only finite laws enumerate")
    unit = lcm(*(int(v.q) for v, _ in law.points))
    total = lcm(*(int(p.q) for _, p in law.points))
    weighted = {int((v * unit).p): int((p * total).p) for v, p in law.points}
    return _Integers(weighted, law.raw_moment(1) * unit**2)


def _whole_slopes(activation: Activation) -> tuple[tuple[int, int], int]:
    plus, minus = activation.slopes
    unit = lcm(int(plus.q), int(minus.q))
    slopes = (plus * unit, minus * unit)
    return (int(slopes[0].p), int(slopes[1].p)), unit


def _square_root(number: fmpq) -> fmpq:
    root = rational_root(number)
    if root is None:
        raise OracleLimitError(
            f"the bias is not a rational multiple of the activations (its squared ratio is {number})"
        )
    return root
