"""A spec as the plain numbers that the kernels read: scales, exponents, parameters of the laws.

A plan holds no formula for a moment; the square root of a variance is all it computes, and for the
truncated normal law an interpolation of its quantile function. It can be pickled. SciPy is imported
where it is needed, because it takes longer to load than many a simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from math import lcm
from typing import Any, TypeAlias

import numpy as np
from flint import arb, fmpq
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from simulate.kernels.drawing import weight_draws
from simulate.kernels.layer import padded
from simulate.networks import check_activation, laws_in_use, unknown
from simulate.steps.block import BlockPlan
from simulate.steps.convolution import ConvolutionPlan
from simulate.steps.layer import LayerPlan
from simulate.steps.layout import Grid, Layout
from simulate.steps.step import Step
from theory.activations import Activation
from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.errors import SpecError
from theory.laws import FiniteLaw, Laplace, Law, Normal, Rademacher, StudentT, TruncatedNormal, Uniform
from theory.network import FullyConnected, Layer
from theory.reals import Number, as_float, number
from theory.residual import Block, Residual
from theory.spec import Network

__all__ = ["LawPlan", "LayerPlan", "Plan", "input_log_length", "law_plan", "log_of", "plan", "tail_is_cut"]

Floats: TypeAlias = NDArray[np.float64]

_WIDEST = 10**7
_MOST_NUMBERS = 2**28
_NARROW = 2


@dataclass(frozen=True)
class LawPlan:
    """Which kernel draws the law, its parameters, and the scale that makes the variance one."""

    kernel: str
    scale: float
    parameters: tuple[Any, ...] = ()


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
        half = math.frexp(squared)[1] >> 1 if squared > 0 else 0
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
    weights, bias = law_plan(layer.weights), None
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
    if weights.kernel not in weight_draws:
        raise SpecError(f"{layer.weights.name} weights are not simulated in convolutions; take normal ones")
    # A signal is a single row.
    high, wide = (1, 1, *layer.kernel)[-2:]
    rows, columns = (1, 1, *layer.positions)[-2:]
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


def _factor(variance: Number, raw_scale: float) -> tuple[float, int]:
    """The standard deviation times the scale of raw draws, as number of [1/2, 1) and exponent."""
    fraction, exponent = _split(arb(variance).sqrt())
    scale, shift = math.frexp(fraction * raw_scale)
    return scale, exponent + shift


def _split(x: arb) -> tuple[float, int]:
    """frexp of a number that need not be in the range of floats."""
    whole, power = x.mid().man_exp()
    length = int(whole).bit_length()
    keep = max(length - 64, 0)
    return math.ldexp(int(whole) >> keep, keep - length), int(power) + length


def log_of(value: arb) -> float:
    """Natural logarithm of a number that need not be in the range of floats; -inf for 0."""
    return as_float(value.log()) if value != 0 else -math.inf


def input_log_length(network: Network) -> float:
    """log M_0 of the input as given.

    >>> input_log_length(FullyConnected([4, 1]))
    0.0
    """
    return log_of(arb(network.input_power_sum(1) / network.widths[0]))


def tail_is_cut(network: Network, half_order: int) -> bool:
    """Whether the 47 bits of a Student radius lose a thousandth of E w^(2 half_order) or more.

    The lost part is about 2^(-48 (1 - 2 half_order/df)) of the moment.

    >>> tail_is_cut(FullyConnected([2, 2], weights="student_t:5"), 2)
    True
    >>> tail_is_cut(FullyConnected([2, 2], weights="student_t:9"), 2)
    False
    """
    laws = set(laws_in_use(network))
    degrees = [as_float(law.degrees_of_freedom) for law in laws if isinstance(law, StudentT)]
    return any(48 * (1 - 2 * half_order / df) < math.log2(1000) for df in degrees)


@cache
def law_plan(law: Law) -> LawPlan:
    """The plan of a weight law.

    >>> law_plan(Normal()).kernel, round(law_plan(Normal()).scale ** 2 / math.log(2), 12)
    ('normal', 2.0)
    """
    return _LAWS[type(law)](law)


def _truncated(law: TruncatedNormal) -> LawPlan:
    scale = 1 / math.sqrt(as_float(law.raw_variance.enclosure()))
    cut = as_float(law.cut)
    if cut <= _NARROW:
        return LawPlan("narrow_normal", scale, _narrow_parameters(cut))
    return LawPlan("truncated_normal", scale, _truncated_parameters(cut))


def _narrow_parameters(cut: float) -> tuple[np.float32, ...]:
    """For y = erf(x/sqrt 2) up to that of the cut: x/y as P(t)/Q(t) of degree 4, t = 1 - slope y^2.

    Least squares at Chebyshev nodes, linearised and reweighted (Sanathanan and Koerner, IEEE Trans.
    Autom. Control 8, 1963). What has been rounded to single precision is taken as it is in the next
    step, so that roundings do not add up.
    """
    from scipy.special import erfinv

    largest = math.erf(cut / math.sqrt(2))
    unit, slope = np.float32(largest * 2.0**-31), np.float32(1 / largest**2)
    nodes = chebyshev.chebpts1(400)
    y = largest * np.sqrt((nodes + 1) / 2)
    seen = y * (float(unit) * 2.0**31 / largest)
    ratio = math.sqrt(2) * erfinv(y) / seen
    powers = np.vander(1 - float(slope) * seen**2, 5)
    below, denominator = np.ones(len(nodes)), np.zeros(4)
    for _ in range(12):
        columns = np.hstack([powers, -ratio[:, None] * powers[:, :-1]])
        denominator = _fit(columns, ratio, ratio * below)[5:].astype(np.float32).astype(np.float64)
        below = powers @ np.append(denominator, 1)
    numerator: list[np.float32] = []
    for k in range(5):
        rest = ratio * below - powers[:, :k] @ np.array(numerator, np.float64)
        numerator.append(np.float32(_fit(powers[:, k:], rest, ratio * below)[0]))
    return (unit, slope, *numerator, *_singles(*denominator))


def _fit(columns: Floats, target: Floats, unit: Floats) -> Floats:
    """Least squares with errors relative to `unit`."""
    return np.asarray(np.linalg.lstsq(columns / unit[:, None], target / unit, rcond=None)[0])


def _truncated_parameters(cut: float) -> tuple[np.float32, ...]:
    """For q = -log2(1 - y^2), w = q/(q + 12): x^2/q as a polynomial of degree 9 in t = p[2] + p[3] w."""
    from scipy.special import erfcinv, erfinv

    inside, outside = math.erf(cut / math.sqrt(2)), math.erfc(cut / math.sqrt(2))
    largest = -math.log2(max(outside * (1 + inside), 2.0**-48))
    slope = 2 * (largest + 12) / largest

    def ratio(t: Floats) -> Floats:
        w = (t + 1) / slope
        q = 12 * w / (1 - w)
        y = np.sqrt(-np.expm1(-q * math.log(2)))
        tail = np.exp2(-q) / (1 + y)
        x = math.sqrt(2) * np.where(tail < 0.5, erfcinv(tail), erfinv(y))
        result: Floats = x * x / q
        return result

    return _singles(outside, inside * 2.0**-31, -1, slope, *_interpolate(ratio))


def _interpolate(function: Callable[[Floats], Floats]) -> list[float]:
    """Coefficients of degree 9 on [-1, 1], highest first, from the Chebyshev nodes."""
    nodes = chebyshev.chebpts1(10)
    series = chebyshev.chebfit(nodes, function(nodes), 9)
    return [float(c) for c in chebyshev.cheb2poly(series)[::-1]]


def _singles(*values: float) -> tuple[np.float32, ...]:
    return tuple(map(np.float32, values))


def _student(law: StudentT) -> LawPlan:
    df = as_float(law.degrees_of_freedom)
    return LawPlan("student_t", math.sqrt(as_float(law.degrees_of_freedom - 2)), _singles(2 / df))


def _finite(law: FiniteLaw) -> LawPlan:
    """Values, whole numbers where single precision holds them, and the counts of 2^-64 below each."""
    unit = fmpq(1, lcm(*(int(v.q) for v, _ in law.points)))
    if max(abs(v / unit) for v, _ in law.points) > 2**24:
        unit = max(abs(v) for v, _ in law.points)
    variance = sum((v * v * p for v, p in law.points), fmpq(0)) / unit**2
    values = np.array([as_float(v / unit) for v, _ in law.points], np.float32)
    total, thresholds = fmpq(0), []
    for _, probability in law.points[:-1]:
        total += probability
        thresholds.append(min(int((total * 2**64).floor()), 2**64 - 1))
    scale = as_float(1 / arb(variance).sqrt())
    return LawPlan("finite", scale, (values, np.array(thresholds, np.uint64)))


_LAWS: dict[type[Law], Callable[[Any], LawPlan]] = {
    Normal: lambda law: LawPlan("normal", math.sqrt(2 * math.log(2))),
    # 2^16 equally spaced values, scaled to variance one exactly.
    Uniform: lambda law: LawPlan("uniform", math.sqrt(12 / (2**32 - 1)) * 2.0**-16),
    Rademacher: lambda law: LawPlan("rademacher", 1.0),
    Laplace: lambda law: LawPlan("laplace", math.log(2) / math.sqrt(2)),
    StudentT: _student,
    TruncatedNormal: _truncated,
    FiniteLaw: _finite,
}
