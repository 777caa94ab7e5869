"""The options that describe a network, written once for all commands that take one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from theory.errors import SpecError

if TYPE_CHECKING:
    from theory.spec import Network

__all__ = ["AsJson", "Order", "Plot", "takes_network"]

_LAWS = "normal, uniform, rademacher, laplace, student_t:DF, truncated_normal:CUT, orthogonal, finite:V:P,..."
_TEXT: dict[str, str] = {
    "widths": "n_0,...,n_d; AxB repeats A B times: 784,100x20,10",
    "network": "fully_connected (default), residual or convolutional",
    "weights": _LAWS,
    "variance_gain": "entry variance times fan; 2 for He",
    "mode": "fan_in, fan_out, fan_avg, fan_geo_avg, fan_max or none",
    "init": "he_normal, torch.linear_default, keras.he_normal, ...",
    "bias_weights": "law of the biases",
    "bias_variance": "variance of the biases, such as 1/100",
    "activation": "relu, leaky_relu:0.1, abs, linear",
    "output_activation": "activation of the last layer, where it differs",
    "input": "a_0, such as --input=1,-2,1/2 (default: ones)",
    "width": "residual: width of the trunk",
    "branch_widths": "residual: hidden widths of a branch, such as 128,128",
    "branch_output": "residual: relu (default) or linear",
    "scales": "residual: 0.7,0.5 or 0.1x50 or 1/Lx50, 1/sqrt(L)x50, geometric:1/2x50",
    "channels": "convolutional: c_0,...,c_d, such as 3,16x4",
    "kernel": "convolutional: 3, or 3x5",
    "positions": "convolutional: 32, or 32x32",
    "groups": "convolutional: one number, or one per layer",
    "padding": "convolutional: circular (default) or zero",
}
_FILES: dict[str, str] = {
    "spec": "TOML file with the whole network (docs/spec.md)",
    "input_file": "a_0 from a .npy file",
}

Order: TypeAlias = Annotated[str, typer.Option(help="largest k of E M^k, from 1 to 12")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="print JSON")]
Plot: TypeAlias = Annotated[Path | None, typer.Option(help="also draw the layers to this .png, .pdf or .svg")]


def takes_network(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all options of a network; it receives the `Network` as its first argument."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def wrapped(**given: Any) -> None:
        fields = {name: given.pop(name) for name in _TEXT}
        files = {name: given.pop(name) for name in _FILES}
        command(_described(fields, **files), **given)

    options = [_option(name, str | None, text) for name, text in _TEXT.items()]
    options += [_option(name, Path | None, text) for name, text in _FILES.items()]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*options, *own)]
    wrapped.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in keyword}
    return wrapped


def _option(name: str, kind: Any, text: str) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(help=text)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _described(given: dict[str, Any], spec: Path | None, input_file: Path | None) -> Network:
    """The network that the options describe; those not given are None."""
    from actlen.describing import network_from_fields, network_from_toml
    from actlen.reading import input_from_file

    given = {name: value for name, value in given.items() if value is not None}
    if spec is not None:
        if given or input_file is not None:
            other = next(iter(given), "input_file").replace("_", "-")
            raise SpecError(f"--spec describes the whole network; drop --{other} or move it into the file")
        return network_from_toml(spec)
    if input_file is not None:
        if "input" in given:
            raise SpecError("--input and --input-file are two ways to say the same; give one")
        given["input"] = input_from_file(input_file, 3 if given.get("network") == "convolutional" else 1)
    return network_from_fields(given)
