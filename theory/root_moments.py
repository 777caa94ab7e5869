"""rho = E sqrt(X / E X) for one layer's X = (1/h) sum_i phi(z_i)^2, z_i i.i.d. normal, enclosed.

For ReLU this is rho(h) = E sqrt((2/h) chi^2_B), B ~ Binomial(h, 1/2), of THEORY.md section 5. With
X normalised to E X = 1 and L(s) = E exp(-s X),

    sqrt(X) = (2/sqrt(pi)) int_0^inf X exp(-t^2 X) dt,  so  rho = (2/sqrt(pi)) int_0^inf -L'(t^2) dt,
    L = f^h,  f(s) = ((1 + 2as)^{-1/2} + (1 + 2bs)^{-1/2})/2,  a, b = s_plus^2/(c_1 h), s_minus^2/(c_1 h),
    -L' = (h/2) f^{h-1} (a (1 + 2as)^{-3/2} + b (1 + 2bs)^{-3/2}),

analytic near the path: Arb's quadrature encloses it at any width and for any slopes. It stops at the
first T where L is tiny: what is left is at most int_T^inf -L'(t^2) dt <= L(T^2)/(2T) < L(T^2), since -L' >= 0
and dt = ds/(2t). A narrow layer has no such T in reach: it takes the part beyond 1 by w = 1/t.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import isqrt

from flint import acb, arb, ctx, fmpq

from theory.activations import Activation

__all__ = ["root_moment"]

_GUARD_BITS = 20


def root_moment(width: int, activation: Activation) -> arb:
    """E sqrt(X / E X) of a layer, at most 1, at the precision of the current flint context.

    >>> from theory.activations import as_activation
    >>> root_moment(1, as_activation("relu")).overlaps(1 / arb.pi().sqrt())
    True
    >>> root_moment(10**12, as_activation("relu")).str(18, radius=False)      # 1 - 5/(8h) + ...
    '0.999999999999375000'
    """
    plus, minus = (slope**2 / activation.even_moment_factor(1) for slope in activation.slopes)
    precision = ctx.prec
    with ctx.workprec(precision + 2 * width.bit_length() + _GUARD_BITS):
        return _root_moment(width, plus, minus, precision)


@lru_cache(maxsize=4096)
def _root_moment(width: int, plus: fmpq, minus: fmpq, precision: int) -> arb:
    layer = _Transform(width, plus, minus)
    tiny = arb(2) ** (-precision - _GUARD_BITS // 2)
    end = next((t for t in range(1, 2 * isqrt(precision) + 2) if layer.value(t) < tiny), None)
    body = _integral(layer.density, end or 1, tiny)
    if end is None:
        body += _integral(layer.far_density, 1, tiny)
    else:
        body += arb(0).union(layer.value(end))
    return 2 * body / arb.pi().sqrt()


def _integral(density: Callable[[acb, bool], acb], end: int, tolerance: arb) -> arb:
    """From 0 to `end`, enclosed."""
    return acb.integral(density, 0, end, rel_tol=tolerance, abs_tol=tolerance).real


class _Transform:
    """L(t^2) and its derivative for one layer, in Arb's form: `analytic` asks for no branch cut."""

    def __init__(self, width: int, plus: fmpq, minus: fmpq) -> None:
        self.width = width
        self.rates = [acb(arb(rate / width)) for rate in (plus, minus)]

    def value(self, t: int) -> arb:
        """L(t^2)."""
        roots = [(1 + 2 * rate * t**2).rsqrt() for rate in self.rates]
        mean: acb = sum(roots, acb(0)) / 2
        return (mean**self.width).real

    def density(self, t: acb, analytic: bool) -> acb:
        """-L'(t^2)."""
        roots = [(1 + 2 * rate * t**2).rsqrt(analytic=analytic) for rate in self.rates]
        slope = sum((rate * root**3 for rate, root in zip(self.rates, roots, strict=True)), acb(0))
        return self.width * (sum(roots, acb(0)) / 2) ** (self.width - 1) * slope / 2

    def far_density(self, w: acb, analytic: bool) -> acb:
        """-L'(1/w^2)/w^2."""
        mean, slope = acb(0), acb(0)
        for rate in self.rates:
            if rate == 0:
                mean += 1
                continue
            root = (w**2 + 2 * rate).rsqrt(analytic=analytic)
            mean += w * root
            slope += rate * w * root**3
        return self.width * (mean / 2) ** (self.width - 1) * slope / 2
