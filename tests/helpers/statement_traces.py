"""The symbols of a statement's model on one concrete network, with moments from another route."""

from __future__ import annotations

from itertools import product
from typing import Any

from flint import arb, fmpq

from proofs_check.statement_kernel.algebra import NAMES
from proofs_check.statement_kernel.model import Model

Values = dict[str, Any]


def number(fraction: Any, values: Values) -> Any:
    """above/below at these values of the symbols."""
    return polynomial_at(fraction.above, values) / polynomial_at(fraction.below, values)


def polynomial_at(polynomial: Any, values: Values) -> Any:
    """A polynomial at these values; KeyError where a symbol has none."""
    total: Any = fmpq(0)
    for exponents, coefficient in polynomial.to_dict().items():
        term: Any = coefficient
        for name, exponent in zip(NAMES, exponents, strict=True):
            if exponent:
                term = term * values[name] ** int(exponent)
        total = total + term
    return total


def trace(model: Model, network: Any, moments: Any) -> list[Values]:
    """The symbols at depths 0..d; every E M_j^k has to lie within what the model's step allows."""
    law, widths = network.layers[0].weights, network.widths
    now: Values = {"m": network.input_power_sum(1) / widths[0], "w": fmpq(1, widths[0])}
    now["k"] = law.even_moment(2)
    now |= {name: number(value, now) for name, value in model.start.items()}
    found = [now]
    for j, layer in enumerate(network.layers, 1):
        here = now | {"u": fmpq(1, widths[j])} | _bias(layer)
        for name, (function, quantities) in model.extremes.items():
            here[name] = {"max": max, "min": min}[function](polynomial_at(q, here) for q in quantities)
        for name, (a, b, h) in model.exponents.items():
            here[name] = ((arb(a) + arb(b).log()) * arb(number(h, here))).exp()
        now = now | {name: number(step, here) for name, step in model.step.items() if name[0] not in "qS"}
        for name in (name for name in model.step if name[0] == "q"):
            now[name] = moments.expectation(((f"M[{j}]", int(name[1:])),))
        if "S1" in model.step:
            q2 = now["q2"] if "q2" in now else now["m"] ** 2
            now |= {"S1": here["S1"] + q2, "S2": here["S2"] + j * q2}
        for name in (name for name in model.step if name[0] in "qS"):
            low, high = _extremes(model, model.step[name], here)
            assert low <= now[name] <= high, (name, j, network)
        found.append(now)
    return found


def _bias(layer: Any) -> Values:
    variance = layer.bias_variance
    if variance == 0:
        return {f"nu{2 * l}": fmpq(0) for l in range(1, 5)}
    return {f"nu{2 * l}": layer.bias.even_moment(l) * variance**l for l in range(1, 5)}


def _extremes(model: Model, step: Any, here: Values) -> tuple[Any, Any]:
    """A step is affine in each position t in [0, 1], so its extremes are at corners."""
    places = [name for name in model.ranges if name[0] == "t"]
    corners = (
        dict(zip(places, map(fmpq, bits), strict=True)) for bits in product((0, 1), repeat=len(places))
    )
    values = [number(step, here | corner) for corner in corners]
    return min(values), max(values)
