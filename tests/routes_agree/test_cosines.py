"""The map of angles at infinite width: against the integral it stands for; balls that reach beyond 1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb

from theory.correlation import cosine_of, infinite_width_cosines
from theory.errors import SpecError
from theory.network import FullyConnected

SLOPES = {
    "relu": (1, 0),
    "leaky_relu:1/4": (1, 0.25),
    "abs": (1, -1),
    "linear": (1, 1),
    "slopes:2:-1/3": (2, -1 / 3),
    "slopes:-1/2:3": (-0.5, 3),
}


def mean_product(rho: float, slopes) -> float:
    """E phi(z) phi(z') by the angle: (z, z') = r (cos a, cos(a - b)), rho = cos b, E r^2 = 2, in 7 pieces.

    Between the kinks the integrand is a trigonometric polynomial, which Gauss's rule takes exactly.
    """
    b = math.acos(rho)
    ends = np.unique(np.mod([0, *(s * math.pi / 2 + t for s in (1, -1) for t in (0, b))], 2 * math.pi))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    total = 0.0
    for low, high in zip(ends, [*ends[1:], 2 * math.pi], strict=True):
        a = (low + high) / 2 + (high - low) / 2 * nodes
        values = [np.where(v > 0, slopes[0] * v, slopes[1] * v) for v in (np.cos(a), np.cos(a - b))]
        total += float(weights @ (values[0] * values[1])) * (high - low) / 2
    return 2 * total / (2 * math.pi)


@pytest.mark.parametrize("activation", SLOPES)
@pytest.mark.parametrize("y", [[4, 3], [3, 4], [-4, 3], [0, 5], [-3, -3]])
def test_cosines_are_ratios_of_the_integral(activation, y):
    """Layer by layer E phi(z) phi(z')/E phi(z)^2, from x = (3, 4)."""
    net = FullyConnected([2, 9, 9], activation=activation, output_activation=activation)
    start = (3 * y[0] + 4 * y[1]) / (5 * math.hypot(*y))
    expected = [start]
    for _ in range(2):
        rho, slopes = expected[-1], SLOPES[activation]
        expected.append(mean_product(rho, slopes) / mean_product(1.0, slopes))
    found = [float(c) for c in infinite_width_cosines(net, [3, 4], y)]
    assert found == pytest.approx(expected, abs=1e-12)


def test_layers_have_their_own_slopes():
    net = FullyConnected([2, 9, 9], activation="abs", output_activation="linear")
    first, second = infinite_width_cosines(net, [1, 0], [0, 1])[1:]
    assert float(first) == float(second) == pytest.approx(2 / math.pi)


@pytest.mark.parametrize("x", [[1, 2, 3], [1, 1, 5], [0, 2, 7]])
def test_parallel_and_opposite_inputs_stay_so_as_far_as_slopes_allow(x):
    """Their cosine is a ball that reaches beyond 1 or -1: ReLU takes -1 to 0, abs to 1, linear keeps it."""
    for activation, limits in (("relu", (1, 0)), ("abs", (1, 1)), ("linear", (1, -1))):
        net = FullyConnected([3, 9], activation=activation, output_activation=activation)
        for sign, limit in zip((2, -3), limits, strict=True):
            (start, end) = infinite_width_cosines(net, x, [sign * v for v in x])
            assert float(start) == pytest.approx(math.copysign(1, sign))
            assert float(end) == pytest.approx(limit, abs=1e-6)
            assert end.ball.overlaps(arb(limit))


def test_an_input_and_itself_stay_parallel_through_many_layers():
    """Errors of layers add up, and the ball stays narrow and defined."""
    cosines = infinite_width_cosines(FullyConnected([2, *[9] * 50]), [1, 2], [2, 4])
    assert all(c.ball.overlaps(arb(1)) and float(c.ball.rad()) < 1e-12 for c in cosines)


def test_cosines_by_hand():
    """(3, 4) and (4, 3): 24/25; (1, 2, 2) and (2, 0, 0): 1/3; what comes after has its own length."""
    assert cosine_of([3, 4], [4, 3]).overlaps(arb(24) / 25)
    assert cosine_of([1, 2, 2], [2, 0, 0]).overlaps(arb(1) / 3)
    assert cosine_of([0, 2], [1, 0]) == 0


def test_what_has_no_angle():
    with pytest.raises(SpecError, match="as many coordinates, not 2 and 3"):
        cosine_of([1, 2], [1, 2, 3])
    for x, y in (([0, 0], [1, 2]), ([1, 2], [0, 0])):
        with pytest.raises(SpecError, match="an input of length 0 has no angle"):
            cosine_of(x, y)
