"""A convolutional layer: its weights are drawn once and go over all positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulate.kernels.convolution import TOGETHER, convolve, fill_frame
from simulate.kernels.drawing import weight_draws
from simulate.kernels.elementary import COEFFICIENTS
from simulate.kernels.layer import padded
from simulate.kernels.streams import LANES
from simulate.kernels.winograd import SIDE, convolve_squares
from simulate.steps.layout import Grid, Layout, Places
from simulate.steps.step import Step

if TYPE_CHECKING:
    from simulate.law_plan import LawPlan
    from simulate.population import Population

__all__ = ["ConvolutionPlan"]

# Exact sums of whole numbers are worth more than speed.
_LAWS_WITH_ATOMS = ("rademacher", "finite")
_FEWEST_CHANNELS, _FEWEST_SQUARES, _MOST_FACTORS = 8, 16, 2**24
# A weight takes about as long to draw as it takes to be used so often.
_USES_TO_A_DRAW = 32


@dataclass(frozen=True)
class ConvolutionPlan(Step):
    """One layer: true weight = scale 2^exponent raw weight; channels in and out of all groups together."""

    in_channels: int
    channels: int
    groups: int
    grid: Grid
    circular: bool
    weights: LawPlan
    weight_scale: float
    weight_exponent: int
    slopes: tuple[np.float32, np.float32]

    @cached_property
    def layout(self) -> Layout:
        # The last group's last tile may reach behind the last channel.
        stride = padded(self.channels - self._outputs) + self._tiles * LANES
        return Layout(self.channels, stride, self.grid)

    @property
    def width(self) -> int:
        """Neurons."""
        return self.layout.width

    @property
    def weights_drawn(self) -> int:
        return self._fan_in * self.channels

    @property
    def work(self) -> float:
        positions = self.width // self.channels
        return self._kept * (1 + positions / _USES_TO_A_DRAW)

    @property
    def numbers(self) -> int:
        return max(self.layout.numbers, self._kept)

    @property
    def _inputs(self) -> int:
        """Input channels of a group."""
        return self.in_channels // self.groups

    @property
    def _outputs(self) -> int:
        """Output channels of a group."""
        return self.channels // self.groups

    @property
    def _tiles(self) -> int:
        return padded(self._outputs) // LANES

    @property
    def _fan_in(self) -> int:
        return len(self.grid.taps) * self._inputs

    @property
    def _kept(self) -> int:
        """Weights as they are kept, those included that no output has."""
        return self.groups * self._tiles * LANES * padded(self._fan_in)

    @cached_property
    def _in_squares(self) -> bool:
        """Whether products of polynomials are faster, and as good."""
        sides = all(size % SIDE == 0 for size in self.grid.positions) and self.grid.kernel == (3, 3)
        return (
            sides
            and self.weights.kernel not in _LAWS_WITH_ATOMS
            and self._inputs >= _FEWEST_CHANNELS
            and len(self.grid.corners) >= _FEWEST_SQUARES * SIDE**2
            and 4 * self._kept <= _MOST_FACTORS
        )

    @cached_property
    def _corners(self) -> Places:
        """The corners of positions, or of squares, the last one repeated to fill up the six."""
        corners = self.grid.every(SIDE) if self._in_squares else self.grid.corners
        return np.concatenate([corners, np.repeat(corners[-1:], -len(corners) % TOGETHER)])

    def advance(self, population: Population) -> None:
        inputs, stride = population.activations, population.layout.stride
        if self.circular:
            fill_frame(inputs, stride, *self.grid.circular_frame)
        weights = self._drawn(population.states)
        outputs = np.empty((len(inputs), self.layout.numbers), np.float32)
        shape = stride, self._inputs, self._tiles, self._outputs, self.layout.stride, self.grid.centre
        population.factor, shift = math.frexp(population.factor * self.weight_scale)
        exponent = self.weight_exponent + shift
        after = outputs, self.width, exponent, self.slopes, population.exponents, population.bare_lengths
        if self._in_squares:
            convolve_squares(inputs, weights, self._corners, self.grid.framed[1], shape, *after)
        else:
            convolve(inputs, weights, self._corners, self.grid.taps, shape, *after)
        population.activations, population.layout = outputs, self.layout

    def _drawn(self, states: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Fresh raw weights, a tile of outputs after another."""
        shape = len(states), self.groups * self._tiles, padded(self._fan_in) * LANES
        weights = np.empty(shape, np.float32)
        draw = weight_draws[self.weights.kernel]
        draw(states, self._fan_in, self._outputs, self.weights.parameters, COEFFICIENTS, weights)
        return weights
