"""Quantiles of Z from its tails: Newton's method on the logarithm of a tail, inside a proved bracket.

The tilts' bounds give the bracket: P(Z <= z) <= e^{kappa(s) - s z} for s < 0 puts the quantile of p to the
right of (kappa(s) - log p)/s, and the upper tail puts it to the left of such a point.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from theory.log_law import LogLaw
from theory.stirling import Floats
from theory.tilting import TiltLadder

__all__ = ["quantiles"]

Booleans = NDArray[np.bool_]
_MAX_STEPS = 200
_PRECISION = 2.0**-50


def quantiles(law: LogLaw, log_lower: Floats, log_upper: Floats) -> Floats:
    """z with P(Z <= z) = e^{log_lower} and P(Z > z) = e^{log_upper}, both given, both finite.

    Each point is solved for its smaller tail.
    """
    low = np.array([_reach(law.ladder, -1, log_p) for log_p in log_lower])
    high = np.array([_reach(law.ladder, 1, log_p) for log_p in log_upper])
    upper = log_upper < log_lower
    goals = np.where(upper, log_upper, log_lower)
    z = np.clip(_normal_guess(law, goals, upper), low, high)
    open_ = np.arange(z.size)
    for _ in range(_MAX_STEPS):
        excess, slope = _excess(law, z[open_], goals[open_], upper[open_])
        high[open_] = np.where(excess >= 0, np.minimum(high[open_], z[open_]), high[open_])
        low[open_] = np.where(excess <= 0, np.maximum(low[open_], z[open_]), low[open_])
        moved = _newton(z[open_], excess, slope, low[open_], high[open_])
        done = np.abs(moved - z[open_]) <= _PRECISION * np.maximum(1, np.abs(moved))
        z[open_] = moved
        open_ = open_[~done]
        if open_.size == 0:
            break
    return z


def _reach(ladder: TiltLadder, direction: int, log_p: float) -> float:
    """The furthest point that the bounds of one side prove to have a tail of at most p beyond it."""
    best, index = math.inf, direction
    while (tilted := ladder[index]) is not None:
        distance = direction * (tilted.log_mass - log_p) / tilted.tilt
        if distance > best:
            break
        best, index = distance, index + direction
    return direction * best


def _normal_guess(law: LogLaw, goals: Floats, upper: Booleans) -> Floats:
    from scipy.special import ndtri_exp

    centre = law.ladder.centre
    score = ndtri_exp(goals - law.log_mass)
    return centre.mean + centre.deviation * np.where(upper, -score, score)


def _excess(law: LogLaw, z: Floats, goals: Floats, upper: Booleans) -> tuple[Floats, Floats]:
    """An increasing function of z that vanishes at the quantile, and its derivative."""
    served = law.at(z)
    tail = np.where(upper, served.log_upper, served.log_lower)
    with np.errstate(invalid="ignore"):
        return np.where(upper, goals - tail, tail - goals), np.exp(served.log_density - tail)


def _newton(z: Floats, excess: Floats, slope: Floats, low: Floats, high: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = z - excess / slope
    inside = (moved > low) & (moved < high)
    return np.where(inside, moved, np.where(excess == 0, z, (low + high) / 2))
