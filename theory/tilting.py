"""Exponential tilts of a sum Z of independent log factors, and the tail bounds that they give.

kappa(s) = log E[e^{s Z}; all factors positive] is the sum of the layers' (theory/gamma_mixture.py). Under the
tilt s the sum has the density e^{s z - kappa(s)} f(z), so that for every tilt on the ladder

    P(Z > z) <= e^{kappa(s) - s z}  (s > 0),     P(0 < e^Z < e^z) <= e^{kappa(s) - s z}  (s < 0),

and the least of these over the ladder says which tilt serves z best: its own tilted law has z near its
middle. Steps are two standard deviations of the tilted sum, which moves its mean by two of them.

To the left a ReLU layer spoils this: E X^s is infinite for s <= -1/2, because one neuron may be alive
alone, however small the probability. So left of 0 the ladder leaves out the smallest b, of total
probability at most `trim` over all layers; what it leaves out is an error of the lower tail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.gamma_mixture import Characteristic, Part
from theory.length_factor import LengthFactor

__all__ = ["Factors", "TiltLadder", "TiltedSum"]

Factors = Sequence[tuple[LengthFactor, int]]

_LOWEST_LOG = -1000.0  # no tilt beyond the points where a tail is below e^-1000
_SMALLEST_GAP = 1 / 512  # of the distance to the end of the Mellin transform's strip
_STUCK = 0.25  # a step left that moves the mean by less than this many deviations is the last
_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class TiltedSum:
    """Z under one tilt."""

    tilt: float
    parts: tuple[Part, ...]

    @cached_property
    def log_mass(self) -> float:
        """kappa(tilt)."""
        return math.fsum(repeats * part.log_mass for part, repeats in self.parts)

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and variance of the tilted sum."""
        pairs = [(part.log_moments, repeats) for part, repeats in self.parts]
        mean = math.fsum(repeats * mean for (mean, _), repeats in pairs)
        return mean, math.fsum(repeats * variance for (_, variance), repeats in pairs)

    @property
    def mean(self) -> float:
        return self.moments[0]

    @property
    def deviation(self) -> float:
        return math.sqrt(self.moments[1])

    @cached_property
    def density_bound(self) -> float:
        """The density of a sum is at most that of any term."""
        return min(part.density_bound for part, _ in self.parts)

    @property
    def dropped(self) -> float:
        """Mass of the components that were left out."""
        return math.fsum(repeats * part.dropped for part, repeats in self.parts)

    def log_bound(self, z: float) -> float:
        """kappa - tilt z, the logarithm of the bound on a tail at z."""
        return self.log_mass - self.tilt * z

    @cached_property
    def characteristic(self) -> Characteristic:
        """The characteristic function of the tilted sum and its majorant."""
        return Characteristic(self.parts)

    def decay(self, frequency: float) -> float:
        """The rate at which the majorant falls, at least, from this frequency on."""
        rates = (repeats * math.atan(frequency / part.largest_shape) for part, repeats in self.parts)
        return math.fsum(rates)

    def rounding(self, frequency: float) -> float:
        """Of the characteristic function, in units of its majorant; linear in the frequency."""
        return math.fsum(repeats * part.rounding(frequency) for part, repeats in self.parts)

    def node_error(self, frequency: float) -> float:
        """What integrals taken by nodes add up to this frequency, in the same units."""
        return math.fsum(repeats * part.node_error(frequency) for part, repeats in self.parts)

    @property
    def bound_rounding(self) -> float:
        """Relative error of e^{kappa(tilt)}."""
        return self.rounding(abs(self.tilt)) + self.node_error(0.0) + _ROUNDOFF * abs(self.log_mass)


class TiltLadder:
    """Tilts ..., -1, 0, 1, ... of the product of independent factors, made when asked for."""

    def __init__(self, factors: Factors, trim: float) -> None:
        self.factors = tuple(factors)
        depth = sum(repeats for _, repeats in self.factors)
        self._share = trim / depth
        self._sums: dict[int, TiltedSum | None] = {0: self._tilted(0.0)}

    def __getitem__(self, index: int) -> TiltedSum | None:
        """The tilt of this index, or None beyond the end of the ladder."""
        toward_zero = -1 if index > 0 else 1
        if index not in self._sums:
            before = self[index + toward_zero]
            self._sums[index] = None if before is None else self._next(before, index)
        return self._sums[index]

    @property
    def centre(self) -> TiltedSum:
        """Z without tilt."""
        found = self[0]
        assert found is not None
        return found

    def is_usable(self, index: int) -> bool:
        """Whether the tilt has neighbours, which bound what wraps around on its contour."""
        return self[index - 1] is not None and self[index + 1] is not None

    def is_leftmost(self, index: int) -> bool:
        """Whether it is the last usable tilt to the left."""
        return index < 0 and self.is_usable(index) and not self.is_usable(index - 1)

    def beyond(self, index: int, direction: int, count: int) -> list[TiltedSum]:
        """Up to `count` tilts that follow `index` and bound the same tail: none across 0."""
        steps = range(index + direction, index + direction * (count + 1), direction)
        found = (self[i] for i in steps if i * index >= 0)
        return [tilted for tilted in found if tilted is not None]

    def edge(self, index: int) -> float:
        """Where tilts `index` and `index` + 1 give the same bound."""
        low, high = self[index], self[index + 1]
        assert low is not None
        assert high is not None
        return (high.log_mass - low.log_mass) / (high.tilt - low.tilt)

    def _next(self, before: TiltedSum, index: int) -> TiltedSum | None:
        """The tilt of this index, which follows `before`; there are two on the left at least."""
        if before.log_bound(before.mean) < _LOWEST_LOG:
            return None
        if index > 0:
            return self._tilted(before.tilt + 2 / before.deviation)
        gap = before.tilt + self._lowest_shape
        step = min(2 / before.deviation, gap / 2)
        stuck = index < -2 and step * before.deviation < _STUCK
        if stuck or gap < _SMALLEST_GAP * min(1.0, self._lowest_shape):
            return None
        return self._tilted(before.tilt - step)

    def _tilted(self, tilt: float) -> TiltedSum:
        return TiltedSum(tilt, tuple((self._part(f, tilt, r)) for f, r in self.factors))

    def _part(self, factor: LengthFactor, tilt: float, repeats: int) -> Part:
        mixture = factor.mixture(tilt, repeats)
        if tilt < 0:
            mixture, _ = mixture.without_small_shapes(self._share)
        return mixture.tilted(tilt), repeats

    @cached_property
    def trimmed(self) -> float:
        """The mass that the tilts below 0 leave out."""
        return math.fsum(r * f.mixture(0.0, r).without_small_shapes(self._share)[1] for f, r in self.factors)

    @cached_property
    def _lowest_shape(self) -> float:
        """The end of the strip, after trimming."""
        mixtures = (f.mixture(0.0, r).without_small_shapes(self._share)[0] for f, r in self.factors)
        return min(float(np.min(mixture.shapes)) for mixture in mixtures)
