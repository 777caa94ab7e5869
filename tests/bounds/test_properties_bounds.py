"""Bounds that hold for every law, for arbitrary finite laws in particular, and where they are attained.

Theorem 5 with its constants and its biases, universality, and the quarter of Corollary 2 (THEORY.md
sections 3 and 4). Beside each stands a smaller constant, which some network refutes.
"""

from __future__ import annotations

from flint import fmpq
from hypothesis import given, settings

from actlen import strategies as nets
from theory.activations import as_activation
from theory.bounds import layer_constants, second_moment_bounds
from theory.empirical_variance import expected_empirical_variance
from theory.network import FullyConnected
from theory.readings.exact import length_moments

ZERO, QUARTER, HALF, TWO = fmpq(0), fmpq(1, 4), fmpq(1, 2), fmpq(2)
RELU = as_activation("relu")
KURTOSIS_3 = "finite:-1:1/6,0:2/3,1:1/6"


def relu(network):
    """The same net bent by ReLU, at its critical gain."""
    return network.replaced(activation=RELU, output_activation=RELU, variance_gain=None)


relu_nets = nets.fully_connected(critical=True, biased=False).map(relu)
biased_relu_nets = nets.fully_connected(critical=True).map(relu)


def second(network) -> fmpq:
    return length_moments(network, 2)[-1][1]


# Theorem 5.


def sandwiched(network, widen=ZERO) -> bool:
    """lower <= E M_d^2 <= upper, both constants moved outwards by `widen` (inwards where it is negative)."""
    low = high = (network.input_power_sum(1) / network.widths[0]) ** 2
    for layer in network.layers:
        c, big = layer_constants(layer.weights, layer.activation)
        low *= layer.mean_factor**2 * (1 + (c - widen) / layer.width)
        high *= layer.mean_factor**2 * (1 + (big + widen) / layer.width)
    return bool(low <= second(network) <= high)


@settings(max_examples=120)
@given(nets.fully_connected(biased=False))
def test_the_second_moment_lies_between_its_bounds_for_arbitrary_finite_laws(network):
    found = second_moment_bounds(network)
    assert found.lower.number <= second(network) <= found.upper.number
    assert sandwiched(network)


@settings(max_examples=60)
@given(nets.widths(max_width=6), nets.activations())
def test_every_law_of_kurtosis_three_attains_both(widths, activation):
    """c = C = 3 tau - 1 needs nothing of the law but its fourth moment."""
    for law in ("normal", KURTOSIS_3):
        network = FullyConnected(widths, weights=law, activation=activation)
        found = second_moment_bounds(network)
        assert found.lower.number == second(network) == found.upper.number
        assert not sandwiched(network, fmpq(-1, 10**6))


@settings(max_examples=60)
@given(nets.finite_laws(), nets.widths(max_width=5))
def test_a_single_neuron_before_every_layer_attains_the_kurtosis_constant(law, widths):
    """n_1 = ... = n_{d-1} = 1 and a one-hot input: prod (1 + (2 kappa - 1)/n_j)."""
    first, *rest = widths
    sizes = [first, *[1] * (len(rest) - 1), rest[-1]]
    network = FullyConnected(sizes, weights=law, input=[1] + [0] * (first - 1))
    attained = fmpq(1, first) ** 2
    for n in sizes[1:]:
        attained *= 1 + (2 * law.kurtosis - 1) / fmpq(n)
    assert second(network) == attained
    assert not sandwiched(network, fmpq(-1, 10**6))


def test_the_sandwich_rejects_constants_that_are_too_close():
    network = FullyConnected([1, 1], weights="rademacher")
    assert sandwiched(network)
    assert not sandwiched(network, fmpq(-1, 2))


# With biases.


def below_the_bound_with_biases(network, *, fourths=HALF) -> bool:
    """E M_d^2 <= prod (1 + C/n_j) [(M_0 + (1/2) sum nu_2)^2 + (1/2) sum nu_4/n_j], ReLU at critical gain."""
    mean = network.input_power_sum(1) / network.widths[0]
    rise, extra = fmpq(1), fmpq(0)
    for layer in network.layers:
        rise *= 1 + layer_constants(layer.weights, RELU)[1] / layer.width
        if layer.bias_variance != 0:
            mean += layer.bias_variance / 2
            extra += fourths * layer.bias.even_moment(2) * layer.bias_variance**2 / layer.width
    return bool(second(network) <= rise * (mean**2 + extra))


@settings(max_examples=120)
@given(biased_relu_nets)
def test_the_second_moment_lies_below_its_bound_with_any_biases(network):
    assert below_the_bound_with_biases(network)


def test_the_bound_with_biases_rejects_lost_fourth_moments():
    """A zero input, one neuron, one rare bias: E M_1^2 = nu_4/2 is nearly all there is."""
    network = FullyConnected(
        [1, 1], input=[0], bias_variance=1, bias_weights="finite:-1:1/400,0:199/200,1:1/400"
    )
    assert below_the_bound_with_biases(network)
    assert not below_the_bound_with_biases(network, fourths=fmpq(0))


# Universality.


def growth_is_near_five(network, constant=TWO) -> bool:
    """|q_j/q_{j-1} - 1 - 5/n_j| <= 2 |kappa_j - 3| max(6, 2 kappa_{j-1}) / (n_j n_{j-1}) for j >= 2."""
    q = [row[1] for row in length_moments(network, 2)]
    for before, layer in zip(network.layers, network.layers[1:], strict=False):
        n, j = fmpq(layer.width), layer.index
        allowed = constant * abs(layer.kurtosis - 3) * max(fmpq(6), 2 * before.kurtosis) / (n * before.width)
        if abs(q[j] / q[j - 1] - 1 - 5 / n) > allowed:
            return False
    return True


@settings(max_examples=100)
@given(relu_nets)
def test_the_growth_of_every_law_is_near_that_of_the_normal_one(network):
    assert growth_is_near_five(network)


def test_universality_rejects_a_smaller_constant():
    """Rademacher, 1, 1, 1: q_1 = 2, q_2 = 4, so |2 - 6| = 4 against 2 max(6, 2) = 12 times the constant."""
    network = FullyConnected([1, 1, 1], weights="rademacher")
    assert growth_is_near_five(network)
    assert growth_is_near_five(network, fmpq(1, 3))
    assert not growth_is_near_five(network, fmpq(1, 3) - fmpq(1, 1000))


# Corollary 2.


def quarter_holds(network, share=QUARTER) -> bool:
    """E EmpVar <= Var M_d / 4 without bias at critical gain; E M_d = M_0."""
    rows = length_moments(network, 2)[1:]
    spread = expected_empirical_variance(network, [r[0] for r in rows], [r[1] for r in rows])
    return bool(0 <= spread <= share * (rows[-1][1] - rows[-1][0] ** 2))


@settings(max_examples=100)
@given(nets.fully_connected(critical=True, biased=False))
def test_the_empirical_variance_is_at_most_a_quarter_of_the_variance(network):
    assert quarter_holds(network)


def test_a_quarter_is_the_best_share():
    """d = 2, n_1 -> infinity: (q_2 - q_1)/4 against q_2 - 1."""
    network = FullyConnected([1, 10**9, 1])
    assert quarter_holds(network)
    assert not quarter_holds(network, fmpq(1, 4) - fmpq(1, 10**6))
