"""`actlen simulate --inputs`: a table of inputs under the same weights."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from actlen.cli.running import chosen_executor, progress_bar
from theory.errors import SpecError
from theory.spec import Network

if TYPE_CHECKING:
    from simulate.joint_result import JointLengths

__all__ = ["many_inputs"]

# What the options of `simulate` are where --inputs has no use for them.
_UNUSED: dict[str, tuple[Any, ...]] = {
    "method": ("auto", "direct"),
    "order": (2,),
    "rel_error": (None,),
    "tilt": (0,),
    "covariance": (False,),
    "gradients": (False,),
    "readout": ("normal",),
}
_USED = ("samples", "time_limit", "seed", "store")


def many_inputs(
    net: Network,
    path: Path,
    options: dict[str, Any],
    places: tuple[str | None, str | None, str | None],
    *,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Simulate and print; `options` as `simulate` reads them, `places` its --threads, --workers, --dask."""
    from actlen.reading import table_from_file

    _check(net, options, plot)
    table = table_from_file(path)
    given = {name: options[name] for name in _USED}
    with ExitStack() as stack:
        given |= {"threads": options["threads"]} | chosen_executor(stack, *places)
        given["progress"] = stack.enter_context(progress_bar(options["time_limit"]))
        found, interrupted = _lengths(net, table, given)
    if found is not None:
        _show(net, found, as_json)
    if interrupted:
        raise KeyboardInterrupt


def _check(net: Network, options: dict[str, Any], plot: Path | None) -> None:
    unused = [name for name, plain in _UNUSED.items() if options[name] not in plain]
    unused += ["plot"] if plot is not None else []
    if unused:
        option = unused[0].replace("_", "-")
        raise SpecError(
            f"--inputs measures lengths of many inputs, and --{option} has no part in it; drop it"
        )
    if net.input is not None:
        raise SpecError("--inputs holds the inputs, but the network has one of its own; give one of the two")


def _lengths(net: Network, table: Any, given: dict[str, Any]) -> tuple[JointLengths | None, bool]:
    """The lengths, and whether Ctrl-C cut them short."""
    from simulate.many_inputs import joint_lengths
    from simulate.running import Interrupted

    try:
        return joint_lengths(net, table, **given), False
    except Interrupted as interrupted:
        return interrupted.estimate, True


def _show(net: Network, found: JointLengths, as_json: bool) -> None:
    from actlen.joint_table import joint_record, print_joint
    from theory.prediction import plain
    from theory.values import EXACT_DIGITS

    record = joint_record(net, found)
    if as_json:
        sampled = {name: record[name].to_dict() for name in ("largest", "smallest")}
        typer.echo(json.dumps(plain(record | sampled, EXACT_DIGITS)))
    else:
        print_joint(net, record)
