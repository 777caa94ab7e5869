"""A residual block x + eta N(x): the branch is a fully connected net of its own, added to the trunk.

The trunk keeps 24 bits: what a branch adds below 2^-24 of a coordinate is lost, so that a block whose
scale is smaller still may miss up to 1.2e-7 of M.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulate.kernels.residual import add_branch
from simulate.steps.layer import LayerPlan
from simulate.steps.layout import Layout
from simulate.steps.step import Step

if TYPE_CHECKING:
    from simulate.population import Population

__all__ = ["BlockPlan"]


@dataclass(frozen=True)
class BlockPlan(Step):
    """One block: eta = scale 2^exponent, and the layers of its branch."""

    scale: float
    exponent: int
    branch: tuple[LayerPlan, ...]

    @property
    def layout(self) -> Layout:
        return self.branch[-1].layout

    @property
    def weights_drawn(self) -> int:
        return sum(layer.weights_drawn for layer in self.branch)

    @property
    def work(self) -> float:
        return sum(layer.work for layer in self.branch)

    @property
    def numbers(self) -> int:
        return max(layer.numbers for layer in self.branch)

    def advance(self, population: Population) -> None:
        trunk, factor = population.activations, population.factor
        exponents, lengths = population.exponents, population.bare_lengths
        population.exponents, population.bare_lengths = exponents.copy(), lengths.copy()
        for layer in self.branch:
            population.advance(layer)
        # The trunk's own factor stays outside: it is never rounded.
        scale, shift = math.frexp(self.scale * population.factor / factor)
        add_branch(
            trunk,
            exponents,
            lengths,
            population.activations,
            population.exponents + (self.exponent + shift),
            population.bare_lengths,
            scale,
            self.layout.width,
        )
        population.activations, population.factor = trunk, factor
        population.exponents, population.bare_lengths = exponents, lengths
