"""`python -m benchmarks [--json]`: the timings that the project promises, each with its target.

Whole-process times start a fresh interpreter; the others are measured in this one. Each figure
is the best of three runs.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from flint import arb, ctx

import actlen as al
from theory.readings.exact import length_moments


@dataclass(frozen=True)
class Timing:
    """One measured figure in seconds, beside its target."""

    name: str
    seconds: float
    target: float


def best_of_three(action: Callable[[], object]) -> float:
    """The shortest of three wall-clock times."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def process(*words: str) -> Callable[[], object]:
    """A whole process, output thrown away."""
    command = [sys.executable, "-m", "actlen", *words]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def enclosed(network: al.FullyConnected) -> None:
    """E M_j and E M_j^2 of all layers in balls; refuse fewer than 30 guaranteed digits."""
    with ctx.workprec(170):
        rows = length_moments(network, 2, longest_bits=170)
        if not all(arb(row[1]).rel_accuracy_bits() > 100 for row in rows):
            raise SystemExit("fewer than 30 guaranteed digits")


def measure() -> list[Timing]:
    """All timings."""
    widths = random.Random(1).choices(range(1, 4097), k=1001)
    uniform = al.FullyConnected(widths, weights="uniform")
    fourth = al.FullyConnected(widths[:101], weights="uniform")
    sixth = al.FullyConnected(widths[:31], weights="uniform")
    deep = al.FullyConnected(
        random.Random(2).choices(range(1, 4097), k=100_001), weights="truncated_normal:2"
    )
    batch = np.random.default_rng(1).integers(1, 500, size=(100_000, 101))
    predict = ("predict", "--widths", "784,100x20,10", "--init", "he_normal")
    cases: list[tuple[str, float, Callable[[], object]]] = [
        ("actlen --help, whole process", 0.3, process("--help")),
        ("actlen predict 784,100x20,10, whole process", 1.0, process(*predict)),
        ("exact order 2, 1,000 layers, uniform", 0.5, lambda: length_moments(uniform, 2)),
        ("predict, 1,000 layers, uniform", 1.0, lambda: al.predict(uniform)),
        ("exact order 4, 100 layers, uniform", 2.0, lambda: length_moments(fourth, 4)),
        ("exact order 6, 30 layers, uniform", 10.0, lambda: length_moments(sixth, 6)),
        ("enclosed order 2 to 30 digits, 100,000 layers", 5.0, lambda: enclosed(deep)),
        ("actlen derive --order 4, whole process", 2.0, process("derive", "--order", "4")),
        ("floating, 100,000 nets of depth 100", 2.0, lambda: al.batch_length_moments(batch)),
        (
            "log domain, 100,000 nets of depth 100",
            4.0,
            lambda: al.batch_length_moments(batch, logarithmic=True),
        ),
    ]
    return [Timing(name, best_of_three(action), target) for name, target, action in cases]


def main() -> None:
    """Print the table, or JSON; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="Timings against their targets.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    timings = measure()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if arguments.json:
        print(json.dumps({"timings": [asdict(t) for t in timings], "peak_gib": peak}))
    else:
        for timing in timings:
            print(f"{timing.name:48}{timing.seconds:8.3f} s   target {timing.target} s")
        print(f"{'peak memory of this process':48}{peak:8.3f} GiB target 1 GiB")
    sys.exit(any(t.seconds > t.target for t in timings) or peak > 1)


if __name__ == "__main__":
    main()
