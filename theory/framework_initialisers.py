"""What the frameworks' initialisers draw, decoded from their own source: the record and the table.

Three truncation semantics share one word. torch.nn.init.trunc_normal_ cuts at the absolute values
+-2 (100 standard deviations for std=0.02, so nothing is cut); jax.nn.initializers.truncated_normal,
keras.initializers.TruncatedNormal and timm's trunc_normal_tf_ cut the unit normal law at +-2, then
scale, which leaves the variance std^2 v(2) with v(2) = 0.7737...; the variance_scaling families of
JAX and Keras divide by 0.87962566103423978 = sqrt(v(2)) as well, so that the variance is scale/fan.

Read in torch 2.13.0 (torch/nn/init.py, torch/nn/modules/linear.py), jax 0.10.2
(jax/_src/nn/initializers.py), flax 0.12.8 (flax/linen/linear.py), keras 3.15.1
(keras/src/initializers/random_initializers.py), timm 1.0.31 (timm/layers/weight_init.py). Left out:
jax.nn.initializers.uniform, whose law on [0, scale) is not symmetric. Orthogonal matrices are gain Q in
all three, Q from the decomposition of a normal matrix with the signs of R's diagonal: entries of variance
gain^2/max(fan_in, fan_out).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flint import fmpq

from theory.errors import SpecError
from theory.laws import Law, Normal, Orthogonal, TruncatedNormal, Uniform
from theory.reals import ExactReal, TruncatedNormalMoment

__all__ = ["FRAMEWORK_INITIALISERS", "PARAMETERISED_INITIALISERS", "Initialiser", "Parameterised"]

_ZERO, _THIRD = fmpq(0), fmpq(1, 3)


@dataclass(frozen=True)
class Initialiser:
    """Entry variance = variance_gain / fan, with the fan chosen by `mode`; biases bias_gain / fan_in.

    `bias_weights` is None, and `bias_gain` 0, where the biases start at zero. `source` names the
    function that defines the initialiser, or the paper.
    """

    weights: Law
    variance_gain: ExactReal
    mode: str
    bias_weights: Law | None = None
    bias_gain: fmpq = _ZERO
    source: str = ""

    def options(self, widths: Sequence[int]) -> dict[str, Any]:
        """The keyword arguments of `FullyConnected` for a net of these (valid) widths.

        >>> he = Initialiser(Normal(), fmpq(2), "fan_in")
        >>> he.options([3, 4, 1])
        {'weights': Normal(), 'variance_gain': 2, 'mode': 'fan_in'}
        """
        chosen = {"weights": self.weights, "variance_gain": self.variance_gain, "mode": self.mode}
        if self.bias_weights is None:
            return chosen
        variances = [self.bias_gain / n for n in widths[:-1]]
        return chosen | {"bias_weights": self.bias_weights, "bias_variance": variances}


@dataclass(frozen=True)
class Parameterised:
    """A family of initialisers with a scale to give, written name:PARAMETER."""

    parameter: str
    meaning: str
    build: Callable[[fmpq], Initialiser]


_UNTRUNCATED: dict[str, Law] = {"normal": Normal(), "uniform": Uniform()}

_TORCH: dict[str, Initialiser] = {
    # kaiming_*_(a=0, mode="fan_in", nonlinearity="leaky_relu"): gain sqrt(2 / (1 + a^2)) = sqrt 2.
    **{
        f"torch.kaiming_{shape}": Initialiser(
            law, fmpq(2), "fan_in", source=f"torch.nn.init.kaiming_{shape}_"
        )
        for shape, law in _UNTRUNCATED.items()
    },
    # xavier_*_(gain=1): std = gain sqrt(2 / (fan_in + fan_out)).
    **{
        f"torch.xavier_{shape}": Initialiser(law, fmpq(1), "fan_avg", source=f"torch.nn.init.xavier_{shape}_")
        for shape, law in _UNTRUNCATED.items()
    },
    # kaiming_uniform_(a=sqrt 5): gain^2 = 2 / (1 + 5) = 1/3; bias uniform on +-1/sqrt(fan_in).
    "torch.linear_default": Initialiser(
        Uniform(), _THIRD, "fan_in", Uniform(), _THIRD, "torch.nn.Linear.reset_parameters"
    ),
}

# variance_scaling(scale, mode, distribution), where "normal" is truncated at 2 and corrected.
_SCALES = {"he": (2, "fan_in"), "lecun": (1, "fan_in"), "glorot": (1, "fan_avg")}
_SHAPES: dict[str, Law] = {"normal": TruncatedNormal(fmpq(2)), "uniform": Uniform()}


def _variance_scaling(prefix: str, source: Callable[[str, str], str]) -> dict[str, Initialiser]:
    return {
        f"{prefix}.{scheme}_{shape}": Initialiser(law, fmpq(scale), mode, source=source(scheme, shape))
        for scheme, (scale, mode) in _SCALES.items()
        for shape, law in _SHAPES.items()
    }


_ORTHOGONAL = {
    "torch.orthogonal": ("GAIN", "torch.nn.init.orthogonal_"),
    "jax.orthogonal": ("SCALE", "jax.nn.initializers.orthogonal"),
    "keras.orthogonal": ("GAIN", "keras.initializers.Orthogonal"),
}


def _orthogonal(source: str, gain: fmpq) -> Initialiser:
    return Initialiser(Orthogonal(), gain**2, "fan_max", source=source)


FRAMEWORK_INITIALISERS: dict[str, Initialiser] = {
    **_TORCH,
    **_variance_scaling("jax", lambda scheme, shape: f"jax.nn.initializers.{scheme}_{shape}"),
    # Dense(kernel_init=lecun_normal(), bias_init=zeros_init()).
    "flax.dense_default": Initialiser(_SHAPES["normal"], fmpq(1), "fan_in", source="flax.linen.Dense"),
    **_variance_scaling("keras", lambda scheme, shape: f"keras.initializers.{scheme.title()}{shape.title()}"),
    # Dense(kernel_initializer="glorot_uniform", bias_initializer="zeros").
    "keras.dense_default": Initialiser(Uniform(), fmpq(1), "fan_avg", source="keras.layers.Dense"),
    **{name: _orthogonal(source, fmpq(1)) for name, (_, source) in _ORTHOGONAL.items()},
}


def _normal(source: str) -> Parameterised:
    """N(0, STD^2)."""

    def build(std: fmpq) -> Initialiser:
        return Initialiser(Normal(), std**2, "none", source=source)

    return Parameterised("STD", "standard deviation", build)


def _uniform(source: str) -> Parameterised:
    """Uniform on [-BOUND, BOUND]."""

    def build(bound: fmpq) -> Initialiser:
        return Initialiser(Uniform(), bound**2 / 3, "none", source=source)

    return Parameterised("BOUND", "bound", build)


def _cut_then_scaled(source: str) -> Parameterised:
    """STD times a unit normal variable cut at +-2: variance STD^2 v(2), uncorrected."""

    def build(std: fmpq) -> Initialiser:
        return _truncated(fmpq(2), std, source)

    return Parameterised("STD", "standard deviation before the cut", build)


def _cut_at_two(source: str) -> Parameterised:
    """N(0, STD^2) cut at the absolute values +-2: a cut at 2/STD standard deviations."""

    def build(std: fmpq) -> Initialiser:
        if not fmpq(2, 10**6) <= std <= 2 * 10**6:
            raise SpecError(
                f"{source} cuts at -2 and 2, which is followed for a standard deviation from 2e-6 to 2e6; "
                "below, nothing is cut (write torch.normal:STD), above, torch.uniform:2 is left"
            )
        return _truncated(2 / std, std, source)

    return Parameterised("STD", "standard deviation before the cut", build)


def _truncated(cut: fmpq, std: fmpq, source: str) -> Initialiser:
    return Initialiser(TruncatedNormal(cut), TruncatedNormalMoment(cut, 1, std**2), "none", source=source)


PARAMETERISED_INITIALISERS: dict[str, Parameterised] = {
    "torch.normal": _normal("torch.nn.init.normal_"),
    "torch.uniform": _uniform("torch.nn.init.uniform_"),
    "torch.trunc_normal": _cut_at_two("torch.nn.init.trunc_normal_"),
    "jax.normal": _normal("jax.nn.initializers.normal"),
    "jax.truncated_normal": _cut_then_scaled("jax.nn.initializers.truncated_normal"),
    "keras.random_normal": _normal("keras.initializers.RandomNormal"),
    "keras.random_uniform": _uniform("keras.initializers.RandomUniform"),
    "keras.truncated_normal": _cut_then_scaled("keras.initializers.TruncatedNormal"),
    "timm.trunc_normal": _cut_at_two("timm.layers.weight_init.trunc_normal_"),
    "timm.trunc_normal_tf": _cut_then_scaled("timm.layers.weight_init.trunc_normal_tf_"),
    **{
        name: Parameterised(parameter, "gain", partial(_orthogonal, source))
        for name, (parameter, source) in _ORTHOGONAL.items()
    },
}
