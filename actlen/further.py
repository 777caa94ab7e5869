"""What `predict` says beyond moments when asked: gradients, quantiles, whole data sets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from actlen.console import number as short
from actlen.console import shown_layers
from actlen.tables import failure_lines, number
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.rationals import rational
from theory.reals import as_float
from theory.spec import Network

if TYPE_CHECKING:
    from theory.extremes import ExtremeLaw
    from theory.gradients import GradientMoments
    from theory.length_distribution import LengthLaw

__all__ = [
    "extreme_bounds",
    "fully_connected",
    "gradient_text",
    "law_findings",
    "probabilities_from_text",
    "text_of",
]

_MAX_PROBABILITIES = 1_000
_PROBABILITIES = (0.05, 0.5, 0.95)
_LARGEST_LOG = 709.0


def probabilities_from_text(text: str) -> list[float]:
    """Probabilities from ``0.01,0.5,0.99``.

    >>> probabilities_from_text("1/4, 0.5")
    [0.25, 0.5]
    """
    pieces = text.split(",", _MAX_PROBABILITIES)
    if len(pieces) > _MAX_PROBABILITIES:
        raise SpecError(f"--quantiles takes at most {_MAX_PROBABILITIES:,} probabilities")
    found = [rational(piece, "a probability of --quantiles") for piece in pieces]
    for piece, p in zip(pieces, found, strict=True):
        if not 0 <= p <= 1:
            raise SpecError(
                f"--quantiles takes probabilities from 0 to 1, such as 0.01,0.5,0.99, not {piece:.40}"
            )
    return [as_float(p) for p in found]


def fully_connected(network: Network, option: str) -> FullyConnected:
    """The network, if it is fully connected; what `option` asks for is known for no other kind."""
    if not isinstance(network, FullyConnected):
        kind = type(network).__name__.lower()
        raise SpecError(
            f"{option} is known for fully connected nets, not for {kind} ones; `simulate` estimates lengths"
        )
    return network


def law_findings(
    network: FullyConnected, probabilities: list[float] | None, size: int | None
) -> dict[str, dict[str, Any] | None]:
    """What the exact law of M_d/M_0 says: its quantiles, and what to expect of `size` inputs at once."""
    from theory.exact_law import length_law

    law = length_law(network)
    return {
        "quantiles": None if probabilities is None else _quantiles(law, probabilities),
        "inputs": None if size is None else _data_set(law, size, probabilities or _PROBABILITIES),
    }


def _quantiles(law: LengthLaw, probabilities: Sequence[float]) -> dict[str, Any]:
    near = law.lognormal()
    logs = law.log_ppf(probabilities).tolist()
    return {
        "of": "M_d/M_0",
        "zero": float(law.zero),
        "absolute_error": law.reported_error,
        "at": [_number_at(p, log) for p, log in zip(probabilities, logs, strict=True)],
        "lognormal_distance": float(near.kolmogorov_distance),
    }


def _number_at(p: float, log: float) -> dict[str, float | None]:
    """A quantile by its logarithm: null stands for what overflows, and for the log of 0."""
    return {
        "probability": p,
        "quantile": math.exp(log) if log < _LARGEST_LOG else None,
        "log": log if math.isfinite(log) else None,
    }


def _data_set(law: LengthLaw, size: int, probabilities: Sequence[float]) -> dict[str, Any]:
    """For `size` inputs, however dependent: expected numbers, and bounds on the laws of the extremes."""
    from theory.data_sets import expected_dead, fall_limit, growth_limit
    from theory.extremes import largest_length, smallest_length

    smallest = smallest_length(law, size)
    fall = fall_limit(law, size)
    return {
        "size": size,
        "expected_dead": expected_dead(law, size),
        "growth_limit": growth_limit(law, size),
        "fall_limit": fall if math.isfinite(fall) else None,
        "some_dead": smallest.cdf(0),
        "largest": extreme_bounds(largest_length(law, size), probabilities),
        "smallest": extreme_bounds(smallest, probabilities),
    }


def extreme_bounds(law: ExtremeLaw, probabilities: Sequence[float]) -> dict[str, Any]:
    """Bounds on the mean and the quantiles of the largest or the smallest ratio of a data set."""
    rows = [{"probability": p, "quantile": law.ppf(p)} for p in probabilities]
    return {"of": "M_d/M_0", "mean": law.mean(), "quantiles": rows}


def text_of(quantiles: dict[str, Any] | None, inputs: dict[str, Any] | None) -> Iterator[Text | Table]:
    """Quantiles and data set in lines."""
    if quantiles is not None:
        pairs = ", ".join(f"{row['probability']:g}: {_shown(row)}" for row in quantiles["at"])
        yield Text(f"quantiles of {quantiles['of']}  {pairs}")
        yield Text(
            f"P(M_d = 0) = {quantiles['zero']:.6g}; cdf to {quantiles['absolute_error']:.1g}; "
            f"log-normal to {quantiles['lognormal_distance']:.2g}"
        )
    if inputs is not None:
        yield from _data_set_text(inputs)


def _shown(row: dict[str, float | None]) -> str:
    """0.25957; inf for the quantile of 1, e^-1234.5 where a float is too small."""
    value, log = row["quantile"], row["log"]
    if log is None:
        return "inf" if value is None else "0"
    return short(value, log)


def _data_set_text(inputs: dict[str, Any]) -> Iterator[Text | Table]:
    below = inputs["fall_limit"]
    beyond = f"fewer than one beyond {inputs['growth_limit']:.6g} M_0"
    yield Text(f"of {inputs['size']:,} inputs, on average: {number(inputs['expected_dead'])} dead;")
    yield Text(beyond if below is None else f"{beyond}, or below {below:.6g} M_0")
    yield Text(f"P(some input dies): {number(inputs['some_dead'])}")
    yield Text("the extremes, between bounds that hold whatever the inputs:")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "largest M_d/M_0", "smallest M_d/M_0"):
        table.add_column(name, justify="right")
    largest, smallest = inputs["largest"], inputs["smallest"]
    table.add_row("mean", number(largest["mean"]), number(smallest["mean"]))
    for high, low in zip(largest["quantiles"], smallest["quantiles"], strict=True):
        table.add_row(f"quantile {high['probability']:g}", number(high["quantile"]), number(low["quantile"]))
    yield table


def gradient_text(found: GradientMoments) -> Iterator[Table | Text]:
    """Squared gradient norms layer by layer, last layer first as they are computed."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("layer", "E |delta|^2", "sd / mean", "E |dF/dW|^2", "sd / mean", "P(alive)"):
        table.add_column(name, justify="right")
    for layer in shown_layers(found.layers):
        if layer is None:
            table.add_row("...")
            continue
        table.add_row(
            str(layer.index),
            number(layer.delta_moments[0]),
            _relative(layer.delta_spread),
            number(layer.weight_moments[0]),
            _relative(layer.weight_spread),
            number(layer.alive),
        )
    yield Text(f"gradients, read-out {found.readout.name}")
    yield table
    yield Text(f"E |dF/dW_1|^2 / E |dF/dW_d|^2 = {number(found.first_to_last)}")
    yield from failure_lines(found.failure_modes, "|delta_j|^2", "|delta_d|^2", "|dF/dW_j|^2")


def _relative(spread: Any) -> str:
    """sqrt(E X^2/(E X)^2 - 1)."""
    if spread is None or spread.value is None:
        return "-"
    return f"{max(spread.value - 1, 0.0) ** 0.5:.5g}"
