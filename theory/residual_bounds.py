"""Bounds on the moments of residual nets whose branch is bent at its output (THEORY.md 5a).

With s = mean(x), alpha, c, delta, gamma of `theory.residual_branch`, and the sign of x chosen so that c >= 0,

    E[M' | x] = (1 + alpha eta^2) M + 2 eta c sqrt(M) s,
    E[s'^2 | x] = s^2 + 2 eta c sqrt(M) s + eta^2 gamma M,        E[s' | x] = s + eta c sqrt(M),

which does not close over blocks. With A = E M, B = E s^2, Q = E sqrt(M) s:

- product: |s| <= sqrt(M), so that (1 + alpha eta^2 - 2 c eta) A <= A' <= (1 + alpha eta^2 + 2 c eta) A;
- pair: Q <= sqrt(A B) above; below Q >= B where s >= 0 for ever, that is, mean(x_0) >= 0 and no output
  of a branch is negative. Both maps grow with A and B, so bounds follow bounds;
- mean: E s_l >= m_l with m' = m + eta c m from m_1 = s_0 + eta c sqrt(M_0) >= 0 on, since sqrt(M) >= s;
  then E M_l >= m_l^2. It needs no signs of outputs;
- of order k: with u = mean(x y), |u| <= sqrt(M M_y), E u <= c M, E u^2 <= gamma M^2,
      E[M'^k | x] <= M^k (1 + 2k c eta + (k alpha + 2k(k-1) gamma) eta^2
                          + sum_{j>=3} binom(2k, j) eta^j tau_j),
  tau_j = sup E M_y^{j/2}/M^{j/2}, odd ones by Cauchy-Schwarz. Term by term it is at most Minkowski's
  (1 + eta t)^{2k}, t^{2k} = tau_{2k}. Below, E M^k >= (E M)^k.

Block 1 starts at a given x_0: Q is known there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb

from flint import fmpq

from theory.errors import SpecError
from theory.laws import Normal
from theory.readings.exact import LayerMaps
from theory.reals import Number, number
from theory.recursion import moment_recursion
from theory.residual import Residual
from theory.residual_branch import (
    BranchNumbers,
    branch_numbers,
    direction,
    largest_moments,
    never_negative,
    root,
)
from theory.values import Bounded, larger, shortened

__all__ = ["block_factors", "infinite_width", "moment_bounds", "pair_bounds", "product_bounds", "start"]

_LONGEST_BITS = 2_000


@dataclass(frozen=True)
class _Step:
    """One block with the numbers of its branch."""

    eta: Number
    eta_squared: Number
    branch: BranchNumbers
    gamma: tuple[Number, Number]

    @property
    def growth(self) -> Number:
        return 1 + self.branch.mean_factor * self.eta_squared


def start(network: Residual) -> tuple[Number, Number]:
    """M_0, and mean(x_0) with the sign that makes c >= 0."""
    mean = fmpq(1) if network.input is None else sum(network.input, fmpq(0)) / network.width
    return network.input_power_sum(1) / network.width, direction(network) * mean


def product_bounds(network: Residual) -> list[Bounded]:
    """E M_l between the two products, for l = 0, ..., L.

    >>> found = product_bounds(Residual(4, ["1/2"], [1]))[-1]        # 5/4 -+ 1/pi
    >>> round(float(found.lower), 6), round(float(found.upper), 6)
    (0.93169, 1.56831)
    """
    low, _ = start(network)
    high, found = low, [Bounded(low, low)]
    for factor in block_factors(network):
        low, high = _short(low * factor.lower), _short(high * factor.upper)
        found.append(Bounded(low, high))
    return found


def block_factors(network: Residual) -> list[Bounded]:
    """Between what E[M_l | x_{l-1}] / M_{l-1} lies for every x_{l-1}, block by block."""
    found = []
    for step in _steps(network):
        cross = 2 * step.eta * step.branch.cross[1]
        found.append(Bounded(step.growth - cross, step.growth + cross))
    return found


def pair_bounds(network: Residual) -> list[Bounded]:
    """The sharper bounds on E M_l, for l = 0, ..., L: pair recursion above; below the best that holds.

    For one neuron and x_0 > 0 both are attained.

    >>> one = pair_bounds(Residual(1, ["1/2"] * 3, [4]))[-1]
    >>> bool(one.lower.overlaps(one.upper))
    True
    """
    uppers = _upper_pair(network)
    _, mean = start(network)
    if never_negative(network) and mean >= 0:
        return [Bounded(low, high) for low, high in zip(_lower_pair(network), uppers, strict=True)]
    lowers = (
        larger(p.lower, m) for p, m in zip(product_bounds(network), _squared_means(network), strict=True)
    )
    return [Bounded(low, high) for low, high in zip(lowers, uppers, strict=True)]


def moment_bounds(network: Residual, order: int) -> list[list[Bounded]]:
    """Bounds on E M_l^k for l = 0, ..., L (rows) and k = 1, ..., order (columns)."""
    means = pair_bounds(network)
    columns = [means]
    for k, factors in enumerate(_upper_factors(network, order), start=2):
        high: Number = means[0].upper ** k
        column = [Bounded(high, high)]
        for mean, factor in zip(means[1:], factors, strict=True):
            high = _short(high * factor)
            column.append(Bounded(mean.lower**k, high))
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def infinite_width(network: Residual) -> list[tuple[Number, Number]]:
    """The limits of M_l and mean(x_l) as trunk and modules widen, normal weights: a limit, not a bound.

    m' = (1 + alpha eta^2) m + 2 eta sqrt(delta m) s and s' = s + eta sqrt(delta m), from the given x_0.

    >>> m, s = infinite_width(Residual(4, [1], [1]))[-1]                   # 2 + 2/sqrt(pi)
    >>> round(float(m), 6), round(float(s), 6)
    (3.128379, 1.56419)
    """
    if not all(isinstance(law, Normal) for law in network.weights):
        raise SpecError("the infinite-width limit is proved for normal weights only; write weights='normal'")
    m, s = start(network)
    found = [(m, s)]
    for step in _steps(network):
        delta, _ = step.branch.pair
        rise = step.eta * root(delta * m)
        m, s = _short(m * step.growth + 2 * rise * s), _short(s + rise)
        found.append((m, s))
    return [(m, direction(network) * s) for m, s in found]


def _steps(network: Residual) -> Iterator[_Step]:
    for block, branch in zip(network.blocks, branch_numbers(network), strict=True):
        yield _Step(number(block.scale), block.scale_squared, branch, branch.gamma(network.width))


def _upper_pair(network: Residual) -> list[Number]:
    a, mean = start(network)
    b = mean**2
    q: Number = root(a) * mean
    found = [a]
    for step in _steps(network):
        low, high = step.branch.cross
        cross = 2 * step.eta * larger(low * q, high * q)
        a, b = _short(a * step.growth + cross), _short(b + cross + step.eta_squared * step.gamma[1] * a)
        q = root(a * b)
        found.append(a)
    return found


def _lower_pair(network: Residual) -> list[Number]:
    a, mean = start(network)
    b = mean**2
    q: Number = root(a) * mean
    found = [a]
    for step in _steps(network):
        cross = 2 * step.eta * step.branch.cross[0] * q
        a, b = _short(a * step.growth + cross), _short(b + cross + step.eta_squared * step.gamma[0] * a)
        q = b
        found.append(a)
    return found


def _squared_means(network: Residual) -> list[Number]:
    """m_l^2, or 0 where m_l is negative."""
    square, mean = start(network)
    length: Number = root(square)
    found = [larger(mean, fmpq(0)) ** 2]
    for step in _steps(network):
        mean = _short(mean + step.eta * step.branch.cross[0] * length)
        length = larger(mean, fmpq(0))
        found.append(length**2)
    return found


def _upper_factors(network: Residual, order: int) -> Iterator[list[Number]]:
    """For k = 2, ..., order the factor of every block."""
    steps = list(_steps(network))
    maps = LayerMaps(moment_recursion(order, has_bias=False))
    known: dict[int, list[Number]] = {}
    for block in network.blocks:
        if id(block.layers) not in known:
            known[id(block.layers)] = _half_orders(largest_moments(block.layers, maps))
    for k in range(2, order + 1):
        taus = (known[id(block.layers)] for block in network.blocks)
        yield [_factor(step, tau, k) for step, tau in zip(steps, taus, strict=True)]


def _half_orders(even: Sequence[Number]) -> list[Number]:
    """tau_0, tau_1, ..., tau_{2 order}: odd ones from their neighbours."""
    evens = [fmpq(1), *even]
    taus: list[Number] = [evens[0]]
    for before, after in pairwise(evens):
        taus += [root(before * after), after]
    return taus


def _factor(step: _Step, taus: Sequence[Number], k: int) -> Number:
    eta, branch = step.eta, step.branch
    total = 1 + 2 * k * branch.cross[1] * eta
    total = total + (k * branch.mean_factor + 2 * k * (k - 1) * step.gamma[1]) * step.eta_squared
    for j in range(3, 2 * k + 1):
        total = total + comb(2 * k, j) * eta**j * taus[j]
    return total


def _short(value: Number) -> Number:
    return shortened(value, _LONGEST_BITS)
