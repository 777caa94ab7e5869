"""Refuted statements about convolutional nets: exact witnesses, and the same by exhaustive enumeration.

Statements are about E M_d^2/(E M_d)^2 or E M_d/prod alpha, which the scale of the weights leaves alone.
Where inputs are alike at all positions, weights -1, 0, 1 of kurtosis 3 stand in for normal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

from flint import fmpq

from proofs_check.checks.convolutional import enumerated, unscaled
from proofs_check.checks.paired import paired
from proofs_check.checks.witness import pinned
from proofs_check.claim import Claim
from proofs_check.verdict import Evidence, Outcome
from theory.convolutional import Convolutional
from theory.convolutional_lengths import convolutional_moments

__all__ = ["growth_by_groups", "growth_by_positions", "mean_with_borders"]

_Shape: TypeAlias = Mapping[str, Any]
_Bound: TypeAlias = Callable[[Convolutional], fmpq]

_ALIKE: dict[str, Any] = {"channels": [2, 2, 1], "kernel": 3, "positions": 3}
_APART: dict[str, Any] = {"channels": [2, 2], "kernel": 2, "positions": 2, "groups": 2, "input": [1, 1, 0, 0]}
_BORDERS: dict[str, Any] = {"channels": [1, 1, 1], "kernel": 3, "positions": 5, "padding": "zero"}


def growth_by_positions(claim: Claim) -> list[Evidence]:
    """Ones: E M_d^2/(E M_d)^2 is prod(1 + 5/c_j), far above prod(1 + 5/(P c_j))."""
    slowed: _Bound = lambda net: _growth(net, lambda j: fmpq(5, prod(net.positions)))  # noqa: E731
    return _above(claim, _ALIKE, slowed, lambda net: _growth(net, lambda j: fmpq(5)))


def growth_by_groups(claim: Claim) -> list[Evidence]:
    """An input in one of G groups: 1 + 5 G/c, above 1 + 5/c."""
    alone: _Bound = lambda net: _growth(net, lambda j: fmpq(5))  # noqa: E731
    return _above(claim, _APART, alone, lambda net: _growth(net, lambda j: fmpq(5 * net.groups[j])))


def mean_with_borders(claim: Claim) -> list[Evidence]:
    """Ones and a border of zeros: E M_d is below M_0 prod alpha; around a circle it is not."""
    lost = _mean_left(Convolutional(**_BORDERS))
    around = {**_BORDERS, "padding": "circular"}
    detail = f"{_named(_BORDERS)}: E M_2 = {lost} M_0, not M_0"
    counted = unscaled(_BORDERS, 1), unscaled(around, 1)
    again, kept = (enumerated(net)[0] / _alphas(net) for net in counted)
    noticed = _mean_left(Convolutional(**around)) == 1
    return [
        *_witness(claim, detail, lost != 1, noticed, "no witness around a circle"),
        *paired("replay", again == lost, "sign weights, counted: the same share", kept == 1, "the circle"),
    ]


def _above(claim: Claim, shape: _Shape, claimed: _Bound, true: _Bound) -> list[Evidence]:
    """A claimed bound on E M_d^2/(E M_d)^2 that a normal net exceeds, and its enumerated stand-in too."""
    network, counted = Convolutional(**shape), unscaled(shape, 3)
    moments = convolutional_moments(network)
    assert moments.second is not None
    ratio = moments.second[-1].lower / moments.means[-1] ** 2
    mean, second = enumerated(counted)
    again = second / mean**2
    detail = f"{_named(shape)}: E M_d^2/(E M_d)^2 = {ratio}, not <= {claimed(network)}"
    fails, kept = bool(ratio > claimed(network)), bool(ratio <= true(network))
    return [
        *_witness(claim, detail, fails, kept, "no witness against the true bound"),
        *paired(
            "replay",
            again > claimed(counted) and bool(again == ratio),
            "weights of kurtosis 3, counted: the same ratio",
            again <= true(counted),
            "the true bound",
        ),
    ]


def _witness(claim: Claim, detail: str, fails: bool, noticed: bool, planted: str) -> list[Evidence]:
    outcome = pinned(claim, detail) if fails else Outcome.FAILED
    mutant = Outcome.REJECTED if noticed else Outcome.ACCEPTED
    return [
        Evidence("witness", outcome, detail),
        Evidence("witness", mutant, planted, {}, is_mutant=True),
    ]


def _growth(network: Convolutional, rate: Callable[[int], fmpq]) -> fmpq:
    return prod((1 + rate(j) / c for j, c in enumerate(network.channels[1:])), start=fmpq(1))


def _mean_left(network: Convolutional) -> Any:
    return convolutional_moments(network).means[-1]


def _alphas(network: Convolutional) -> Any:
    return prod((layer.mean_factor for layer in network.layers), start=fmpq(1))


def _named(shape: _Shape) -> str:
    channels: Sequence[int] = shape["channels"]
    parts = [f"channels {','.join(map(str, channels))}", f"kernel {shape['kernel']}"]
    parts.append(f"{shape['positions']} positions")
    parts += [f"{key} {shape[key]}" for key in ("groups", "padding") if key in shape]
    return ", ".join(parts)
