"""Moments after one residual block at given whole widths, expanded from their definition.

The block: x'_i = x_i + e y_i for i = 1..n, with h = (h_1, ..., h_m) the last hidden layer of its branch.
Given x and h the outputs y_i are i.i.d. The results are polynomials in e, in t1, ..., tn (the squares
x_i^2, or for a bent output the x_i themselves), in x1, ..., xm (the squares h_t^2), and in moments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import comb

from proofs_check.kernel.expansion import LayerModel
from proofs_check.kernel.polynomial import Polynomial

__all__ = ["after_bent_block", "after_linear_block", "power_mean"]

_ONE = Polynomial.of(1)


def after_linear_block(weights: Sequence[Polynomial], k: int, m: int, n: int) -> Polynomial:
    """E[((1/n) sum x'_i^2)^k | x, h] where y_i = m^{-1/2} sum_t v_it h_t; `weights[l]` is E v^{2l}.

    Odd powers of y_i have mean 0: E[x'_i^{2l} | x, h] = sum_r binom(2l, 2r) x_i^{2(l-r)} e^{2r} E y^{2r}.
    """
    silent = [_ONE, *[Polynomial({})] * k]
    output = LayerModel(weights, silent, _ONE, [_ONE] * len(weights))
    even = [output.neuron(r, m) for r in range(k + 1)]
    total = Polynomial({})
    for indices in product(range(1, n + 1), repeat=k):
        term = _ONE
        for i, load in Counter(indices).items():
            term = term * _entry(i, load, even)
        total = total + term
    return total * Fraction(1, n**k)


def after_bent_block(first: Polynomial, second: Polynomial, n: int) -> tuple[Polynomial, Polynomial]:
    """E[(1/n) sum x'_i^2] and E[(1/n) sum x'_i] with E y_i = `first`, E y_i^2 = `second`; t_i is x_i."""
    e, square, entry = Polynomial.of("e"), Polynomial({}), Polynomial({})
    for i in range(1, n + 1):
        x = Polynomial.of(f"t{i}")
        square = square + x**2 + x * e * first * 2 + e**2 * second
        entry = entry + x + e * first
    return square * Fraction(1, n), entry * Fraction(1, n)


def power_mean(n: int, power: int = 1) -> Polynomial:
    """(1/n) sum t_i^power: the trunk's M where t_i are squares, its mean where they are entries."""
    total = Polynomial({})
    for i in range(1, n + 1):
        total = total + Polynomial.of(f"t{i}") ** power
    return total * Fraction(1, n)


def _entry(i: int, load: int, even: Sequence[Polynomial]) -> Polynomial:
    square, total = Polynomial.of(f"t{i}"), Polynomial({})
    for r in range(load + 1):
        total = total + square ** (load - r) * Polynomial.of("e") ** (2 * r) * even[r] * comb(2 * load, 2 * r)
    return total
