"""`python -m benchmarks.throughput [--json] [--seconds S]`: weights per second against tuned peers.

Every contestant takes batches of networks, each with its own explicit weight matrices, through all
layers and returns every length M_j, on the same two cores in the same run. They take turns, ROUNDS
rounds; the figure is each one's best turn, because other work on the machine can only slow one
down. S is the time of a contestant on one network and law, all rounds together. The peers are in
`benchmarks.peers`, one file each; their docstrings say how each was tuned.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from benchmarks.kinds import race_of_kinds
from benchmarks.peers.contest import CUT, THREADS, Contestant, Run, Shape, Worker, in_threads
from benchmarks.racing import OURS, ROUNDS, best_peer, heat, ours
from simulate.kernels.streams import LANES, fill_states, fill_words
from simulate.population import Purpose
from simulate.simulation import simulate
from theory import FullyConnected, length_moments
from theory.reals import as_float

TARGETS = {"uniform": 12.0, "normal": 20.0, "rademacher": 5.0, "laplace": 8.0, "truncated_normal": 8.0}
SHAPES = (Shape(64, 20), Shape(256, 20), Shape(1024, 10))
KEPT_TARGET = 0.6
LAW_TARGET = 1000.0
KIND_TARGETS = {"residual": 8.0, "convolutional": 8.0}
HAND_MADE = "numpy raw"

Rates = dict[str, dict[str, dict[str, float]]]


def main() -> None:
    """Print the table or the JSON object; exit 1 when a target is missed, 2 when a peer is not installed."""
    parser = argparse.ArgumentParser(description="Weights per second against NumPy, torch and JAX.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.75, help="per contestant, network and law")
    arguments = parser.parse_args()
    if any(find_spec(name) is None for name in ("torch", "jax")):
        print("pip install 'actlen[bench]'")
        sys.exit(2)
    _same_cores()
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        rates = race(contestants(pool), arguments.seconds)
        kinds = race_of_kinds(pool, arguments.seconds)
        kept = kept_of_generator(pool, arguments.seconds)
    law = law_speedup(peer_seconds(best_peer(rates["256x20"]["normal"])))
    report = Report(rates, kinds, kept, law, time.perf_counter() - start)
    print(json.dumps(report.to_dict()) if arguments.json else report)
    sys.exit(not report.met())


def _same_cores() -> None:
    """As many cores as threads for all contestants, and one thread for a BLAS call.

    OpenBLAS reads its setting when it is loaded, so this process starts itself anew.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    settings = {"OPENBLAS_NUM_THREADS": "1", "NPROC": str(THREADS)}
    if any(os.environ.get(name) != value for name, value in settings.items()):
        command = [sys.executable, "-m", "benchmarks.throughput", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | settings)


def contestants(pool: Executor) -> list[Contestant]:
    """Ours, then the peers."""
    from benchmarks.peers import jax_jitted, numpy_raw, numpy_sfc64, torch_batched, torch_modules

    return [
        Contestant(OURS, lambda shape, law: _prepared(shape, law, pool)),
        numpy_sfc64.contestant(pool),
        numpy_raw.contestant(pool),
        torch_batched.contestant(pool),
        jax_jitted.contestant(pool),
        torch_modules.contestant(),
    ]


def _prepared(shape: Shape, law: str, pool: Executor) -> Run:
    weights = f"truncated_normal:{CUT:g}" if law == "truncated_normal" else law
    network = FullyConnected([shape.width] * (shape.depth + 1), weights=weights)
    return ours(network, pool)


def race(field: list[Contestant], seconds: float) -> Rates:
    """Best weights per second: network, law, contestant."""
    return {str(shape): {law: heat(field, shape, law, seconds) for law in TARGETS} for shape in SHAPES}


def kept_of_generator(pool: Executor, seconds: float) -> float:
    """Time of the generator for the words of uniform networks of 256x20 over that of the networks.

    A word serves two uniform weights.
    """
    fused = _prepared(Shape(256, 20), "uniform", pool)
    alone = in_threads(_words, pool)
    turns = [(fused(seconds / ROUNDS), alone(seconds / ROUNDS)) for _ in range(ROUNDS)]
    return max(turn[0] for turn in turns) / (2 * max(turn[1] for turn in turns))


def _words(thread: int) -> Worker:
    """The generator alone, into a buffer that stays in the cache."""
    states, words = np.empty((16, 4 * LANES), np.uint32), np.empty((16, 2**11), np.uint32)
    fill_states(np.uint64(0), np.uint64(Purpose.DIRECT), np.uint64(thread), states)

    def worker() -> int:
        fill_words(states, words)
        return words.size

    return worker


def peer_seconds(rate: float) -> float:
    """Time of a peer at this rate to know E M_d^2 of normal 256x20 to a standard error of 1 %."""
    moments = length_moments(FullyConnected([256] * 21), 4)[-1]
    second, fourth = as_float(moments[1]), as_float(moments[3])
    networks = (fourth / second**2 - 1) / 1e-4
    return networks * Shape(256, 20).weights / rate


def law_speedup(peer: float) -> float:
    """How many times sooner the method `law` has E M_d^2 of normal 256x20 to 1 % than the best peer.

    `peer` is what `peer_seconds` says of the best peer, which knows in advance how many networks it
    needs; `law`, with a tilt half way to the second moment, finds out by its own standard error.
    """
    network = FullyConnected([256] * 21)
    simulate(network, method="law", samples=4096, tilt=1.0, threads=THREADS)
    times = [
        simulate(network, method="law", rel_error=0.01, tilt=1.0, seed=seed, threads=THREADS).seconds
        for seed in range(ROUNDS)
    ]
    return peer / float(np.median(times))


@dataclass(frozen=True)
class Report:
    """All rates, and what the targets are about."""

    rates: Rates
    kinds: Rates
    kept: float
    law: float
    seconds: float

    def ratios(self, law: str, but: str = "") -> dict[str, float]:
        """Our rate over the best peer's, network by network."""
        return {name: laws[law][OURS] / best_peer(laws[law], but) for name, laws in self.rates.items()}

    def headline(self, law: str) -> float:
        """The smallest of the ratios."""
        return min(self.ratios(law).values())

    def ratio_of_kind(self, kind: str) -> float:
        """The smallest ratio on residual or on convolutional nets."""
        return min(rates[OURS] / best_peer(rates) for rates in self.kinds[kind].values())

    def to_dict(self) -> dict[str, object]:
        """For JSON; rates in weights per second."""
        peer = peer_seconds(best_peer(self.rates["256x20"]["normal"]))
        every = {law: self.ratios(law) for law in TARGETS}
        kinds = {kind: self.ratio_of_kind(kind) for kind in KIND_TARGETS}
        return {
            "networks": self.rates,
            "kinds": self.kinds,
            "ratios": {law: self.headline(law) for law in TARGETS} | kinds,
            "kept_of_generator": self.kept,
            "law_speedup": self.law,
            "all_ratios": every,
            "ratios_without_hand_made_numpy": {
                law: min(self.ratios(law, HAND_MADE).values()) for law in TARGETS
            },
            "geometric_means": {law: geometric_mean(list(found.values())) for law, found in every.items()},
            "peer_seconds_to_one_percent": peer,
            "targets": TARGETS | KIND_TARGETS | {"kept_of_generator": KEPT_TARGET, "law_speedup": LAW_TARGET},
            "threads": THREADS,
            "seconds": self.seconds,
        }

    def met(self) -> bool:
        """Whether every target is met."""
        others = self.kept >= KEPT_TARGET and self.law >= LAW_TARGET
        kinds = all(self.ratio_of_kind(kind) >= goal for kind, goal in KIND_TARGETS.items())
        return others and kinds and all(self.headline(law) >= goal for law, goal in TARGETS.items())

    def __str__(self) -> str:
        names = list(self.rates["256x20"]["normal"])
        lines = [f"{'10^9 weights/s':24}" + "".join(f"{name:>15}" for name in names) + f"{'ratio':>8}"]
        for network, laws in self.rates.items():
            for law, rates in laws.items():
                row = "".join(f"{rates[name] / 1e9:15.4f}" for name in names)
                lines.append(f"{network:8}{law:16}{row}{self.ratios(law)[network]:8.1f}")
        for law, goal in TARGETS.items():
            library = min(self.ratios(law, HAND_MADE).values())
            line = f"{law:24}smallest ratio {self.headline(law):5.1f}   target {goal:<4g}"
            lines.append(f"{line}   without {HAND_MADE}: {library:.1f}")
        for kind, goal in KIND_TARGETS.items():
            for name, found in self.kinds[kind].items():
                shown = "".join(f"{peer:>12}{rate / 1e9:8.4f}" for peer, rate in found.items())
                lines.append(f"{name:24}{shown}")
            lines.append(f"{kind:24}smallest ratio {self.ratio_of_kind(kind):5.1f}   target {goal:<4g}")
        lines.append(f"{'kept of the generator':24}{self.kept:20.2f}   target {KEPT_TARGET:g}")
        lines.append(f"{'law to 1 %, times sooner':24}{self.law:20.0f}   target {LAW_TARGET:g}")
        return "\n".join(lines)


def geometric_mean(values: list[float]) -> float:
    """The mean of ratios."""
    return float(np.exp(np.mean(np.log(values))))


if __name__ == "__main__":
    main()
