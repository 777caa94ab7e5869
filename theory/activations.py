"""Positively homogeneous activations: phi(t) = s_plus t for t > 0, s_minus t for t < 0.

Their even moments under a symmetric pre-activation are c_m E z^{2m} with
c_m = (s_plus^{2m} + s_minus^{2m})/2 (THEORY.md section 1), which is why the moments close.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq

from theory.errors import SpecError, unknown_name
from theory.rationals import rational

__all__ = ["ACTIVATION_NAMES", "Activation", "ActivationLike", "as_activation"]


@dataclass(frozen=True)
class Activation:
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
    def name(self) -> str:
        """How the command line spells this activation."""
        slopes = (self.positive_slope, self.negative_slope)
        for name, pair in _PLAIN.items():
            if slopes == pair:
                return name
        if self.positive_slope == 1:
            return f"leaky_relu:{self.negative_slope}"
        return f"slopes:{self.positive_slope}:{self.negative_slope}"

    def even_moment_factor(self, half_order: int) -> fmpq:
        """c_m with E phi(z)^{2m} = c_m E z^{2m} for every symmetric z and m >= 1."""
        power = 2 * half_order
        return (self.positive_slope**power + self.negative_slope**power) / 2

    @property
    def critical_variance_gain(self) -> fmpq:
        """g = 2/(s_plus^2 + s_minus^2): entry variance g/fan_in keeps the mean length."""
        return 1 / self.even_moment_factor(1)


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
        return Activation(*_PLAIN[name])
    if name in _PLAIN:
        raise SpecError(f"the activation {name!r} takes no parameter; write {name!r}")
    if name == "leaky_relu":
        slope = rational(parameter or "0.01", "the negative slope of leaky_relu")
        return Activation(fmpq(1), slope)
    if name == "slopes":
        plus, _, minus = parameter.partition(":")
        return Activation(rational(plus, "the positive slope"), rational(minus, "the negative slope"))
    raise unknown_name("activation", activation, ACTIVATION_NAMES)
