"""Proof objects about residual nets of growing depth (THEORY.md section 5). Nothing here is trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofs_check.residual_steps import (
    ANY,
    Object,
    bent,
    bent_bound,
    cite,
    judgement,
    linear_mean,
    proof,
    second_bound,
    step,
)

__all__ = ["PROOFS"]


def linear_criterion_proof() -> Object:
    """Bounded E M_L and E M_L^2, linear output."""
    discharges: dict[str, list[Any]] = {"product": [7, "bounded_kurtosis", "bounded_modules"], "means": [8]}
    return proof(
        [
            *linear_mean(ANY),
            *second_bound("<=", start=4),
            cite("infinite_product", [3], {"product": [3]}),
            cite("second_moments", [7, 8], discharges),
        ],
        [8, 9],
    )


def bent_criterion_proof() -> Object:
    """Bounded E M_L, ReLU output, normal weights."""
    needed: dict[str, list[Any]] = {"lower": [5], "constants": [3], "cross": [9]}
    steps = [
        *bent(ANY),
        bent_bound("<=", "c"),
        bent_bound(">=", "c"),
        cite("exponential_bound", [4], {"bound": [4]}),
        cite("telescoping_means", [2], {"steps": [2], "constant": ["normal_weights"]}),
        cite("positive_entry", [2], {"steps": [2], "unbounded": ["normal_weights"]}),
        cite("bounded_below", [7, 8], {"weighted": [7], "floor": [8]}, ["normal_weights"]),
        cite("product_of_squares", [5, 3, 9], needed, ["normal_weights"]),
        cite("both_ways", [6, 10], {"if": [6], "only_if": [10]}, ["normal_weights"]),
    ]
    return proof(steps)


def convergent_sum_proof() -> Object:
    """A convergent sum of scales suffices, for either output and any law."""
    linear = [*linear_mean(ANY), cite("infinite_product", [3], {"product": [3]})]
    scales = ["summable_scales"]
    block, constant = bent(ANY)[2:]
    return proof(
        [
            *linear,
            cite("summable_linear", [4], {"criterion": [4], "scales": scales}),
            {**block, "from": [1]},
            {**constant, "from": [1]},
            {**bent_bound("<=", "c"), "from": [6, 7]},
            cite("exponential_bound", [8], {"bound": [8]}),
            cite("summable_bent", [9, 7], {"criterion": [9], "constants": [7], "scales": scales}),
        ],
        [5, 10],
    )


def harmonic_proof() -> Object:
    """A convergent sequence of scales does not suffice."""
    product = cite("infinite_product", [3], {"product": [3]})
    return proof([*linear_mean(ANY), product, cite("harmonic_scales", [4], {"criterion": [4]})])


def growing_modules_proof() -> Object:
    """Modules of growing depth: sum eta_l = infinity, yet bounded."""
    root = step("mask_root", [0], judgement("root", ANY, factor="1 - 1/8*u"))
    return proof(
        [
            *bent(ANY),
            bent_bound("<=", "c"),
            root,
            cite("exponential_bound", [4], {"bound": [4]}),
            cite("vanishing_constants", [6, 5], {"criterion": [6], "shrinking": [5]}),
        ]
    )


def sign_weights_proof() -> Object:
    """Bounded although sum eta_l = infinity: sign weights and a negative input."""
    falling = step("falling_neuron", [2], judgement("bent_falling", ANY, factor="1 - 2*c*e + e^2"))
    return proof([*bent(ANY), falling, cite("sign_weights", [4], {"falling": [4]})])


PROOFS: dict[str, Callable[[], Object]] = {
    "residual-linear-criterion": linear_criterion_proof,
    "residual-relu-criterion": bent_criterion_proof,
    "residual-convergent-sum": convergent_sum_proof,
    "residual-harmonic-scales": harmonic_proof,
    "residual-growing-modules": growing_modules_proof,
    "residual-sign-weights": sign_weights_proof,
}
