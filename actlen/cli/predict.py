"""`actlen predict`: what theory says about one network."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from actlen.cli.numbers import whole_number
from actlen.cli.options import AsJson, Order, Plot, takes_network
from theory.spec import Network

__all__ = ["predict"]


@takes_network
def predict(
    net: Network,
    order: Order = "2",
    digits: Annotated[str, typer.Option(help="guaranteed digits of enclosed numbers, to 1,000")] = "30",
    fm1_low: Annotated[str, typer.Option(help="FM1: smallest E M_j / M_0")] = "1/10",
    fm1_high: Annotated[str, typer.Option(help="FM1: largest E M_j / M_0")] = "10",
    fm2_threshold: Annotated[str, typer.Option(help="FM2: largest E M_j^2 / (E M_j)^2")] = "10",
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
    if plot is not None:
        from actlen.plots import save_prediction

        save_prediction(prediction, plot)
    if as_json:
        typer.echo(json.dumps(prediction.to_dict(exact_digits=None if exact else 4_000)))
        return
    from actlen.tables import print_prediction

    print_prediction(prediction)
