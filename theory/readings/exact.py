"""The recursion read exactly, in rationals, passing to balls where rationals grow too long.

A ball (python-flint's `arb`) encloses the true value with guaranteed error. Rational entries act
on rational or ball states alike, so a component of the state is exact as long as it is short.
"""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq

from theory.augmented import from_power_sums
from theory.door import MAX_DEPTH
from theory.errors import SpecError
from theory.laws import Law
from theory.network import FullyConnected, Layer
from theory.reals import Number
from theory.recursion import (
    LawNumbers,
    MomentRecursion,
    Rows,
    ShapeNumbers,
    check_order_range,
    moment_recursion,
)
from theory.values import shortened

__all__ = ["check_order", "layer_map", "length_moments", "start_state"]

_MOST_OPERATIONS = 5_000_000


def check_order(network: FullyConnected, order: int) -> None:
    """Refuse an order that is out of range or whose moments are infinite."""
    check_order_range(order)
    for law, use in _laws_in_use(network):
        if not law.has_moment(order):
            finite = law.finite_half_order
            raise SpecError(
                f"order {order} needs the moment of order {2 * order} of the {use} law {law.name}, "
                f"which is infinite; the largest order that works is --order {finite}"
            )


def _check_effort(network: FullyConnected, recursion: MomentRecursion) -> None:
    """Refuse what would run for many minutes: entries of the layer map times layers."""
    entries = sum(len(row) for row in recursion.terms.values())
    if entries * network.depth > _MOST_OPERATIONS:
        depth = _MOST_OPERATIONS // entries
        raise SpecError(
            f"order {recursion.order} at depth {network.depth:,} would take too long; "
            f"at this order the depth limit is {depth:,}, at order 2 it is {MAX_DEPTH:,}"
        )


def _laws_in_use(network: FullyConnected) -> Iterator[tuple[Law, str]]:
    for law in dict.fromkeys(network.weights):
        yield law, "weight"
    for law in dict.fromkeys(network.bias_laws_in_use):
        yield law, "bias"


def length_moments(
    network: FullyConnected, order: int, *, longest_bits: int | None = None
) -> list[list[Number]]:
    """E M_j^k for j = 0, ..., d (rows) and k = 1, ..., order (columns).

    With `longest_bits`, a state component whose numerator or denominator needs more bits than
    that becomes a ball at the precision of the current flint context.

    >>> length_moments(FullyConnected([2, 3, 3]), 2)[-1]        # (1 + 5/3)^2
    [1, 64/9]
    """
    check_order(network, order)
    recursion = moment_recursion(order, network.has_bias)
    _check_effort(network, recursion)
    state: list[Number] = list(start_state(network, recursion))
    rows = [recursion.length_moments(state, fmpq)]
    for matrix in _matrices(network, recursion):
        state = recursion.apply(matrix, state)
        if longest_bits is not None:
            state = [shortened(component, longest_bits) for component in state]
        rows.append(recursion.length_moments(state, fmpq))
    return rows


def start_state(network: FullyConnected, recursion: MomentRecursion) -> list[fmpq]:
    """The normalised augmented moments n_0^{-m} A_lambda(x) of the input."""
    sums = [network.input_power_sum(r) for r in range(recursion.order + 1)]
    n = fmpq(network.widths[0])
    return [from_power_sums(p, sums.__getitem__, fmpq(1)) / n ** sum(p) for p in recursion.partitions]


def layer_map(layer: Layer, recursion: MomentRecursion) -> Rows[Number]:
    """The map of one layer, sparse by row."""
    law_rows = recursion.law_rows(_law_numbers(layer, recursion))
    return recursion.matrix(law_rows, _shape_numbers(layer, recursion.order))


def _matrices(network: FullyConnected, recursion: MomentRecursion) -> Iterator[Rows[Number]]:
    # Layers share their laws as objects, which the network keeps alive: identities make cheap keys.
    by_laws: dict[object, Rows[Number]] = {}
    by_layer: dict[object, Rows[Number]] = {}
    for layer in network.layers:
        variance = layer.bias_variance
        laws = (id(layer.weights), id(layer.bias), int(variance.p), int(variance.q))
        same = layer.mode == "fan_in" and layer.weights.independent
        fan_in = None if same else layer.fan_in
        key = (laws, layer.width, fan_in, id(layer.variance_gain), id(layer.activation))
        if laws not in by_laws:
            by_laws[laws] = recursion.law_rows(_law_numbers(layer, recursion))
        if key not in by_layer:
            by_layer[key] = recursion.matrix(by_laws[laws], _shape_numbers(layer, recursion.order))
        yield by_layer[key]


def _law_numbers(layer: Layer, recursion: MomentRecursion) -> LawNumbers[Number]:
    orders = range(recursion.order + 1)
    biases: list[Number] = [fmpq(1)]
    if recursion.has_bias:
        biases = [_bias_moment(layer, l) for l in orders]
    return LawNumbers(fmpq, [layer.weights.independent_moment(l) for l in orders], biases)


def _bias_moment(layer: Layer, half_order: int) -> Number:
    if half_order == 0:
        return fmpq(1)
    if layer.bias_variance == 0:
        return fmpq(0)
    return layer.bias.even_moment(half_order) * layer.bias_variance**half_order


def _shape_numbers(layer: Layer, order: int) -> ShapeNumbers[Number]:
    n = layer.width
    independent = layer.weights.independent
    return ShapeNumbers(
        one=fmpq(1),
        reciprocal=fmpq(1, n),
        falling=[fmpq(max(n - i, 0), n) for i in range(order + 1)],
        gain=layer.effective_gain,
        half_moments=[layer.activation.even_moment_factor(l) for l in range(order + 1)],
        ratios=None if independent else [layer.moment_ratio(l) for l in range(order + 1)],
    )
