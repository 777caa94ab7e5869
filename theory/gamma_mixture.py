"""Finite mixtures of scaled gamma laws: their Mellin transforms, tilts and characteristic functions.

Every one-layer law without bias is such a mixture (theory/length_factor.py). If X is scale times a
gamma variable of shape a then E X^s = scale^s Gamma(a + s)/Gamma(a), and weighting the law by X^s
gives shape a + s with the same scale. So a tilted mixture is again a mixture, and its logarithm has
the characteristic function E X^{it} = sum_c w_c scale_c^{it} Gamma(a_c + it)/Gamma(a_c).

Two bounds come with it. |Gamma(a + it)/Gamma(a)| falls in |t|, at the relative rate
sum_k t/((a + k)^2 + t^2) >= int_a^inf t/(u^2 + t^2) du = arctan(t/a), so that the majorant
psi(t) = sum_c w_c |Gamma(a_c + it)/Gamma(a_c)| >= |E X^{it}| is known beyond any t from its value there.
And the density of log X is at most sum_c w_c sqrt(a_c/(2 pi)), each component's highest point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.stirling import Complexes, Floats, digamma_and_slope, log_gamma_imaginary, log_rising

__all__ = ["Characteristic", "GammaMixture", "Part", "TiltedMixture"]

_KEPT = 50.0  # components below e^-50 of the largest are left out and their mass is added up
_ROUNDOFF = 2.0**-53
_BLOCK = 2**20


def _no_error(frequency: float) -> float:
    return 0.0


@dataclass(frozen=True)
class GammaMixture:
    """Components (weight, shape, scale); shapes or log_scales may have length 1, alike for all.

    `node_error(t)` bounds the relative error of the transform up to the frequency t where the
    mixture stands for an integral.
    """

    log_weights: Floats
    shapes: Floats
    log_scales: Floats
    node_error: Callable[[float], float] = _no_error

    def tilted(self, tilt: float) -> TiltedMixture:
        """The law weighted by X^tilt; `tilt` must exceed minus the smallest shape.

        >>> chi_square = GammaMixture(np.zeros(1), np.array([2.5]), np.log([2.0]))
        >>> float(np.round(np.exp(chi_square.tilted(2).log_mass), 10))          # E (chi^2_5)^2
        35.0
        """
        logs = self.log_weights + log_rising(self.shapes, tilt) + tilt * self.log_scales
        top = logs.max()
        keep = logs > top - _KEPT
        masses = np.exp(logs - top)
        kept = float(masses[keep].sum())
        return TiltedMixture(
            weights=masses[keep] / kept,
            shapes=_restricted(self.shapes, keep) + tilt,
            log_scales=_restricted(self.log_scales, keep),
            log_mass=float(top) + math.log(kept),
            dropped=float(masses[~keep].sum()) / kept,
            node_error=self.node_error,
        )

    def without_small_shapes(self, mass: float) -> tuple[GammaMixture, float]:
        """Leave out the smallest shapes, of total weight at most `mass`, and say how much that is.

        Shapes must increase; where all are alike nothing is left out.
        """
        if self.shapes.size == 1:
            return self, 0.0
        below = np.concatenate([[0.0], np.cumsum(np.exp(self.log_weights))])
        first = int(np.searchsorted(below, mass, side="right")) - 1
        return GammaMixture(self.log_weights[first:], self.shapes[first:], self.log_scales), float(
            below[first]
        )


@dataclass(frozen=True)
class TiltedMixture:
    """A mixture with weights of sum 1, the logarithm of the mass it had, and the share left out."""

    weights: Floats
    shapes: Floats
    log_scales: Floats
    log_mass: float
    dropped: float
    node_error: Callable[[float], float]

    @cached_property
    def log_moments(self) -> tuple[float, float]:
        """Mean and variance of log X."""
        means, variances = digamma_and_slope(self.shapes)
        means = means + self.log_scales
        mean = float(np.sum(self.weights * means))
        return mean, float(np.sum(self.weights * (variances + (means - mean) ** 2)))

    @cached_property
    def density_bound(self) -> float:
        """What the density of log X never exceeds."""
        return float(np.sum(self.weights * np.sqrt(self.shapes / (2 * math.pi))))

    @cached_property
    def largest_shape(self) -> float:
        return float(self.shapes.max())

    def rounding(self, frequency: float) -> float:
        """Relative to the majorant, what floating point may have changed at this frequency.

        A handful of roundings of log Gamma(a + it), whose terms are of the size of t (2 + |log a|)
        and of t |log scale|; measured against 40 digits, a third of this is not reached.
        """
        return _ROUNDOFF * (64 + 8 * frequency * (2 + self._span))

    @cached_property
    def _span(self) -> float:
        return float(np.abs(np.log(self.shapes)).max() + np.abs(self.log_scales).max())


Part = tuple[TiltedMixture, int]


class Characteristic:
    """E prod X^{it} of independent factors, each repeated so many times, and its majorant.

    The widths of a net share their shapes b/2, so Gamma is evaluated once per shape.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._shapes = np.unique(np.concatenate([part.shapes for part, _ in parts]))
        self._parts = [(part, repeats, _rows(self._shapes, part.shapes)) for part, repeats in parts]

    def __call__(self, frequencies: Floats) -> tuple[Complexes, Floats]:
        """Values and majorant."""
        values = np.ones(frequencies.size, dtype=np.complex128)
        majorant = np.ones(frequencies.size)
        step = _BLOCK // self._shapes.size
        for start in range(0, frequencies.size, step):
            block = slice(start, start + step)
            table = np.exp(log_gamma_imaginary(self._shapes, frequencies[block]))
            sizes = np.abs(table)
            for part, repeats, rows in self._parts:
                values[block] *= _value(part, frequencies[block], table[rows]) ** repeats
                majorant[block] *= _bound(part, sizes[rows]) ** repeats
        return values, majorant

    def majorant(self, frequency: float) -> float:
        """The majorant at one frequency."""
        sizes = np.exp(log_gamma_imaginary(self._shapes, np.array([frequency])).real)
        return math.prod(
            float(_bound(part, sizes[rows])[0]) ** repeats for part, repeats, rows in self._parts
        )


def _value(part: TiltedMixture, t: Floats, table: Complexes) -> Complexes:
    """E X^{it}, where either the shape or the scale is alike for all components."""
    if part.log_scales.size == 1:
        turned, mixed = np.exp(1j * part.log_scales * t), _mixed(part.weights, table)
    else:
        turned, mixed = _mixed(part.weights, np.exp(1j * np.outer(part.log_scales, t))), table[0]
    value: Complexes = turned * mixed
    return value


def _mixed(weights: Floats, table: Complexes) -> Complexes:
    """weights @ table, as a product of real matrices, which is much the faster."""
    mixed: Complexes = (weights @ table.view(np.float64)).view(np.complex128)
    return mixed


def _bound(part: TiltedMixture, sizes: Floats) -> Floats:
    bound: Floats = sizes[0] if part.shapes.size == 1 else part.weights @ sizes
    return bound


def _rows(shapes: Floats, chosen: Floats) -> slice:
    """Where the chosen shapes stand: they are neighbours, as multiples of 1/2 plus the tilt."""
    return slice(int(np.searchsorted(shapes, chosen[0])), int(np.searchsorted(shapes, chosen[-1])) + 1)


def _restricted(values: Floats, keep: NDArray[np.bool_]) -> Floats:
    return values if values.size == 1 else values[keep]
