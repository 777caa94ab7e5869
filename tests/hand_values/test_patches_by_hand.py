"""Convolutional layers by hand: patches, and what a layer adds to second moments."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq

from theory import Convolutional, SpecError
from theory.between import Between
from theory.convolutional_bounds import layer_growth
from theory.patches import conditional_second_moment, patch_sums
from theory.values import Exact

KURTOSIS_4 = "finite:-2:1/8,0:3/4,2:1/8"


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


@pytest.mark.parametrize(
    ("activation", "beta"), [("relu", 1), ("leaky_relu:1/2", fmpq(9, 25)), ("leaky_relu:-1/3", fmpq(16, 25))]
)
def test_growth_of_normal_layers_with_both_signs(activation, beta):
    """K(1) = 2 + 3 beta without what K has of degree 1 in rho: (2 beta/pi) (3 rho + rho) = 8 beta rho/pi."""
    layer = layer_of([2, 4], kernel=3, positions=8, activation=activation)
    spread = layer_growth(layer, one_sign=False, positions=8).spread
    assert (8 * spread.lower).overlaps(2 + 3 * beta - 8 * beta / arb.pi())
    assert spread.upper == 2 + 3 * fmpq(beta)


@pytest.mark.parametrize(("law", "lower"), [("rademacher", 0), (KURTOSIS_4, 2), ("uniform", fmpq(4, 5))])
def test_growth_of_other_laws_with_both_signs(law, lower):
    """min(kappa, 3) - 1 over P: kappa is 1, 4 and 9/5."""
    layer = layer_of([2, 4], kernel=3, positions=8, weights=law)
    assert layer_growth(layer, one_sign=False, positions=8).spread.lower == fmpq(lower) / 8
