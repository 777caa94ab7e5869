"""What the exact law accepts: every refusal is one line that says what there is instead."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from theory.errors import SpecError
from theory.laws import Normal
from theory.network import FullyConnected, Layer
from theory.stirling import Floats

__all__ = [
    "MAX_WIDTH",
    "absolute_error_of",
    "checked_layers",
    "checked_whole",
    "points_of",
    "probabilities_of",
]

MAX_WIDTH = 100_000
_SMALLEST_ERROR, _LARGEST_ERROR = 1e-13, 1e-2
_INSTEAD = "predict gives exact moments, simulate draws samples"


def checked_layers(network: object, layer: object) -> tuple[Layer, ...]:
    """Layers 1 to `layer` (None: all) of a net whose exact law is known, or `SpecError`."""
    if not isinstance(network, FullyConnected):
        kind = type(network).__name__
        raise SpecError(f"the exact law is known for fully connected nets only, not for {kind}; {_INSTEAD}")
    last = network.depth if layer is None else checked_whole(layer, "the layer", 1, network.depth)
    layers = network.layers[:last]
    for each in layers:
        _check(each)
    return layers


def _check(layer: Layer) -> None:
    where = f"layer {layer.index}"
    if not isinstance(layer.weights, Normal):
        raise SpecError(
            f"{where} has {layer.weights.name} weights; the exact law is known for normal weights; {_INSTEAD}"
        )
    if layer.bias_variance != 0:
        raise SpecError(
            f"{where} has a bias, so the length is no product of independent factors; "
            f"set bias_variance=0, or: {_INSTEAD}"
        )
    if layer.width > MAX_WIDTH:
        raise SpecError(
            f"{where} has width {layer.width:,}; the exact law works to width {MAX_WIDTH:,}; {_INSTEAD}"
        )


def checked_whole(value: object, what: str, lowest: int, highest: int) -> int:
    """A whole number in a range."""
    whole = not isinstance(value, bool) and hasattr(value, "__index__")
    if not whole or not lowest <= int(value.__index__()) <= highest:  # type: ignore[attr-defined]
        raise SpecError(f"{what} must be a whole number from {lowest:,} to {highest:,}, not {value!r:.60}")
    return int(value.__index__())  # type: ignore[attr-defined]


def absolute_error_of(value: object) -> float:
    """The requested absolute error of the distribution function."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpecError(f"the absolute error must be a number such as 1e-10, not {value!r:.60}")
    if not _SMALLEST_ERROR <= value <= _LARGEST_ERROR:
        raise SpecError(
            f"the absolute error must be from {_SMALLEST_ERROR:g} to {_LARGEST_ERROR:g}, not {value:g}"
        )
    return float(value)


def points_of(values: ArrayLike, what: str = "the points") -> Floats:
    """An array of floats."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SpecError(f"{what} must be numbers, not {values!r:.60}") from None


def probabilities_of(values: ArrayLike) -> Floats:
    """An array of numbers from 0 to 1."""
    found = points_of(values, "probabilities")
    bad = found[~((found >= 0) & (found <= 1))]
    if bad.size:
        shown = "not a number" if math.isnan(bad[0]) else f"{bad[0]:g}"
        raise SpecError(f"a probability must be from 0 to 1, and one of them is {shown}")
    return found
