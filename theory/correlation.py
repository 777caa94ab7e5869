"""The angle between two inputs from layer to layer: a limit of infinite width, not a bound.

For z, z' jointly normal with correlation rho and phi of slopes p, m (for z > 0 and z < 0),

    E phi(z) phi(z') = a^2 rho + 2 a b E[z |z'|] + b^2 E|z z'|
                     = a^2 rho + b^2 (2/pi) (sqrt(1 - rho^2) + rho asin rho),

a = (p + m)/2, b = (p - m)/2, since phi(z) = a z + b |z| and E z|z'| = 0. Divided by its value at rho = 1,
a^2 + b^2, it is the map of cosines; for ReLU (sqrt(1 - rho^2) + (pi - acos rho) rho)/pi (Cho and Saul,
NIPS 2009). As all widths grow the cosine of layer j goes to the j-th iterate, which no finite width
has: there it is random (`simulate.many_inputs.cosines`).
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb, fmpq

from theory.errors import SpecError
from theory.network import FullyConnected
from theory.rationals import RationalLike, rational
from theory.values import Enclosed

__all__ = ["cosine_of", "infinite_width_cosines"]


def cosine_of(x: Sequence[RationalLike], y: Sequence[RationalLike]) -> arb:
    """Cosine of the angle between two inputs, enclosed.

    >>> round(float(cosine_of([1, 0], [1, 1])), 6)
    0.707107
    """
    left, right = ([rational(v, "a coordinate") for v in values] for values in (x, y))
    if len(left) != len(right):
        raise SpecError(f"two inputs of one net have as many coordinates, not {len(left)} and {len(right)}")
    squares = [sum((v * v for v in values), fmpq(0)) for values in (left, right)]
    if 0 in squares:
        raise SpecError("an input of length 0 has no angle to another")
    inner = sum((u * v for u, v in zip(left, right, strict=True)), fmpq(0))
    return arb(inner) / arb(squares[0] * squares[1]).sqrt()


def infinite_width_cosines(
    network: FullyConnected, x: Sequence[RationalLike], y: Sequence[RationalLike]
) -> list[Enclosed]:
    """Cosines of a_j(x) and a_j(y), j = 0, ..., d, in the limit of infinite width.

    Needs a net without biases; any weights of variance one and finite fourth moment have this limit.

    >>> net = FullyConnected([2, 100, 100])
    >>> [round(float(c), 4) for c in infinite_width_cosines(net, [1, 0], [0, 1])]
    [0.0, 0.3183, 0.4937]
    """
    if network.has_bias:
        raise SpecError("the map of angles is known for nets without biases; set bias_variance=0")
    rho = cosine_of(x, y)
    found = [rho]
    for layer in network.layers:
        plus, minus = layer.activation.slopes
        odd, even = ((plus + minus) / 2) ** 2, ((plus - minus) / 2) ** 2
        rho = (odd * rho + even * _absolute(rho)) / (odd + even)
        found.append(rho)
    return [Enclosed(arb(c)) for c in found]


def _absolute(rho: arb) -> arb:
    """E|z z'| = (2/pi)(sqrt(1 - rho^2) + rho asin rho), from the ends of |rho|, in which it increases.

    A ball that reaches beyond 1 is cut there.
    """
    low, high = (
        ((1 - size) * (1 + size)).sqrt() + size * size.asin()
        for size in (rho.abs_lower(), rho.abs_upper().min(arb(1)))
    )
    return 2 / arb.pi() * low.union(high)
