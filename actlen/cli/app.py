"""The command-line application; each command lives in a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from actlen import __version__
from actlen.cli.check import check
from actlen.cli.derive import derive
from actlen.cli.predict import predict
from actlen.cli.simulate import simulate
from actlen.cli.verify import verify

__all__ = ["app"]

app = typer.Typer(
    name="actlen",
    help="Settle statements about randomly initialised ReLU networks.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
app.command()(predict)
app.command()(simulate)
app.command()(check)
app.command()(verify)
app.command()(derive)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Settle statements about randomly initialised ReLU networks."""
    if version:
        typer.echo(f"actlen {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
