"""Many inputs under the same weights: their lengths network by network.

The networks are those of `simulate.lengths` with the same seed. Streams are found by number, so every input
draws the same weights again; nothing of width by width is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.arguments import check_samples, check_seed, check_whole
from simulate.job import Job
from simulate.joint_result import JointLengths
from simulate.methods.direct import activations
from simulate.running import Progress, run
from simulate.simulation import cores, limits_of
from theory.errors import SpecError
from theory.spec import Network

__all__ = ["DEFAULT_NETWORKS", "cosines", "joint_lengths"]

Floats = NDArray[np.float64]
DEFAULT_NETWORKS = 1_000
_MOST_NUMBERS = 10**8


def joint_lengths(
    network: Network,
    inputs: ArrayLike,
    samples: int | None = None,
    seed: int = 0,
    *,
    time_limit: float | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    window: int | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> JointLengths:
    """Send the rows of `inputs`, shape (inputs, n_0), through the same networks.

    Parameters
    ----------
    samples, time_limit
        When to stop: so many networks, seconds; 1,000 networks without either.
    threads, executor, window, store, progress
        As in `simulate`: the same bits for any of them, and a killed run resumes from its store.

    Raises
    ------
    SpecError
        For inputs of another width, or of length 0, which has no ratio.
    simulate.running.Interrupted
        On Ctrl-C, with the networks so far.

    Examples
    --------
    >>> from theory.network import FullyConnected
    >>> found = joint_lengths(FullyConnected([2, 4, 3]), [[1, 2], [2, 4]], samples=5)
    >>> found.log_ratios.shape, bool(np.allclose(found.largest, found.smallest))      # one is twice the other
    ((5, 2), True)
    """
    check_seed(seed)
    rows = _rows(inputs, network.widths[0])
    most = _MOST_NUMBERS // len(rows)
    if samples is None:
        samples = min(DEFAULT_NETWORKS, most) if time_limit is None else most
    limits = limits_of(samples, None, time_limit)
    if samples > most:
        raise SpecError(f"more than {_MOST_NUMBERS:,} lengths; take fewer networks or inputs")
    workers = cores() if threads is None else threads
    check_whole(workers, "the number of threads", 1, 1024)
    found: JointLengths = run(
        Job(network.replaced(input=None), "joint", seed, 1, inputs=rows),
        limits,
        threads=workers,
        executor=executor,
        window=window,
        store=None if store is None else Path(store),
        progress=progress,
    )
    return found


def cosines(network: Network, x: Iterable[float], y: Iterable[float], samples: int, seed: int = 0) -> Floats:
    """Cosines of the angles of a_j(x) and a_j(y) under the same weights, shape (samples, d + 1).

    nan where one of the two is dead.

    >>> from theory.network import FullyConnected
    >>> found = cosines(FullyConnected([2, 9]), [1, 0], [2, 0], samples=3)      # parallel, hence for ever
    >>> found.shape, bool(np.allclose(found, 1, atol=1e-6))
    ((3, 2), True)
    """
    check_samples(samples)
    check_seed(seed)
    blocks = (activations(network.replaced(input=list(row)), samples, seed) for row in (x, y))
    return np.concatenate([np.stack(list(map(_cosine, *pair)), axis=1) for pair in zip(*blocks, strict=True)])


def _cosine(a: Floats, b: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        inner = np.sum(a * b, axis=1)
        result: Floats = inner / np.sqrt(np.sum(a * a, axis=1) * np.sum(b * b, axis=1))
    return result


def _rows(inputs: ArrayLike, width: int) -> tuple[tuple[float, ...], ...]:
    table = np.asarray(inputs)
    if table.ndim != 2 or table.dtype.kind not in "iufb" or len(table) == 0:
        raise SpecError("inputs are a table of numbers, one row an input, such as [[1, 2], [3, -1]]")
    if table.shape[1] != width:
        raise SpecError(
            f"the inputs have {table.shape[1]} coordinates, but n_0 = {width}; give {width} numbers a row"
        )
    with np.errstate(over="ignore"):
        numbers = table.astype(np.float64)
    wild = np.flatnonzero(~np.all(np.isfinite(numbers), axis=1))
    if len(wild):
        raise SpecError(f"input {wild[0] + 1} holds a number that is not finite; mend it or leave it out")
    silent = np.flatnonzero(~np.any(numbers, axis=1))
    if len(silent):
        raise SpecError(f"input {silent[0] + 1} is zero, so that its length has no ratio; leave it out")
    return tuple(map(tuple, numbers.tolist()))
