"""`python -m benchmarks.kinds [--seconds S]`: residual and convolutional nets against tuned peers."""

from __future__ import annotations

import argparse
from concurrent.futures import Executor, ThreadPoolExecutor

from benchmarks.peers.contest import THREADS, Contestant
from benchmarks.racing import OURS, best_peer, heat, ours
from theory import Convolutional, Residual

__all__ = ["race_of_kinds"]


def race_of_kinds(pool: Executor, seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """Best weights per second: kind, network, contestant."""
    from benchmarks.peers import convolutional_nets, residual_nets
    from benchmarks.peers.convolutional_nets import ConvolutionalShape
    from benchmarks.peers.residual_nets import ResidualShape

    def residual(shape: ResidualShape, output: str) -> Residual:
        scales = f"{shape.scale}x{shape.blocks}"
        return Residual(shape.width, scales, [shape.width], branch_output=output)

    def convolutional(shape: ConvolutionalShape, _: str) -> Convolutional:
        positions = shape.side, shape.side
        values = [str(x) for x in shape.input().ravel()]
        return Convolutional(
            [shape.channels] * (shape.depth + 1), kernel=3, positions=positions, input=values
        )

    blocks, image = ResidualShape(64, 50, 0.1), ConvolutionalShape(16, 32, 10)
    field = [
        Contestant(OURS, lambda shape, output: ours(residual(shape, output), pool)),
        *residual_nets.contestants(pool),
    ]
    found = {f"64x50 {output}": heat(field, blocks, output, seconds) for output in ("relu", "linear")}
    field = [
        Contestant(OURS, lambda shape, _: ours(convolutional(shape, _), pool)),
        *convolutional_nets.contestants(pool),
    ]
    name = "16x32x32 kernel 3 x10"
    return {"residual": found, "convolutional": {name: heat(field, image, "circular", seconds)}}


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description="Residual and convolutional nets against peers.")
    parser.add_argument("--seconds", type=float, default=5.0, help="per contestant and network")
    seconds = parser.parse_args().seconds
    with ThreadPoolExecutor(THREADS) as pool:
        for kind, networks in race_of_kinds(pool, seconds).items():
            for name, rates in networks.items():
                shown = "".join(f"{peer:>12}{rate / 1e9:8.4f}" for peer, rate in rates.items())
                print(f"{kind:14}{name:24}{shown}   ratio {rates[OURS] / best_peer(rates):.2f}")


if __name__ == "__main__":
    main()
