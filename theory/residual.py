"""The frozen specification of a residual net, read by theory and simulation alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

from flint import fmpq

from theory.activations import Activation, ActivationLike, as_activation
from theory.door import GainLike, checked_input, checked_widths, per_layer, variance_gains
from theory.errors import SpecError, unknown_name
from theory.fans import checked_mode
from theory.laws import Law, LawLike, as_law
from theory.network import Layer
from theory.rationals import RationalLike, rational
from theory.reals import ExactReal, Number, Real, SquareRoot, number
from theory.schedules import scales_from_text
from theory.spec import Network, folded

__all__ = ["BRANCH_OUTPUTS", "Block", "Residual", "ScaleLike"]

BRANCH_OUTPUTS = ("relu", "linear")
ScaleLike: TypeAlias = "RationalLike | Real"


@dataclass(frozen=True, slots=True)
class Block:
    """x_l = x_{l-1} + scale N_l(x_{l-1}); `layers` are those of the branch N_l, without biases."""

    index: int
    scale: ExactReal
    layers: tuple[Layer, ...]

    @property
    def scale_squared(self) -> Number:
        """eta^2, exact where it is rational."""
        return self.scale.square if isinstance(self.scale, SquareRoot) else number(self.scale) ** 2


@dataclass(frozen=True, init=False)
class Residual(Network):
    """A randomly initialised residual net x_l = x_{l-1} + eta_l N_l(x_{l-1}) with its input.

    M_l is the mean square of the coordinates of x_l. Each branch N_l is a fully connected net
    without biases: hidden layers, then an output layer as wide as the trunk.

    Parameters
    ----------
    width
        n, of the trunk.
    scales
        eta_1, ..., eta_L >= 0, numbers or roots, or text: "0.1x50", "1/sqrt(L)x50".
    branch_widths
        The hidden widths of the branch, at least one: one sequence for all blocks, or one per block.
    branch_output
        relu: the output layer is bent by the activation; linear: it is not, and its entry
        variance is 1/fan_in whatever the gain.
    weights
        Law of the standardised weights; one for all blocks or one per block.
    variance_gain
        Of all other layers; None takes the critical one.
    mode
        What the gain is divided by; the linear output layer always takes fan_in.
    activation
        Of the hidden layers, and of the output layer when it is not linear.
    input
        x_0 as n numbers, read exactly; None means all ones.
    modules
        In place of branch_widths: all widths of each branch, which end at the trunk's.

    Raises
    ------
    SpecError
        One line saying what is wrong and what to write instead.

    Examples
    --------
    >>> net = Residual(4, ["0.7", "0.5"], [6], branch_output="linear")
    >>> net.depth, [layer.entry_variance for layer in net.blocks[0].layers]
    (2, [1/2, 1/6])
    """

    width: int
    scales: tuple[ExactReal, ...]
    branch_widths: tuple[tuple[int, ...], ...]
    branch_output: str
    weights: tuple[Law, ...]
    variance_gain: ExactReal
    mode: str
    activation: Activation
    input: tuple[fmpq, ...] | None

    def __init__(
        self,
        width: int,
        scales: str | Iterable[ScaleLike],
        branch_widths: Sequence[int] | Sequence[Sequence[int]] | None = None,
        *,
        branch_output: str = "relu",
        weights: LawLike | Sequence[LawLike] = "normal",
        variance_gain: GainLike | None = None,
        mode: str = "fan_in",
        activation: ActivationLike = "relu",
        input: Iterable[RationalLike] | None = None,
        modules: Sequence[Sequence[int]] | None = None,
    ) -> None:
        (trunk,) = set(checked_widths([width, width]))
        if branch_output not in BRANCH_OUTPUTS:
            raise unknown_name("branch output", str(branch_output), BRANCH_OUTPUTS)
        etas = _scales(scales)
        phi = as_activation(activation)
        self._freeze(
            width=trunk,
            scales=etas,
            branch_widths=_branches(trunk, len(etas), branch_widths, modules),
            branch_output=branch_output,
            weights=per_layer(weights, len(etas), as_law, "the weight law"),
            variance_gain=variance_gains(variance_gain, 1, phi, phi)[0],
            mode=checked_mode(mode),
            activation=phi,
            input=None if input is None else checked_input(input, trunk),
        )

    @property
    def depth(self) -> int:
        """L, the number of blocks."""
        return len(self.scales)

    @property
    def widths(self) -> tuple[int, ...]:
        """The trunk's width before and after every block."""
        return (self.width,) * (self.depth + 1)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Block 1 to block L; blocks alike share their layers as objects."""
        known: dict[tuple[int, tuple[int, ...]], tuple[Layer, ...]] = {}
        found = []
        for l, (eta, hidden, law) in enumerate(
            zip(self.scales, self.branch_widths, self.weights, strict=True), start=1
        ):
            key = (id(law), hidden)
            if key not in known:
                known[key] = self._branch(hidden, law)
            found.append(Block(l, eta, known[key]))
        return tuple(found)

    def _branch(self, hidden: tuple[int, ...], law: Law) -> tuple[Layer, ...]:
        widths = (self.width, *hidden, self.width)
        linear = as_activation("linear") if self.branch_output == "linear" else None
        layers = []
        for j, (fan_in, width) in enumerate(pairwise(widths), start=1):
            bare = linear is not None and j == len(widths) - 1
            layers.append(
                Layer(
                    index=j,
                    fan_in=fan_in,
                    width=width,
                    weights=law,
                    variance_gain=fmpq(1) if bare else self.variance_gain,
                    mode="fan_in" if bare else self.mode,
                    bias=law,
                    bias_variance=fmpq(0),
                    activation=linear if bare and linear is not None else self.activation,
                )
            )
        return tuple(layers)

    def has_finite_moments(self, half_order: int) -> bool:
        """Whether all weights have finite moments of order 2 * half_order."""
        return all(law.has_moment(half_order) for law in dict.fromkeys(self.weights))

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain data; lists per block only where the blocks differ."""
        return {
            "kind": "residual",
            "width": self.width,
            "blocks": self.depth,
            "scales": folded([str(eta) for eta in self.scales]),
            "branch_widths": folded([list(hidden) for hidden in self.branch_widths]),
            "branch_output": self.branch_output,
            "weights": folded([law.name for law in self.weights]),
            "variance_gain": str(self.variance_gain),
            "mode": self.mode,
            "activation": self.activation.name,
            "input": "ones" if self.input is None else [str(x) for x in self.input],
        }


def _scales(scales: str | Iterable[ScaleLike]) -> tuple[ExactReal, ...]:
    values = scales_from_text(scales) if isinstance(scales, str) else scales
    if not isinstance(values, Iterable):
        raise SpecError(
            f"scales is a sequence such as [0.7, 0.5], or text such as '0.1x50', not {values!r:.40}"
        )
    etas = tuple(eta if isinstance(eta, Real) else rational(eta, "a residual scale") for eta in values)
    if not etas:
        raise SpecError("scales needs at least one block, such as --scales 0.1x50")
    for l, eta in enumerate(etas, start=1):
        if isinstance(eta, fmpq) and eta < 0:
            raise SpecError(
                f"the scale of block {l} is {eta}; scales are at least 0, and a branch that is taken "
                "off has the same law as one that is added where its output is linear"
            )
    return etas


def _branches(
    trunk: int,
    blocks: int,
    branch_widths: Sequence[int] | Sequence[Sequence[int]] | None,
    modules: Sequence[Sequence[int]] | None,
) -> tuple[tuple[int, ...], ...]:
    if (branch_widths is None) == (modules is None):
        raise SpecError(
            "a residual net needs the hidden widths of its branch, such as --branch-widths 128, "
            "or its modules, not both"
        )
    if modules is not None:
        hidden = [_module(module, trunk) for module in _parts(modules)]
    elif any(isinstance(part, (list, tuple)) for part in _parts(branch_widths)):
        hidden = [_hidden(part, trunk) for part in _parts(branch_widths)]
    else:
        hidden = [_hidden(branch_widths, trunk)] * blocks
    if len(hidden) != blocks:
        raise SpecError(
            f"{len(hidden)} modules are given for {blocks} scales; give one scale per block, or one module"
        )
    return tuple(hidden)


def _parts(value: Any) -> Sequence[Any]:
    """Those of a list; anything else is one part."""
    return value if isinstance(value, (list, tuple)) else [value]


def _hidden(widths: Any, trunk: int) -> tuple[int, ...]:
    if not isinstance(widths, (list, tuple)) or not widths:
        raise SpecError("a branch needs at least one hidden layer, such as --branch-widths 128")
    return checked_widths([trunk, *widths, trunk])[1:-1]


def _module(widths: Any, trunk: int) -> tuple[int, ...]:
    if not isinstance(widths, (list, tuple)) or len(widths) < 2:
        raise SpecError(f"a module lists its hidden widths and its last one, such as [128, {trunk}]")
    *hidden, last = checked_widths([trunk, *widths])[1:]
    if last != trunk:
        raise SpecError(
            f"a module ends at width {last}, but the trunk has width {trunk}; its output is added to "
            f"the trunk, so end it at {trunk}"
        )
    return tuple(hidden)
