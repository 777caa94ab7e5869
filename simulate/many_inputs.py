"""Many inputs under the same weights: their lengths network by network.

The networks are those of `simulate.lengths` with the same seed. Streams are found by number, so every input
draws the same weights again; nothing of width by width is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.arguments import check_samples, check_seed
from simulate.job import Job
from simulate.methods.direct import Direct, activations
from theory.errors import SpecError
from theory.spec import Network

__all__ = ["JointLengths", "cosines", "joint_lengths"]

Floats = NDArray[np.float64]
_MOST_NUMBERS = 10**8


@dataclass(frozen=True)
class JointLengths:
    """log(M_d(x_i)/M_0(x_i)) of every network and input, shape (networks, inputs); -inf where it is dead."""

    log_ratios: Floats
    seed: int

    def exceedances(self, factor: float) -> NDArray[np.int64]:
        """How many inputs grow beyond factor * M_0, network by network."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.sum(self.log_ratios > np.log(factor), axis=1), np.int64)

    @property
    def largest(self) -> Floats:
        """log of the largest ratio of each network."""
        return np.asarray(np.max(self.log_ratios, axis=1))

    @property
    def smallest(self) -> Floats:
        """log of the smallest ratio of each network, -inf where an input is dead."""
        return np.asarray(np.min(self.log_ratios, axis=1))


def joint_lengths(
    network: Network,
    inputs: ArrayLike,
    samples: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> JointLengths:
    """Send the rows of `inputs`, shape (inputs, n_0), through the same `samples` networks.

    Raises `SpecError` for inputs of another width, or of length 0, which has no ratio.

    >>> from theory.network import FullyConnected
    >>> found = joint_lengths(FullyConnected([2, 4, 3]), [[1, 2], [2, 4]], samples=5)
    >>> found.log_ratios.shape, bool(np.allclose(found.largest, found.smallest))      # one is twice the other
    ((5, 2), True)
    """
    check_samples(samples)
    check_seed(seed)
    rows = _rows(inputs, network.widths[0])
    if samples * len(rows) > _MOST_NUMBERS:
        raise SpecError(f"more than {_MOST_NUMBERS:,} lengths; take fewer networks or inputs")
    ratios = np.empty((samples, len(rows)))
    for i, row in enumerate(rows):
        ratios[:, i] = _log_ratios(network.replaced(input=row), samples, seed)
        if progress is not None:
            progress(i + 1, len(rows))
    return JointLengths(ratios, seed)


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
    tables = []
    for left, right in zip(*blocks, strict=True):
        tables.append(np.stack([_cosine(a, b) for a, b in zip(left, right, strict=True)], axis=1))
    return np.concatenate(tables)


def _cosine(a: Floats, b: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        inner = np.sum(a * b, axis=1)
        result: Floats = inner / np.sqrt(np.sum(a * a, axis=1) * np.sum(b * b, axis=1))
    return result


def _log_ratios(network: Network, samples: int, seed: int) -> Floats:
    job, method = Job(network, "direct", seed, 1), Direct()
    method.check(job)
    logs = method.lengths(job, 0, samples).logs()
    return np.asarray(logs[-1] - logs[0])


def _rows(inputs: ArrayLike, width: int) -> Sequence[Iterable[float]]:
    table = np.asarray(inputs)
    if table.ndim != 2 or table.dtype.kind not in "iufb" or len(table) == 0:
        raise SpecError("inputs are a table of numbers, one row an input")
    if table.shape[1] != width:
        raise SpecError(f"the inputs have {table.shape[1]} coordinates, but n_0 = {width}")
    numbers = table.astype(np.float64)
    if not np.all(np.isfinite(numbers)):
        raise SpecError("the inputs must be finite numbers")
    silent = np.flatnonzero(~np.any(numbers, axis=1))
    if len(silent):
        raise SpecError(f"input {silent[0] + 1} is zero, so that its length has no ratio; leave it out")
    rows: list[list[float]] = numbers.tolist()
    return rows
