"""`law` (reduced): normal weights, homogeneous activation: a few draws a layer, whatever the width.

M_j / M_{j-1} = (g/n)(s_plus^2 X + s_minus^2 Y) with X, Y independent chi-square of B and n - B
degrees of freedom, B binomial(n, 1/2), independent of the layers before (THEORY.md section 7).
With `tilt` s the factors are drawn from the law weighted by (M_j/M_{j-1})^s and the averages are
weighted back, which brings the rare long networks that decide E M^k into the sample.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from flint import arb
from numpy.typing import NDArray

from simulate.job import Job
from simulate.methods.averaging import Averaging
from simulate.methods.conditional import generator, only_normal
from simulate.methods.method import NETWORK_WORK
from simulate.networks import fully_connected
from simulate.plan import input_log_length, log_of
from simulate.population import Purpose
from simulate.scaled import Averages, Lengths
from simulate.summary import Summary
from theory.activations import SmoothActivation
from theory.errors import SpecError
from theory.network import FullyConnected, Layer
from theory.reals import as_float

__all__ = ["Law"]

Floats = NDArray[np.float64]

_WIDEST_TILTED = 10**6


class Law(Averaging):
    """Independent factors of chi-square variables, one for each layer."""

    name = "law"
    reduced = True

    def check(self, job: Job) -> None:
        network = fully_connected(job.network, self.name)
        only_normal(network, self.name)
        for phi in (network.activation, network.output_activation):
            if isinstance(phi, SmoothActivation):
                raise SpecError(
                    f"--method law needs a piecewise linear activation, not {phi.name}; "
                    "use --method conditional"
                )
        if network.has_bias:
            raise SpecError("--method law needs a network without biases; use --method conditional")
        if job.tilt:
            _check_tilt(network, job.tilt)

    def work(self, job: Job) -> float:
        return 3000.0 * job.network.depth + NETWORK_WORK

    def lengths(self, job: Job, first: int, count: int) -> Lengths:
        return Lengths.from_logs(self._logs(job, first, count)[0])

    def leaf(self, job: Job, first: int, count: int) -> Summary:
        if not job.tilt:
            return super().leaf(job, first, count)
        logs, weights = self._logs(job, first, count)
        plain = Summary.of(Lengths.from_logs(logs), 1)
        powers = [Averages.of(Lengths.from_logs(k * logs + weights)) for k in range(1, job.order + 1)]
        return plain.tilted(powers)

    def _logs(self, job: Job, first: int, count: int) -> tuple[Floats, Floats]:
        """log M_j and the log of the weight that undoes the tilt, each (d + 1, count)."""
        random = generator(job.seed, Purpose.LAW, first)
        logs, weights = [np.full(count, input_log_length(job.network))], [np.zeros(count)]
        for layer in fully_connected(job.network, self.name).layers:
            log_scale = log_of(arb(layer.effective_gain)) - math.log(layer.width)
            if job.tilt:
                log_factor, log_norm = _tilted(layer, count, random, job.tilt)
                weights.append(weights[-1] + log_norm - job.tilt * log_factor)
            else:
                log_factor = _plain(layer, count, random)
                weights.append(weights[-1])
            logs.append(logs[-1] + log_scale + log_factor)
        return np.stack(logs), np.stack(weights)


def _plain(layer: Layer, count: int, random: np.random.Generator) -> Floats:
    """log of s_plus^2 X + s_minus^2 Y."""
    plus, minus = (as_float(slope**2) for slope in layer.activation.slopes)
    positive = random.binomial(layer.width, 0.5, count)
    total = plus * 2 * random.standard_gamma(positive / 2)
    if minus:
        total = total + minus * 2 * random.standard_gamma((layer.width - positive) / 2)
    with np.errstate(divide="ignore"):
        return np.log(total)


def _tilted(layer: Layer, count: int, random: np.random.Generator, tilt: float) -> tuple[Floats, float]:
    """log of the factor drawn from its law weighted by factor^tilt, and log E factor^tilt."""
    plus, minus = (as_float(slope**2) for slope in layer.activation.slopes)
    if minus and plus:
        degrees, half = np.full(count, layer.width), layer.width / 2
        log_norm = tilt * math.log(2) + math.lgamma(half + tilt) - math.lgamma(half)
    else:
        cumulative, log_norm = _tilted_degrees(layer.width, tilt)
        degrees = 1 + np.searchsorted(cumulative, random.random(count), side="right")
    slope = math.log(max(plus, minus))
    log_factor = np.log(2 * random.standard_gamma(degrees / 2 + tilt)) + slope
    return log_factor, log_norm + tilt * slope


@lru_cache(maxsize=64)
def _tilted_degrees(width: int, tilt: float) -> tuple[Floats, float]:
    """Cumulative chances of 1, ..., n positive neurons, weighted by E chi_b^(2 tilt), and the log sum."""
    from scipy.special import gammaln, logsumexp

    b = np.arange(1, width + 1)
    log_chance = gammaln(width + 1) - gammaln(b + 1) - gammaln(width - b + 1) - width * math.log(2)
    log_weight = log_chance + tilt * math.log(2) + gammaln(b / 2 + tilt) - gammaln(b / 2)
    log_norm = float(logsumexp(log_weight))
    cumulative = np.cumsum(np.exp(log_weight - log_norm))
    return cumulative[:-1], log_norm


def _check_tilt(network: FullyConnected, tilt: float) -> None:
    if not math.isfinite(tilt) or tilt < 0:
        raise SpecError(f"the tilt must be a number of at least 0, such as 2, not {tilt}")
    if max(network.widths) > _WIDEST_TILTED:
        raise SpecError(f"a tilt needs widths of at most {_WIDEST_TILTED:,}; drop --tilt")
    for phi in (network.activation, network.output_activation):
        plus, minus = phi.slopes
        if plus and minus and plus**2 != minus**2:
            raise SpecError(
                f"a tilt needs one slope of 0 or two of one size, which {phi.name} has not; drop --tilt"
            )
