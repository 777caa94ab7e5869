"""`direct`: every weight drawn; any kind of network, any law, bias and piecewise linear activation.

The only method that counts as independent evidence for a formula, with `splitting` on top of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulate.arguments import check_samples, check_seed
from simulate.job import Job
from simulate.methods.averaging import Averaging
from simulate.methods.method import NETWORK_WORK
from simulate.plan import Plan, plan
from simulate.population import Population, Purpose
from simulate.scaled import Lengths, shifted
from theory.spec import Network

__all__ = ["Direct", "activations", "cached_plan", "lengths", "planned_lengths", "rows_in_cache"]

_CACHED_NUMBERS = 2**15
# A step has a cost of its own, so that a few networks go together even where the cache is too small.
_FEW, _MANY_NUMBERS = 16, 2**20


class Direct(Averaging):
    """Draw every weight of every network, once, in registers."""

    name = "direct"
    reduced = False

    def check(self, job: Job) -> None:
        cached_plan(job.network)

    def work(self, job: Job) -> float:
        return cached_plan(job.network).work + NETWORK_WORK

    def lengths(self, job: Job, first: int, count: int) -> Lengths:
        return planned_lengths(cached_plan(job.network), job.seed, first, count)


def planned_lengths(layers: Plan, seed: int, first: int, count: int) -> Lengths:
    """M_0, ..., M_d of the networks first, ..., first + count - 1 of a plan."""
    fractions = np.empty((len(layers.layers) + 1, count))
    exponents = np.empty(fractions.shape, np.int64)
    for start, rows in _chunks(layers, first, count):
        population = Population(layers, seed, Purpose.DIRECT, start, rows)
        place = slice(start - first, start - first + rows)
        fractions[0, place], exponents[0, place] = population.lengths, population.exponents
        for j, layer in enumerate(layers.layers, 1):
            population.advance(layer)
            fractions[j, place], exponents[j, place] = population.lengths, population.exponents
    return Lengths(fractions, np.multiply(exponents, 2, out=exponents))


def activations(network: Network, samples: int, seed: int) -> Iterator[list[NDArray[np.float64]]]:
    """Blocks of [a_0, ..., a_d] in double precision; each a_j has shape (networks in the block, n_j).

    >>> from theory.network import FullyConnected
    >>> [a.shape for a in next(activations(FullyConnected([3, 4, 2]), 5, seed=0))]
    [(5, 3), (5, 4), (5, 2)]
    """
    check_samples(samples)
    check_seed(seed)
    layers = plan(network)
    for first, count in _chunks(layers, 0, samples):
        population = Population(layers, seed, Purpose.DIRECT, first, count)
        rows = [population.true_activations()]
        for layer in layers.layers:
            population.advance(layer)
            rows.append(population.true_activations())
        yield rows


def lengths(network: Network, samples: int, seed: int) -> NDArray[np.float64]:
    """M_0, ..., M_d of every simulated network, shape (samples, d + 1); small ones may round to 0.

    >>> from theory.network import FullyConnected
    >>> lengths(FullyConnected([3, 4, 2]), 5, seed=0).shape
    (5, 3)
    """
    check_samples(samples)
    check_seed(seed)
    found = planned_lengths(cached_plan(network), seed, 0, samples)
    return shifted(found.fraction, found.exponent).T


def rows_in_cache(layers: Plan) -> int:
    """How many networks go through the layers together, so that their activations stay in cache."""
    few = min(_FEW, _MANY_NUMBERS // layers.numbers)
    return max(1, few, _CACHED_NUMBERS // layers.numbers)


@lru_cache(maxsize=4)
def cached_plan(network: Network) -> Plan:
    """The plan of a spec, computed once for the many leaves of a job."""
    return plan(network)


def _chunks(layers: Plan, first: int, count: int) -> Iterator[tuple[int, int]]:
    step = rows_in_cache(layers)
    for start in range(first, first + count, step):
        yield start, min(step, first + count - start)
