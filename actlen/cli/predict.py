"""`actlen predict`: what theory says about one network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actlen.cli.numbers import whole_number
from theory.errors import SpecError

if TYPE_CHECKING:
    from theory.network import FullyConnected

__all__ = ["predict"]


def predict(
    widths: Annotated[
        str | None, typer.Option(help="n_0,...,n_d; AxB repeats A B times: 784,100x20,10")
    ] = None,
    network: Annotated[str | None, typer.Option(help="fully_connected")] = None,
    spec: Annotated[Path | None, typer.Option(help="TOML file with the whole network (docs/spec.md)")] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="normal, uniform, rademacher, laplace, student_t:DF, truncated_normal:CUT, finite:V:P,..."
        ),
    ] = None,
    variance_gain: Annotated[str | None, typer.Option(help="entry variance times fan; 2 for He")] = None,
    mode: Annotated[str | None, typer.Option(help="fan_in, fan_out, fan_avg or none")] = None,
    init: Annotated[
        str | None, typer.Option(help="he_normal, torch.linear_default, keras.he_normal, ...")
    ] = None,
    bias_weights: Annotated[str | None, typer.Option(help="law of the biases")] = None,
    bias_variance: Annotated[str | None, typer.Option(help="variance of the biases, such as 1/100")] = None,
    activation: Annotated[str | None, typer.Option(help="relu, leaky_relu:0.1, abs, linear")] = None,
    output_activation: Annotated[
        str | None, typer.Option(help="activation of the last layer, where it differs")
    ] = None,
    input: Annotated[str | None, typer.Option(help="a_0, such as --input=1,-2,1/2 (default: ones)")] = None,
    input_file: Annotated[Path | None, typer.Option(help="a_0 from a one-dimensional .npy file")] = None,
    order: Annotated[str, typer.Option(help="largest k of E M^k, from 1 to 12")] = "2",
    digits: Annotated[str, typer.Option(help="guaranteed digits of enclosed numbers, to 1,000")] = "30",
    fm1_low: Annotated[str, typer.Option(help="FM1: smallest E M_j / M_0")] = "1/10",
    fm1_high: Annotated[str, typer.Option(help="FM1: largest E M_j / M_0")] = "10",
    fm2_threshold: Annotated[str, typer.Option(help="FM2: largest E M_j^2 / (E M_j)^2")] = "10",
    exact: Annotated[bool, typer.Option("--exact", help="keep all digits of long fractions")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    plot: Annotated[Path | None, typer.Option(help="also draw the layers to this .png, .pdf or .svg")] = None,
) -> None:
    """Exact moments of the activation length, layer by layer, and whether training can start."""
    from theory.failure_modes import Thresholds
    from theory.prediction import predict as predicted

    fields = {
        "widths": widths,
        "network": network,
        "weights": weights,
        "variance_gain": variance_gain,
        "mode": mode,
        "init": init,
        "bias_weights": bias_weights,
        "bias_variance": bias_variance,
        "activation": activation,
        "output_activation": output_activation,
        "input": input,
    }
    net = _network({k: v for k, v in fields.items() if v is not None}, spec, input_file)
    thresholds = Thresholds(fm1_low, fm1_high, fm2_threshold)
    prediction = predicted(
        net,
        whole_number(order, "--order"),
        exact=exact,
        digits=whole_number(digits, "--digits"),
        thresholds=thresholds,
    )
    if plot is not None:
        from actlen.plots import save_prediction

        save_prediction(prediction, plot)
    if as_json:
        typer.echo(json.dumps(prediction.to_dict(exact_digits=None if exact else 4_000)))
        return
    from actlen.tables import print_prediction

    print_prediction(prediction)


def _network(given: dict[str, Any], spec: Path | None, input_file: Path | None) -> FullyConnected:
    from actlen.reading import input_from_file, network_from_fields, network_from_toml

    if spec is not None:
        if given or input_file is not None:
            other = next(iter(given), "input_file").replace("_", "-")
            raise SpecError(f"--spec describes the whole network; drop --{other} or move it into the file")
        return network_from_toml(spec)
    if input_file is not None:
        if "input" in given:
            raise SpecError("--input and --input-file are two ways to say the same; give one")
        given["input"] = input_from_file(input_file)
    return network_from_fields(given)
