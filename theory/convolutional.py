"""The frozen specification of a convolutional net, read by theory and simulation alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from flint import fmpq

from theory.activations import Activation, ActivationLike, as_activation
from theory.door import GainLike, checked_input, checked_widths, per_layer, variance_gains
from theory.errors import SpecError, unknown_name
from theory.fans import checked_mode, fan
from theory.laws import Law, LawLike, independent_law
from theory.rationals import RationalLike
from theory.reals import ExactReal, Number, number
from theory.spec import Network, folded

__all__ = ["PADDINGS", "Convolutional", "ConvolutionalLayer"]

PADDINGS = ("circular", "zero")
_MOST_NEURONS = 10**9


@dataclass(frozen=True, slots=True)
class ConvolutionalLayer:
    """One layer a_j = phi(w_j * a_{j-1}), stride 1, without biases.

    Output channel c belongs to group c // (channels/groups) and sees the in_channels/groups input
    channels of that group. At position p it sees p + o for the offsets o of `offsets`, along each
    axis modulo the positions (circular) or where they exist (zero).
    """

    index: int
    in_channels: int
    channels: int
    kernel: tuple[int, ...]
    positions: tuple[int, ...]
    groups: int
    padding: str
    weights: Law
    variance_gain: ExactReal
    mode: str
    activation: Activation

    @property
    def fan_in(self) -> int:
        """Inputs of one output neuron, those beyond the border included."""
        return prod(self.kernel) * (self.in_channels // self.groups)

    @property
    def fan_out(self) -> int:
        """Kernel size times output channels, the convention of torch and Keras, groups or not."""
        return prod(self.kernel) * self.channels

    @property
    def width(self) -> int:
        """Neurons: channels times positions."""
        return self.channels * prod(self.positions)

    @property
    def offsets(self) -> tuple[range, ...]:
        """Where the kernel reaches along each axis: (q - 1)//2 to the left, q//2 to the right."""
        return tuple(range(-((q - 1) // 2), q // 2 + 1) for q in self.kernel)

    @property
    def entry_variance(self) -> Number:
        """Variance of one weight: the gain over the fan."""
        return number(self.variance_gain) / number(fan(self.mode, self.fan_in, self.fan_out))

    @property
    def effective_gain(self) -> Number:
        """fan_in times the entry variance."""
        return self.entry_variance * self.fan_in

    @property
    def mean_factor(self) -> Number:
        """alpha in E[M_j | a_{j-1}] = alpha M_{j-1}, circular padding."""
        return self.activation.even_moment_factor(1) * self.effective_gain


@dataclass(frozen=True, init=False)
class Convolutional(Network):
    """A randomly initialised convolutional net with its input; M_j is the mean of a_j^2 over
    channels and positions.

    Parameters
    ----------
    channels
        c_0, ..., c_d.
    kernel
        Its size, one number or one per axis.
    positions
        One number, or two for images.
    groups
        One number or one per layer; it divides both channel numbers.
    padding
        circular or zero; either way every layer keeps the positions.
    weights, variance_gain, mode, activation
        As for `FullyConnected`; the fan is kernel size times input channels over groups.
    input
        a_0 channel by channel, each row by row; None means all ones.

    Raises
    ------
    SpecError
        One line saying what is wrong and what to write instead.

    Examples
    --------
    >>> net = Convolutional([3, 16, 16], kernel=3, positions=[32, 32])
    >>> net.depth, net.widths, net.layers[0].fan_in
    (2, (3072, 16384, 16384), 27)
    """

    channels: tuple[int, ...]
    kernel: tuple[int, ...]
    positions: tuple[int, ...]
    groups: tuple[int, ...]
    padding: str
    weights: tuple[Law, ...]
    variance_gain: tuple[ExactReal, ...]
    mode: str
    activation: Activation
    input: tuple[fmpq, ...] | None

    def __init__(
        self,
        channels: Iterable[int],
        *,
        kernel: int | Sequence[int],
        positions: int | Sequence[int],
        groups: int | Sequence[int] = 1,
        padding: str = "circular",
        weights: LawLike | Sequence[LawLike] = "normal",
        variance_gain: GainLike | Sequence[GainLike] | None = None,
        mode: str = "fan_in",
        activation: ActivationLike = "relu",
        input: Iterable[RationalLike] | None = None,
    ) -> None:
        checked = _channels(channels)
        depth = len(checked) - 1
        axes = _sizes(positions, "positions", 1)
        size = _sizes(kernel, "kernel", len(axes))
        for q, p in zip(size, axes, strict=True):
            if q > p:
                raise SpecError(
                    f"the kernel reaches over {q} positions, but there are {p}; take a kernel of at most {p}"
                )
        if padding not in PADDINGS:
            raise unknown_name("padding", str(padding), PADDINGS)
        if max(checked) * prod(axes) > _MOST_NEURONS:
            raise SpecError(f"a layer has more than {_MOST_NEURONS:,} neurons; take fewer positions")
        phi = as_activation(activation)
        self._freeze(
            channels=checked,
            kernel=size,
            positions=axes,
            groups=_groups(groups, checked),
            padding=padding,
            weights=per_layer(weights, depth, _law, "the weight law"),
            variance_gain=variance_gains(variance_gain, depth, phi, phi),
            mode=checked_mode(mode),
            activation=phi,
            input=None if input is None else checked_input(input, checked[0] * prod(axes)),
        )

    @property
    def depth(self) -> int:
        """d, the number of layers after the input."""
        return len(self.channels) - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Neurons of every layer: channels times positions."""
        return tuple(c * prod(self.positions) for c in self.channels)

    @cached_property
    def layers(self) -> tuple[ConvolutionalLayer, ...]:
        """Layer 1 to layer d."""
        return tuple(
            ConvolutionalLayer(
                index=j,
                in_channels=self.channels[j - 1],
                channels=self.channels[j],
                kernel=self.kernel,
                positions=self.positions,
                groups=self.groups[j - 1],
                padding=self.padding,
                weights=self.weights[j - 1],
                variance_gain=self.variance_gain[j - 1],
                mode=self.mode,
                activation=self.activation,
            )
            for j in range(1, self.depth + 1)
        )

    def has_finite_moments(self, half_order: int) -> bool:
        """Whether all weights have finite moments of order 2 * half_order."""
        return all(law.has_moment(half_order) for law in dict.fromkeys(self.weights))

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain data; per-layer lists only where the layers differ."""
        return {
            "kind": "convolutional",
            "channels": list(self.channels),
            "depth": self.depth,
            "kernel": list(self.kernel),
            "positions": list(self.positions),
            "groups": folded(list(self.groups)),
            "padding": self.padding,
            "weights": folded([law.name for law in self.weights]),
            "variance_gain": folded([str(g) for g in self.variance_gain]),
            "mode": self.mode,
            "activation": self.activation.name,
            "input": "ones" if self.input is None else [str(x) for x in self.input],
        }


def _law(law: LawLike) -> Law:
    return independent_law(law, "a convolution")


def _channels(channels: Iterable[int]) -> tuple[int, ...]:
    try:
        return checked_widths(channels)
    except SpecError as error:
        raise SpecError(
            f"channels c_0,...,c_d such as 3,16x4: {str(error).replace('width n_', 'c_')}"
        ) from None


def _sizes(value: int | Sequence[int], what: str, axes: int) -> tuple[int, ...]:
    """One size per axis; a single kernel size stands for all axes."""
    sizes: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value] * axes
    if not 1 <= len(sizes) <= 2 or (what == "kernel" and len(sizes) != axes):
        raise SpecError(
            f"{what} is one number or two, as many as there are axes ({axes}), such as {what}=3; "
            f"got {len(sizes)} numbers"
            if what == "kernel"
            else f"positions is one number, or two for images; got {len(sizes)} numbers"
        )
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 10**6:
            raise SpecError(f"{what} must be whole numbers from 1 to 1,000,000, not {size!r:.40}")
    return tuple(sizes)


def _groups(groups: int | Sequence[int], channels: tuple[int, ...]) -> tuple[int, ...]:
    checked = per_layer(groups, len(channels) - 1, _group, "groups")
    for j, (g, before, after) in enumerate(zip(checked, channels, channels[1:], strict=False), start=1):
        if before % g or after % g:
            raise SpecError(
                f"groups of layer {j} is {g}, which does not divide its {before} input and {after} "
                "output channels; every group takes the same number of both"
            )
    return checked


def _group(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**6:
        raise SpecError(f"groups must be a whole number of at least 1, not {value!r:.40}")
    return value
