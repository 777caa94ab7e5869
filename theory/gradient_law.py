"""Normal weights and read-out: squared gradient norms as products of independent chi-square factors.

Given the layer before, a layer of n neurons multiplies the squared length by (gain/n) Q with

    Q = s_+^2 chi^2_B + s_-^2 chi^2_{n-B},   B ~ Binomial(n, 1/2),

all layers independent (THEORY.md sections 2 and 7). |delta_j|^2, given a_{j-1} != 0, has such a factor
for each layer from j to d, |dF/dW_j|_F^2 for every layer of the net: divided by its mean it has one law
for all j, that of M_d.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from flint import fmpq

from theory import gaussian
from theory.errors import SpecError
from theory.laws import Normal
from theory.network import FullyConnected, Layer
from theory.reals import Number
from theory.reversal import check_index, reversed_layers, survival

__all__ = ["ChiSquareFactor", "ChiSquareProduct", "delta_law", "weight_gradient_law"]


@dataclass(frozen=True)
class ChiSquareFactor:
    """multiplier (s_+^2 chi^2_B + s_-^2 chi^2_{n-B}), B ~ Binomial(n, 1/2), n = `width`."""

    multiplier: Number
    width: int
    squared_slopes: tuple[fmpq, fmpq]

    def degrees_of_freedom(self) -> list[tuple[int, int, fmpq]]:
        """(B, n - B, probability) for B = 0, ..., n.

        >>> ChiSquareFactor(fmpq(1), 2, (fmpq(1), fmpq(0))).degrees_of_freedom()
        [(0, 2, 1/4), (1, 1, 1/2), (2, 0, 1/4)]
        """
        n = self.width
        return [(b, n - b, fmpq(comb(n, b), 2**n)) for b in range(n + 1)]


@dataclass(frozen=True)
class ChiSquareProduct:
    """A law: `scale` times one independent factor for each of `layers`, normal weights each.

    It is the law of scale M/M_0 in a net of these layers, which need not fit one another in width.
    """

    scale: fmpq
    layers: tuple[Layer, ...]

    @property
    def factors(self) -> tuple[ChiSquareFactor, ...]:
        """The factors one by one."""
        return tuple(_factor(layer) for layer in self.layers)

    @property
    def zero(self) -> Number:
        """The probability of 0: some layer has all its neurons on a flat side."""
        alive: Number = fmpq(1)
        for layer in self.layers:
            alive *= survival(layer)
        return 1 - alive

    def moment(self, order: int) -> Number:
        """E X^order, from rising factorials of the binomial degrees of freedom.

        >>> delta_law(FullyConnected([5, 4, 3]), 1).moment(2)
        27/2
        """
        result: Number = self.scale**order
        for layer in self.layers:
            factor = gaussian.factor_moment(order, layer.width, layer.activation)
            result *= layer.effective_gain**order * factor
        return result


def delta_law(network: FullyConnected, index: int) -> ChiSquareProduct:
    """The law of |delta_index|^2 given a_{index-1} != 0, for a normal read-out.

    `SpecError` for weights that are not normal; `gradient_moments` takes them.

    >>> [(f.multiplier, f.width) for f in delta_law(FullyConnected([5, 4, 3]), 1).factors]
    [(1/3, 3), (3/8, 4)]
    """
    other = next((law for law in network.weights if not isinstance(law, Normal)), None)
    if other is not None:
        raise SpecError(
            f"the law of the gradients is a product of chi-squares for normal weights, not for {other.name} "
            "ones; gradient_moments has their moments"
        )
    check_index(index, network.depth)
    layers = reversed_layers(network)[: network.depth + 1 - index]
    return ChiSquareProduct(fmpq(network.widths[index]), layers)


def weight_gradient_law(network: FullyConnected, index: int) -> ChiSquareProduct:
    """The law of |dF/dW_index|_F^2, its zeros included, for a normal read-out.

    >>> law = weight_gradient_law(FullyConnected([5, 1, 3]), 2)
    >>> law.moment(1), law.zero                            # 1 - (1 - 1/2) (1 - 1/8)
    (3/2, 9/16)
    """
    backward = delta_law(network, index)
    before = network.layers[: index - 1]
    squared = network.input_power_sum(1) * fmpq(network.widths[index - 1], network.widths[0])
    return ChiSquareProduct(backward.scale * squared, (*before, *backward.layers))


def _factor(layer: Layer) -> ChiSquareFactor:
    plus, minus = layer.activation.slopes
    return ChiSquareFactor(layer.effective_gain / layer.width, layer.width, (plus**2, minus**2))
