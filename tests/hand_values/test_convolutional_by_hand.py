"""Convolutional nets by hand: windows, groups, effort, and which route a net takes."""

from __future__ import annotations

import pytest
from flint import arb, fmpq

from theory import Convolutional, SpecError, predict
from theory import carried_lengths as carried_module
from theory.carried_lengths import carried_lengths
from theory.convolutional_lengths import convolutional_moments
from theory.convolutional_means import (
    check_effort,
    is_affordable,
    loses_mass,
    position_means,
    window_means,
)
from theory.convolutional_prediction import check_order
from theory.patches import conditional_second_moment
from theory.values import Bounded, Exact

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


def test_an_input_of_zeros_has_no_spread():
    net = Convolutional([1, 2, 2], kernel=2, positions=3, padding="zero", input=[0, 0, 0])
    found = convolutional_moments(net)
    assert found.spreads[0].value() == Exact(fmpq(0))
    assert [q.value() for q in found.second] == [Exact(fmpq(0))] * 3


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

    Layer 2 adds at least 5/2 of what S has grown to, 6 S, and at least 5 of what A has grown to, 6 A. By
    squares q_2 >= 6 (1 + 5/2) S = 131.25, by averages 36 A = 182.25, layer by layer S + 5 S + 30 A = 189.375;
    in truth it is 36 S = 225. And 4 E EmpVar = q_2 - q_1 >= 30 A.
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
