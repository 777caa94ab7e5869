"""From merged sums to an Estimate: averages, standard errors, and whether to believe them.

An average of M^k with M spread over many orders of magnitude is decided by networks rarer than the
sample; its estimated standard error then lies as well (THEORY.md section 9). Two signs of that: one
network makes up a tenth of the sum of M^{2k}, on which the standard error of E M^k rests; or the
networks that decide E M^{2k} lie beyond the sample, which for a log-normal upper half of spread s
means 2 k s standard deviations out where n samples reach about sqrt(2 log n).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from simulate.job import Job
from simulate.law_plan import tail_is_cut
from simulate.logs import LogMoments
from simulate.networks import weights_per_network
from simulate.result import Estimate, LayerEstimate, LogLength, Quantile, Sampled, exponential
from simulate.scaled import Averages
from simulate.summary import Summary

__all__ = ["QUANTILES", "cut_tail_note", "estimate_of_summary", "sampled"]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_ENOUGH = 100
_SHARE = 0.1
_UPPER, _UPPER_DEVIATIONS = 0.975, 1.96
_UNTRUSTED = "decided by networks rarer than this sample; its error is not to be trusted; "
_REMEDIES = {"gradients": "predict --gradients has exact moments for weights without atoms"}
_REMEDY = "use --method splitting"


def estimate_of_summary(job: Job, reduced: bool, summary: Summary, seconds: float) -> Estimate:
    """The Estimate of a method that averages over networks."""
    layers = tuple(_layers(job, summary))
    notes = list(_notes(job, layers))
    drawn = summary.count * weights_per_network(job.network)
    return Estimate(
        network=job.network,
        method=job.method,
        layers=layers,
        empirical_variance=None if job.tilt else _empirical(job, summary),
        seconds=seconds,
        samples=summary.count,
        seed=job.seed,
        weights_per_second=drawn / seconds if seconds > 0 else math.nan,
        reduced=reduced,
        notes=tuple(notes),
        covariance=_covariance(summary),
    )


def sampled(
    log_value: float, relative_error: float | None, samples: int, seed: int, note: str | None
) -> Sampled:
    """A Sampled from its logarithm."""
    value = exponential(log_value)
    error = None if relative_error is None or math.isnan(relative_error) else relative_error
    if value == 0 and error is None and note is None:
        note = "no network with a positive length was seen"
    absolute = None if error is None else value * error
    return Sampled(value, absolute, samples, seed, log_value, error, note=note)


def _layers(job: Job, summary: Summary) -> Iterator[LayerEstimate]:
    averages = summary.moments
    logs, errors = averages.log_mean(), averages.relative_error()
    log_lengths = list(_log_lengths(job, summary.logs))
    doubts: list[str | None] = [None] * job.order
    for j, width in enumerate(job.network.widths):
        moments = []
        for k in range(job.order):
            # Tails do not get lighter with depth: a doubt stays.
            note = doubts[k] = doubts[k] or _doubt(job, summary, k + 1, j)
            error = None if _refutes(note) else float(errors[k, j])
            moments.append(sampled(float(logs[k, j]), error, summary.count, job.seed, note))
        if job.tilt:
            yield LayerEstimate(j, width, tuple(moments))
        else:
            yield LayerEstimate(
                j,
                width,
                tuple(moments),
                log_lengths[j],
                _dead(job, summary, j),
                _quantiles(summary, j),
            )


def _doubt(job: Job, summary: Summary, k: int, j: int) -> str | None:
    """Why the standard error of the average of M_j^k does not exist or is not to be believed."""
    if j == 0:
        return None
    if summary.count < 2:
        return "one network has no standard error"
    if not job.network.has_finite_moments(k):
        return f"E M^{k} is infinite for these weights; the average estimates nothing"
    if not job.network.has_finite_moments(2 * k):
        note = f"E M^{2 * k} is infinite for these weights, so the average of M^{k} has no standard error"
        return f"{note}; {cut_tail_note(k)}" if tail_is_cut(job.network, k) else note
    if job.tilt:
        return _untrusted(job) if _few(summary.moments, k - 1, j) else None
    return _untrusted(job) if _beyond(summary, k, j) or _dominated(summary, k, j) else None


def _untrusted(job: Job) -> str:
    """An error stands beside the average, but not to be believed; what to do depends on the method."""
    return _UNTRUSTED + _REMEDIES.get(job.method, _REMEDY)


def _refutes(note: str | None) -> bool:
    """Whether no error may stand beside the average at all."""
    return note is not None and not note.startswith(_UNTRUSTED)


def cut_tail_note(k: int) -> str:
    """The generator's end is felt."""
    return f"the generator's 47 bits cut the tail of student_t where E M^{k} needs it; the value is too small"


def _beyond(summary: Summary, k: int, j: int) -> bool:
    """Whether the networks that decide E M_j^{2k} are rarer than the sample, from its upper half."""
    quantile = summary.histogram.log_quantiles(j, int(summary.dead[j]))
    middle, upper = quantile(0.5), quantile(_UPPER)
    if not (math.isfinite(middle) and math.isfinite(upper)):
        return False
    return 2 * k * (upper - middle) / _UPPER_DEVIATIONS > math.sqrt(2 * math.log(summary.count))


def _dominated(summary: Summary, k: int, j: int) -> bool:
    """Whether one network makes up a tenth of the sum of M_j^{2k}, or the smallest share possible."""
    averages, count = summary.moments, summary.count
    if k > len(averages.mean):
        return False
    mean, spread = float(averages.mean[k - 1, j]), float(averages.spread[k - 1, j])
    total = count * mean**2 + spread
    if total <= 0:
        return False
    log_total = math.log(total) + 2 * float(averages.exponent[k - 1, j]) * math.log(2)
    return 2 * k * float(summary.largest[j]) - log_total > math.log(max(_SHARE, 2 / count))


def _few(averages: Averages, k: int, j: int) -> bool:
    """Whether (sum x)^2 / sum x^2, the number of equal terms with the same relative spread, is below 100."""
    count, mean, spread = float(averages.count), float(averages.mean[k, j]), float(averages.spread[k, j])
    return (count * mean) ** 2 < _ENOUGH * (count * mean**2 + spread)


def _notes(job: Job, layers: tuple[LayerEstimate, ...]) -> Iterator[str]:
    """One line for each order whose averages are doubtful, naming the first such layer."""
    for k in range(job.order):
        doubtful = next((layer for layer in layers if layer.moments[k].note is not None), None)
        if doubtful is not None:
            yield f"E M^{k + 1} from layer {doubtful.index} on: {doubtful.moments[k].note}"


def _log_lengths(job: Job, logs: LogMoments) -> Iterator[LogLength]:
    """Mean and variance of log M_j, layer by layer."""
    columns = (logs.count, logs.mean, logs.mean_error(), logs.variance(), logs.variance_error())
    for count, *numbers in zip(*(c.tolist() for c in columns), strict=True):
        note = None if count > 1 else "fewer than two networks with a positive length"
        mean, mean_error, variance, variance_error = numbers
        yield LogLength(
            Sampled(mean if count else math.nan, _known(mean_error), count, job.seed, note=note),
            Sampled(variance, _known(variance_error), count, job.seed, note=note),
        )


def _known(x: float) -> float | None:
    return None if math.isnan(x) else x


def _dead(job: Job, summary: Summary, j: int) -> Sampled:
    count, dead = summary.count, int(summary.dead[j])
    share = dead / count
    note = None
    if dead in (0, count) and j > 0:
        note = f"{'none' if dead == 0 else 'all'} of {count:,}; within {3 / count:.1e} with 95 % confidence"
    return Sampled(share, math.sqrt(share * (1 - share) / count), count, job.seed, note=note)


def _quantiles(summary: Summary, j: int) -> tuple[Quantile, ...]:
    dead, count = int(summary.dead[j]), summary.count
    table = summary.histogram.log_quantiles(j, dead)
    found = []
    for p in QUANTILES:
        slack = 1.96 * math.sqrt(p * (1 - p) / count)
        found.append(Quantile(p, table(p), table(p - slack), table(p + slack)))
    return tuple(found)


def _empirical(job: Job, summary: Summary) -> Sampled:
    """E EmpVar, as trustworthy as the second moments it is made of."""
    if job.network.depth == 1:
        return Sampled(0.0, 0.0, summary.count, job.seed)
    doubts = (_doubt(job, summary, 2, j) for j in range(len(job.network.widths)))
    note = next((doubt for doubt in doubts if doubt is not None), None)
    averages = summary.empirical
    error = None if _refutes(note) else float(averages.relative_error())
    if averages.mean == 0 and averages.spread == 0:
        return Sampled(0.0, 0.0, summary.count, job.seed, note=note)
    return sampled(float(averages.log_mean()), error, summary.count, job.seed, note)


def _covariance(summary: Summary) -> tuple[tuple[float, ...], ...] | None:
    found = summary.covariances
    if found is None or summary.count < 2:
        return None
    shift = np.clip(found.exponent[:, None] + found.exponent, -2000, 2000).astype(np.int32)
    with np.errstate(over="ignore"):
        matrix = np.ldexp(found.products / (summary.count - 1), shift)
    return tuple(tuple(float(x) for x in row) for row in matrix)
