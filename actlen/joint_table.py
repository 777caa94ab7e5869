"""Many inputs under the same weights: what a simulation of them says, beside what the exact law proves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flint import arb
from rich import box
from rich.table import Table
from rich.text import Text

from actlen.console import console
from actlen.estimate_table import with_error
from actlen.tables import summary_line
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.spec import Network

if TYPE_CHECKING:
    from simulate.joint_result import Extreme, JointLengths
    from theory.length_distribution import LengthLaw
    from theory.values import Bounded

__all__ = ["joint_record", "print_joint"]

_EXTREMES = ("largest", "smallest")
_LARGEST_LOG = 700.0
_ENOUGH_NETWORKS = 30


def joint_record(network: Network, found: JointLengths) -> dict[str, Any]:
    """The largest and the smallest M_d/M_0 over the inputs, and how many grow too far.

    Sampled numbers beside the bounds and expectations of the exact law, where it is known.
    """
    import numpy as np

    networks, inputs = found.log_ratios.shape
    law = _law(network)
    return {
        "network": {key: value for key, value in network.to_dict().items() if key != "input"},
        "inputs": inputs,
        "samples": networks,
        "seed": found.seed,
        "dead_somewhere": float(np.mean(np.isneginf(found.smallest))),
        "largest": found.extreme(found.largest),
        "smallest": found.extreme(found.smallest),
        "predicted": None if law is None else _predicted(law, inputs),
        "exceedances": [] if law is None else _exceedances(law, found, inputs),
    }


def _law(network: Network) -> LengthLaw | None:
    """The exact law where it is known."""
    from theory.exact_law import length_law

    if not isinstance(network, FullyConnected):
        return None
    try:
        return length_law(network)
    except SpecError:
        return None


def _predicted(law: LengthLaw, inputs: int) -> dict[str, Any]:
    from actlen.further import extreme_bounds
    from simulate.joint_result import QUANTILES
    from theory.extremes import largest_length, smallest_length

    return {
        "largest": extreme_bounds(largest_length(law, inputs), QUANTILES),
        "smallest": extreme_bounds(smallest_length(law, inputs), QUANTILES),
    }


def _exceedances(law: LengthLaw, found: JointLengths, inputs: int) -> list[dict[str, float]]:
    """Inputs beyond t M_0 where one, ten and half of them are expected: exactly, and as simulated."""
    import numpy as np

    from theory.data_sets import growth_limit

    rows = []
    for expected in (1.0, 10.0, inputs / 2):
        if expected > inputs:
            continue
        t = growth_limit(law, inputs, expected=expected)
        counts = found.exceedances(t)
        error = float(np.std(counts) / math.sqrt(len(counts)))
        exact = inputs * float(law.sf(t))
        row = {"t": t, "expected": exact, "simulated": float(np.mean(counts)), "standard_error": error}
        rows.append(row | {"networks": int(np.count_nonzero(counts))})
    return rows


def print_joint(network: Network, found: dict[str, Any]) -> None:
    """The record in lines of 80 columns."""
    out = console()
    out.print(Text(summary_line(network)))
    out.print(
        Text(
            f"{found['inputs']:,} inputs under the same weights; {found['samples']:,} networks, "
            f"seed {found['seed']}"
        )
    )
    out.print(_extremes_table(found))
    for line in _notes(found):
        out.print(line)
    out.print(Text(f"networks in which some input dies: {found['dead_somewhere']:.4g}"))
    for row in found["exceedances"]:
        out.print(
            Text(
                f"inputs beyond {row['t']:.6g} M_0: expected {row['expected']:.4g}, "
                f"simulated {row['simulated']:.4g} +- {row['standard_error']:.2g}"
            )
        )
        # Inputs go beyond together: few networks then decide, and say little about their own spread.
        if row["networks"] < _ENOUGH_NETWORKS:
            out.print(Text(f"  from {row['networks']} networks only, so that error is not to be trusted"))


def _extremes_table(found: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("M_d/M_0", "simulated", "95 % interval", "proved bounds"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in _EXTREMES:
        extreme: Extreme = found[name]
        bounds = None if found["predicted"] is None else found["predicted"][name]
        shown = "-" if bounds is None else _bounds(bounds["mean"])
        table.add_row(f"{name}: mean", with_error(extreme.mean), "", shown)
        for i, quantile in enumerate(extreme.quantiles):
            interval = f"{_length(quantile.log_lower)} to {_length(quantile.log_upper)}"
            shown = "-" if bounds is None else _bounds(bounds["quantiles"][i]["quantile"])
            table.add_row(f"quantile {quantile.probability:g}", _length(quantile.log), interval, shown)
    return table


def _notes(found: dict[str, Any]) -> Iterator[Text]:
    for name in _EXTREMES:
        note = found[name].mean.note
        if note is not None:
            yield Text(f"mean of the {name}: {note}", "yellow")


def _length(log: float) -> str:
    """A length by its logarithm: 0 for -inf, inf beyond the largest order statistic."""
    if math.isinf(log):
        return "0" if log < 0 else "inf"
    return f"{math.exp(log):.4g}" if abs(log) < _LARGEST_LOG else f"e^{log:.4g}"


def _bounds(found: Bounded) -> str:
    ends = ((-math.inf if end == 0 else float(arb(end).log())) for end in (found.lower, found.upper))
    return " to ".join(map(_length, ends))
