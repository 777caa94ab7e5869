"""`actlen derive`: the moment recursion of any order, of a layer or a residual block, in LaTeX."""

from __future__ import annotations

from typing import Annotated

import typer

from actlen.cli.numbers import whole_number
from theory.errors import SpecError, unknown_name

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
    network: Annotated[
        str, typer.Option(help="fully_connected, or residual (linear branch output)")
    ] = "fully_connected",
) -> None:
    """The recursion of the moments of one layer or residual block, derived, as LaTeX."""
    half_order = whole_number(order, "--order")
    law = None if weights == "symbolic" else weights
    phi = None if activation == "symbolic" else activation
    if network == "residual":
        from theory.readings.residual_symbolic import derive_residual

        if bias:
            raise SpecError("the branches of a residual net have no biases; drop --bias")
        typer.echo(derive_residual(half_order, weights=law, activation=phi).to_latex())
    elif network == "fully_connected":
        from theory.readings.symbolic import derive as derived

        typer.echo(derived(half_order, weights=law, bias=bias, activation=phi).to_latex())
    else:
        raise unknown_name("network", network, ("fully_connected", "residual"))
