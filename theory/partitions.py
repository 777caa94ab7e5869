"""Integer partitions and the counts that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from math import factorial, prod
from typing import TypeAlias

__all__ = ["Partition", "merge", "multinomial", "partitions", "partitions_up_to", "symmetry"]

Partition: TypeAlias = tuple[int, ...]


@cache
def partitions(total: int) -> tuple[Partition, ...]:
    """All partitions of `total`, parts weakly decreasing.

    >>> partitions(4)
    ((4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))
    """
    return tuple(_partitions(total, total))


def _partitions(total: int, largest: int) -> Iterator[Partition]:
    if total == 0:
        yield ()
    for part in range(min(total, largest), 0, -1):
        for rest in _partitions(total - part, part):
            yield (part, *rest)


def partitions_up_to(total: int) -> tuple[Partition, ...]:
    """All partitions of 0, 1, ..., total, smaller totals first."""
    return tuple(p for size in range(total + 1) for p in partitions(size))


def merge(*parts: Partition) -> Partition:
    """The partition made of all parts together."""
    return tuple(sorted((part for partition in parts for part in partition), reverse=True))


def symmetry(partition: Partition) -> int:
    """How many permutations of the parts leave the partition as it is: prod (multiplicity)!."""
    return prod(factorial(count) for count in Counter(partition).values())


def multinomial(partition: Partition) -> int:
    """(sum of parts)! / prod (part)!."""
    return factorial(sum(partition)) // prod(factorial(part) for part in partition)
