"""A simulation as a table that fits 80 columns, with the prediction beside it."""

from __future__ import annotations

import math

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actlen.console import console, number, shown_layers
from actlen.tables import number as value_text
from actlen.tables import summary_line
from simulate.gradient_result import GradientEstimate
from simulate.result import Estimate, LayerEstimate, Sampled
from theory.prediction import Prediction

__all__ = ["concise", "print_estimate", "with_error"]

_SHOWN_ORDERS = 2
_LONGEST = 14


def print_estimate(estimate: Estimate, prediction: Prediction | None) -> None:
    """A summary line, a table of layers, and what to know before trusting it."""
    out = console()
    kind = "reduced: uses a distributional identity" if estimate.reduced else "explicit weight matrices"
    out.print(Text(summary_line(estimate.network)))
    out.print(Text(f"method {estimate.method} ({kind}); {estimate.samples:,} networks, seed {estimate.seed}"))
    out.print(_fitting(out, estimate, prediction))
    if isinstance(estimate, GradientEstimate):
        out.print(_gradient_table(estimate))
    spread = estimate.empirical_variance
    if spread is not None:
        out.print(Text(f"E EmpVar = {with_error(spread)}"))
    for note in estimate.notes:
        out.print(Text(note, "yellow"))
    rate = estimate.weights_per_second
    speed = f", {rate:.2g} weights/s" if math.isfinite(rate) else ""
    out.print(Text(f"{estimate.seconds:.2f} s{speed}", "dim"))


def _fitting(out: Console, estimate: Estimate, prediction: Prediction | None) -> Table:
    """The table with as many columns as the console has room for."""
    tables = (
        _table(estimate, prediction, logs=True),
        _table(estimate, prediction, logs=False),
        _table(estimate, None, logs=False),
    )
    return next((t for t in tables if out.measure(t).maximum < out.width - 1), tables[-1])


def _gradient_table(estimate: GradientEstimate) -> Table:
    """Means of the squared norms of gradients, layer by layer."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("layer", "E |delta|^2", "E |dF/dW|^2"):
        table.add_column(name, justify="right", no_wrap=True)
    pairs = list(zip(estimate.deltas, estimate.weights, strict=True))
    for pair in shown_layers(pairs):
        if pair is None:
            table.add_row("...")
            continue
        delta, weights = pair
        table.add_row(str(delta.index), with_error(delta.moments[0]), with_error(weights.moments[0]))
    return table


def _table(estimate: Estimate, prediction: Prediction | None, *, logs: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    orders = range(1, min(len(estimate.layers[0].moments), _SHOWN_ORDERS) + 1)
    logs = logs and any(layer.log_length is not None for layer in estimate.layers)
    for name in _columns(orders, prediction is not None, logs):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in shown_layers(estimate.layers):
        if layer is None:
            table.add_row("...")
            continue
        cells = [str(layer.index), str(layer.width)]
        for k in orders:
            if prediction is not None:
                exact = prediction.layers[layer.index].moments[k - 1]
                cells.append(value_text(exact))
            cells.append(with_error(layer.moments[k - 1]))
        table.add_row(*cells, *([_log_spread(layer)] if logs else []))
    return table


def _columns(orders: range, predicted: bool, logs: bool) -> list[str]:
    names = ["layer", "width"]
    for k in orders:
        moment = "E M" if k == 1 else f"E M^{k}"
        names += [f"{moment}\nexact", "\nsimulated"] if predicted else [f"{moment}\nsimulated"]
    return [*names, "sd\nlog M"] if logs else names


def with_error(found: Sampled) -> str:
    """Value with two digits of standard error in brackets, `?` where that is not to be trusted.

    >>> with_error(Sampled(1.00234, 0.0048, 10, 1, relative_error=0.0048))
    '1.0023(48)'
    >>> with_error(Sampled(0.0, 0.0, 10, 1, log_value=-2000.5, relative_error=0.051))
    'e^-2000.5(5%)'
    """
    value = _short(found)
    if found.note is not None or (found.relative_error is None and found.standard_error != 0):
        return f"{value} ?"
    if not found.relative_error:
        return value
    return concise(found.value, found.standard_error) or f"{value}({found.relative_error:.0%})"


def _short(found: Sampled) -> str:
    return (
        number(found.value, found.log)
        if found.value
        else f"e^{found.log:.5g}"
        if found.log > -math.inf
        else "0"
    )


def concise(value: float, error: float | None) -> str | None:
    """1.0023(48) for 1.00234 +- 0.0048; None where that would need more than twelve characters.

    >>> concise(1.1859e15, 1.2e14), concise(0.5, 0.0012), concise(123.4, 25.0)
    ('1.19(12)e+15', '0.5000(12)', '123(25)')
    """
    if error is None or not math.isfinite(value) or not 0 < error < abs(value):
        return None
    exponent = math.floor(math.log10(abs(value)))
    plain = -4 <= exponent < 5
    scale = 0 if plain else exponent
    digits = max(1 - math.floor(math.log10(error / 10.0**scale)), 0)
    shown = round(error / 10.0**scale * 10**digits) if digits else round(error)
    text = f"{value / 10.0**scale:.{digits}f}({shown})" + ("" if plain else f"e{exponent:+03d}")
    return text if len(text) <= _LONGEST else None


def _log_spread(layer: LayerEstimate) -> str:
    if layer.log_length is None or math.isnan(layer.log_length.variance.value):
        return "-"
    return f"{math.sqrt(layer.log_length.variance.value):.3g}"
