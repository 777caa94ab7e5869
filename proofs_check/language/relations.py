"""The relations of the language, decided on exact or enclosed numbers only where that is certain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flint import fmpq

from theory.reals import Number as Value

__all__ = ["decided"]

_DECIDE: dict[str, Callable[[Value], bool]] = {
    "==": lambda difference: bool(difference == 0),
    "!=": lambda difference: bool(difference != 0),
    "<=": lambda difference: bool(difference <= 0),
    ">=": lambda difference: bool(difference >= 0),
    "<": lambda difference: bool(difference < 0),
    ">": lambda difference: bool(difference > 0),
}
_OPPOSITE = {"==": "!=", "!=": "==", "<=": ">", ">": "<=", ">=": "<", "<": ">="}


def decided(
    sides: Sequence[Value], relations: Sequence[str], equal: Sequence[bool | None] | None = None
) -> bool | None:
    """Whether a chain holds, None where balls overlap; `equal` marks neighbours known to be equal.

    >>> decided([fmpq(1), fmpq(2), fmpq(2)], ["<", "<"])
    False
    """
    verdicts: list[bool | None] = []
    for i, relation in enumerate(relations):
        tie = equal is not None and equal[i]
        difference = fmpq(0) if tie else sides[i] - sides[i + 1]
        if _DECIDE[relation](difference):
            verdicts.append(True)
        else:
            verdicts.append(False if _DECIDE[_OPPOSITE[relation]](difference) else None)
    if False in verdicts:
        return False
    return None if None in verdicts else True
