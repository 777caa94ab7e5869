"""Whole numbers on the command line, refused in our own words."""

from __future__ import annotations

import re

from theory.errors import SpecError

__all__ = ["whole_number"]


def whole_number(text: str, option: str) -> int:
    """The whole number in the text of an option.

    >>> whole_number("12", "--order")
    12
    """
    if re.fullmatch(r"[+-]?[0-9]{1,20}", text.strip()) is None:
        raise SpecError(f"{option} must be a whole number, not {text[:40]!r}")
    return int(text)
