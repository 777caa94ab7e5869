"""Enclosed numbers: a second enclosure by mpmath.iv, containment, requested digits, certainty."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq
from mpmath import iv

from theory import FullyConnected, SpecError, as_law, gaussian, power_sums, predict
from theory.activations import as_activation
from theory.bounds import layer_constants
from theory.readings.exact import length_moments
from theory.reals import SquareRoot, TruncatedNormalMoment, number, square_root
from theory.values import Enclosed, Exact, larger, smaller


def interval_moment(cut: int, half_order: int):
    """E[X^{2r} | |X| <= cut] by intervals: Taylor series of both integrals, alternating remainder.

    int_0^c x^{2r} e^{-x^2/2} dx = sum_k (-1)^k c^{2r+2k+1}/(2^k k! (2r+2k+1)); once the terms
    decrease, the sum lies between consecutive partial sums.
    """

    def integral(r):
        total, term = iv.mpf(0), iv.mpf(cut) ** (2 * r + 1)
        for k in range(400):
            part = term / (2 * r + 2 * k + 1)
            total += part if k % 2 == 0 else -part
            term = term * cut * cut / (2 * (k + 1))
        size = term / (2 * r + 801)
        return total + iv.mpf([-size.b, size.b])

    return integral(half_order) / integral(0)


@pytest.mark.parametrize("cut", [1, 2, 3, 6])
@pytest.mark.parametrize("half_order", [1, 2, 3, 4])
def test_truncated_moments_agree_with_a_second_enclosure(cut, half_order):
    old, iv.prec = iv.prec, 400
    try:
        other = interval_moment(cut, half_order)
        ends = [iv.nstr(end, 60).strip("[]").split(",")[0] for end in (other.a, other.b)]
    finally:
        iv.prec = old
    with ctx.workprec(120):
        ball = TruncatedNormalMoment(fmpq(cut), half_order).enclosure()
        low, high = (arb(end) for end in ends)
        assert ball.overlaps(low.union(high))
        wrong = TruncatedNormalMoment(fmpq(cut), half_order + 1).enclosure()
        assert not wrong.overlaps(low.union(high))
        assert ball.rel_accuracy_bits() > 100


def test_kurtosis_of_the_law_cut_at_two_deviations():
    with ctx.workprec(100):
        kurtosis = as_law("truncated_normal:2").kurtosis
        assert fmpq(236553, 10**5) < kurtosis < fmpq(236554, 10**5)


def test_far_cuts_tend_to_the_normal_law_and_near_ones_to_the_uniform():
    with ctx.workprec(200):
        assert abs(as_law("truncated_normal:40").kurtosis - 3) < fmpq(1, 10**50)
        assert abs(as_law("truncated_normal:1/1000").kurtosis - fmpq(9, 5)) < fmpq(1, 10**6)


def test_the_constant_of_the_frameworks_is_the_deviation_at_cut_two():
    with ctx.workprec(100):
        deviation = TruncatedNormalMoment(fmpq(2), 1).enclosure().sqrt()
        assert abs(deviation - arb("0.87962566103423978")) < arb("1e-16")


@pytest.mark.parametrize("digits", [1, 30, 200, 1000])
def test_requested_digits_are_guaranteed(digits):
    found = predict(FullyConnected([5, 7, 9], weights="truncated_normal:2"), digits=digits)
    value = found.layers[-1].moments[1].to_dict()
    low, high = Fraction(value["lower"]), Fraction(value["upper"])
    assert 0 < high - low <= low * Fraction(1, 10 ** (digits - 1))


def test_more_digits_lie_inside_fewer():
    net = FullyConnected([5, 7, 9], weights="truncated_normal:3/2", mode="fan_geo_avg")
    few = predict(net, digits=10).layers[-1].moments[1].to_dict()
    many = predict(net, digits=80).layers[-1].moments[1].to_dict()
    assert (
        Fraction(few["lower"]) <= Fraction(many["lower"]) <= Fraction(many["upper"]) <= Fraction(few["upper"])
    )


@pytest.mark.parametrize("digits", [0, -1, 1001, 2.5, True, "30"])
def test_digits_beyond_the_limit_are_refused(digits):
    with pytest.raises(SpecError, match="digits"):
        predict(FullyConnected([2, 3]), digits=digits)


@pytest.mark.parametrize("cut", ["0", "-1", "nan", "", "1e-9", "1e9"])
def test_cuts_must_keep_something(cut):
    with pytest.raises(SpecError):
        as_law(f"truncated_normal:{cut}")


def test_geometric_fans_are_roots():
    net = FullyConnected([4, 9, 5], mode="fan_geo_avg", variance_gain=1)
    assert net.layers[0].entry_variance == fmpq(1, 6)
    with ctx.workprec(80):
        assert isinstance(net.layers[1].entry_variance, arb)
        assert (net.layers[1].entry_variance ** 2).overlaps(arb(fmpq(1, 45)))
        assert not (net.layers[1].entry_variance ** 2).overlaps(arb(fmpq(1, 44)))


def test_roots_are_rational_where_they_can_be():
    assert square_root(fmpq(4, 9)) == fmpq(2, 3)
    assert square_root(fmpq(2)) == SquareRoot(fmpq(2))
    assert number(fmpq(1, 3)) == fmpq(1, 3)


def test_extremes_of_balls_enclose():
    with ctx.workprec(60):
        third = arb(fmpq(1, 3))
        assert smaller(third, fmpq(1, 2)).overlaps(third)
        assert larger(third, fmpq(1, 2)).contains(arb(fmpq(1, 2)))
    low, high = layer_constants(as_law("truncated_normal:2"), as_activation("relu"))
    assert high == 5
    assert abs(low - fmpq(37310734, 10**7)) < fmpq(1, 10**6)


def test_kinds_do_not_mix():
    found = predict(FullyConnected([3, 4, 5], weights="truncated_normal:2"))
    assert isinstance(found.layers[2].moments[0], Exact)
    assert isinstance(found.layers[2].moments[1], Enclosed)
    bounds = found.second_moment_bounds
    assert bounds.lower.ball <= found.layers[2].moments[1].ball


@pytest.mark.parametrize("law", ["normal", "uniform", "truncated_normal:2", "rademacher"])
def test_routes_overlap_where_numbers_are_irrational(law):
    """Two routes, one network, no rational entry: their balls meet, and another net's do not."""
    net = FullyConnected([3, 4, 6, 5], weights=law, mode="fan_geo_avg", bias_variance="1/3", input=[1, 2, -1])
    other = FullyConnected(
        [3, 4, 6, 4], weights=law, mode="fan_geo_avg", bias_variance="1/3", input=[1, 2, -1]
    )
    with ctx.workprec(150):
        first, wrong = length_moments(net, 3)[-1], length_moments(other, 3)[-1]
        *_, second = power_sums.length_moments(net, 3)
        for k in range(3):
            assert arb(first[k]).overlaps(arb(second[k]))
            assert arb(first[k]).rel_accuracy_bits() > 100
            assert not arb(first[k]).overlaps(arb(wrong[k]))
        if law == "normal":
            *_, third = gaussian.length_moments(net, 3)
            assert all(arb(a).overlaps(arb(b)) for a, b in zip(first, third, strict=True))
