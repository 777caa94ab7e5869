"""Gradients: the theorem's laws by exhaustive backpropagation.

Laws of squared norms are compared as wholes, no moment taken: all signs of weights whose sizes are given
and apart, so that no z of a living layer is 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from proofs_check import gradient_oracle as oracle
from proofs_check.checks.paired import paired
from proofs_check.claim import Claim
from proofs_check.verdict import Evidence

__all__ = ["gradients_counted", "jacobians_counted"]

_Vector: TypeAlias = tuple[int, ...]

_SHAPES = ((2, 2, 2), (3, 2, 1), (2, 1, 2, 1), (1, 3, 2), (2, 3))
_INPUT, _DIRECTION = (7, -4, 5), (2, 3, -1)
_SLOPES = ((1, 0), (3, -1))
_TIED = (2, 2, 1)


def jacobians_counted(claim: Claim) -> list[Evidence]:
    """(|J_1 u|^2, ..., |J_d u|^2) from x has the law of (|a_1|^2, ..., |a_d|^2) from u."""
    holds = all(_same_jacobians(oracle.apart(w), w[0], phi) for w in _SHAPES for phi in _SLOPES)
    noticed = not _same_jacobians(oracle.alike(_TIED), _TIED[0], _SLOPES[0], (1, -1), (1, 1))
    detail = f"all signs of weights of given sizes, {len(_SHAPES)} shapes, two activations: one joint law"
    return paired("enumeration", holds, detail, noticed, "weights +-1, x = (1,-1): z may be 0")


def gradients_counted(claim: Claim) -> list[Evidence]:
    """Given a_{j-1} != 0, delta_j is independent of |a_{j-1}|^2 and has the law of the reversed net."""
    holds = all(_factorises(oracle.apart(w), w[0]) for w in _SHAPES)
    tied = not _factorises(oracle.alike(_TIED), _TIED[0], (1, 1))
    outright = not _factorises(oracle.apart((1, 1, 1)), 1, outright=True)
    detail = f"all signs of weights of given sizes, {len(_SHAPES)} shapes, every layer: a product law"
    planted = "weights +-1, x = (1,1): z may be 0; dead nets counted in"
    return paired("enumeration", holds, detail, tied and outright, planted)


def _same_jacobians(
    matrices: oracle.Matrices,
    fan_in: int,
    slopes: tuple[int, int],
    x: _Vector = _INPUT,
    u: _Vector = _DIRECTION,
) -> bool:
    from_x: Counter[tuple[int, ...]] = Counter()
    from_u: Counter[tuple[int, ...]] = Counter()
    for count, drawn in oracle.draws(matrices):
        passed = oracle.forward(drawn, x[:fan_in], slopes)
        from_x[tuple(map(oracle.squared, oracle.directions(drawn, passed, u[:fan_in])))] += count
        started = oracle.forward(drawn, u[:fan_in], slopes)
        from_u[tuple(map(oracle.squared, started.activations[1:]))] += count
    return from_x == from_u


def _factorises(
    matrices: oracle.Matrices, fan_in: int, x: _Vector = _INPUT, *, outright: bool = False
) -> bool:
    """Whether, in every layer, the joint law is that of |a_{j-1}|^2 times that of the reversed net."""
    depth = len(matrices)
    top = oracle.column(oracle.SIGNS, len(matrices[-1]))
    joint: list[Counter[tuple[int, _Vector]]] = [Counter() for _ in range(depth)]
    for count, (*drawn, readout) in oracle.draws([*matrices, top]):
        passed = oracle.forward(drawn, x[:fan_in])
        deltas = oracle.backward(drawn, passed, tuple(v for (v,) in readout))
        for j, delta in enumerate(deltas):
            before = oracle.squared(passed.activations[j])
            if before or outright:
                joint[j][before, _squares(delta)] += count
            elif any(delta):
                return False
    return all(_is_product(joint[j], _reversed(matrices, top, j)) for j in range(depth))


def _reversed(
    matrices: oracle.Matrices, top: Sequence[Sequence[oracle.Choices]], below: int
) -> Counter[_Vector]:
    """Squared coordinates at the end of the net that draws v and the transposed matrices above `below`."""
    above = [top, *(oracle.transposed(matrix) for matrix in reversed(matrices[below + 1 :]))]
    law: Counter[_Vector] = Counter()
    for count, drawn in oracle.draws(above):
        law[_squares(oracle.forward(drawn, (1,)).activations[-1])] += count
    return law


def _is_product(joint: Counter[tuple[int, _Vector]], law: Counter[_Vector]) -> bool:
    first: Counter[int] = Counter()
    for (before, _), count in joint.items():
        first[before] += count
    total = law.total()
    expected = {(a, b): first[a] * law[b] for a in first for b in law}
    return {key: count * total for key, count in joint.items()} == expected


def _squares(vector: _Vector) -> _Vector:
    return tuple(t * t for t in vector)
