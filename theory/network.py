"""The frozen specification of a fully connected net, read by theory and simulation alike.

Everything is checked once, here, at the door; the other rooms take a spec as valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import fmpq

from theory.activations import Activation, ActivationLike, as_activation
from theory.door import (
    GainLike,
    bias_variance_of,
    checked_input,
    checked_widths,
    per_layer,
    variance_gains,
)
from theory.fans import checked_mode, fan
from theory.laws import Law, LawLike, as_law, independent_law
from theory.rationals import RationalLike
from theory.reals import ExactReal, Number, number
from theory.spec import Network, folded

__all__ = ["FullyConnected", "Layer"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer a_j = phi(W_j a_{j-1} + b_j): everything either side needs to know of it."""

    index: int
    fan_in: int
    width: int
    weights: Law
    variance_gain: ExactReal
    mode: str
    bias: Law
    bias_variance: fmpq
    activation: Activation

    @property
    def entry_variance(self) -> Number:
        """Variance of one weight: the gain over the fan."""
        return number(self.variance_gain) / number(fan(self.mode, self.fan_in, self.width))

    @property
    def effective_gain(self) -> Number:
        """fan_in times the entry variance: the variance gain that acts on the mean length."""
        if self.mode == "fan_in":
            return number(self.variance_gain)
        return self.entry_variance * self.fan_in

    @property
    def kurtosis(self) -> Number:
        """E w^4 of one standardised weight; for orthogonal matrices it depends on the shape."""
        return self.weights.independent_moment(2) * self.moment_ratio(2)

    def moment_ratio(self, half_order: int) -> fmpq:
        """What dependence between the weights does to moments of degree 2 * half_order: 1 without."""
        return self.weights.moment_ratio(half_order, self.fan_in, self.width)

    @property
    def mean_factor(self) -> Number:
        """alpha in E[M_j | a_{j-1}] = alpha M_{j-1} + beta."""
        return self.activation.even_moment_factor(1) * self.effective_gain

    @property
    def mean_shift(self) -> fmpq:
        """beta in E[M_j | a_{j-1}] = alpha M_{j-1} + beta."""
        return self.activation.even_moment_factor(1) * self.bias_variance


@dataclass(frozen=True, init=False)
class FullyConnected(Network):
    """A randomly initialised fully connected net with its input.

    Parameters
    ----------
    widths
        n_0, ..., n_d: input width, then the width of each of d >= 1 layers.
    weights
        Law of the standardised weights, a name or a `Law`; one for all layers or one per layer.
    variance_gain
        Entry variance times fan, one number or one per layer; None (for the whole net, not in
        a list) takes the critical gain of each layer's activation, 2 for ReLU, which keeps the
        mean length.
    mode
        What the gain is divided by, one of `theory.fans.FAN_MODES`.
    bias_weights, bias_variance
        Law and variance of the biases, one or per layer; variance 0 means no bias.
    activation, output_activation
        Of all layers, and of the last one where it differs.
    input
        a_0 as n_0 numbers, read exactly; None means all ones, so M_0 = 1.

    Raises
    ------
    SpecError
        One line saying what is wrong and what to write instead.

    Examples
    --------
    >>> net = FullyConnected([784, 100, 10], weights="uniform")
    >>> net.depth, net.layers[0].entry_variance
    (2, 1/392)
    >>> net.replaced(bias_variance=1).bias_variance
    (1, 1)
    >>> FullyConnected([3, 1], input=[1, -2, "1/2"]).input_power_sum(1)
    21/4
    """

    widths: tuple[int, ...]
    weights: tuple[Law, ...]
    variance_gain: tuple[ExactReal, ...]
    mode: str
    bias_weights: tuple[Law, ...]
    bias_variance: tuple[fmpq, ...]
    activation: Activation
    output_activation: Activation
    input: tuple[fmpq, ...] | None

    def __init__(
        self,
        widths: Iterable[int],
        *,
        weights: LawLike | Sequence[LawLike] = "normal",
        variance_gain: GainLike | Sequence[GainLike] | None = None,
        mode: str = "fan_in",
        bias_weights: LawLike | Sequence[LawLike] = "normal",
        bias_variance: RationalLike | Sequence[RationalLike] = 0,
        activation: ActivationLike = "relu",
        output_activation: ActivationLike | None = None,
        input: Iterable[RationalLike] | None = None,
    ) -> None:
        checked = checked_widths(widths)
        depth = len(checked) - 1
        hidden = as_activation(activation)
        last = hidden if output_activation is None else as_activation(output_activation)
        self._freeze(
            widths=checked,
            weights=per_layer(weights, depth, as_law, "the weight law"),
            variance_gain=variance_gains(variance_gain, depth, hidden, last),
            mode=checked_mode(mode),
            bias_weights=per_layer(bias_weights, depth, _bias_law, "the bias law"),
            bias_variance=per_layer(bias_variance, depth, bias_variance_of, "the bias variance"),
            activation=hidden,
            output_activation=last,
            input=None if input is None else checked_input(input, checked[0]),
        )

    @property
    def depth(self) -> int:
        """d, the number of layers after the input."""
        return len(self.widths) - 1

    @property
    def has_bias(self) -> bool:
        """Whether any layer has a bias of positive variance."""
        return any(v != 0 for v in self.bias_variance)

    @property
    def bias_laws_in_use(self) -> tuple[Law, ...]:
        """The laws of the biases whose variance is positive."""
        return tuple(layer.bias for layer in self.layers if layer.bias_variance != 0)

    def has_finite_moments(self, half_order: int) -> bool:
        """Whether all weights and biases have finite moments of order 2 * half_order."""
        laws = dict.fromkeys((*self.weights, *self.bias_laws_in_use))
        return all(law.has_moment(half_order) for law in laws)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Layer 1 to layer d."""
        return tuple(self._layer(j) for j in range(1, self.depth + 1))

    def _layer(self, j: int) -> Layer:
        fan_in, width = self.widths[j - 1], self.widths[j]
        return Layer(
            index=j,
            fan_in=fan_in,
            width=width,
            weights=self.weights[j - 1],
            variance_gain=self.variance_gain[j - 1],
            mode=self.mode,
            bias=self.bias_weights[j - 1],
            bias_variance=self.bias_variance[j - 1],
            activation=self.output_activation if j == self.depth else self.activation,
        )

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain data; per-layer lists only where the layers differ."""
        return {
            "kind": "fully_connected",
            "widths": list(self.widths),
            "depth": self.depth,
            "weights": folded([law.name for law in self.weights]),
            "variance_gain": folded([str(g) for g in self.variance_gain]),
            "mode": self.mode,
            "bias_weights": folded([law.name for law in self.bias_weights]),
            "bias_variance": folded([str(v) for v in self.bias_variance]),
            "activation": self.activation.name,
            "output_activation": self.output_activation.name,
            "input": "ones" if self.input is None else [str(x) for x in self.input],
        }


def _bias_law(law: LawLike) -> Law:
    return independent_law(law, "a bias")
