"""Orthogonal weights: W = s Q with Q uniform among the matrices whose rows or columns are orthonormal.

Rows where width <= fan_in, columns otherwise; uniform is Haar's measure, the law of the Q of a normal
matrix whose R has a positive diagonal (Stewart, SIAM J. Numer. Anal. 17, 1980; Mezzadri, Notices AMS 54,
2007). With N = max(fan_in, width) an entry of Q has variance 1/N, and s is chosen so that one of W has
the variance gain over the fan, as under every law: s^2 = N variance_gain/fan.

For fixed a, W a has the law of s |a| times `width` coordinates of a uniform point u of the unit sphere
of R^N. A standard normal vector of R^N is an independent chi_N times u, so that

    E prod (W a)_i^{2 k_i} = ratio_k times its value for independent normal weights of that variance,
    ratio_k = N^k / E chi_N^{2k} = prod_{i<k} N/(N + 2i),        k = sum k_i.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, TypeVar

from flint import fmpq

from theory.errors import SpecError
from theory.law import Law

__all__ = ["Orthogonal", "sphere_factor"]

T = TypeVar("T", bound=Any)


def sphere_factor(i: int, side: T) -> T:
    """N/(N + 2i) for N = side, a number or an array of them; ratio_k is the product over i < k."""
    factor: T = side / (side + 2 * i)
    return factor


@dataclass(frozen=True)
class Orthogonal(Law):
    """Uniform (semi-)orthogonal matrices, scaled.

    >>> [str(Orthogonal().moment_ratio(k, fan_in=3, width=2)) for k in (1, 2, 3)]
    ['1', '3/5', '9/35']
    """

    name: ClassVar[str] = "orthogonal"
    independent: ClassVar[bool] = False

    def even_moment(self, half_order: int) -> fmpq:
        raise SpecError(
            "the moments of an entry of an orthogonal matrix depend on its shape, and its entries on each "
            "other; ask for those of a whole layer, or take normal weights"
        )

    def independent_moment(self, half_order: int) -> fmpq:
        """(2r - 1)!!, of normal entries."""
        return fmpq(prod(range(1, 2 * half_order, 2)))

    def moment_ratio(self, half_order: int, fan_in: int, width: int) -> fmpq:
        side = fmpq(max(fan_in, width))
        return prod((sphere_factor(i, side) for i in range(half_order)), start=fmpq(1))
