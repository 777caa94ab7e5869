"""The options that describe a network, shared by the commands that take one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from theory.errors import SpecError

if TYPE_CHECKING:
    from theory.network import FullyConnected

__all__ = [
    "ActivationName",
    "AsJson",
    "BiasVariance",
    "BiasWeights",
    "Init",
    "InputFile",
    "InputText",
    "Mode",
    "NetworkKind",
    "Order",
    "OutputActivation",
    "Plot",
    "SpecFile",
    "VarianceGain",
    "Weights",
    "Widths",
    "described_network",
]

_LAWS = "normal, uniform, rademacher, laplace, orthogonal, student_t:DF, truncated_normal:CUT, finite:V:P,..."

Widths: TypeAlias = Annotated[
    str | None, typer.Option(help="n_0,...,n_d; AxB repeats A B times: 784,100x20,10")
]
NetworkKind: TypeAlias = Annotated[str | None, typer.Option(help="fully_connected")]
SpecFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="TOML file with the whole network (docs/spec.md)")
]
Weights: TypeAlias = Annotated[str | None, typer.Option(help=_LAWS)]
VarianceGain: TypeAlias = Annotated[str | None, typer.Option(help="entry variance times fan; 2 for He")]
Mode: TypeAlias = Annotated[
    str | None, typer.Option(help="fan_in, fan_out, fan_avg, fan_geo_avg, fan_max or none")
]
Init: TypeAlias = Annotated[
    str | None, typer.Option(help="he_normal, torch.linear_default, keras.he_normal, ...")
]
BiasWeights: TypeAlias = Annotated[str | None, typer.Option(help="law of the biases")]
BiasVariance: TypeAlias = Annotated[str | None, typer.Option(help="variance of the biases, such as 1/100")]
ActivationName: TypeAlias = Annotated[str | None, typer.Option(help="relu, leaky_relu:0.1, abs, linear")]
OutputActivation: TypeAlias = Annotated[
    str | None, typer.Option(help="activation of the last layer, where it differs")
]
InputText: TypeAlias = Annotated[
    str | None, typer.Option(help="a_0, such as --input=1,-2,1/2 (default: ones)")
]
InputFile: TypeAlias = Annotated[Path | None, typer.Option(help="a_0 from a one-dimensional .npy file")]
Order: TypeAlias = Annotated[str, typer.Option(help="largest k of E M^k, from 1 to 12")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="print JSON")]
Plot: TypeAlias = Annotated[Path | None, typer.Option(help="also draw the layers to this .png, .pdf or .svg")]


def described_network(given: dict[str, Any], spec: Path | None, input_file: Path | None) -> FullyConnected:
    """The network that the options describe; those not given are None."""
    from actlen.reading import input_from_file, network_from_fields, network_from_toml

    given = {name: value for name, value in given.items() if value is not None}
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
