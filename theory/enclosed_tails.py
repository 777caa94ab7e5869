"""Both tails of the exact law at a point as balls: what the inversion found and its proved error."""

from __future__ import annotations

import math

from flint import arb

from theory.length_distribution import LengthLaw
from theory.values import Exact, Number

__all__ = ["enclosed_tails"]

# Of the logarithm of a tail, of size 1,000 at most, in double precision, and to spare.
_ROUNDING = 2.0**-40


def enclosed_tails(law: LengthLaw, log_point: float) -> tuple[Number, Number]:
    """P(M <= x) and P(M > x) at x = exp(log_point), which need not be in the range of floats.

    At -inf, that is x = 0, they are exact where the atom is.

    >>> from theory.exact_law import length_law
    >>> from theory.network import FullyConnected
    >>> law = length_law(FullyConnected([1, 1]))                # M = 2 z^2 for z > 0, else 0
    >>> below, above = enclosed_tails(law, 0.0)
    >>> above.contains(arb(0.5).erfc() / 2), bool(above.rad() < 1e-11), enclosed_tails(law, -math.inf)[0]
    (True, True, 1/2)
    """
    zero = law.zero.number if isinstance(law.zero, Exact) else law.zero.ball
    if log_point == -math.inf:
        return zero, 1 - zero
    served = law.at_logs([log_point])
    lower, upper = (arb(log.item()).exp() for log in (served.log_lower, served.log_upper))
    # The edges of the cells around the centre are secants of the convex kappa on either side of
    # kappa'(0), the mean: right of it the relative error is that of the upper tail, left of the lower.
    near = upper if log_point >= law.log_mean else lower
    error = _smaller(law.reported_error, near, served.tail_error.item())
    around = arb(0, 1) * error
    return arb(zero) + lower + around, upper + around


def _smaller(absolute: float, near: arb, relative: float) -> arb:
    """The better of two bounds on the error, of both tails, since they sum to what is not the atom."""
    found = arb(absolute)
    if math.isfinite(relative):
        found = found.min(near * relative)
    return (found + near * _ROUNDING).upper()
