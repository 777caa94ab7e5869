"""The scales eta_1, ..., eta_L of a residual net, written out or named by how they depend on L."""

from __future__ import annotations

import re
from collections.abc import Callable

from flint import fmpq

from theory.door import MAX_DEPTH
from theory.errors import SpecError
from theory.rationals import rational
from theory.reals import ExactReal, square_root

__all__ = ["SCHEDULES", "scales_from_text", "schedule"]

SCHEDULES = ("1/L", "1/sqrt(L)", "geometric:B")
_RUN = re.compile(r"(.+?)\s*[xX]\s*(\d{1,30})\Z", re.ASCII)
_MAX_TEXT = 1_000_000


def schedule(name: str, blocks: int) -> list[ExactReal]:
    """The scales of a schedule: constant 1/L or 1/sqrt(L), or geometric B, B^2, ..., B^L.

    >>> schedule("geometric:1/2", 3), str(schedule("1/sqrt(L)", 8)[0])
    ([1/2, 1/4, 1/8], 'sqrt(1/8)')
    """
    if not 1 <= blocks <= MAX_DEPTH:
        raise SpecError(f"a residual net has from 1 to {MAX_DEPTH:,} blocks, not {blocks}")
    if name == "1/L":
        return [fmpq(1, blocks)] * blocks
    if name == "1/sqrt(L)":
        return [square_root(fmpq(1, blocks))] * blocks
    head, colon, base = name.partition(":")
    if head != "geometric" or not colon:
        raise SpecError(f"{name!r:.40} is no schedule; there are {', '.join(SCHEDULES)}")
    ratio = rational(base, "the base of the geometric schedule")
    if not 0 <= ratio <= 1:
        raise SpecError(f"the base of a geometric schedule lies in [0, 1], not {ratio}")
    return [ratio**l for l in range(1, blocks + 1)]


def scales_from_text(text: str) -> list[ExactReal]:
    """Scales from ``0.7,0.5,0.9``, from ``0.1x50`` (50 blocks), or a schedule with its L: ``1/sqrt(L)x50``.

    >>> scales_from_text("1/2x2, 0.1"), scales_from_text("1/Lx4")
    ([1/2, 1/2, 1/10], [1/4, 1/4, 1/4, 1/4])
    """
    if len(text) > _MAX_TEXT:
        raise SpecError(f"--scales has {len(text):,} characters; use a file instead")
    scales: list[ExactReal] = []
    for piece in map(str.strip, text.split(",")):
        run = _RUN.match(piece)
        value, count = (run[1], int(run[2])) if run else (piece, 1)
        if len(scales) + count > MAX_DEPTH:
            raise SpecError(f"--scales asks for more than {MAX_DEPTH:,} blocks, the depth limit")
        scales += _repeated(value, count, named=run is not None)
    return scales


def _repeated(value: str, count: int, *, named: bool) -> list[ExactReal]:
    if count == 0:
        raise SpecError(f"--scales repeats {value!r:.40} 0 times; leave it out")
    if "L" in value or value.startswith("geometric"):
        if not named:
            raise SpecError(f"the schedule {value!r:.40} needs its number of blocks, such as {value:.40}x50")
        return schedule(value, count)
    read: Callable[[str], ExactReal] = _root if value.startswith("sqrt(") and value.endswith(")") else _plain
    return [read(value)] * count


def _root(value: str) -> ExactReal:
    square = rational(value[5:-1], "the number under the root")
    if square < 0:
        raise SpecError(f"a scale is at least 0 and real, not {value:.40}")
    return square_root(square)


def _plain(value: str) -> fmpq:
    return rational(value, "a residual scale")
