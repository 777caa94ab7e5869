"""Residual and convolutional specs field by field: limits, defaults, layers, plain data, refusals."""

from __future__ import annotations

import pytest
from flint import fmpq
from refusals import refusal

from theory import Convolutional, Residual, compared_schedules
from theory.door import MAX_DEPTH
from theory.fans import FAN_MODES, checked_mode
from theory.network import FullyConnected
from theory.readings.residual import check_order
from theory.readings.residual_symbolic import derive_residual
from theory.reals import square_root
from theory.residual_bounds import pair_bounds
from theory.schedules import scales_from_text, schedule

# Convolutional nets.


@pytest.mark.parametrize(
    ("kernel", "left", "right"), [(1, 0, 0), (2, 0, 1), (3, 1, 1), (4, 1, 2), (5, 2, 2), (6, 2, 3), (7, 3, 3)]
)
def test_where_kernels_reach(kernel, left, right):
    """(q - 1)//2 to the left and q//2 to the right, as torch's padding "same" does."""
    (layer,) = Convolutional([1, 1], kernel=kernel, positions=7).layers
    assert list(layer.offsets[0]) == list(range(-left, right + 1))
    assert left + right + 1 == kernel


def test_layers_of_convolutional_nets_field_by_field():
    net = Convolutional(
        [4, 8, 16, 8],
        kernel=[2, 3],
        positions=[4, 5],
        groups=[1, 2, 4],
        weights=["normal", "uniform", "laplace"],
        variance_gain=[1, 2, 3],
        mode="fan_out",
        activation="abs",
        padding="zero",
    )
    assert (net.depth, net.widths) == (3, (80, 160, 320, 160))
    found = [
        (l.index, l.in_channels, l.channels, l.groups, l.weights.name, l.variance_gain) for l in net.layers
    ]
    assert found == [
        (1, 4, 8, 1, "normal", 1),
        (2, 8, 16, 2, "uniform", 2),
        (3, 16, 8, 4, "laplace", 3),
    ]
    shared = {(l.kernel, l.positions, l.padding, l.mode, l.activation.name) for l in net.layers}
    assert shared == {((2, 3), (4, 5), "zero", "fan_out", "abs")}
    assert [l.width for l in net.layers] == [160, 320, 160]
    # Six entries of the kernel times input channels of a group, or all output channels.
    assert [l.fan_in for l in net.layers] == [24, 24, 24]
    assert [l.fan_out for l in net.layers] == [48, 96, 48]
    assert [l.entry_variance for l in net.layers] == [fmpq(1, 48), fmpq(2, 96), fmpq(3, 48)]
    assert [l.effective_gain for l in net.layers] == [fmpq(1, 2), fmpq(1, 2), fmpq(3, 2)]
    # abs: c_1 = 1. relu: 1/2.
    assert [l.mean_factor for l in net.layers] == [fmpq(1, 2), fmpq(1, 2), fmpq(3, 2)]
    assert net.replaced(activation="relu").layers[2].mean_factor == fmpq(3, 4)


def test_defaults_of_convolutional_nets():
    net = Convolutional([3, 4, 4], kernel=2, positions=5)
    assert net == Convolutional(
        [3, 4, 4],
        kernel=[2],
        positions=[5],
        groups=[1, 1],
        padding="circular",
        weights=["normal", "normal"],
        variance_gain=[2, 2],
        mode="fan_in",
        activation="relu",
        input=None,
    )
    assert net.to_dict() == {
        "kind": "convolutional",
        "channels": [3, 4, 4],
        "depth": 2,
        "kernel": [2],
        "positions": [5],
        "groups": 1,
        "padding": "circular",
        "weights": "normal",
        "variance_gain": "2",
        "mode": "fan_in",
        "activation": "relu",
        "input": "ones",
    }
    other = net.replaced(input=[1, "1/2"] + [0] * 13, groups=1, weights=["normal", "uniform"])
    assert other.to_dict()["input"] == ["1", "1/2"] + ["0"] * 13
    assert other.to_dict()["weights"] == ["normal", "uniform"]


def test_one_size_stands_for_all_axes_of_a_kernel():
    assert Convolutional([1, 1], kernel=2, positions=[3, 4]).kernel == (2, 2)
    assert Convolutional([1, 1], kernel=2, positions=3).kernel == (2,)
    assert Convolutional([1, 1], kernel=(2, 1), positions=(3, 4)).positions == (3, 4)


def test_inputs_have_a_number_for_every_channel_and_position():
    assert Convolutional([2, 3], kernel=1, positions=2, input=range(4)).input == (0, 1, 2, 3)
    words = refusal(Convolutional, [2, 3], kernel=1, positions=2, input=range(6))
    assert words == "the input has 6 coordinates, but n_0 = 4; give 4 numbers"


def test_moments_of_convolutional_nets_are_those_of_all_laws():
    net = Convolutional([1, 1, 1], kernel=1, positions=2, weights=["normal", "student_t:5"])
    assert [net.has_finite_moments(k) for k in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    ("channels", "positions"), [([1000, 1], [1000, 1000]), ([1, 10**9], 1), ([1, 1], [10**6, 1000])]
)
def test_layers_of_a_thousand_million_neurons_are_the_largest(channels, positions):
    net = Convolutional(channels, kernel=1, positions=positions)
    assert max(net.widths) == 10**9
    larger = [max(channels) + 1, 1]
    words = refusal(Convolutional, larger, kernel=1, positions=positions)
    assert words == "a layer has more than 1,000,000,000 neurons; take fewer positions"


def test_sizes_from_one_to_a_million():
    assert Convolutional([1, 1], kernel=10**6, positions=10**6).kernel == (10**6,)
    for size in (0, 10**6 + 1, 2.0, True, "3"):
        words = refusal(Convolutional, [1, 1], kernel=1, positions=[size])
        assert words == f"positions must be whole numbers from 1 to 1,000,000, not {size!r}"
    assert refusal(Convolutional, [1, 1], kernel=[0], positions=3).startswith("kernel must be whole numbers")


@pytest.mark.parametrize(("positions", "count"), [([], 0), ([2, 2, 2], 3)])
def test_one_axis_or_two(positions, count):
    words = refusal(Convolutional, [1, 1], kernel=1, positions=positions)
    assert words == f"positions is one number, or two for images; got {count} numbers"


@pytest.mark.parametrize(
    ("kernel", "positions", "axes", "count"), [([1, 1], 3, 1, 2), ([2], [3, 3], 2, 1), ([], 3, 1, 0)]
)
def test_kernels_have_the_axes_of_the_positions(kernel, positions, axes, count):
    words = refusal(Convolutional, [1, 1], kernel=kernel, positions=positions)
    assert words == (
        f"kernel is one number or two, as many as there are axes ({axes}), such as kernel=3; "
        f"got {count} numbers"
    )


def test_groups_divide_both_numbers_of_channels():
    assert Convolutional([10**6, 10**6], kernel=1, positions=1, groups=10**6).groups == (10**6,)
    for groups in (0, -1, 10**6 + 1, 1.0, True):
        words = refusal(Convolutional, [10**6, 10**6], kernel=1, positions=1, groups=groups)
        assert words == f"groups must be a whole number of at least 1, not {groups!r}"
    for channels, before, after in (([3, 2, 4], 2, 4), ([3, 4, 2], 4, 2)):
        words = refusal(Convolutional, channels, kernel=1, positions=1, groups=[1, 4])
        assert words == (
            f"groups of layer 2 is 4, which does not divide its {before} input and {after} output channels; "
            "every group takes the same number of both"
        )


def test_refusals_of_channels_speak_of_channels():
    assert refusal(Convolutional, [3, 0], kernel=1, positions=1) == (
        "channels c_0,...,c_d such as 3,16x4: c_1 must be from 1 to 1,000,000,000,000, not 0"
    )
    assert "independent" in refusal(Convolutional, [1, 1], kernel=1, positions=1, weights="orthogonal")


# Fan modes.


@pytest.mark.parametrize("mode", FAN_MODES)
def test_modes_are_those_of_the_list(mode):
    assert checked_mode(mode) == mode


@pytest.mark.parametrize(
    "make",
    [
        lambda mode: FullyConnected([1, 1], mode=mode),
        lambda mode: Residual(1, [1], [1], mode=mode),
        lambda mode: Convolutional([1, 1], kernel=1, positions=1, mode=mode),
    ],
)
def test_all_kinds_refuse_other_modes(make):
    assert make("fan_max").mode == "fan_max"
    assert refusal(make, "fan_inn").startswith("unknown fan mode 'fan_inn'")


# Residual nets.


def test_blocks_of_residual_nets_field_by_field():
    net = Residual(
        3,
        ["1/2", square_root(fmpq(1, 3))],
        [[4, 5], [6]],
        branch_output="linear",
        weights=["uniform", "normal"],
        variance_gain=6,
        mode="fan_out",
        activation="abs",
    )
    assert (net.depth, net.widths) == (2, (3, 3, 3))
    one, two = net.blocks
    assert (one.index, one.scale, one.scale_squared) == (1, fmpq(1, 2), fmpq(1, 4))
    assert (two.index, str(two.scale), two.scale_squared) == (2, "sqrt(1/3)", fmpq(1, 3))
    found = [
        (l.index, l.fan_in, l.width, l.weights.name, l.variance_gain, l.mode, l.activation.name)
        for l in (*one.layers, *two.layers)
    ]
    assert found == [
        (1, 3, 4, "uniform", 6, "fan_out", "abs"),
        (2, 4, 5, "uniform", 6, "fan_out", "abs"),
        (3, 5, 3, "uniform", 1, "fan_in", "linear"),
        (1, 3, 6, "normal", 6, "fan_out", "abs"),
        (2, 6, 3, "normal", 1, "fan_in", "linear"),
    ]
    assert {l.bias_variance for l in (*one.layers, *two.layers)} == {0}
    bent = net.replaced(branch_output="relu").blocks[0].layers[-1]
    assert (bent.variance_gain, bent.mode, bent.activation.name) == (6, "fan_out", "abs")


def test_blocks_alike_share_their_layers():
    net = Residual(3, [1, 2, 3, 4], [[4], [5], [4], [4]], weights=["normal", "normal", "normal", "uniform"])
    first, second, third, fourth = (block.layers for block in net.blocks)
    assert first is third
    assert first is not second
    assert first is not fourth
    assert [layers[0].width for layers in (first, second, fourth)] == [4, 5, 4]


def test_defaults_of_residual_nets():
    net = Residual(3, ["1/2", "1/2"], [4])
    assert net == Residual(
        3,
        ["1/2", "1/2"],
        [[4], [4]],
        branch_output="relu",
        weights=["normal", "normal"],
        variance_gain=2,
        mode="fan_in",
        activation="relu",
        input=None,
    )
    assert net.to_dict() == {
        "kind": "residual",
        "width": 3,
        "blocks": 2,
        "scales": "1/2",
        "branch_widths": [4],
        "branch_output": "relu",
        "weights": "normal",
        "variance_gain": "2",
        "mode": "fan_in",
        "activation": "relu",
        "input": "ones",
    }
    other = net.replaced(input=[1, "1/2", 0], branch_widths=[[4], [5]], scales=[1, 0])
    assert (other.to_dict()["input"], other.to_dict()["scales"]) == (["1", "1/2", "0"], ["1", "0"])
    assert other.to_dict()["branch_widths"] == [[4], [5]]


def test_modules_are_branches_with_their_last_width():
    assert Residual(3, [1, 1], modules=[[5, 3], [4, 6, 3]]) == Residual(3, [1, 1], [[5], [4, 6]])
    assert Residual(3, [1], modules=[[5, 3]]).branch_widths == ((5,),)
    for modules in ([[3]], [3], [[]], ["33"], 3):
        words = refusal(Residual, 3, [1], modules=modules)
        assert words == "a module lists its hidden widths and its last one, such as [128, 3]"
    assert refusal(Residual, 3, [1], modules=[[5, 4]]) == (
        "a module ends at width 4, but the trunk has width 3; its output is added to the trunk, "
        "so end it at 3"
    )
    assert refusal(Residual, 3, [1], modules=[[0, 3]]).startswith("width n_1 must be from 1")


def test_branches_are_one_for_all_blocks_or_one_for_each():
    assert Residual(3, [1, 1], [5, 6]).branch_widths == ((5, 6), (5, 6))
    assert Residual(3, [1, 1], ([5], (6, 7))).branch_widths == ((5,), (6, 7))
    for branch in ([], 5, "5", [[5], []], [[5], 5]):
        words = refusal(Residual, 3, [1, 1], branch)
        assert words == "a branch needs at least one hidden layer, such as --branch-widths 128"
    assert refusal(Residual, 3, [1, 1], [[5]]) == (
        "1 modules are given for 2 scales; give one scale per block, or one module"
    )
    both = "a residual net needs the hidden widths of its branch, such as --branch-widths 128, "
    assert refusal(Residual, 3, [1]) == both + "or its modules, not both"


def test_scales_are_at_least_zero():
    """Any number from 0 on, also between 0 and 1, irrational, or as text."""
    assert Residual(1, [0, "1/2", 1], [1]).scales == (0, fmpq(1, 2), 1)
    assert Residual(1, "1/2x2", [1]).scales == (fmpq(1, 2), fmpq(1, 2))
    root = square_root(fmpq(2))
    assert Residual(1, [root], [1]).scales == (root,)
    words = refusal(Residual, 1, [1, fmpq(-1, 2)], [1])
    assert words.startswith("the scale of block 2 is -1/2; scales are at least 0, and a branch that is taken")


def test_moments_of_residual_nets_are_those_of_all_laws():
    net = Residual(1, [1, 1], [1], weights=["normal", "student_t:5"])
    assert [net.has_finite_moments(k) for k in (1, 2, 3)] == [True, True, False]


def test_refusals_of_what_would_take_too_long_count_layers_that_differ():
    """A map of order 7 has 435 entries, made in 435 * 20 steps per hidden layer; 5,000,000 are allowed."""

    def net(hidden):
        return Residual(4, [1] * len(hidden), hidden, branch_output="linear")

    check_order(net([[1]] * 600), 7)
    check_order(net([[n] for n in range(1, 541)]), 7)
    assert refusal(check_order, net([[n] for n in range(1, 601)]), 7) == (
        "order 7 with 600 blocks (600 hidden layers that differ) would take too long; "
        "at order 2 the limit is 100,000 blocks of any kind"
    )
    assert "(600 hidden layers that differ)" in refusal(check_order, net([[n, n] for n in range(1, 301)]), 7)
    assert "with 12,000 blocks (1 hidden" in refusal(check_order, net([[1]] * 12_000), 7)


def test_refusals_of_infinite_moments_name_the_largest_order():
    net = Residual(4, [1, 1], [3], branch_output="linear", weights=["normal", "student_t:5"])
    check_order(net, 2)
    assert refusal(check_order, net, 3) == (
        "order 3 needs the moment of order 6 of the weight law student_t:5, which is infinite; "
        "the largest order that works is --order 2"
    )


# Schedules.


def test_schedules_by_hand():
    assert schedule("1/L", 4) == [fmpq(1, 4)] * 4
    assert schedule("1/sqrt(L)", 4) == [fmpq(1, 2)] * 4
    assert schedule("geometric:2/3", 3) == [fmpq(2, 3), fmpq(4, 9), fmpq(8, 27)]
    assert schedule("geometric:0", 2) == [0, 0]
    assert schedule("geometric:1", 2) == [1, 1]
    assert schedule("1/L", 1) == [1]


def test_schedules_as_long_as_nets_may_be():
    assert len(schedule("1/L", MAX_DEPTH)) == MAX_DEPTH
    for blocks in (0, MAX_DEPTH + 1):
        words = refusal(schedule, "1/L", blocks)
        assert words == f"a residual net has from 1 to 100,000 blocks, not {blocks}"
    assert len(scales_from_text(f"1x{MAX_DEPTH - 1},1")) == MAX_DEPTH
    for text in (f"1x{MAX_DEPTH},1", f"1x{MAX_DEPTH + 1}", f"1,1x{MAX_DEPTH}"):
        assert (
            refusal(scales_from_text, text) == "--scales asks for more than 100,000 blocks, the depth limit"
        )


@pytest.mark.parametrize("name", ["geometric", "arithmetic:1/2", "1/l", ""])
def test_names_of_schedules_are_refused_with_those_that_exist(name):
    assert refusal(schedule, name, 2) == (f"{name!r} is no schedule; there are 1/L, 1/sqrt(L), geometric:B")


@pytest.mark.parametrize("base", ["-1/2", "3/2"])
def test_bases_lie_between_zero_and_one(base):
    words = refusal(schedule, f"geometric:{base}", 2)
    assert words == f"the base of a geometric schedule lies in [0, 1], not {base}"


def test_scales_from_text_by_hand():
    assert scales_from_text(" 1/2 , 2 x 3 ,sqrt(1/4)X2") == [fmpq(1, 2), 2, 2, 2, fmpq(1, 2), fmpq(1, 2)]
    assert scales_from_text("geometric:1/2x2,1/sqrt(L)x4") == [fmpq(1, 2), fmpq(1, 4)] + [fmpq(1, 2)] * 4
    assert [str(s) for s in scales_from_text("sqrt(2)")] == ["sqrt(2)"]
    assert scales_from_text("sqrt(0)") == [0]
    for named in ("1/L", "geometric:1/2"):
        words = refusal(scales_from_text, named)
        assert words == f"the schedule {named!r} needs its number of blocks, such as {named}x50"
    assert refusal(scales_from_text, "1/2x0") == "--scales repeats '1/2' 0 times; leave it out"
    assert refusal(scales_from_text, "sqrt(-1/2)") == "a scale is at least 0 and real, not sqrt(-1/2)"
    for text in ("sqrt(2", "2)", "(2)"):
        assert "a residual scale" in refusal(scales_from_text, text)


def test_texts_of_a_million_characters_are_the_longest():
    assert scales_from_text("1" + " " * 999_999) == [1]
    words = refusal(scales_from_text, "1" + " " * 1_000_000)
    assert words == "--scales has 1,000,001 characters; use a file instead"


def test_schedules_are_compared_at_the_last_block_of_nets_of_a_hundred_neurons():
    rows = compared_schedules(blocks=[3], schedules=["1/L", "geometric:1/2"])
    assert [(row.schedule, row.branch_output, row.blocks) for row in rows] == [
        (name, output, 3) for name in ("1/L", "geometric:1/2") for output in ("relu", "linear")
    ]
    for row in rows:
        net = Residual(100, schedule(row.schedule, 3), [100], branch_output=row.branch_output)
        if row.branch_output == "relu":
            last = pair_bounds(net)[-1]
            assert row.mean.lower.overlaps(last.lower)
            assert row.mean.upper.overlaps(last.upper)
            assert min(row.mean.lower.rel_accuracy_bits(), row.mean.upper.rel_accuracy_bits()) > 150
        else:
            factors = [1 + eta**2 for eta in schedule(row.schedule, 3)]
            assert row.mean.number == factors[0] * factors[1] * factors[2]


# Symbols.


def test_symbols_of_a_block_are_those_of_the_documentation():
    """eta, u = 1/n, v = 1/m, g, and moments and factors by their orders."""
    assert derive_residual(3, activation=None).symbols == {
        "eta": "eta",
        "u": "1/n",
        "v": "1/m",
        "g": "g",
        "m4": "m_4",
        "m6": "m_6",
        "c1": "c_1",
        "c2": "c_2",
        "c3": "c_3",
    }
