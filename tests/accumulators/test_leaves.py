"""How networks are cut into leaves and groups: what the cost of a network counts, and which limits hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simulate.job import Job
from simulate.methods import direct, gradients
from simulate.methods.averaging import leaf_of
from simulate.methods.choice import METHODS as METHODS_BY_NAME
from simulate.methods.choice import choose, method_named
from simulate.methods.direct import cached_plan, rows_in_cache
from simulate.plan import plan
from theory import FullyConnected
from theory.errors import SpecError

METHODS = ["direct", "conditional", "law", "splitting", "gradients", "joint"]
ROWS = ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))


def job(method, widths, order=1):
    """A job of one method; `joint` takes three inputs."""
    inputs = ROWS if method == "joint" else ()
    return Job(FullyConnected(widths), method, 0, order, particles=100, inputs=inputs)


def work(method, widths, order=1):
    return method_named(method).work(job(method, widths, order))


# What a network costs.


def test_conditional_draws_a_number_for_every_neuron_but_those_of_the_input():
    """A neuron more costs the same in any layer, and nothing in the input."""
    base = work("conditional", [5, 6, 7, 8])
    assert work("conditional", [50, 6, 7, 8]) == base
    assert 0 < work("conditional", [1, 2]) - work("conditional", [1, 1]) < work("conditional", [1, 1])
    more = [work("conditional", widths) - base for widths in ([5, 7, 7, 8], [5, 6, 8, 8], [5, 6, 7, 9])]
    assert more[0] == more[1] == more[2] > 0


def test_law_draws_as_much_for_any_width():
    """The same for every layer more, whatever its width."""
    one, two, three = (work("law", [5] * depth) for depth in (2, 3, 4))
    assert one > three - two == two - one > 0
    assert work("law", [50, 7]) == one


@pytest.mark.parametrize("method", METHODS)
def test_no_network_is_free(method):
    """A network of one weight costs more than its weight; leaves and shards divide by it."""
    assert work(method, [2, 1] if method == "joint" else [1, 1]) > 100


@pytest.mark.parametrize("order", [1, 3])
def test_splitting_takes_a_population_for_every_order_and_copies_it(order):
    """More than `direct` on as many networks."""
    wide = [20, 2000, 2000]
    assert work("splitting", wide, order) > order * work("direct", wide)
    assert work("splitting", wide, order) < 10 * order * work("direct", wide)


def test_gradients_cost_a_way_back_and_joint_a_way_for_every_input():
    wide = [2, 50, 50]
    assert work("gradients", wide) == 2 * work("direct", wide)
    assert work("joint", wide) == 3 * work("direct", wide)


# Leaves.


def leaf(method, widths):
    return method_named(method).leaf_size(job(method, widths))


@pytest.mark.parametrize("method", ["direct", "conditional", "law", "gradients", "joint"])
@pytest.mark.parametrize("width", [1, 30, 1000, 30_000])
def test_leaves_are_powers_of_two_that_take_a_fraction_of_a_second(method, width):
    """At most 2^28 weights or one network; twice as many would be too much, or more than 4,096 networks."""
    widths = [2, width, width]
    size = leaf(method, widths)
    assert size & (size - 1) == 0
    assert size == 1 or size * work(method, widths) <= 2**28
    if size < 2048:
        assert 2 * size * work(method, widths) > 2**28
    if width == 1:
        assert size == (2048 if method == "gradients" else 4096)


def test_leaves_of_deep_nets_keep_to_two_million_lengths():
    """2^21 lengths M_0, ..., M_d: 2^11 of a network leave room for 1,024 networks."""
    assert leaf_of(1.0, 2**11) == 1024
    assert leaf_of(1.0, 2**11 + 1) == 512
    assert leaf_of(1.0, 2**22) == 1
    assert leaf("conditional", [1] * 3000) == 512


@pytest.mark.parametrize(
    ("method", "widths", "size"),
    [
        # 40 a neuron and 1,000: 2^16 is between 1,613 and 1,614 neurons.
        ("conditional", [3, 1613], 4096),
        ("conditional", [3, 1614], 2048),
        # 3,000 a layer and 1,000: 2^22 is between 1,397 and 1,398 layers, 2^23 between 2,795 and 2,796.
        ("law", [1] * 1398, 64),
        ("law", [1] * 1399, 32),
        ("law", [1] * 2796, 32),
        ("law", [1] * 2797, 16),
    ],
)
def test_leaves_that_have_a_stream_of_their_own_are_cut_at_the_same_widths(method, widths, size):
    """2^28 over the work of a network, rounded down to a power of two; another size gives other bits."""
    assert leaf(method, widths) == size


def test_half_a_leaf_of_direct_goes_back_but_never_none():
    """At the leaf of a single network."""
    huge = [2, 30_000, 30_000]
    assert leaf("direct", huge) == leaf("gradients", huge) == 1


def test_a_splitting_leaf_is_a_run():
    assert leaf("splitting", [2, 2]) == 100


# Groups that go together.


def groups(chunks):
    """Ends of the groups, which must follow each other."""
    ends = [first + count for first, count in chunks]
    assert [first for first, _ in chunks[1:]] == ends[:-1]
    return ends


@pytest.mark.parametrize("cut", [direct._chunks, gradients._chunks])
@pytest.mark.parametrize(("first", "count"), [(0, 1), (0, 5000), (4096, 4096), (7, 100)])
def test_groups_cover_all_networks_once(cut, first, count):
    """The private helpers are the unit: results do not show how networks were grouped."""
    layers = cached_plan(FullyConnected([3, 300, 4]))
    found = list(cut(layers, first, count))
    assert found[0][0] == first
    assert groups(found)[-1] == first + count
    sizes = {size for _, size in found[:-1]}
    assert len(sizes) <= 1
    assert all(size >= found[-1][1] > 0 for size in sizes)


@pytest.mark.parametrize("width", [1, 100, 2000, 2**15, 2**16, 2**20, 2**20 + 1, 10**7])
def test_groups_fit_the_cache_but_for_a_few_and_are_never_empty(width):
    """32,768 numbers, up to sixteen networks if that keeps to 2^20 numbers."""
    layers = plan(FullyConnected([1, width]))
    rows = rows_in_cache(layers)
    assert rows >= 1
    if rows > 1:
        assert rows * layers.numbers <= (2**20 if rows <= 16 else 2**15)
    if rows > 1:
        assert (rows + 1) * layers.numbers > 2**15
    if layers.numbers <= 2**16:
        assert rows >= 16


@pytest.mark.parametrize(("width", "layers"), [(1, 200), (100, 1200), (2000, 40)])
def test_what_the_way_back_keeps_fits_in_64_mebibytes(width, layers):
    """Of each layer a byte a neuron and four words of 16 lanes: 2^26 bytes for all that go together.

    In the last case the cache takes no more than 16, which keep less.
    """
    made = plan(FullyConnected([1] + [width] * layers))
    _, count = next(gradients._chunks(made, 0, 4096))
    kept = layers * (width + 4 * 4 * 16)
    assert count * kept <= 2**26
    assert count == rows_in_cache(made) == 16 if width == 2000 else (count + 1) * kept > 2**26


def test_a_network_that_keeps_more_than_that_goes_alone():
    made = plan(FullyConnected([1] + [10**7] * 7))
    assert list(gradients._chunks(made, 3, 2)) == [(3, 1), (4, 1)]


# Which method, and what it refuses.


def test_the_methods_that_a_user_names_in_the_order_of_their_help():
    """`joint` takes other arguments and is not offered."""
    assert list(METHODS_BY_NAME) == ["direct", "splitting", "law", "conditional", "gradients"]
    assert all(method.name == name for name, method in METHODS_BY_NAME.items())
    with pytest.raises(SpecError, match="direct"):
        method_named("nonsense")


def test_reduced_or_not_is_what_the_methods_say():
    """Only what draws every weight counts as evidence."""
    assert {name: method_named(name).reduced for name in METHODS} == {
        "direct": False,
        "conditional": True,
        "law": True,
        "splitting": False,
        "gradients": False,
        "joint": False,
    }


@pytest.mark.parametrize("method", METHODS[:1] + METHODS[3:])
def test_methods_with_explicit_weights_refuse_what_has_no_plan(method):
    """Before the first network is drawn: a smooth activation has no slopes for the kernels."""
    inputs = ROWS if method == "joint" else ()
    smooth = FullyConnected([2, 3], activation="tanh", variance_gain=1)
    with pytest.raises(SpecError, match="tanh"):
        method_named(method).check(Job(smooth, method, 0, 1, particles=2, inputs=inputs))


def test_the_cheapest_method_depends_on_the_activation_of_every_layer():
    for names, method in (
        (("relu", "abs"), "law"),
        (("gelu", "relu"), "conditional"),
        (("relu", "gelu"), "conditional"),
    ):
        hidden, output = names
        network = FullyConnected([2, 3, 2], activation=hidden, output_activation=output, variance_gain=1)
        assert choose(network, 2) == method


@pytest.mark.parametrize(
    ("hidden", "output"), list(itertools.permutations(["relu", "leaky_relu:-2"])), ids=["output", "hidden"]
)
def test_a_tilt_asks_for_one_slope_in_hidden_and_output_layers(hidden, output):
    """X + 4 Y of two chi-squares has no power that could be sampled."""
    network = FullyConnected([2, 3, 2], activation=hidden, output_activation=output)
    for fine in ("slopes:3:-3", "slopes:-3:0", "slopes:-3:-3", "abs", "linear"):
        check = FullyConnected([2, 3, 2], activation=fine, output_activation="relu")
        method_named("law").check(Job(check, "law", 0, 1, tilt=1.0))
    with pytest.raises(SpecError, match="one slope of 0 or two of one size, which leaky_relu:-2 has not"):
        method_named("law").check(Job(network, "law", 0, 1, tilt=1.0))
    method_named("law").check(Job(network, "law", 0, 1))


def test_a_read_out_needs_the_moments_of_the_errors_and_no_more():
    """Order k asks for 4 k: student_t:5 has the fourth, not the eighth; student_t:4 has no fourth."""

    def check(readout, order):
        network = FullyConnected([2, 2])
        method_named("gradients").check(Job(network, "gradients", 0, order, readout=readout))

    check("student_t:5", 1)
    check("student_t:9", 2)
    for readout, order in (("student_t:4", 1), ("student_t:5", 2), ("student_t:8", 2)):
        with pytest.raises(SpecError, match=f"no moment of order {4 * order}, .* of order {order} need"):
            check(readout, order)


# The networks of one seed, however they are asked for.


def test_activations_lengths_and_gradients_are_those_of_the_same_networks():
    """More networks than go together; |a_j|^2/n_j of the first three functions, network by network."""
    network = FullyConnected([3, 2000, 4])
    samples = 2 * rows_in_cache(plan(network)) + 1
    blocks = list(direct.activations(network, samples, seed=5))
    assert len(blocks) == 3
    found = direct.lengths(network, samples, seed=5)
    for j in range(3):
        squares = np.concatenate([np.mean(np.square(block[j]), axis=1) for block in blocks])
        assert squares == pytest.approx(found[:, j], rel=1e-5)
    backward = gradients.gradient_lengths(network, samples, seed=5)
    assert backward.lengths.tolist() == found.tolist()
    assert len(np.unique(found[:, 1])) == samples
    assert direct.lengths(network, 3, seed=5).tolist() == found[:3].tolist()
