"""The loop that people write: an nn.Sequential, initialised anew for every network, one forward pass.

Tuned only in ways that keep it that loop: the modules are built once, gradients are off, and torch has
all threads. `nn.init` has no Rademacher and no Laplace law; the usual one-liners stand in.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.peers.contest import CUT, THREADS, Contestant, Run, Shape

__all__ = ["contestant"]


def contestant() -> Contestant:
    """The contestant."""
    return Contestant("torch modules", _prepare)


def _prepare(shape: Shape, law: str) -> Run:
    torch.set_num_threads(THREADS)
    linear = [nn.Linear(shape.width, shape.width, bias=False) for _ in range(shape.depth)]
    net = nn.Sequential(*(module for layer in linear for module in (layer, nn.ReLU())))
    initialise, deviation = _LAWS[law], math.sqrt(2 / shape.width)
    ones = torch.ones(shape.width)

    @torch.inference_mode()
    def lengths() -> Tensor:
        for layer in linear:
            initialise(layer.weight, deviation)
        found, a = [], ones
        for module in net:
            a = module(a)
            if isinstance(module, nn.ReLU):
                found.append(a.square().mean())
        return torch.stack(found)

    lengths()

    def run(seconds: float) -> float:
        torch.set_num_threads(THREADS)
        start, networks = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            lengths()
            networks += 1
        return networks * shape.weights / passed

    return run


def _uniform(weight: Tensor, deviation: float) -> None:
    nn.init.kaiming_uniform_(weight, nonlinearity="relu")


def _normal(weight: Tensor, deviation: float) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _rademacher(weight: Tensor, deviation: float) -> None:
    weight.bernoulli_(0.5).mul_(2 * deviation).sub_(deviation)


def _laplace(weight: Tensor, deviation: float) -> None:
    law = torch.distributions.Laplace(0.0, deviation / math.sqrt(2))
    weight.copy_(law.sample(weight.shape))


def _truncated_normal(weight: Tensor, deviation: float) -> None:
    nn.init.trunc_normal_(weight, std=deviation, a=-CUT * deviation, b=CUT * deviation)


_LAWS: dict[str, Callable[[Tensor, float], None]] = {
    "uniform": _uniform,
    "normal": _normal,
    "rademacher": _rademacher,
    "laplace": _laplace,
    "truncated_normal": _truncated_normal,
}
