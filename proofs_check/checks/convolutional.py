"""Convolutional nets against exhaustive enumeration: means by position, bounds on second moments.

Every weight of every kernel takes every value (proofs_check/convolutional_oracle.py). With mode none and
the law's own variance all weights are rational; the statements do not depend on the scale of weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from math import prod

from flint import fmpq

from proofs_check import convolutional_oracle as oracle
from proofs_check.checks.paired import paired
from proofs_check.checks.polynomials import value_at
from proofs_check.claim import Claim
from proofs_check.kernel.judgement import Judgement
from proofs_check.verdict import Evidence
from theory.convolutional import Convolutional
from theory.convolutional_lengths import convolutional_moments
from theory.convolutional_means import position_means
from theory.laws import as_law

__all__ = [
    "LAWS",
    "convolution_bounds",
    "convolution_mean",
    "convolution_zero_means",
    "enumerated",
    "printed_bounds",
    "unscaled",
]

# Laws on -1, 0, 1 of kurtosis 1, 2, 3 and 8.
LAWS = {
    1: "rademacher",
    2: "finite:-1:1/4,0:1/2,1:1/4",
    3: "finite:-1:1/6,0:2/3,1:1/6",
    8: "finite:-1:1/16,0:7/8,1:1/16",
}
_SHAPES: tuple[dict[str, object], ...] = (
    {"channels": [1, 2], "kernel": 2, "positions": 3, "input": [1, 2, 0]},
    {"channels": [1, 1], "kernel": 3, "positions": 3, "input": [3, 1, 1]},
    {"channels": [1, 2, 1], "kernel": 2, "positions": 2},
    {"channels": [1, 1, 1], "kernel": 2, "positions": 3, "input": [1, 0, 0]},
    {"channels": [2, 2], "kernel": 1, "positions": 2, "input": [1, 0, 0, 1]},
    {"channels": [2, 2], "kernel": 2, "positions": 2, "groups": 2, "input": [1, 1, 0, 0]},
    {"channels": [2, 2, 2], "kernel": 1, "positions": 2, "groups": [1, 2], "input": [1, 0, 2, 1]},
    {"channels": [1, 1], "kernel": [1, 2], "positions": [2, 2], "input": [1, 2, 0, 1]},
)
_ABS = {"channels": [1, 2, 1], "kernel": 2, "positions": 2, "input": [1, -2], "activation": "abs"}


def convolution_mean(claim: Claim) -> list[Evidence]:
    """E M_d = M_0 prod alpha around a circle, counted and predicted; with borders of zeros it fails."""
    circular = [*_networks("circular"), unscaled(_ABS, 3)]
    counted = all(enumerated(net)[0] == _product(net) for net in circular)
    predicted = all(convolutional_moments(net).means[-1] == _product(net) for net in circular)
    noticed = any(enumerated(net)[0] != _product(net) for net in _networks("zero"))
    detail = f"E M_d of {len(circular)} nets, groups and images among them"
    return [
        *paired("enumeration", counted, detail, noticed, "a border of zeros in place of the circle"),
        *paired("recursion", predicted, f"printed means of {len(circular)} nets", noticed, "the same border"),
    ]


def convolution_zero_means(claim: Claim) -> list[Evidence]:
    """u_p by the judged recursion, by `theory`, and counted; around a circle it is another."""
    (judgement,) = claim.judgements
    networks = [*_networks("zero"), unscaled({**_ABS, "padding": "zero"}, 2)]
    counted = [oracle.position_means(net) for net in networks]
    judged = [_windows(net, judgement["padding"]) for net in networks]
    circular = [_windows(net, "circular") for net in networks]
    predicted = [list(list(position_means(net))[-1].by_position().flat) for net in networks]
    detail = f"u_p at every position of {len(networks)} nets"
    planted = "the border taken for a circle"
    return [
        *paired("enumeration", counted == judged, detail, counted != circular, planted),
        *paired("recursion", predicted == judged, detail, predicted != circular, planted),
    ]


def convolution_bounds(claim: Claim) -> list[Evidence]:
    """Counted E M_d^2 respects every judged bound, and meets it somewhere; a changed one fails."""
    results = [_respected(j) for j in claim.judgements]
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    planted = [_respected(_replaced(j, old, new)) for j in claim.judgements]
    holds = all(good and met for good, met, _ in results)
    cases = sum(count for _, _, count in results)
    noticed = not all(good for good, _, _ in planted)
    detail = f"{cases} bounds respected, each kind attained"
    return paired("enumeration", holds, detail, noticed, f"{old} changed to {new}")


def printed_bounds(claim: Claim) -> list[Evidence]:
    """What `predict` prints is never worse than the judged bound, and never beyond what is counted."""
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    good = all(_printed(j) for j in claim.judgements)
    noticed = not all(_printed(_replaced(j, old, new)) for j in claim.judgements)
    detail = "printed bounds lie between the judged ones and the counted second moments"
    return paired("printed bound", good, detail, noticed, f"{old} changed to {new}")


def unscaled(shape: Mapping[str, object], kurtosis: int) -> Convolutional:
    """The net whose weights are -1, 0, 1: their variance is the law's own, not divided by a fan."""
    law = as_law(LAWS[kurtosis])
    variance = fmpq(1, kurtosis)
    return Convolutional(**shape, weights=law, mode="none", variance_gain=variance)  # type: ignore[arg-type]


@cache
def enumerated(network: Convolutional) -> tuple[fmpq, fmpq]:
    """E M_d and E M_d^2, counted."""
    law = oracle.path_law(network).items()
    first = sum((p * path[-1] for path, p in law), fmpq(0))
    return first, sum((p * path[-1] ** 2 for path, p in law), fmpq(0))


@cache
def _networks(padding: str) -> tuple[Convolutional, ...]:
    shapes = [{**shape, "padding": padding} for shape in _SHAPES]
    return tuple(unscaled(shape, kurtosis) for kurtosis in LAWS for shape in shapes)


def _product(network: Convolutional) -> fmpq:
    """M_0 prod alpha."""
    values = network.input or (fmpq(1),)
    start = sum((x * x for x in values), fmpq(0)) / len(values)
    return prod((_exact(layer.mean_factor) for layer in network.layers), start=start)


def _windows(network: Convolutional, padding: str) -> list[fmpq]:
    """The judged recursion on a list, in two axes at most, offset by offset."""
    rows, columns = (1, *network.positions)[-2:]
    values = network.input or (fmpq(1),) * (network.channels[0] * rows * columns)
    size = rows * columns
    means = [sum((x * x for x in values[p::size]), fmpq(0)) / network.channels[0] for p in range(size)]
    for layer in network.layers:
        high, wide = (1, *layer.kernel)[-2:]
        offsets = [(t - (high - 1) // 2, u - (wide - 1) // 2) for t in range(high) for u in range(wide)]
        seen = [
            [
                means[(r + t) % rows * columns + (c + u) % columns]
                for t, u in offsets
                if padding == "circular" or (0 <= r + t < rows and 0 <= c + u < columns)
            ]
            for r in range(rows)
            for c in range(columns)
        ]
        means = [_exact(layer.mean_factor) * sum(near, fmpq(0)) / len(offsets) for near in seen]
    return means


def _covered(judgement: Judgement) -> Iterator[Convolutional]:
    """The nets that a judgement is about: inputs of one sign, ReLU; one group where it asks for that."""
    for network in _networks(judgement["padding"]):
        if "one_group" not in judgement["assumes"] or set(network.groups) == {1}:
            yield network


def _respected(judgement: Judgement) -> tuple[bool, bool, int]:
    """Whether all nets respect the bound, whether one meets it, and their number."""
    gaps = []
    for network in _covered(judgement):
        mean, second = enumerated(network)
        gaps.append(_signed(judgement, _judged(judgement, network) * mean**2 - second))
    return all(gap >= 0 for gap in gaps), any(gap == 0 for gap in gaps), len(gaps)


def _printed(judgement: Judgement) -> bool:
    """Judged, printed, counted: in this order, upwards or downwards."""
    for network in _covered(judgement):
        mean, second = enumerated(network)
        moments = convolutional_moments(network).second
        assert moments is not None
        upper = judgement["relation"] == "<="
        shown = _exact(moments[-1].upper if upper else moments[-1].lower)
        judged = _judged(judgement, network) * mean**2
        if _signed(judgement, judged - shown) < 0 or _signed(judgement, shown - second) < 0:
            return False
    return True


def _signed(judgement: Judgement, gap: fmpq) -> fmpq:
    return gap if judgement["relation"] == "<=" else -gap


def _judged(judgement: Judgement, network: Convolutional) -> fmpq:
    """The product of the judged factors."""
    ((choice, texts),) = judgement["factors"].items()
    total = fmpq(1)
    for layer in network.layers:
        given = {
            "u": fmpq(1, layer.channels),
            "h": fmpq(layer.groups),
            "p": fmpq(1, prod(layer.positions)),
            "m4": _exact(layer.weights.kurtosis),
        }
        values = [_exact(value_at(text, given)) for text in texts]
        total *= max(values) if choice == "max" else min(values)
    return total


def _replaced(judgement: Judgement, old: str, new: str) -> Judgement:
    factors = {k: [text.replace(old, new) for text in texts] for k, texts in judgement["factors"].items()}
    return {**judgement, "factors": factors}


def _exact(number: object) -> fmpq:
    assert isinstance(number, fmpq)
    return number
