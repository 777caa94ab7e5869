"""The reversed net: its activations have the law of the gradients (docs/theory.md, "Gradients").

For weights without atoms and given a_{j-1} != 0, the squared coordinates of delta_j, the gradient of
F = v . a_d at the pre-activation z_j, have the joint law of those of the last layer of the net that
draws v, W_d^T, ..., W_{j+1}^T in turn, from the input 1. So the forward recursion gives their moments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from flint import arb, fmpq

from theory.activations import SmoothActivation
from theory.errors import SpecError
from theory.fans import fan
from theory.laws import Laplace, Law, LawLike, Normal, StudentT, TruncatedNormal, Uniform, as_law
from theory.network import FullyConnected, Layer
from theory.readings.exact import layer_map
from theory.reals import Number
from theory.recursion import Rows, moment_recursion
from theory.spec import Network
from theory.values import shortened

__all__ = [
    "HYPOTHESES",
    "Hypothesis",
    "alive_probabilities",
    "backward_moments",
    "check_hypotheses",
    "check_index",
    "reversed_layers",
    "reversed_network",
    "survival",
]

WITHOUT_ATOMS: tuple[type[Law], ...] = (Normal, Uniform, Laplace, StudentT, TruncatedNormal)
_TRANSPOSED = {"fan_in": "fan_out", "fan_out": "fan_in"}
_LONGEST_FRACTION = 10**6


@dataclass(frozen=True)
class Hypothesis:
    """What a theorem asks for; `violation` says what breaks it and what to write instead, or None."""

    name: str
    violation: Callable[[FullyConnected], str | None]


def _with_bias(network: FullyConnected) -> str | None:
    if not network.has_bias:
        return None
    return "exact gradients are known for nets without biases only; set bias_variance=0"


def _bent(network: FullyConnected) -> str | None:
    smooth = (p for p in (network.activation, network.output_activation) if isinstance(p, SmoothActivation))
    phi = next(smooth, None)
    if phi is None:
        return None
    return (
        f"exact gradients are known for piecewise linear activations, not for {phi.name}; take relu or "
        "leaky_relu:SLOPE"
    )


def _with_atoms(network: FullyConnected) -> str | None:
    law = next((law for law in network.weights if not isinstance(law, WITHOUT_ATOMS)), None)
    if law is None:
        return None
    return (
        f"exact gradients are known for independent weights of a law without atoms, not for {law.name}, for "
        "which a pre-activation may be 0; simulate has them, and normal or uniform weights are exact here"
    )


def _silent(network: FullyConnected) -> str | None:
    if network.input_power_sum(1) != 0:
        return None
    return (
        "at the input 0 all pre-activations lie on the kink of the activation, where there is no gradient; "
        "give an input with a non-zero coordinate"
    )


HYPOTHESES = (
    Hypothesis("no biases", _with_bias),
    Hypothesis("piecewise linear activations", _bent),
    Hypothesis("weights without atoms", _with_atoms),
    Hypothesis("a non-zero input", _silent),
)


def check_hypotheses(network: Network) -> None:
    """Refuse a network whose gradients the theorem does not cover, in one line.

    >>> check_hypotheses(FullyConnected([3, 4], bias_variance=1))
    Traceback (most recent call last):
    ...
    theory.errors.SpecError: exact gradients are known for nets without biases only; set bias_variance=0
    """
    if not isinstance(network, FullyConnected):
        kind = type(network).__name__
        raise SpecError(f"exact gradients are known for fully connected nets only, not for {kind:.40}")
    for hypothesis in HYPOTHESES:
        violation = hypothesis.violation(network)
        if violation is not None:
            raise SpecError(violation)


def reversed_layers(network: FullyConnected, readout: LawLike = "normal") -> tuple[Layer, ...]:
    """The layers of the reversed net: the read-out v, then W_d^T, ..., W_2^T.

    Layer i has the width and the activation of layer d + 1 - i of the network, so the first
    d + 1 - j layers belong to delta_j.

    >>> [(l.fan_in, l.width, l.entry_variance) for l in reversed_layers(FullyConnected([5, 4, 3]))]
    [(1, 3, 1), (3, 4, 1/2)]
    """
    check_hypotheses(network)
    mode = _transposed(network.mode)
    top, *_ = reversed(network.layers)
    first = replace(top, index=1, fan_in=1, weights=as_law(readout), variance_gain=fmpq(1), mode="none")
    pairs = zip(reversed(network.layers[1:]), reversed(network.layers[:-1]), strict=True)
    others = (
        replace(below, index=i, fan_in=above.width, weights=above.weights, variance_gain=above.variance_gain)
        for i, (above, below) in enumerate(pairs, start=2)
    )
    return (first, *(replace(layer, mode=mode) for layer in others))


def _transposed(mode: str) -> str:
    """The mode of the transposed matrices: their fan_in is the fan_out."""
    return _TRANSPOSED.get(mode, mode)


def reversed_network(network: FullyConnected, index: int, readout: LawLike = "normal") -> FullyConnected:
    """The reversed net of delta_index as a spec of its own, for all activations alike.

    Given a_{index-1} != 0, n M of its last layer has the law of |delta_index|^2.

    >>> reversed_network(FullyConnected([5, 4, 3]), 1).widths
    (1, 3, 4)
    """
    check_index(index, network.depth)
    first, *others = layers = reversed_layers(network, readout)[: network.depth + 1 - index]
    if len({layer.activation for layer in layers}) > 1:
        raise SpecError(
            "a spec has another activation in its last layer only, the reversed net in its first; "
            "reversed_layers gives its layers"
        )
    mode = _transposed(network.mode)
    return FullyConnected(
        [1, *(layer.width for layer in layers)],
        weights=[layer.weights for layer in layers],
        # A spec has one mode: what it divides by makes the read-out's variance 1 again.
        variance_gain=[fan(mode, 1, first.width), *(layer.variance_gain for layer in others)],
        mode=mode,
        activation=first.activation,
    )


def backward_moments(
    network: FullyConnected, readout: Law, order: int, *, longest_bits: int | None = None
) -> list[list[Number]]:
    """E[|delta_j|^{2k} | a_{j-1} != 0] for j = 1, ..., d (rows) and k = 1, ..., order (columns).

    >>> backward_moments(FullyConnected([5, 4, 3]), Normal(), 2)      # 3/2, 9/4 (1 + 5/3) (1 + 5/4)
    [[3/2, 27/2], [3/2, 6]]
    """
    recursion = moment_recursion(order, has_bias=False)
    # The input 1 of width 1: no two distinct indices, all powers 1.
    state: list[Number] = [fmpq(int(len(parts) <= 1)) for parts in recursion.partitions]
    maps: dict[Layer, Rows[Number]] = {}
    rows = []
    for layer in reversed_layers(network, readout):
        key = replace(layer, index=0)
        if key not in maps:
            maps[key] = layer_map(layer, recursion)
        state = [shortened(part, longest_bits) for part in recursion.apply(maps[key], state)]
        means = recursion.length_moments(state, fmpq)
        rows.append([mean * fmpq(layer.width) ** k for k, mean in enumerate(means, start=1)])
    return rows[::-1]


def alive_probabilities(network: FullyConnected, *, longest_bits: int | None = None) -> Iterator[Number]:
    """P(a_{j-1} != 0) for j = 1, ..., d: no layer before has all its neurons on a flat side.

    >>> list(alive_probabilities(FullyConnected([5, 1, 2, 3])))
    [1, 1/2, 3/8]
    """
    alive: Number = fmpq(1)
    for layer in network.layers:
        yield alive
        alive = shortened(alive * survival(layer), longest_bits or _LONGEST_FRACTION)


def survival(layer: Layer) -> Number:
    """P(a_j != 0 | a_{j-1} != 0): 1 - 2^-n where one of the slopes is 0; a ball for giant widths."""
    if 0 not in layer.activation.slopes:
        return fmpq(1)
    half = fmpq(1, 2) if layer.width < _LONGEST_FRACTION else arb(fmpq(1, 2))
    return 1 - half**layer.width


def check_index(index: object, depth: int) -> None:
    """Refuse what is no layer from 1 to d."""
    if isinstance(index, bool) or not isinstance(index, int) or not 1 <= index <= depth:
        raise SpecError(f"the layer must be a whole number from 1 to {depth:,}, not {index!r:.40}")
