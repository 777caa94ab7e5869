"""A family of residual nets: ReLU branches of one hidden layer or more, at critical gain, without bias."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice, product
from typing import TypeAlias

from flint import fmpq
from hypothesis import strategies as st

from proofs_check.family_options import (
    ANY_LAW,
    depth_range,
    has_any_input,
    weight_laws,
    whole_range,
    width_range,
)
from theory.door import MAX_WIDTH
from theory.errors import SpecError, unknown_name
from theory.laws import Law, as_law
from theory.rationals import rational
from theory.reals import ExactReal, square_root
from theory.residual import BRANCH_OUTPUTS, Residual
from theory.schedules import SCHEDULES, scales_from_text, schedule

__all__ = ["OPTIONS", "ResidualFamily", "residual_family"]

OPTIONS = (
    *("weights", "widths", "depth", "input"),
    *("branch_output", "branch_widths", "branch_depth", "scales"),
)
_Shape: TypeAlias = tuple[int, int, tuple[int, ...]]
# Of block l = 1..L; beside theory's own schedules, which are named by their L.
_FORMULAS: Mapping[str, Callable[[int, int], ExactReal]] = {
    "1/l": lambda l, L: fmpq(1, l),
    "1/sqrt(l)": lambda l, L: square_root(fmpq(1, l)),
    "L": lambda l, L: fmpq(L),
}
# Trunk, blocks, hidden widths of every branch.
_SHAPES: tuple[_Shape, ...] = (
    *((1, 1, (1,)), (2, 1, (1,)), (1, 1, (2,)), (1, 2, (1,)), (2, 2, (2,)), (1, 1, (1, 1))),
    *((3, 1, (2, 4)), (1, 4, (3,)), (4, 1, (1,)), (2, 3, (3, 1)), (1, 12, (1,)), (3, 12, (2,))),
    *((1024, 1, (1,)), (1, 1, (1024,)), (10, 10, (20,)), (1000, 3, (1000,))),
)
_PATTERNS = ((fmpq(1),), (fmpq(1, 2), fmpq(0)), (fmpq(3), fmpq(1, 3)), (fmpq(0),), (fmpq(1, 5),))


@dataclass(frozen=True)
class ResidualFamily:
    """All residual nets with these properties; None for weights means any symmetric law.

    `scales` gives the scales of a net of L blocks; None means any scales eta_l >= 0.
    """

    weights: tuple[Law, ...] | None
    branch_output: str
    scales: Callable[[int], list[ExactReal]] | None
    branch_widths: tuple[int, int]
    branch_depth: tuple[int, int]
    widths: tuple[int, int]
    depth: tuple[int, int]
    any_input: bool

    def lies_within(self, assumed: Mapping[str, str]) -> bool:
        """Whether every member satisfies what a proof assumed ({} assumes something unnamed)."""
        if not {"network", "branch_output", "weights", "bias", "activation"} <= set(assumed):
            return False
        if "widths" in assumed and self.widths != (1, 1):
            return False
        return (
            (assumed["network"], assumed["branch_output"]) == ("residual", self.branch_output)
            and (assumed["weights"] == "any" or self.weights == (as_law("normal"),))
            and assumed["activation"] == "relu"
            and (assumed.get("input") != "ones" or not self.any_input)
        )

    def representatives(self) -> tuple[Law, ...]:
        """Weight laws to try: those named, or a spread of kurtoses from 1 to 6."""
        return self.weights if self.weights is not None else tuple(map(as_law, ANY_LAW))

    def corners(self) -> Iterator[Residual]:
        """Members at the corners, smallest first; each round tries every shape with other laws and scales."""
        choices = list(product(self.representatives(), _PATTERNS))
        shapes = self._shapes()
        for start in range(len(choices)):
            for (width, blocks, hidden), (law, pattern) in zip(
                shapes, islice(cycle(choices), start, None), strict=False
            ):
                etas: list[ExactReal] = [*islice(cycle(pattern), blocks)]
                etas = self.scales(blocks) if self.scales else etas
                for values in self._inputs(width):
                    yield self.member(width, etas, hidden, law, values)

    def strategy(self, largest_width: int = 5, largest_depth: int = 4) -> st.SearchStrategy[Residual]:
        """Random members, shrinking to small ones."""
        number = st.fractions(-3, 3, max_denominator=4)
        scale = st.fractions(0, 3, max_denominator=4)

        @st.composite
        def members(draw: st.DrawFn) -> Residual:
            width = draw(_within(self.widths, largest_width))
            blocks = draw(_within(self.depth, largest_depth))
            hidden = [
                draw(st.lists(_within(self.branch_widths, largest_width), min_size=layers, max_size=layers))
                for layers in [draw(_within(self.branch_depth, 3)) for _ in range(blocks)]
            ]
            rational_scales = st.lists(scale, min_size=blocks, max_size=blocks)
            etas = self.scales(blocks) if self.scales else draw(rational_scales)
            some = st.lists(number, min_size=width, max_size=width).filter(any)
            values = draw(st.none() | some) if self.any_input else None
            law = draw(st.sampled_from(self.representatives()))
            return Residual(width, etas, hidden, branch_output=self.branch_output, weights=law, input=values)

        return members()

    def admits(self, width: int, blocks: int, hidden: tuple[int, ...]) -> bool:
        """Whether trunk, number of blocks and branches lie within the family's ranges."""
        sizes = ((width, self.widths), (blocks, self.depth), (len(hidden), self.branch_depth))
        branch = tuple((m, self.branch_widths) for m in hidden)
        return all(low <= size <= high for size, (low, high) in (*sizes, *branch))

    def member(
        self,
        width: int,
        scales: list[ExactReal],
        hidden: tuple[int, ...],
        law: Law,
        values: list[fmpq] | None,
    ) -> Residual:
        """One net, all its branches of the same hidden widths."""
        return Residual(
            width, scales, list(hidden), branch_output=self.branch_output, weights=law, input=values
        )

    def _shapes(self) -> list[_Shape]:
        """The listed shapes, each moved into the ranges of the family."""
        return list(dict.fromkeys(self._moved(*shape) for shape in _SHAPES))

    def _moved(self, width: int, blocks: int, hidden: tuple[int, ...]) -> _Shape:
        layers = _clipped(len(hidden), self.branch_depth)
        branch = islice(cycle(hidden), layers)
        return (
            _clipped(width, self.widths),
            _clipped(blocks, self.depth),
            tuple(_clipped(m, self.branch_widths) for m in branch),
        )

    def _inputs(self, n: int) -> Iterator[list[fmpq] | None]:
        yield None
        if self.any_input and n <= 10:
            yield [fmpq(-1, 2)] + [fmpq(0)] * (n - 1)
            if n > 1:
                yield [fmpq((-1) ** i * (i + 1), 2) for i in range(n)]


def residual_family(given: Mapping[str, str]) -> ResidualFamily:
    """The family that these options of --where set.

    >>> residual_family({"branch_output": "linear", "scales": "1/2,1/3"}).depth
    (2, 2)
    """
    output = given.get("branch_output", "relu")
    if output not in BRANCH_OUTPUTS:
        raise unknown_name("branch output", output, BRANCH_OUTPUTS)
    scales, blocks = _scales(given.get("scales", "any"))
    depth = depth_range(given.get("depth"))
    if blocks is not None and not depth[0] <= blocks <= depth[1]:
        raise SpecError(f"{blocks} scales are given for depth={given['depth']}; leave the depth out")
    return ResidualFamily(
        weights=weight_laws(given.get("weights", "normal")),
        branch_output=output,
        scales=scales,
        branch_widths=whole_range(given.get("branch_widths", f"1..{MAX_WIDTH}"), "branch_widths"),
        branch_depth=whole_range(given.get("branch_depth", f"1..{MAX_WIDTH}"), "branch_depth"),
        widths=width_range(given.get("widths")),
        depth=depth if blocks is None else (blocks, blocks),
        any_input=has_any_input(given.get("input")),
    )


def _scales(text: str) -> tuple[Callable[[int], list[ExactReal]] | None, int | None]:
    """The scales of L blocks, and the L that a list fixes."""
    if text == "any":
        return None, None
    if text in _FORMULAS:
        formula = _FORMULAS[text]
        return lambda L: [formula(l, L) for l in range(1, L + 1)], None
    if text in SCHEDULES or text.startswith("geometric:"):
        return lambda L: schedule(text, L), None
    if "," in text or "x" in text:
        fixed = scales_from_text(text)
        return lambda L: fixed, len(fixed)
    constant = rational(text, f"scales ({', '.join(['any', *_FORMULAS, *SCHEDULES])}, or a list)")
    return lambda L: [constant] * L, None


def _within(bounds: tuple[int, int], largest: int) -> st.SearchStrategy[int]:
    low, high = bounds
    return st.integers(low, max(low, min(high, largest)))


def _clipped(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], value))
