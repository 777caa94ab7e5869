"""`simulate`: the one call for all methods."""

from __future__ import annotations

import math
import os
from concurrent.futures import Executor
from pathlib import Path

from simulate.arguments import check_samples, check_seed, check_whole
from simulate.job import Job
from simulate.methods.choice import choose, method_named
from simulate.methods.splitting import RUNS
from simulate.result import Estimate
from simulate.running import Limits, Progress, run
from theory.errors import SpecError
from theory.laws import LawLike, as_law
from theory.spec import Network

__all__ = ["DEFAULT_SAMPLES", "cores", "limits_of", "simulate"]

DEFAULT_SAMPLES = 10_000
_MAX_ORDER = 12
_MAX_COVARIANCE_DEPTH = 1000


def simulate(
    network: Network,
    *,
    method: str = "auto",
    samples: int | None = None,
    rel_error: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    order: int = 2,
    covariance: bool = False,
    tilt: float = 0.0,
    threads: int | None = None,
    executor: Executor | None = None,
    window: int | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
    shard_leaves: int | None = None,
    gradients: bool = False,
    readout: LawLike = "normal",
) -> Estimate:
    """Simulate random networks and average M_j^k, k = 1..order, in every layer.

    Parameters
    ----------
    method
        direct (explicit weights, any law), splitting (E M^k at depth), conditional and law (normal
        weights, reduced), or auto: the cheapest valid one.
    samples, rel_error, time_limit
        When to stop: so many networks; the relative standard error of E M_d^order; seconds.
        Without any of them, 10,000 networks.
    seed
        From 0 to 2^64 - 1. The same seed gives the same bits for any threads, executor or store.
    covariance
        Also estimate Cov(M_i, M_j) for all pairs of layers.
    tilt
        For `law`: draw from the law weighted by M_d^tilt and weight back.
    threads, executor, window
        Threads of this process (default: one a core), or any `concurrent.futures.Executor` with
        how many shards to keep under way on it.
    store
        SQLite file that keeps the shards, so that a killed run resumes.
    progress
        Called with (networks so far, networks in all or None, seconds).
    shard_leaves
        How finely the work is cut, a power of two; the result does not depend on it, but with
        `rel_error`, which is looked at after 1, 2, 3, 4, 6, 8, 12, ... shards.
    gradients, readout
        Also go back through the networks of `direct` and average |delta_j|^{2k} and |dF/dW_j|_F^{2k}
        for F = v . a_d, the read-out v of independent entries of this law; a `GradientEstimate`.

    Raises
    ------
    SpecError
        One line saying what is wrong and what to write instead.
    simulate.running.Interrupted
        On Ctrl-C, with the estimate so far.

    Examples
    --------
    >>> from theory.network import FullyConnected
    >>> net = FullyConnected([10, 10, 10], weights="uniform")
    >>> found = simulate(net, samples=20_000, seed=1)
    >>> mean = found.layers[2].moments[0]
    >>> found.method, abs(mean.value - 1) < 5 * mean.standard_error
    ('direct', True)
    """
    _check_kinds(method, rel_error, time_limit, tilt, executor, store)
    check_seed(seed)
    check_whole(order, "the order", 1, _MAX_ORDER)
    limits = limits_of(samples, rel_error, time_limit)
    name = _gradients(method) if gradients else _named(network, method, order)
    particles = _particles(limits) if name == "splitting" else 0
    if tilt and name != "law":
        raise SpecError(f"--tilt belongs to --method law, not to {name}")
    if rel_error is not None and not network.has_finite_moments(2 * order):
        raise SpecError(
            f"E M^{2 * order} is infinite for these weights, so E M^{order} has no standard error to "
            "wait for; give --samples, or a smaller --order"
        )
    if covariance:
        _check_covariance(network, name, tilt)
    workers = cores() if threads is None else threads
    check_whole(workers, "the number of threads", 1, 1024)
    if window is not None:
        check_whole(window, "the window", 1, 2**20)
    if shard_leaves is not None:
        check_whole(shard_leaves, "the leaves of a shard", 1, 2**20)
        if shard_leaves & (shard_leaves - 1):
            raise SpecError(f"the leaves of a shard must be a power of two, not {shard_leaves:,}")
    if rel_error is not None and shard_leaves is None:
        # Small shards: the precision is looked at between them.
        shard_leaves = 1
    job = Job(network, name, seed, order, covariance, float(tilt), particles, as_law(readout).name)
    found: Estimate = run(
        job,
        limits,
        threads=workers,
        executor=executor,
        window=window,
        store=None if store is None else Path(store),
        progress=progress,
        leaves=shard_leaves,
    )
    return found


def _named(network: Network, method: str, order: int) -> str:
    return choose(network, order) if method == "auto" else method_named(method).name


def _gradients(method: str) -> str:
    """The method that goes back as well, which is `direct` on its way forward."""
    if method not in ("auto", "direct", "gradients"):
        raise SpecError(f"gradients need every weight, so --method direct, not {method}")
    return "gradients"


def _check_kinds(
    method: object, rel_error: object, time_limit: object, tilt: object, executor: object, store: object
) -> None:
    """Refuse arguments of the wrong kind in one line."""
    if not isinstance(method, str):
        raise SpecError(f"the method must be a name such as 'direct', not {method!r:.60}")
    for value, what in (
        (rel_error, "the relative error"),
        (time_limit, "the time limit"),
        (tilt, "the tilt"),
    ):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise SpecError(f"{what} must be a number, not {value!r:.60}")
    if executor is not None and not hasattr(executor, "submit"):
        raise SpecError(f"the executor must have submit(), as in concurrent.futures, not {executor!r:.60}")
    if store is not None and not isinstance(store, (str, Path)):
        raise SpecError(f"the store must be the path of a file, not {store!r:.60}")


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limits_of(samples: int | None, rel_error: float | None, time_limit: float | None) -> Limits:
    """When to stop, checked."""
    if samples is not None:
        check_samples(samples)
    for value, what in ((rel_error, "the relative error"), (time_limit, "the time limit")):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise SpecError(f"{what} must be a positive number, not {value}")
    if samples is None and rel_error is None and time_limit is None:
        samples = DEFAULT_SAMPLES
    return Limits(samples, rel_error, time_limit)


def _particles(limits: Limits) -> int:
    """Particles in one of the 20 runs of splitting."""
    if limits.samples is None or limits.relative_error is not None or limits.seconds is not None:
        raise SpecError("--method splitting runs a fixed number of particles; give --samples alone")
    if limits.samples % RUNS or limits.samples < 2 * RUNS:
        raise SpecError(
            f"--method splitting shares its samples among {RUNS} runs of at least 2 particles; give a "
            f"multiple of {RUNS} such as {max(2, round(limits.samples / RUNS)) * RUNS:,}, "
            f"not {limits.samples:,}"
        )
    return limits.samples // RUNS


def _check_covariance(network: Network, method: str, tilt: float) -> None:
    if method == "splitting" or tilt:
        raise SpecError("a covariance needs a plain average; drop --covariance or use --method direct")
    if network.depth > _MAX_COVARIANCE_DEPTH:
        raise SpecError(f"a covariance of all layers needs at most {_MAX_COVARIANCE_DEPTH:,} of them")
