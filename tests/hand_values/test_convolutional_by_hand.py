"""Convolutional nets by hand: patches, windows, groups, and which route a net takes."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq

from theory import Convolutional, SpecError, predict
from theory import carried_lengths as carried_module
from theory.between import Between
from theory.carried_lengths import carried_lengths
from theory.convolutional_bounds import layer_growth
from theory.convolutional_lengths import convolutional_moments
from theory.convolutional_means import (
    check_effort,
    is_affordable,
    loses_mass,
    position_means,
    window_means,
)
from theory.convolutional_prediction import check_order
from theory.convolutional_twin import SumLaw, distinct_positions, fully_connected_twin
from theory.laws import as_law
from theory.patches import conditional_second_moment, patch_sums
from theory.values import Bounded, Enclosed, Exact

KURTOSIS_4 = "finite:-2:1/8,0:3/4,2:1/8"
HALF = fmpq(1, 2)


def layer_of(channels, **options):
    (layer,) = Convolutional(channels, **options).layers
    return layer


# Patches.


@pytest.mark.parametrize("scale", [1, fmpq(1, 2), 6])
def test_opposite_patches(scale):
    """x = (1, -1) around a circle, kernel 2: z_p = +-(w_1 - w_2), one of them positive.

    M = z^2/2 with E z^2 = 2, whichever it is: E M^2 = 3 * 4/4, and 3 s^4 for s x. Both are positive or
    none with the aligned patches of (1, 1): 1 + 5.
    """
    layer = layer_of([1, 1], kernel=2, positions=2)
    assert conditional_second_moment(layer, [scale, -scale]) == Exact(3 * fmpq(scale) ** 4)
    assert conditional_second_moment(layer, [scale, scale]) == Exact(6 * fmpq(scale) ** 4)


def test_opposite_patches_of_different_lengths():
    """Kernel 1, x = (1, -2): M = w^2 or 4 w^2 by the sign of w, E w^2 = 2: E M^2 = (12/2) (1 + 16)/4."""
    layer = layer_of([1, 1], kernel=1, positions=2)
    assert conditional_second_moment(layer, [1, -2]) == Exact(fmpq(6 * 17, 4))


def test_patches_at_a_border_of_zeros():
    """Kernel 3, x = (0, 1, 0): the patches are the three unit vectors, z_p independent, E z^2 = 2/3.

    M is the mean of relu(z_p)^2: E M^2 = (3 E a^4 + 6 (E a^2)^2)/9 = (3 * 6/9 + 6/9)/9 with E a^2 = 1/3.
    """
    layer = layer_of([1, 1], kernel=3, positions=3, padding="zero")
    assert conditional_second_moment(layer, [0, 1, 0]) == Exact(fmpq(8, 27))
    # At the border only one entry of (1, 0, 0) or (0, 0, 1) is seen twice: m = 2/3 as a sum of two patches.
    assert conditional_second_moment(layer, [1, 0, 0]) == Exact((2 * fmpq(6, 9) + 2 * fmpq(1, 9)) / 9)
    assert conditional_second_moment(layer, [0, 0, 1]) == Exact((2 * fmpq(6, 9) + 2 * fmpq(1, 9)) / 9)


def test_even_kernels_reach_to_the_right():
    """Kernel 2 sees p and p + 1: (1, 0, 0) is seen at p = 0 only, (0, 0, 1) at p = 1 and 2, by other weights.

    E z^2 = 1 there, E a^2 = 1/2 and E a^4 = 3/2: (3/2)/9 against (2 * 3/2 + 2/4)/9. Floats are read exactly.
    """
    layer = layer_of([1, 1], kernel=2, positions=3, padding="zero")
    assert (layer.offsets, layer.fan_in) == ((range(2),), 2)
    assert conditional_second_moment(layer, [1, 0, 0]) == Exact(fmpq(1, 6))
    assert conditional_second_moment(layer, [0, 0, 1]) == Exact(fmpq(7, 18))
    assert conditional_second_moment(layer, np.array([[0.0, 0.0, 0.5]])) == Exact(fmpq(7, 18 * 16))


def test_kurtosis_of_two_groups():
    """abs, kernel 1, one position, w = +-1, groups of 2 and 2: z = w_1 x_1 + w_2 x_2 for each group.

    x = (1, 1 | 1, 0): E z^2 = 2 and 1, E z^4 = 8 and 1: E M^2 = (8 + 1 + 2 * 2)/4 with one channel each.
    """
    layer = layer_of(
        [4, 2],
        kernel=1,
        positions=1,
        groups=2,
        weights="rademacher",
        activation="abs",
        mode="none",
        variance_gain=1,
    )
    assert conditional_second_moment(layer, [1, 1, 1, 0]) == Exact(fmpq(13, 4))
    assert conditional_second_moment(layer, [0, 0, 0, 0]) == Exact(fmpq(0))


def test_patch_sums_by_hand():
    """Two groups of one channel, kernel 1, positions 2: (1, 2 | 0, 3) under ReLU.

    Lengths 1 + 4 + 0 + 9; squares 5^2 + 9^2; K = 5 where patches are aligned: 5 (5^2 + 9^2).
    """
    net = Convolutional([2, 2], kernel=1, positions=2, groups=2)
    array = np.array([[1, 2], [0, 3]], dtype=object)
    sums = patch_sums(net.layers[0], array)
    assert (sums.lengths, sums.squares, sums.spread) == (14, 106, 530)
    assert patch_sums(net.layers[0], array, most_pairs=2) is not None
    assert patch_sums(net.layers[0], array, most_pairs=1) is None


def test_refusals_of_conditional_moments():
    layer = layer_of([2, 4], kernel=2, positions=[3, 2])
    with pytest.raises(SpecError) as caught:
        conditional_second_moment(layer, [1, 2])
    assert str(caught.value) == "layer 1 sees 2 channels at 6 positions; give 12 activations, not 2"
    layer = layer_of([1, 1], kernel=2, positions=2, weights="uniform")
    with pytest.raises(
        SpecError, match="uniform weights with relu: the correlation of two positions is known"
    ):
        conditional_second_moment(layer, [1, 2])


# Growth of layers.


@pytest.mark.parametrize(
    ("activation", "one_sign", "expected"),
    [("relu", True, True), ("relu", False, False), ("abs", False, True), ("abs", True, True)],
)
def test_averages_grow_where_signs_do_not_matter(activation, one_sign, expected):
    layer = layer_of([2, 4], kernel=3, positions=8, activation=activation)
    assert layer_growth(layer, one_sign=one_sign, positions=8).by_averages is expected
    other = layer_of([2, 4], kernel=3, positions=8, activation=activation, weights="uniform")
    assert layer_growth(other, one_sign=one_sign, positions=8).by_averages is False


def test_one_position_has_no_other_sign():
    """c = C = 5 at one position, whatever the signs; at two c is that of both signs, 5 - 8/pi, halved."""
    layer = layer_of([2, 4], kernel=3, positions=8)
    one, two = (layer_growth(layer, one_sign=False, positions=p) for p in (1, 2))
    assert one.spread == Between(fmpq(5), fmpq(5))
    assert one.spread.is_known
    assert one.constant == two.constant == 5
    assert (2 * two.spread.lower).overlaps(5 - 8 / arb.pi())
    assert two.spread.upper == 5


@pytest.mark.parametrize(("law", "lower"), [("rademacher", 0), (KURTOSIS_4, 2), ("uniform", fmpq(4, 5))])
def test_growth_of_other_laws_with_both_signs(law, lower):
    """min(kappa, 3) - 1 over P: kappa is 1, 4 and 9/5."""
    layer = layer_of([2, 4], kernel=3, positions=8, weights=law)
    assert layer_growth(layer, one_sign=False, positions=8).spread.lower == fmpq(lower) / 8


# The input, carried.


@pytest.mark.parametrize("padding", ["circular", "zero"])
@pytest.mark.parametrize("groups", [1, 4])
def test_ones_left_out_are_carried_like_ones_written_out(padding, groups):
    net = Convolutional([4, 8, 8], kernel=2, positions=3, groups=groups, padding=padding)
    levels = (1, 2, 4)
    short, long = (list(carried_lengths(n, levels)) for n in (net, net.replaced(input=[1] * 12)))
    assert short == long
    assert len(short) == 3


def test_averages_and_squares_by_hand():
    """(1, 3 | 0, 2), kernel 2, around a circle and at a border; the gain 4 doubles every mean.

    Circle: lengths 5 and 2 of the channels, averages 2 and 1. Border: windows (1 + 3)/2, 3/2 | 1, 1 of
    averages 7/4 and 1; squares (1 + 9)/2, 9/2 | 2, 2 of means 19/4 and 2.
    """
    net = Convolutional([2, 2], kernel=2, positions=2, groups=2, input=[1, 3, 0, 2], variance_gain=4)
    start, last = carried_lengths(net, (1, 2))
    assert (start.mean, start.squares) == (fmpq(7, 2), {1: fmpq(49, 4), 2: fmpq(29, 2)})
    assert start.averages == {1: fmpq(25, 4), 2: fmpq(17, 2)}
    assert (last.mean, last.squares) == (7, {1: 49, 2: 58})
    assert last.averages == {1: 25, 2: 34}

    start, last = carried_lengths(net.replaced(padding="zero"), (1, 2))
    assert start.averages == {1: fmpq(25, 4), 2: fmpq(17, 2)}
    low, high = fmpq(19, 4), fmpq(2)
    assert last.mean == low + high
    assert last.squares == {1: (low + high) ** 2, 2: 2 * (low**2 + high**2)}
    averages = fmpq(49, 16), fmpq(1)
    mean = sum(averages) / 2
    assert last.averages == {1: 4 * mean**2, 2: 2 * (averages[0] ** 2 + averages[1] ** 2)}


def test_averages_that_would_take_too_long_are_left_at_zero(monkeypatch):
    """Then bounds stay true, but are no better than those by squares."""
    net = Convolutional([2, 2, 2], kernel=2, positions=2, padding="zero", input=[1, 3, 0, 2])
    known = list(carried_lengths(net))
    better = convolutional_moments(net).second
    monkeypatch.setattr(carried_module, "is_affordable", lambda network, channels: channels == 1)
    left = list(carried_lengths(net))
    assert [c.averages for c in left] == [{1: 0}] * 3
    assert [(c.mean, c.squares) for c in left] == [(c.mean, c.squares) for c in known]
    for rough, fine in zip(convolutional_moments(net).second, better, strict=True):
        assert not rough.lower > fine.lower
        assert not rough.upper < fine.upper


# Effort.


def ones(positions, depth, **options):
    return Convolutional([1] * (depth + 1), kernel=2, positions=positions, padding="zero", **options)


def test_five_million_positions_times_layers_are_affordable():
    """As the refusal says; for inputs of ones the axes are carried apart, 2,000 in place of 1,000,000."""
    assert is_affordable(ones(1_000_000, 5), 1)
    assert not is_affordable(ones(1_000_000, 6), 1)
    assert is_affordable(ones([1000, 1000], 2_500), 1)
    assert not is_affordable(ones([1000, 1000], 2_501), 1)
    assert not is_affordable(ones(35_461, 141), 1)  # 5,000,001
    check_effort(ones(1_000_000, 5))
    with pytest.raises(SpecError) as caught:
        check_effort(ones(1_000_000, 6))
    assert str(caught.value) == (
        "zero padding at 1,000,000 positions and depth 6 would take too long; positions times layers "
        "may be 5,000,000, and circular padding has no such limit"
    )
    check_effort(ones(1_000_000, 6).replaced(padding="circular"))


def test_given_inputs_are_carried_by_the_groups_of_the_first_layer():
    """1,000 positions and 3,000 layers: one group is affordable, two are not."""
    options = {"kernel": 2, "positions": 1000, "padding": "zero", "input": [1] * 2000}
    channels, depth = [2] * 3001, 3000
    check_effort(Convolutional(channels, groups=[1] * (depth - 1) + [2], **options))
    with pytest.raises(SpecError, match="at 1,000 positions and depth 3,000"):
        check_effort(Convolutional(channels, groups=[2] + [1] * (depth - 1), **options))


# Borders.


def test_kernels_of_one_position_lose_nothing_at_a_border():
    net = Convolutional([1, 2, 2], kernel=1, positions=3, padding="zero", input=[1, 2, 3])
    assert not loses_mass(net)
    zero, circular = predict(net), predict(net.replaced(padding="circular"))
    assert zero.layers == circular.layers
    assert zero.details.get("empirical_variance") == circular.details.get("empirical_variance")
    assert (zero.empirical_variance, circular.empirical_variance) == (None, None)
    assert isinstance(zero.details["empirical_variance"], Bounded)
    assert "per_position_mean" not in zero.details


def test_windows_and_means_position_by_position():
    """Kernel 3 at a border, (1, 2, 4): windows 3/3, 7/3, 6/3; squares 5/3, 21/3, 20/3."""
    net = Convolutional([1, 1], kernel=3, positions=3, padding="zero", input=[1, 2, 4])
    *_, windows = window_means(net)
    assert windows.by_position().tolist() == [1, fmpq(7, 3), 2]
    assert windows.group_means() == [fmpq(16, 9)]
    *_, means = position_means(net)
    assert means.by_position().tolist() == [fmpq(5, 3), 7, fmpq(20, 3)]
    assert (means.positions, means.group_means()) == (3, [fmpq(46, 9)])


def test_groups_are_averaged_at_every_position():
    """(1, 2 | 3, 4) with two groups: (1 + 9)/2, (4 + 16)/2."""
    net = Convolutional([2, 2], kernel=2, positions=2, groups=2, padding="zero", input=[1, 2, 3, 4])
    start, after = position_means(net, 2)
    assert start.by_position().tolist() == [5, 10]
    assert start.group_means() == [fmpq(5, 2), fmpq(25, 2)]
    assert after.by_position().tolist() == [fmpq(15, 2), 5]


# Which layer, which route.


def test_the_first_layer_is_exact_for_its_own_law():
    """abs with normal weights, then uniform ones: only layer 1 sees patches that are known."""
    net = Convolutional(
        [1, 2, 4], kernel=2, positions=3, weights=["normal", "uniform"], activation="abs", input=[1, 2, 0]
    )
    found = convolutional_moments(net)
    one = conditional_second_moment(net.layers[0], net.input)
    assert found.second[1].value() == one
    assert found.second[1].is_known
    assert not found.second[2].is_known
    other = net.replaced(weights=["uniform", "normal"])
    assert convolutional_moments(other).second[1].value() == conditional_second_moment(
        other.layers[0], other.input
    )


def test_the_first_layer_is_exact_however_many_channels_it_has():
    """Its patches are those of the input; three million neurons after it change nothing."""
    net = Convolutional([1, 10**6, 10**6], kernel=2, positions=3, input=[1, 2, 0])
    found = convolutional_moments(net).second
    small = conditional_second_moment(net.replaced(channels=[1, 10, 1]).layers[0], net.input).ball
    mean = fmpq(5, 3)
    assert found[1].is_known
    assert ((arb(found[1].lower) - mean**2) * 10**5).overlaps(small - mean**2)


def test_images_of_64_positions_are_listed_and_larger_ones_summed_up():
    """E of relu at gain 2 around an all-ones image: 1 inside, 3/4 of a kernel of 4 at the far edges."""
    small = predict(Convolutional([1, 1], kernel=2, positions=[8, 8], padding="zero"))
    grid = small.details["per_position_mean"]
    assert [len(grid), {len(row) for row in grid}] == [8, {8}]
    assert [grid[0][0], grid[0][7], grid[7][0], grid[7][7]] == [Exact(fmpq(n, 4)) for n in (4, 2, 2, 1)]
    large = predict(Convolutional([1, 1], kernel=2, positions=[13, 5], padding="zero"))
    assert large.details["per_position_mean"] == {
        "corner": Exact(fmpq(1)),
        "centre": Exact(fmpq(1)),
        "minimum": Exact(fmpq(1, 4)),
        "maximum": Exact(fmpq(1)),
    }


# Order 2 by bounds, and the record.


def test_the_best_of_three_lower_bounds():
    """Kernel 1, x = (1, 2), one channel: S = (5/2)^2, A = (3/2)^4. Layer 1 is known, it adds 5 S.

    Layer 2 adds at least 5/2 of what S has grown to, 6 S, and at least 5 of what A has grown to, 6 A. By squares
    q_2 >= 6 (1 + 5/2) S = 131.25, by averages 36 A = 182.25, layer by layer S + 5 S + 30 A = 189.375; in truth
    it is 36 S = 225. And 4 E EmpVar = q_2 - q_1 >= 30 A.
    """
    s, a = fmpq(25, 4), fmpq(81, 16)
    found = convolutional_moments(Convolutional([1, 1, 1], kernel=1, positions=2, input=[1, 2]))
    assert (found.second[1].lower, found.second[1].upper) == (6 * s, 6 * s)
    assert (found.second[2].lower, found.second[2].upper) == (6 * s + 30 * a, 36 * s)
    assert (found.empirical_variance.lower, found.empirical_variance.upper) == (30 * a / 4, 30 * s / 4)


def test_empirical_variances_are_numbers_or_bounds():
    """Kernel 1, positions 2, x = (1, -1), ReLU: EmpVar of one layer is 0, that of two is only bounded."""
    one, two = (Convolutional([1] * n, kernel=1, positions=2, input=[1, -1]) for n in (2, 3))
    found = predict(one)
    assert found.empirical_variance == Exact(fmpq(0))
    assert "empirical_variance" not in found.details
    assert predict(one.replaced(weights="uniform")).empirical_variance == Exact(fmpq(0))
    two = predict(two)
    assert two.empirical_variance is None
    assert isinstance(two.details["empirical_variance"], Bounded)


@pytest.mark.parametrize(("law", "finite"), [("student_t:5", True), ("student_t:3", False)])
def test_second_moments_need_the_fourth_moment_of_weights_and_no_higher_one(law, finite):
    found = convolutional_moments(Convolutional([1, 1], kernel=1, positions=2, weights=law, input=[1, 2]))
    assert found.means == (fmpq(5, 2), fmpq(5, 2))
    assert [part is not None for part in (found.second, found.spreads, found.empirical_variance)] == [
        finite
    ] * 3


def test_refusals_of_orders():
    net = Convolutional([1, 4], kernel=2, positions=3, padding="zero", weights="student_t:3")
    with pytest.raises(SpecError) as caught:
        check_order(net, 2)
    assert str(caught.value) == (
        "order 2 needs the moment of order 4 of the weight law student_t:3, which is infinite; "
        "the largest order that works is --order 1"
    )
    check_order(net, 1)
    check_order(net.replaced(weights="student_t:5"), 2)
    with pytest.raises(SpecError, match="order 3 of a convolutional net is known only with circular padding"):
        check_order(net, 3)
    with pytest.raises(SpecError, match="would take too long"):
        check_order(ones(1_000_000, 6), 1)


# Twins.


@pytest.mark.parametrize("terms", [2, 3, 5, 9])
def test_moments_of_sums_of_signs(terms):
    """E (sum of q signs)^{2l}/q^l: 1, 3 - 2/q, 15 - 30/q + 16/q^2."""
    law = SumLaw(as_law("rademacher"), terms)
    q = fmpq(terms)
    assert [law.even_moment(l) for l in range(4)] == [1, 1, 3 - 2 / q, 15 - 30 / q + 16 / q**2]
    assert law.name == f"sum of {terms} rademacher"
    assert law.finite_half_order == as_law("rademacher").finite_half_order == float("inf")
    assert SumLaw(as_law("student_t:5"), terms).finite_half_order == as_law("student_t:5").finite_half_order


def test_twins_sum_the_weights_of_a_kernel():
    """Normal sums are normal; a kernel of one weight needs no sum; without a fan the gain grows by q."""
    net = Convolutional([2, 4, 4], kernel=[2, 3], positions=[3, 3], weights=["normal", "uniform"])
    twin = fully_connected_twin(net)
    assert [law.name for law in twin.weights] == ["normal", "sum of 6 uniform"]
    assert (twin.widths, twin.mode, twin.variance_gain) == ((2, 4, 4), "fan_in", (2, 2))
    assert fully_connected_twin(net.replaced(mode="none")).variance_gain == (12, 12)
    point = net.replaced(kernel=1, mode="none", variance_gain=[2, 3])
    assert [law.name for law in fully_connected_twin(point).weights] == ["normal", "uniform"]
    assert fully_connected_twin(point).variance_gain == (2, 3)


def test_twins_start_at_the_channels_of_the_input():
    net = Convolutional([2, 4], kernel=2, positions=3, input=[1, 1, 1, 5, 5, 5])
    assert fully_connected_twin(net).input == (1, 5)
    assert fully_connected_twin(net.replaced(input=None)).input is None
    assert fully_connected_twin(net.replaced(input=[1, 1, 1, 5, 5, 6])) is None
    assert fully_connected_twin(net.replaced(groups=2)) is None
    assert fully_connected_twin(net.replaced(padding="zero")) is None
    assert fully_connected_twin(net.replaced(padding="zero", kernel=1)).input == (1, 5)


def test_irrational_gains_without_a_fan_have_no_twin():
    """The entry variance would have to be q times an irrational number, which no spec can hold."""
    from theory.reals import square_root

    root = square_root(fmpq(2))
    net = Convolutional([2, 4, 4], kernel=2, positions=3, mode="none", variance_gain=[2, root])
    assert fully_connected_twin(net) is None
    assert fully_connected_twin(net.replaced(mode="fan_in")).variance_gain == (2, root)
    assert fully_connected_twin(net.replaced(kernel=1)).variance_gain == (2, root)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"positions": [2, 3], "kernel": [1, 2]}, 1),
        ({"positions": [2, 3], "kernel": [2, 1], "padding": "zero"}, 2),
        ({"positions": [2, 3], "kernel": 2, "padding": "zero"}, 6),
        ({"positions": 4, "kernel": 2, "input": [1, 2, 1, 2]}, 2),
        ({"positions": 4, "kernel": 2, "input": [1, 2, 3, 4]}, 4),
        ({"positions": 4, "kernel": 2, "input": [HALF, HALF, HALF, HALF]}, 1),
        ({"positions": 2, "kernel": 2, "input": [HALF, 1]}, 2),
        ({"positions": 2, "kernel": 2, "input": [HALF, fmpq(1, 3)]}, 2),
    ],
)
def test_positions_that_can_differ(options, expected):
    assert distinct_positions(Convolutional([1, 2], **options)) == expected


def test_periods_are_those_of_all_channels():
    net = Convolutional([2, 2], kernel=2, positions=6, input=[1, 2] * 3 + [1, 2, 3] * 2)
    assert distinct_positions(net) == 6
    assert distinct_positions(net.replaced(input=[1, 2] * 3 + [4, 5] * 3)) == 2


def test_the_record_of_a_twin_is_that_of_the_convolution():
    net = Convolutional([2, 4, 4], kernel=2, positions=3, weights=["uniform", "uniform"])
    found = predict(net)
    assert found.network == net
    assert [layer.width for layer in found.layers] == [6, 12, 12]
    assert found.kurtosis == Exact(fmpq(9, 5))
    assert found.details == {
        "padding": "circular",
        "groups": 1,
        "distinct_positions": 1,
        "fully_connected_twin": [2, 4, 4],
    }
    assert predict(net.replaced(weights=["uniform", "normal"])).kurtosis is None
    assert isinstance(predict(net.replaced(weights="truncated_normal:2")).kurtosis, Enclosed)
