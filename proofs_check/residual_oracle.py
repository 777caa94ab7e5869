"""The exhaustive oracle for residual nets: exact laws of lengths by enumerating finite weight laws.

Every weight takes every value; equal states are merged, coordinates in any order, since neurons are
i.i.d., and up to sign where the branch's output is linear, since weights are symmetric. No moment formula of
`theory` is used. States are whole numbers times a known rational: a branch is enumerated with its weights in
whole units, and only the product of all these units with eta has to be rational.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import comb, factorial, lcm, prod
from typing import TypeAlias

from flint import fmpq

from proofs_check.oracle import OracleLimitError
from theory.laws import FiniteLaw, Law, Rademacher
from theory.network import Layer
from theory.reals import rational_root
from theory.residual import Block, Residual

__all__ = ["branch_mean", "length_moments", "path_law", "scale_squared"]

MAX_STATES = 100_000
_OUTCOMES_PER_STATE = 4

_Vector: TypeAlias = tuple[int, ...]
_Path: TypeAlias = tuple[fmpq, ...]
# Sums of squares so far, in the units of their blocks, and the activations.
_States: TypeAlias = dict[tuple[tuple[int, ...], _Vector], fmpq]


def length_moments(network: Residual, order: int, *, max_states: int = MAX_STATES) -> list[list[fmpq]]:
    """E M_l^k for l = 0, ..., L (rows) and k = 1, ..., order (columns).

    >>> net = Residual(1, [1], [1], weights="rademacher", variance_gain=1, branch_output="linear")
    >>> length_moments(net, 2)[1]        # x' = 1 with P = 1/2, else 0 or 2
    [3/2, 9/2]
    """
    return [
        [
            sum((p * (units[-1] * path[-1]) ** k for (path, _), p in states.items()), fmpq(0))
            for k in range(1, order + 1)
        ]
        for units, states in _blocks(network, max_states, keep_paths=False)
    ]


def path_law(network: Residual, *, max_states: int = MAX_STATES) -> dict[_Path, fmpq]:
    """The exact joint law {(M_0, ..., M_L): probability}.

    >>> path_law(Residual(1, [1], [1], weights="rademacher"))        # x' = 3 with P = 1/4, else 1
    {(1, 1): 3/4, (1, 9): 1/4}
    """
    law: defaultdict[_Path, fmpq] = defaultdict(fmpq)
    *_, (units, last) = _blocks(network, max_states, keep_paths=True)
    for (path, _), probability in last.items():
        law[tuple(unit * squares for unit, squares in zip(units, path, strict=True))] += probability
    return dict(law)


def branch_mean(block: Block) -> fmpq:
    """E N(1) of a branch that starts from one neuron; by homogeneity and symmetry E N(x) = |x| E N(1).

    >>> branch_mean(Residual(1, [1], [1], weights="rademacher").blocks[0])       # 2 with P = 1/4
    1/2
    """
    unit = _root(_unit_squared(block), "the branch's unit")
    outputs = _outputs((1,), _whole_layers(block), MAX_STATES)
    return unit * sum((p * y * q for neuron, p in outputs for y, q in neuron.items()), fmpq(0))


def scale_squared(block: Block) -> fmpq:
    """(eta times the units of all weights)^2: the block enumerates where it is the square of a rational."""
    if not isinstance(block.scale_squared, fmpq):
        raise OracleLimitError("a scale that is no root of a rational does not enumerate rationally")
    return block.scale_squared * _unit_squared(block)


@dataclass(frozen=True)
class _Whole:
    """A layer on whole numbers: weights with their probabilities, slopes, width."""

    weights: Sequence[tuple[int, fmpq]]
    slopes: tuple[int, int]
    width: int


def _blocks(network: Residual, max_states: int, *, keep_paths: bool) -> Iterator[tuple[list[fmpq], _States]]:
    """Per block, the units of the blocks so far and the probability of each (path, activations)."""
    start = list(network.input) if network.input else [fmpq(1)] * network.width
    denominator = lcm(*(int(x.q) for x in start))
    vector = tuple(sorted(int((x * denominator).p) for x in start))
    units = [fmpq(1, len(vector) * denominator**2)]
    states: _States = {((_square(vector),), vector): fmpq(1)}
    yield units, states
    for block in network.blocks:
        unit = _root(scale_squared(block), "the branch's unit times eta")
        denominator *= int(unit.q)
        units = [*units, fmpq(1, len(vector) * denominator**2)]
        grown: defaultdict[tuple[tuple[int, ...], _Vector], fmpq] = defaultdict(fmpq)
        known: dict[_Vector, list[tuple[int, _Vector, fmpq]]] = {}
        for (path, before), probability in states.items():
            if before not in known:
                after = _after(before, block, unit, max_states)
                known[before] = [(_square(x), x, chance) for x, chance in after.items()]
            for square, x, chance in known[before]:
                grown[(*path, square) if keep_paths else (square,), x] += probability * chance
            if len(grown) > max_states:
                raise OracleLimitError(f"more than {max_states:,} states; enumerate a smaller network")
        states = dict(grown)
        yield units, states


def _square(vector: _Vector) -> int:
    return sum(x * x for x in vector)


def _after(before: _Vector, block: Block, unit: fmpq, max_states: int) -> dict[_Vector, fmpq]:
    """The law of x + eta N(x) in units smaller by the denominator of `unit`, coordinates sorted."""
    grow, rise = int(unit.q), int(unit.p)
    layers = _whole_layers(block)
    is_odd = layers[-1].slopes[0] == layers[-1].slopes[1]
    law: defaultdict[_Vector, fmpq] = defaultdict(fmpq)
    work = 0
    for neuron, probability in _outputs(before, layers, max_states):
        work += len(neuron) ** len(before)
        if work > _OUTCOMES_PER_STATE * max_states:
            raise OracleLimitError("one block has too many outcomes; enumerate a smaller network")
        for outputs in product(neuron.items(), repeat=len(before)):
            after = (grow * x + rise * y for x, (y, _) in zip(before, outputs, strict=True))
            chance = probability * prod((p for _, p in outputs), start=fmpq(1))
            law[tuple(sorted(map(abs, after) if is_odd else after))] += chance
    return dict(law)


def _outputs(
    before: _Vector, layers: Sequence[_Whole], max_states: int
) -> Iterator[tuple[dict[int, fmpq], fmpq]]:
    """The law of one output given each last hidden layer, with the probability of that."""
    *hidden, last = layers
    activations: dict[_Vector, fmpq] = {before: fmpq(1)}
    for layer in hidden:
        activations = _mixed(activations, layer, max_states)
    for activation, probability in activations.items():
        yield _neuron(activation, last), probability


def _mixed(before: Mapping[_Vector, fmpq], layer: _Whole, max_states: int) -> dict[_Vector, fmpq]:
    """The law of a hidden layer, neurons in any order."""
    law: defaultdict[_Vector, fmpq] = defaultdict(fmpq)
    for vector, probability in before.items():
        neuron = _neuron(vector, layer)
        if comb(len(neuron) + layer.width - 1, layer.width) > max_states:
            raise OracleLimitError("one hidden layer has too many outcomes; enumerate a smaller network")
        for values in combinations_with_replacement(sorted(neuron), layer.width):
            counts = Counter(values)
            ways = factorial(layer.width) // prod(factorial(c) for c in counts.values())
            law[values] += probability * ways * prod((neuron[v] for v in values), start=fmpq(1))
    return dict(law)


def _neuron(before: _Vector, layer: _Whole) -> dict[int, fmpq]:
    """The law of one neuron given the layer before."""
    sums = {0: fmpq(1)}
    for x in filter(None, before):
        grown: defaultdict[int, fmpq] = defaultdict(fmpq)
        for total, probability in sums.items():
            for weight, chance in layer.weights:
                grown[total + weight * x] += probability * chance
        sums = grown
    bent: defaultdict[int, fmpq] = defaultdict(fmpq)
    for z, probability in sums.items():
        bent[z * layer.slopes[z < 0]] += probability
    return dict(bent)


def _whole_layers(block: Block) -> list[_Whole]:
    return [_whole(layer)[0] for layer in block.layers]


def _unit_squared(block: Block) -> fmpq:
    """The square of what whole outputs are to be multiplied with."""
    return prod((_whole(layer)[1] for layer in block.layers), start=fmpq(1))


def _whole(layer: Layer) -> tuple[_Whole, fmpq]:
    """The layer on whole numbers, and the square of its unit."""
    if not isinstance(layer.entry_variance, fmpq):
        raise OracleLimitError("an irrational weight variance does not enumerate rationally")
    points, raw_variance = _points(layer.weights)
    part = lcm(*(int(value.q) for value, _ in points))
    slope_part = lcm(*(int(slope.q) for slope in layer.activation.slopes))
    plus, minus = (int((slope * slope_part).p) for slope in layer.activation.slopes)
    weights = [(int((value * part).p), probability) for value, probability in points]
    unit_squared = layer.entry_variance / raw_variance / (part * slope_part) ** 2
    return _Whole(weights, (plus, minus), layer.width), unit_squared


def _root(square: fmpq, what: str) -> fmpq:
    root = rational_root(square)
    if root is None:
        raise OracleLimitError(f"{what} is irrational (its square is {square}); choose other widths")
    return root


def _points(law: Law) -> tuple[Sequence[tuple[fmpq, fmpq]], fmpq]:
    """The values of a law as given with their probabilities, and their variance."""
    if isinstance(law, Rademacher):
        return [(fmpq(-1), fmpq(1, 2)), (fmpq(1), fmpq(1, 2))], fmpq(1)
    if not isinstance(law, FiniteLaw):
        raise OracleLimitError(f"the law {law.name} has infinitely many values; only finite laws enumerate")
    return law.points, law.raw_moment(1)
