"""The law of Z, the logarithm of a product of independent one-layer factors, where none vanishes.

Each point is served by the contour whose tilt gives the least bound on its tail there, so that both tails
keep their relative accuracy as far as the ladder goes (theory/tilting.py, theory/inversion.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.inversion import Contour, contour
from theory.stirling import Floats
from theory.tilting import Factors, TiltLadder

__all__ = ["LogLaw", "Served"]


@dataclass(frozen=True)
class Served:
    """At each point: the logs of density and of both tails, and bounds on relative errors.

    `tail_error` belongs to the tail that the contour computes, the upper one right of the middle and
    the lower one left of it; the other is its complement. Beyond the ladder logs are -inf, errors inf.
    """

    log_density: Floats
    log_lower: Floats
    log_upper: Floats
    density_error: Floats
    tail_error: Floats


class LogLaw:
    """Density and tails of Z, of total mass P(no factor vanishes), on vectors of points."""

    def __init__(self, factors: Factors, goal: float, trim: float, location_error: float) -> None:
        self.ladder = TiltLadder(factors, trim)
        self._goal = goal
        self._location_error = location_error
        self._contours: dict[int, Contour] = {}
        self.log_mass = math.fsum(r * math.log1p(-(2.0**-f.width)) for f, r in factors if f.can_vanish)

    @property
    def error(self) -> float:
        """The largest absolute error of either tail, anywhere."""
        return max(self._side_error(1), self._side_error(-1)) + self.ladder.trimmed

    def at(self, z: Floats) -> Served:
        """Everything known about the points."""
        columns = np.empty((5, z.size))
        cells = self._cells(z)
        for index in np.unique(cells).tolist():
            chosen = cells == index
            usable = self.ladder.is_usable(index)
            columns[:, chosen] = self._in_cell(index, z[chosen]) if usable else self._beyond()
        return Served(*columns)

    def contour(self, index: int) -> Contour:
        """The contour of one tilt, made once."""
        if index not in self._contours:
            self._contours[index] = contour(self.ladder, index, self._goal, self._location_error)
        return self._contours[index]

    def _cells(self, z: Floats) -> NDArray[np.int64]:
        """For each point the tilt that serves it; beyond the right end the first that is not usable."""
        ladder, first, last = self.ladder, 0, 0
        low, high = float(np.min(z)), float(np.max(z))
        while not ladder.is_leftmost(first) and low < ladder.edge(first - 1):
            first -= 1
        while ladder.is_usable(last) and high > ladder.edge(last):
            last += 1
        edges = [ladder.edge(index) for index in range(first, last)]
        return np.searchsorted(edges, z) + first

    def _in_cell(self, index: int, z: Floats) -> Floats:
        """The five columns of `Served`."""
        found = self.contour(index)
        log_mass = found.log_mass if index else self.log_mass
        bound = log_mass - found.tilt * z
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            density, tail = (np.maximum(each, 0) for each in found.density_and_tail(z))
            log_tail = np.minimum(bound + np.log(tail), self.log_mass)
            other = self.log_mass + np.log1p(-np.exp(log_tail - self.log_mass))
            tails = [other, log_tail] if index >= 0 else [log_tail, other]
            smaller = np.minimum(tail, 1 - tail) if index == 0 else tail
            unit = 1.0 if found.anchor is None else np.exp(found.tilt * (z - found.anchor))
            lost = np.exp(np.log(self.ladder.trimmed) - bound) if index < 0 else 0.0
            peak = self.ladder.centre.density_bound
            errors = [
                (unit * found.density_error + lost * peak) / density,
                (unit * found.tail_error + lost) / smaller,
            ]
            return np.array([bound + np.log(density), *tails, *errors])

    def _beyond(self) -> Floats:
        """Right of the ladder: less than e^-1000 is left."""
        return np.array([-math.inf, self.log_mass, -math.inf, math.inf, math.inf])[:, None]

    def _side_error(self, direction: int) -> float:
        """Over the cells on one side, until the tail itself is below the goal."""
        worst, index, bound = self.contour(0).tail_error, direction, 0.0
        while bound > math.log(self._goal) and self.ladder.is_usable(index):
            tilted = self.ladder[index]
            assert tilted is not None
            bound = tilted.log_bound(self.ladder.edge(min(index, index - direction)))
            worst = max(worst, math.exp(bound) * self.contour(index).tail_error)
            index += direction
        return max(worst, self._goal)
