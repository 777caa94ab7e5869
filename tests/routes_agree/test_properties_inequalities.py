"""Inequalities of the moments: those of every random variable, and monotonicity in kappa, widths and depth.

What is monotone, and why:

- In the laws. The recursion has non-negative coefficients in m_4, m_6, ... and the moments of the biases,
  so E M_j^k never falls when any of them rises; E M_j does not see m_4 at all.
- In the last width. Given a_{d-1}, M_d is a mean of n_d i.i.d. numbers. The mean of n + 1 of them is the
  average of its n + 1 leave-one-out means, so for convex f, E f falls or stays as n grows: E M_d^k for
  every law and bias, as long as the weights do not depend on n_d (fan_in, none).
- In the other widths, under normal weights without bias (fan_in): M_d/M_0 is a product of independent
  factors, one of each layer, each a mean as above. Not under other laws: Rademacher, 1, n, 1 gives 6 - 2/n.
- In the depth, at critical gain: E[M_j | the past] = M_{j-1} + c_1 nu_2 >= M_{j-1}, so that M_j^k is a
  submartingale.

Each property has a wrong formula beside it, which it rejects.
"""

from __future__ import annotations

from itertools import combinations, pairwise, product

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from actlen import strategies as nets
from theory.activations import as_activation
from theory.laws import as_law
from theory.network import FullyConnected
from theory.readings import exact

RELU = as_activation("relu")


def right(network, order):
    return exact.length_moments(network, order)


# What the moments of any random variable M >= 0 satisfy.


def are_moments(row) -> bool:
    """Stieltjes: the Hankel matrices of 1, m_1, m_2, ... and of m_1, m_2, ... have no negative minor.

    Two by two they say m_k^2 <= m_{k-1} m_{k+1}: log-convexity, and with it Lyapunov's inequality.
    """
    moments = [fmpq(1), *row]
    return all(_no_negative_minor(moments[shift:]) for shift in (0, 1))


def _no_negative_minor(sequence) -> bool:
    size = (len(sequence) + 1) // 2
    minors = (
        fmpq_mat(len(rows), len(rows), [sequence[i + j] for i, j in product(rows, rows)]).det()
        for count in range(1, size + 1)
        for rows in combinations(range(size), count)
    )
    return all(minor >= 0 for minor in minors)


def jensen_and_lyapunov(row) -> bool:
    """(E M)^k <= E M^k, and (E M^j)^{1/j} <= (E M^k)^{1/k} for j < k."""
    pairs = combinations(enumerate(row, 1), 2)
    return all(low**k <= high**j for (j, low), (k, high) in pairs)


def log_convex(row) -> bool:
    moments = [fmpq(1), *row]
    return all(b * b <= a * c for a, b, c in zip(moments, moments[1:], moments[2:], strict=False))


@settings(max_examples=80)
@given(nets.fully_connected(order=5, zero_input=True))
def test_jensen_lyapunov_log_convexity_and_stieltjes(network):
    for row in right(network, 5):
        assert jensen_and_lyapunov(row)
        assert log_convex(row)
        assert are_moments(row)


@pytest.mark.parametrize("constant", [-5, -1])
def test_jensen_rejects_a_wrong_sign(constant):
    """1 - 5/n in place of 1 + 5/n is no second moment."""
    q = 1 + fmpq(constant, 10)
    assert not jensen_and_lyapunov([fmpq(1), q])
    assert not log_convex([fmpq(1), q])
    assert not are_moments([fmpq(1), q])


def test_stieltjes_says_more_than_log_convexity():
    """det (1 1 2; 1 2 6; 2 6 m_4) = m_4 - 20, while log-convexity asks for m_4 >= 18."""
    assert log_convex([fmpq(m) for m in (1, 2, 6, 19)])
    assert not are_moments([fmpq(m) for m in (1, 2, 6, 19)])
    assert are_moments([fmpq(m) for m in (1, 2, 6, 20)])


def test_stieltjes_rejects_a_lost_half():
    """E M^3 = 1 + 15/n + 44/n^2 with its c_3 halved: 2.25 > 1.47 at n = 10."""
    assert are_moments([fmpq(1), fmpq(3, 2), fmpq(294, 100)])
    assert not are_moments([fmpq(1), fmpq(3, 2), fmpq(147, 100)])


# Monotonicity.


def heavier_never_lowers(network, light, heavy, order, moments=right) -> bool:
    """Every even moment of `heavy` is at least that of `light`: so are all E M_j^k."""
    assert all(light.even_moment(r) <= heavy.even_moment(r) for r in range(1, order + 1))
    before, after = (moments(network.replaced(weights=law), order) for law in (light, heavy))
    return all(
        a <= b for low, high in zip(before, after, strict=True) for a, b in zip(low, high, strict=True)
    )


ORDERED = ["rademacher", "uniform", "normal", "laplace"]


@settings(max_examples=80)
@given(nets.fully_connected(order=3), st.sampled_from(list(combinations(ORDERED, 2))))
def test_moments_never_fall_as_those_of_the_weights_rise(network, pair):
    light, heavy = map(as_law, pair)
    assert heavier_never_lowers(network, light, heavy, 3)


@settings(max_examples=60)
@given(nets.fully_connected(biased=False), nets.finite_laws(), nets.finite_laws())
def test_second_moments_never_fall_as_kappa_rises(network, one, other):
    light, heavy = sorted((one, other), key=lambda law: law.kurtosis)
    assert heavier_never_lowers(network, light, heavy, 2)


@settings(max_examples=60)
@given(nets.fully_connected(order=3), nets.rationals(0, 2))
def test_moments_never_fall_as_biases_grow(network, more):
    wider = network.replaced(bias_variance=[v + more for v in network.bias_variance])
    for low, high in zip(right(network, 3), right(wider, 3), strict=True):
        assert all(a <= b for a, b in zip(low, high, strict=True))


def with_excess_subtracted(network, order):
    """The wrong formula: 3 - kappa in place of kappa - 3 (Laplace and Rademacher trade places)."""
    twins = {"laplace": "rademacher", "rademacher": "laplace"}
    return right(network.replaced(weights=[twins.get(w.name, w) for w in network.weights]), order)


def test_monotonicity_in_kappa_rejects_a_turned_sign():
    network = FullyConnected([2, 3, 2])
    light, heavy = as_law("rademacher"), as_law("laplace")
    assert heavier_never_lowers(network, light, heavy, 2)
    assert not heavier_never_lowers(network, light, heavy, 2, with_excess_subtracted)


def wider_never_raises(network, layer, more, order, moments=right) -> bool:
    widths = list(network.widths)
    widths[layer] += more
    before, after = (moments(net, order)[-1] for net in (network, network.replaced(widths=widths)))
    return all(a >= b for a, b in zip(before, after, strict=True))


@settings(max_examples=80)
@given(nets.fully_connected(order=4), st.sampled_from(["fan_in", "none"]), st.integers(1, 5))
def test_moments_never_rise_with_the_last_width_under_any_law(network, mode, more):
    assert wider_never_raises(network.replaced(mode=mode), network.depth, more, 4)


@settings(max_examples=80)
@given(nets.widths(), nets.activations(), st.integers(1, 4), st.integers(1, 5))
def test_under_normal_weights_moments_never_rise_with_any_width(widths, activation, layer, more):
    layer = 1 + (layer - 1) % (len(widths) - 1)
    assert wider_never_raises(FullyConnected(widths, activation=activation), layer, more, 4)


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_under_rademacher_weights_a_wider_hidden_layer_can_raise_the_second_moment(n):
    """Widths 1, n, 1. E M_1^2 = 1 + 1/n, S_1 = 2; E M_2^2 = 6 (1 + 1/n) - 4 * 2/n = 6 - 2/n."""
    network = FullyConnected([1, n, 1], weights="rademacher")
    assert right(network, 2)[-1] == [1, 6 - fmpq(2, n)]
    assert not wider_never_raises(network, 1, 1, 2)


def by_fan_out(network, order):
    """The wrong formula: fan_out for fan_in, so that the mean falls with n_d, and rises with n_{d-1}."""
    return right(network.replaced(mode="fan_out"), order)


def test_monotonicity_in_the_widths_rejects_fan_out_for_fan_in():
    assert wider_never_raises(FullyConnected([2, 3, 2]), 0, 4, 2)
    assert not wider_never_raises(FullyConnected([2, 3, 2]), 0, 4, 1, by_fan_out)


def deeper_never_lowers(network, order, moments=right) -> bool:
    return all(
        a <= b for low, high in pairwise(moments(network, order)) for a, b in zip(low, high, strict=True)
    )


@settings(max_examples=80)
@given(nets.fully_connected(order=4, critical=True))
def test_at_critical_gain_moments_never_fall_with_depth(network):
    assert deeper_never_lowers(network, 4)


def test_monotonicity_in_depth_rejects_another_gain():
    """The wrong formula: Glorot's 1 for He's 2."""
    network = FullyConnected([2, 3, 2])
    assert not deeper_never_lowers(network, 1, lambda net, k: right(net.replaced(variance_gain=1), k))


def grows_with_every_layer(network, moments=right) -> bool:
    """E M_j^2 > E M_{j-1}^2: strictly, which abs and Rademacher weights after one neuron would not give."""
    return all(low[1] < high[1] for low, high in pairwise(moments(network, 2)))


@settings(max_examples=60)
@given(nets.fully_connected(critical=True, activation=st.just(RELU)))
def test_relu_nets_spread_in_every_layer(network):
    """Given a_{j-1} != 0, relu(z) is 0 with probability at least 1/2: no layer is without variance."""
    assert grows_with_every_layer(network)


def test_growth_rejects_a_layer_counted_twice():
    network = FullyConnected([2, 3, 2])
    repeated = [right(network, 2)[j] for j in (0, 1, 1)]
    assert not grows_with_every_layer(network, lambda net, k: repeated)
