"""Read what a user writes: widths, inputs, spec files. Numbers are read exactly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from tokenize import TokenError
from typing import Any

from theory.door import MAX_DEPTH
from theory.errors import SpecError, unknown_name
from theory.network import FullyConnected

__all__ = ["input_from_file", "input_from_text", "network_from_toml", "widths_from_text", "widths_to_text"]

_BLOCK = re.compile(r"(\d{1,30})(?:[xX](\d{1,30}))?\Z", re.ASCII)
_MAX_TEXT = 1_000_000
_MAX_FILE = 10_000_000
_MAX_INPUT = 10**7
_SPEC_KEYS = (
    *("network", "widths", "weights", "variance_gain", "mode", "init", "bias_weights", "bias_variance"),
    *("activation", "output_activation", "input"),
)


def widths_from_text(text: str) -> list[int]:
    """Widths n_0, ..., n_d from ``784,100x20,10``; AxB repeats A B times.

    >>> widths_from_text("3,2x3,1")
    [3, 2, 2, 2, 1]
    """
    blocks = [_block(piece.strip()) for piece in _pieces(text, "--widths")]
    if sum(repeats for _, repeats in blocks) > MAX_DEPTH + 1:
        raise SpecError(f"--widths asks for more than {MAX_DEPTH:,} layers, the depth limit")
    return [width for width, repeats in blocks for _ in range(repeats)]


def widths_to_text(widths: tuple[int, ...]) -> str:
    """The short way to write widths: runs are folded.

    >>> widths_to_text((784, 100, 100, 10))
    '784,100x2,10'
    """
    runs: list[list[int]] = []
    for width in widths:
        if len(runs) > 1 and runs[-1][0] == width:
            runs[-1][1] += 1
        else:
            runs.append([width, 1])
    return ",".join(f"{w}x{r}" if r > 1 else str(w) for w, r in runs)


def input_from_text(text: str) -> list[str]:
    """Coordinates of ``1,-2,1/2``; each is read exactly later on."""
    return [piece.strip() for piece in _pieces(text, "--input")]


def input_from_file(path: Path) -> list[float]:
    """The coordinates in a one-dimensional .npy file of real numbers; mapped, not read, until checked."""
    import numpy as np

    refusal = SpecError(f"{path} is not a .npy file of numbers; write one with numpy.save")
    try:
        with path.open("rb") as file:
            if file.read(6) != b"\x93NUMPY":
                raise refusal
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, EOFError, OverflowError, MemoryError, SyntaxError, TokenError):
        raise refusal from None
    if array.ndim != 1 or array.dtype.kind not in "iuf" or array.size > _MAX_INPUT:
        raise SpecError(f"{path} must hold a one-dimensional array of real numbers, one per input neuron")
    values: list[float] = array.tolist()
    return values


def network_from_toml(path: Path) -> FullyConnected:
    """The network in a TOML file; docs/spec.md lists the keys."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > _MAX_FILE:
        raise SpecError(f"{path} is larger than {_MAX_FILE:,} bytes; a network file is a few lines")
    try:
        entry: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path} is not a TOML file: {str(error)[:200]}") from None
    for key in entry:
        if key not in _SPEC_KEYS:
            raise unknown_name(f"key in {path}", key, _SPEC_KEYS)
    return network_from_fields(entry)


def network_from_fields(fields: dict[str, Any]) -> FullyConnected:
    """A network from named fields; `init` stands for weights, variance_gain and mode together.

    An initialiser's biases are its defaults: bias options that are given win, each for itself.

    >>> fields = {"widths": "3,2,1", "init": "torch.linear_default"}
    >>> network_from_fields(fields).bias_variance
    (1/9, 1/6)
    >>> network_from_fields(fields | {"bias_variance": 0}).has_bias
    False
    """
    from theory.initialisers import initialiser

    given = dict(fields)
    _only_fully_connected(given.pop("network", "fully_connected"))
    if "widths" not in given:
        raise SpecError("the widths are missing; give --widths n_0,...,n_d, such as --widths 784,100x20,10")
    if isinstance(given["widths"], str):
        given["widths"] = widths_from_text(given["widths"])
    if isinstance(given.get("input"), str):
        given["input"] = input_from_text(given["input"])
    name = given.pop("init", None)
    if name is not None:
        clash = [key for key in ("weights", "variance_gain", "mode") if key in given]
        if clash:
            raise SpecError(
                f"init={name} already sets weights, variance gain and mode; drop it or drop {clash[0]}"
            )
        given["widths"] = FullyConnected(given["widths"]).widths
        given = initialiser(name).options(given["widths"]) | given
    return FullyConnected(given.pop("widths"), **given)


def _only_fully_connected(kind: object) -> None:
    if kind in ("residual", "convolutional"):
        raise SpecError(f"{kind} nets are not covered by this version yet; fully_connected is")
    if kind != "fully_connected":
        raise unknown_name("network", str(kind), ("fully_connected",))


def _pieces(text: str, option: str) -> list[str]:
    if len(text) > _MAX_TEXT:
        raise SpecError(f"{option} has {len(text):,} characters; use a file instead")
    return text.split(",")


def _block(piece: str) -> tuple[int, int]:
    match = _BLOCK.match(piece)
    if match is None:
        shown = piece if len(piece) <= 40 else piece[:40] + "..."
        raise SpecError(
            f"--widths takes whole numbers of at least 1, with AxB for B layers of width A, "
            f"such as 784,100x20,10; {shown!r} is neither"
        )
    width, repeats = int(match[1]), int(match[2] or 1)
    if repeats == 0:
        raise SpecError(f"--widths repeats a width 0 times: {piece!r}; leave it out")
    return width, repeats
