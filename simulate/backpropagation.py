"""Backpropagation through explicit random networks whose weights are never kept.

On the way forward each layer leaves behind the signs of its pre-activations and the streams as they
were before it; on the way back the streams give the same weights again. The networks are those of
`direct` with the same seed; the read-out v comes from their streams after the last layer. F = v . a_d,
delta_j is its gradient at the pre-activation z_j. Where the slopes of an activation differ its
derivative at 0 is taken as 0, so that a network that has died passes nothing back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulate.kernels.activation import activate
from simulate.kernels.elementary import COEFFICIENTS
from simulate.kernels.layer import padded, weight_passes
from simulate.kernels.streams import LANES
from simulate.kernels.transposed import transposed_passes
from simulate.law_plan import LawPlan
from simulate.plan import Plan
from simulate.population import Population, Purpose
from simulate.scaled import Lengths
from simulate.steps.layer import LayerPlan

__all__ = ["Tape", "Vectors", "layer_steps"]

Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
States = NDArray[np.uint32]

_LINEAR = (np.float32(1), np.float32(1))


@dataclass(frozen=True)
class Vectors:
    """One vector a network: factor * 2^exponents times `numbers` (R, padded width), zero beyond the width."""

    numbers: Singles
    width: int
    factor: float
    exponents: Integers
    mean_squares: NDArray[np.float64]

    @classmethod
    def of(cls, population: Population) -> Vectors:
        """The activations of a population."""
        found = population
        return cls(found.activations, found.width, found.factor, found.exponents, found.bare_lengths)

    @property
    def lengths(self) -> Lengths:
        """|vector|^2 per coordinate, shape (R,)."""
        return Lengths(self.mean_squares * self.factor**2, 2 * self.exponents)

    def weighted(self, sums: Singles, width: int, law_scale: float, exponent: int) -> Vectors:
        """What raw sums over these vectors are with the scale of the weights, brought near 1."""
        factor, shift = math.frexp(self.factor * law_scale)
        exponents, mean_squares = self.exponents.copy(), np.empty(len(sums))
        none = np.empty((len(sums), 0), np.float32)
        activate(sums, width, 1.0, exponent + shift, none, 0.0, 0, _LINEAR, exponents, mean_squares)
        return Vectors(sums, width, factor, exponents, mean_squares)


@dataclass(frozen=True)
class _Mark:
    """What one layer leaves behind: its streams before it, and the derivatives at its pre-activations."""

    plan: LayerPlan
    fan_in: int
    states: States
    derivatives: NDArray[np.int8]

    def masked(self, sums: Singles) -> Singles:
        """Sums times the derivatives, in place: at z > 0, z < 0 and z = 0."""
        plus, minus = self.plan.slopes
        at_zero = plus if plus == minus else np.float32(0)
        sums[:, : self.plan.width] *= np.array([at_zero, plus, minus])[self.derivatives]
        return sums


def layer_steps(plan: Plan) -> tuple[LayerPlan, ...]:
    """The steps of a fully connected net, which alone know the way back."""
    return tuple(step for step in plan.layers if isinstance(step, LayerPlan))


class Tape:
    """The way forward of R networks, ready for any number of ways back."""

    def __init__(self, plan: Plan, seed: int, first: int, count: int) -> None:
        population = Population(plan, seed, Purpose.DIRECT, first, count)
        self.states = population.states
        self.marks: list[_Mark] = []
        vectors = Vectors.of(population)
        self.lengths = [vectors.lengths]
        for layer in layer_steps(plan):
            before, sums = self.states.copy(), self._sums(layer.weights, vectors, layer.width)
            signs = np.sign(sums[:, : layer.width]).astype(np.int8)
            self.marks.append(_Mark(layer, vectors.width, before, signs))
            vectors = _through(self.marks[-1], vectors, sums)
            self.lengths.append(vectors.lengths)

    def deltas(self, readout: LawPlan) -> Iterator[Vectors]:
        """delta_d, ..., delta_1; draws the read-out, so a second call has another one."""
        ones = np.zeros((len(self.states), LANES), np.float32)
        ones[:, 0] = 1
        nothing = np.zeros(len(ones), np.int64)
        delta = Vectors(ones, 1, 1.0, nothing, np.ones(len(ones)))
        top = self.marks[-1]
        raw = top.masked(self._sums(readout, delta, top.plan.width))
        delta = delta.weighted(raw, top.plan.width, readout.scale, 0)
        yield delta
        for above, below in pairwise(reversed(self.marks)):
            sums = below.masked(_transposed(above, delta))
            plan = above.plan
            delta = delta.weighted(sums, below.plan.width, plan.weight_scale, plan.weight_exponent)
            yield delta

    def directions(self, start: Vectors) -> Iterator[Vectors]:
        """J_1 u, ..., J_d u for u = `start`, J_j the Jacobian of a_j in the input."""
        vectors = start
        for mark in self.marks:
            law, width = mark.plan.weights, mark.plan.width
            vectors = _through(mark, vectors, _sums(law, vectors, width, mark.states.copy()))
            yield vectors

    def _sums(self, law: LawPlan, inputs: Vectors, width: int) -> Singles:
        return _sums(law, inputs, width, self.states)


def _through(mark: _Mark, vectors: Vectors, sums: Singles) -> Vectors:
    plan = mark.plan
    return vectors.weighted(mark.masked(sums), plan.width, plan.weight_scale, plan.weight_exponent)


def _sums(law: LawPlan, inputs: Vectors, width: int, states: States) -> Singles:
    """Raw sums (R, padded width) of the weights that come out of the streams times the inputs."""
    sums = np.empty((len(states), padded(width)), np.float32)
    weight_passes[law.kernel](inputs.numbers, inputs.width, states, law.parameters, COEFFICIENTS, sums)
    return sums


def _transposed(mark: _Mark, delta: Vectors) -> Singles:
    """Raw sums (R, padded fan_in) of the layer's own weights, transposed, times delta."""
    law, sums = mark.plan.weights, np.empty((len(delta.numbers), padded(mark.fan_in)), np.float32)
    transposed = transposed_passes[law.kernel]
    transposed(delta.numbers, mark.fan_in, mark.states.copy(), law.parameters, COEFFICIENTS, sums)
    return sums
