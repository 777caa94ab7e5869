"""The shape of a proof object: checked at the door, so that rules meet only what they expect.

A list or an object, the list of steps among them, has 1,000 entries at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ProofError", "checked_proof"]

FORMAT = "actlen-proof/1"
_MAX_ITEMS = 1_000

# Keys of each judgement beside "judgement" and "given".
KEYS: Mapping[str, frozenset[str]] = {
    "layer": frozenset({"target", "coefficients"}),
    "sum": frozenset({"term"}),
    "product": frozenset({"order", "factor"}),
    "bound": frozenset({"order", "relation", "factors"}),
    "permutation": frozenset({"order"}),
    "middle_layers": frozenset({"weight"}),
    "bias_bound": frozenset({"factors"}),
    "exponential": frozenset({"order", "relation", "rates"}),
    "width_one": frozenset({"order", "factor"}),
    "universality": frozenset({"centre", "deviation", "spread"}),
    "variance_bound": frozenset({"relation", "factors"}),
    "quarter_bound": frozenset({"square"}),
    "attainment": frozenset({"difference", "equal_at"}),
    "continuum": frozenset({"integrand", "second", "primitive"}),
    "limit": frozenset({"assumes", "says"}),
    "root": frozenset({"factor"}),
    "rare_biases": frozenset({"base"}),
    "overshoot": frozenset({"excess"}),
    "likely": frozenset({"threshold", "chance"}),
    "zero": frozenset({"assumes", "per_neuron"}),
    "equal_widths_sum": frozenset({"term"}),
    "equal_widths_product": frozenset({"order"}),
    "channel_spread": frozenset({"factor"}),
    "pair_covariance": frozenset({"coefficients"}),
    "pair_kernel": frozenset({"kernel", "assumes"}),
    "convolution_means": frozenset({"padding", "factor"}),
    "convolution_mean": frozenset({"padding", "factor"}),
    "convolution_bound": frozenset({"padding", "relation", "factors", "assumes"}),
    "twin": frozenset({"kurtosis"}),
    "twin_growth": frozenset({"order", "factor"}),
    "sphere": frozenset({"order", "factor"}),
    "orthogonal_product": frozenset({"order", "factor", "divisor"}),
    "orthogonal_below": frozenset({"order", "relation"}),
    "orthogonal_grows": frozenset({"order", "excess", "divisor"}),
    "block": frozenset({"order", "terms"}),
    "block_product": frozenset({"order", "factor", "branch"}),
    "block_bound": frozenset({"order", "relation", "factor", "spreads", "branches"}),
    "block_growth": frozenset({"rate"}),
    "bent_block": frozenset({"growth", "cross", "rise"}),
    "bent_constant": frozenset({"square"}),
    "bent_bound": frozenset({"relation", "factor", "constant"}),
    "bent_mean": frozenset({"factor", "assumes"}),
    "bent_single": frozenset({"factor"}),
    "bent_falling": frozenset({"factor"}),
    "bent_norm": frozenset({"order", "factors"}),
    "mask": frozenset({"positive", "negative", "zero", "assumes"}),
    "jacobian_law": frozenset({"assumes"}),
    "jacobian_product": frozenset({"order", "factor", "assumes"}),
    "reversed_law": frozenset({"assumes"}),
    "delta_product": frozenset({"order", "factor", "assumes"}),
    "weight_product": frozenset({"order", "factor", "assumes"}),
    "gradient_balance": frozenset({"factor", "assumes"}),
    "gradient_spread": frozenset({"order", "factor", "assumes"}),
    "ratio_law": frozenset({"assumes"}),
    "expected_number": frozenset({"count", "assumes"}),
    "random_input": frozenset({"chance", "assumes"}),
}


# Keys whose value is one text, wherever they occur.
_TEXTS = (
    *("term", "factor", "relation", "centre", "deviation", "square"),
    *("integrand", "second", "primitive", "difference", "equal_at"),
    *("padding", "kernel", "kurtosis", "divisor"),
    *("branch", "rate", "growth", "cross", "rise", "constant"),
    *("positive", "negative", "zero", "count"),
)


class ProofError(ValueError):
    """A proof, or a step of one, that does not hold."""


def require(condition: bool, complaint: str) -> None:
    """Raise `ProofError` unless the condition holds."""
    if not condition:
        raise ProofError(complaint)


def checked_proof(proof: Any) -> list[Mapping[str, Any]]:
    """The steps of a well-formed proof; `ProofError` names what is malformed."""
    _keys(proof, {"format", "steps", "conclusions"}, "the proof")
    require(proof["format"] == FORMAT, f"unknown proof format; this kernel reads {FORMAT}")
    steps: list[Mapping[str, Any]] = _list(proof["steps"], dict, "steps")
    for number, step in enumerate(steps):
        _step(step, number)
    conclusions = _list(proof["conclusions"], int, "conclusions")
    require(all(0 <= i < len(steps) for i in conclusions), "a conclusion that is no step")
    require(conclusions != [], "the proof concludes nothing")
    return steps


def _step(step: Any, number: int) -> None:
    where = f"step {number}"
    keys = {"rule", "from", "widths", "concludes", "theorem", "discharges"}
    require({"rule", "concludes"} <= set(step) <= keys, f"{where}: keys")
    _text(step.get("theorem", ""), f"{where}: theorem")
    for items in _object(step.get("discharges", {}), where).values():
        numbers_or_names = type(items) is list and all(type(item) in (int, str) for item in items)
        require(numbers_or_names, f"{where}: discharges are lists of steps and assumptions")
    require(type(step["rule"]) is str, f"{where}: the rule is named by text")
    for source in _list(step.get("from", []), int, f"{where}: from"):
        require(0 <= source < number, f"{where}: rests on a step that does not come before it")
    for pair in _list(step.get("widths", []), list, f"{where}: widths"):
        require(len(_list(pair, int, f"{where}: widths")) == 2, f"{where}: widths are pairs")
    _judgement(step["concludes"], where)


def _judgement(claim: Any, where: str) -> None:
    require(type(claim) is dict and type(claim.get("judgement")) is str, f"{where}: no judgement")
    require(claim["judgement"] in KEYS, f"{where}: unknown judgement")
    _keys(claim, KEYS[claim["judgement"]] | {"judgement", "given"}, where)
    _keys(claim["given"], {"weights", "biases", "gain", "halves"}, f"{where}: given")
    for key in ("weights", "biases", "halves"):
        _list(claim["given"][key], str, f"{where}: {key}")
    _text(claim["given"]["gain"], f"{where}: gain")
    for key in _TEXTS:
        _text(claim.get(key, ""), f"{where}: {key}")
    require(type(claim.get("order", 1)) is int, f"{where}: the order is a whole number")
    for key in ("says", "base", "excess", "threshold", "chance", "per_neuron"):
        _text(claim.get(key, ""), f"{where}: {key}")
    for key in ("weight", "spread", "assumes"):
        _list(claim.get(key, []), str, f"{where}: {key}")
    for key in ("factors", "rates", "spreads", "branches"):
        for texts in _object(claim.get(key, {}), where).values():
            _list(texts, str, f"{where}: {key}")
    for key in ("coefficients", "terms"):
        for partition, text in _object(claim.get(key, {}), where).items():
            _text(partition, f"{where}: partition")
            _text(text, f"{where}: coefficient")
    if "target" in claim:
        _target(claim["target"], where)


def _target(target: Any, where: str) -> None:
    require(type(target) is dict and len(target) == 1, f"{where}: a target is one object with one key")
    if "length" in target:
        require(type(target["length"]) is int, f"{where}: the target's length is a whole number")
        return
    parts = _list(target.get("augmented"), int, f"{where}: the target")
    require(parts != [] and all(part >= 1 for part in parts), f"{where}: the target is a partition")
    require(parts == sorted(parts, reverse=True), f"{where}: the target's parts must decrease")


def _keys(value: Any, keys: set[str] | frozenset[str], where: str) -> None:
    require(type(value) is dict and set(value) == keys, f"{where}: keys must be {', '.join(sorted(keys))}")


def _list(value: Any, kind: type, where: str) -> list[Any]:
    require(type(value) is list and len(value) <= _MAX_ITEMS, f"{where}: no list of at most {_MAX_ITEMS}")
    require(all(type(item) is kind for item in value), f"{where}: wrong kind of item")
    result: list[Any] = value
    return result


def _object(value: Any, where: str) -> dict[Any, Any]:
    require(type(value) is dict and len(value) <= _MAX_ITEMS, f"{where}: no object of at most {_MAX_ITEMS}")
    result: dict[Any, Any] = value
    return result


def _text(value: Any, where: str) -> None:
    require(type(value) is str, f"{where}: not text")
