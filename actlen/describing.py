"""A network from named fields, as options on the command line or keys of a TOML file give them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actlen.reading import input_from_text, sizes_from_text, widths_from_text
from theory.convolutional import Convolutional
from theory.errors import SpecError, unknown_name
from theory.network import FullyConnected
from theory.residual import Residual
from theory.spec import Network

__all__ = ["KEYS", "network_from_fields", "network_from_toml"]

_COMMON = ("weights", "variance_gain", "mode", "init", "activation", "input")
KEYS: dict[str, tuple[str, ...]] = {
    "fully_connected": ("widths", *_COMMON, "bias_weights", "bias_variance", "output_activation"),
    "residual": ("width", "scales", "branch_widths", "branch_output", "modules", *_COMMON),
    "convolutional": ("channels", "kernel", "positions", "groups", "padding", *_COMMON),
}
_MAX_FILE = 10_000_000
_INTEGER = re.compile(r"\d{1,12}\Z", re.ASCII)


def network_from_toml(path: Path) -> Network:
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
    known = ("network", *dict.fromkeys(key for keys in KEYS.values() for key in keys))
    for key in entry:
        if key not in known:
            raise unknown_name(f"key in {path}", key, known)
    return network_from_fields(entry)


def network_from_fields(fields: dict[str, Any]) -> Network:
    """A network from named fields; `init` stands for weights, variance_gain and mode together.

    An initialiser's biases are its defaults: bias options that are given win, each for itself.

    >>> fields = {"widths": "3,2,1", "init": "torch.linear_default"}
    >>> network_from_fields(fields).bias_variance
    (1/9, 1/6)
    >>> network_from_fields(fields | {"bias_variance": 0}).has_bias
    False
    >>> block = {"network": "residual", "width": "4", "scales": "1/2x3", "branch_widths": "6"}
    >>> network_from_fields(block).depth
    3
    """
    given = dict(fields)
    kind = given.pop("network", "fully_connected")
    if not isinstance(kind, str) or kind not in KEYS:
        raise unknown_name("network", str(kind), tuple(KEYS))
    for key in given:
        if key not in KEYS[kind]:
            raise _misplaced(key, kind)
    if isinstance(given.get("input"), str):
        given["input"] = input_from_text(given["input"])
    if "init" in given:
        clash = [key for key in ("weights", "variance_gain", "mode") if key in given]
        if clash:
            name = given["init"]
            raise SpecError(
                f"init={name} already sets weights, variance gain and mode; drop it or drop {clash[0]}"
            )
    return _BUILDERS[kind](given)


def _misplaced(key: str, kind: str) -> SpecError:
    homes = [other for other, keys in KEYS.items() if key in keys]
    if not homes:
        return unknown_name(f"field of a {kind} net", key, KEYS[kind])
    return SpecError(
        f"{key.replace('_', '-')} belongs to {' and '.join(homes)} nets, not to {kind}; drop it or add "
        f"network={homes[0]}"
    )


def _fully_connected(given: dict[str, Any]) -> FullyConnected:
    from theory.initialisers import initialiser

    if "widths" not in given:
        raise SpecError("the widths are missing; give --widths n_0,...,n_d, such as --widths 784,100x20,10")
    if isinstance(given["widths"], str):
        given["widths"] = widths_from_text(given["widths"])
    name = given.pop("init", None)
    if name is not None:
        given["widths"] = FullyConnected(given["widths"]).widths
        given = initialiser(name).options(given["widths"]) | given
    return FullyConnected(given.pop("widths"), **given)


def _residual(given: dict[str, Any]) -> Residual:
    for key, example in (("width", "--width 64"), ("scales", "--scales 0.1x50")):
        if key not in given:
            raise SpecError(f"a residual net needs its {key}, such as {example}")
    if isinstance(given["width"], str):
        given["width"] = _whole(given["width"], "--width")
    if isinstance(given.get("branch_widths"), str):
        given["branch_widths"] = widths_from_text(given["branch_widths"], "--branch-widths")
    return Residual(given.pop("width"), given.pop("scales"), **_initialised(given, "residual"))


def _convolutional(given: dict[str, Any]) -> Convolutional:
    examples = {"channels": "--channels 3,16x4", "kernel": "--kernel 3", "positions": "--positions 32x32"}
    for key, example in examples.items():
        if key not in given:
            raise SpecError(f"a convolutional net needs its {key}, such as {example}")
    if isinstance(given["channels"], str):
        given["channels"] = widths_from_text(given["channels"], "--channels")
    for key in ("kernel", "positions"):
        if isinstance(given[key], str):
            sizes = sizes_from_text(given[key], f"--{key}")
            given[key] = sizes[0] if len(sizes) == 1 else sizes
    if isinstance(given.get("groups"), str):
        groups = widths_from_text(given["groups"], "--groups")
        given["groups"] = groups[0] if len(groups) == 1 else groups
    return Convolutional(given.pop("channels"), **_initialised(given, "convolutional"))


def _initialised(given: dict[str, Any], kind: str) -> dict[str, Any]:
    """The fields with those of the initialiser in place of its name; these nets have no biases."""
    from theory.initialisers import initialiser

    name = given.pop("init", None)
    if name is None:
        return given
    found = initialiser(name)
    if found.bias_weights is not None:
        raise SpecError(
            f"{name} draws biases, which {kind} nets do not have here; give --weights, --variance-gain "
            "and --mode instead"
        )
    return found.options([1, 1]) | given


def _whole(text: str, option: str) -> int:
    if _INTEGER.match(text.strip()) is None:
        raise SpecError(f"{option} takes a whole number of at least 1, not {text!r:.40}")
    return int(text)


_BUILDERS: dict[str, Callable[[dict[str, Any]], Network]] = {
    "fully_connected": _fully_connected,
    "residual": _residual,
    "convolutional": _convolutional,
}
