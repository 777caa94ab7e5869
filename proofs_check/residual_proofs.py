"""Proof objects about residual nets of finite depth (THEORY.md section 5). Nothing here is trusted."""

from __future__ import annotations

from collections.abc import Callable

from proofs_check.residual_steps import (
    ANY,
    LAYER_RATIOS,
    LOWER_TERMS,
    NORMAL,
    Object,
    bent,
    bent_bound,
    block,
    judgement,
    kept,
    linear_mean,
    proof,
    second_bound,
    square,
    step,
)

__all__ = ["PROOFS"]


def mean_proof() -> Object:
    """E M_L = M_0 prod (1 + eta_l^2), linear output, any law."""
    return proof(linear_mean(ANY))


def growth_proof() -> Object:
    """E M_L <= M_0 exp(sum eta_l^2), linear output, any law."""
    growth = step("block_growth", [3], judgement("block_growth", ANY, rate="e^2"))
    return proof([*linear_mean(ANY), growth])


def second_normal_proof() -> Object:
    """E M_L^2 as a product, linear output, normal weights."""
    branch = "1 + 5*u"
    product = step("iterate", [2], judgement("product", NORMAL, order=2, factor=branch))
    terms = {"": "1", "1": "2*e^2 + 4*u*e^2", "1,1": "e^4 + 2*u*e^4", "2": "e^4 + 2*u*e^4"}
    factor = f"{LOWER_TERMS} + e^4*p + 2*u*e^4*p"
    conclusion = judgement("block_product", NORMAL, order=2, factor=factor, branch=branch)
    last = step("block_product", [4, 1, 3], conclusion)
    growth = [square(NORMAL, branch, branch), product]
    return proof([*kept(NORMAL), *growth, block(NORMAL, 2, terms), last])


def second_any_proof(relation: str) -> Object:
    """Bounds on E M_L^2, linear output, any law."""
    return proof([*kept(ANY), *second_bound(relation, start=2)])


def bent_proof(relation: str, constant: str) -> Object:
    """Bounds on E M_L, ReLU output, any law."""
    return proof([*bent(ANY), bent_bound(relation, constant)])


def bent_norm_proof() -> Object:
    """A bound on E M_L^2, ReLU output, any law (Minkowski)."""
    factors = {"max": LAYER_RATIOS}
    bound = step("coefficient_bound", [0], judgement("bound", ANY, order=2, relation="<=", factors=factors))
    norm = step("norm_sum", [1], judgement("bent_norm", ANY, order=2, factors=factors))
    return proof([square(ANY, *LAYER_RATIOS), bound, norm])


def single_proof() -> Object:
    """The upper bound is attained at n = 1, ReLU output, any law."""
    single = step("single_neuron", [2], judgement("bent_single", ANY, factor="1 + 2*c*e + e^2"))
    return proof([*bent(ANY), single])


def rising_proof() -> Object:
    """E M_L >= mean(x_0)^2 prod (1 + c_l eta_l)^2, ReLU output, normal weights."""
    content = {"factor": "1 + c*e", "assumes": ["normal_weights"]}
    return proof([*bent(ANY), step("rising_mean", [2], judgement("bent_mean", ANY, **content))])


PROOFS: dict[str, Callable[[], Object]] = {
    "residual-linear-mean": mean_proof,
    "residual-linear-growth": growth_proof,
    "residual-linear-second-normal": second_normal_proof,
    "residual-linear-second-upper": lambda: second_any_proof("<="),
    "residual-linear-second-lower": lambda: second_any_proof(">="),
    "residual-relu-upper": lambda: bent_proof("<=", "c"),
    "residual-relu-lower": lambda: bent_proof(">=", "c"),
    "residual-relu-upper-any": lambda: bent_proof("<=", "1/2"),
    "residual-relu-lower-any": lambda: bent_proof(">=", "1/2"),
    "residual-relu-square": lambda: bent_proof("<=", "1"),
    "residual-relu-second": bent_norm_proof,
    "residual-relu-attained": single_proof,
    "residual-relu-rising": rising_proof,
}
