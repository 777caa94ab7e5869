"""The one recursion in its readings: floating, logarithmic, enclosed and symbolic, against exact.

Every tolerance is the bound that the reading states about itself, never hand-picked.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.activations import as_activation
from theory.laws import as_law
from theory.network import FullyConnected
from theory.partitions import multinomial, symmetry
from theory.readings import exact
from theory.readings.batch import batch_length_moments
from theory.readings.symbolic import derive
from theory.recursion import LawNumbers, ShapeNumbers, moment_recursion

families = st.fixed_dictionaries(
    {
        "weights": st.sampled_from(
            ["normal", "uniform", "laplace", "rademacher", "finite:-2:1/8,0:3/4,2:1/8"]
        ),
        "activation": st.sampled_from(["relu", "abs", "leaky_relu:1/3"]),
        "mode": st.sampled_from(["fan_in", "fan_out", "fan_avg"]),
        "variance_gain": st.sampled_from([None, fmpq(1), fmpq(7, 3)]),
        "bias_variance": st.sampled_from([fmpq(0), fmpq(1, 3)]),
        "bias_weights": st.sampled_from(["normal", "uniform"]),
    }
)


def exact_last(widths, order, family):
    return exact.length_moments(FullyConnected(widths, **family), order)[-1]


def within(value: float, truth: fmpq, relative_error: float) -> bool:
    """|value - truth| <= relative_error * truth, decided in rationals."""
    return abs(fmpq(*value.as_integer_ratio()) / truth - 1) <= fmpq(*relative_error.as_integer_ratio())


def log_of(number: fmpq) -> float:
    with ctx.workprec(200):
        return float(arb(number).log().mid())


@settings(max_examples=60)
@given(
    rows=st.integers(2, 6).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(1, 50), min_size=size, max_size=size), min_size=1, max_size=3
        )
    ),
    order=st.integers(1, 4),
    family=families,
    logarithmic=st.booleans(),
)
def test_batch_is_within_its_stated_error_of_exact(rows, order, family, logarithmic):
    found = batch_length_moments(np.array(rows), order, logarithmic=logarithmic, **family)
    assert found.relative_error < 1e-11
    for widths, moments, logs in zip(rows, found.moments, found.logs, strict=True):
        for value, log, truth in zip(moments, logs, exact_last(widths, order, family), strict=True):
            assert within(float(value), truth, found.relative_error)
            assert math.isclose(log, log_of(truth), rel_tol=1e-12, abs_tol=found.relative_error)


def test_batch_comparison_rejects_a_last_digit_too_far():
    """The bound bites: a value off by three times the stated error is outside."""
    found = batch_length_moments(np.array([[3, 4, 5]]), 2)
    truth = exact_last([3, 4, 5], 2, {})[1]
    value = float(found.moments[0, 1])
    assert within(value, truth, found.relative_error)
    assert not within(value * (1 + 3 * found.relative_error), truth, found.relative_error)


def log_second_moment_of_ones(depth: int) -> tuple[float, float]:
    found = batch_length_moments(np.ones((1, depth + 1), dtype=int), 2)
    assert found.moments[0, 1] == math.inf
    return float(found.logs[0, 1]), found.relative_error


def test_log_reading_where_floats_overflow():
    """Width 1, normal: the factor of E M^2 is 1 + 5/1 = 6 a layer, so log E M_700^2 = 700 log 6 = 1254.2."""
    log, relative_error = log_second_moment_of_ones(700)
    assert relative_error < 1e-8
    assert abs(log - 700 * math.log(6)) <= relative_error
    assert abs(log - 699 * math.log(6)) > relative_error
    assert abs(log - 700 * math.log(5)) > relative_error


def test_numbers_that_were_tiny_on_their_way_are_within_the_stated_error():
    """Weights of variance 7e-12: thirteen narrow layers take E M^2 to e^-665, eleven wide ones back.

    Read by logarithms, each of which is rounded as a number of some hundreds: the error of the other reading
    would be too small a bound (it was stated once, and a third of the error seen here).
    """
    widths, gain = [1] * 13 + [999_999_999_989] * 11, fmpq(673, 10**14)
    found = batch_length_moments(np.array([widths]), 2, variance_gain=gain, mode="none")
    truths = exact_last(widths, 2, {"variance_gain": gain, "mode": "none"})
    for value, truth in zip(found.moments[0], truths, strict=True):
        assert within(float(value), truth, found.relative_error)
    other_reading = batch_length_moments(np.ones((1, 24), dtype=int)).relative_error
    assert found.relative_error > 665 * other_reading


def test_numbers_in_the_denormal_range_keep_their_digits():
    """27 narrow layers take E M to 1e-314, where floats have 24 bits left; 27 wide ones bring it back."""
    widths = [1] * 27 + [999_999_999_989] * 27
    gain = fmpq(45, 10**13)
    found = batch_length_moments(np.array([widths]), 1, variance_gain=gain, mode="none")
    means = exact.length_moments(FullyConnected(widths, variance_gain=gain, mode="none"), 1)
    assert -320 < min(log_of(mean) for (mean,) in means) / math.log(10) < -308
    assert within(float(found.moments[0, 0]), means[-1][0], found.relative_error)
    assert found.relative_error < 1e-9


def test_overflow_in_one_row_leaves_the_others_alone():
    """[1 x 401] overflows (6^400); [4 x 401] does not: (1 + 5/4)^400 = 10^140.9."""
    found = batch_length_moments(np.array([[1] * 401, [4] * 401]), 2)
    assert found.moments[0, 1] == math.inf
    assert found.moments[1, 1] == pytest.approx(2.25**400, rel=found.relative_error)


@settings(max_examples=40)
@given(
    widths=st.lists(st.integers(1, 30), min_size=2, max_size=12),
    order=st.integers(1, 4),
    family=families,
    longest_bits=st.sampled_from([1, 16, 64]),
)
def test_enclosed_reading_contains_the_exact_value(widths, order, family, longest_bits):
    network = FullyConnected(widths, **family)
    truths = exact.length_moments(network, order)
    with ctx.workprec(40):
        enclosed = exact.length_moments(network, order, longest_bits=longest_bits)
    for truth_row, row in zip(truths, enclosed, strict=True):
        for truth, number in zip(truth_row, row, strict=True):
            ball = arb(number)
            with ctx.workprec(2_000):
                assert ball.contains(truth)
            assert ball.rel_accuracy_bits() >= 20 or ball == truth


def test_enclosure_comparison_rejects_a_dropped_layer():
    widths = [7] * 12
    with ctx.workprec(60):
        ball = exact.length_moments(FullyConnected(widths), 2, longest_bits=8)[-1][1]
    assert isinstance(ball, arb)
    with ctx.workprec(200):
        assert ball.contains(fmpq(12, 7) ** 11)
        assert not ball.contains(fmpq(12, 7) ** 10)


def substituted(derived, target, numbers):
    """A symbolic row at numbers, without the zeros."""
    names = list(derived.symbols)
    row = {
        p: entry(*(numbers.get(name, fmpq(0)) for name in names)) for p, entry in derived.row(target).items()
    }
    return {p: value for p, value in row.items() if value != 0}


def exact_row(network, order, target):
    """The numeric layer map of layer 1 for one partition."""
    (layer,) = network.layers
    recursion = moment_recursion(order, network.has_bias)
    powers = range(order + 1)
    laws = LawNumbers(
        fmpq,
        [layer.weights.even_moment(l) for l in powers],
        [layer.bias.even_moment(l) * layer.bias_variance**l for l in powers],
    )
    shape = ShapeNumbers(
        fmpq(1),
        fmpq(1, layer.width),
        [fmpq(max(layer.width - i, 0), layer.width) for i in powers],
        layer.effective_gain,
        [layer.activation.even_moment_factor(l) for l in powers],
    )
    row = recursion.matrix(recursion.law_rows(laws), shape)[recursion.position[target]]
    return {recursion.partitions[i]: value for i, value in row if value != 0}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("law, slopes", [("uniform", "relu"), ("laplace", "leaky_relu:1/3")])
def test_symbols_replaced_by_numbers_give_the_layer_map(order, law, slopes):
    """Integer widths with n >= order: below that falling factorials vanish in numbers only."""
    width, variance = 5, fmpq(2, 7)
    network = FullyConnected(
        [4, width],
        weights=law,
        activation=slopes,
        bias_weights="uniform",
        bias_variance=variance,
        variance_gain=3,
    )
    numbers = {"u": fmpq(1, width), "g": fmpq(3)}
    for l in range(1, order + 1):
        numbers[f"m{2 * l}"] = as_law(law).even_moment(l)
        numbers[f"c{l}"] = as_activation(slopes).even_moment_factor(l)
        numbers[f"b{2 * l}"] = as_law("uniform").even_moment(l) * variance**l
    derived = derive(order, bias=True, activation=None)
    for target in derived.recursion.partitions:
        assert substituted(derived, target, numbers) == exact_row(network, order, target)
    mutant = {**numbers, "c1": numbers["c1"] + 1}
    assert substituted(derived, (1,), mutant) != exact_row(network, order, (1,))


@pytest.mark.parametrize(
    "order, text", [(1, "1"), (2, "5*u + 1"), (3, "44*u^2 + 15*u + 1"), (4, "558*u^3 + 251*u^2 + 30*u + 1")]
)
def test_closed_factors_of_the_normal_law(order, text):
    """THEORY.md section 2; with E M^k at width 1 = c_k 2^k (2k-1)!!: the coefficients sum to that."""
    factor = derive(order, weights="normal").closed_factor(order)
    assert str(factor) == text
    double_factorial = math.prod(range(1, 2 * order, 2))
    assert sum(factor.to_dict().values()) == fmpq(2**order * double_factorial, 2)


@pytest.mark.parametrize("law", ["uniform", "rademacher", None])
def test_other_laws_have_no_closed_factor(law):
    assert derive(2, weights=law).closed_factor(2) is None
    assert derive(1, weights=law).closed_factor(1) == 1


def test_latex_shows_the_derived_recursion():
    text = derive(2).to_latex()
    assert text.startswith("\\begin{aligned}")
    assert text.endswith("\\end{aligned}")
    assert r"\mathbb{E}[M_j^{2} \mid a_{j-1}]" in text
    five = re.search(r"\\left\(([^()]*)\\right\) \\bar A_\{1,1\}", text)
    assert five is not None
    assert set(five[1].split(" + ")) == {"1", r"\frac{5}{n_{j}}"}
    assert "m_{4}" in text
    assert r"\nu_{2}" not in text
    assert r"\frac{4}{n_{j}}" not in text
    assert r"\nu_{2}" in derive(2, bias=True).to_latex()


@pytest.mark.parametrize("order", [2, 3, 4])
def test_latex_of_the_length_has_one_line_per_power_and_partition(order):
    """Lines: order powers of M, and every partition of 2, ..., order."""
    derived = derive(order, weights="normal")
    partitions = [p for p in derived.recursion.partitions if sum(p) > 1]
    assert derived.to_latex().count("&=") == order + len(partitions)
    assert all(multinomial(p) % symmetry(p) == 0 for p in partitions)
