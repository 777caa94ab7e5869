"""`gradients`: backpropagation through the networks of `direct`, with the weights drawn once more.

Squared norms of delta_j, the gradient of F = v . a_d at the pre-activation z_j, and of dF/dW_j, for any
law of the weights and any symmetric read-out. Twice the work of `direct`; a few bytes a neuron and
some hundred a layer are kept for each network on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.arguments import check_samples, check_seed
from simulate.backpropagation import Tape, Vectors, layer_steps
from simulate.estimates import estimate_of_summary
from simulate.gradient_result import GradientEstimate
from simulate.gradient_summary import GradientSummary
from simulate.job import Job
from simulate.kernels.streams import LANES
from simulate.law_plan import LawPlan, law_plan
from simulate.methods.direct import Direct, cached_plan, rows_in_cache
from simulate.methods.method import Method
from simulate.plan import Plan, plan
from simulate.population import Population, Purpose
from simulate.scaled import Lengths, shifted
from theory.errors import SpecError
from theory.laws import Law, LawLike, as_law
from theory.network import FullyConnected
from theory.rationals import RationalLike

__all__ = ["GradientNorms", "Gradients", "gradient_lengths", "jacobian_lengths"]

Floats = NDArray[np.float64]

_BYTES = 2**26
_DIRECT = Direct()


@dataclass(frozen=True)
class GradientNorms:
    """Of simulated networks: `lengths` M_0, ..., M_d, shape (samples, d + 1), as in `lengths`.

    `deltas` |delta_j|^2 and `weights` |dF/dW_j|_F^2 for j = 1, ..., d, shape (samples, d).
    """

    lengths: Floats
    deltas: Floats
    weights: Floats


class Gradients(Method):
    """Plain averages of M_j^k, |delta_j|^{2k} and |dF/dW_j|_F^{2k} over independent networks."""

    name = "gradients"
    reduced = False
    record = GradientSummary

    def check(self, job: Job) -> None:
        _check(job.network)
        _check_readout(as_law(job.readout), job.order)
        if job.covariance:
            raise SpecError("a covariance is estimated without gradients; drop one of the two")
        _DIRECT.check(job)

    def work(self, job: Job) -> float:
        return 2 * _DIRECT.work(job)

    def leaf_size(self, job: Job) -> int:
        return max(1, _DIRECT.leaf_size(job) // 2)

    def leaf(self, job: Job, first: int, count: int) -> GradientSummary:
        layers, readout = cached_plan(job.network), law_plan(as_law(job.readout))
        return GradientSummary.of(*_tables(layers, readout, job.seed, first, count), job.order)

    def estimate(self, job: Job, record: GradientSummary, seconds: float) -> GradientEstimate:
        parts = (record.lengths, record.deltas, record.weights)
        return GradientEstimate.of(
            job.readout, *(estimate_of_summary(job, self.reduced, part, seconds) for part in parts)
        )


def gradient_lengths(
    network: FullyConnected, samples: int, seed: int, readout: LawLike = "normal"
) -> GradientNorms:
    """Squared norms of the gradients of every simulated network; small ones may round to 0.

    The networks are those of `lengths` with the same seed. Raises `SpecError` for a net with biases.

    >>> found = gradient_lengths(FullyConnected([3, 4, 2]), 5, seed=0)
    >>> found.deltas.shape, found.weights.shape, found.lengths.shape
    ((5, 2), (5, 2), (5, 3))
    """
    _check_request(network, samples, seed)
    found = _tables(plan(network), law_plan(as_law(readout)), seed, 0, samples)
    return GradientNorms(*(shifted(table.fraction, table.exponent).T for table in found))


def jacobian_lengths(
    network: FullyConnected, direction: Iterable[RationalLike], samples: int, seed: int
) -> Floats:
    """|J_j u|^2, j = 1, ..., d, shape (samples, d), for the direction u: n_0 numbers, read exactly.

    J_j is the Jacobian of a_j in the input; the networks are those of `lengths` with the same seed.

    >>> jacobian_lengths(FullyConnected([3, 4, 2], activation="linear"), [1, 0, 2], 5, seed=0).shape
    (5, 2)
    """
    _check_request(network, samples, seed)
    layers, along = plan(network), plan(network.replaced(input=direction))
    tables = []
    for first, count in _chunks(layers, 0, samples):
        start = Vectors.of(Population(along, seed, Purpose.DIRECT, first, count))
        found = Tape(layers, seed, first, count).directions(start)
        tables.append(_stacked([vectors.lengths for vectors in found]))
    squared = _squared_norms(_joined(tables), np.array(network.widths[1:]))
    return shifted(squared.fraction, squared.exponent).T


def _check_request(network: FullyConnected, samples: int, seed: int) -> None:
    check_samples(samples)
    check_seed(seed)
    _check(network)


def _check(network: object) -> None:
    if not isinstance(network, FullyConnected):
        kind = type(network).__name__
        raise SpecError(f"gradients are simulated for fully connected nets, not for {kind:.40}")
    if not all(law.independent for law in network.weights):
        raise SpecError("gradients are simulated for independent weights; take normal ones, not orthogonal")
    if network.has_bias:
        raise SpecError("gradients are simulated for nets without biases; set bias_variance=0")


def _check_readout(readout: Law, order: int) -> None:
    """Refuse a read-out that leaves the averages without standard errors."""
    if not readout.has_moment(2 * order):
        raise SpecError(
            f"the read-out law {readout.name} has no moment of order {4 * order}, which the standard errors "
            f"of order {order} need; take a normal or uniform one"
        )


def _tables(
    layers: Plan, readout: LawPlan, seed: int, first: int, count: int
) -> tuple[Lengths, Lengths, Lengths]:
    """M_0, ..., M_d, then |delta_j|^2 and |dF/dW_j|_F^2 for j = 1, ..., d; networks along the last axis."""
    forward, backward = [], []
    for start, rows in _chunks(layers, first, count):
        tape = Tape(layers, seed, start, rows)
        forward.append(_stacked(tape.lengths))
        backward.append(_stacked([delta.lengths for delta in tape.deltas(readout)][::-1]))
    lengths, widths = (
        _joined(forward),
        np.array([layers.layout.width, *(layer.width for layer in layer_steps(layers))]),
    )
    deltas = _squared_norms(_joined(backward), widths[1:])
    below = _squared_norms(Lengths(lengths.fraction[:-1], lengths.exponent[:-1]), widths[:-1])
    # dF/dW_j = delta_j a_{j-1}^T.
    weights = _normalised(deltas.fraction * below.fraction, deltas.exponent + below.exponent)
    return lengths, deltas, weights


def _squared_norms(lengths: Lengths, widths: NDArray[np.int64]) -> Lengths:
    return _normalised(lengths.fraction * widths[:, None], lengths.exponent)


def _normalised(fraction: Floats, exponent: NDArray[np.int64]) -> Lengths:
    """fraction 2^exponent with the fraction in [1/2, 1), or 0."""
    fraction, shift = np.frexp(fraction)
    return Lengths(fraction, exponent + shift)


def _chunks(layers: Plan, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Networks that go together: few enough for the cache and for what they leave behind."""
    # Of each layer the signs, one byte each, and the streams, four words a lane.
    kept = sum(layer.width + 16 * LANES for layer in layer_steps(layers))
    step = max(1, min(rows_in_cache(layers), _BYTES // kept))
    for start in range(first, first + count, step):
        yield start, min(step, first + count - start)


def _stacked(rows: list[Lengths]) -> Lengths:
    return Lengths(np.stack([row.fraction for row in rows]), np.stack([row.exponent for row in rows]))


def _joined(tables: list[Lengths]) -> Lengths:
    """Networks of all chunks."""
    return Lengths(
        np.concatenate([table.fraction for table in tables], axis=1),
        np.concatenate([table.exponent for table in tables], axis=1),
    )
