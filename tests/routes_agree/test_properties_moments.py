"""Properties of E M_j^k that hold for every symmetric law, swept over widths, depths, laws and scalings.

Each property takes the moments it speaks of from an argument; beside it stands a wrong formula for them,
which it rejects on a network found by hand.
"""

from __future__ import annotations

import pytest
from flint import fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actlen import strategies as nets
from proofs_check import oracle
from theory import gaussian, power_sums
from theory.activations import PiecewiseLinear
from theory.finite_laws import finite_law
from theory.laws import as_law
from theory.network import FullyConnected
from theory.readings import exact

MAX_STATES = 2_000
tiny_widths = nets.widths(max_depth=2, max_width=2) | nets.widths(max_depth=1, max_width=3)
few_values = nets.finite_laws(max_values=2)
factors = nets.rationals().filter(lambda t: t != 0)


def right(network, order):
    return exact.length_moments(network, order)


# The recursion equals the oracle, for arbitrary finite laws.


def equals_the_oracle(network, order, moments=right) -> bool:
    return moments(network, order) == oracle.length_moments(network, order, max_states=MAX_STATES)


@settings(max_examples=150)
@given(
    nets.fully_connected(widths=tiny_widths, weights=few_values, biased=False, zero_input=True),
    st.integers(1, 4),
)
def test_the_recursion_equals_the_oracle_for_arbitrary_finite_laws(network, order):
    try:
        assert equals_the_oracle(network, order)
    except oracle.OracleLimitError:
        assume(False)


@pytest.mark.full
@settings(max_examples=80)
@given(
    nets.fully_connected(widths=nets.widths(max_depth=2, max_width=2), weights=few_values, biased=False),
    few_values,
    st.sampled_from([fmpq(1), fmpq(2), fmpq(1, 3)]),
)
def test_the_recursion_equals_the_oracle_with_arbitrary_finite_biases(network, bias, ratio):
    biased = network.replaced(bias_weights=bias)
    biased = biased.replaced(bias_variance=oracle.rational_bias_variances(biased, ratio))
    try:
        assert equals_the_oracle(biased, 3)
    except oracle.OracleLimitError:
        assume(False)


def with_normal_kurtosis(network, order):
    """The wrong formula: every law is taken for the normal one."""
    return right(network.replaced(weights="normal"), order)


def test_the_oracle_rejects_an_ignored_kurtosis():
    network = FullyConnected([2, 2], weights="finite:-1:1/5,0:3/5,1:1/5")
    assert equals_the_oracle(network, 2)
    assert equals_the_oracle(network, 1, with_normal_kurtosis)
    assert not equals_the_oracle(network, 2, with_normal_kurtosis)


# Scaling: phi is positively homogeneous and all laws are symmetric.


def input_scales(network, t, order, moments=right) -> bool:
    """a_0 times t != 0 (and biases times |t|) multiplies E M_j^k by t^{2k}, at every layer."""
    start = [fmpq(1)] * network.widths[0] if network.input is None else network.input
    variances = [v * t**2 for v in network.bias_variance]
    scaled = network.replaced(input=[x * t for x in start], bias_variance=variances)
    return moments(scaled, order) == [
        [m * t ** (2 * k) for k, m in enumerate(row, 1)] for row in moments(network, order)
    ]


@settings(max_examples=100)
@given(nets.fully_connected(order=3, zero_input=True), factors)
def test_scaling_the_input_by_t_scales_the_kth_moment_by_its_2kth_power(network, t):
    assert input_scales(network, t, 3)


def gain_scales(network, layer, s, order, moments=right) -> bool:
    """Variance gain of one layer times s multiplies E M_j^k by s^k from there on, without biases."""
    gains = list(network.variance_gain)
    gains[layer] *= s
    changed = moments(network.replaced(variance_gain=gains), order)
    return changed == [
        [m * s ** (k if j > layer else 0) for k, m in enumerate(row, 1)]
        for j, row in enumerate(moments(network, order))
    ]


@settings(max_examples=100)
@given(nets.fully_connected(order=3, biased=False), st.integers(0, 3), factors.map(abs))
def test_scaling_one_variance_gain_scales_the_kth_moment_by_its_kth_power(network, layer, s):
    assert gain_scales(network, layer % network.depth, s, 3)


@settings(max_examples=60)
@given(nets.fully_connected(weights=few_values, biased=False), factors.map(abs))
def test_finite_laws_are_standardised(network, t):
    """A law written in another unit is the same law."""
    laws = [finite_law([(v * t, p) for v, p in law.points]) for law in network.weights]
    assert right(network.replaced(weights=laws), 2) == right(network, 2)


@settings(max_examples=60)
@given(nets.fully_connected(biased=False, critical=True), factors)
def test_at_critical_gain_the_unit_of_the_slopes_does_not_matter(network, t):
    plus, minus = network.activation.slopes
    scaled = FullyConnected(
        network.widths,
        weights=list(network.weights),
        activation=PiecewiseLinear(t * plus, t * minus),
        input=network.input,
    )
    assert right(scaled, 2) == right(network, 2)


BIASED = FullyConnected([2, 3, 2], weights="uniform", bias_variance="1/2")


def with_squared_biases(network, order):
    """The wrong formula: nu_2 squared."""
    return right(network.replaced(bias_variance=[v**2 for v in network.bias_variance]), order)


def with_gain_once(network, order):
    """The wrong formula: E M^k with g in place of g^k."""
    rows = right(network.replaced(variance_gain=1), order)
    totals = [fmpq(1)]
    for gain in network.variance_gain:
        totals.append(totals[-1] * gain)
    return [[m * total for m in row] for row, total in zip(rows, totals, strict=True)]


def test_scaling_rejects_squared_biases_and_a_gain_without_its_power():
    assert input_scales(BIASED, fmpq(3), 2)
    assert not input_scales(BIASED, fmpq(3), 2, with_squared_biases)
    plain = BIASED.replaced(bias_variance=0)
    assert gain_scales(plain, 1, fmpq(3), 2)
    assert gain_scales(plain, 1, fmpq(3), 1, with_gain_once)
    assert not gain_scales(plain, 1, fmpq(3), 2, with_gain_once)


# Permutations.


@settings(max_examples=80)
@given(nets.fully_connected(order=3), st.randoms(use_true_random=False))
def test_the_order_and_the_signs_of_the_input_do_not_matter(network, random):
    """Columns of W_1 are exchangeable and symmetric, biases or not."""
    start = [fmpq(1)] * network.widths[0] if network.input is None else list(network.input)
    random.shuffle(start)
    signed = [x * random.choice([-1, 1]) for x in start]
    assert right(network.replaced(input=signed), 3) == right(network, 3)


def widths_commute(network, order, moments=right) -> bool:
    """The law of M_d is that of any order of n_1, ..., n_d: M_d/M_0 is a product of independent factors."""
    first, *rest = network.widths
    turned = network.replaced(widths=[first, *rest[1:], rest[0]])
    backwards = network.replaced(widths=[first, *reversed(rest)])
    truth = moments(network, order)[-1]
    return moments(turned, order)[-1] == truth == moments(backwards, order)[-1]


@settings(max_examples=60)
@given(nets.widths(), st.integers(1, 4), nets.activations())
def test_under_normal_weights_the_order_of_the_widths_does_not_matter(widths, order, activation):
    assert widths_commute(FullyConnected(widths, activation=activation), order)


def test_under_other_weights_and_with_biases_the_order_of_the_widths_matters():
    """THEORY.md 10.5: what fails for uniform weights is the claim, not the test."""
    widths = [10, 10, 20, 30, 40]
    assert widths_commute(FullyConnected(widths), 2)
    assert not widths_commute(FullyConnected(widths, weights="uniform"), 2)
    assert not widths_commute(FullyConnected(widths, bias_variance=1), 2)


def without_last_layer(network, order):
    """The wrong formula: a layer too few, which sees only the widths before the last."""
    return right(network, order)[:-1]


def test_permutation_rejects_an_off_by_one_layer():
    assert not widths_commute(FullyConnected([2, 3, 4]), 2, without_last_layer)


# Two more routes, for every law that the strategies know.


def routes_agree(network, order, second=power_sums.length_moments) -> bool:
    return right(network, order)[1:] == list(second(network, order))


@settings(max_examples=80)
@given(nets.fully_connected(order=3, zero_input=True))
def test_power_sums_agree_for_every_law(network):
    assert routes_agree(network, 3)


normal_or_orthogonal = st.sampled_from([as_law("normal"), as_law("orthogonal")])


@settings(max_examples=60)
@given(nets.fully_connected(weights=normal_or_orthogonal, order=3))
def test_closed_forms_agree_where_they_apply(network):
    network = network.replaced(bias_weights="normal")
    assert routes_agree(network, 3, gaussian.length_moments)
    assert routes_agree(network, 2)


def test_the_second_route_rejects_a_binomial_that_is_wrong(monkeypatch):
    monkeypatch.setattr(power_sums, "comb", lambda n, k: n)
    assert routes_agree(BIASED, 1)
    assert not routes_agree(BIASED.replaced(widths=[2, 3, 3]), 3)
