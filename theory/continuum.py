"""Corollary 2 at constant width: closed form, continuum limit, and a proved error between them.

Normal weights, no bias, d layers of width n, M_0 = 1, r = 1 + 5/n (THEORY.md section 4):

    E EmpVar = (1/d^2) sum_{j=1..d} r^j (2j - 1 - d)
             = e^{b/(2d)} (1/d) sum_j f(x_j),   f(x) = e^{b x} (2x - 1),  x_j = (j - 1/2)/d,

with b = d log r: the midpoint rule for I(b) = int_0^1 f = (e^b (b - 2) + b + 2)/b^2. Its error is at
most max |f''|/(24 d^2) <= e^b (b^2 + 4b)/(24 d^2), for f'' = e^{b x} (b^2 (2x - 1) + 4b). The limit
is I(beta), beta = 5 d/n >= b; 0 <= I' <= (5/24) e^beta there, since I'(b) = int e^{b x} x (2x - 1) dx
grows with b from I'(0) = 1/6 and x (2x - 1) is positive on (1/2, 1) alone, with integral 5/24.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, fmpq

__all__ = ["ContinuumLimit", "constant_width_variance", "continuum_limit"]


@dataclass(frozen=True)
class ContinuumLimit:
    """The limit I(beta) and a bound on |E EmpVar/M_0^2 - I(beta)| at this width and depth."""

    beta: fmpq
    limit: arb
    error: arb


def constant_width_variance(width: int, depth: int) -> fmpq:
    """E EmpVar / M_0^2 = r ((d-1) r^{d+1} - (d+1) r^d + (d+1) r - (d-1)) / (d^2 (r-1)^2), exactly.

    That is the sum above, from the geometric sums of r^j and of j r^j.

    >>> constant_width_variance(10, 2)            # r (r - 1)/4 with r = 3/2
    3/16
    """
    d, r = depth, 1 + fmpq(5, width)
    bracket = (d - 1) * r ** (d + 1) - (d + 1) * r**d + (d + 1) * r - (d - 1)
    return r * bracket / (d**2 * (r - 1) ** 2)


def continuum_limit(width: int, depth: int) -> ContinuumLimit:
    """The limit as width and depth grow in a fixed ratio, with its proved error.

    >>> found = continuum_limit(1000, 1000)
    >>> bool(abs(constant_width_variance(1000, 1000) - found.limit) <= found.error)
    True
    """
    beta = fmpq(5 * depth, width)
    b = depth * arb(1 + fmpq(5, width)).log()
    midpoint = b.exp() * (b**2 + 4 * b) / (24 * depth**2)
    shift = (b / (2 * depth)).exp()
    drift = fmpq(5, 24) * arb(beta).exp() * (beta - b)
    limit = _integral(arb(beta))
    error = shift * midpoint + (shift - 1) * _integral(b) + drift
    return ContinuumLimit(beta, limit, error)


def _integral(b: arb) -> arb:
    """I(b) = int_0^1 e^{b x} (2x - 1) dx."""
    return (b.exp() * (b - 2) + b + 2) / b**2
