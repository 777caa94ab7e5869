"""`actlen derive`: the moment recursion of any order, in LaTeX."""

from __future__ import annotations

from typing import Annotated

import typer

from actlen.cli.numbers import whole_number

__all__ = ["derive"]


def derive(
    order: Annotated[str, typer.Option(help="largest k of E M^k, from 1 to 12")] = "2",
    weights: Annotated[
        str, typer.Option(help="a law, or symbolic to keep its moments m_4, m_6, ...")
    ] = "symbolic",
    bias: Annotated[bool, typer.Option("--bias", help="with biases of moments nu_2, nu_4, ...")] = False,
    activation: Annotated[
        str, typer.Option(help="an activation at its critical gain, or symbolic to keep c_1, ... and g")
    ] = "relu",
) -> None:
    """The recursion of the moments of one layer, derived, as LaTeX."""
    from theory.readings.symbolic import derive as derived

    recursion = derived(
        whole_number(order, "--order"),
        weights=None if weights == "symbolic" else weights,
        bias=bias,
        activation=None if activation == "symbolic" else activation,
    )
    typer.echo(recursion.to_latex())
