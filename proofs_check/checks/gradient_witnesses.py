"""Refuted statements about gradients: weights with atoms, and independence of forward and backward signal."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

from flint import fmpq

from proofs_check import gradient_oracle, oracle
from proofs_check.checks.paired import paired
from proofs_check.checks.witness import witnessed
from proofs_check.claim import Claim
from proofs_check.verdict import Evidence
from theory.gradients import gradient_moments
from theory.network import FullyConnected
from theory.readings.exact import length_moments
from theory.values import Exact

__all__ = ["dependent_gradients", "jacobian_with_atoms"]

_Vector: TypeAlias = tuple[int, ...]

_X, _U, _UNTIED_X = (1, -1), (1, 1), (2, -1)
_SIGNS = list(product((-1, 1), repeat=2))
_ALONE = (1, 1, 1)


def jacobian_with_atoms(claim: Claim) -> list[Evidence]:
    """Weights +-1, x = (1, -1): with derivative 0 or 1 at 0, |J u|^2 has not the law of |a_1|^2 from u."""
    at_zero, at_one = (_along(_X, derivative) for derivative in (0, 1))
    start = _along(_U, 0)
    detail = (
        f"weights +-1, widths 2,2, x = {_shown(_X)}, u = {_shown(_U)}: E |J u|^2 = {at_zero} "
        f"({at_one} if phi'(0) = 1), not {start} = E |a_1|^2 from u"
    )
    differs = start not in (at_zero, at_one)
    kept = _along(_UNTIED_X, 0) == _along(_UNTIED_X, 1) == start
    # z (w.u) = w_1^2 - w_2^2 = 0: neurons with z > 0 have w.u = 0; half have z = 0 and (w.u)^2 = 4.
    crossed = all((a - b) * (a + b) == 0 for a, b in _SIGNS)
    again = (fmpq(0), 2 * fmpq(sum((a + b) ** 2 for a, b in _SIGNS if a == b), 4))
    network = FullyConnected([2, 2], weights="rademacher")
    forward = 2 * oracle.length_moments(network, 1)[-1][0]
    replayed = crossed and (at_zero, at_one) == again and forward == start
    apart = not all((2 * a - b) * (a + b) == 0 for a, b in _SIGNS)
    return [
        *witnessed(claim, detail, differs, kept, f"no witness at x = {_shown(_UNTIED_X)}, where no z is 0"),
        *paired("replay", replayed, "neuron by neuron, z (w.u) = 0 always", apart, "x = (2,-1)"),
    ]


def dependent_gradients(claim: Claim) -> list[Evidence]:
    """One neuron a layer: |delta_2|^2 and |a_1|^2 are 0 together."""
    joint, apart, both, by_chance = _printed("relu")
    detail = (
        f"widths 1,1,1: E |delta_2|^2 |a_1|^2 = {joint}, not {apart} = E |delta_2|^2 E |a_1|^2; "
        f"P(both are 0) = {both}, not {by_chance}"
    )
    kept = _printed("abs")
    counted = _counted((1, 0)) == (joint, apart, both, by_chance)
    alive = _counted((1, -1))
    return [
        *witnessed(
            claim,
            detail,
            joint != apart and both != by_chance,
            kept[0] == kept[1] and kept[2] == kept[3],
            "no witness for abs, where no layer dies",
        ),
        *paired(
            "replay",
            counted,
            "explicit backpropagation, all signs: the same four numbers",
            alive[0] == alive[1] and alive[2] == alive[3],
            "abs",
        ),
    ]


def _along(x: _Vector, at_zero: int) -> fmpq:
    """E |J u|^2 over the 16 matrices; from x = u it is E |a_1|^2."""
    total = 0
    for count, drawn in gradient_oracle.draws(gradient_oracle.alike((2, 2))):
        passed = gradient_oracle.forward(drawn, x, at_zero=at_zero)
        (image,) = gradient_oracle.directions(drawn, passed, _U)
        total += count * gradient_oracle.squared(image)
    return fmpq(total, 16)


def _printed(activation: str) -> tuple[object, ...]:
    """E |delta_2|^2 |a_1|^2, the product of the means, P(both 0), the product of P: as `theory` has them."""
    network = FullyConnected(_ALONE, activation=activation, output_activation=activation)
    layer = gradient_moments(network, 1, exact=True).layers[1]
    numbers = (layer.weight_moments[0], layer.delta_moments[0], layer.alive)
    together, delta, alive = (m.number for m in numbers if isinstance(m, Exact))
    length = length_moments(network, 1)[1][0]
    # Each layer that can die does so with chance 1 - alive; delta_2 needs both alive.
    return together, delta * length, 1 - alive, (1 - alive) * (1 - alive**2)


def _counted(slopes: tuple[int, int]) -> tuple[object, ...]:
    """The same over all signs of two weights and the read-out; of the gains 2/(s_+^2 + s_-^2) a_1 has one."""
    pairs = []
    top = gradient_oracle.column(gradient_oracle.SIGNS, 1)
    for _, (*drawn, readout) in gradient_oracle.draws([*gradient_oracle.alike(_ALONE), top]):
        passed = gradient_oracle.forward(drawn, (1,), slopes)
        _, delta = gradient_oracle.backward(drawn, passed, readout[0])
        pairs.append((gradient_oracle.squared(delta), gradient_oracle.squared(passed.activations[1])))
    gain, mean = fmpq(2, slopes[0] ** 2 + slopes[1] ** 2), fmpq(1, len(pairs))
    joint = mean * sum(delta * length for delta, length in pairs)
    deltas, lengths = (mean * sum(numbers) for numbers in zip(*pairs, strict=True))
    dead = [mean * sum(number == 0 for number in numbers) for numbers in zip(*pairs, strict=True)]
    return joint * gain, deltas * lengths * gain, mean * pairs.count((0, 0)), dead[0] * dead[1]


def _shown(vector: _Vector) -> str:
    return f"({','.join(map(str, vector))})"
