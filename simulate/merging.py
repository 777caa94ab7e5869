"""Merging records so that the bits do not depend on how the work was cut.

Leaves 0, 1, 2, ... are merged along a fixed binary tree: two neighbours of level l, the left one at
an even place, make one of level l + 1. A shard of any number of leaves that starts at a multiple of
a power of two hands over its complete subtrees; what is merged with what stays the same.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Tree"]


class Tree:
    """The roots of the complete subtrees over the leaves so far, from left to right.

    >>> class Text(str):
    ...     def merged(self, other): return Text(f"({self}{other})")
    >>> tree = Tree()
    >>> for leaf in "abcde": tree.push(0, Text(leaf))
    >>> tree.total()
    '(((ab)(cd))e)'
    """

    def __init__(self) -> None:
        self.roots: list[tuple[int, Any]] = []

    def push(self, level: int, record: Any) -> None:
        """Append the next subtree."""
        kept = len(self.roots)
        while kept and self.roots[kept - 1][0] == level:
            record, level, kept = self.roots[kept - 1][1].merged(record), level + 1, kept - 1
        # In one step, so that an interrupt finds the tree before or after.
        self.roots = [*self.roots[:kept], (level, record)]

    def total(self) -> Any:
        """Everything merged, the incomplete subtrees from the right; None if there is nothing."""
        if not self.roots:
            return None
        *rest, (_, record) = self.roots
        for _, left in reversed(rest):
            record = left.merged(record)
        return record
