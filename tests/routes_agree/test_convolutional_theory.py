"""Exact means of convolutional nets against enumeration, which sums every convolution as it is defined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb, fmpq

from proofs_check.convolutional_oracle import path_law
from proofs_check.convolutional_oracle import position_means as enumerated_positions
from theory import convolutional_means
from theory.convolutional import Convolutional, ConvolutionalLayer
from theory.convolutional_lengths import convolutional_moments
from theory.convolutional_means import position_means
from theory.reals import as_float

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


def enumerated_means(net):
    law = path_law(net)
    return tuple(sum((p * path[j] for path, p in law.items()), fmpq(0)) for j in range(net.depth + 1))


def means_agree(net) -> bool:
    return enumerated_means(net) == convolutional_moments(net).means


@pytest.mark.full_cases("*relu-image-circular", "*relu-odd kernel-circular")
@pytest.mark.parametrize("padding", ["circular", "zero"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("law, activation", [(KURTOSIS_4, "relu"), ("rademacher", "leaky_relu:1/2")])
def test_means_against_enumeration(shape, padding, law, activation):
    assert means_agree(network(shape, padding, law, activation, seed=1))


@pytest.mark.parametrize("shape", SHAPES)
def test_means_at_every_position_against_enumeration(shape):
    """The even kernel reaches to the right: positions are not symmetric, so shifted offsets show."""
    net = network(shape, "zero", seed=2)
    *_, last = position_means(net, net.groups[0])
    assert last.by_position().ravel().tolist() == enumerated_positions(net)


def undivided(self):
    return math.prod(self.kernel) * self.in_channels


def starting_at_p(self):
    return tuple(range(q) for q in self.kernel)


MEAN_MUTANTS = {
    "a fan that forgets the groups": (
        "groups",
        ConvolutionalLayer,
        "fan_in",
        property(undivided),
    ),
    "a border taken for a circle": ("line", convolutional_means, "loses_mass", lambda net: False),
    "offsets that start at p": ("odd kernel", ConvolutionalLayer, "offsets", property(starting_at_p)),
}


@pytest.mark.parametrize("name", MEAN_MUTANTS)
def test_means_reject_mutants(name, monkeypatch):
    shape, home, attribute, mutant = MEAN_MUTANTS[name]
    net = network(shape, "zero", seed=2)
    law = enumerated_means(net)
    assert law == convolutional_moments(net).means
    monkeypatch.setattr(home, attribute, mutant)
    monkeypatch.setattr("theory.carried_lengths.loses_mass", convolutional_means.loses_mass)
    assert law != convolutional_moments(net).means


def test_means_carried_back_from_the_last_layer():
    """E M_d = <(T*)^d 1, u_0>/P: the transpose applied to a constant, in floating point."""
    rng = np.random.default_rng(5)
    net = Convolutional(
        [2, 4, 4, 4], kernel=[2, 3], positions=[5, 6], padding="zero", input=rng.integers(-9, 9, 60).tolist()
    )
    weight = np.ones((5, 6)) / 30
    for _ in range(net.depth):
        spread = np.zeros((7, 9))
        for i in range(2):
            for k in range(3):
                spread[i : i + 5, k : k + 6] += weight / 6
        weight = spread[0:5, 1:7]
    expected = np.sum(weight * np.mean(np.array(net.input, dtype=float).reshape(2, 5, 6) ** 2, axis=0))
    assert as_float(convolutional_moments(net).means[-1]) == pytest.approx(expected, rel=1e-12)


def test_all_ones_are_carried_axis_by_axis():
    net = Convolutional([2, 4, 4], kernel=[2, 3], positions=[4, 5], padding="zero")
    written_out = net.replaced(input=[1] * 40)
    assert convolutional_moments(net).means == convolutional_moments(written_out).means
    *_, short = position_means(net)
    *_, long = position_means(written_out)
    assert (short.by_position() == long.by_position()).all()


def test_long_integers_become_balls_around_the_same_means():
    net = Convolutional([1] + [2] * 40, kernel=3, positions=9, padding="zero", input=range(9))
    exact, enclosed = (list(position_means(net, longest_bits=bits)) for bits in (None, 30))
    for one, other in zip(exact[-1].by_position(), enclosed[-1].by_position(), strict=True):
        assert isinstance(other, arb)
        assert other.overlaps(arb(one))
        assert not other.overlaps(arb(one) * fmpq(101, 100))
