"""Proof objects about limits and equal widths (THEORY.md sections 3 and 10.9). Nothing here is trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from proofs_check.kernel.check import FORMAT
from proofs_check.kernel.limit_rules import THEOREMS, UNBOUNDED

__all__ = ["PROOFS"]

_Object: TypeAlias = dict[str, Any]

_HALVES = ["1/2", "1/2"]
_ANY = {"weights": ["1", "m4"], "biases": ["0", "0"], "gain": "2", "halves": _HALVES}
_ANY_BIASED = {"weights": ["1"], "biases": ["b2"], "gain": "2", "halves": _HALVES}
_ANY_UNBIASED = {**_ANY_BIASED, "biases": ["0"]}
_NORMAL = {**_ANY, "weights": ["1", "3"]}
_NORMAL_BIASED = {**_NORMAL, "biases": ["b2", "b4"]}


def converging_proof() -> _Object:
    """eq. 4, "if": summable bias variances, any laws."""
    steps = _mean_steps(_ANY_BIASED, "1/2*b2")
    discharges = {
        "adapted": ["nested_net"],
        "integrable": [1],
        "submartingale": [0],
        "bounded_mean": [1, "summable_biases"],
    }
    return _proof([*steps, _cite("doob", [0, 1], discharges, _ANY_BIASED)])


def rare_biases_proof() -> _Object:
    """eq. 4, "only if", fails: the lengths converge although E M_d = M_0 + d/2."""
    given = {**_ANY_BIASED, "biases": ["1"]}
    rare = _step("rare_biases", [], _judgement("rare_biases", given, base="1/2"))
    few = _cite("borel_cantelli_1", [2], {"summable_chances": [2]}, given)
    discharges = {"adapted": ["nested_net"], "few_biases": [3], "martingale": [4]}
    limit = _cite("martingale_from_some_layer_on", [3, 4], discharges, given)
    return _proof([*_mean_steps(given, "1/2"), rare, few, _layer(_ANY_UNBIASED), limit], [1, 2, 5])


def diverging_proof() -> _Object:
    """eq. 4, "only if", normal weights and biases: divergent bias variances."""
    given = _NORMAL_BIASED
    factor = "1 + 5*u"
    steps = [
        _layer(given, "1/2*b2"),
        _step("gamma_overshoot", [], _judgement("overshoot", given, excess="4")),
        _layer(_NORMAL),
        _square(_NORMAL, factor, factor),
        _step("iterate", [3], _judgement("product", _NORMAL, order=2, factor=factor)),
        _step("paley_zygmund", [2, 4], _judgement("likely", given, threshold="1/2", chance="1/24")),
    ]
    normal = ["normal_weights", "normal_biases"]
    bounded = {
        "adapted": ["nested_net"],
        "factors": normal,
        "increments": [0],
        "overshoot": [1],
        "bounded_steps": ["bounded_bias_variances"],
        "divergence": ["divergent_biases"],
    }
    unbounded = {
        "independent": ["nested_net"],
        "factors": normal,
        "chances": [5],
        "growing_biases": ["unbounded_bias_variances"],
    }
    steps.append(_cite("optional_stopping", [0, 1], bounded, given))
    steps.append(_cite("borel_cantelli_2", [5], unbounded, given))
    assumes = ["divergent_biases", "nested_net", "normal_biases", "normal_weights"]
    steps.append(_step("either", [6, 7], _judgement("limit", given, assumes=assumes, says=UNBOUNDED)))
    return _proof(steps, [1, 5, 8])


def vanishing_proof() -> _Object:
    """The dichotomy's one side: sum 1/n_j = infinity, any law of finite variance."""
    root = _step("mask_root", [0], _judgement("root", _ANY_UNBIASED, factor="1 - 1/8*u"))
    discharges = {
        "adapted": ["nested_net"],
        "supermartingale": [1],
        "vanishing_mean": [1, "divergent_widths"],
    }
    limit = _cite("fatou_supermartingale", [1], discharges, _ANY_UNBIASED)
    return _proof([_layer(_ANY_UNBIASED), root, limit], [1, 2])


def square_integrable_proof() -> _Object:
    """The other side: sum 1/n_j < infinity and bounded kurtosis, Theorem 5's upper bound."""
    all_equal, one = "1 + 5*u", "1 - u + 2*u*m4"
    factors = {"max": [all_equal, one]}
    bound = _judgement("bound", _ANY, order=2, relation="<=", factors=factors)
    discharges = {
        "adapted": ["nested_net"],
        "martingale": [0],
        "bounded_square": [2, "bounded_kurtosis", "summable_widths"],
    }
    steps = [_layer(_ANY), _square(_ANY, all_equal, one), _step("coefficient_bound", [1], bound)]
    return _proof([*steps, _cite("l2_martingale", [0, 2], discharges, _ANY)])


def zero_proof() -> _Object:
    """P(M_d = 0), any law without atoms."""
    zero = _judgement("zero", _ANY_UNBIASED, assumes=["atomless_weights"], per_neuron="1/2")
    return _proof([_layer(_ANY_UNBIASED), _step("dying", [0], zero)])


def equal_widths_proof() -> _Object:
    """Given total width, the most equal widths minimise sum 1/n_j and the normal E M_d^2."""
    factor = "1 + 5*u"
    steps = [
        _square(_NORMAL, factor, factor),
        _step("iterate", [0], _judgement("product", _NORMAL, order=2, factor=factor)),
        _step("exchange_sum", [], _judgement("equal_widths_sum", _NORMAL, term="u")),
        _step("exchange_product", [1], _judgement("equal_widths_product", _NORMAL, order=2)),
    ]
    return _proof(steps, [1, 2, 3])


PROOFS: dict[str, Callable[[], _Object]] = {
    "eq4-if": converging_proof,
    "eq4-only-if-general": rare_biases_proof,
    "eq4-only-if-normal": diverging_proof,
    "dichotomy-vanishing": vanishing_proof,
    "dichotomy-converging": square_integrable_proof,
    "dichotomy-normal-zero": zero_proof,
    "equal-widths-normal": equal_widths_proof,
}


def _proof(steps: list[_Object], conclusions: list[int] | None = None) -> _Object:
    return {"format": FORMAT, "steps": steps, "conclusions": conclusions or [len(steps) - 1]}


def _step(rule: str, sources: list[int], concludes: _Object) -> _Object:
    return {"rule": rule, "from": sources, "concludes": concludes}


def _judgement(kind: str, given: _Object, **content: Any) -> _Object:
    return {"judgement": kind, "given": given, **content}


def _layer(given: _Object, constant: str | None = None) -> _Object:
    """E[M_j | a_{j-1}] = M_{j-1} + constant."""
    coefficients = {"1": "1"} if constant is None else {"": constant, "1": "1"}
    conclusion = _judgement("layer", given, target={"length": 1}, coefficients=coefficients)
    return {"rule": "width_identity", "widths": [[1, 1]], "concludes": conclusion}


def _square(given: _Object, all_equal: str, one: str) -> _Object:
    """E[M_j^2 | a_{j-1}], no bias."""
    coefficients = {"1,1": all_equal, "2": one}
    conclusion = _judgement("layer", given, target={"length": 2}, coefficients=coefficients)
    return {"rule": "width_identity", "widths": [[2, 1], [2, 2]], "concludes": conclusion}


def _mean_steps(given: _Object, constant: str) -> list[_Object]:
    telescoped = _step("telescope", [0], _judgement("sum", given, term=constant))
    return [_layer(given, constant), telescoped]


def _cite(name: str, sources: list[int], discharges: _Object, given: _Object) -> _Object:
    assumes = sorted({item for items in discharges.values() for item in items if isinstance(item, str)})
    limit = _judgement("limit", given, assumes=assumes, says=THEOREMS[name].says)
    return {**_step("cite", sources, limit), "theorem": name, "discharges": discharges}
