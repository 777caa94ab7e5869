"""What every contestant is given and must do.

A contestant takes batches of independent critical ReLU networks through all layers and returns the
lengths M_1, ..., M_d of each; every network and layer has its own explicit weight matrix. Raw
weights may be on any scale: it is folded into the activations. Each contestant works in THREADS
Python threads, each with its own generator.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

__all__ = [
    "ABOVE",
    "CUT",
    "CUT_VARIANCE",
    "THREADS",
    "UNIFORM_BITS",
    "Contestant",
    "Run",
    "Shape",
    "Worker",
    "critical_scale",
    "in_threads",
]

THREADS = 2
# Our uniform weights have 2^16 values; a peer that picks its bits may do with as many.
UNIFORM_BITS = 16
CUT = 2.0
CUT_VARIANCE = 1 - CUT * math.exp(-CUT * CUT / 2) * math.sqrt(2 / math.pi) / math.erf(CUT / math.sqrt(2))
ABOVE = 21.48757  # just above 31 log 2: an exponential number -log(2^-31 |word|) stays positive

Worker: TypeAlias = Callable[[], int]
Run: TypeAlias = Callable[[float], float]


@dataclass(frozen=True)
class Shape:
    """`depth` layers of `width` neurons each; the input has the same width and is all ones."""

    width: int
    depth: int

    def __str__(self) -> str:
        return f"{self.width}x{self.depth}"

    @property
    def weights(self) -> int:
        """How many weights one network has."""
        return self.width**2 * self.depth


@dataclass(frozen=True)
class Contestant:
    """prepare(shape, law) compiles, allocates and warms up; run(seconds) then tells weights a second."""

    name: str
    prepare: Callable[[Any, str], Run]


def in_threads(make: Callable[[int], Worker], pool: Executor) -> Run:
    """A run of THREADS workers, one a thread; worker() goes through a batch and counts its weights."""
    workers = list(pool.map(make, range(THREADS)))
    list(pool.map(_once, workers))

    def run(seconds: float) -> float:
        return sum(pool.map(partial(_rate, seconds), workers))

    return run


def critical_scale(width: int, raw_variance: float) -> float:
    """What turns sums over raw weights into pre-activations of gain 2."""
    return math.sqrt(2 / (width * raw_variance))


def _once(worker: Worker) -> int:
    return worker()


def _rate(seconds: float, worker: Worker) -> float:
    start, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds:
        done += worker()
    return done / passed
