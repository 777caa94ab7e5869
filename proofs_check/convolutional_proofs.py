"""Proof objects about convolutional nets and orthogonal weights (docs/theory.md). Nothing here is trusted."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

from proofs_check.kernel.check import FORMAT

__all__ = ["PROOFS"]

_Object: TypeAlias = dict[str, Any]

_MEAN = {"weights": ["1"], "biases": ["0"], "gain": "g", "halves": ["c1"]}
_RELU = {"weights": ["1", "m4"], "biases": ["0", "0"], "gain": "2", "halves": ["1/2", "1/2"]}
_NORMAL_RELU = {**_RELU, "weights": ["1", "3"]}
_NORMAL = {"weights": ["1", "3"], "biases": ["0", "0"], "gain": "g", "halves": ["c1", "c2"]}
_FACTORS = ["1 + 5*u", "1 - u + 2*u*m4"]
_KERNEL = "2*r^2 + 6*b*i*r*s + 2*b*i*a + 4*b*i*r^2*a"

# E (chi^2_N/N)^k, and E M_j^k / M_{j-1}^k for ReLU and normal weights, in 1/N and 1/n_j.
_RADII = {1: "1", 2: "1 + 2*u", 3: "1 + 6*u + 8*u^2", 4: "1 + 12*u + 44*u^2 + 48*u^3"}
_GROWTHS = {2: "1 + 5*u", 3: "1 + 15*u + 44*u^2"}


def mean_proof() -> _Object:
    """E M_d = M_0 prod alpha around a circle, any law, any groups."""
    means = _judgement("convolution_means", _MEAN, padding="circular", factor="g*c1")
    whole = _judgement("convolution_mean", _MEAN, padding="circular", factor="g*c1")
    circle = {**_step("around_the_circle", [1], whole), "widths": [[3, 3], [5, 2], [6, 4]]}
    return _proof([_mean_layer(_MEAN, "g*c1"), _step("window_means", [0], means), circle])


def zero_padding_proof() -> _Object:
    """The means position by position, with a border of zeros."""
    means = _judgement("convolution_means", _MEAN, padding="zero", factor="g*c1")
    return _proof([_mean_layer(_MEAN, "g*c1"), _step("window_means", [0], means)])


def upper_proof() -> _Object:
    """Upper bounds: any groups around a circle, one group with zero padding."""
    steps = _ground(_RELU, "<=", "max")
    grouped = {"max": ["1 + 5*u*h", "1 - u*h + 2*u*h*m4"]}
    circular = _bound("circular", "<=", grouped, [])
    zero = _bound("zero", "<=", {"max": _FACTORS}, ["one_group"])
    steps.append(_step("bound_from_above", [1, 3, 5], circular))
    steps.append(_step("bound_from_above", [2, 3, 5], zero))
    return _proof(steps, [6, 7])


def lower_proof() -> _Object:
    """Lower bounds: any groups around a circle, one group with zero padding."""
    steps = [*_ground(_RELU, ">=", "min"), _pair(_RELU, "m4 - 3")]
    factors = {"min": ["1 + 5*u*p", "1 - u*p + 2*u*p*m4"]}
    circular = _bound("circular", ">=", factors, ["one_sign"])
    zero = _bound("zero", ">=", factors, ["one_group", "one_sign"])
    steps.append(_step("bound_from_below", [1, 3, 5, 6], circular))
    steps.append(_step("bound_from_below", [2, 3, 5, 6], zero))
    return _proof(steps, [7, 8])


def pair_proof() -> _Object:
    """The conditional second moment for normal weights and any slopes."""
    kernel = _judgement("pair_kernel", _NORMAL, kernel=_KERNEL, assumes=["normal_weights"])
    steps = [_pair(_NORMAL, "0"), _channels(_NORMAL), _step("price", [1, 0], kernel)]
    return _proof(steps, [1, 2])


def dense_proof() -> _Object:
    """A position-constant input makes a fully connected net."""
    twin = _judgement("twin", _RELU, kurtosis="3 - 3*y + y*m4")
    return _proof([_mean_layer(_RELU, "1"), _step("summed_weights", [], twin)])


def position_free_proof() -> _Object:
    """Normal weights: with such an input E M_d^2 grows as for one position, whatever P."""
    twin = _judgement("twin", _NORMAL_RELU, kurtosis="3")
    growth = _judgement("twin_growth", _NORMAL_RELU, order=2, factor="1 + 5*u")
    steps = [_layer(2, "1 + 5*u", _NORMAL_RELU), _product(0, 2, "1 + 5*u", _NORMAL_RELU)]
    steps += [_step("summed_weights", [], twin), _step("twin_product", [2, 1], growth)]
    return _proof(steps, [3])


def ratio_proof() -> _Object:
    """The factor between normal and orthogonal weights, orders 1 to 4."""
    steps: list[_Object] = []
    for order in _RADII:
        steps += _sphere(order, len(steps))
    return _proof(steps, [i for i, step in enumerate(steps) if step["rule"] == "polar"])


def smaller_proof() -> _Object:
    """E M_d^2 and E M_d^3 of ReLU nets are below those of normal weights."""
    steps: list[_Object] = []
    for order in _GROWTHS:
        steps += _orthogonal(order, len(steps))
        below = _judgement("orthogonal_below", _given(order, relu=True), order=order, relation="<")
        steps.append(_step("below_normal", [len(steps) - 1], below))
    return _proof(steps, [i for i, step in enumerate(steps) if step["rule"] == "below_normal"])


def growth_proof() -> _Object:
    """E M_j^2 still grows by at least 1 + 3/(n_j + 2) in every layer."""
    steps = _orthogonal(2, 0)
    content = {"order": 2, "excess": "3*u", "divisor": "1 + 2*w"}
    grows = _judgement("orthogonal_grows", _given(2, relu=True), **content)
    return _proof([*steps, _step("above_one", [len(steps) - 1], grows)], [len(steps) - 1, len(steps)])


PROOFS: dict[str, Callable[[], _Object]] = {
    "conv-mean": mean_proof,
    "conv-mean-zero": zero_padding_proof,
    "conv-upper": upper_proof,
    "conv-lower": lower_proof,
    "conv-pair-kernel": pair_proof,
    "conv-is-dense": dense_proof,
    "conv-position-free-growth": position_free_proof,
    "orthogonal-ratio": ratio_proof,
    "orthogonal-smaller-spread": smaller_proof,
    "orthogonal-grows": growth_proof,
}


def _ground(given: _Object, relation: str, kind: str) -> list[_Object]:
    """Steps 0 to 5: means around a circle and with borders, channels, the bound of Theorem 5."""
    means = [
        _step("window_means", [0], _judgement("convolution_means", given, padding=padding, factor="1"))
        for padding in ("circular", "zero")
    ]
    bound = _judgement("bound", given, order=2, relation=relation, factors={kind: _FACTORS})
    square = _layer(2, _FACTORS[0], given, one=_FACTORS[1])
    bounded = _step("coefficient_bound", [4], bound)
    return [_mean_layer(given, "1"), *means, _channels(given), square, bounded]


def _channels(given: _Object) -> _Object:
    step = _step("channel_identity", [], _judgement("channel_spread", given, factor="u"))
    return {**step, "widths": [[2, k] for k in (1, 2, 3)]}


def _pair(given: _Object, fourth: str) -> _Object:
    coefficients = {"square": "2", "fourth": fourth}
    return _step("pair_identity", [], _judgement("pair_covariance", given, coefficients=coefficients))


def _bound(padding: str, relation: str, factors: _Object, assumes: list[str]) -> _Object:
    content = {"padding": padding, "relation": relation, "factors": factors, "assumes": assumes}
    return _judgement("convolution_bound", _RELU, **content)


def _sphere(order: int, first: int) -> list[_Object]:
    """Three steps: a linear layer of N normal neurons, its product, the sphere."""
    given, radius = _given(order, relu=False), _RADII[order]
    sphere = _judgement("sphere", given, order=order, factor=radius.replace("u", "w"))
    steps = [_layer(order, radius, given), _product(first, order, radius, given)]
    return [*steps, _step("polar", [first + 1], sphere)]


def _orthogonal(order: int, first: int) -> list[_Object]:
    """Six steps that end in the product of orthogonal ReLU layers."""
    given, growth = _given(order, relu=True), _GROWTHS[order]
    steps = [_layer(order, growth, given), _product(first, order, growth, given)]
    steps += _sphere(order, first + 2)
    content = {"order": order, "factor": growth, "divisor": _RADII[order].replace("u", "w")}
    product = _judgement("orthogonal_product", given, **content)
    return [*steps, _step("orthogonal_growth", [first + 1, first + 4], product)]


def _given(order: int, *, relu: bool) -> _Object:
    """Normal weights, no bias; ReLU at gain 2 or linear at gain 1."""
    moments = [str(prod(range(1, 2 * l, 2))) for l in range(1, order + 1)]
    gain, half = ("2", "1/2") if relu else ("1", "1")
    return {"weights": moments, "biases": ["0"] * order, "gain": gain, "halves": [half] * order}


def _mean_layer(given: _Object, factor: str) -> _Object:
    return _identity(given, 1, {"1": factor}, [[1, 1]])


def _layer(order: int, factor: str, given: _Object, one: str | None = None) -> _Object:
    """E[M_j^k | a_{j-1}] = factor M_{j-1}^k, unless `one` belongs to A_2."""
    coefficients = {text: _multiple(ways, factor) for text, ways in _PARTITIONS[order].items()}
    if one is not None:
        coefficients["2"] = one
    return _identity(given, order, coefficients, [[order, n] for n in range(1, order + 1)])


# M^k = sum of ways A_parts.
_PARTITIONS = {
    1: {"1": 1},
    2: {"1,1": 1, "2": 1},
    3: {"1,1,1": 1, "2,1": 3, "3": 1},
    4: {"1,1,1,1": 1, "2,1,1": 6, "2,2": 3, "3,1": 4, "4": 1},
}


def _multiple(ways: int, factor: str) -> str:
    return factor if ways == 1 else " + ".join(f"{ways}*{term}" for term in factor.split(" + "))


def _product(layer: int, order: int, factor: str, given: _Object) -> _Object:
    return _step("iterate", [layer], _judgement("product", given, order=order, factor=factor))


def _identity(given: _Object, order: int, coefficients: _Object, widths: list[list[int]]) -> _Object:
    conclusion = _judgement("layer", given, target={"length": order}, coefficients=coefficients)
    return {"rule": "width_identity", "widths": widths, "concludes": conclusion}


def _proof(steps: list[_Object], conclusions: list[int] | None = None) -> _Object:
    return {"format": FORMAT, "steps": steps, "conclusions": conclusions or [len(steps) - 1]}


def _step(rule: str, sources: list[int], concludes: _Object) -> _Object:
    return {"rule": rule, "from": sources, "concludes": concludes}


def _judgement(kind: str, given: _Object, **content: Any) -> _Object:
    return {"judgement": kind, "given": given, **content}
