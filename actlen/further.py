"""What `predict` says beyond moments when asked: gradients, quantiles, whole data sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from actlen.console import shown_layers
from actlen.tables import failure_lines, number
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.rationals import rational
from theory.reals import as_float
from theory.spec import Network

if TYPE_CHECKING:
    from theory.gradients import GradientMoments

__all__ = [
    "data_set",
    "fully_connected",
    "gradient_text",
    "length_quantiles",
    "probabilities_from_text",
    "text_of",
]

_MAX_PROBABILITIES = 1_000


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


def length_quantiles(network: FullyConnected, probabilities: list[float]) -> dict[str, Any]:
    """Quantiles of M_d/M_0 by the exact law, with what it says of itself."""
    from theory.exact_law import length_law

    law = length_law(network)
    near = law.lognormal()
    return {
        "of": "M_d/M_0",
        "zero": as_float(law.zero.number) if hasattr(law.zero, "number") else float(law.zero),
        "absolute_error": law.reported_error,
        "at": [{"probability": p, "quantile": float(law.ppf(p))} for p in probabilities],
        "lognormal_distance": float(near.kolmogorov_distance),
    }


def data_set(network: FullyConnected, size: int) -> dict[str, Any]:
    """For `size` inputs, however dependent: the dead ones expected, and the limits that one passes."""
    from theory.data_sets import expected_dead, fall_limit, growth_limit
    from theory.exact_law import length_law

    law = length_law(network)
    return {
        "size": size,
        "expected_dead": expected_dead(law, size),
        "growth_limit": growth_limit(law, size),
        "fall_limit": fall_limit(law, size),
    }


def text_of(quantiles: dict[str, Any] | None, inputs: dict[str, Any] | None) -> Iterator[Text]:
    """Quantiles and data set in lines."""
    if quantiles is not None:
        pairs = ", ".join(f"{row['probability']:g}: {row['quantile']:.6g}" for row in quantiles["at"])
        yield Text(f"quantiles of {quantiles['of']}  {pairs}")
        yield Text(
            f"P(M_d = 0) = {quantiles['zero']:.6g}; cdf to {quantiles['absolute_error']:.1g}; "
            f"log-normal to {quantiles['lognormal_distance']:.2g}"
        )
    if inputs is not None:
        yield Text(
            f"of {inputs['size']:,} inputs: {number(inputs['expected_dead'])} dead; fewer than one beyond "
            f"{inputs['growth_limit']:.6g} M_0, or below {inputs['fall_limit']:.6g} M_0, on average"
        )


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
