"""Write proof objects from the symbolic recursion; the kernel then checks them on its own.

Nothing here is trusted. `python -m proofs_check.prover` rewrites the stored proofs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from flint import fmpq_mpoly

from proofs_check import (
    convolutional_proofs,
    gradient_proofs,
    limit_proofs,
    residual_limit_proofs,
    residual_proofs,
)
from proofs_check.kernel.check import FORMAT
from theory.laws import LawLike, as_law
from theory.partitions import Partition
from theory.readings.symbolic import derive

__all__ = ["PROOFS", "stored_proof", "write_all"]

_Object: TypeAlias = dict[str, Any]


def mean_proof() -> _Object:
    """E M_d = M_0 + sum nu_2/2, any law, any biases."""
    layer = _layer_step(1, weights=None, bias=True)
    conclusion = _judgement("sum", layer, term=layer["concludes"]["coefficients"][""])
    return _proof([layer, _step("telescope", [0], conclusion)])


def second_moment_proof() -> _Object:
    """The closed recursion of the augmented moments of order 2, any law, any biases."""
    targets: list[Partition] = [(1,), (2,), (1, 1)]
    steps = [_augmented_step(target, order=2) for target in targets]
    return _proof(steps, conclusions=[0, 1, 2])


def product_proof(order: int, *, permutation: bool = False) -> _Object:
    """E M_d^k as a product over layers, normal weights without bias."""
    layer = _layer_step(order, weights="normal", bias=False)
    factor = derive(order, weights="normal").closed_factor(order)
    assert factor is not None
    product = _judgement("product", layer, order=order, factor=_text(factor))
    steps = [layer, _step("iterate", [0], product)]
    if permutation:
        steps.append(_step("commute", [1], _judgement("permutation", layer, order=order)))
    return _proof(steps)


def bound_proof(relation: str) -> _Object:
    """Theorem 5's product bound on E M_d^2, any law without bias."""
    layer = _layer_step(2, weights=None, bias=False)
    coefficients = layer["concludes"]["coefficients"]
    kind = {"<=": "max", ">=": "min"}[relation]
    factors = {kind: [coefficients["1,1"], coefficients["2"]]}
    bound = _judgement("bound", layer, order=2, relation=relation, factors=factors)
    return _proof([layer, _step("coefficient_bound", [0], bound)])


def empirical_variance_proof() -> _Object:
    """Corollary 2 exactly: E EmpVar as a sum over middle layers, any law without bias."""
    layer = _layer_step(1, weights=None, bias=False)
    conclusion = _judgement("middle_layers", layer, weight=_WEIGHT)
    return _proof([layer, _step("martingale_variance", [0], conclusion)])


def _lower_and_middle(relation: str) -> tuple[list[_Object], _Object]:
    """Steps 0 to 3: E EmpVar over middle layers and the product bound; and the bound's layer."""
    first = _layer_step(1, weights=None, bias=False)
    middle = _step("martingale_variance", [0], _judgement("middle_layers", first, weight=_WEIGHT))
    layer, bound = bound_proof(relation)["steps"]
    return [first, middle, layer, {**bound, "from": [2]}], layer


def variance_bound_proof(relation: str) -> _Object:
    """Corollary 2 with explicit constants, any law without bias."""
    steps, layer = _lower_and_middle(relation)
    factors = steps[3]["concludes"]["factors"]
    conclusion = _judgement("variance_bound", layer, relation=relation, factors=factors)
    return _proof([*steps, _step("middle_layer_bounds", [1, 3], conclusion)])


def quarter_proof() -> _Object:
    """E EmpVar <= Var M_d / 4, any law without bias."""
    steps, layer = _lower_and_middle(">=")
    conclusion = _judgement("quarter_bound", layer, square="d - 2*k + 2")
    return _proof([*steps, _step("quarter", [1, 3], conclusion)])


def bias_bound_proof() -> _Object:
    """E M_d^2 with any symmetric biases, any law."""
    layer = _layer_step(2, weights=None, bias=True)
    given = layer["concludes"]["given"]
    mean = _identity(1, {"length": 1}, derive(1, bias=True).conditional_moment(1), given)
    coefficients = layer["concludes"]["coefficients"]
    conclusion = _judgement("bias_bound", layer, factors={"max": [coefficients["1,1"], coefficients["2"]]})
    return _proof([mean, layer, _step("bias_induction", [0, 1], conclusion)])


def exponential_proof(relation: str) -> _Object:
    """The exponential form of Theorem 5's bound, any law without bias."""
    layer, bound = bound_proof(relation)["steps"]
    ((kind, _),) = bound["concludes"]["factors"].items()
    rates = {kind: ["5", "2*m4 - 1"]}
    conclusion = _judgement("exponential", layer, order=2, relation=relation, rates=rates)
    return _proof([layer, bound, _step("exponentiate", [1], conclusion)])


def width_one_proof() -> _Object:
    """2 kappa - 1 is attained along layers of one neuron."""
    layer = _layer_step(2, weights=None, bias=False)
    factor = layer["concludes"]["coefficients"]["2"]
    conclusion = _judgement("width_one", layer, order=2, factor=factor)
    return _proof([layer, _step("single_file", [0], conclusion)])


def universality_proof() -> _Object:
    """Every law grows by 1 + 5/n_j up to a term of order 1/(n_j n_{j-1})."""
    second = _layer_step(2, weights=None, bias=False)
    given = second["concludes"]["given"]
    fourth = _identity(2, {"augmented": [2]}, derive(2).row((2,)), given)
    centre = second["concludes"]["coefficients"]["1,1"]
    content = {"centre": centre, "deviation": "2*u*m4 - 6*u", "spread": ["6", "2*m4"]}
    conclusion = _judgement("universality", second, **content)
    return _proof([second, fourth, _step("universal_growth", [0, 1], conclusion)])


def attainment_proof() -> _Object:
    """When the constants of Theorem 5 are attained."""
    layer = _layer_step(2, weights=None, bias=False)
    conclusion = _judgement("attainment", layer, difference="2*u*m4 - 6*u", equal_at="3")
    return _proof([layer, _step("attained", [0], conclusion)])


def slopes_bound_proof(relation: str) -> _Object:
    """Theorem 5 for general slopes at critical gain; c2 stands for tau (weights absorb the gain)."""
    given = {"weights": ["1", "m4"], "biases": ["0", "0"], "gain": "1", "halves": ["1", "c2"]}
    coefficients = {"1,1": "1 - u + 3*u*c2", "2": "1 - u + u*m4*c2"}
    layer = {"judgement": "layer", "given": given, "target": {"length": 2}, "coefficients": coefficients}
    identity = {"rule": "width_identity", "widths": [[2, 1], [2, 2]], "concludes": layer}
    kind = {"<=": "max", ">=": "min"}[relation]
    factors = {kind: list(coefficients.values())}
    bound = _judgement("bound", identity, order=2, relation=relation, factors=factors)
    return _proof([identity, _step("coefficient_bound", [0], bound)])


def continuum_proof() -> _Object:
    """The continuum limit of E EmpVar at constant width, normal weights."""
    first, middle = empirical_variance_proof()["steps"]
    layer, product = product_proof(2)["steps"]
    content = {"integrand": "2*x - 1", "second": "2*b^2*x - b^2 + 4*b", "primitive": "2*b*x - b - 2"}
    conclusion = _judgement("continuum", layer, **content)
    steps = [first, middle, layer, {**product, "from": [2]}]
    return _proof([*steps, _step("midpoint_rule", [1, 3], conclusion)])


_WEIGHT = ["k - 1", "d - k + 1"]

PROOFS: dict[str, Callable[[], _Object]] = {
    "mean": mean_proof,
    "second-moment": second_moment_proof,
    "second-moment-normal": lambda: product_proof(2),
    "third-moment-normal": lambda: product_proof(3),
    "fourth-moment-normal": lambda: product_proof(4),
    "theorem-5-upper": lambda: bound_proof("<="),
    "theorem-5-lower": lambda: bound_proof(">="),
    "bias-upper": bias_bound_proof,
    "exponential-upper": lambda: exponential_proof("<="),
    "exponential-lower": lambda: exponential_proof(">="),
    "width-one": width_one_proof,
    "universality": universality_proof,
    "attainment": attainment_proof,
    "slopes-upper": lambda: slopes_bound_proof("<="),
    "slopes-lower": lambda: slopes_bound_proof(">="),
    "corollary-2": empirical_variance_proof,
    "corollary-2-upper": lambda: variance_bound_proof("<="),
    "corollary-2-lower": lambda: variance_bound_proof(">="),
    "corollary-2-quarter": quarter_proof,
    "corollary-2-continuum": continuum_proof,
    "permutation-normal": lambda: product_proof(2, permutation=True),
    **limit_proofs.PROOFS,
    **convolutional_proofs.PROOFS,
    **residual_proofs.PROOFS,
    **residual_limit_proofs.PROOFS,
    **gradient_proofs.PROOFS,
}


def stored_proof(name: str) -> _Object:
    """The proof object stored under that name."""
    text = files("proofs_check.ledger").joinpath(f"proofs/{name}.json").read_text(encoding="utf-8")
    proof: _Object = json.loads(text)
    return proof


def write_all(folder: Path) -> None:
    """Write every proof, readable and stable."""
    for name, build in PROOFS.items():
        (folder / f"{name}.json").write_text(json.dumps(build(), indent=1) + "\n", encoding="utf-8")


def _proof(steps: list[_Object], conclusions: list[int] | None = None) -> _Object:
    return {"format": FORMAT, "steps": steps, "conclusions": conclusions or [len(steps) - 1]}


def _step(rule: str, sources: list[int], concludes: _Object) -> _Object:
    return {"rule": rule, "from": sources, "concludes": concludes}


def _judgement(kind: str, layer: _Object, **content: Any) -> _Object:
    return {"judgement": kind, "given": layer["concludes"]["given"], **content}


def _layer_step(order: int, *, weights: LawLike | None, bias: bool) -> _Object:
    coefficients = derive(order, weights=weights, bias=bias).conditional_moment(order)
    return _identity(order, {"length": order}, coefficients, _given(order, weights, bias))


def _augmented_step(target: Partition, order: int) -> _Object:
    coefficients = derive(order, bias=True).row(target)
    return _identity(order, {"augmented": list(target)}, coefficients, _given(order, None, True))


def _identity(
    order: int, target: _Object, coefficients: dict[Partition, fmpq_mpoly], given: _Object
) -> _Object:
    conclusion = {
        "judgement": "layer",
        "given": given,
        "target": target,
        "coefficients": {",".join(map(str, p)): _text(c) for p, c in coefficients.items()},
    }
    widths = [[order, n] for n in range(1, order + 1)]
    return {"rule": "width_identity", "widths": widths, "concludes": conclusion}


def _given(order: int, weights: LawLike | None, bias: bool) -> _Object:
    if weights is None:
        moments = ["1"] + [f"m{2 * l}" for l in range(2, order + 1)]
    else:
        law = as_law(weights)
        moments = [str(law.even_moment(l)) for l in range(1, order + 1)]
    biases = [f"b{2 * l}" if bias else "0" for l in range(1, order + 1)]
    return {"weights": moments, "biases": biases, "gain": "2", "halves": ["1/2"] * order}


def _text(polynomial: fmpq_mpoly) -> str:
    """Flint's own writing of a polynomial is what the kernel reads, constants first."""
    terms = str(polynomial).replace(" - ", " + -").split(" + ")
    return " + ".join(reversed(terms)).replace(" + -", " - ")


def main() -> None:
    """Rewrite the stored proofs beside this file."""
    write_all(Path(__file__).parent / "ledger" / "proofs")


if __name__ == "__main__":
    main()
