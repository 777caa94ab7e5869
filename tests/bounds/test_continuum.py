"""Corollary 2 in the limit of depth and width: the limit by quadrature, the error proved and not wasteful.

`constant_width_variance` sums the exact terms; mpmath integrates the limit. The two differ by what the
error has to cover, which shrinks like 1/depth: an error that is too small by a part shows where the two
touch, and one that is too large by a constant factor shows in how close they come.
"""

from __future__ import annotations

import mpmath
import pytest
from flint import arb, fmpq

from theory.continuum import ContinuumLimit, constant_width_variance, continuum_limit

SHAPES = [(width, depth) for width in (1, 2, 7, 50, 1000) for depth in (1, 2, 3, 10, 200)]


def quadrature(beta: fmpq) -> float:
    """int_0^1 e^{beta x} (2x - 1) dx."""
    rate = mpmath.mpf(int(beta.p)) / int(beta.q)
    return float(mpmath.quad(lambda x: mpmath.exp(rate * x) * (2 * x - 1), [0, 1]))


@pytest.mark.parametrize("width, depth", SHAPES)
def test_the_limit_is_the_integral(width: int, depth: int) -> None:
    if 5 * depth > 500 * width:
        return
    found = continuum_limit(width, depth)
    assert found.beta == fmpq(5 * depth, width)
    integral = quadrature(found.beta)
    assert found.limit.overlaps(arb(integral, 1e-13 * max(1.0, integral)))
    assert found.limit.rel_accuracy_bits() > 20


@pytest.mark.parametrize("width, depth", SHAPES)
def test_the_error_covers_the_difference(width: int, depth: int) -> None:
    found = continuum_limit(width, depth)
    assert bool(abs(constant_width_variance(width, depth) - found.limit) <= found.error)


def by_hand(width: int, depth: int, shift: int = 0) -> ContinuumLimit:
    """The three parts of the error, each by its own route.

    b = d log(1 + 5/n), r^j = e^{b j/d}. The sum is e^{b/2d} times the midpoint rule of
    f(x) = e^{b x}(2x - 1) at x = (2j - 1)/2d, where 2x - 1 = (2j - 1 - d)/d. The rule errs by at most
    max f''/(24 d^2), and f'' = e^{b x}(b^2 (2x - 1) + 4 b) is largest at x = 1. Then e^{b/2d} I(b) against
    I(b), and I(b) against I(beta), whose derivative in the exponent is int e^{b x} x (2x - 1), at most
    e^beta times the integral of x (2x - 1) where it is positive.
    """
    beta = mpmath.mpf(5 * depth) / width
    b = depth * mpmath.log(1 + mpmath.mpf(5) / width)
    half = mpmath.exp(b / (2 * depth))
    second = mpmath.exp(b) * (b**2 + 4 * b)
    part = mpmath.quad(lambda x: mpmath.exp(b * x) * (2 * x - 1), [0, 1])
    drift = mpmath.quad(lambda x: x * (2 * x - 1), [mpmath.mpf(1) / 2, 1]) * mpmath.exp(beta) * (beta - b)
    error = half * second / (24 * depth**2) + (half - 1) * part + drift + shift
    return ContinuumLimit(fmpq(5 * depth, width), arb(0), arb(str(error)))


@pytest.mark.parametrize("width, depth", [(2, 3), (7, 10), (50, 10), (1000, 200)])
def test_the_error_is_the_sum_of_three_parts(width: int, depth: int) -> None:
    mine, hand = continuum_limit(width, depth).error, by_hand(width, depth).error
    assert float(mine.mid()) == pytest.approx(float(hand.mid()), rel=1e-9)
    assert float(mine.mid()) != pytest.approx(float(by_hand(width, depth, shift=1).error.mid()), rel=1e-9)


@pytest.mark.parametrize("ratio", [1, 5])
def test_the_error_is_of_the_order_of_the_difference(ratio: int) -> None:
    """At depth n ratio both fall like 1/n, so their quotient settles: at 8 for ratio 5."""
    for width in (100, 1000):
        found = continuum_limit(width, ratio * width)
        difference = abs(constant_width_variance(width, ratio * width) - found.limit)
        assert 1 < float((found.error / difference).mid()) < 9
