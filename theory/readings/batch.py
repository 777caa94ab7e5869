"""The recursion read for many architectures at once, in floating point and in the log domain.

Arrays run over architectures; the input of each is all ones (M_0 = 1). Since nothing is ever
subtracted, every operation loses at most one rounding, so the relative error is bounded by
counting operations; in the log domain exp(1000) is a number like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.activations import Activation, ActivationLike, as_activation
from theory.door import MAX_WIDTH, GainLike
from theory.errors import SpecError
from theory.fans import checked_mode
from theory.laws import Law, LawLike, as_law, independent_law
from theory.orthogonal import Orthogonal, sphere_factor
from theory.rationals import RationalLike, rational
from theory.readings.logarithmic import LogArray
from theory.reals import ExactReal, Number, Real, as_float, number
from theory.recursion import (
    LawNumbers,
    MomentRecursion,
    SemiringElement,
    ShapeNumbers,
    check_order_range,
    moment_recursion,
)
from theory.values import as_value

__all__ = ["BatchMoments", "batch_length_moments"]

S = TypeVar("S", bound=SemiringElement)
Widths = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

_UNIT_ROUNDOFF = 2.0**-53
_TINY = 1e-280


@dataclass(frozen=True)
class BatchMoments:
    """E M_d^k of many architectures.

    `moments` and `logs` have shape (architectures, order); a moment beyond the range of normal floats
    is inf or inexact there and finite in `logs`. `relative_error` bounds the rounding error of the other
    `moments`; it is larger where some row had to be read by logarithms.
    """

    moments: Floats
    logs: Floats
    relative_error: float


@dataclass(frozen=True)
class _Arithmetic(Generic[S]):
    """How a reading lifts one rational, and one array of positive floats."""

    scalar: Callable[[Number | int], S]
    array: Callable[[Floats], S]


@dataclass(frozen=True)
class _Family:
    """What all architectures of a batch share."""

    weights: Law
    variance_gain: ExactReal
    mode: str
    bias_weights: Law
    bias_variance: fmpq
    activation: Activation


def batch_length_moments(
    widths: Widths,
    order: int = 2,
    *,
    weights: LawLike = "normal",
    variance_gain: GainLike | None = None,
    mode: str = "fan_in",
    bias_weights: LawLike = "normal",
    bias_variance: RationalLike = 0,
    activation: ActivationLike = "relu",
    logarithmic: bool = False,
) -> BatchMoments:
    """E M_d^k, k = 1..order, for every row n_0, ..., n_d of `widths`, input all ones.

    >>> batch_length_moments(np.array([[10, 10, 20], [3, 4, 5]])).moments[:, 1]
    array([1.875, 4.5  ])
    """
    phi = as_activation(activation)
    gain: ExactReal = phi.critical_variance_gain
    if variance_gain is not None:
        gain = variance_gain if isinstance(variance_gain, Real) else rational(variance_gain)
    bias = independent_law(bias_weights, "a bias")
    family = _Family(as_law(weights), gain, mode, bias, rational(bias_variance), phi)
    checked = _checked(widths, order, family)
    recursion = moment_recursion(order, family.bias_variance != 0)
    if logarithmic:
        return _logarithmic(checked, family, recursion)
    outside = np.zeros(len(checked), dtype=bool)

    def watch(state: list[Any]) -> None:
        """Note the rows in which a number came near the end of the range of floats."""
        for component in state:
            np.logical_or(outside, (component > 0) & (component < _TINY), out=outside)

    arithmetic = _Arithmetic[Any](_as_float, lambda x: x)
    with np.errstate(all="ignore"):
        moments = _stack(_run(checked, family, recursion, arithmetic, watch), len(checked))
        logs = np.log(moments)
    outside |= ~((moments > _TINY) & np.isfinite(moments)).all(axis=1)
    error = _relative_error(recursion, checked.shape[1] - 1)
    if outside.any():
        again = _logarithmic(checked[outside], family, recursion)
        moments[outside], logs[outside] = again.moments, again.logs
        error = max(error, again.relative_error)
    return BatchMoments(moments, logs, error)


def _logarithmic(widths: Widths, family: _Family, recursion: MomentRecursion) -> BatchMoments:
    arithmetic = _Arithmetic[LogArray](_log_of, LogArray.of)
    furthest = 0.0

    def watch(state: list[LogArray]) -> None:
        """Note how far from 0 the logarithms get."""
        nonlocal furthest
        for component in state:
            far = np.abs(component.log)
            furthest = float(np.max(far, where=far < np.inf, initial=furthest))

    columns = _run(widths, family, recursion, arithmetic, watch)
    logs = _stack([column.log for column in columns], len(widths))
    with np.errstate(over="ignore"):
        return BatchMoments(np.exp(logs), logs, _log_error(recursion, widths.shape[1] - 1, furthest))


def _as_float(value: Number | int) -> float:
    return float(value) if isinstance(value, int) else as_float(value)


def _log_of(value: Number | int) -> LogArray:
    """The logarithm of a rational, also where the rational itself is no float."""
    log = as_value(fmpq(value) if isinstance(value, int) else value).log
    return LogArray(np.float64(-np.inf if log is None else log))


def _checked(widths: Widths, order: int, family: _Family) -> Widths:
    try:
        table = np.asarray(widths)
    except ValueError:
        raise SpecError("widths has rows of different lengths; batch architectures of one depth") from None
    if table.ndim != 2 or table.shape[1] < 2 or not np.issubdtype(table.dtype, np.integer):
        raise SpecError("widths must be a whole-number array of shape (architectures, depth + 1), depth >= 1")
    if table.size and not 1 <= table.min() <= table.max() <= MAX_WIDTH:
        raise SpecError(f"every width must be from 1 to {MAX_WIDTH:,}")
    check_order_range(order)
    checked_mode(family.mode)
    if number(family.variance_gain) <= 0 or family.bias_variance < 0:
        raise SpecError("the variance gain must be positive and the bias variance at least 0")
    return table


def _run(
    widths: Widths,
    family: _Family,
    recursion: MomentRecursion,
    arithmetic: _Arithmetic[S],
    watch: Callable[[list[S]], None] = lambda state: None,
) -> list[S]:
    """The moments after the last layer, one element per order; `watch` sees every state."""
    lift = arithmetic.scalar
    weights = [lift(family.weights.independent_moment(l)) for l in recursion.powers]
    biases = []
    if recursion.has_bias:
        bias, variance = family.bias_weights, family.bias_variance
        biases = [lift(bias.even_moment(l) * variance**l) for l in recursion.powers]
    law_rows = recursion.law_rows(LawNumbers(lift, weights, biases))
    shapes = _shapes(widths, family, recursion, arithmetic)
    start = _ones_state(widths[:, 0], recursion, arithmetic)
    states = recursion.run((recursion.matrix(law_rows, s) for s in shapes), start)
    last: list[S] = []
    for state in states:
        watch(state)
        last = state
    return recursion.length_moments(last, lift)


def _shapes(
    widths: Widths, family: _Family, recursion: MomentRecursion, arithmetic: _Arithmetic[S]
) -> Iterator[ShapeNumbers[S]]:
    lift = arithmetic.scalar
    halves = [lift(family.activation.even_moment_factor(l)) for l in recursion.powers]
    for j in range(1, widths.shape[1]):
        fan_in, n = widths[:, j - 1].astype(np.float64), widths[:, j].astype(np.float64)
        gain = lift(number(family.variance_gain))
        ratio = fan_in / _fans(family.mode, fan_in, n)
        yield ShapeNumbers(
            one=lift(1),
            reciprocal=arithmetic.array(1.0 / n),
            falling=_falling(n, recursion.order, arithmetic),
            gain=gain if family.mode == "fan_in" else gain * arithmetic.array(ratio),
            half_moments=halves,
            ratios=_ratios(family.weights, np.maximum(fan_in, n), recursion.order, arithmetic),
        )


def _ratios(law: Law, side: Floats, order: int, arithmetic: _Arithmetic[S]) -> list[S] | None:
    """ratio_0, ..., ratio_order of orthogonal weights, None for independent ones."""
    if not isinstance(law, Orthogonal):
        return None
    ratios = [arithmetic.scalar(1)]
    for i in range(order):
        ratios.append(ratios[-1] * arithmetic.array(sphere_factor(i, side)))
    return ratios


def _fans(mode: str, fan_in: Floats, fan_out: Floats) -> Floats:
    if mode == "none":
        return np.ones_like(fan_in)
    return {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "fan_avg": (fan_in + fan_out) / 2,
        "fan_geo_avg": np.sqrt(fan_in * fan_out),
        "fan_max": np.maximum(fan_in, fan_out),
    }[mode]


def _falling(n: Floats, order: int, arithmetic: _Arithmetic[S]) -> list[S]:
    return [arithmetic.array(np.maximum(n - i, 0.0) / n) for i in range(order)]


def _ones_state(n: Widths, recursion: MomentRecursion, arithmetic: _Arithmetic[S]) -> list[S]:
    width = n.astype(np.float64)
    one = arithmetic.scalar(1)
    shape = ShapeNumbers(
        one=one,
        reciprocal=arithmetic.array(1.0 / width),
        falling=_falling(width, recursion.order, arithmetic),
        gain=one,
        half_moments=[one for _ in recursion.powers],
    )
    return [shape.width_factor(p) for p in recursion.partitions]


def _stack(columns: list[Any], count: int) -> Floats:
    return np.stack([np.broadcast_to(c, (count,)) for c in columns], axis=1)


def _roundings_per_layer(recursion: MomentRecursion) -> int:
    """Operations on the longest path through one layer, lifts included.

    A product takes, for every degree, at most 5.5 roundings for the gain (with a root), 2 for the ratio,
    2 for laws and half moments and 2 for the width, each factor with its multiplication; and 6 besides.
    """
    longest_row = max(len(row) for row in recursion.terms.values())
    longest_entry = max(len(e) for row in recursion.terms.values() for e in row.values())
    return longest_row + longest_entry + 12 * recursion.order + 8


def _relative_error(recursion: MomentRecursion, depth: int) -> float:
    count = _roundings_per_layer(recursion) * (depth + 2)
    return count * _UNIT_ROUNDOFF / (1 - count * _UNIT_ROUNDOFF)


def _log_error(recursion: MomentRecursion, depth: int, furthest: float) -> float:
    """Each operation on logarithms loses one rounding of a number no larger than the largest.

    The factors of a layer lie between two states: they are at most twice as far from 0, and 40 for each
    degree besides, for the widths and the laws.
    """
    largest = 2 * furthest + 40.0 * recursion.order
    return float(np.expm1(_relative_error(recursion, depth) * largest))
