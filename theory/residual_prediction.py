"""predict(Residual): exact moments where the branch's output is linear, proved bounds where it is bent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from theory.bounded_failure_modes import bounded_failure_modes
from theory.empirical_variance import affine_empirical_variance
from theory.failure_modes import Thresholds, failure_modes
from theory.laws import Normal, independent_law
from theory.prediction import LayerPrediction, Prediction
from theory.readings.residual import check_order, length_moments, moments_close
from theory.reals import Number, number
from theory.residual import Block, Residual
from theory.residual_bounds import (
    block_factors,
    infinite_width,
    moment_bounds,
    pair_bounds,
    product_bounds,
)
from theory.residual_branch import branch_numbers
from theory.values import Bounded, Enclosed, Exact, as_value, shortened

__all__ = ["assemble", "check_order"]


def assemble(network: Residual, order: int, longest_bits: int | None, thresholds: Thresholds) -> Prediction:
    """The record of a residual net whose order `check_order` has accepted."""
    if moments_close(network):
        return _exact(network, order, longest_bits, thresholds)
    for law in network.weights:
        independent_law(law, "a branch with bent output")
    return _bounded(network, order, longest_bits, thresholds)


def _exact(network: Residual, order: int, longest: int | None, limits: Thresholds) -> Prediction:
    reachable = network.has_finite_moments(2)
    rows = length_moments(network, max(order, 2) if reachable else order, longest_bits=longest)
    means = [row[0] for row in rows]
    seconds = [row[1] for row in rows] if reachable else None
    additions = [_mean_factor(block) * block.scale_squared for block in network.blocks]
    spread = None
    if seconds is not None:
        steps = [(1 + addition, fmpq(0)) for addition in additions]
        spread = as_value(affine_empirical_variance(steps, means[1:], seconds[1:], longest_bits=longest))
    layers = [
        _layer(network, l, tuple(map(as_value, row[:order])), _variance(row) if reachable else None)
        for l, row in enumerate(rows)
    ]
    return Prediction(
        network=network,
        order=order,
        kurtosis=_kurtosis(network),
        layers=tuple(layers),
        second_moment_bounds=None,
        empirical_variance=spread,
        failure_modes=failure_modes(means, seconds, limits),
        details={
            "branch_output": network.branch_output,
            "criterion": {
                "term": "alpha_l eta_l^2",
                "terms": [as_value(addition) for addition in additions],
                "sum": as_value(_total(additions, longest)),
                "meaning": "E M_L = M_0 prod (1 + term): it stays bounded, as blocks are added to a non-zero "
                "input, if and only if this sum converges; E M_L <= M_0 exp(sum)",
            },
        },
    )


def _bounded(network: Residual, order: int, longest: int | None, limits: Thresholds) -> Prediction:
    reachable = network.has_finite_moments(2)
    rows = moment_bounds(network, max(order, 2) if reachable else order)
    means = [row[0] for row in rows]
    seconds = [row[1] for row in rows] if reachable else None
    layers = [_layer(network, 0, tuple(as_value(m.lower) for m in rows[0][:order]), _start(reachable))]
    layers += [_layer(network, l, tuple(row[:order]), None) for l, row in enumerate(rows[1:], start=1)]
    return Prediction(
        network=network,
        order=order,
        kurtosis=_kurtosis(network),
        layers=tuple(layers),
        second_moment_bounds=None,
        empirical_variance=None,
        failure_modes=bounded_failure_modes(means, seconds, limits, block_factors(network)),
        details=_bent_details(network, longest),
    )


def _bent_details(network: Residual, longest: int | None) -> dict[str, Any]:
    branches = branch_numbers(network)
    normal = all(isinstance(law, Normal) for law in network.weights)
    lower, upper = (
        [_bent_term(block, *numbers) for block, numbers in zip(network.blocks, pairs, strict=True)]
        for pairs in ([(b.cross[side], b.mean_factor) for b in branches] for side in (0, 1))
    )
    details: dict[str, Any] = {
        "branch_output": network.branch_output,
        "criterion": {
            "term": "c_l eta_l + alpha_l eta_l^2",
            "terms": [_between(low, high, normal) for low, high in zip(lower, upper, strict=True)],
            "sum": _between(_total(lower, longest), _total(upper, longest), normal),
            "meaning": "E M_L stays bounded, as blocks are added to a non-zero input, "
            + ("if and only if" if normal else "if")
            + " this sum converges; E M_L <= M_0 exp(2 sum)",
        },
        "c": [_between(*b.cross, normal) for b in branches],
        "mean_bounds": product_bounds(network)[-1],
        "pair_bounds": pair_bounds(network)[-1],
    }
    if normal:
        m, s = infinite_width(network)[-1]
        about = "the limit as trunk and modules widen, no bound"
        details["infinite_width"] = {"what": about, "length": as_value(m), "mean": as_value(s)}
    return details


def _bent_term(block: Block, cross: Number, mean_factor: Number) -> Number:
    return cross * number(block.scale) + mean_factor * block.scale_squared


def _between(low: Number, high: Number, equal: bool) -> Exact | Enclosed | Bounded:
    return as_value(high) if equal else Bounded(low, high)


def _total(terms: Sequence[Number], longest: int | None) -> Number:
    total: Number = fmpq(0)
    for term in terms:
        total = shortened(total + term, longest)
    return total


def _mean_factor(block: Block) -> Number:
    """alpha in E|N(x)|^2 = alpha |x|^2."""
    result: Number = fmpq(1)
    for layer in block.layers:
        result = result * layer.mean_factor
    return result


def _layer(
    network: Residual,
    index: int,
    moments: tuple[Exact | Enclosed | Bounded, ...],
    variance: Exact | Enclosed | None,
) -> LayerPrediction:
    return LayerPrediction(index=index, width=network.width, moments=moments, variance=variance)


def _variance(row: Sequence[Number]) -> Exact | Enclosed:
    return as_value(row[1] - row[0] ** 2)


def _start(reachable: bool) -> Exact | None:
    return Exact(fmpq(0)) if reachable else None


def _kurtosis(network: Residual) -> Exact | Enclosed | None:
    laws = set(network.weights)
    alike = network.has_finite_moments(2) and len(laws) == 1
    # Entries of an orthogonal matrix have a kurtosis that depends on its shape.
    return as_value(laws.pop().kurtosis) if alike and all(law.independent for law in laws) else None
