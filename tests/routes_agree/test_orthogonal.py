"""Orthogonal weights: exact moments against finite groups, Beta laws, signs and the other routes.

A finite group G of orthogonal matrices stands in for Haar's measure up to degree t when every orbit of G
is a spherical t-design, which is so when its invariant polynomials below degree t + 1 are those of the whole
group: t = 15 for the dihedral group of order 32 (invariants of degrees 2 and 16), t = 5 for the
icosahedral group of order 120 (degrees 2, 6, 10). Both contain every change of signs, so a neuron's mask is
fair. E M^k has degree 2k in every matrix. With random signs as biases whole nets are enumerated by
explicit matrices, no formula shared.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from math import comb, prod

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import gaussian, power_sums
from theory.fans import FAN_MODES
from theory.laws import Orthogonal
from theory.network import FullyConnected
from theory.readings import exact
from theory.recursion import moment_recursion

GOLDEN = (1 + 5**0.5) / 2
ACTIVATIONS = ["relu", "abs", "linear", "leaky_relu:1/2", "slopes:1/2:-3"]


def orthogonal(widths, **options):
    return FullyConnected(widths, weights="orthogonal", **options)


def moments(network, order):
    return exact.length_moments(network, order)[-1]


def floats(numbers):
    return [int(x.p) / int(x.q) for x in numbers]


def reflection(root):
    root = np.array(root, float)
    return np.eye(len(root)) - 2 * np.outer(root, root) / (root @ root)


def group(*generators):
    """All products of the generators, by closure."""
    found = [np.eye(len(generators[0]))]
    for element in found:
        for generator in generators:
            other = element @ generator
            if np.abs(np.array(found) - other).max(axis=(1, 2)).min() > 1e-9:
                found.append(other)
    return np.array(found)


DIHEDRAL = group(reflection([1, 0]), reflection([-np.cos(np.pi / 16), np.sin(np.pi / 16)]))
ICOSAHEDRAL = group(reflection([1, 0, 0]), reflection([0, 1, 0]), reflection([GOLDEN, 1, 1 / GOLDEN]))
GROUPS = {1: np.array([[[1.0]], [[-1.0]]]), 2: DIHEDRAL, 3: ICOSAHEDRAL}


def enumerated(network, order, groups=GROUPS):
    """E M_d^k, k = 1..order, over explicit matrices and Rademacher biases."""
    states = np.ones((1, network.widths[0])) if network.input is None else np.array([floats(network.input)])
    for layer in network.layers:
        side = max(layer.width, layer.fan_in)
        scale = (side * floats([layer.entry_variance])[0]) ** 0.5
        matrices = scale * groups[side][:, : layer.width, : layer.fan_in]
        signs = np.array(list(product([1, -1], repeat=layer.width if layer.bias_variance != 0 else 0)))
        z = np.einsum("gij,sj->sgi", matrices, states).reshape(-1, 1, layer.width)
        if layer.bias_variance != 0:
            z = z + floats([layer.bias_variance])[0] ** 0.5 * signs
        plus, minus = floats(layer.activation.slopes)
        states = (np.where(z > 0, plus, minus) * z).reshape(-1, layer.width)
    lengths = np.mean(states**2, axis=1)
    return [float(np.mean(lengths**k)) for k in range(1, order + 1)]


def agree(network, order, groups=GROUPS):
    return np.allclose(floats(moments(network, order)), enumerated(network, order, groups), rtol=1e-9)


def wrong_ratios():
    """Mutants of ratio_k: another step, the smaller side, none at all, one factor too many."""

    def ratio(side, step, shift=0):
        def value(self, k, fan_in, width):
            n = fmpq(side(fan_in, width))
            return prod((n / (n + step(i)) for i in range(k + shift * (k > 0))), start=fmpq(1))

        return value

    return {
        "N + 2i - 1": ratio(max, lambda i: 2 * i - (i > 0)),
        "min for max": ratio(min, lambda i: 2 * i),
        "no ratio": ratio(max, lambda i: 0),
        "one more factor": ratio(max, lambda i: 2 * i, shift=1),
    }


ENUMERABLE = [
    orthogonal([2, 2]),
    orthogonal([2, 2, 2], input=["3/2", -1], bias_weights="rademacher", bias_variance="1/3"),
    orthogonal([2, 1, 2], input=[1, -2], activation="leaky_relu:1/2", variance_gain=["1/2", 3]),
    orthogonal([1, 2, 1], bias_weights="rademacher", bias_variance=[1, "2/5"], mode="fan_out"),
    orthogonal([1, 1, 2, 2], bias_weights="rademacher", bias_variance=["1/2", 0, 1], mode="fan_avg"),
]
OF_THREE = [
    orthogonal([3, 3], input=[1, -2, "1/2"]),
    orthogonal([2, 3], bias_weights="rademacher", bias_variance="1/2", input=[1, 3]),
    orthogonal([3, 2, 3], input=[1, 0, 2], activation="slopes:1/2:-3", variance_gain="1/2", mode="fan_max"),
    orthogonal([3, 1, 3], bias_weights="rademacher", bias_variance=["1/7", 2], mode="fan_out"),
]


def test_the_groups_are_those_of_the_invariants():
    """Order = product of the degrees: 2 * 16 and 2 * 6 * 10; every change of signs belongs to them."""
    assert [len(g) for g in GROUPS.values()] == [2, 32, 120]
    for g in GROUPS.values():
        for signs in product([1, -1], repeat=g.shape[1]):
            assert any(np.allclose(np.diag(signs), element) for element in g)


@pytest.mark.parametrize("network", ENUMERABLE)
def test_whole_nets_over_the_dihedral_group(network):
    assert agree(network, 6)


@pytest.mark.parametrize("network", OF_THREE)
def test_whole_nets_over_the_icosahedral_group(network):
    assert agree(network, 2)


@pytest.mark.parametrize("mutant", wrong_ratios())
def test_enumeration_rejects_wrong_ratios(monkeypatch, mutant):
    monkeypatch.setattr(Orthogonal, "moment_ratio", wrong_ratios()[mutant])
    assert not all(agree(network, 6) for network in ENUMERABLE)
    assert not all(agree(network, 2) for network in OF_THREE)


def test_enumeration_rejects_other_laws_and_smaller_groups():
    """Normal weights in theory; the group of the square, good to degree 3 only; variance 1/N when tall."""
    net = ENUMERABLE[1]
    assert not agree(net.replaced(weights="normal"), 2)
    square = GROUPS | {2: group(reflection([1, 0]), reflection([1, 1]))}
    assert agree(orthogonal([2, 2]), 1, square)
    assert not agree(orthogonal([2, 2]), 2, square)
    tall = orthogonal([2, 3])
    assert agree(tall, 2)
    assert moments(tall.replaced(variance_gain="4/3"), 1) != moments(tall, 1)
    assert not np.allclose(floats(moments(tall.replaced(variance_gain="4/3"), 2)), enumerated(tall, 2))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_by_one_matrices_are_signs(activation):
    """O(1) is {1, -1}: Rademacher weights, exactly. Mutants where N = 1 shows them."""
    options = {"activation": activation, "bias_variance": ["1/3", 0, 2], "variance_gain": [1, "5/2", 2]}
    haar = orthogonal([1, 1, 1, 1], **options)
    assert exact.length_moments(haar, 8) == exact.length_moments(haar.replaced(weights="rademacher"), 8)
    assert moments(haar, 8) != moments(haar.replaced(weights="uniform"), 8)


def beta_factor(k, fan_in, width):
    """E (M_1/M_0)^k, ReLU at gain 2: M_1/M_0 = (2 N/n) Y, Y ~ Beta(B/2, (N - B)/2), B ~ Bin(n, 1/2)."""
    side = max(fan_in, width)
    beta = (
        prod((Fraction(b + 2 * i, side + 2 * i) for i in range(k)), start=Fraction(1))
        for b in range(width + 1)
    )
    mean = sum(comb(width, b) * value for b, value in enumerate(beta)) / Fraction(2**width)
    return Fraction(2 * side, width) ** k * mean


def beta_agrees(widths, order=5):
    product_of_factors = [
        prod((beta_factor(k, m, n) for m, n in pairwise(widths)), start=Fraction(1))
        for k in range(1, order + 1)
    ]
    return [Fraction(int(x.p), int(x.q)) for x in moments(orthogonal(widths), order)] == product_of_factors


SHAPES = [(m, n) for m in range(1, 7) for n in range(1, 7)] + [(4, 3, 3, 5, 3), (10, 10, 20, 30, 40)]


def test_lengths_are_beta_variables():
    """The share of |Q a|^2 that B coordinates of a point of the sphere keep; one layer, and several."""
    assert all(beta_agrees(widths) for widths in SHAPES)


@pytest.mark.parametrize("mutant", wrong_ratios())
def test_beta_variables_reject_wrong_ratios(monkeypatch, mutant):
    monkeypatch.setattr(Orthogonal, "moment_ratio", wrong_ratios()[mutant])
    assert not all(beta_agrees(widths) for widths in SHAPES)
    assert mutant == "one more factor" or beta_agrees((3, 3), 1)


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_second_moments_by_hand(n):
    """Square: 1 + 3/(n + 2); 2 n -> n: 2n (n + 5)/((2n + 2) n); n -> 2n: (2n + 5)/(2n + 2)."""
    assert moments(orthogonal([n, n]), 2)[1] == 1 + fmpq(3, n + 2)
    assert moments(orthogonal([2 * n, n]), 2)[1] == fmpq(2 * n * (n + 5), (2 * n + 2) * n)
    assert moments(orthogonal([n, 2 * n]), 2)[1] == fmpq(2 * n + 5, 2 * n + 2)
    assert moments(orthogonal([n, n]), 2)[1] != 1 + fmpq(3, n + 1)


@st.composite
def networks(draw):
    depth = draw(st.integers(1, 4))
    widths = [draw(st.integers(1, 7)) for _ in range(depth + 1)]
    each = lambda values: [draw(st.sampled_from(values)) for _ in range(depth)]  # noqa: E731
    return FullyConnected(
        widths,
        weights=each(["orthogonal", "orthogonal", "normal", "uniform", "rademacher"]),
        variance_gain=each(["1", "2", "1/3"]),
        mode=draw(st.sampled_from([mode for mode in FAN_MODES if mode != "fan_geo_avg"])),
        bias_weights=each(["normal", "rademacher"]),
        bias_variance=each(["0", "1", "2/7"]),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        input=[draw(st.integers(-2, 2)) for _ in range(widths[0])],
    )


def routes_agree(network, order=4):
    recursion = exact.length_moments(network, order)[1:]
    routes = [list(power_sums.length_moments(network, order))]
    if gaussian.applies_to(network):
        routes.append(list(gaussian.length_moments(network, order)))
    return all(route == recursion for route in routes)


@pytest.mark.full
@settings(max_examples=150)
@given(networks())
def test_power_sums_and_closed_forms_agree(network):
    """Orthogonal layers among others, biases of any law, every rational fan mode."""
    assert routes_agree(network)


MIXED = orthogonal([4, 3, 3, 5, 3], bias_variance="1/3", input=[1, 0, -2, 1])


def test_route_mutants_are_rejected(monkeypatch):
    """The ratio of another degree in the power sums; a width's map reused at another fan-in."""
    assert routes_agree(MIXED)
    right = power_sums._expect
    with monkeypatch.context() as patch:
        patch.setattr(power_sums, "_expect", lambda p, s, r: right(p, s, [fmpq(1), *r[:-1]]))
        assert not routes_agree(MIXED)
    recursion = moment_recursion(3, True)
    maps = [exact.layer_map(layer, recursion) for layer in MIXED.layers]
    start = exact.start_state(MIXED, recursion)
    assert recursion.length_moments(list(recursion.run(maps, start))[-1], fmpq) == moments(MIXED, 3)
    reused = [maps[0], maps[1], maps[2], maps[1]]
    assert recursion.length_moments(list(recursion.run(reused, start))[-1], fmpq) != moments(MIXED, 3)
