"""A fully connected layer: one sum per output over fresh weights, which are never kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulate.kernels.activation import activate
from simulate.kernels.layer import padded
from simulate.kernels.streams import LANES
from simulate.steps.layout import Layout
from simulate.steps.step import Step

if TYPE_CHECKING:
    from simulate.law_plan import LawPlan
    from simulate.population import Population

__all__ = ["LayerPlan"]


@dataclass(frozen=True)
class LayerPlan(Step):
    """One layer: true weight = scale 2^exponent raw weight, likewise the bias where there is one."""

    fan_in: int
    width: int
    weights: LawPlan
    weight_scale: float
    weight_exponent: int
    bias: LawPlan | None
    bias_scale: float
    bias_exponent: int
    slopes: tuple[np.float32, np.float32]

    @property
    def layout(self) -> Layout:
        return Layout.flat(self.width)

    @property
    def weights_drawn(self) -> int:
        return self.fan_in * self.width

    @property
    def work(self) -> float:
        return float(padded(self.fan_in) * padded(self.width))

    @property
    def numbers(self) -> int:
        return padded(max(self.fan_in, self.width))

    def advance(self, population: Population) -> None:
        sums = population.sums(self.weights, population.activations, self.fan_in, self.width)
        scale, shift = math.frexp(population.factor * self.weight_scale)
        if self.bias is None:
            biases = np.empty((len(sums), 0), np.float32)
            population.factor, scale = scale, 1.0
        else:
            ones = np.zeros((len(sums), LANES), np.float32)
            ones[:, 0] = 1
            biases = population.sums(self.bias, ones, 1, self.width)
            population.factor = 1.0
        activate(
            sums,
            self.width,
            scale,
            self.weight_exponent + shift,
            biases,
            self.bias_scale,
            self.bias_exponent,
            self.slopes,
            population.exponents,
            population.bare_lengths,
        )
        population.activations, population.layout = sums, self.layout
