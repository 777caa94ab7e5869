"""What all tables share: a console of at most 80 columns, numbers in about eight characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console

__all__ = ["console", "number", "shown_layers"]

T = TypeVar("T")
_SHOWN_LAYERS = 24
_WIDTH = 80


def console() -> Console:
    """80 columns at most, also in a pipe; no highlighting of numbers."""
    made = Console(highlight=False)
    made.width = min(made.width, _WIDTH) if made.is_terminal else _WIDTH
    return made


def number(value: float | None, log: float | None) -> str:
    """A value in about eight characters; beyond the range of floats, as a power of e.

    >>> number(1 / 3, -1.0986), number(None, 921.034), number(0.0, -2000.0), number(0.0, None)
    ('0.33333', 'e^921.034', 'e^-2000', '0')
    >>> number(None, math.inf)
    'inf'
    """
    if log == math.inf:
        return "inf"
    if value is None or math.isinf(value) or (value == 0.0 and log is not None and math.isfinite(log)):
        return f"e^{log:.6g}"
    return f"{value:.5g}"


def shown_layers(layers: Sequence[T]) -> list[T | None]:
    """The layers, of a deep net the first and last ones with None between."""
    if len(layers) <= _SHOWN_LAYERS:
        return list(layers)
    half = _SHOWN_LAYERS // 2
    return [*layers[:half], None, *layers[-half:]]
