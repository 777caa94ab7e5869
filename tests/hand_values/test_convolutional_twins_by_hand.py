"""Convolutional nets that are fully connected ones in disguise: by hand."""

from __future__ import annotations

import pytest
from flint import fmpq

from theory import Convolutional, predict
from theory.convolutional_twin import SumLaw, distinct_positions, fully_connected_twin
from theory.laws import as_law
from theory.reals import square_root
from theory.values import Enclosed, Exact

HALF = fmpq(1, 2)


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
