"""Plans of networks and laws, by hand: a standard deviation as a fraction of [1/2, 1) and a power of two."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb, fmpq

from simulate.kernels.drawing import weight_draws
from simulate.law_plan import LawPlan, law_plan, tail_is_cut
from simulate.plan import input_log_length, log_of, plan
from simulate.population import Population, Purpose
from simulate.steps.block import BlockPlan
from simulate.steps.layer import LayerPlan
from simulate.steps.layout import Grid, Layout
from theory.convolutional import Convolutional
from theory.errors import SpecError
from theory.laws import as_law
from theory.network import FullyConnected
from theory.residual import Residual

SIGNS = LawPlan("rademacher", 1.0)
RELU = (np.float32(1), np.float32(0))


def value(fraction, exponent):
    assert 0.5 <= fraction < 1
    return math.ldexp(fraction, exponent)


# Layers.


def test_a_layer_of_signs():
    """Two inputs, gain 2: variance 1, the deviation 1 = 1/2 * 2; three inputs: 4/3, with the gain of 4."""
    first, second = plan(FullyConnected([2, 3, 5], weights="rademacher", variance_gain=[2, 12])).layers
    assert first == LayerPlan(2, 3, SIGNS, 0.5, 1, None, 0.0, 0, RELU)
    assert second == LayerPlan(3, 5, SIGNS, 0.5, 2, None, 0.0, 0, RELU)


@pytest.mark.parametrize(("variance", "split"), [("1/4", (0.5, 0)), (1, (0.5, 1)), (9, (0.75, 2))])
def test_a_layer_with_a_bias(variance, split):
    network = FullyConnected([2, 3], weights="rademacher", bias_variance=variance, bias_weights="rademacher")
    assert plan(network).layers == (LayerPlan(2, 3, SIGNS, 0.5, 1, SIGNS, *split, RELU),)


@pytest.mark.parametrize("name", ["normal", "uniform", "laplace", "student_t:5", "truncated_normal:1"])
def test_the_scale_of_draws_is_in_the_scale_of_a_layer(name):
    """Five inputs, gain 1: a deviation of 1/sqrt 5 times that which makes the raw draws standard."""
    [layer] = plan(FullyConnected([5, 3], weights=name, variance_gain=1)).layers
    expected = law_plan(as_law(name)).scale / math.sqrt(5)
    assert value(layer.weight_scale, layer.weight_exponent) == pytest.approx(expected, rel=1e-14)


def test_deviations_far_outside_the_range_of_floats():
    """Gain 4^k over one input: the deviation 2^k is 1/2 times 2^(k + 1)."""
    for k in (2000, -2000):
        [layer] = plan(FullyConnected([1, 1], weights="rademacher", variance_gain=fmpq(4) ** k)).layers
        assert (layer.weight_scale, layer.weight_exponent) == (0.5, k + 1)


@pytest.mark.parametrize(("fan_in", "width"), [(2, 3), (3, 2)])
def test_an_orthogonal_layer_is_drawn_whole(fan_in, width):
    """Entries of an orthogonal matrix have variance 1/3 whichever side is longer."""
    [layer] = plan(FullyConnected([fan_in, width], weights="orthogonal", variance_gain=1)).layers
    assert layer.weights == LawPlan("orthogonal", math.sqrt(3), (width,))
    deviation = value(layer.weight_scale, layer.weight_exponent)
    assert deviation == pytest.approx(math.sqrt(3 / fan_in), rel=1e-14)


def test_slopes_of_an_activation():
    network = FullyConnected([2, 3, 2], activation="leaky_relu:1/4", output_activation="linear")
    assert [layer.slopes for layer in plan(network).layers] == [(1.0, 0.25), (1.0, 1.0)]


def test_blocks_and_what_they_share():
    """3 = 3/4 * 4 and 1/2: like blocks share the layers of their branch."""
    network = Residual(2, [3, 3, "1/2"], [4], weights="rademacher")
    blocks = plan(network).layers
    assert [(block.scale, block.exponent) for block in blocks] == [(0.75, 2), (0.75, 2), (0.5, 0)]
    assert all(isinstance(block, BlockPlan) for block in blocks)
    assert [(layer.fan_in, layer.width) for layer in blocks[0].branch] == [(2, 4), (4, 2)]
    assert blocks[0].branch is blocks[1].branch


@pytest.mark.parametrize(
    ("kernel", "positions", "grid"),
    [(3, 5, Grid((1, 5), (1, 3))), ([2, 3], [4, 5], Grid((4, 5), (2, 3)))],
)
@pytest.mark.parametrize("padding", ["circular", "zero"])
def test_a_signal_is_an_image_of_one_row(kernel, positions, grid, padding):
    """Two channels to six in two groups: the fan-in is that of the taps; a gain of 4 fan-ins is 2 squared."""
    taps = math.prod(grid.kernel)
    network = Convolutional(
        [2, 6], kernel=kernel, positions=positions, groups=2, padding=padding, weights="rademacher",
        variance_gain=4 * taps,
    )  # fmt: skip
    [layer] = plan(network).layers
    assert (layer.in_channels, layer.channels, layer.groups, layer.grid) == (2, 6, 2, grid)
    assert layer.circular == (padding == "circular")
    assert (layer.weights, layer.weight_scale, layer.weight_exponent, layer.slopes) == (SIGNS, 0.5, 2, RELU)
    assert plan(network).layout == Layout(2, 16, grid)
    assert len(plan(network).input) == 2 * math.prod(grid.positions)


def test_convolutions_draw_every_law_of_independent_entries():
    """And the spec refuses the one law that is none."""
    for name in ("normal", "uniform", "rademacher", "laplace", "student_t:5", "finite:-1:1/2,1:1/2"):
        assert law_plan(as_law(name)).kernel in weight_draws
    for cut in (1, 3):
        assert law_plan(as_law(f"truncated_normal:{cut}")).kernel in weight_draws
    with pytest.raises(SpecError, match="orthogonal is a law of whole matrices"):
        Convolutional([2, 6], kernel=3, positions=7, weights="orthogonal")


# Inputs.


@pytest.mark.parametrize(
    ("given", "kept", "exponent"),
    [
        (None, [1, 1, 1], 0),
        ([3, -5, "1/2"], [3 / 8, -5 / 8, 1 / 16], 3),
        ([1, 0, -1], [1 / 2, 0, -1 / 2], 1),
        (["-1/8", "1/16", 0], [-1 / 2, 1 / 4, 0], -2),
        ([fmpq(2) ** 5000, 0, 0], [1 / 2, 0, 0], 5001),
        ([0, 0, 0], [0, 0, 0], 0),
    ],
)
def test_inputs_are_scaled_to_a_largest_coordinate_of_half_to_one(given, kept, exponent):
    found = plan(FullyConnected([3, 2], input=given))
    assert (list(found.input), found.input_exponent) == (kept, exponent)


@pytest.mark.parametrize(
    ("width", "coordinate", "half"), [(1, 1, 0), (2, 1, -1), (2**10, 1, -6), (2**11, 1, -6)]
)
def test_the_stored_length_is_near_one(width, coordinate, half):
    """One coordinate of `width`, 1/2 when scaled: M = 1/(4 width) is between 1/2 and 2 times 4^half."""
    found = plan(FullyConnected([width, 1], input=[coordinate] + [0] * (width - 1)))
    row, length, taken = found.stored_input
    assert taken == half - (width == 1)
    assert length == math.ldexp(1 / (4 * width), -2 * taken)
    assert 0.5 <= length < 2
    assert np.mean(np.square(row[:width], dtype=float)) == length
    assert not row[width:].any()


def test_an_input_of_zeros_has_length_zero():
    row, length, half = plan(FullyConnected([3, 2], input=[0, 0, 0])).stored_input
    assert (row.any(), length, half) == (False, 0.0, 0)


def test_log_lengths_of_inputs():
    """(3, 4): log(25/2); 2^5000 of two: 10,000 log 2 - log 2; ones: 0, zeros: minus infinity."""
    logs = [
        input_log_length(FullyConnected([2, 5], input=row))
        for row in ([3, 4], [fmpq(2) ** 5000, 0], None, [0, 0])
    ]
    assert logs[:2] == pytest.approx([math.log(12.5), 9_999 * math.log(2)], rel=1e-14)
    assert logs[2:] == [0.0, -math.inf]
    assert log_of(arb(1)) == 0.0


# Networks that start.


def test_a_population_starts_from_the_input_in_every_network():
    """(3, -4, 0): M_0 = 25/3, as 4^exponent times a stored length; the numbers themselves."""
    start = Population(plan(FullyConnected([3, 2], input=[3, -4, 0])), 1, Purpose.DIRECT, 0, 5)
    assert start.true_activations().tolist() == [[3, -4, 0]] * 5
    assert start.lengths * 4.0**start.exponents == pytest.approx([25 / 3] * 5, rel=1e-14)
    assert (start.factor, start.width) == (1.0, 3)


def test_no_two_purposes_are_one():
    """Their numbers are in every stream, so that another number is another version of the streams."""
    assert sorted(Purpose.__members__.values()) == [0, 1, 2, 3, 4]


# Laws.


def test_finite_laws_are_whole_numbers_and_counts():
    """-3/2, 0, 3/2 in halves; a third of 2^64 rounded down is 6,148,914,691,236,517,205; variance 6."""
    plan_ = law_plan(as_law("finite:-3/2:1/3,0:1/3,3/2:1/3"))
    values, counts = plan_.parameters
    assert (plan_.kernel, values.tolist()) == ("finite", [-3, 0, 3])
    assert counts.tolist() == [2**64 // 3, 2 * 2**64 // 3]
    assert plan_.scale == pytest.approx(1 / math.sqrt(6), rel=1e-15)
    assert (values.dtype, counts.dtype) == (np.float32, np.uint64)


@pytest.mark.parametrize(("largest", "kept"), [(2**23 + 1, 2**23 + 1), (2**24, 2**24), (2**24 + 1, 1)])
def test_values_are_whole_numbers_as_far_as_singles_hold_them(largest, kept):
    """Beyond 2^24 they are fractions of the largest; the variance is half the sum of squares."""
    found = law_plan(as_law(f"finite:-{largest}:1/4,-1:1/4,1:1/4,{largest}:1/4"))
    assert found.parameters[0].tolist() == pytest.approx(
        [-kept, -kept / largest, kept / largest, kept], rel=1e-7
    )
    assert found.parameters[0][3] == kept
    variance = (kept**2 + (kept / largest) ** 2) / 2
    assert found.scale == pytest.approx(1 / math.sqrt(variance), rel=1e-14)


def test_fractions_whose_whole_numbers_are_too_long_stay_fractions():
    """1 and 1/(2^24 + 1): the common unit fits 2^24 + 1 times into 1."""
    values = law_plan(as_law("finite:-1:1/4,-1/16777217:1/4,1/16777217:1/4,1:1/4")).parameters[0]
    assert values.tolist() == pytest.approx([-1, -(2**-24), 2**-24, 1], rel=1e-7)


def test_a_value_that_is_all_but_certain_not_to_come():
    """The last one has probability 2^-70, which no number of 64 bits is left for."""
    rare, rest = fmpq(1, 2**70), 1 - fmpq(1, 2**69)
    counts = law_plan(as_law(f"finite:-1:{rare},0:{rest},1:{rare}")).parameters[1]
    assert counts.tolist() == [0, 2**64 - 1]


@pytest.mark.parametrize(("cut", "kernel"), [("2", "narrow_normal"), ("2001/1000", "truncated_normal")])
def test_which_map_draws_a_cut_normal_law(cut, kernel):
    """Stores rely on it: the two maps give other bits."""
    assert law_plan(as_law(f"truncated_normal:{cut}")).kernel == kernel


def test_scales_of_laws():
    """One over the deviation of the draws.

    E -log2 U = 1/log 2 and E (log2 U)^2 = 2/log(2)^2, so that sqrt(-log2 U) times a cosine has variance
    1/(2 log 2), and log2 U with a sign 2/log(2)^2; 2^16 neighbours in steps of 2^16 have 2^32 (2^32 - 1)/12;
    T/sqrt(df) with df = 5 has 1/(df - 2), from 2/df.
    """
    assert law_plan(as_law("normal")).scale == pytest.approx(math.sqrt(2 * math.log(2)))
    assert law_plan(as_law("uniform")).scale * 2**32 == pytest.approx(math.sqrt(12 / (1 - 2**-32)), rel=1e-14)
    assert law_plan(as_law("rademacher")) == SIGNS
    assert law_plan(as_law("laplace")).scale == pytest.approx(math.log(2) / math.sqrt(2))
    assert law_plan(as_law("student_t:5")).scale == pytest.approx(math.sqrt(3))
    assert law_plan(as_law("student_t:5")).parameters == (np.float32(0.4),)


@pytest.mark.parametrize("half_order", [1, 2, 4])
def test_a_tail_is_cut_where_a_thousandth_of_the_moment_is_lost(half_order):
    """2^(-48 (1 - 2k/df)) = 1/1000 at df = 2k/(1 - log2(1000)/48), so 5.048 for k = 2."""
    border = 2 * half_order / (1 - math.log2(1000) / 48)
    for df, cut in ((border * (1 - 1e-6), True), (border * (1 + 1e-6), False)):
        assert (2 ** (-48 * (1 - 2 * half_order / df)) > 1e-3) == cut
        law = f"student_t:{fmpq(round(df * 10**9), 10**9)}"
        assert tail_is_cut(FullyConnected([2, 2], weights=law), half_order) == cut
    assert not tail_is_cut(FullyConnected([2, 2]), half_order)
