"""`conditional` (reduced): normal weights, n_j draws a layer given the length before.

Given a_{j-1}, the pre-activations are independent normal with variance
fan_in * (entry variance) * M_{j-1} + (bias variance). The method uses that identity, so it is no
evidence for it; in return it takes any activation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from flint import arb
from numpy.typing import NDArray

from simulate.job import Job
from simulate.methods.averaging import Averaging
from simulate.methods.method import NETWORK_WORK
from simulate.networks import fully_connected
from simulate.plan import input_log_length, log_of
from simulate.population import Purpose
from simulate.scaled import Lengths
from theory.activations import Activation, SmoothActivation
from theory.errors import SpecError
from theory.laws import Normal
from theory.network import FullyConnected, Layer
from theory.reals import as_float

__all__ = ["Conditional", "generator"]

Floats: TypeAlias = NDArray[np.float64]


def _normal_cdf(z: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _logistic(z: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(z / 2))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848
# As in torch.nn: exact gelu, elu and selu with their usual constants.
_SMOOTH: dict[str, Callable[[Floats], Floats]] = {
    "tanh": np.tanh,
    "gelu": lambda z: z * _normal_cdf(z),
    "silu": lambda z: z * _logistic(z),
    "selu": lambda z: _SELU_SCALE * (np.maximum(z, 0) + _SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    "elu": lambda z: np.maximum(z, 0) + np.expm1(np.minimum(z, 0)),
    "softplus": lambda z: np.logaddexp(0.0, z),
    "sigmoid": lambda z: _logistic(z),
}
_ROWS = 2**18


class Conditional(Averaging):
    """One normal number a neuron instead of one a weight."""

    name = "conditional"
    reduced = True

    def check(self, job: Job) -> None:
        only_normal(fully_connected(job.network, self.name), self.name)

    def work(self, job: Job) -> float:
        return 40.0 * sum(job.network.widths[1:]) + NETWORK_WORK

    def lengths(self, job: Job, first: int, count: int) -> Lengths:
        network = fully_connected(job.network, self.name)
        random = generator(job.seed, Purpose.CONDITIONAL, first)
        logs = [np.full(count, input_log_length(network))]
        for layer in network.layers:
            logs.append(_layer(layer, logs[-1], random))
        return Lengths.from_logs(np.stack(logs))


def generator(seed: int, purpose: int, first: int) -> np.random.Generator:
    """NumPy's Philox4x64-10 with the seed as key, a stream of its own for each leaf."""
    key = np.array([seed, purpose], np.uint64)
    counter = np.array([0, 0, first, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def only_normal(network: FullyConnected, method: str) -> None:
    """Refuse weights or biases that are not normal, or matrices that are no i.i.d. ones."""
    laws = (*network.weights, *network.bias_laws_in_use)
    other = next((law for law in laws if not isinstance(law, Normal)), None)
    if other is not None:
        raise SpecError(
            f"--method {method} needs normal weights and biases, not {other.name}; use --method direct"
        )


def _layer(layer: Layer, before: Floats, random: np.random.Generator) -> Floats:
    """log M_j from log M_{j-1}, in slices that fit the cache."""
    log_variance = np.logaddexp(before + log_of(arb(layer.effective_gain)), log_of(arb(layer.bias_variance)))
    after = np.empty_like(before)
    step = max(1, _ROWS // layer.width)
    for start in range(0, len(before), step):
        part = slice(start, start + step)
        draws = random.standard_normal((len(after[part]), layer.width))
        after[part] = _log_length(layer.activation, draws, log_variance[part])
    return after


def _log_length(activation: Activation, draws: Floats, log_variance: Floats) -> Floats:
    """log of the mean of phi(sigma x)^2 over each row, without overflow."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        if isinstance(activation, SmoothActivation):
            deviation = np.exp(np.clip(log_variance, -1400, 1400) / 2)
            size = np.maximum(deviation, 1.0)
            outputs = _SMOOTH[activation.kind](deviation[:, None] * draws) / size[:, None]
            return np.asarray(np.log(np.mean(np.square(outputs), axis=1)) + 2 * np.log(size))
        plus, minus = map(as_float, activation.slopes)
        outputs = np.where(draws > 0, plus * draws, minus * draws)
        return np.asarray(np.log(np.mean(np.square(outputs), axis=1)) + log_variance)
