"""The door of a spec: every value a user gives is checked here, once, or refused with one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, TypeAlias, TypeVar

from flint import fmpq

from theory.activations import Activation
from theory.errors import SpecError
from theory.rationals import RationalLike, rational
from theory.reals import ExactReal, Real

__all__ = [
    "MAX_DEPTH",
    "MAX_WIDTH",
    "GainLike",
    "bias_variance_of",
    "checked_input",
    "checked_widths",
    "per_layer",
    "variance_gains",
]

MAX_DEPTH = 100_000
MAX_WIDTH = 10**12
_MAX_INPUT = 10**7

T = TypeVar("T")
GainLike: TypeAlias = "RationalLike | Real"


def checked_widths(widths: Iterable[int]) -> tuple[int, ...]:
    checked: list[int] = []
    for width in _sequence(widths, "widths is a sequence of whole numbers such as [784, 100, 10]"):
        if len(checked) > MAX_DEPTH:
            raise SpecError(f"more than {MAX_DEPTH:,} layers; the depth limit is {MAX_DEPTH:,}")
        checked.append(_checked_width(width, len(checked)))
    if len(checked) < 2:
        raise SpecError(
            "widths needs the input width and at least one layer, such as 784,10; "
            f"got {len(checked)} number(s)"
        )
    return tuple(checked)


def _sequence(values: Any, expected: str) -> Iterable[Any]:
    """The values, if they have an order; text and mappings are other things."""
    if isinstance(values, (str, bytes, Mapping, Set)) or getattr(values, "ndim", 1) != 1:
        raise SpecError(f"{expected}, not {type(values).__name__}")
    if not isinstance(values, Iterable):
        raise SpecError(f"{expected}, not {type(values).__name__}")
    return values


def _checked_width(width: object, index: int) -> int:
    if isinstance(width, bool) or not hasattr(width, "__index__"):
        kind = f"{width!r:.40} ({type(width).__name__})"
        raise SpecError(f"width n_{index} must be a whole number (an int) of at least 1, not {kind}")
    value = int(width.__index__())
    if not 1 <= value <= MAX_WIDTH:
        shown = f"{value:,}" if abs(value) < 10**30 else "one of more than 30 digits"
        raise SpecError(f"width n_{index} must be from 1 to {MAX_WIDTH:,}, not {shown}")
    return value


def per_layer(value: Any, depth: int, read: Callable[[Any], T], what: str) -> tuple[T, ...]:
    """One value for all layers, read once, or one per layer."""
    if not isinstance(value, (list, tuple)):
        return (read(value),) * depth
    if len(value) != depth:
        raise SpecError(
            f"{what} is given for {len(value)} layers, but the net has {depth}; give one value or {depth}"
        )
    return tuple(map(read, value))


def variance_gains(value: Any, depth: int, hidden: Activation, last: Activation) -> tuple[ExactReal, ...]:
    if value is None:
        return (*(hidden.critical_variance_gain,) * (depth - 1), last.critical_variance_gain)
    return per_layer(value, depth, _variance_gain, "the variance gain")


def _variance_gain(value: GainLike) -> ExactReal:
    if isinstance(value, Real):
        return value
    exact = rational(value, "the variance gain")
    if exact <= 0:
        raise SpecError(f"the variance gain must be positive, not {exact}; it is 2 for He, 1 for LeCun")
    return exact


def bias_variance_of(value: RationalLike) -> fmpq:
    exact = rational(value, "the bias variance")
    if exact < 0:
        raise SpecError(f"the bias variance must be at least 0, not {exact}")
    return exact


def checked_input(values: Iterable[RationalLike], fan_in: int) -> tuple[fmpq, ...]:
    exact: list[fmpq] = []
    for value in _sequence(values, "the input is a sequence of numbers such as [1, -2, 0.5]"):
        if len(exact) == _MAX_INPUT:
            raise SpecError(f"the input has more than {_MAX_INPUT:,} coordinates")
        exact.append(rational(value, f"input coordinate {len(exact) + 1}"))
    if len(exact) != fan_in:
        raise SpecError(f"the input has {len(exact)} coordinates, but n_0 = {fan_in}; give {fan_in} numbers")
    return tuple(exact)
