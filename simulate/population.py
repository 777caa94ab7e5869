"""Many networks on their way through the layers, each with its own explicit weights.

Shared by the methods `direct` and `splitting`. The only evidence for a formula is here: no
distributional identity is used, weights are drawn one by one.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulate.kernels.elementary import COEFFICIENTS
from simulate.kernels.layer import padded, weight_passes
from simulate.kernels.streams import LANES, fill_states
from simulate.law_plan import LawPlan
from simulate.plan import Plan
from simulate.scaled import shifted
from simulate.steps.step import Step

__all__ = ["Population", "Purpose"]

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


class Purpose(IntEnum):
    """What a stream is for; streams of different purposes never meet."""

    DIRECT = 0
    RESAMPLING = 1
    SPLITTING = 2
    CONDITIONAL = 3
    LAW = 4


class Population:
    """R networks of one plan, at one measured length.

    a_j is factor * 2^exponents times `activations` (R, numbers of the layout), and M_j is 4^exponents
    times `lengths`, which lie in [1/8, 2), or are 0 where the layer is dead. Without biases the scale
    of a layer goes into the common factor in double precision, so that sums of lattice weights stay
    exact and no rounding adds up over the layers. Steps change all of this in place.
    """

    def __init__(self, plan: Plan, seed: int, purpose: int, first: int, count: int) -> None:
        row, length, half = plan.stored_input
        self.layout = plan.layout
        self.factor = 1.0
        self.activations: Singles = np.tile(row, (count, 1))
        self.exponents: Integers = np.full(count, plan.input_exponent + half, np.int64)
        self.bare_lengths: Doubles = np.full(count, length)
        self.states: NDArray[np.uint32] = np.empty((count, 4 * LANES), np.uint32)
        fill_states(np.uint64(seed), np.uint64(purpose), np.uint64(first), self.states)

    @property
    def lengths(self) -> Doubles:
        """M_j / 4^exponents."""
        return self.bare_lengths * self.factor**2

    @property
    def width(self) -> int:
        """n_j."""
        return self.layout.width

    def advance(self, step: Step) -> None:
        """Go through one step with fresh weights."""
        step.advance(self)

    def sums(self, law: LawPlan, inputs: Singles, fan_in: int, width: int) -> Singles:
        """Raw sums (R, padded width) of fresh weights of the law times the inputs."""
        sums = np.empty((len(inputs), padded(width)), np.float32)
        weight_passes[law.kernel](inputs, fan_in, self.states, law.parameters, COEFFICIENTS, sums)
        return sums

    def place(self, activations: Singles, exponents: Integers, bare_lengths: Doubles) -> None:
        """Put other networks in these places, which go on with the streams of the places."""
        self.activations, self.exponents, self.bare_lengths = activations, exponents, bare_lengths

    def true_activations(self) -> Doubles:
        """a_j in double precision, shape (R, width); it may overflow where M_j does."""
        values = self.layout.values(self.activations).astype(np.float64) * self.factor
        return shifted(values, self.exponents[:, None])
