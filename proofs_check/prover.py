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
    weight = ["k - 1", "d - k + 1"]
    conclusion = _judgement("middle_layers", layer, weight=weight)
    return _proof([layer, _step("martingale_variance", [0], conclusion)])


PROOFS: dict[str, Callable[[], _Object]] = {
    "mean": mean_proof,
    "second-moment": second_moment_proof,
    "second-moment-normal": lambda: product_proof(2),
    "third-moment-normal": lambda: product_proof(3),
    "fourth-moment-normal": lambda: product_proof(4),
    "theorem-5-upper": lambda: bound_proof("<="),
    "theorem-5-lower": lambda: bound_proof(">="),
    "corollary-2": empirical_variance_proof,
    "permutation-normal": lambda: product_proof(2, permutation=True),
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
