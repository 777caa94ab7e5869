"""`splitting` on `direct`: sequential Monte Carlo for E M_j^k at depths where plain averages lie.

For each order k a population of particles goes through the layers; particle i has weight
h(M_j)/h(M_{j-1}) with h(m) = (m + c_j)^k, and the population is resampled after every layer by
those weights (systematic resampling; Carpenter, Clifford and Fearnhead, IEE Proc. 146, 1999). The
product of mean weights times the last mean of M_j^k/h(M_j) is unbiased for E M_j^k (Del Moral,
Feynman-Kac Formulae, 2004, section 7.4). c_j is the sum of the bias variances so far, at least the
smallest of them: without biases h(m) = m^k, with them a dead layer keeps a positive weight. All in
logarithms.

20 independent runs; the interval is Student's t over the runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulate.estimates import cut_tail_note
from simulate.job import Job
from simulate.kernels.streams import philox_words
from simulate.law_plan import tail_is_cut
from simulate.methods.direct import cached_plan, rows_in_cache
from simulate.methods.method import NETWORK_WORK, Method
from simulate.networks import weights_per_network
from simulate.plan import Plan
from simulate.population import Population, Purpose
from simulate.result import Estimate, LayerEstimate, Sampled, exponential
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.reals import as_float
from theory.spec import Network

__all__ = ["RUNS", "Runs", "Splitting"]

Floats: TypeAlias = NDArray[np.float64]

RUNS = 20
_MEMORY = 2**30


@dataclass(frozen=True)
class Runs:
    """log of the estimates of E M_j^k, a row for each run: shape (runs, K, d + 1)."""

    logs: Floats

    def merged(self, other: Runs) -> Runs:
        """Both lists of runs, in order."""
        return Runs(np.concatenate([self.logs, other.logs]))


class Splitting(Method):
    """Particles with explicit weight matrices, resampled at every layer."""

    name = "splitting"
    reduced = False
    record = Runs

    def check(self, job: Job) -> None:
        layers = cached_plan(job.network)
        if not job.network.has_finite_moments(job.order):
            raise SpecError(f"E M^{job.order} is infinite for these weights; ask for a smaller --order")
        if job.particles * layers.numbers * 8 > _MEMORY:
            raise SpecError(
                f"{job.particles:,} particles a run of {layers.numbers:,} numbers each do not fit in memory; "
                "give fewer --samples"
            )

    def leaf_size(self, job: Job) -> int:
        return job.particles

    def work(self, job: Job) -> float:
        return job.order * cached_plan(job.network).work * 4.0 + NETWORK_WORK

    def leaf(self, job: Job, first: int, count: int) -> Runs:
        run = first // job.particles
        layers = cached_plan(job.network)
        return Runs(np.stack([_run(job, layers, run, k) for k in range(1, job.order + 1)])[None])

    def estimate(self, job: Job, record: Runs, seconds: float) -> Estimate:
        drawn = len(record.logs) * job.particles * job.order * weights_per_network(job.network)
        samples = len(record.logs) * job.particles
        layers = (
            LayerEstimate(
                j,
                width,
                tuple(_over_runs(job, record.logs[:, k, j], samples, k + 1) for k in range(job.order)),
            )
            for j, width in enumerate(job.network.widths)
        )
        return Estimate(
            network=job.network,
            method=self.name,
            layers=tuple(layers),
            empirical_variance=None,
            seconds=seconds,
            samples=samples,
            seed=job.seed,
            weights_per_second=drawn / seconds if seconds > 0 else math.nan,
        )


def _run(job: Job, layers: Plan, run: int, k: int) -> Floats:
    """log estimates of E M_0^k, ..., E M_d^k from one population, shape (d + 1,)."""
    crowds = list(_crowds(job, layers, run, k))
    shifts = _shifts(job.network)
    logs = _log_lengths(crowds)
    before = k * _log_shifted(logs, shifts[0])
    total = _log_mean(before)
    estimates = np.full(len(job.network.widths), -math.inf)
    estimates[0] = _log_mean(k * logs)
    if not math.isfinite(total):
        return estimates
    for j, layer in enumerate(layers.layers, start=1):
        for crowd in crowds:
            crowd.advance(layer)
        logs = _log_lengths(crowds)
        after = k * _log_shifted(logs, shifts[j])
        weights = after - before
        estimates[j] = _log_mean(weights + _ratio(k * logs, after)) + total
        total += _log_mean(weights)
        if not math.isfinite(total):
            return estimates
        ancestors = _systematic(weights, _uniform(job, run, k, j))
        _select(crowds, ancestors)
        before = after[ancestors]
    return estimates


def _shifts(network: Network) -> Floats:
    """c_0, ..., c_d: zero without biases, else positive."""
    if not (isinstance(network, FullyConnected) and network.has_bias):
        return np.zeros(len(network.widths))
    variances = np.array([as_float(v) for v in network.bias_variance])
    smallest = float(np.min(variances[variances > 0]))
    return np.asarray(np.maximum(np.cumsum([0.0, *variances]), smallest))


def _crowds(job: Job, layers: Plan, run: int, k: int) -> Iterator[Population]:
    """The particles of a run, in groups whose activations stay in cache."""
    step = rows_in_cache(layers)
    for start in range(0, job.particles, step):
        count = min(step, job.particles - start)
        yield Population(layers, job.seed, Purpose.SPLITTING + 16 * k, run * job.particles + start, count)


def _log_lengths(crowds: list[Population]) -> Floats:
    with np.errstate(divide="ignore"):
        return np.concatenate([np.log(c.lengths) + 2 * math.log(2) * c.exponents for c in crowds])


def _log_shifted(logs: Floats, shift: float) -> Floats:
    """log(M + c)."""
    return logs if shift == 0 else np.logaddexp(logs, math.log(shift))


def _ratio(logs: Floats, shifted: Floats) -> Floats:
    """log of M^k / h(M), which is 1 where both are 0."""
    return np.where(np.isfinite(shifted), logs, 0.0) - np.where(np.isfinite(shifted), shifted, 0.0)


def _log_mean(logs: Floats) -> float:
    """log of the mean of exp(logs), -inf where all are."""
    top = float(np.max(logs))
    if not math.isfinite(top):
        return -math.inf
    return top + math.log(float(np.mean(np.exp(logs - top))))


def _systematic(weights: Floats, uniform: float) -> NDArray[np.int64]:
    """Ancestors in proportion to exp(weights): one uniform number and equal steps."""
    chances = np.cumsum(np.exp(weights - np.max(weights)))
    points = (np.arange(len(weights)) + uniform) * (chances[-1] / len(weights))
    found: NDArray[np.int64] = np.searchsorted(chances, points, side="right")
    return np.minimum(found, len(weights) - 1)


def _uniform(job: Job, run: int, k: int, layer: int) -> float:
    first, second = philox_words(job.seed, Purpose.RESAMPLING + 16 * k, run, layer)
    return (first * 2**32 + second + 0.5) / 2**64


def _select(crowds: list[Population], ancestors: NDArray[np.int64]) -> None:
    """Every particle takes the place of its ancestor, across the groups."""
    activations = np.concatenate([c.activations for c in crowds])[ancestors]
    exponents = np.concatenate([c.exponents for c in crowds])[ancestors]
    lengths = np.concatenate([c.bare_lengths for c in crowds])[ancestors]
    start = 0
    for crowd in crowds:
        part = slice(start, start + len(crowd.exponents))
        crowd.place(activations[part], exponents[part], lengths[part])
        start = part.stop


def _over_runs(job: Job, logs: Floats, samples: int, k: int) -> Sampled:
    """Mean, standard error and 95 % interval of Student's t over the runs."""
    runs, top = len(logs), float(np.max(logs))
    if not math.isfinite(top):
        return Sampled(0.0, None, samples, job.seed, -math.inf, note="every particle died")
    values = np.exp(logs - top)
    mean = float(np.mean(values))
    log_value = top + math.log(mean)
    value = exponential(log_value)
    if runs < 2:
        note = "one run has no standard error"
        return Sampled(value, None, samples, job.seed, log_value, note=note)
    error = float(np.std(values, ddof=1)) / math.sqrt(runs)
    from scipy.special import stdtrit

    reach = float(stdtrit(runs - 1, 0.975)) * error
    lower, upper = (math.log(x) + top if x > 0 else -math.inf for x in (mean - reach, mean + reach))
    return Sampled(
        value,
        value * (error / mean),
        samples,
        job.seed,
        log_value,
        error / mean,
        (exponential(lower), exponential(upper)),
        (lower, upper),
        cut_tail_note(k) if tail_is_cut(job.network, k) else None,
    )
