"""`actlen simulate`: a Monte-Carlo estimate, with the prediction beside it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actlen.cli.numbers import real_number, whole_number
from actlen.cli.options import AsJson, Order, Plot, takes_network
from actlen.cli.running import chosen_executor, progress_bar
from theory.errors import SpecError
from theory.spec import Network

if TYPE_CHECKING:
    from simulate.result import Estimate
    from theory.prediction import Prediction

__all__ = ["simulate"]

_DEEPEST_PREDICTED = 2_000


@takes_network
def simulate(
    net: Network,
    order: Order = "2",
    method: Annotated[str, typer.Option(help="direct, splitting, conditional, law, or auto")] = "auto",
    samples: Annotated[str | None, typer.Option(help="how many networks (default 10000)")] = None,
    rel_error: Annotated[
        str | None, typer.Option(help="stop at this relative standard error of E M_d^K, K the order")
    ] = None,
    time_limit: Annotated[str | None, typer.Option(help="stop after so many seconds")] = None,
    seed: Annotated[str, typer.Option(help="from 0 to 2^64 - 1; same seed, same bits")] = "0",
    tilt: Annotated[str, typer.Option(help="method law: weight the draws by M_d^TILT")] = "0",
    covariance: Annotated[bool, typer.Option("--covariance", help="also Cov(M_i, M_j)")] = False,
    gradients: Annotated[
        bool, typer.Option("--gradients", help="also squared norms of gradients, by backpropagation")
    ] = False,
    readout: Annotated[str, typer.Option(help="law of the read-out that gradients start from")] = "normal",
    inputs: Annotated[
        Path | None, typer.Option(help="many inputs under the same weights: rows of a .npy file")
    ] = None,
    threads: Annotated[str | None, typer.Option(help="threads (default: one a core)")] = None,
    workers: Annotated[str | None, typer.Option(help="so many local processes instead")] = None,
    dask: Annotated[str | None, typer.Option(help="a Dask cluster instead: tcp://HOST:PORT")] = None,
    store: Annotated[
        Path | None, typer.Option(help="SQLite file that keeps the results; a killed run resumes")
    ] = None,
    as_json: AsJson = False,
    plot: Plot = None,
) -> None:
    """Average the activation length over random networks, the exact moments beside it.

    Ctrl-C prints what was computed and keeps it (exit status 130).
    """
    options: dict[str, Any] = {
        "method": method,
        "samples": None if samples is None else whole_number(samples, "--samples"),
        "rel_error": None if rel_error is None else real_number(rel_error, "--rel-error"),
        "time_limit": None if time_limit is None else real_number(time_limit, "--time-limit"),
        "seed": whole_number(seed, "--seed"),
        "order": whole_number(order, "--order"),
        "tilt": real_number(tilt, "--tilt"),
        "covariance": covariance,
        "gradients": gradients,
        "readout": readout,
        "threads": None if threads is None else whole_number(threads, "--threads"),
        "store": store,
    }
    if inputs is not None:
        from actlen.cli.joint import many_inputs

        many_inputs(net, inputs, options, (threads, workers, dask), as_json=as_json, plot=plot)
        return
    if covariance and not as_json:
        raise SpecError("--covariance gives a matrix of all layers; add --json to print it")
    if plot is not None:
        from actlen.plots import check_format

        check_format(plot)
    with ExitStack() as stack:
        options |= chosen_executor(stack, threads, workers, dask)
        options["progress"] = stack.enter_context(progress_bar(options["time_limit"]))
        found, interrupted = _estimate(net, options)
    if found is not None:
        _show(found, as_json, plot)
    if interrupted:
        raise KeyboardInterrupt


def _estimate(net: Network, options: dict[str, Any]) -> tuple[Estimate | None, bool]:
    """The estimate, and whether Ctrl-C cut it short."""
    from simulate.running import Interrupted
    from simulate.simulation import simulate as simulated

    try:
        return simulated(net, **options), False
    except Interrupted as interrupted:
        return interrupted.estimate, True


def _show(found: Estimate, as_json: bool, plot: Path | None) -> None:
    if as_json:
        typer.echo(json.dumps(found.to_dict()))
        if plot is None:
            return
    prediction = _prediction(found)
    if plot is not None:
        from actlen.plots import save_estimate

        save_estimate(found, prediction, plot)
    if not as_json:
        from actlen.estimate_table import print_estimate

        print_estimate(found, prediction)


def _prediction(found: Estimate) -> Prediction | None:
    """The exact moments beside the simulated ones, where the theory has them."""
    from theory.prediction import predict

    if found.network.depth > _DEEPEST_PREDICTED:
        return None
    try:
        return predict(found.network, min(len(found.layers[0].moments), 2))
    except SpecError:
        return None
