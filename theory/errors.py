"""Errors that a user meets: one line saying what happened, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["SpecError", "unknown_name"]


class SpecError(ValueError):
    """A network, law or option that cannot be accepted; the message is one helpful line."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> SpecError:
    """The error for a name that does not exist, offering the nearest known one.

    >>> print(unknown_name("activation", "rellu", ["relu", "abs"]))
    unknown activation 'rellu'; did you mean 'relu'? (known: relu, abs)
    """
    names = list(known)
    near = next(iter(get_close_matches(name.lower(), names, cutoff=0.5)), "")
    hint = f"; did you mean {near!r}?" if near else ""
    shown = name if len(name) <= 40 else name[:40] + "..."
    return SpecError(f"unknown {kind} {shown!r}{hint} (known: {', '.join(names)})")
