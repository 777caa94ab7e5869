"""Work that the claims of one run share: members of a family are drawn once, their moments found once.

Claims about the same networks differ in what they say of them, not in the networks. Nothing outlives
the block: a run with a changed formula computes everything anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from theory.spec import Network

__all__ = ["of_network", "once", "sharing"]

_T = TypeVar("_T")
_KEPT: ContextVar[dict[Hashable, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Within the block, what `once` computes is kept; a block within a block shares with the outer one."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(key: Hashable, compute: Callable[[], _T]) -> _T:
    """What `compute` gives; inside a block of `sharing` it is asked once for each key.

    >>> with sharing():
    ...     [once("a", lambda: 1), once("a", lambda: 2)]
    [1, 1]
    >>> once("a", lambda: 3)
    3
    """
    kept = _KEPT.get()
    if kept is None:
        return compute()
    if key not in kept:
        kept[key] = compute()
    found: _T = kept[key]
    return found


def of_network(route: Callable[[Network], _T], network: Network) -> _T:
    """`route(network)`, once for this very object, which is kept too, so that no other takes its place."""
    _, found = once((route, id(network)), lambda: (network, route(network)))
    return found
