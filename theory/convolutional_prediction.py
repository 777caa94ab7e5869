"""predict for convolutional nets: exact means, second moments exact or between bounds."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from math import prod
from typing import Any

from theory.bounded_failure_modes import bounded_failure_modes
from theory.convolutional import Convolutional
from theory.convolutional_lengths import ConvolutionalMoments, convolutional_moments
from theory.convolutional_means import check_effort, loses_mass, position_means
from theory.convolutional_twin import distinct_positions, fully_connected_twin
from theory.errors import SpecError
from theory.failure_modes import FailureModes, Thresholds, failure_modes
from theory.prediction import LayerPrediction, Prediction, fully_connected_prediction
from theory.readings import exact
from theory.reals import Number
from theory.recursion import check_order_range
from theory.spec import folded
from theory.values import Bounded, Enclosed, Exact, as_value, larger, smaller

__all__ = ["assemble", "check_order"]

_MOST_LISTED = 64


def check_order(network: Convolutional, order: int) -> None:
    """Refuse orders above 2, unless the net is a fully connected one in disguise, and infinite moments.

    >>> check_order(Convolutional([1, 4], kernel=3, positions=5), 4)          # ones: all positions alike
    >>> check_order(Convolutional([1, 4], kernel=3, positions=5, padding="zero"), 3)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    theory.errors.SpecError: order 3 of a convolutional net is known only with circular padding, ...
    """
    check_order_range(order)
    network.activation.even_moment_factor(1)
    twin = fully_connected_twin(network)
    if twin is not None:
        exact.check_order(twin, order)
        return
    if order > 2:
        raise SpecError(
            f"order {order} of a convolutional net is known only with circular padding, one group and an "
            "input that is the same at all positions; else take --order 2"
        )
    if order == 2 and not network.has_finite_moments(2):
        law = next(law for law in network.weights if not law.has_moment(2))
        raise SpecError(
            f"order 2 needs the moment of order 4 of the weight law {law.name}, which is infinite; "
            "the largest order that works is --order 1"
        )
    check_effort(network)


def assemble(
    network: Convolutional, order: int, longest_bits: int | None, thresholds: Thresholds
) -> Prediction:
    """The record of `predict`; numbers that are only bounded are `Bounded`, their variance None."""
    twin = fully_connected_twin(network)
    if twin is not None:
        return _disguised(network, fully_connected_prediction(twin, order, longest_bits, thresholds))
    found = convolutional_moments(network, longest_bits=longest_bits)
    rows = (LayerPrediction(j, n, *_moments(found, j, order)) for j, n in enumerate(network.widths))
    spread = None if found.empirical_variance is None else found.empirical_variance.value()
    return Prediction(
        network=network,
        order=order,
        kurtosis=_kurtosis(network),
        layers=tuple(rows),
        second_moment_bounds=None,
        empirical_variance=None if isinstance(spread, Bounded) else spread,
        failure_modes=_failure_modes(found, thresholds),
        details=_shape(network) | _bounds(found, spread) | _by_position(network, longest_bits),
    )


def _failure_modes(found: ConvolutionalMoments, thresholds: Thresholds) -> FailureModes:
    """FM1 from exact means; FM2 as far as the bounds on E M_j^2 decide it."""
    exact = failure_modes(found.means, None, thresholds)
    if found.second is None:
        return exact
    if all(q.is_known for q in found.second):
        return failure_modes(found.means, [q.lower for q in found.second], thresholds)
    means = [Bounded(mean, mean) for mean in found.means]
    seconds = [Bounded(q.lower, q.upper) for q in found.second]
    return replace(exact, fm2=bounded_failure_modes(means, seconds, thresholds, ()).fm2)


def _disguised(network: Convolutional, found: Prediction) -> Prediction:
    layers = (replace(row, width=n) for row, n in zip(found.layers, network.widths, strict=True))
    details = _shape(network) | {"fully_connected_twin": list(network.channels)}
    return replace(found, network=network, kurtosis=_kurtosis(network), layers=tuple(layers), details=details)


def _kurtosis(network: Convolutional) -> Exact | Enclosed | None:
    laws = set(network.weights)
    law = laws.pop()
    return None if laws or not law.has_moment(2) else as_value(law.kurtosis)


def _moments(
    found: ConvolutionalMoments, j: int, order: int
) -> tuple[tuple[Exact | Enclosed | Bounded, ...], Exact | Enclosed | None]:
    """Moments and variance of layer j."""
    mean = found.means[j]
    if found.second is None:
        return (as_value(mean),), None
    second = found.second[j]
    variance = as_value(second.lower - mean**2) if second.is_known else None
    return (as_value(mean), second.value())[:order], variance


def _shape(network: Convolutional) -> dict[str, Any]:
    return {
        "padding": network.padding,
        "groups": folded(list(network.groups)),
        "distinct_positions": distinct_positions(network),
    }


def _bounds(found: ConvolutionalMoments, spread: Exact | Enclosed | Bounded | None) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if found.spreads is not None:
        details["spreads"] = folded([between.value() for between in found.spreads])
    if isinstance(spread, Bounded):
        details["empirical_variance"] = spread
    return details


def _by_position(network: Convolutional, longest_bits: int | None) -> dict[str, Any]:
    """E of the mean square over channels at the positions of the last layer, where they differ."""
    if not loses_mass(network):
        return {}
    *_, last = position_means(network, longest_bits=longest_bits)
    grid = last.by_position()
    if prod(grid.shape) <= _MOST_LISTED:
        return {"per_position_mean": _values(grid.tolist())}
    entries: list[Number] = grid.ravel().tolist()
    corner, centre = entries[0], grid[tuple(size // 2 for size in grid.shape)]
    low, high = reduce(smaller, entries), reduce(larger, entries)
    named = {"corner": corner, "centre": centre, "minimum": low, "maximum": high}
    return {"per_position_mean": {name: as_value(u) for name, u in named.items()}}


def _values(entries: Any) -> Any:
    return [_values(inner) for inner in entries] if isinstance(entries, list) else as_value(entries)
