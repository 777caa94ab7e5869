"""Enclosures for X = (2/n) chi^2_B, B ~ Binomial(n, 1/2) (THEORY.md section 3, eq. 4 for normal nets).

overshoot   E[X - t | X > t] <= 4 on a grid of n and t; the constant is approached at n = 1.
half_chance P(X >= 1/2) >= 1/24 for many n, beside the exact Paley-Zygmund bound.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

from flint import arb, ctx, fmpq

from proofs_check.checks.paired import paired
from proofs_check.claim import Claim
from proofs_check.verdict import Evidence
from theory.activations import as_activation
from theory.gaussian import factor_moment

__all__ = ["half_chance", "overshoot"]

_BITS = 192
_WIDTHS = (*range(1, 13), 20, 50, 100)
_LEVELS = tuple(fmpq(text) for text in (0, fmpq(1, 10), fmpq(1, 2), 1, 2, 4, 10, 40, 200))
_MANY = (*range(1, 41), 100, 300)


def overshoot(claim: Claim) -> list[Evidence]:
    """Incomplete gamma functions, mixed over B, with guaranteed error."""
    with ctx.workprec(_BITS):
        values = {(n, t): _excess(n, t) for n in _WIDTHS for t in _LEVELS}
    holds = all(value < max(fmpq(2), fmpq(4, n)) + fmpq(1, 10**30) for (n, _), value in values.items())
    noticed = not all(value < fmpq(39, 10) for value in values.values())
    largest = max(float(value) for value in values.values())
    detail = f"E[X - t | X > t] at {len(values)} points, largest {largest:.6f} < 4"
    return paired("enclosure", holds, detail, noticed, "3.9 in place of 4", {"largest": largest})


def half_chance(claim: Claim) -> list[Evidence]:
    """P(X >= 1/2) enclosed, at least (1 - 1/2)^2 / E X^2 with the exact E X^2, at least 1/24."""
    relu = as_activation("relu")
    exact = [fmpq(1, 4) / (4 * factor_moment(2, n, relu)) for n in _MANY]
    with ctx.workprec(_BITS):
        chances = [_chance(n, fmpq(1, 2)) for n in _MANY]
    ordered = all(chance > bound for chance, bound in zip(chances, exact, strict=True))
    least = min(exact)
    detail = f"P(X >= 1/2) > (1/4)/(1 + 5/n) >= {least} for {len(_MANY)} widths up to {_MANY[-1]}"
    planted = "1/23 in place of 1/24"
    return paired("closed form", ordered and least == fmpq(1, 24), detail, least < fmpq(1, 23), planted)


def _excess(n: int, t: fmpq) -> arb:
    """E[X - t | X > t]."""
    mean = _mixed(n, lambda b: _upper(b, n, t, 1) * fmpq(2 * b, n))
    return mean / _chance(n, t) - t


def _chance(n: int, t: fmpq) -> arb:
    """P(X > t)."""
    return _mixed(n, lambda b: _upper(b, n, t, 0))


def _mixed(n: int, given: Callable[[int], arb]) -> arb:
    """The mean over B >= 1."""
    return sum((given(b) * comb(n, b) for b in range(1, n + 1)), arb(0)) / arb(2) ** n


def _upper(b: int, n: int, t: fmpq, more: int) -> arb:
    """P(Y > t) for Y of shape b/2 + more and scale 4/n; shape + 1 gives E[Y; Y > t]/E Y."""
    return arb(t * n / 4).gamma_upper(arb(fmpq(b, 2) + more), regularized=1)
