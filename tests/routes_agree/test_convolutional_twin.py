"""Convolutional nets that are fully connected ones in disguise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq

from proofs_check.convolutional_oracle import path_law
from theory.convolutional import Convolutional
from theory.convolutional_lengths import convolutional_moments
from theory.convolutional_twin import distinct_positions, fully_connected_twin
from theory.network import FullyConnected
from theory.prediction import predict
from theory.readings.exact import length_moments

KURTOSIS_4 = "finite:-2:1/8,0:3/4,2:1/8"
PLAIN = {"mode": "none", "variance_gain": 1}  # rational weights for every fan

SHAPES = {
    "line": {"channels": [1, 2, 1], "kernel": 2, "positions": 3},
    "odd kernel": {"channels": [1, 1, 2], "kernel": 3, "positions": 4},
    "groups": {"channels": [2, 2, 2], "kernel": 2, "positions": 3, "groups": 2},
    "groups then one": {"channels": [2, 2, 1], "kernel": 2, "positions": 2, "groups": [2, 1]},
    "one then groups": {"channels": [1, 2, 2], "kernel": 2, "positions": 3, "groups": [1, 2]},
    "image": {"channels": [1, 1, 1], "kernel": [2, 2], "positions": [2, 3]},
    "flat kernel": {"channels": [1, 2, 1], "kernel": [1, 2], "positions": [2, 2]},
    "point": {"channels": [2, 2, 1], "kernel": 1, "positions": 2},
}


def network(shape, padding="circular", law="rademacher", activation="relu", seed=None):
    options = dict(SHAPES[shape])
    plain = Convolutional(**options, padding=padding, weights=law, activation=activation, **PLAIN)
    if seed is None:
        return plain
    values = np.random.default_rng(seed).integers(-3, 4, plain.widths[0])
    return plain.replaced(input=[int(v) for v in values])


@pytest.mark.parametrize("padding", ["circular", "zero"])
@pytest.mark.parametrize("law", ["normal", "uniform", "laplace", "rademacher"])
def test_one_position_and_kernel_one_is_fully_connected(law, padding):
    options = {"weights": law, "activation": "leaky_relu:1/3", "input": [1, -2, "1/2"], "mode": "fan_avg"}
    conv = predict(Convolutional([3, 4, 2, 5], kernel=1, positions=1, padding=padding, **options), 4)
    dense = predict(FullyConnected([3, 4, 2, 5], **options), 4)
    assert conv.layers == dense.layers
    assert conv.empirical_variance == dense.empirical_variance
    assert conv.failure_modes == dense.failure_modes
    found, expected = conv.second_moment_bounds, dense.second_moment_bounds
    assert (found.lower, found.upper) == (expected.lower, expected.upper)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "none"])
def test_bounds_meet_in_the_fully_connected_moments(mode):
    """The route by bounds, which predict does not take here."""
    conv = Convolutional([3, 4, 2, 5], kernel=3, positions=4, mode=mode, variance_gain=["1/2", 2, 1])
    twin = fully_connected_twin(conv)
    found = convolutional_moments(conv)
    rows = length_moments(twin, 2)
    assert list(found.means) == [row[0] for row in rows]
    assert [q.value().number for q in found.second] == [row[1] for row in rows]
    assert found.empirical_variance.value() == predict(twin).empirical_variance


@pytest.mark.parametrize("depth", [2, 4, 5])
def test_empirical_variances_of_gains_that_differ(depth):
    """What a layer adds is carried to all later ones, by factors of the mean that are all different."""
    gains = [fmpq(1, 2), 3, fmpq(5, 2), 1, fmpq(4, 3)][:depth]
    conv = Convolutional([3, 4, 2, 5, 4, 2][: depth + 1], kernel=3, positions=4, variance_gain=gains)
    found = convolutional_moments(conv).empirical_variance
    assert found.value() == predict(fully_connected_twin(conv)).empirical_variance


@pytest.mark.parametrize("law", ["rademacher", KURTOSIS_4])
@pytest.mark.parametrize("shape", ["line", "odd kernel", "image"])
def test_inputs_alike_at_all_positions_against_enumeration(shape, law):
    """Orders 1 to 3: the weights of the twin are sums of kernel-size weights."""
    net = network(shape, law=law)
    size = math.prod(net.positions)
    net = net.replaced(input=[k + 1 for k in range(net.channels[0]) for _ in range(size)])
    law_of_path = path_law(net)
    for k, moment in enumerate(predict(net, 3).layers[-1].moments, start=1):
        assert moment.number == sum(p * path[-1] ** k for path, p in law_of_path.items())


def test_the_twin_needs_the_sum_of_the_weights():
    net = network("line", law=KURTOSIS_4)
    single = FullyConnected(net.channels, weights=KURTOSIS_4, mode="none", variance_gain=2)
    assert fully_connected_twin(net).weights[0].kurtosis == fmpq(7, 2)
    assert predict(net).layers[-1] != predict(single).layers[-1]


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"positions": 6, "kernel": 3, "input": [1, 2, 1, 2, 1, 2]}, 2),
        ({"positions": 6, "kernel": 3, "input": [1, 2, 1, 2, 1, 2], "padding": "zero"}, 6),
        ({"positions": [2, 3], "kernel": [1, 2], "padding": "zero"}, 3),
        ({"positions": [2, 3], "kernel": 2, "input": [1, 2, 3, 1, 2, 3]}, 3),
        ({"positions": 5, "kernel": 2, "input": [1, 1, 1, 1, 2]}, 5),
    ],
)
def test_distinct_positions(options, expected):
    assert distinct_positions(Convolutional([1, 2], **options)) == expected
