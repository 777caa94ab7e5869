"""Bounds on E M_j^2 and E EmpVar of convolutional nets: true of enumerated and sampled nets, and sharp.

Enumeration is exact, so that a sandwich has no tolerance there.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.convolutional_oracle import path_law
from theory import convolutional_lengths as lengths
from theory.convolutional import Convolutional
from theory.convolutional_bounds import layer_growth
from theory.convolutional_lengths import convolutional_moments
from theory.prediction import predict
from theory.values import Bounded, Exact

KURTOSIS_4 = "finite:-2:1/8,0:3/4,2:1/8"
PLAIN = {"mode": "none", "variance_gain": 1}
SHAPES = [
    {"channels": [1, 2, 1], "kernel": 2, "positions": 3},
    {"channels": [1, 1, 2], "kernel": 3, "positions": 4},
    {"channels": [2, 2, 2], "kernel": 2, "positions": 2, "groups": 2},
    {"channels": [2, 2, 1], "kernel": 2, "positions": 2, "groups": [2, 1]},
    {"channels": [1, 2, 2], "kernel": 2, "positions": 3, "groups": [1, 2]},
    {"channels": [1, 1, 1, 1], "kernel": [2, 1], "positions": [2, 2]},
    {"channels": [2, 1, 1], "kernel": 1, "positions": 3},
    {"channels": [2, 4, 2], "kernel": 1, "positions": 1, "groups": 2},
]
ACTIVATIONS = ["relu", "abs", "linear", "leaky_relu:1/2", "slopes:-1:0"]


@st.composite
def networks(draw):
    net = Convolutional(
        **draw(st.sampled_from(SHAPES)),
        padding=draw(st.sampled_from(["circular", "zero"])),
        weights=draw(st.sampled_from(["rademacher", KURTOSIS_4])),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        **PLAIN,
    )
    size = net.widths[0]
    return net.replaced(input=draw(st.lists(st.integers(-2, 3), min_size=size, max_size=size)))


def enumerated(net):
    """E M_j^2 for j = 0, ..., d, and E EmpVar."""
    law, d = path_law(net), net.depth
    second = [sum((p * path[j] ** 2 for path, p in law.items()), fmpq(0)) for j in range(d + 1)]
    spread = fmpq(0)
    for path, p in law.items():
        spread += p * (sum(m**2 for m in path[1:]) / d - (sum(path[1:]) / d) ** 2)
    return second, spread


def between(bounds, number) -> bool:
    """Not certainly outside."""
    return not (bounds.lower > number or bounds.upper < number)


def sandwiched(net) -> bool:
    second, spread = enumerated(net)
    found = convolutional_moments(net)
    inside = [between(q, number) for q, number in zip(found.second, second, strict=True)]
    return all(inside) and (found.empirical_variance is None or between(found.empirical_variance, spread))


@pytest.mark.full
@settings(max_examples=50)
@given(networks())
def test_enumerated_moments_lie_between_the_bounds(net):
    assert sandwiched(net)


SPIKE = Convolutional([1, 1], kernel=2, positions=3, weights=KURTOSIS_4, input=[1, 0, 0], **PLAIN)
ONE_GROUP = Convolutional([2, 2], kernel=1, positions=1, groups=2, weights=KURTOSIS_4, input=[1, 0], **PLAIN)
RIGHT_GROWTH, RIGHT_CARRIED = layer_growth, lengths.carried_lengths


def forgetting_positions(layer, *, one_sign, positions):
    return RIGHT_GROWTH(layer, one_sign=one_sign, positions=1)


def averages_of_squares(network, levels=(1,), *, longest_bits=None):
    """The input's mean squares where the squares of its averages belong: Jensen the wrong way."""
    return (replace(c, averages=c.squares) for c in RIGHT_CARRIED(network, levels, longest_bits=longest_bits))


def without_groups(network, spreads, *, longest_bits=None):
    """C/c in place of C G/c."""
    return RIGHT_FORMS(network.replaced(groups=1), spreads, longest_bits=longest_bits)


RIGHT_FORMS = lengths.square_forms
MUTANTS = {
    "positions forgotten": (SPIKE, "layer_growth", forgetting_positions),
    "averages of squares": (SPIKE, "carried_lengths", averages_of_squares),
    "5/c for 5G/c": (ONE_GROUP, "square_forms", without_groups),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_sandwich_rejects_mutants(name, monkeypatch):
    net, attribute, mutant = MUTANTS[name]
    assert sandwiched(net)
    monkeypatch.setattr(lengths, attribute, mutant)
    if name == "5/c for 5G/c":
        monkeypatch.setattr(lengths, "input_levels", lambda network: frozenset({1}))
    assert not sandwiched(net)


def by_pairs_of_channels(net) -> list[fmpq]:
    """E M_j^2 of normal ReLU nets at one position, from E a_k^2 a_l^2 for all pairs of channels."""
    x = net.input
    pairs = [[a**2 * b**2 for b in x] for a in x]
    found = [sum(map(sum, pairs)) / len(x) ** 2]
    for layer in net.layers:
        own, each = layer.in_channels // layer.groups, layer.channels // layer.groups
        groups = range(layer.groups)
        means = [
            [sum(sum(row[h * own : (h + 1) * own]) for row in pairs[g * own : (g + 1) * own]) for h in groups]
            for g in groups
        ]
        n = layer.channels
        pairs = [
            [means[k // each][l // each] / own**2 * (6 if k == l else 1) for l in range(n)] for k in range(n)
        ]
        found.append(sum(map(sum, pairs)) / fmpq(n) ** 2)
    return found


@pytest.mark.parametrize("groups", [[2, 2, 2], [4, 2, 1], [1, 2, 4], [4, 1, 4], [2, 4, 2]])
def test_groups_at_one_position_are_exact(groups):
    net = Convolutional([4, 8, 4, 4], kernel=1, positions=1, groups=groups, input=[1, -2, 0, "1/2"])
    found = convolutional_moments(net)
    assert [q.value() for q in found.second] == [Exact(q) for q in by_pairs_of_channels(net)]
    assert not isinstance(predict(net).layers[-1].moments[1], Bounded)


@pytest.mark.parametrize("groups", [[2, 3, 2], [3, 2, 3], [6, 4, 6]])
def test_groups_of_which_none_divides_the_other_lie_between(groups):
    net = Convolutional([12, 12, 12, 12], kernel=1, positions=1, groups=groups, input=range(12))
    found = convolutional_moments(net).second
    assert all(between(q, exact) for q, exact in zip(found, by_pairs_of_channels(net), strict=True))
    assert not found[-1].is_known
