"""Steps that proofs about residual nets share. Nothing here is trusted."""

from __future__ import annotations

from typing import Any, TypeAlias

from proofs_check.kernel.check import FORMAT
from proofs_check.kernel.residual_limits import RESIDUAL_THEOREMS

__all__ = [
    "ANY",
    "LAYER_RATIOS",
    "LOWER_TERMS",
    "NORMAL",
    "Object",
    "bent",
    "bent_bound",
    "block",
    "cite",
    "judgement",
    "kept",
    "linear_mean",
    "proof",
    "second_bound",
    "square",
    "step",
]

Object: TypeAlias = dict[str, Any]

ANY = {"weights": ["1", "m4"], "biases": ["0", "0"], "gain": "2", "halves": ["1/2", "1/2"]}
NORMAL = {**ANY, "weights": ["1", "3"]}
LAYER_RATIOS = ["1 + 5*u", "1 - u + 2*u*m4"]
_SPREADS = ["1 + 2*u", "1 - u + u*m4"]
LOWER_TERMS = "1 + 2*e^2 + 4*u*e^2"


def proof(steps: list[Object], conclusions: list[int] | None = None) -> Object:
    return {"format": FORMAT, "steps": steps, "conclusions": conclusions or [len(steps) - 1]}


def step(rule: str, sources: list[int], concludes: Object) -> Object:
    return {"rule": rule, "from": sources, "concludes": concludes}


def judgement(kind: str, given: Object, **content: Any) -> Object:
    return {"judgement": kind, "given": given, **content}


def kept(given: Object) -> list[Object]:
    """Steps 0 and 1: layers of the branch keep the mean length."""
    layer = judgement("layer", given, target={"length": 1}, coefficients={"1": "1"})
    mean = judgement("product", given, order=1, factor="1")
    identity = {"rule": "width_identity", "widths": [[1, 1]], "concludes": layer}
    return [identity, step("iterate", [0], mean)]


def square(given: Object, all_equal: str, one: str) -> Object:
    """E[M_j^2 | a_{j-1}] of a layer of the branch."""
    coefficients = {"1,1": all_equal, "2": one}
    conclusion = judgement("layer", given, target={"length": 2}, coefficients=coefficients)
    return {"rule": "width_identity", "widths": [[2, 1], [2, 2]], "concludes": conclusion}


def block(given: Object, order: int, terms: dict[str, str]) -> Object:
    """A block of linear output, the order's widths checked."""
    widths = [[order, n] for n in range(order, 2 * order)]
    return {
        "rule": "block_identity",
        "widths": widths,
        "concludes": judgement("block", given, order=order, terms=terms),
    }


def linear_mean(given: Object) -> list[Object]:
    """Steps 0 to 3: E M_L = M_0 prod (1 + eta_l^2)."""
    product = judgement("block_product", given, order=1, factor="1 + e^2", branch="1")
    one = block(given, 1, {"": "1", "1": "e^2"})
    return [*kept(given), one, step("block_product", [2, 1], product)]


def second_bound(relation: str, start: int) -> list[Object]:
    """Four steps from number `start` on, which rest on steps 0 and 1; the last bounds E M_L^2."""
    kind = {"<=": "max", ">=": "min"}[relation]
    factors = {kind: LAYER_RATIOS}
    bound = judgement("bound", ANY, order=2, relation=relation, factors=factors)
    terms = {
        "": "1",
        "1": "2*e^2 + 4*u*e^2",
        "1,1": "e^4 + 2*u*e^4",
        "2": "e^4 - u*e^4 + u*m4*e^4",
    }
    content = {"spreads": {kind: _SPREADS}, "branches": factors, "factor": f"{LOWER_TERMS} + s*e^4*p"}
    return [
        square(ANY, *LAYER_RATIOS),
        step("coefficient_bound", [start], bound),
        block(ANY, 2, terms),
        step(
            "block_bound",
            [start + 2, 1, start + 1],
            judgement("block_bound", ANY, order=2, relation=relation, **content),
        ),
    ]


def bent(given: Object) -> list[Object]:
    """Steps 0 to 3: one block, and what its constant is at most."""
    one = judgement("bent_block", given, growth="1 + e^2", cross="2*e", rise="e")
    constant = judgement("bent_constant", given, square="1/2")
    return [
        *kept(given),
        step("bent_identity", [1], one),
        step("half_root", [1], constant),
    ]


def bent_bound(relation: str, constant: str) -> Object:
    """On top of `bent`."""
    sign = {"<=": "+", ">=": "-"}[relation]
    cross = "2*e" if constant == "1" else "2*c*e"
    factor = f"1 {sign} {cross} + e^2"
    conclusion = judgement("bent_bound", ANY, relation=relation, factor=factor, constant=constant)
    return step("bent_bound", [2, 3], conclusion)


def cite(
    name: str, sources: list[int], discharges: dict[str, list[Any]], inherited: list[str] | None = None
) -> Object:
    """`inherited` are the assumptions of the steps it rests on."""
    named = {item for items in discharges.values() for item in items if isinstance(item, str)}
    assumes = sorted(named | set(inherited or []))
    limit = judgement("limit", ANY, assumes=assumes, says=RESIDUAL_THEOREMS[name].says)
    return {**step("cite_residual", sources, limit), "theorem": name, "discharges": discharges}
