"""Augmented monomial symmetric functions, the basis in which moments stay non-negative.

For a partition lambda = (l_1, ..., l_r) and activations a,
    A_lambda(a) = sum over distinct indices i_1, ..., i_r of prod_s a_{i_s}^{2 l_s}.
Products of A's expand into A's with non-negative integer coefficients (THEORY.md section 2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol, Self, TypeVar

from theory.partitions import Partition, merge, multinomial, partitions, symmetry


class _Ring(Protocol):
    def __mul__(self, other: Any, /) -> Self: ...
    def __sub__(self, other: Any, /) -> Self: ...


N = TypeVar("N", bound=_Ring)

__all__ = ["expand_power_of_length", "from_power_sums", "product"]


@cache
def product(left: Partition, right: Partition) -> Mapping[Partition, int]:
    """A_left * A_right as a combination of A's.

    Each index of the right factor is either new or coincides with one index of the left factor.

    >>> dict(product((1,), (1,)))
    {(1, 1): 1, (2,): 1}
    """
    free_and_done: dict[tuple[Partition, Partition], int] = {(left, ()): 1}
    for part in right:
        grown: defaultdict[tuple[Partition, Partition], int] = defaultdict(int)
        for (free, done), count in free_and_done.items():
            grown[free, merge(done, (part,))] += count
            for position, other in enumerate(free):
                rest = free[:position] + free[position + 1 :]
                grown[rest, merge(done, (other + part,))] += count
        free_and_done = grown
    result: defaultdict[Partition, int] = defaultdict(int)
    for (free, done), count in free_and_done.items():
        result[merge(free, done)] += count
    return dict(result)


def expand_power_of_length(order: int) -> dict[Partition, int]:
    """(sum_i a_i^2)^order = sum over partitions of coefficient * A_lambda.

    >>> expand_power_of_length(3)
    {(3,): 1, (2, 1): 3, (1, 1, 1): 1}
    """
    return {p: multinomial(p) // symmetry(p) for p in partitions(order)}


def from_power_sums(partition: Partition, power_sum: Callable[[int], N], one: N) -> N:
    """A_lambda from the power sums p_r = sum_i a_i^{2r}; exact on rationals, else with rounding.

    >>> from flint import fmpq
    >>> from_power_sums((1, 1), lambda r: fmpq(1**r + 2**r), fmpq(1))   # a_i^2 = 1, 2: 2 * 1 * 2
    4
    """
    known: dict[Partition, N] = {(): one}

    def value(parts: Partition) -> N:
        if parts not in known:
            *rest, last = parts
            total = value(tuple(rest)) * power_sum(last)
            for position, part in enumerate(rest):
                clash = rest[:position] + rest[position + 1 :]
                total = total - value(merge(tuple(clash), (part + last,)))
            known[parts] = total
        return known[parts]

    return value(partition)
