"""What `simulate` and `joint_lengths` accept and refuse: numbers up to their limits, kinds, defaults."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from refusals import refusal

from simulate import many_inputs
from simulate.arguments import check_samples, check_seed, check_whole
from simulate.many_inputs import cosines, joint_lengths
from simulate.networks import check_activation, fully_connected, laws_in_use, weights_per_network
from simulate.plan import plan
from simulate.reference import activations
from simulate.simulation import _check_covariance, cores, limits_of, simulate
from theory.convolutional import Convolutional
from theory.network import FullyConnected
from theory.residual import Residual

NET = FullyConnected([2, 3])
UNIFORM = FullyConnected([2, 3], weights="uniform")


# Whole numbers.


def test_a_whole_number_may_be_either_end():
    for value in (3, 4, 5):
        check_whole(value, "n", 3, 5)
    assert refusal(check_whole, 2, "n", 3, 5) == "n must be from 3 to 5, not 2"
    assert refusal(check_whole, 6_000, "n", 3, 5_000) == "n must be from 3 to 5,000, not 6,000"


@pytest.mark.parametrize("value", [True, False, 3.0, "3", None, [3]])
def test_what_is_no_whole_number_is_shown(value):
    assert refusal(check_whole, value, "n", 0, 5) == f"n must be a whole number, not {value!r}"


def test_of_a_long_value_sixty_characters_are_shown():
    assert refusal(check_whole, "x" * 80, "n", 0, 5).endswith(f"not {('x' * 80)!r:.60}")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10**30 - 1, f"{10**30 - 1:,}"),
        (1 - 10**30, f"{1 - 10**30:,}"),
        (10**30, "one of more than 30 digits"),
        (-(10**30), "one of more than 30 digits"),
        (10**60, "one of more than 30 digits"),
    ],
)
def test_numbers_of_thirty_digits_are_shown_in_full_and_longer_ones_are_not(value, shown):
    assert refusal(check_whole, value, "n", 0, 5) == f"n must be from 0 to 5, not {shown}"


def test_from_one_network_to_a_million_billion():
    check_samples(1)
    check_samples(10**15)
    expected = "samples must be from 1 to 1,000,000,000,000,000, not {}"
    assert refusal(check_samples, 0) == expected.format(0)
    assert refusal(check_samples, 10**15 + 1) == expected.format("1,000,000,000,000,001")


def test_a_seed_is_an_unsigned_number_of_64_bits():
    check_seed(0)
    check_seed(2**64 - 1)
    for value in (-1, 2**64):
        assert refusal(check_seed, value) == f"the seed must be from 0 to {2**64 - 1:,}, not {value:,}"


# The arguments of `simulate`.


def test_what_is_not_said_is_seed_0_order_2_and_a_plain_average():
    plain = simulate(NET, samples=50)
    said = {"method": "auto", "seed": 0, "order": 2, "covariance": False, "tilt": 0.0, "gradients": False}
    assert plain.layers == simulate(NET, samples=50, **said).layers
    assert (plain.seed, plain.covariance, len(plain.layers[0].moments)) == (0, None, 2)
    assert type(plain) is type(simulate(NET, samples=50, method="direct"))


@pytest.mark.parametrize("what", ["threads", "window", "shard_leaves", "order"])
def test_one_is_the_least(what):
    assert simulate(NET, samples=3, **{what: 1}).samples == 3
    assert "must be from 1 to" in refusal(simulate, NET, samples=3, **{what: 0})


@pytest.mark.parametrize(("what", "most"), [("threads", 1024), ("window", 2**20), ("order", 12)])
def test_the_largest_are_accepted(what, most):
    assert simulate(NET, samples=3, **{what: most}).samples == 3


@pytest.mark.parametrize("leaves", range(1, 70))
def test_leaves_of_a_shard_are_a_power_of_two(leaves):
    if leaves in (1, 2, 4, 8, 16, 32, 64):
        assert simulate(NET, samples=3, shard_leaves=leaves).samples == 3
    else:
        line = refusal(simulate, NET, samples=3, shard_leaves=leaves)
        assert line == f"the leaves of a shard must be a power of two, not {leaves:,}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": 3}, "the method must be a name such as 'direct', not 3"),
        ({"rel_error": "1"}, "the relative error must be a number, not '1'"),
        ({"rel_error": True}, "the relative error must be a number, not True"),
        ({"time_limit": [1]}, "the time limit must be a number, not [1]"),
        ({"tilt": "2"}, "the tilt must be a number, not '2'"),
        ({"tilt": True}, "the tilt must be a number, not True"),
        ({"executor": 3}, "the executor must have submit(), as in concurrent.futures, not 3"),
        ({"store": b"x"}, "the store must be the path of a file, not b'x'"),
        ({"gradients": True, "method": "law"}, "gradients need every weight, so --method direct, not law"),
        ({"tilt": 1.0, "method": "direct"}, "--tilt belongs to --method law, not to direct"),
    ],
)
def test_other_kinds_are_refused_by_name(options, words):
    assert refusal(simulate, NET, samples=3, **options) == words


def test_kinds_that_fit_are_taken(tmp_path):
    """A whole number of seconds, a tilt without a point, a path or its name, any pool."""
    for store in (tmp_path / "a.sqlite", str(tmp_path / "b.sqlite")):
        assert simulate(NET, samples=3, time_limit=60, store=store).samples == 3
        assert Path(store).exists()
    assert simulate(NET, samples=3, method="law", tilt=1).samples == 3
    with ThreadPoolExecutor(1) as pool:
        assert simulate(NET, samples=3, executor=pool).samples == 3


@pytest.mark.parametrize("method", ["auto", "direct", "gradients"])
def test_gradients_go_with_explicit_weights(method):
    assert simulate(NET, samples=3, method=method, gradients=True).method == "gradients"


@pytest.mark.parametrize("what", ["rel_error", "time_limit"])
@pytest.mark.parametrize("value", [0, -0.5, -1, float("inf"), float("nan")])
def test_errors_and_seconds_are_positive_numbers(what, value):
    name = {"rel_error": "the relative error", "time_limit": "the time limit"}[what]
    options = {"samples": None, "rel_error": None, "time_limit": None} | {what: value}
    assert refusal(limits_of, **options) == f"{name} must be a positive number, not {value}"
    small = limits_of(**options | {what: 1e-3})
    assert (small.relative_error, small.seconds).count(1e-3) == 1


def test_a_precision_needs_twice_the_moments_of_its_order():
    """Student's law of 9 degrees of freedom has E w^8, so E M^4, and E M^2 has an error; of 8 it has not."""
    fine = FullyConnected([1, 1], weights="student_t:9", activation="linear")
    assert simulate(fine, samples=3, rel_error=0.5).samples == 3
    for weights in ("student_t:8", "student_t:5"):
        line = refusal(simulate, FullyConnected([1, 1], weights=weights), samples=3, rel_error=0.5)
        assert line.startswith("E M^4 is infinite for these weights, so E M^2 has no standard error")
    assert simulate(FullyConnected([1, 1], weights="student_t:5"), samples=3).samples == 3


@pytest.mark.parametrize(("asked", "told"), [(5, "40"), (39, "40"), (50, "40"), (51, "60"), (1_009, "1,000")])
def test_splitting_tells_the_nearest_number_that_it_can_share(asked, told):
    line = refusal(simulate, NET, samples=asked, method="splitting")
    assert line.endswith(f"give a multiple of 20 such as {told}, not {asked:,}")


@pytest.mark.parametrize(
    "options", [{"rel_error": 0.1}, {"time_limit": 1.0}, {"samples": 40, "rel_error": 0.1}]
)
def test_splitting_stops_by_its_particles_alone(options):
    assert "runs a fixed number of particles" in refusal(simulate, NET, method="splitting", **options)


def test_a_covariance_of_a_thousand_layers_and_no_more():
    _check_covariance(FullyConnected([1] * 1001), "direct", 0.0)
    line = refusal(_check_covariance, FullyConnected([1] * 1002), "direct", 0.0)
    assert line == "a covariance of all layers needs at most 1,000 of them"
    for method, tilt in (("splitting", 0.0), ("law", 1.0)):
        assert "needs a plain average" in refusal(_check_covariance, NET, method, tilt)


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    """0 stands for this process. Where a system does not tell, all of them; where it cannot count, one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0: {0, 3, 5}}[process], raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


# Many inputs.

ROWS = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])


def test_a_thousand_networks_of_seed_0_are_sent_through_if_nothing_is_said():
    found = joint_lengths(NET, [[1, 2]])
    assert found.log_ratios.shape == (1000, 1)
    assert np.array_equal(found.log_ratios, joint_lengths(NET, [[1, 2]], 1000, 0).log_ratios)
    assert np.array_equal(
        cosines(NET, [1, 0], [1, 1], 5), cosines(NET, [1, 0], [1, 1], 5, seed=0), equal_nan=True
    )


def test_no_more_lengths_than_fit_in_memory(monkeypatch):
    """One for each network and input: with room for 12, three inputs go through four networks."""
    line = refusal(joint_lengths, NET, ROWS[:1], 10**8 + 1)
    assert line == "more than 100,000,000 lengths; take fewer networks or inputs"
    monkeypatch.setattr(many_inputs, "_MOST_NUMBERS", 12)
    assert joint_lengths(NET, ROWS, 4).log_ratios.shape == (4, 3)
    assert joint_lengths(NET, ROWS).log_ratios.shape == (4, 3)
    assert joint_lengths(NET, ROWS, time_limit=60.0).log_ratios.shape == (4, 3)
    assert joint_lengths(NET, ROWS, 2, time_limit=60.0).log_ratios.shape == (2, 3)
    assert refusal(joint_lengths, NET, ROWS, 5) == "more than 12 lengths; take fewer networks or inputs"
    assert "samples must be from 1" in refusal(joint_lengths, NET, ROWS, 0)


@pytest.mark.parametrize(("threads", "fits"), [(0, False), (1, True), (1024, True), (1025, False)])
def test_threads_for_many_inputs(threads, fits):
    if fits:
        assert joint_lengths(NET, ROWS, 2, threads=threads).log_ratios.shape == (2, 3)
    else:
        line = refusal(joint_lengths, NET, ROWS, 2, threads=threads)
        assert line == f"the number of threads must be from 1 to 1,024, not {threads:,}"


@pytest.mark.parametrize(
    "inputs",
    [ROWS[0], ROWS[None], ROWS[:0], [["a", "b"]], [[1j, 2]], [[None, 1]], 5],
    ids=["a row", "a cube", "no rows", "text", "complex", "objects", "a number"],
)
def test_inputs_are_a_table_of_numbers(inputs):
    assert refusal(joint_lengths, NET, inputs, 2).startswith(
        "inputs are a table of numbers, one row an input"
    )


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, float])
def test_numbers_of_any_kind_are_taken(kind):
    """One input alone too, as one row."""
    found = joint_lengths(NET, np.array([[1, 0]], kind), 20).log_ratios
    assert np.array_equal(found, joint_lengths(NET, [[1.0, 0.0]], 20).log_ratios)


def test_the_first_bad_input_is_named_counting_from_one():
    infinite, zero = [1.0, float("inf")], [0.0, 0.0]
    assert refusal(joint_lengths, NET, [*ROWS, infinite, *ROWS, infinite], 2).startswith(
        "input 4 holds a number that is not finite"
    )
    assert refusal(joint_lengths, NET, [*ROWS, zero, *ROWS, zero], 2).startswith("input 4 is zero")
    line = refusal(joint_lengths, NET, np.ones((4, 3)), 2)
    assert line == "the inputs have 3 coordinates, but n_0 = 2; give 2 numbers a row"


def test_inputs_have_the_width_of_the_input_not_of_another_layer():
    assert joint_lengths(FullyConnected([2, 3, 4]), ROWS, 2).log_ratios.shape == (2, 3)


def test_cosines_by_hand():
    """Before any layer: of (3, 4) and (4, 3) the cosine is 24/25; of (1, 0) and (0, 1) it is 0."""
    assert cosines(NET, [3, 4], [4, 3], 2)[:, 0] == pytest.approx([24 / 25] * 2)
    assert cosines(NET, [1, 0], [0, 1], 2)[:, 0] == pytest.approx([0, 0])
    linear = FullyConnected([2, 5, 3], activation="linear")
    assert cosines(linear, [1, 2], [-2, -4], 3) == pytest.approx(-np.ones((3, 3)))


# Networks.

KINDS = {
    "fully connected": (FullyConnected([2, 3, 4]), 2 * 3 + 3 * 4),
    "residual": (Residual(2, "1/2x3", [4, 5]), 3 * (2 * 4 + 4 * 5 + 5 * 2)),
    "convolutional": (Convolutional([2, 4, 6], kernel=3, positions=[8, 8], groups=2), 9 * 4 + 18 * 6),
}


@pytest.mark.parametrize("name", KINDS)
def test_weights_of_a_network_by_hand(name):
    """Biases not counted; in a convolution of 2 groups an output sees half the inputs, nine taps of each."""
    network, weights = KINDS[name]
    assert weights_per_network(network) == weights
    assert plan(network).weights_per_network == weights


@pytest.mark.parametrize("call", [weights_per_network, laws_in_use, plan])
def test_what_is_no_network_is_shown(call):
    expected = "simulate takes a network such as FullyConnected([3, 4]), not "
    assert refusal(call, [3, 4]) == f"{expected}[3, 4]"
    assert refusal(call, "x" * 80) == f"{expected}{('x' * 80)!r:.60}"


def test_laws_of_biases_count_where_there_are_biases():
    laws = {"weights": "uniform", "bias_weights": "laplace"}
    assert {law.name for law in laws_in_use(FullyConnected([2, 3, 4], **laws))} == {"uniform"}
    biased = FullyConnected([2, 3, 4], bias_variance="1/2", **laws)
    assert {law.name for law in laws_in_use(biased)} == {"uniform", "laplace"}
    for name in ("residual", "convolutional"):
        assert {law.name for law in laws_in_use(KINDS[name][0])} == {"normal"}


def test_reduced_methods_know_fully_connected_nets():
    assert fully_connected(NET, "law") is NET
    assert refusal(fully_connected, KINDS["residual"][0], "law") == (
        "--method law knows fully connected nets, not residual ones; use --method direct"
    )


def test_smooth_activations_do_not_go_through_explicit_weights():
    smooth = Residual(2, [1], [3], activation="gelu", variance_gain=2)
    assert refusal(plan, smooth).startswith("gelu is simulated in fully connected nets only")
    check_activation(KINDS["residual"][0])


# Sizes.


def test_the_widest_layer_that_is_simulated():
    assert plan(FullyConnected([1, 10**7])).layers[0].width == 10**7
    line = refusal(plan, FullyConnected([1, 10**7 + 1]))
    assert line == (
        "a layer of width 10,000,001 is too wide to simulate (limit 10,000,000); predict has no such limit"
    )


def test_the_most_numbers_that_are_kept_for_one_network():
    """A kernel of 2^8 taps, 2^12 channels in and 2^8 out have 2^28 weights; 16 outputs more are too many."""

    def network(outputs):
        return Convolutional([2**12, outputs], kernel=[16, 16], positions=[16, 16])

    assert plan(network(2**8)).numbers == 2**28
    line = refusal(plan, network(2**8 + 16))
    assert "too many to simulate (limit 268,435,456); take fewer channels or a smaller kernel" in line
    assert line.startswith(f"a layer keeps {2**28 + 2**24:,} weights")


def test_the_largest_matrix_of_the_reference(monkeypatch):
    line = refusal(lambda: next(activations(FullyConnected([1, 60_000_000]), 1, 0)))
    assert line == "a weight matrix of 60,000,000 entries is too large to simulate (limit 50,000,000)"
    monkeypatch.setattr("simulate.reference._MAX_MATRIX", 12)
    assert next(activations(FullyConnected([3, 4]), 1, 0))[1].shape == (1, 4)
    assert "of 13 entries" in refusal(lambda: next(activations(FullyConnected([13, 1]), 1, 0)))
