"""What a person reads: predictions as tables that fit 80 columns."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from rich import box
from rich.table import Table
from rich.text import Text

from actlen.console import console, shown_layers
from actlen.console import number as short
from actlen.reading import widths_to_text
from theory.convolutional import Convolutional
from theory.failure_modes import FailureMode, FailureModes
from theory.network import FullyConnected
from theory.prediction import LayerPrediction, Prediction
from theory.residual import Residual
from theory.spec import Network
from theory.values import Bounded, Enclosed, Exact, as_value

__all__ = ["failure_lines", "number", "print_prediction", "summary_line"]

_Value: TypeAlias = "Exact | Enclosed | Bounded"


def number(value: _Value) -> str:
    """A value in about eight characters, bounds in twice as many.

    >>> from flint import fmpq
    >>> number(Exact(fmpq(1, 3))), number(Exact(fmpq(10) ** 400))
    ('0.33333', 'e^921.034')
    >>> number(Bounded(fmpq(1), fmpq(9, 4)))
    '1 to 2.25'
    """
    if isinstance(value, Bounded):
        return " to ".join(dict.fromkeys(number(as_value(end)) for end in (value.lower, value.upper)))
    return short(value.value, value.log)


def print_prediction(prediction: Prediction) -> None:
    """The prediction as a summary line, a table of layers, and the verdicts."""
    out = console()
    out.print(Text(summary_line(prediction.network)))
    out.print(_layer_table(prediction))
    for line in _closing_lines(prediction):
        out.print(line)


def summary_line(network: Network) -> str:
    """The network in a line.

    >>> summary_line(Residual(4, "1/2x3", [6]))
    'residual: width 4, 3 blocks, branch 6 to relu, scales 1/2; normal, variance 2/fan_in; relu'
    """
    net = network.to_dict()
    gain = net["variance_gain"]
    variance = _variance(gain, net["mode"]) if isinstance(gain, str) else "variance per layer"
    law = net["weights"] if isinstance(net["weights"], str) else "weights per layer"
    shape, tail = "", ""
    if isinstance(network, FullyConnected):
        shape, tail = widths_to_text(network.widths), f"; {_bias(network)}"
    if isinstance(network, Residual):
        shape = f"residual: {_trunk(net)}"
    if isinstance(network, Convolutional):
        shape = f"convolutional: {_feature_maps(network)}"
    shape = shape if len(shape) <= 100 else shape[:97] + "..."
    return f"{shape}; {law}, {variance}; {net['activation']}{tail}"


def _bias(network: FullyConnected) -> str:
    if not network.has_bias:
        return "no bias"
    net = network.to_dict()
    size = net["bias_variance"]
    return f"bias {net['bias_weights']}, variance {size if isinstance(size, str) else 'per layer'}"


def _trunk(net: dict[str, Any]) -> str:
    hidden, scales = net["branch_widths"], net["scales"]
    alike = all(isinstance(width, int) for width in hidden)
    branch = ",".join(map(str, hidden)) if alike else "per block"
    steps = scales if isinstance(scales, str) else "per block"
    output = net["branch_output"]
    return f"width {net['width']}, {net['blocks']} blocks, branch {branch} to {output}, scales {steps}"


def _feature_maps(network: Convolutional) -> str:
    kernel, positions = ("x".join(map(str, sizes)) for sizes in (network.kernel, network.positions))
    groups = ",".join(map(str, sorted(set(network.groups))))
    return (
        f"channels {widths_to_text(network.channels)}, kernel {kernel}, positions {positions}, "
        f"groups {groups}, {network.padding}"
    )


def _variance(gain: str, mode: str) -> str:
    if mode == "none":
        return f"variance {gain}"
    return f"variance ({gain})/{mode}" if "/" in gain else f"variance {gain}/{mode}"


def _layer_table(prediction: Prediction) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("layer", justify="right")
    table.add_column("width", justify="right")
    shown = min(prediction.order, 4)
    for k in range(1, shown + 1):
        table.add_column("E M" if k == 1 else f"E M^{k}", justify="right")
    table.add_column("sd / mean", justify="right")
    for layer in shown_layers(prediction.layers):
        if layer is None:
            table.add_row("...", "", *[""] * shown, "")
            continue
        moments = [number(m) for m in layer.moments[:shown]]
        table.add_row(str(layer.index), str(layer.width), *moments, _relative_spread(layer))
    return table


def _relative_spread(layer: LayerPrediction) -> str:
    mean, variance = layer.moments[0], layer.variance
    if variance is None or isinstance(mean, Bounded) or mean.log is None:
        return "-"
    if variance.log is None:
        return "0"
    log_ratio = variance.log / 2 - mean.log
    return f"{math.exp(log_ratio):.5g}" if log_ratio < 600 else f"e^{log_ratio:.6g}"


def _closing_lines(prediction: Prediction) -> list[Text]:
    lines = []
    bounds = prediction.second_moment_bounds
    if bounds is not None:
        lines.append(
            Text(
                f"Theorem 5, c = {number(bounds.c)}, C = {number(bounds.C)}: "
                f"{number(bounds.lower)} <= E M_d^2 <= {number(bounds.upper)}"
            )
        )
    criterion = prediction.details.get("criterion")
    if criterion is not None:
        lines.append(Text(f"sum of {criterion['term']} = {number(criterion['sum'])}: {criterion['meaning']}"))
    if prediction.empirical_variance is not None:
        lines.append(Text(f"E EmpVar = {number(prediction.empirical_variance)}"))
    return [*lines, *failure_lines(prediction.failure_modes)]


def failure_lines(
    modes: FailureModes, length: str = "M_j", first: str = "M_0", spread: str = "M_j"
) -> list[Text]:
    """FM1 and FM2, a line each; of which lengths, said by their names."""
    limits = modes.thresholds
    band = f"E {length}/{first} in [{limits.fm1_low}, {limits.fm1_high}]"
    square = f"E {spread}^2/(E {spread})^2" if spread == "M_j" else f"E X^2/(E X)^2, X = {spread},"
    return [
        _failure_line("FM1", modes.fm1, band),
        _failure_line("FM2", modes.fm2, f"{square} <= {limits.fm2}"),
    ]


def _failure_line(name: str, mode: FailureMode, criterion: str) -> Text:
    if mode.worst is None:
        return Text.assemble(f"{name} ", ("unknown", "yellow"), f"  {criterion}: the ratio does not exist")
    if mode.fails is None:
        between = f"{number(mode.worst)} at layer {mode.worst_layer}"
        return Text.assemble(
            f"{name} ", ("open", "yellow"), f"  {criterion}: the bounds do not decide, {between}"
        )
    verdict = ("fails", "bold red") if mode.fails else ("ok", "bold green")
    where = f"first outside at layer {mode.first_layer}; " if mode.fails else ""
    worst = f"worst {number(mode.worst)} at layer {mode.worst_layer}"
    return Text.assemble(f"{name} ", verdict, f"  {criterion}: {where}{worst}")
