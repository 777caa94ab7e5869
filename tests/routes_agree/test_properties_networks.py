"""Networks that are the same net in another guise: cut in two, bent the same way, or of another kind.

A net cut in two. Given a_i, normal weights make z_{i+1} normal of variance g M_i: M_j is a Markov chain, and
without bias E[M_d^k | a_i] = f_k M_i^k, so that the first part's E M_i^k are all that the second part needs.
(With normal biases f_k is a polynomial in M_i.) Under other laws the second part needs the direction of
a_i as well: E over the states a_i of what it predicts *from a_i* is right for every law, while what it
predicts from E M_i^k alone is not.
"""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from actlen import strategies as nets
from theory.activations import as_activation
from theory.convolutional import Convolutional
from theory.laws import as_law
from theory.network import FullyConnected
from theory.prediction import predict
from theory.readings import exact
from theory.readings import residual as residual_reading
from theory.residual import Residual
from theory.residual_bounds import moment_bounds


def right(network, order):
    return exact.length_moments(network, order)


def part(network, low, high, **options):
    """Layers low + 1, ..., high as a net of its own; the input is one if it is not said."""
    return FullyConnected(
        network.widths[low : high + 1],
        weights=list(network.weights[low:high]),
        variance_gain=list(network.variance_gain[low:high]),
        mode=network.mode,
        activation=network.activation,
        output_activation=network.output_activation if high == network.depth else network.activation,
        **options,
    )


# Composition.


def closes_over_lengths(network, cut, order, moments=right) -> bool:
    """E M_d^k = E M_i^k times what the second part makes of M_0 = 1."""
    first = moments(part(network, 0, cut, input=network.input), order)[-1]
    second = moments(part(network, cut, network.depth), order)[-1]
    return [a * b for a, b in zip(first, second, strict=True)] == moments(network, order)[-1]


def only(name):
    return st.just(as_law(name))


@settings(max_examples=80)
@given(
    nets.fully_connected(widths=nets.widths(min_depth=2), weights=only("normal"), biased=False),
    st.integers(1, 3),
)
def test_under_normal_weights_a_net_cut_in_two_predicts_the_same(network, cut):
    assert closes_over_lengths(network, 1 + (cut - 1) % (network.depth - 1), 4)


def test_a_cut_rejects_other_laws_and_a_layer_counted_twice():
    """Rademacher, 2, 2, 2: 19/4 is not (5/2)^2 (test_hand_values)."""
    network = FullyConnected([2, 2, 2])
    assert closes_over_lengths(network, 1, 2)
    assert not closes_over_lengths(network.replaced(weights="rademacher"), 1, 2)
    assert not closes_over_lengths(network, 1, 2, with_the_last_layer_twice)


def with_the_last_layer_twice(network, order):
    """The wrong formula: the last factor squared."""
    *_, before, last = right(network, order)
    return [[b * b / a for a, b in zip(before, last, strict=True)]]


def averaged_over_the_first_layer(network, order, weigh=lambda p: p):
    """E over all W_1 of what the other layers predict from a_1 itself; finite laws, no bias."""
    law, (inputs, width) = network.weights[0], network.widths[:2]
    first = network.layers[0]
    unit = first.entry_variance / law.raw_moment(1)
    start = [fmpq(1)] * inputs if network.input is None else network.input
    plus, minus = first.activation.slopes
    total = [fmpq(0)] * order
    for drawn in product(law.points, repeat=inputs * width):
        values = [v for v, _ in drawn]
        rows = [values[i * inputs : (i + 1) * inputs] for i in range(width)]
        raw = [sum((w * x for w, x in zip(row, start, strict=True)), fmpq(0)) for row in rows]
        bent = [z * (plus if z > 0 else minus) for z in raw]
        later = right(part(network, 1, network.depth, input=bent), order)[-1]
        chance = weigh(prod((p for _, p in drawn), start=fmpq(1)))
        # a_1 is sqrt(unit) times what stands here, and E M^k grows with the 2k-th power of the input.
        total = [t + chance * m * unit**k for k, (t, m) in enumerate(zip(total, later, strict=True), 1)]
    return total


@settings(max_examples=40)
@given(
    nets.fully_connected(
        widths=nets.widths(min_depth=2, max_depth=3, max_width=2),
        weights=nets.finite_laws(max_values=1),
        biased=False,
    )
)
def test_under_every_law_a_cut_net_needs_the_activations_themselves(network):
    assert averaged_over_the_first_layer(network, 2) == right(network, 2)[-1]


def test_averaging_rejects_signs_that_are_not_counted():
    network = FullyConnected([1, 2, 2], weights="finite:-1:1/4,0:1/2,1:1/4")
    assert averaged_over_the_first_layer(network, 2) == right(network, 2)[-1]
    assert averaged_over_the_first_layer(network, 2, lambda p: fmpq(1, 9)) != right(network, 2)[-1]


# Activations at their limits.

LIMITS = {"leaky_relu:0": "relu", "leaky_relu:1": "linear", "leaky_relu:-1": "abs", "slopes:1:0": "relu"}


@pytest.mark.parametrize("leaky, plain", LIMITS.items())
@settings(max_examples=30)
@given(network=nets.fully_connected(order=3))
def test_leaky_relu_ends_in_relu_linear_and_abs(leaky, plain, network):
    bent, straight = (network.replaced(activation=name, output_activation=name) for name in (leaky, plain))
    assert bent == straight
    assert right(bent, 3) == right(straight, 3)


@settings(max_examples=60)
@given(nets.fully_connected(order=3), st.sampled_from(["turned", "mirrored", "negative"]))
def test_only_the_squares_of_the_slopes_matter_and_not_their_order(network, change):
    """c_m = (s_+^{2m} + s_-^{2m})/2."""
    plus, minus = network.activation.slopes
    pair = {"turned": (minus, plus), "mirrored": (plus, -minus), "negative": (-plus, -minus)}[change]
    changed = network.replaced(activation=as_activation(f"slopes:{pair[0]}:{pair[1]}"))
    assert right(changed, 3) == right(network, 3)


@settings(max_examples=40)
@given(nets.fully_connected(biased=False), nets.rationals(0, 1))
def test_moments_move_continuously_to_their_limit(network, slope):
    """E M_d^k is a polynomial in the slope squared, so slope 2^-40 comes within 2^-60 of slope 0."""
    gains = [fmpq(2)] * network.depth
    ends = [f"leaky_relu:{s}" for s in (0, slope / fmpq(2) ** 40)]
    low, near = (
        right(network.replaced(activation=a, output_activation=a, variance_gain=gains), 2)[-1] for a in ends
    )
    assert all(0 <= b - a <= b / fmpq(2) ** 60 for a, b in zip(low, near, strict=True))


def test_a_wrong_half_is_no_limit():
    """c_m = s_+^{2m}/2 alone would make linear layers half of what they are."""
    assert right(FullyConnected([2, 3], activation="linear", variance_gain=1), 1)[-1] == [1]
    assert right(FullyConnected([2, 3], activation="relu", variance_gain=1), 1)[-1] == [fmpq(1, 2)]


# Residual nets at scale zero, convolutional nets of one position.

linear_nets = nets.residual(branch_output="linear", order=3)


@settings(max_examples=40)
@given(nets.residual(order=3))
def test_scales_of_zero_are_the_identity(network):
    """Whatever the branch: E M_l^k = M_0^k, and the bounds of bent branches meet there."""
    still = network.replaced(scales=[0] * network.depth)
    start = network.input_power_sum(1) / network.width
    powers = [start**k for k in (1, 2, 3)]
    if residual_reading.moments_close(still):
        assert residual_reading.length_moments(still, 3) == [powers] * (network.depth + 1)
    else:
        for row in moment_bounds(still, 3):
            assert all(meet_in(bound, power) for bound, power in zip(row, powers, strict=True))


def meet_in(bounds, number) -> bool:
    """Both ends are the number, or balls around it."""
    return all(arb(end).overlaps(arb(number)) for end in (bounds.lower, bounds.upper))


def test_bounds_do_not_meet_at_another_scale():
    """1 + eta^2 -+ eta for one neuron, at eta = 1/2."""
    (bounds,) = moment_bounds(Residual(1, ["1/2"], [1], input=[-1]), 1)[-1]
    assert not meet_in(bounds, fmpq(1))


def insertion_changes_nothing(network, place, eta) -> bool:
    """A block of scale eta put in at `place` leaves all E M_l^k as they are."""
    scales, branches = list(network.scales), [list(hidden) for hidden in network.branch_widths]
    laws = list(network.weights)
    for parts, new in ((scales, eta), (branches, [2]), (laws, laws[0])):
        parts.insert(place, new)
    longer = network.replaced(scales=scales, branch_widths=branches, weights=laws)
    rows = residual_reading.length_moments(longer, 2)
    return rows[:place] + rows[place + 1 :] == residual_reading.length_moments(network, 2)


@settings(max_examples=40)
@given(linear_nets, st.integers(0, 3))
def test_a_block_of_scale_zero_can_be_put_in_anywhere(network, place):
    assert insertion_changes_nothing(network, place % (network.depth + 1), fmpq(0))


def test_insertion_rejects_another_scale():
    network = Residual(2, ["1/2"], [3], branch_output="linear")
    assert insertion_changes_nothing(network, 0, fmpq(0))
    assert not insertion_changes_nothing(network, 0, fmpq(1, 10))


def one_position(network, **changes):
    options = {"kernel": 1, "positions": 1, "padding": "circular"} | changes
    return Convolutional(
        network.widths,
        weights=list(network.weights),
        variance_gain=list(network.variance_gain),
        mode=network.mode,
        activation=network.activation,
        **({"input": network.input} | options),
    )


@settings(max_examples=40)
@given(nets.fully_connected(order=3, biased=False), st.sampled_from(["circular", "zero"]))
def test_one_position_and_kernel_one_is_fully_connected(network, padding):
    network = network.replaced(output_activation=network.activation)
    conv, dense = predict(one_position(network, padding=padding), 3), predict(network, 3)
    assert [layer.moments for layer in conv.layers] == [layer.moments for layer in dense.layers]
    assert conv.empirical_variance == dense.empirical_variance


@settings(max_examples=30)
@given(nets.fully_connected(biased=False, weights=only("uniform")), st.integers(1, 4))
def test_kernel_one_and_equal_positions_is_fully_connected_too(network, positions):
    network = network.replaced(output_activation=network.activation)
    spread = None if network.input is None else [x for x in network.input for _ in range(positions)]
    conv = predict(one_position(network, positions=positions, input=spread))
    assert [layer.moments for layer in conv.layers] == [layer.moments for layer in predict(network).layers]


def test_a_kernel_of_two_is_not_fully_connected():
    """Uniform weights: the sum of two has kurtosis 3 - (6/5)/2, not 9/5."""
    network = FullyConnected([2, 3], weights="uniform")
    wider = one_position(network, kernel=2, positions=2, input=None)
    assert predict(wider).layers[-1].moments[0] == predict(network).layers[-1].moments[0]
    assert predict(wider).layers[-1].moments[1] != predict(network).layers[-1].moments[1]
