"""Finite laws that stand in for continuous ones in an enumeration.

E M_d^k is a polynomial in the even moments E w^2, ..., E w^{2k} of the weights (and likewise of
the biases) alone: expand the power and take expectations. A finite law with the same moments up
to order 2k therefore gives the same E M_j^i M_l^i' with i + i' <= k, exactly.
"""

from __future__ import annotations

from flint import fmpq

from theory.errors import SpecError
from theory.laws import FiniteLaw, Law, Normal, Rademacher, finite_law
from theory.network import FullyConnected

__all__ = ["stand_in", "stand_in_network"]

# Two-sided probabilities at 1, 2, 3, 4 with variance 1 and the normal moments up to order 8.
_NORMAL_TO_ORDER_8 = ("29/60", "13/120", "11/1260", "1/3360")


def stand_in(law: Law, order: int) -> Law:
    """A finite law with the moments of `law` up to order 2 * order.

    >>> stand_in(Normal(), 4).even_moment(4)
    105
    """
    if isinstance(law, (FiniteLaw, Rademacher)):
        return law
    kurtosis = law.kurtosis
    if order <= 2 and isinstance(kurtosis, fmpq):
        return _three_points(kurtosis)
    if isinstance(law, Normal) and order <= 4:
        return _symmetric([(fmpq(i), _fraction(p)) for i, p in enumerate(_NORMAL_TO_ORDER_8, start=1)])
    raise SpecError(f"no finite law with the moments of {law.name} up to order {2 * order} is listed")


def stand_in_network(network: FullyConnected, order: int) -> FullyConnected:
    """The same network with finite laws whose moments agree up to order 2 * order."""
    return network.replaced(
        weights=[stand_in(law, order) for law in network.weights],
        bias_weights=[stand_in(law, order) for law in network.bias_weights],
    )


def _three_points(kurtosis: fmpq) -> Law:
    """-1, 0, 1 with P(+-1) = 1/kappa: kurtosis kappa."""
    if kurtosis == 1:
        return Rademacher()
    return _symmetric([(fmpq(1), 1 / kurtosis)])


def _symmetric(two_sided: list[tuple[fmpq, fmpq]]) -> FiniteLaw:
    points = [(sign * v, p / 2) for v, p in two_sided for sign in (1, -1)]
    centre = 1 - sum((p for _, p in two_sided), fmpq(0))
    return finite_law([*points, (fmpq(0), centre)])


def _fraction(text: str) -> fmpq:
    numerator, denominator = text.split("/")
    return fmpq(int(numerator), int(denominator))
