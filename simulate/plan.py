"""A spec as the plain numbers that the kernels read: scales, exponents, plans of the laws.

A plan holds no formula for a moment; the square root of a variance is all it computes. It can be pickled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from simulate.kernels.layer import padded
from simulate.law_plan import LawPlan, law_plan
from simulate.networks import check_activation, unknown
from simulate.steps.block import BlockPlan
from simulate.steps.convolution import ConvolutionPlan
from simulate.steps.layer import LayerPlan
from simulate.steps.layout import Grid, Layout
from simulate.steps.step import Step
from theory.activations import Activation
from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.errors import SpecError
from theory.laws import Orthogonal
from theory.network import FullyConnected, Layer
from theory.reals import Number, as_float, number
from theory.residual import Block, Residual
from theory.spec import Network

__all__ = ["Plan", "input_log_length", "log_of", "plan"]

_WIDEST = 10**7
_MOST_NUMBERS = 2**28


@dataclass(frozen=True)
class Plan:
    """A whole network: the input scaled by 2^-input_exponent and how it is stored, then a step a length."""

    input: tuple[float, ...]
    input_exponent: int
    layout: Layout
    layers: tuple[Step, ...]

    @cached_property
    def stored_input(self) -> tuple[NDArray[np.float32], float, int]:
        """The input as it is stored, near 1; M_0 over 4^exponent of it; and that exponent."""
        squared = float(np.mean(np.square(self.input)))
        half = math.frexp(squared)[1] >> 1
        row = np.ldexp(self.layout.stored(np.array(self.input, np.float32)), -half)
        return row, math.ldexp(squared, -2 * half), half

    @property
    def numbers(self) -> int:
        """The most single-precision numbers that are kept at once for one network."""
        return max(self.layout.numbers, *(step.numbers for step in self.layers))

    @property
    def work(self) -> float:
        """Rough cost of one network, in weights drawn."""
        return sum(step.work for step in self.layers)

    @property
    def weights_per_network(self) -> int:
        """How many weights one network has, biases not counted."""
        return sum(step.weights_drawn for step in self.layers)


def plan(network: Network) -> Plan:
    """The plan of a spec; `SpecError` for what no simulation could hold."""
    if not isinstance(network, Network):
        raise unknown(network)
    widest = max(network.widths)
    if widest > _WIDEST:
        raise SpecError(
            f"a layer of width {widest:,} is too wide to simulate (limit {_WIDEST:,}); "
            "predict has no such limit"
        )
    made = Plan(*_input(network), *_steps(network))
    if made.numbers > _MOST_NUMBERS:
        raise SpecError(
            f"a layer keeps {made.numbers:,} weights for one network, too many to simulate (limit "
            f"{_MOST_NUMBERS:,}); take fewer channels or a smaller kernel"
        )
    return made


def _steps(network: Network) -> tuple[Layout, tuple[Step, ...]]:
    """The layout of the input, and the steps."""
    flat = Layout.flat(network.widths[0])
    if isinstance(network, (Residual, Convolutional)):
        check_activation(network)
    if isinstance(network, Convolutional):
        layers = tuple(map(_convolution, network.layers))
        first, grid = network.channels[0], layers[0].grid
        return Layout(first, padded(first), grid), layers
    if isinstance(network, Residual):
        # Blocks alike share their layers as objects.
        shared = {id(block.layers): block.layers for block in network.blocks}
        branches = {key: tuple(map(_layer, layers)) for key, layers in shared.items()}
        return flat, tuple(_block(block, branches[id(block.layers)]) for block in network.blocks)
    if isinstance(network, FullyConnected):
        return flat, tuple(map(_layer, network.layers))
    raise unknown(network)


def _input(network: Network) -> tuple[tuple[float, ...], int]:
    """Coordinates scaled to a largest one of [1/2, 1), and the exponent that was taken out."""
    if network.input is None:
        return (1.0,) * network.widths[0], 0
    exponent = max((_split(arb(x))[1] for x in network.input if x != 0), default=0)
    shift = fmpq(2) ** -exponent
    return tuple(as_float(x * shift) for x in network.input), exponent


def _layer(layer: Layer) -> LayerPlan:
    weights, bias = _weights_plan(layer), None
    scale, exponent = _factor(layer.entry_variance, weights.scale)
    bias_scale, bias_exponent = 0.0, 0
    if layer.bias_variance != 0:
        bias = law_plan(layer.bias)
        bias_scale, bias_exponent = _factor(layer.bias_variance, bias.scale)
    return LayerPlan(
        layer.fan_in,
        layer.width,
        weights,
        scale,
        exponent,
        bias,
        bias_scale,
        bias_exponent,
        _slopes(layer.activation),
    )


def _block(block: Block, branch: tuple[LayerPlan, ...]) -> BlockPlan:
    return BlockPlan(*_split(arb(number(block.scale))), branch)


def _convolution(layer: ConvolutionalLayer) -> ConvolutionPlan:
    weights = law_plan(layer.weights)
    # A signal is a single row.
    high, wide = (1, *layer.kernel)[-2:]
    rows, columns = (1, *layer.positions)[-2:]
    return ConvolutionPlan(
        layer.in_channels,
        layer.channels,
        layer.groups,
        Grid((rows, columns), (high, wide)),
        layer.padding == "circular",
        weights,
        *_factor(layer.entry_variance, weights.scale),
        _slopes(layer.activation),
    )


def _slopes(activation: Activation) -> tuple[np.float32, np.float32]:
    plus, minus = map(as_float, activation.slopes)
    return np.float32(plus), np.float32(minus)


def _weights_plan(layer: Layer) -> LawPlan:
    """Orthogonal matrices are drawn whole, with entries of variance 1/max(fan_in, width)."""
    if isinstance(layer.weights, Orthogonal):
        return LawPlan("orthogonal", math.sqrt(max(layer.fan_in, layer.width)), (layer.width,))
    return law_plan(layer.weights)


def _factor(variance: Number, raw_scale: float) -> tuple[float, int]:
    """The standard deviation times the scale of raw draws, as number of [1/2, 1) and exponent."""
    fraction, exponent = _split(arb(variance).sqrt())
    scale, shift = math.frexp(fraction * raw_scale)
    return scale, exponent + shift


def _split(x: arb) -> tuple[float, int]:
    """frexp of a number that need not be in the range of floats."""
    whole, power = map(int, x.mid().man_exp())
    length = whole.bit_length()
    return whole / (1 << length), power + length


def log_of(value: arb) -> float:
    """Natural logarithm of a number that need not be in the range of floats; -inf for 0."""
    return as_float(value.log()) if value != 0 else -math.inf


def input_log_length(network: Network) -> float:
    """log M_0 of the input as given.

    >>> input_log_length(FullyConnected([4, 1]))
    0.0
    """
    return log_of(arb(network.input_power_sum(1) / network.widths[0]))
