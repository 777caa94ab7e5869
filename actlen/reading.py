"""Read what a user writes: widths, sizes, inputs. Numbers are read exactly."""

from __future__ import annotations

import re
from pathlib import Path
from tokenize import TokenError
from typing import Any

from theory.door import MAX_DEPTH
from theory.errors import SpecError

__all__ = [
    "input_from_file",
    "input_from_text",
    "sizes_from_text",
    "table_from_file",
    "widths_from_text",
    "widths_to_text",
]

_BLOCK = re.compile(r"(\d{1,30})(?:[xX](\d{1,30}))?\Z", re.ASCII)
_MAX_TEXT = 1_000_000
_MAX_INPUT = 10**7


def widths_from_text(text: str, option: str = "--widths") -> list[int]:
    """Widths n_0, ..., n_d from ``784,100x20,10``; AxB repeats A B times.

    >>> widths_from_text("3,2x3,1")
    [3, 2, 2, 2, 1]
    """
    blocks = [_block(piece.strip(), option) for piece in _pieces(text, option)]
    if sum(repeats for _, repeats in blocks) > MAX_DEPTH + 1:
        raise SpecError(f"{option} asks for more than {MAX_DEPTH:,} layers, the depth limit")
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


def input_from_file(path: Path, axes: int = 1) -> list[float]:
    """The coordinates in a .npy file of real numbers; mapped, not read, until checked.

    An array of up to `axes` axes is read row by row.
    """
    import numpy as np

    array = _mapped(path)
    if not 1 <= array.ndim <= axes or array.dtype.kind not in "iuf" or array.size > _MAX_INPUT:
        shape = "a one-dimensional array" if axes == 1 else f"an array of at most {axes} axes"
        raise SpecError(f"{path} must hold {shape} of real numbers, one per input neuron")
    values: list[float] = np.ravel(array).tolist()
    return values


def _mapped(path: Path) -> Any:
    """The array in a .npy file, not read yet."""
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
    return array


def table_from_file(path: Path) -> Any:
    """The rows of a two-dimensional .npy file of real numbers, one row an input."""
    import numpy as np

    array = _mapped(path)
    if array.ndim != 2 or array.dtype.kind not in "iuf" or len(array) == 0:
        raise SpecError(
            f"{path} must hold a two-dimensional array of real numbers, one row an input, not "
            f"{array.dtype} of shape {array.shape!s:.60}"
        )
    if array.size > _MAX_INPUT:
        raise SpecError(
            f"{path} holds {array.size:,} numbers, and at most {_MAX_INPUT:,} are read; take fewer rows"
        )
    return np.asarray(array)


def sizes_from_text(text: str, option: str) -> list[int]:
    """One size per axis from ``32`` or ``32x20``.

    >>> sizes_from_text("32x20", "--positions"), sizes_from_text("32", "--positions")
    ([32, 20], [32])
    """
    pieces = re.split("[xX]", text.strip()[:100])
    if not all(re.fullmatch(r"\d{1,12}", piece.strip(), re.ASCII) for piece in pieces) or len(pieces) > 2:
        raise SpecError(f"{option} takes one size, or two such as 32x32 for images, not {text!r:.40}")
    return [int(piece) for piece in pieces]


def _pieces(text: str, option: str) -> list[str]:
    if len(text) > _MAX_TEXT:
        raise SpecError(f"{option} has {len(text):,} characters; use a file instead")
    return text.split(",")


def _block(piece: str, option: str) -> tuple[int, int]:
    match = _BLOCK.match(piece)
    if match is None:
        shown = piece if len(piece) <= 40 else piece[:40] + "..."
        raise SpecError(
            f"{option} takes whole numbers of at least 1, with AxB for B layers of width A, "
            f"such as 784,100x20,10; {shown!r} is neither"
        )
    width, repeats = int(match[1]), int(match[2] or 1)
    if repeats == 0:
        raise SpecError(f"{option} repeats a width 0 times: {piece!r}; leave it out")
    return width, repeats
