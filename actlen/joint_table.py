"""Many inputs under the same weights: what a simulation of them says, beside the exact expectation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.text import Text

from actlen.console import console
from actlen.tables import summary_line
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.spec import Network

if TYPE_CHECKING:
    from simulate.many_inputs import JointLengths

__all__ = ["joint_record", "print_joint"]

_PROBABILITIES = (0.05, 0.5, 0.95)


def joint_record(network: Network, found: JointLengths) -> dict[str, Any]:
    """The JSON object: the largest and the smallest M_d/M_0 over the inputs, and how many grow too far."""
    import numpy as np

    networks, inputs = found.log_ratios.shape
    alive = np.isfinite(found.smallest)
    return {
        "network": network.to_dict(),
        "inputs": inputs,
        "samples": networks,
        "seed": found.seed,
        "dead_somewhere": float(np.mean(~alive)),
        "log_largest": _quantiles(found.largest),
        "log_smallest": _quantiles(found.smallest),
        "exceedances": _exceedances(network, found, inputs),
    }


def _quantiles(logs: Any) -> dict[str, float | None]:
    """Sample quantiles of a log, null where it is -inf."""
    import numpy as np

    ranked = np.sort(logs)
    picks = ((p, float(ranked[min(int(p * len(ranked)), len(ranked) - 1)])) for p in _PROBABILITIES)
    return {f"{p:g}": value if math.isfinite(value) else None for p, value in picks}


def _exceedances(network: Network, found: JointLengths, inputs: int) -> list[dict[str, float]]:
    """Inputs beyond t M_0 at the t where one and ten are expected: exactly, and as simulated."""
    import numpy as np

    from theory.data_sets import growth_limit
    from theory.exact_law import length_law

    if not isinstance(network, FullyConnected):
        return []
    try:
        law = length_law(network)
    except SpecError:
        return []
    rows = []
    for expected in (1.0, 10.0, inputs / 2):
        if expected > inputs:
            continue
        t = growth_limit(law, inputs, expected=expected)
        counts = found.exceedances(t)
        error = float(np.std(counts) / math.sqrt(len(counts)))
        exact = inputs * float(law.sf(t))
        rows.append({"t": t, "expected": exact, "simulated": float(np.mean(counts)), "standard_error": error})
    return rows


def print_joint(network: Network, found: dict[str, Any]) -> None:
    """The record in lines of 80 columns."""
    out = console()
    out.print(Text(summary_line(network)))
    out.print(Text(f"{found['inputs']:,} inputs under the same weights; {found['samples']:,} networks"))
    for name in ("largest", "smallest"):
        values = ", ".join(f"{p}: {_ratio(log)}" for p, log in found[f"log_{name}"].items())
        out.print(Text(f"{name} M_d/M_0, quantiles over networks  {values}"))
    out.print(Text(f"networks in which some input dies: {found['dead_somewhere']:.4g}"))
    for row in found["exceedances"]:
        out.print(
            Text(
                f"inputs beyond {row['t']:.6g} M_0: expected {row['expected']:.4g}, "
                f"simulated {row['simulated']:.4g} +- {row['standard_error']:.2g}"
            )
        )


def _ratio(log: float | None) -> str:
    if log is None:
        return "0"
    return f"{math.exp(log):.4g}" if abs(log) < 600 else f"e^{log:.5g}"
