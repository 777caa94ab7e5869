"""The exhaustive oracle for residual nets: exact laws of lengths by enumerating finite weight laws.

Every weight takes every value; equal states are merged, coordinates in any order, since neurons are
i.i.d. No moment formula of `theory` is used. All is rational: the deviation of every weight has to be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, product
from math import factorial, prod
from typing import TypeAlias

from flint import fmpq

from proofs_check.oracle import OracleLimitError
from theory.laws import FiniteLaw, Law, Rademacher
from theory.network import Layer
from theory.reals import rational_root
from theory.residual import Block, Residual

__all__ = ["length_moments", "path_law"]

MAX_STATES = 100_000

_Vector: TypeAlias = tuple[fmpq, ...]
_Path: TypeAlias = tuple[fmpq, ...]
_States: TypeAlias = dict[tuple[_Path, _Vector], fmpq]


def length_moments(network: Residual, order: int, *, max_states: int = MAX_STATES) -> list[list[fmpq]]:
    """E M_l^k for l = 0, ..., L (rows) and k = 1, ..., order (columns).

    >>> net = Residual(1, [1], [1], weights="rademacher", variance_gain=1, branch_output="linear")
    >>> length_moments(net, 2)[1]        # x' = 1 with P = 1/2, else 0 or 2
    [3/2, 9/2]
    """
    return [
        [sum((p * path[-1] ** k for (path, _), p in states.items()), fmpq(0)) for k in range(1, order + 1)]
        for states in _blocks(network, max_states, keep_paths=False)
    ]


def path_law(network: Residual, *, max_states: int = MAX_STATES) -> dict[_Path, fmpq]:
    """The exact joint law {(M_0, ..., M_L): probability}."""
    law: defaultdict[_Path, fmpq] = defaultdict(fmpq)
    *_, last = _blocks(network, max_states, keep_paths=True)
    for (path, _), probability in last.items():
        law[path] += probability
    return dict(law)


def _blocks(network: Residual, max_states: int, *, keep_paths: bool) -> Iterator[_States]:
    start = tuple(sorted(network.input or [fmpq(1)] * network.width))
    states: _States = {((_length(start),), start): fmpq(1)}
    yield states
    for block in network.blocks:
        grown: defaultdict[tuple[_Path, _Vector], fmpq] = defaultdict(fmpq)
        known: dict[_Vector, dict[_Vector, fmpq]] = {}
        for (path, before), probability in states.items():
            if before not in known:
                known[before] = _after(before, block, max_states)
            for after, chance in known[before].items():
                lengths = (*path, _length(after)) if keep_paths else (_length(after),)
                grown[lengths, after] += probability * chance
            if len(grown) > max_states:
                raise OracleLimitError(f"more than {max_states:,} states; enumerate a smaller network")
        states = dict(grown)
        yield states


def _length(vector: _Vector) -> fmpq:
    return sum((x * x for x in vector), fmpq(0)) / len(vector)


def _after(before: _Vector, block: Block, max_states: int) -> dict[_Vector, fmpq]:
    """The law of x + eta N(x), its coordinates sorted."""
    eta = block.scale
    if not isinstance(eta, fmpq):
        raise OracleLimitError("an irrational scale does not enumerate rationally")
    *hidden, last = block.layers
    activations: dict[_Vector, fmpq] = {before: fmpq(1)}
    for layer in hidden:
        activations = _mixed(activations, layer)
    law: defaultdict[_Vector, fmpq] = defaultdict(fmpq)
    for activation, probability in activations.items():
        neuron = _neuron(activation, last)
        if len(neuron) ** last.width > max_states:
            raise OracleLimitError("one block has too many outcomes; enumerate a smaller network")
        for outputs in product(neuron.items(), repeat=last.width):
            after = tuple(sorted(x + eta * y for x, (y, _) in zip(before, outputs, strict=True)))
            law[after] += probability * prod((p for _, p in outputs), start=fmpq(1))
    return dict(law)


def _mixed(before: Mapping[_Vector, fmpq], layer: Layer) -> dict[_Vector, fmpq]:
    """The law of a hidden layer, neurons in any order."""
    law: defaultdict[_Vector, fmpq] = defaultdict(fmpq)
    for vector, probability in before.items():
        neuron = _neuron(vector, layer)
        for values in combinations_with_replacement(sorted(neuron), layer.width):
            counts = Counter(values)
            ways = factorial(layer.width) // prod(factorial(c) for c in counts.values())
            law[values] += probability * ways * prod((neuron[v] for v in values), start=fmpq(1))
    return dict(law)


def _neuron(before: Sequence[fmpq], layer: Layer) -> dict[fmpq, fmpq]:
    """The law of one neuron given the layer before."""
    sums = {fmpq(0): fmpq(1)}
    for x in before:
        grown: defaultdict[fmpq, fmpq] = defaultdict(fmpq)
        for total, probability in sums.items():
            for weight, chance in _weights(layer):
                grown[total + weight * x] += probability * chance
        sums = dict(grown)
    plus, minus = layer.activation.slopes
    bent: defaultdict[fmpq, fmpq] = defaultdict(fmpq)
    for z, probability in sums.items():
        bent[z * (plus if z > 0 else minus)] += probability
    return dict(bent)


def _weights(layer: Layer) -> list[tuple[fmpq, fmpq]]:
    """The values of one weight with their probabilities."""
    points, raw_variance = _points(layer.weights)
    variance = layer.entry_variance
    deviation = rational_root(variance / raw_variance) if isinstance(variance, fmpq) else None
    if deviation is None:
        raise OracleLimitError(f"weights of variance {variance} do not enumerate rationally")
    return [(value * deviation, probability) for value, probability in points]


def _points(law: Law) -> tuple[Sequence[tuple[fmpq, fmpq]], fmpq]:
    if isinstance(law, Rademacher):
        return [(fmpq(-1), fmpq(1, 2)), (fmpq(1), fmpq(1, 2))], fmpq(1)
    if not isinstance(law, FiniteLaw):
        raise OracleLimitError(f"the law {law.name} has infinitely many values; only finite laws enumerate")
    return law.points, law.raw_moment(1)
