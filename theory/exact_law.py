"""`length_law`: the exact law of the activation length where it is known (THEORY.md section 8).

Normal weights, a homogeneous activation, no bias; anything else is refused with what there is instead.
"""

from __future__ import annotations

import math

from flint import fmpq

from theory.errors import SpecError
from theory.exact_law_door import absolute_error_of, checked_layers
from theory.length_distribution import LengthLaw
from theory.network import FullyConnected

__all__ = ["length_law"]


def length_law(
    network: FullyConnected,
    layer: int | None = None,
    *,
    absolute_error: float = 1e-10,
    relative_to_input: bool = True,
) -> LengthLaw:
    """The exact law of M_j/M_0 for j = `layer`, by default the last.

    Parameters
    ----------
    network
        Fully connected, normal weights and no bias up to that layer, any homogeneous activation.
    absolute_error
        Of `cdf` and `sf`, everywhere; from 1e-13 to 1e-2.
    relative_to_input
        If False the law is that of M_j itself, for the input of the net.

    Raises
    ------
    SpecError
        One line saying what is wrong and what there is instead.

    Examples
    --------
    >>> law = length_law(FullyConnected([1, 4, 7, 5]))
    >>> law.zero.fraction
    Fraction(6481, 65536)
    >>> [round(float(p), 5) for p in law.cdf([0.01, 0.5, 1, 10])]
    [0.21485, 0.66082, 0.7733, 0.98608]
    >>> law.mean(), law.exact_moment(2).fraction                 # (1 + 5/4)(1 + 5/7)(1 + 5/5)
    (1.0, Fraction(54, 7))
    """
    layers = checked_layers(network, layer)
    start = fmpq(1) if relative_to_input else network.input_power_sum(1) / network.widths[0]
    if start == 0:
        raise SpecError("the input is zero, so M_j = 0 surely; give an input with a non-zero coordinate")
    law = LengthLaw(layers, start, absolute_error_of(absolute_error))
    if law.reported_error > law.absolute_error:
        raise SpecError(
            f"double precision gives the law of this net to {law.reported_error:.1e}, not to "
            f"{absolute_error:g}; set absolute_error={_rounded_up(law.reported_error):g}"
        )
    return law


def _rounded_up(error: float) -> float:
    """The next power of ten, with room: a larger goal also adds to the other errors."""
    return float(10.0 ** math.ceil(math.log10(2 * error)))
