"""Whole numbers on the command line, refused in our own words."""

from __future__ import annotations

import re

from theory.errors import SpecError
from theory.rationals import rational
from theory.reals import as_float

__all__ = ["real_number", "whole_number"]


def whole_number(text: str, option: str) -> int:
    """The whole number in the text of an option.

    >>> whole_number("12", "--order")
    12
    """
    if re.fullmatch(r"[+-]?[0-9]{1,20}", text.strip()) is None:
        raise SpecError(f"{option} must be a whole number, not {text[:40]!r}")
    return int(text)


def real_number(text: str, option: str) -> float:
    """The number in the text of an option, written as 0.01, 1e-2 or 1/100.

    >>> real_number("1/100", "--rel-error")
    0.01
    """
    return as_float(rational(text, option))
