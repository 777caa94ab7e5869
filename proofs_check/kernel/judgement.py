"""What rules share: reading judgements, and what a conclusion may and may not change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from math import factorial
from typing import Any, TypeAlias

from proofs_check.kernel.expansion import LayerModel
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = [
    "Judgement",
    "assumed_variables",
    "conclusion_of",
    "layer_model",
    "length_coefficients",
    "nonzero_coefficients",
    "read_partition",
    "same_assumptions",
    "shared_order",
]

Judgement: TypeAlias = Mapping[str, Any]

_ASSUMED = re.compile(r"[mbc]\d+|g")


def conclusion_of(step: Mapping[str, Any], kind: str) -> Judgement:
    """What the step concludes, which must be of this kind."""
    claim: Judgement = step["concludes"]
    require(claim["judgement"] == kind, f"this rule concludes a judgement of kind {kind}")
    return claim


def assumed_variables(given: Mapping[str, Any]) -> set[str]:
    texts = [*given["weights"], *given["biases"], given["gain"], *given["halves"]]
    found = {name for text in texts for name in Polynomial.of(text).variables()}
    require(all(_ASSUMED.fullmatch(name) for name in found), "an assumption uses an unknown variable")
    return found


def layer_model(claim: Judgement) -> LayerModel:
    given = claim["given"]
    lists = {
        name: [Polynomial.of(1), *(Polynomial.of(text) for text in given[name])]
        for name in ("weights", "biases", "halves")
    }
    require(lists["weights"][1] == Polynomial.of(1), "weights are standardised: E w^2 = 1")
    return LayerModel(lists["weights"], lists["biases"], Polynomial.of(given["gain"]), lists["halves"])


def length_coefficients(order: int) -> dict[tuple[int, ...], int]:
    """(sum_i x_i)^order as a combination of augmented moments."""
    result = {}
    for parts in _partitions(order, order):
        ways = factorial(order)
        for part in parts:
            ways //= factorial(part)
        for repeat in Counter(parts).values():
            ways //= factorial(repeat)
        result[parts] = ways
    return result


def _partitions(total: int, largest: int) -> list[tuple[int, ...]]:
    if total == 0:
        return [()]
    parts = range(min(total, largest), 0, -1)
    return [(part, *rest) for part in parts for rest in _partitions(total - part, part)]


def shared_order(layer: Judgement, claim: Judgement) -> int:
    require(layer["judgement"] == "layer", "the premise must be a layer judgement")
    require(layer["target"] == {"length": claim["order"]}, "the orders differ")
    return int(claim["order"])


def nonzero_coefficients(layer: Judgement) -> dict[tuple[int, ...], Polynomial]:
    read = {read_partition(p): Polynomial.of(text) for p, text in layer["coefficients"].items()}
    return {p: c for p, c in read.items() if c.terms}


def read_partition(text: str) -> tuple[int, ...]:
    parts = tuple(int(part) for part in text.split(",")) if text else ()
    decreasing = parts == tuple(sorted(parts, reverse=True)) and all(part > 0 for part in parts)
    require(decreasing and text == ",".join(map(str, parts)), f"not a partition: {text[:40]!r}")
    return parts


def same_assumptions(claim: Judgement, premise: Judgement) -> None:
    require(claim["given"] == premise["given"], "the conclusion changes the assumptions")
