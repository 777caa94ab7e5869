"""Proof objects about gradients, data sets and random inputs (THEORY.md 7, 8). Nothing here is trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from proofs_check.kernel.check import FORMAT

__all__ = ["PROOFS"]

_Object: TypeAlias = dict[str, Any]

_ANY = {"weights": ["1"], "biases": ["0"], "gain": "g", "halves": ["c1"]}
_SLOPES = {"weights": ["1", "3"], "biases": ["0", "0"], "gain": "g", "halves": ["c1", "c2"]}
_RELU = {**_SLOPES, "halves": ["1/2", "1/2"]}

# E M_j^k / M_{j-1}^k by order: any law, normal weights with any slopes, and with ReLU.
_MEAN = "g*c1"
_SQUARE = "g^2*c1^2 - u*g^2*c1^2 + 3*u*g^2*c2"
_RELU_MEAN = "1/2*g"
_RELU_SQUARE = "1/4*g^2 + 5/4*u*g^2"

_ATOMLESS = ["atomless_weights"]
_MATCHING = ["atomless_weights", "matching_readout"]
_NORMAL = ["normal_weights"]


def any_gain_proof() -> _Object:
    """E M_d as a product over layers, any law, gain and slopes."""
    return _proof(_lengths(_ANY, 1, _MEAN, 0), [1])


def jacobian_proof() -> _Object:
    """|J u|^2 has the law of |a_d|^2 started at u; its mean for any law, its square for normal weights."""
    steps: list[_Object] = []
    for given, order, factor in ((_ANY, 1, _MEAN), (_SLOPES, 2, _SQUARE)):
        first = len(steps)
        steps += [*_lengths(given, order, factor, first), _fair(given, first)]
        steps.append(
            _step("jacobian_signs", [first + 2], _judgement("jacobian_law", given, assumes=_ATOMLESS))
        )
        moments = _moments("jacobian_product", given, order, factor, _ATOMLESS)
        steps.append(_step("jacobian_moments", [first + 3, first + 1], moments))
    return _proof(steps, [3, 4, 9])


def independence_proof() -> _Object:
    """Given a_{j-1} != 0, |delta_j|^2 and |a_{j-1}|^2 are independent: E |dF/dW_j|^2 is a product."""
    return _proof(_mean_backwards(_ANY, _MEAN), [3, 4, 5])


def balance_proof() -> _Object:
    """E |dF/dW_j|^2 Var W_j = E |a_d|^2 in every layer, any law without atoms."""
    balance = _judgement("gradient_balance", _ANY, factor=_MEAN, assumes=_ATOMLESS)
    return _proof([*_mean_backwards(_ANY, _MEAN), _step("balanced", [5], balance)], [5, 6])


def spread_proof() -> _Object:
    """E |dF/dW_j|^4 / (E |dF/dW_j|^2)^2 = prod (1 + 5/n_i) over all layers, ReLU and normal weights."""
    steps = [*_mean_backwards(_RELU, _RELU_MEAN), *_lengths(_RELU, 2, _RELU_SQUARE, 6)]
    steps += _backwards(_RELU, 2, _RELU_SQUARE, _MATCHING, product=7, first=8)
    spread = _moments("gradient_spread", _RELU, 2, "1 + 5*u", _MATCHING)
    return _proof([*steps, _step("spreading", [9, 5], spread)], [9, 10])


def exceedances_proof() -> _Object:
    """Among N inputs N P(M_d/M_0 > t) exceed t times their own length on average, normal weights."""
    number = _judgement("expected_number", _SLOPES, count="k*p", assumes=_NORMAL)
    return _proof([*_ratio(), _step("linearity", [2], number)], [2, 3])


def random_input_proof() -> _Object:
    """A random input changes nothing in the law of M_d/M_0, normal weights."""
    assumes = ["independent_input", *_NORMAL]
    mixed = _judgement("random_input", _SLOPES, chance="p", assumes=assumes)
    return _proof([*_ratio(), _step("mixing", [2], mixed)], [2, 3])


PROOFS: dict[str, Callable[[], _Object]] = {
    "mean-any-gain": any_gain_proof,
    "jacobian-law": jacobian_proof,
    "gradient-independence": independence_proof,
    "gradient-balance": balance_proof,
    "gradient-spread": spread_proof,
    "dataset-exceedances": exceedances_proof,
    "random-input": random_input_proof,
}


def _mean_backwards(given: _Object, factor: str) -> list[_Object]:
    """Six steps: a layer, its product, its signs, the reversed net, means of |delta_j|^2 and |dF/dW_j|^2."""
    law = _step("reversal", [2], _judgement("reversed_law", given, assumes=_ATOMLESS))
    steps = [*_lengths(given, 1, factor, 0), _fair(given, 0), law]
    return [*steps, *_backwards(given, 1, factor, _ATOMLESS, product=1, first=4)]


def _backwards(
    given: _Object, order: int, factor: str, assumes: list[str], *, product: int, first: int
) -> list[_Object]:
    """Steps `first` and the next: moments of |delta_j|^2 and |dF/dW_j|^2, the reversed net being step 3."""
    deltas = _moments("delta_product", given, order, factor, assumes)
    weights = _moments("weight_product", given, order, factor, assumes)
    return [
        _step("delta_moments", [3, product], deltas),
        _step("weight_moments", [3, first, product], weights),
    ]


def _ratio() -> list[_Object]:
    """Three steps: a layer of normal weights, its product, the law of the ratio."""
    law = _judgement("ratio_law", _SLOPES, assumes=_NORMAL)
    return [*_lengths(_SLOPES, 2, _SQUARE, 0), _step("rotation", [1], law)]


def _fair(given: _Object, layer: int) -> _Object:
    chances = {"positive": "1/2", "negative": "1/2", "zero": "0"}
    return _step("fair_signs", [layer], _judgement("mask", given, **chances, assumes=_ATOMLESS))


def _lengths(given: _Object, order: int, factor: str, first: int) -> list[_Object]:
    """Two steps: E[M_j^k | a_{j-1}] = factor M_{j-1}^k, and the product over layers."""
    coefficients = dict.fromkeys({1: ("1",), 2: ("1,1", "2")}[order], factor)
    layer = _judgement("layer", given, target={"length": order}, coefficients=coefficients)
    widths = [[order, n] for n in range(1, order + 1)]
    identity = {"rule": "width_identity", "widths": widths, "concludes": layer}
    return [identity, _step("iterate", [first], _judgement("product", given, order=order, factor=factor))]


def _moments(kind: str, given: _Object, order: int, factor: str, assumes: list[str]) -> _Object:
    return _judgement(kind, given, order=order, factor=factor, assumes=assumes)


def _proof(steps: list[_Object], conclusions: list[int]) -> _Object:
    return {"format": FORMAT, "steps": steps, "conclusions": conclusions}


def _step(rule: str, sources: list[int], concludes: _Object) -> _Object:
    return {"rule": rule, "from": sources, "concludes": concludes}


def _judgement(kind: str, given: _Object, **content: Any) -> _Object:
    return {"judgement": kind, "given": given, **content}
