"""Activations: piecewise linear ones, which the theory covers, and smooth ones, which it does not.

phi(t) = s_plus t for t > 0, s_minus t for t < 0. The even moments under a symmetric pre-activation
are c_m E z^{2m} with c_m = (s_plus^{2m} + s_minus^{2m})/2 (THEORY.md section 1), which is why the
moments close. Smooth activations have a name here so that simulation can take them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq

from theory.errors import SpecError, unknown_name
from theory.rationals import rational

__all__ = [
    "ACTIVATION_NAMES",
    "SMOOTH_NAMES",
    "Activation",
    "ActivationLike",
    "PiecewiseLinear",
    "SmoothActivation",
    "as_activation",
]


class Activation(ABC):
    """A function of one pre-activation, known by name."""

    @property
    @abstractmethod
    def name(self) -> str:
        """How the command line spells this activation."""

    @property
    @abstractmethod
    def slopes(self) -> tuple[fmpq, fmpq]:
        """s_plus, s_minus; `SpecError` where there are none."""

    def even_moment_factor(self, half_order: int) -> fmpq:
        """c_m with E phi(z)^{2m} = c_m E z^{2m} for every symmetric z and m >= 1."""
        plus, minus = self.slopes
        return (plus ** (2 * half_order) + minus ** (2 * half_order)) / 2

    @property
    def critical_variance_gain(self) -> fmpq:
        """g = 2/(s_plus^2 + s_minus^2): entry variance g/fan_in keeps the mean length."""
        return 1 / self.even_moment_factor(1)


@dataclass(frozen=True)
class PiecewiseLinear(Activation):
    """The slopes on the two half-lines.

    >>> as_activation("relu").critical_variance_gain
    2
    >>> as_activation("leaky_relu:1/10").critical_variance_gain
    200/101
    """

    positive_slope: fmpq
    negative_slope: fmpq

    def __post_init__(self) -> None:
        if self.positive_slope == 0 and self.negative_slope == 0:
            raise SpecError("an activation with both slopes 0 is the zero map; nothing to predict")

    @property
    def slopes(self) -> tuple[fmpq, fmpq]:
        return self.positive_slope, self.negative_slope

    @property
    def name(self) -> str:
        for name, pair in _PLAIN.items():
            if self.slopes == pair:
                return name
        if self.positive_slope == 1:
            return f"leaky_relu:{self.negative_slope}"
        return f"slopes:{self.positive_slope}:{self.negative_slope}"


@dataclass(frozen=True)
class SmoothActivation(Activation):
    """An activation that is not homogeneous: for `simulate --method conditional` only.

    >>> as_activation("tanh").name
    'tanh'
    """

    kind: str

    @property
    def name(self) -> str:
        return self.kind

    @property
    def slopes(self) -> tuple[fmpq, fmpq]:
        raise SpecError(
            f"{self.kind} is not piecewise linear, so its moments do not close; "
            "use simulate --method conditional with a given --variance-gain"
        )


SMOOTH_NAMES = ("tanh", "gelu", "silu", "selu", "elu", "softplus", "sigmoid")
_PLAIN = {
    "relu": (fmpq(1), fmpq(0)),
    "abs": (fmpq(1), fmpq(-1)),
    "linear": (fmpq(1), fmpq(1)),
}
ACTIVATION_NAMES = ("relu", "leaky_relu:SLOPE", "abs", "linear", "slopes:PLUS:MINUS")
ActivationLike: TypeAlias = Activation | str


def as_activation(activation: ActivationLike) -> Activation:
    """An activation from its name on the command line, or the activation itself."""
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str):
        raise SpecError(f"an activation is a name such as 'relu' or an Activation, not {activation!r}")
    name, _, parameter = activation.strip().partition(":")
    if name in _PLAIN and not parameter:
        return PiecewiseLinear(*_PLAIN[name])
    if name in _PLAIN:
        raise SpecError(f"the activation {name!r} takes no parameter; write {name!r}")
    if name in SMOOTH_NAMES and not parameter:
        return SmoothActivation(name)
    if name == "leaky_relu":
        slope = rational(parameter or "0.01", "the negative slope of leaky_relu")
        return PiecewiseLinear(fmpq(1), slope)
    if name == "slopes":
        plus, _, minus = parameter.partition(":")
        return PiecewiseLinear(rational(plus, "the positive slope"), rational(minus, "the negative slope"))
    raise unknown_name("activation", activation, (*ACTIVATION_NAMES, *SMOOTH_NAMES))
