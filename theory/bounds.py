"""Theorem 5 with its constants: two-sided bounds on E M_d^2 without bias (THEORY.md section 3).

For tau = 2 (s_+^4 + s_-^4)/(s_+^2 + s_-^2)^2 (2 for ReLU) and kurtosis kappa,
    alpha^2 (1 + c/n) q <= E M_j^2 <= alpha^2 (1 + C/n) q,   q = E M_{j-1}^2,
with c, C = min, max of 3 tau - 1 and kappa tau - 1, and alpha the factor of the mean.
Orthogonal weights multiply the normal factor 1 + (3 tau - 1)/n by ratio_2 = N/(N + 2), whatever the
layer before: for them c = C = (N (3 tau - 1) - 2 n)/(N + 2), and both bounds are the second moment itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

from flint import arb

from theory.activations import Activation
from theory.laws import Law
from theory.network import FullyConnected, Layer
from theory.reals import Number
from theory.values import Enclosed, Exact, as_value, larger, shortened, smaller

__all__ = ["SecondMomentBounds", "layer_constants", "second_moment_bounds"]


@dataclass(frozen=True)
class SecondMomentBounds:
    """Bounds on E M_d^2: products of 1 + c/n_j, and exponentials of sums of 1/n_j.

    `c` is the smallest and `C` the largest constant of any layer.
    """

    c: Exact | Enclosed
    C: Exact | Enclosed
    lower: Exact | Enclosed
    upper: Exact | Enclosed
    exponential_lower: Enclosed
    exponential_upper: Enclosed

    def to_dict(self, *, exact_digits: int | None) -> dict[str, Any]:
        """JSON form."""
        return {
            name: getattr(self, name).to_dict(exact_digits=exact_digits)
            for name in ("c", "C", "lower", "upper", "exponential_lower", "exponential_upper")
        }


def layer_constants(weights: Law, activation: Activation) -> tuple[Number, Number]:
    """(c, C) of one layer of independent weights, or of those that dependent ones are compared with.

    >>> from theory.activations import as_activation
    >>> from theory.laws import as_law
    >>> layer_constants(as_law("normal"), as_activation("relu"))
    (5, 5)
    >>> layer_constants(as_law("rademacher"), as_activation("relu"))
    (1, 5)
    """
    tau = activation.even_moment_factor(2) / activation.even_moment_factor(1) ** 2
    spread, single = 3 * tau - 1, weights.independent_moment(2) * tau - 1
    return smaller(spread, single), larger(spread, single)


def _constants(layer: Layer) -> tuple[Number, Number]:
    """(c, C) of one layer; 1 + x/n becomes (1 + x/n) ratio_2."""
    low, high = layer_constants(layer.weights, layer.activation)
    if layer.weights.independent:
        return low, high
    ratio, n = layer.moment_ratio(2), layer.width
    return (n + low) * ratio - n, (n + high) * ratio - n


def second_moment_bounds(
    network: FullyConnected, *, longest_bits: int | None = None
) -> SecondMomentBounds | None:
    """The bounds, or None where biases or an infinite kurtosis put them out of reach.

    >>> bounds = second_moment_bounds(FullyConnected([5, 2, 2], weights="rademacher"))
    >>> bounds.lower.number, bounds.upper.number
    (9/4, 49/4)
    """
    if network.has_bias or not network.has_finite_moments(2):
        return None
    # The network keeps its laws and activations alive: identities are keys, cheaper than hashing.
    constants: dict[tuple[int, ...], tuple[Number, Number]] = {}
    start = (network.input_power_sum(1) / network.widths[0]) ** 2
    lower: Number = start
    upper: Number = start
    scale: Number = start
    log_lower, log_upper = arb(0), arb(0)
    for layer in network.layers:
        shape = () if layer.weights.independent else (layer.fan_in, layer.width)
        key = (id(layer.weights), id(layer.activation), *shape)
        if key not in constants:
            constants[key] = _constants(layer)
        low, high = constants[key]
        alpha_squared = layer.mean_factor**2
        lower = shortened(lower * (alpha_squared * (1 + low / layer.width)), longest_bits)
        upper = shortened(upper * (alpha_squared * (1 + high / layer.width)), longest_bits)
        scale = shortened(scale * alpha_squared, longest_bits)
        log_lower += arb(1 + low).log() / layer.width
        log_upper += arb(high / layer.width)
    return SecondMomentBounds(
        c=as_value(reduce(smaller, (low for low, _ in constants.values()))),
        C=as_value(reduce(larger, (high for _, high in constants.values()))),
        lower=as_value(lower),
        upper=as_value(upper),
        exponential_lower=Enclosed(log_lower.exp() * scale),
        exponential_upper=Enclosed(log_upper.exp() * scale),
    )
