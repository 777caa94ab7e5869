"""The moment recursion of a residual block with odd branch output, over a commutative semiring.

x' = x + eta y, y_i = sum_j V_ij h_j, h the last hidden activation of the branch. Given x and h the y_i
are i.i.d. and symmetric, so that odd powers of them vanish: for distinct indices i_1, ..., i_r

    E[prod_s x'_{i_s}^{2 l_s} | x, h] = sum over 0 <= k_s <= l_s of
        prod_s binom(2 l_s, 2 k_s) x_{i_s}^{2(l_s - k_s)} eta^{2 k_s} E[y^{2 k_s} | h].

Summed over the indices, those with k_s = l_s are free: each gives a falling factor of the trunk's
width n. With kappa the k_s that are not 0 and lambda' the l_s - k_s that are not 0,

    E[n^{-m} A_lambda(x') | x] = sum of count * eta^{2|kappa|} * n^{-|kappa|} (n - r')(n - r' - 1)...
                                 * n^{-|lambda'|} A_lambda'(x) * E[prod_s E[y^{2 k_s} | h] | x],

r' the number of parts of lambda'. The last factor is a combination of the normalised A_mu(x), |mu| =
|kappa|, through the layer maps of the branch (`theory.recursion`), and products of A's are A's again. Every
coefficient is non-negative. The branch has to start with a weight matrix: a branch that bends x itself
asks for moments of relu(x), which the state does not hold (THEORY.md section 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product as choices
from math import comb, prod
from typing import Generic, TypeAlias, TypeVar

from theory.augmented import product
from theory.partitions import Partition, merge, partitions_up_to
from theory.recursion import Rows, SemiringElement, ShapeNumbers

__all__ = ["BlockRecursion", "TrunkNumbers", "block_recursion", "composed", "per_neuron"]

S = TypeVar("S", bound=SemiringElement)

# (parts left to the trunk, parts that the branch supplies)
_Split: TypeAlias = tuple[Partition, Partition]


@dataclass(frozen=True)
class TrunkNumbers(Generic[S]):
    """The trunk, read in a semiring: `reciprocal` is 1/n, `falling[i]` is 1 - i/n (0 when i >= n)."""

    lift: Callable[[int], S]
    reciprocal: S
    falling: Sequence[S]

    def free_indices(self, bound: int, parts: int, power: int) -> S:
        """n^{-power} (n - bound)(n - bound - 1)...(n - parts + 1)."""
        result = self.lift(1)
        for i in range(bound, parts):
            result = result * self.falling[i]
        for _ in range(power - (parts - bound)):
            result = result * self.reciprocal
        return result


@dataclass(frozen=True)
class BlockRecursion:
    """The block map of a given order: whole numbers, derived once, read many times.

    `terms[lambda]` counts the splits (lambda', kappa) of lambda with their binomials.
    """

    order: int
    partitions: tuple[Partition, ...]
    terms: Mapping[Partition, Mapping[_Split, int]]

    @cached_property
    def position(self) -> dict[Partition, int]:
        """Where each partition stands in the state."""
        return {p: i for i, p in enumerate(self.partitions)}

    def by_power(self, branch: Rows[S], trunk: TrunkNumbers[S]) -> list[Rows[S]]:
        """The parts of the block map that go with eta^0, eta^2, ..., eta^{2 order}.

        `branch` maps the normalised moments of x to E[prod_s E[y^{2 k_s} | h] | x], row by row.
        """
        return [
            [self._row(target, power, branch, trunk) for target in self.partitions]
            for power in range(self.order + 1)
        ]

    def _row(
        self, target: Partition, power: int, branch: Rows[S], trunk: TrunkNumbers[S]
    ) -> list[tuple[int, S]]:
        total: dict[int, S] = {}
        for (kept, added), count in self.terms[target].items():
            if sum(added) != power:
                continue
            outer = trunk.lift(count) * trunk.free_indices(len(kept), len(target), power)
            for i, entry in branch[self.position[added]]:
                for source, times in product(kept, self.partitions[i]).items():
                    _accumulate(total, self.position[source], outer * (trunk.lift(times) * entry))
        return list(total.items())

    def matrix(self, by_power: Sequence[Rows[S]], eta_squared: S) -> Rows[S]:
        """The block map at a scale, sparse by row."""
        totals: list[dict[int, S]] = [dict(row) for row in by_power[0]]
        scale = eta_squared
        for rows in by_power[1:]:
            for total, row in zip(totals, rows, strict=True):
                for i, entry in row:
                    _accumulate(total, i, entry * scale)
            scale = scale * eta_squared
        return [list(total.items()) for total in totals]


@cache
def block_recursion(order: int) -> BlockRecursion:
    """Derive the recursion of a block.

    >>> block_recursion(1).terms[(1,)]        # E x'^2 = x^2 + eta^2 E y^2
    {((1,), ()): 1, ((), (1,)): 1}
    """
    basis = partitions_up_to(order)
    return BlockRecursion(order, basis, {target: _splits(target) for target in basis})


def composed(outer: Rows[S], inner: Rows[S]) -> Rows[S]:
    """The map that applies `inner` first.

    >>> composed([[(1, 2)]], [[], [(0, 3), (1, 4)]])
    [[(0, 6), (1, 8)]]
    """
    result = []
    for row in outer:
        total: dict[int, S] = {}
        for i, entry in row:
            for j, factor in inner[i]:
                _accumulate(total, j, entry * factor)
        result.append(list(total.items()))
    return result


def per_neuron(shape: ShapeNumbers[S]) -> ShapeNumbers[S]:
    """The same layer with (n)_r n^{-m} left out: the moments of r given neurons, not a mean over all."""
    one = shape.one
    return replace(shape, reciprocal=one, falling=[one] * len(shape.falling))


def _splits(target: Partition) -> dict[_Split, int]:
    found: Counter[_Split] = Counter()
    for added in choices(*(range(part + 1) for part in target)):
        kept = [part - k for part, k in zip(target, added, strict=True)]
        count = prod(comb(2 * part, 2 * k) for part, k in zip(target, added, strict=True))
        found[_positive(kept), _positive(added)] += count
    return dict(found)


def _positive(parts: Sequence[int]) -> Partition:
    return merge(tuple(part for part in parts if part > 0))


def _accumulate(total: dict[int, S], position: int, summand: S) -> None:
    total[position] = total[position] + summand if position in total else summand
