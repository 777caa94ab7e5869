"""A race: our engine and its peers in turns, on one network; the figure is each one's best turn."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np

from benchmarks.peers.contest import Contestant, Run, Worker, in_threads
from simulate.methods.direct import rows_in_cache
from simulate.plan import Plan, plan
from simulate.population import Population, Purpose
from theory.spec import Network

__all__ = ["OURS", "ROUNDS", "best_peer", "heat", "ours"]

OURS = "actlen"
ROUNDS = 5


def ours(network: Network, pool: Executor) -> Run:
    """Our direct engine: explicit weights, log lengths of every layer."""
    known = plan(network)
    count = rows_in_cache(known)

    def make(thread: int) -> Worker:
        first = thread << 40

        def worker() -> int:
            nonlocal first
            _log_lengths(known, first, count)
            first += count
            return count * known.weights_per_network

        return worker

    return in_threads(make, pool)


def _log_lengths(known: Plan, first: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """log M_1, ..., log M_d of networks first, first + 1, ..., shape (depth, count)."""
    population = Population(known, 0, Purpose.DIRECT, first, count)
    logs = np.empty((len(known.layers), count))
    for row, layer in zip(logs, known.layers, strict=True):
        population.advance(layer)
        np.log(population.lengths, out=row)
        row += 2 * np.log(2) * population.exponents
    return logs


def heat(field: list[Contestant], shape: Any, law: str, seconds: float) -> dict[str, float]:
    """All contestants on one network and law, in turns."""
    runs = {contestant.name: contestant.prepare(shape, law) for contestant in field}
    best = dict.fromkeys(runs, 0.0)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            best[name] = max(best[name], run(seconds / ROUNDS))
    return best


def best_peer(rates: Mapping[str, float], but: str = "") -> float:
    """The rate of the fastest contestant that is not ours, nor the one named."""
    return max(rate for name, rate in rates.items() if name not in (OURS, but))
