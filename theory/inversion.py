"""Fourier inversion on one contour, with every source of error added up (docs/theory.md, the exact law).

With S_s(z) = e^{s z - kappa(s)} P(Z > z) for s > 0, minus the lower tail for s < 0, and phi_s the
characteristic function of the tilted sum, the midpoint rule of step h at t_k = (k + 1/2) h gives exactly

    (h/pi) Re sum_{k >= 0} phi_s(t_k) e^{-i t_k z}/(s + i t_k) = sum_j (-1)^j S_s(z + j P),   P = 2 pi/h,

by Poisson's summation formula, and the same without the denominator for the density. For s = 0 the left
side is E w(Z - z) with a square wave w that equals (1/2) sign for |Z - z| < P (Davies 1973, Biometrika 60,
415), so that it differs from P(Z > z) - P(all)/2 by at most the larger of P(Z < z - P) and P(Z > z + P).
So the error is: wrapping (j /= 0), bounded with other tilts; cutting the sum, by the falling majorant;
rounding; and whatever the characteristic function itself is off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.stirling import Complexes, Floats
from theory.tilting import TiltedSum, TiltLadder

__all__ = ["Contour", "contour"]

_ROUNDOFF = 2.0**-53
_NEIGHBOURS = 4
_MAX_NODES = 2**18
_BLOCK = 2**21


@dataclass(frozen=True)
class Contour:
    """The tilted law on one cell of the line.

    `tail_error` and `density_error` bound the errors of `density_and_tail`, which is in units of
    e^{kappa(s) - s z}, everywhere in the cell; where the cell is open to the left, at z = `anchor`,
    its right end.
    """

    tilt: float
    log_mass: float
    nodes: Floats
    amplitudes: Complexes
    tail_error: float
    density_error: float
    anchor: float | None

    def density_and_tail(self, z: Floats) -> tuple[Floats, Floats]:
        """e^{s z - kappa(s)} times the density, and times the upper tail; for s < 0 the lower one."""
        both = np.stack([self.amplitudes, self.amplitudes / (self.tilt + 1j * self.nodes)])
        found, tail = self._sums(z, both)
        if self.tilt == 0:
            return found, 0.5 + tail
        return found, tail if self.tilt > 0 else -tail

    def _sums(self, z: Floats, rows: Complexes) -> Floats:
        """Re sum_k rows[., k] e^{-i t_k z}, by products of the waves of two short grids."""
        width = math.isqrt(self.nodes.size - 1) + 1
        blocks = math.ceil(self.nodes.size / width)
        padded = np.zeros((2, blocks * width), dtype=np.complex128)
        padded[:, : self.nodes.size] = rows
        matrix = padded.reshape(2 * blocks, width).T
        starts = 2 * self.nodes[0] * width * np.arange(blocks)
        result = np.empty((2, z.size))
        step = _BLOCK // width
        for start in range(0, z.size, step):
            part = slice(start, start + step)
            inner = np.exp(-1j * np.outer(z[part], self.nodes[:width])) @ matrix
            outer = np.exp(-1j * np.outer(z[part], starts))
            result[:, part] = np.einsum("pb,prb->rp", outer, inner.reshape(-1, 2, blocks)).real
        return result


def contour(ladder: TiltLadder, index: int, goal: float, location_error: float) -> Contour:
    """The contour of one tilt, with wrapping and cutting errors of about `goal` each.

    `location_error` is what the points z themselves may be off.
    """
    tilted = ladder[index]
    assert tilted is not None
    sides = _sides(ladder, index, tilted)
    period = max(min(_period(excess, gap, goal) for excess, gap in side) for side in sides)
    period = min(period, 2 * math.pi * _MAX_NODES / _highest_frequency(tilted, 0.0, goal))
    step = 2 * math.pi / period
    count = math.ceil(_highest_frequency(tilted, step, goal) / step)
    nodes: Floats = step * (np.arange(count, dtype=np.float64) + 0.5)
    values, majorant = tilted.characteristic(nodes)
    wrapping = sum(min(_wrapping(excess, gap, period) for excess, gap in side) for side in sides)
    errors = _Errors(tilted, nodes, majorant, step, _reach(ladder, index, tilted), location_error)
    return Contour(
        tilted.tilt,
        tilted.log_mass,
        nodes,
        values * (step / math.pi),
        wrapping + errors.tail(),
        wrapping / tilted.deviation + errors.density(),
        ladder.edge(index) if ladder.is_leftmost(index) else None,
    )


def _sides(ladder: TiltLadder, index: int, tilted: TiltedSum) -> list[list[tuple[float, float]]]:
    """For each side the other tilts' (log excess at the worst end of the cell, distance of tilts).

    The leftmost cell has no lower end. What wraps around from its right is bounded there by the
    mass of the law, whatever z.
    """
    left = [(s, ladder.edge(index)) for s in ladder.beyond(index, -1, _NEIGHBOURS)]
    right = [(s, ladder.edge(index - 1)) for s in ladder.beyond(index, 1, _NEIGHBOURS)]
    if ladder.is_leftmost(index):
        right = [(ladder.centre, ladder.edge(index))]
    pairs = (
        [(_log_excess(tilted, s, z), abs(s.tilt - tilted.tilt)) for s, z in side] for side in (left, right)
    )
    return list(pairs)


def _reach(ladder: TiltLadder, index: int, tilted: TiltedSum) -> float:
    """The largest |z| of the cell; in the open one, beyond it the bound itself falls faster."""
    high = abs(ladder.edge(index))
    if ladder.is_leftmost(index):
        return high + 10 / abs(tilted.tilt)
    return max(high, abs(ladder.edge(index - 1)))


def _log_excess(tilted: TiltedSum, other: TiltedSum, z: float) -> float:
    """log of the bound that `other` gives on a tail, or on deviation * density, in units of `tilted`."""
    scale = max(1.0, other.density_bound * tilted.deviation)
    return other.log_bound(z) - tilted.log_bound(z) + math.log(scale)


def _period(excess: float, gap: float, goal: float) -> float:
    """P with e^{excess} sum_{j>=1} e^{-gap j P} <= goal."""
    return float(np.logaddexp(0, excess - math.log(goal))) / gap


def _wrapping(excess: float, gap: float, period: float) -> float:
    """e^{excess} sum_{j>=1} e^{-gap j P}."""
    return math.exp(min(excess - _log_expm1(gap * period), 700.0))


def _log_expm1(x: float) -> float:
    return x + math.log(-math.expm1(-x))


def _highest_frequency(tilted: TiltedSum, step: float, goal: float) -> float:
    """T beyond which the terms of the sum add up to less than the goal."""
    high = 1 / tilted.deviation
    while _cutting(tilted, step, high) > goal:
        high *= 2
    low = high / 2
    for _ in range(4):
        middle = (low + high) / 2
        low, high = (middle, high) if _cutting(tilted, step, middle) > goal else (low, middle)
    return high


def _cutting(tilted: TiltedSum, step: float, frequency: float) -> float:
    """Bound on what lies beyond a frequency, of the tail and of deviation * density."""
    majorant = tilted.characteristic.majorant(frequency)
    beyond = majorant * (1 / tilted.decay(frequency) + step) / math.pi
    return beyond * max(1 / frequency, tilted.deviation)


@dataclass(frozen=True)
class _Errors:
    """Errors that are sums over the nodes, and those of the law itself."""

    tilted: TiltedSum
    nodes: Floats
    majorant: Floats
    step: float
    reach: float
    location_error: float

    def tail(self) -> float:
        """Of the tail, in units of the bound."""
        weighted = self._weighted_error() / np.hypot(self.nodes, self.tilted.tilt)
        scale = 0.0 if self.tilted.tilt == 0 else self.tilted.bound_rounding
        return float(weighted.sum()) + self._cut() + self.tilted.dropped + scale

    def density(self) -> float:
        """Of the density, in units of the bound."""
        peak = self.tilted.density_bound
        cut = self._cut() / self.tilted.deviation
        lost = (self.tilted.dropped + self.tilted.bound_rounding) * peak
        return float(self._weighted_error().sum()) + cut + lost

    def _cut(self) -> float:
        return _cutting(self.tilted, self.step, self.step * self.nodes.size)

    def _weighted_error(self) -> Floats:
        """(h/pi) majorant times relative error: of phi, of the phase t z, of the sum's roundings."""
        last = float(self.nodes[-1])
        fixed = self.tilted.rounding(0.0) + self.tilted.node_error(last)
        slope = (self.tilted.rounding(last) - self.tilted.rounding(0.0)) / last
        shift = self.location_error + 4 * _ROUNDOFF * self.reach + slope
        relative = fixed + self.nodes * shift + _ROUNDOFF * (self.nodes.size + 8)
        return self.step / math.pi * self.majorant * relative
