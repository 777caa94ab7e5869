"""Polynomial text of the kernel, spelled in the statement language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from proofs_check.kernel.polynomial import Polynomial

__all__ = ["choice", "spelled"]


def spelled(text: str, names: Mapping[str, str], width: str) -> str:
    """The text with u as a division by `width`, ^ as **, and variables under their names.

    >>> spelled("1 - 2*u*m4", {"m4": "kappa"}, "n[j]")
    '1-2*kappa/n[j]'
    """
    Polynomial.of(text)
    signed = re.split(r"( [+-] )", text)
    return "".join(p.strip() if p.startswith(" ") else _monomial(p, names, width) for p in signed)


def choice(factors: Mapping[str, Sequence[str]], names: Mapping[str, str], width: str) -> str:
    """{"max": [...]} as max(...), {"min": [...]} as min(...)."""
    ((kind, texts),) = factors.items()
    return f"{kind}({', '.join(spelled(text, names, width) for text in texts)})"


def _monomial(text: str, names: Mapping[str, str], width: str) -> str:
    sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
    above, below = [], ""
    for factor in body.split("*"):
        name, _, power = factor.partition("^")
        if name == "u":
            below = f"/{width}" + (f"**{power}" if power else "")
        else:
            above.append(names.get(name, name) + (f"**{power}" if power else ""))
    return sign + ("*".join(above) or "1") + below
