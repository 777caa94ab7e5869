"""The moment recursion, written once over a commutative semiring (THEORY.md section 2).

State: the normalised augmented moments  E[n_j^{-m} A_lambda(a_j)]  for all partitions lambda of
m <= order. One layer of n = n_j neurons maps it linearly,

    E[n^{-m} A_lambda(a_j) | a_{j-1}] = (n)_r n^{-m} prod_s c_{l_s} E[z^{2 l_s} | a_{j-1}],
    E[z^{2l} | a] = sum_i binom(2l, 2i) E b^{2(l-i)} sum_{mu of i} (2i)!/(prod (2 mu_t)! sym(mu))
                    * prod_t m_{2 mu_t} * gain^i * n_{j-1}^{-i} A_mu(a),

where r is the number of parts. Where the weights depend on each other as those of an orthogonal matrix
do, every entry from a partition of size i gets the factor ratio_i (`theory.orthogonal`). Every
coefficient is non-negative and only + and * are used, so the same lines are read symbolically,
exactly, enclosed, in floating point and in the log domain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import comb, factorial, prod
from numbers import Integral
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

from theory.augmented import expand_power_of_length, product
from theory.errors import SpecError
from theory.partitions import Partition, merge, partitions, partitions_up_to, symmetry

__all__ = [
    "MAX_ORDER",
    "LawNumbers",
    "MomentRecursion",
    "Rows",
    "ShapeNumbers",
    "check_order_range",
    "moment_recursion",
]


class SemiringElement(Protocol):
    """What a reading must offer: addition and multiplication."""

    def __add__(self, other: Any, /) -> Self: ...
    def __mul__(self, other: Any, /) -> Self: ...


S = TypeVar("S", bound=SemiringElement)

# Row by row, the (position, entry) pairs that are not identically zero.
Rows: TypeAlias = list[list[tuple[int, S]]]

# (partition of the previous activations, weight moments used, bias moments used)
_Term: TypeAlias = tuple[Partition, Partition, Partition]


MAX_ORDER = 12


def check_order_range(order: object) -> None:
    """Refuse an order that is not a whole number from 1 to `MAX_ORDER`."""
    if isinstance(order, bool) or not isinstance(order, Integral):
        raise SpecError(f"order must be a whole number from 1 to {MAX_ORDER}, not {order!r:.40}")
    if not 1 <= int(order) <= MAX_ORDER:
        shown = int(order) if abs(int(order)) < 10**9 else "a far larger number"
        raise SpecError(f"order must be from 1 to {MAX_ORDER}, not {shown}")


@dataclass(frozen=True)
class LawNumbers(Generic[S]):
    """The laws of a layer, read in a semiring.

    `weight_moments[l]` and `bias_moments[l]` are E w^{2l} and E b^{2l} for l = 0, ..., order;
    `lift` reads a whole number.
    """

    lift: Callable[[int], S]
    weight_moments: Sequence[S]
    bias_moments: Sequence[S]


@dataclass(frozen=True)
class ShapeNumbers(Generic[S]):
    """The rest of a layer, read in a semiring.

    `reciprocal` is 1/n, `falling[i]` is 1 - i/n (0 when i >= n) for i < order, `gain` the effective
    variance gain fan_in * entry variance, `half_moments[l]` the activation's c_l, l = 0, ..., order.
    `ratios[l]` is the factor of degree l for dependent weights, None for independent ones.
    """

    one: S
    reciprocal: S
    falling: Sequence[S]
    gain: S
    half_moments: Sequence[S]
    ratios: Sequence[S] | None = None

    def width_factor(self, partition: Partition) -> S:
        """(n)_r n^{-m} prod_s c_{l_s} for a partition of m into r parts."""
        parts = len(partition)
        factors = [self.reciprocal] * (sum(partition) - parts)
        factors += [self.falling[i] for i in range(parts)]
        factors += [self.half_moments[part] for part in partition]
        return _product(factors, self.one)

    def input_factors(self, order: int) -> list[S]:
        """gain^i ratio_i, which belongs to degree i in the layer before, for i = 0, ..., order."""
        powers = [self.one]
        for _ in range(order):
            powers.append(powers[-1] * self.gain)
        if self.ratios is None:
            return powers
        return [power * ratio for power, ratio in zip(powers, self.ratios, strict=True)]


@dataclass(frozen=True)
class MomentRecursion:
    """The layer map of a given order: whole numbers, derived once, read many times.

    `terms[lambda][mu]` lists (coefficient, weight parts, bias parts): the entry of the map is
    width_factor(lambda) * gain^|mu| ratio_|mu| * sum coefficient * prod E w^{2p} * prod E b^{2q}.
    """

    order: int
    has_bias: bool
    partitions: tuple[Partition, ...]
    terms: Mapping[Partition, Mapping[Partition, tuple[tuple[int, Partition, Partition], ...]]]

    @property
    def powers(self) -> range:
        """0, 1, ..., order."""
        return range(self.order + 1)

    @cached_property
    def position(self) -> dict[Partition, int]:
        """Where each partition stands in the state."""
        return {p: i for i, p in enumerate(self.partitions)}

    def law_rows(self, laws: LawNumbers[S]) -> Rows[S]:
        """The factors of all entries that depend on the laws only, sparse by row."""
        return [
            [(self.position[source], _law_factor(entry, laws)) for source, entry in row.items()]
            for row in (self.terms[target] for target in self.partitions)
        ]

    def matrix(self, law_rows: Rows[S], shape: ShapeNumbers[S]) -> Rows[S]:
        """The layer map, sparse: for each partition the (position, entry) pairs of its row."""
        powers = shape.input_factors(self.order)
        gains = [powers[sum(p)] for p in self.partitions]
        outer = [shape.width_factor(p) for p in self.partitions]
        return [
            [(i, factor * (entry * gains[i])) for i, entry in row]
            for factor, row in zip(outer, law_rows, strict=True)
        ]

    def apply(self, rows: Rows[S], state: Sequence[S]) -> list[S]:
        """One layer: the state after it from the state before it."""
        return [_sum([entry * state[i] for i, entry in row]) for row in rows]

    def length_moments(self, state: Sequence[S], lift: Callable[[int], S]) -> list[S]:
        """E M^k for k = 1, ..., order from the state of a layer."""
        return [
            _sum([lift(count) * state[self.position[p]] for p, count in _length_powers(k)])
            for k in self.powers[1:]
        ]

    def run(self, matrices: Iterable[Rows[S]], start: Sequence[S]) -> Iterator[list[S]]:
        """The state after each layer in turn."""
        state = list(start)
        for rows in matrices:
            state = self.apply(rows, state)
            yield state


@cache
def moment_recursion(order: int, has_bias: bool) -> MomentRecursion:
    """Derive the recursion; without biases the degrees decouple and the bias terms are left out.

    >>> recursion = moment_recursion(2, has_bias=False)
    >>> recursion.terms[(2,)]         # E z^4 = 3 A_11 + m_4 A_2 before scaling
    {(2,): ((1, (2,), ()),), (1, 1): ((3, (), ()),)}
    """
    basis = partitions_up_to(order)
    terms = {target: _grouped(_conditional(target, has_bias)) for target in basis}
    return MomentRecursion(order, has_bias, basis, terms)


@cache
def _neuron(half_order: int, has_bias: bool) -> Mapping[_Term, int]:
    """E[z^{2l} | a] for one pre-activation z = sum_i w_i a_i + b, l = half_order."""
    result: dict[_Term, int] = {}
    for i in range(half_order + 1) if has_bias else (half_order,):
        bias_parts = (half_order - i,) if i < half_order else ()
        for mu in partitions(i):
            arrangements = factorial(2 * i) // prod(factorial(2 * part) for part in mu)
            weight_parts = tuple(part for part in mu if part > 1)
            count = comb(2 * half_order, 2 * i) * arrangements // symmetry(mu)
            result[mu, weight_parts, bias_parts] = count
    return result


@cache
def _conditional(target: Partition, has_bias: bool) -> Mapping[_Term, int]:
    """prod_s E[z^{2 l_s} | a] over the parts of `target`, expanded into A's of a."""
    if not target:
        return {((), (), ()): 1}
    result: defaultdict[_Term, int] = defaultdict(int)
    for (mu, weights, biases), count in _conditional(target[:-1], has_bias).items():
        for (nu, more_weights, more_biases), factor in _neuron(target[-1], has_bias).items():
            laws = merge(weights, more_weights), merge(biases, more_biases)
            for source, times in product(mu, nu).items():
                result[source, *laws] += count * factor * times
    return dict(result)


def _law_factor(entry: tuple[tuple[int, Partition, Partition], ...], laws: LawNumbers[S]) -> S:
    summands = []
    for coefficient, weight_parts, bias_parts in entry:
        factors = [laws.weight_moments[p] for p in weight_parts]
        factors += [laws.bias_moments[p] for p in bias_parts]
        summands.append(_product(factors, laws.lift(coefficient)))
    return _sum(summands)


def _grouped(
    terms: Mapping[_Term, int],
) -> dict[Partition, tuple[tuple[int, Partition, Partition], ...]]:
    grouped: defaultdict[Partition, list[tuple[int, Partition, Partition]]] = defaultdict(list)
    for (source, weights, biases), count in terms.items():
        grouped[source].append((count, weights, biases))
    return {source: tuple(entries) for source, entries in grouped.items()}


@cache
def _length_powers(order: int) -> tuple[tuple[Partition, int], ...]:
    return tuple(expand_power_of_length(order).items())


def _product(factors: Sequence[S], start: S) -> S:
    result = start
    for factor in factors:
        result = result * factor
    return result


def _sum(summands: Sequence[S]) -> S:
    result = summands[0]
    for summand in summands[1:]:
        result = result + summand
    return result
