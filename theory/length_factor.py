"""The law of one layer's factor M_j / E[M_j | M_{j-1}]: normal weights, homogeneous activation, no bias.

Given a_{j-1} the pre-activations are i.i.d. normal, so M_j = gain M_{j-1} X / n with
X = s_+^2 chi^2_B + s_-^2 chi^2_{n-B}, B ~ Binomial(n, 1/2) (THEORY.md section 2). Divided by its mean the
factor depends on the width and on the ratio r of the smaller squared slope to the larger alone:

    r = 0 (ReLU)           (4/n) Gamma_{B/2},  zero for B = 0,
    r = 1 (linear, abs)    (2/n) Gamma_{n/2},
    0 < r < 1 (leaky)      (2/n) Gamma_{n/2} V, V the mean over a beta law (theory/slope_mixture.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.activations import Activation
from theory.binomial import log_binomial
from theory.gamma_mixture import GammaMixture
from theory.slope_mixture import slope_mixture
from theory.stirling import Floats

__all__ = ["LengthFactor", "relu_mixture"]


@dataclass(frozen=True)
class LengthFactor:
    """One layer, by its width and the ratio of its squared slopes, from 0 to 1.

    >>> from theory.activations import as_activation
    >>> LengthFactor.of(as_activation("leaky_relu:1/10"), 100)
    LengthFactor(width=100, ratio=1/100)
    """

    width: int
    ratio: fmpq

    @classmethod
    def of(cls, activation: Activation, width: int) -> LengthFactor:
        """The factor of a layer of this width; `SpecError` for an activation without slopes."""
        squares = [slope**2 for slope in activation.slopes]
        return cls(width, min(squares) / max(squares))

    @property
    def can_vanish(self) -> bool:
        """Whether the factor is 0 with probability 2^-n: all pre-activations on the flat side."""
        return bool(self.ratio == 0)

    @property
    def variance(self) -> fmpq:
        """Var X = C/n, with C = 3 tau - 1, tau = 2 (1 + r^2)/(1 + r)^2: 5/n for ReLU, 2/n linear."""
        tau = 2 * (1 + self.ratio**2) / (1 + self.ratio) ** 2
        return (3 * tau - 1) / self.width

    def mixture(self, tilt: float, repeats: int) -> GammaMixture:
        """The factor on X > 0 as a mixture, good for this tilt and for `repeats` such layers."""
        if self.can_vanish:
            return relu_mixture(self.width)
        if self.ratio == 1:
            return GammaMixture(np.zeros(1), np.array([self.width / 2]), np.log([2 / self.width]))
        return slope_mixture(self.width, self.ratio, tilt, repeats)

    def log_samples(self, count: int, random: np.random.Generator) -> Floats:
        """log X of independent copies, -inf where it vanishes, from the definition."""
        steep = random.binomial(self.width, 0.5, count)
        flat = self.width - steep
        ratio = int(self.ratio.p) / int(self.ratio.q)
        squares = _chi_square(steep, random) + ratio * _chi_square(flat, random)
        with np.errstate(divide="ignore"):
            return np.log(squares) - math.log(self.width * (1 + ratio) / 2)


@lru_cache(maxsize=4096)
def relu_mixture(width: int) -> GammaMixture:
    """(4/n) Gamma_{b/2} with weight C(n, b)/2^n, b = 1, ..., n.

    >>> float(np.round(np.exp(relu_mixture(3).log_weights).sum(), 12))         # 1 - 2^-3
    0.875
    """
    shapes = np.arange(1, width + 1) / 2
    return GammaMixture(log_binomial(width)[1:], shapes, np.log([4 / width]))


def _chi_square(degrees: NDArray[np.int64], random: np.random.Generator) -> Floats:
    return np.where(degrees > 0, random.chisquare(np.maximum(degrees, 1)), 0.0)
