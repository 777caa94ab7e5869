"""`actlen predict`: what theory says about one network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actlen.cli.numbers import whole_number
from actlen.cli.options import AsJson, Order, Plot, takes_network
from theory.spec import Network

if TYPE_CHECKING:
    from theory.gradients import GradientMoments
    from theory.prediction import Prediction

__all__ = ["predict"]


@takes_network
def predict(
    net: Network,
    order: Order = "2",
    digits: Annotated[str, typer.Option(help="guaranteed digits of enclosed numbers, to 1,000")] = "30",
    fm1_low: Annotated[str, typer.Option(help="FM1: smallest E M_j / M_0")] = "1/10",
    fm1_high: Annotated[str, typer.Option(help="FM1: largest E M_j / M_0")] = "10",
    fm2_threshold: Annotated[str, typer.Option(help="FM2: largest E M_j^2 / (E M_j)^2")] = "10",
    gradients: Annotated[bool, typer.Option("--gradients", help="also squared norms of gradients")] = False,
    readout: Annotated[str, typer.Option(help="law of the read-out that gradients start from")] = "normal",
    quantiles: Annotated[str | None, typer.Option(help="also quantiles of M_d/M_0: 0.01,0.5,0.99")] = None,
    dataset_size: Annotated[
        str | None, typer.Option(help="also what to expect of so many inputs at once")
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="keep all digits of long fractions")] = False,
    as_json: AsJson = False,
    plot: Plot = None,
) -> None:
    """Exact moments of the activation length, layer by layer, and whether training can start."""
    from theory.failure_modes import Thresholds
    from theory.prediction import predict as predicted

    thresholds = Thresholds(fm1_low, fm1_high, fm2_threshold)
    prediction = predicted(
        net,
        whole_number(order, "--order"),
        exact=exact,
        digits=whole_number(digits, "--digits"),
        thresholds=thresholds,
    )
    found = _further(net, quantiles, dataset_size)
    moments = _gradients(net, prediction, readout) if gradients else None
    if plot is not None:
        from actlen.plots import save_prediction

        save_prediction(prediction, plot)
    if as_json:
        from theory.prediction import plain

        digits_kept = None if exact else 4_000
        further = {name: plain(value, digits_kept) for name, value in found.items() if value is not None}
        if moments is not None:
            further["gradients"] = moments.to_dict(exact_digits=digits_kept)
        typer.echo(json.dumps(prediction.to_dict(exact_digits=digits_kept) | further))
        return
    from actlen.console import console
    from actlen.further import gradient_text, text_of
    from actlen.tables import print_prediction

    print_prediction(prediction)
    for line in (*text_of(**found), *(() if moments is None else gradient_text(moments))):
        console().print(line)


def _further(net: Network, quantiles: str | None, dataset_size: str | None) -> dict[str, Any]:
    from actlen.further import fully_connected, law_findings, probabilities_from_text

    if quantiles is None and dataset_size is None:
        return {"quantiles": None, "inputs": None}
    wanted = None if quantiles is None else probabilities_from_text(quantiles)
    size = None if dataset_size is None else whole_number(dataset_size, "--dataset-size")
    known = fully_connected(net, "--dataset-size" if quantiles is None else "--quantiles")
    return law_findings(known, wanted, size)


def _gradients(net: Network, prediction: Prediction, readout: str) -> GradientMoments:
    from actlen.further import fully_connected
    from theory.gradients import gradient_moments

    known = fully_connected(net, "--gradients")
    return gradient_moments(known, prediction.order, readout, thresholds=prediction.failure_modes.thresholds)
