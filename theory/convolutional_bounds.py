"""How a convolutional layer maps second moments, between bounds (THEORY.md section 6; docs/theory.md).

For a partition of the channels into g equal groups let S_g be the mean over groups of the square
of the group's mean length. A layer with G groups and c channels obeys, for every g,
    E[S_g(a_j) | a_{j-1}] = alpha^2 S_gcd(g,G)(a_{j-1}) + (g/c) W(a_{j-1})   if one of g, G divides the other,
    low alpha^2 S_G <= W <= high alpha^2 S_G,        low, high from `layer_growth`,
so bounds on q_j = E S_1(a_j) close in the S_g, with non-negative coefficients. Zero padding changes
no coefficient, only where the S_g of the input are taken: at the input carried to layer j.

Let A_g be S_g with the square of a channel's average over positions in place of its mean square.
By Jensen's inequality these averages dominate a fully connected net of the same channels:
    E[A_g(a_j) | a_{j-1}] >= alpha^2 A_gcd(g,G)(a_{j-1}) + (g/c) alpha^2 const A_G(a_{j-1})
with the constant of Theorem 5, whatever the number of positions, and S_g >= A_g.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import TypeAlias

from flint import arb, fmpq

from theory.activations import Activation
from theory.between import Between
from theory.bounds import layer_constants
from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.laws import Normal
from theory.patches import skewness
from theory.reals import Number
from theory.values import smaller

__all__ = [
    "Form",
    "LayerGrowth",
    "averages_dominate",
    "input_levels",
    "layer_growth",
    "square_forms",
    "total",
]

Form: TypeAlias = "Mapping[int, Between]"
_NOTHING = Between.known(fmpq(0))


@dataclass(frozen=True)
class LayerGrowth:
    """What one layer adds: bounds on W/(alpha^2 S_G), and the lower constant c of Theorem 5.

    `by_averages` says that W >= c alpha^2 A_G as well.
    """

    spread: Between
    constant: Number
    by_averages: bool


def layer_growth(layer: ConvolutionalLayer, *, one_sign: bool, positions: int) -> LayerGrowth:
    """The constants of a layer: W/(alpha^2 S_G) is at least c/P and at most C.

    `one_sign` says that no channel of the layer before changes its sign, `positions` how many
    positions P can differ. With both signs c shrinks, for normal weights to 5 - 8/pi under ReLU.

    >>> (layer,) = Convolutional([2, 4], kernel=3, positions=8).layers
    >>> layer_growth(layer, one_sign=True, positions=8).spread
    Between(lower=5/8, upper=5)
    >>> layer_growth(layer, one_sign=False, positions=8).spread.lower.str(10, radius=False)
    '0.3066901138'
    """
    lower, upper = layer_constants(layer.weights, layer.activation)
    normal, even = isinstance(layer.weights, Normal), skewness(layer.activation) == 0
    own = lower if one_sign or positions == 1 else _signed_constant(layer)
    return LayerGrowth(
        spread=Between.of(own / positions, upper),
        constant=lower,
        by_averages=normal and (one_sign or even),
    )


def _signed_constant(layer: ConvolutionalLayer) -> Number:
    if not isinstance(layer.weights, Normal):
        return smaller(layer.weights.kurtosis, fmpq(3)) - 1
    beta = skewness(layer.activation)
    return 2 + 3 * beta - 8 * beta / arb.pi() if beta != 0 else fmpq(2)


def averages_dominate(activation: Activation) -> bool:
    """Whether |mean of phi(z_p)| >= |phi(mean of z_p)|: phi or -phi convex and non-negative, or linear."""
    plus, minus = activation.slopes
    return plus * minus <= 0 or plus == minus


def input_levels(network: Convolutional) -> frozenset[int]:
    """The g whose S_g of the input is needed; all divide the groups of layer 1.

    >>> sorted(input_levels(Convolutional([4, 4, 4], kernel=1, positions=3, groups=[4, 2])))
    [1, 2, 4]
    """
    return _levels(network)[0]


def _levels(network: Convolutional) -> list[frozenset[int]]:
    """The g needed of layer 0 to layer d."""
    levels = [frozenset({1})]
    for groups in reversed(network.groups):
        levels.append(frozenset({1, groups, *(gcd(g, groups) for g in levels[-1])}))
    return levels[::-1]


def square_forms(
    network: Convolutional, spreads: Sequence[Between], *, longest_bits: int | None = None
) -> Iterator[tuple[Form, Form]]:
    """q_j as a form in the S_g of the carried input, and the part of it that layer j added.

    One pair for each j = 1, ..., d. A form maps g to a coefficient; `spreads` holds one
    W/(alpha^2 S_G) per layer, and alpha is left to the means.

    >>> net = Convolutional([2, 4, 4], kernel=3, positions=8)
    >>> spreads = [layer_growth(layer, one_sign=True, positions=8).spread for layer in net.layers]
    >>> [form for form, _ in square_forms(net, spreads)][-1]      # (1 + 5/32)^2 and (1 + 5/4)^2
    {1: Between(lower=1369/1024, upper=81/16)}
    """
    levels = _levels(network)
    forms: dict[int, Form] = {g: {g: Between.known(fmpq(1))} for g in levels[0]}
    for layer, spread, needed in zip(network.layers, spreads, levels[1:], strict=True):
        within = forms[layer.groups]
        added = {g: _scaled(within, spread.times(fmpq(g, layer.channels))) for g in needed}
        forms = {g: total(_across(forms, g, layer.groups), added[g], longest_bits) for g in needed}
        yield forms[1], added[1]


def _across(forms: Mapping[int, Form], level: int, groups: int) -> Form:
    """The mean over g groups of E[mean of a group | a_{j-1}]^2, over alpha^2.

    It is S_gcd where one number divides the other, else it lies between S_gcd and S_G (Jensen).
    """
    common = gcd(level, groups)
    if common in (level, groups):
        return forms[common]
    low, high = forms[common], forms[groups]
    return {g: Between(low.get(g, _NOTHING).lower, high.get(g, _NOTHING).upper) for g in {**low, **high}}


def _scaled(form: Form, factor: Between) -> Form:
    return {g: coefficient * factor for g, coefficient in form.items()}


def total(left: Form, right: Form, longest_bits: int | None) -> Form:
    """The sum of two forms."""
    return {
        g: (left.get(g, _NOTHING) + right.get(g, _NOTHING)).shortened(longest_bits) for g in {**left, **right}
    }
