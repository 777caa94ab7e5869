"""Exact numbers of the length's law as products over layers: moments, scale, probability of zero.

Normal weights, no bias: M_j/M_0 is a product of independent factors (theory/gaussian.py has their moments).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from flint import arb, ctx, fmpq, fmpz

from theory.exact_law_door import checked_whole
from theory.gaussian import factor_moment
from theory.length_factor import LengthFactor
from theory.network import Layer
from theory.reals import Number

__all__ = ["factor_of", "length_moment", "log_scale", "vanishing_probability"]

_MAX_ORDER = 50
_EXACT_BITS = 1_000_000


def length_moment(layers: Sequence[Layer], order: int) -> Number:
    """E (M_j/M_0)^order over these layers.

    >>> from theory.network import FullyConnected
    >>> length_moment(FullyConnected([3, 10, 10]).layers, 2)                # (1 + 5/10)^2
    9/4
    """
    order = checked_whole(order, "the order of a moment", 0, _MAX_ORDER)
    product: Number = fmpq(1)
    for layer, repeats in _alike(layers):
        factor = factor_moment(order, layer.width, layer.activation) * layer.effective_gain**order
        product = product * factor**repeats
    return product


def log_scale(layers: Sequence[Layer], start: fmpq) -> float:
    """log of start * E M_j/M_0: what multiplies the factors of mean one.

    >>> from theory.network import FullyConnected
    >>> log_scale(FullyConnected([3, 10, 10]).layers, fmpq(1))
    0.0
    """
    with ctx.workprec(128):
        total = arb(start).log()
        for layer, repeats in _alike(layers):
            total += repeats * arb(layer.mean_factor).log()
        return float(total.mid())


def vanishing_probability(layers: Sequence[Layer]) -> Number:
    """1 - prod (1 - 2^-n_i) over the layers that can vanish; a ball if it has too many bits.

    >>> from theory.network import FullyConnected
    >>> vanishing_probability(FullyConnected([3, 1, 2]).layers)             # 1 - (1/2)(3/4)
    5/8
    """
    flat = [(f.width, r) for layer, r in _alike(layers) if (f := factor_of(layer)).can_vanish]
    if sum(width * repeats for width, repeats in flat) > _EXACT_BITS:
        with ctx.workprec(128):
            return -sum((r * (-(arb(2) ** -n)).log1p() for n, r in flat), arb(0)).expm1()
    alive = fmpq(1)
    for n, repeats in flat:
        alive *= (1 - fmpq(1, fmpz(2) ** n)) ** repeats
    return 1 - alive


def factor_of(layer: Layer) -> LengthFactor:
    """The law of the layer's factor, divided by its mean."""
    return LengthFactor.of(layer.activation, layer.width)


def _alike(layers: Sequence[Layer]) -> Iterator[tuple[Layer, int]]:
    """Layers with the same factor, each kind once with its number."""
    kinds = Counter(_kind(layer) for layer in layers)
    first = {_kind(layer): layer for layer in reversed(layers)}
    return ((first[kind], repeats) for kind, repeats in kinds.items())


def _kind(layer: Layer) -> tuple[object, ...]:
    fan_in = None if layer.mode == "fan_in" else layer.fan_in
    return layer.width, layer.activation, str(layer.variance_gain), layer.mode, fan_in
