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
from theory.spec import Network
from theory.values import shortened

__all__ = [
    "LayerMaps",
    "check_order",
    "law_numbers",
    "layer_map",
    "length_moments",
    "shape_numbers",
    "start_state",
]

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
    maps = LayerMaps(recursion)
    for layer in network.layers:
        state = recursion.apply(maps(layer), state)
        if longest_bits is not None:
            state = [shortened(component, longest_bits) for component in state]
        rows.append(recursion.length_moments(state, fmpq))
    return rows


def start_state(network: Network, recursion: MomentRecursion) -> list[fmpq]:
    """The normalised augmented moments n_0^{-m} A_lambda(x) of the input."""
    sums = [network.input_power_sum(r) for r in recursion.powers]
    n = fmpq(network.widths[0])
    return [from_power_sums(p, sums.__getitem__, fmpq(1)) / n ** sum(p) for p in recursion.partitions]


def layer_map(layer: Layer, recursion: MomentRecursion) -> Rows[Number]:
    """The map of one layer, sparse by row."""
    return recursion.matrix(
        recursion.law_rows(law_numbers(layer, recursion)), shape_numbers(layer, recursion.order)
    )


class LayerMaps:
    """The maps of layers, sparse by row; those of layers alike are made once.

    Layers share their laws as objects, which the network has to keep alive: identities are the keys.
    """

    def __init__(self, recursion: MomentRecursion) -> None:
        self.recursion = recursion
        self._by_laws: dict[object, Rows[Number]] = {}
        self._by_layer: dict[object, Rows[Number]] = {}

    def __call__(self, layer: Layer) -> Rows[Number]:
        variance = layer.bias_variance
        laws = (id(layer.weights), id(layer.bias), int(variance.p), int(variance.q))
        same = layer.mode == "fan_in" and layer.weights.independent
        fan_in = None if same else layer.fan_in
        key = (laws, layer.width, fan_in, id(layer.variance_gain), id(layer.activation))
        if laws not in self._by_laws:
            self._by_laws[laws] = self.recursion.law_rows(law_numbers(layer, self.recursion))
        if key not in self._by_layer:
            shape = shape_numbers(layer, self.recursion.order)
            self._by_layer[key] = self.recursion.matrix(self._by_laws[laws], shape)
        return self._by_layer[key]


def law_numbers(layer: Layer, recursion: MomentRecursion) -> LawNumbers[Number]:
    """The moments of a layer's laws."""
    weights = [layer.weights.independent_moment(l) for l in recursion.powers]
    biases = [_bias_moment(layer, l) for l in recursion.powers] if recursion.has_bias else []
    return LawNumbers(fmpq, weights, biases)


def _bias_moment(layer: Layer, half_order: int) -> Number:
    scale = layer.bias_variance**half_order
    return layer.bias.even_moment(half_order) * scale if layer.bias_variance != 0 else scale


def shape_numbers(layer: Layer, order: int) -> ShapeNumbers[Number]:
    """The rest of a layer."""
    n = layer.width
    independent = layer.weights.independent
    return ShapeNumbers(
        one=fmpq(1),
        reciprocal=fmpq(1, n),
        falling=[fmpq(max(n - i, 0), n) for i in range(order)],
        gain=layer.effective_gain,
        half_moments=[layer.activation.even_moment_factor(l) for l in range(order + 1)],
        ratios=None if independent else [layer.moment_ratio(l) for l in range(order + 1)],
    )
