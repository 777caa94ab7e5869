"""Reading --where: NAME=VALUE pairs, and the values that all kinds of families share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from theory.door import MAX_DEPTH, MAX_WIDTH
from theory.errors import SpecError, unknown_name
from theory.laws import Law, independent_law

__all__ = [
    "ANY_LAW",
    "allowed",
    "depth_range",
    "has_any_input",
    "pairs",
    "weight_laws",
    "whole_range",
    "width_range",
]

ANY_LAW = ("rademacher", "uniform", "normal", "laplace", "finite:-3:1/16,-1:3/16,0:1/2,1:3/16,3:1/16")
# The commas within finite:-1:1/2,1:1/2 come before numbers.
_BETWEEN_LAWS = re.compile(r",(?=\s*[A-Za-z])")
_MAX_WHERE = 10_000
_WHOLE = re.compile(r"[0-9]{1,20}")


def pairs(where: str) -> dict[str, str]:
    """The options as text.

    >>> pairs("weights=any; depth=2..30")
    {'weights': 'any', 'depth': '2..30'}
    """
    if len(where) > _MAX_WHERE:
        raise SpecError(f"--where has more than {_MAX_WHERE:,} characters, the limit")
    found: dict[str, str] = {}
    for item in filter(None, (piece.strip() for piece in where.split(";"))):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not value:
            raise SpecError(f"--where takes NAME=VALUE pairs joined by ';', not {item!r:.80}")
        if name in found:
            raise SpecError(
                f"--where sets {name:.40} twice" if name.isidentifier() else "--where sets a name twice"
            )
        found[name] = value
    return found


def allowed(given: Mapping[str, str], options: Sequence[str], foreign: Sequence[str], kind: str) -> None:
    """Refuse options of other kinds of networks, and unknown ones."""
    for name in given:
        if name not in options and name in foreign:
            raise SpecError(f"{name} says nothing about {kind} nets; leave it out, or set network=...")
        if name not in options:
            raise unknown_name("family option", name, options)


def weight_laws(text: str) -> tuple[Law, ...] | None:
    """The laws named, or None for any symmetric law."""
    if text == "any":
        return None
    return tuple(independent_law(name, "a statement") for name in _BETWEEN_LAWS.split(text))


def width_range(text: str | None) -> tuple[int, int]:
    """A range of widths, all of them where nothing is said."""
    return whole_range(text or f"1..{MAX_WIDTH}", "widths")


def depth_range(text: str | None) -> tuple[int, int]:
    """A range of depths."""
    return whole_range(text or f"1..{MAX_DEPTH}", "depth")


def has_any_input(text: str | None) -> bool:
    """Whether every non-zero input is meant, not ones alone."""
    source = text or "any"
    if source not in {"any", "ones"}:
        raise unknown_name("input family", source, ("any", "ones"))
    return source == "any"


def whole_range(text: str, what: str) -> tuple[int, int]:
    """1..64, or one number.

    >>> whole_range("2..30", "depth"), whole_range("7", "widths")
    ((2, 30), (7, 7))
    """
    first, dots, last = text.partition("..")
    if not (_WHOLE.fullmatch(first) and (_WHOLE.fullmatch(last) if dots else True)):
        raise SpecError(f"{what} is a range such as 1..64 or one number, not {text!r}")
    low, high = int(first), int(last) if dots else int(first)
    if not 1 <= low <= high:
        raise SpecError(f"{what} is a range with 1 <= low <= high, not {text!r}")
    return low, high
