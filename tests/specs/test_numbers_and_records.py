"""Numbers that know their kind, records as plain data, and limits that are stated: each at its edge.

Most were found by a small change of a formula that no other test noticed.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, is_dataclass
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from refusals import refusal

from theory import (
    Bounded,
    Enclosed,
    Exact,
    Floating,
    FullyConnected,
    delta_law,
    gradient_moments,
    predict,
    reversed_network,
)
from theory.bounds import second_moment_bounds
from theory.empirical_variance import affine_empirical_variance
from theory.exact_moments import length_moment, vanishing_probability
from theory.gradient_law import ChiSquareFactor
from theory.gradients import _numbers
from theory.precision import at_precision
from theory.prediction import _values
from theory.rationals import rational
from theory.readings.exact import length_moments
from theory.recursion import check_order_range
from theory.reversal import alive_probabilities, reversed_layers, survival
from theory.values import _scientific, as_value, larger, smaller

# Numbers.


def test_fractions_of_as_many_digits_as_are_kept_stay_exact():
    """4,000 digits, as `predict` says; of numerator and denominator, the longer counts."""
    kept, longer = fmpq(5 * 10**3999), fmpq(9 * 10**4000)
    assert Exact(kept).to_dict()["exact"] == "5" + "0" * 3999
    assert "exact" in Exact((kept + 1) / kept).to_dict()
    assert "exact" not in Exact(longer).to_dict()
    assert "exact" not in Exact(1 / longer).to_dict()


@pytest.mark.parametrize("number", [fmpq(0), fmpq(-1, 2), fmpq(-3)])
def test_only_positive_numbers_have_a_logarithm(number):
    assert Exact(number).log is None
    assert Exact(number).to_dict()["log"] is None


def test_bounds_are_printed_outward_to_thirty_digits():
    """[1/3, 2/3]: neither end has finitely many digits, so each moves outward, by less than 1e-29."""
    found = Bounded(fmpq(1, 3), fmpq(2, 3)).to_dict()
    low, high = (fmpq(*_ratio(found[end])) for end in ("lower", "upper"))
    assert 0 < fmpq(1, 3) - low < fmpq(1, 10**29)
    assert 0 < high - fmpq(2, 3) < fmpq(1, 10**29)


def _ratio(decimal):
    digits, exponent = decimal.split("e")
    whole, _, part = digits.partition(".")
    shift = int(exponent) - len(part)
    return int(whole + part) * 10 ** max(shift, 0), 10 ** max(-shift, 0)


@pytest.mark.parametrize(("middle", "radius"), [(12, 0.5), (-12, 0.5), (0.5, 0.25), (0.0, 1.0), (99.0, 0.5)])
def test_balls_of_hardly_a_digit_are_printed_as_bounds_that_hold_them(middle, radius):
    """Outward, by no more than the radius on each side."""
    found = Enclosed(arb(middle, radius)).to_dict()
    low, high = float(found["lower"]), float(found["upper"])
    assert middle - 2 * radius <= low <= middle - radius < middle + radius <= high <= middle + 2 * radius


@pytest.mark.parametrize("whole", ["7", "-7", "12", "-12", "305", "-4000"])
def test_printed_ends_are_only_rewritten(whole):
    """One digit before the point, the same number."""
    for exponent in (-40, 0, 3):
        shown = _scientific(whole, exponent)
        assert fmpq(*_ratio(shown)) == fmpq(int(whole)) * fmpq(10) ** exponent
        assert re.fullmatch(r"-?\d(\.\d+)?e-?\d+", shown)


@pytest.mark.parametrize(("radius", "enough"), [(1.5e-30, False), (1e-31, True)])
def test_digits_are_guaranteed_digits(radius, enough):
    """30 of them: no more than 1e-30 away from 1."""
    ball = Enclosed(arb(1, radius))
    if enough:
        assert at_precision(lambda: ball, lambda value: [value], 30) is ball
    else:
        assert "30 digits" in refusal(at_precision, lambda: ball, lambda value: [value], 30)


def test_small_floating_numbers_have_negative_logarithms():
    assert Floating(0.25, 0.0).log == pytest.approx(-2 * math.log(2))
    assert Floating(-1.0, 0.0).log is None


def test_precision_is_doubled_until_it_is_given_up():
    """The refusal names the last one tried; the first has some bits more than the digits need."""
    tried = []

    def never_sharp():
        tried.append(ctx.prec)
        return Enclosed(arb(1, 1e-3))

    words = refusal(at_precision, never_sharp, lambda value: [value], 10)
    assert words.startswith(f"{tried[-1]} bits of precision do not give 10 digits")
    assert tried == [tried[0] * 2**k for k in range(len(tried))]
    assert len(tried) > 3
    assert 34 < tried[0] < 200


@pytest.mark.parametrize("order", [1, 2, 12, np.int64(12)])
def test_orders_up_to_twelve_are_read(order):
    check_order_range(order)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (0, "order must be from 1 to 12, not 0"),
        (13, "order must be from 1 to 12, not 13"),
        (999_999_999, "order must be from 1 to 12, not 999999999"),
        (10**9, "order must be from 1 to 12, not a far larger number"),
        (-(10**9), "order must be from 1 to 12, not a far larger number"),
        (True, "order must be a whole number from 1 to 12, not True"),
        (2.0, "order must be a whole number from 1 to 12, not 2.0"),
        ("2", "order must be a whole number from 1 to 12, not '2'"),
    ],
)
def test_other_orders_are_refused_by_what_they_are(order, words):
    assert refusal(check_order_range, order) == words


def test_refused_numbers_are_shown_up_to_sixty_characters():
    """With their quotation marks."""
    assert refusal(rational, "x" * 58).endswith(f", not '{'x' * 58}'")
    assert refusal(rational, "x" * 59).endswith(f", not '{'x' * 59}...")


def test_means_and_second_moments_belong_to_the_same_layers():
    """A list too short is an error, not a shorter net."""
    steps, ones = [(fmpq(1), fmpq(0))] * 2, [fmpq(1)] * 2
    assert affine_empirical_variance(steps, ones, ones) == 0
    for means, squares in ((ones[:1], ones), (ones, ones[:1])):
        with pytest.raises(ValueError, match="shorter"):
            affine_empirical_variance(steps, means, squares)


def test_floats_of_records():
    """Infinite beyond the range of floats, where JSON has null."""
    with ctx.workprec(100):
        huge = arb(10) ** 400
    for number in (fmpq(10) ** 400, huge):
        assert float(as_value(number)) == math.inf
        assert as_value(number).to_dict()["value"] is None
        assert as_value(number).log == pytest.approx(400 * math.log(10))
    for number in (fmpq(5, 4), arb(1.25)):
        assert float(as_value(number)) == as_value(number).to_dict()["value"] == 1.25
    assert isinstance(as_value(fmpq(1)), Exact)
    assert isinstance(as_value(arb(1)), Enclosed)


def test_minima_and_maxima_of_numbers_and_balls():
    """Rationals stay rational; with a ball the answer is one that holds both possible answers."""
    third, ball = fmpq(1, 3), arb(0.5, 0.25)
    assert (smaller(third, fmpq(1)), larger(third, fmpq(1))) == (third, 1)
    assert isinstance(smaller(third, fmpq(1)), fmpq)
    for pair in ((third, ball), (ball, third)):
        low, high = smaller(*pair), larger(*pair)
        assert isinstance(low, arb)
        assert isinstance(high, arb)
        assert low.contains(third)
        assert low.contains(arb(0.25))
        assert high.contains(third)
        assert high.contains(arb(0.75))
        assert not low.contains(arb(0.5))


def test_infinite_bounds_are_null():
    found = Bounded(fmpq(1, 2), arb("inf")).to_dict()
    assert (found["upper"], found["bounded"], found["value"], found["log"]) == (None, True, None, None)
    assert 0.4999 < float(found["lower"]) <= 0.5


@pytest.mark.parametrize("number", [fmpq(7), fmpq(-7), fmpq(1, 7), fmpq(0)])
def test_rationals_are_written_as_python_reads_them(number):
    shown = Exact(number).to_dict()["exact"]
    assert fmpq(*Fraction(shown).as_integer_ratio()) == number
    assert ("/" in shown) == (number.q != 1)


# Predictions.


def test_variances_have_their_digits_even_where_they_are_nearly_nothing():
    """One linear neuron, signs, x = (1, e), e = 2^-40: z^2 = s^2 (1 +- e)^2, s^2 = 1/sqrt 2, Var M = 2 e^2.

    E M^2 and (E M)^2 agree in 79 bits, more than there are to spare at first.
    """
    tiny = fmpq(1, 2**40)
    net = FullyConnected(
        [2, 1], weights="rademacher", activation="linear", mode="fan_geo_avg", input=[1, tiny]
    )
    variance = predict(net, digits=30).layers[1].variance
    assert isinstance(variance, Enclosed)
    assert variance.ball.rel_accuracy_bits() >= 99
    assert variance.ball.contains(2 * tiny**2)


@pytest.mark.parametrize("function", [predict, gradient_moments])
def test_long_fractions_are_kept_where_all_digits_are_asked_only(function):
    """A gain of 1e-1000 in each of five layers: 5,000 digits; of one layer 1,000."""
    net = FullyConnected([2] * 6, variance_gain="1e-1000")
    assert isinstance(predict(net, 1).layers[1].moments[0], Exact)
    short, long = function(net, 1), function(net, 1, exact=True)

    def last(found):
        return found.layers[-1].moments[0] if function is predict else found.layers[0].delta_moments[0]

    assert isinstance(last(short), Enclosed)
    assert isinstance(last(long), Exact)
    assert last(short).ball.overlaps(arb(last(long).number))


def test_means_may_stay_while_second_moments_explode():
    """Width 1, normal: E M_j = 1 and E M_j^2 = 6^j, above 10 from the second layer on."""
    judged = predict(FullyConnected([1] * 4)).failure_modes
    assert (judged.fm1.fails, judged.fm1.worst.number) == (False, 1)
    assert (judged.fm2.fails, judged.fm2.first_layer, judged.fm2.worst.number) == (True, 2, 216)


def test_lengths_that_are_zero_have_no_spread():
    """From the input 0, layer 1 without bias stays 0: E M^2/(E M)^2 does not exist there."""
    net = FullyConnected([2, 3, 4], input=[0, 0], bias_variance=[0, 1])
    assert [layer.moments[0].number for layer in predict(net).layers] == [0, 0, fmpq(1, 2)]
    assert predict(net).failure_modes.fm2.fails is None


@pytest.mark.parametrize("order", [1, 2, 4])
def test_a_notebook_shows_a_column_for_each_moment(order):
    html = predict(FullyConnected([2, 3]), order)._repr_html_()
    assert re.findall(r"<th>(.*?)</th>", html) == [
        "layer",
        "width",
        *(f"E M<sup>{k}</sup>" for k in range(1, order + 1)),
    ]
    rows = re.findall(r"<tr>(<td>.*?)</tr>", html)
    assert [row.count("<td>") for row in rows] == [2 + order] * 2


@pytest.mark.parametrize(("use", "named"), [("weight", "weights"), ("bias", "bias_weights")])
def test_the_infinite_moment_is_named(use, named):
    """student_t:5 has moments below 5: the fourth, not the sixth."""
    net = FullyConnected([2, 2], **{named: "student_t:5"}, bias_variance=1)
    words = refusal(length_moments, net, 3)
    assert words == (
        f"order 3 needs the moment of order 6 of the {use} law student_t:5, which is infinite; "
        "the largest order that works is --order 2"
    )


def test_chances_of_vanishing_are_exact_up_to_a_million_bits():
    """1 - (1 - 2^-n)^d has n d bits."""
    short, longer, long = (
        vanishing_probability(FullyConnected(widths).layers)
        for widths in ([1000] * 1001, [1000] * 1001 + [1], [1000] * 1002)
    )
    assert isinstance(longer, arb)
    assert longer.overlaps(arb((1 + short) / 2))
    assert short == 1 - (1 - fmpq(1, 2**1000)) ** 1000
    assert isinstance(long, arb)
    with ctx.workprec(3000):
        assert long.contains(1 - (1 - arb(2) ** -1000) ** 1001)
    assert 2**1000 * long > 1000


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_layers_are_alike_only_with_the_same_fan_in_where_it_matters(mode):
    """Moments of M_d/M_0 as the product of layers against the recursion; both layers have width 4."""
    net = FullyConnected([3, 4, 4], mode=mode)
    for k in (1, 2, 3):
        assert length_moment(net.layers, k) == length_moments(net, 3)[-1][k - 1]
    assert length_moment(net.layers, 0) == 1


def numbers_in(record):
    """The exact and enclosed numbers of a record, found by walking through it."""
    if isinstance(record, (Exact, Enclosed)):
        yield record
    elif isinstance(record, tuple):
        for part in record:
            yield from numbers_in(part)
    elif is_dataclass(record):
        for field in fields(record):
            yield from numbers_in(getattr(record, field.name))


@pytest.mark.parametrize(("predicted", "checked"), [(predict, _values), (gradient_moments, _numbers)])
def test_digits_of_every_number_are_looked_at(predicted, checked):
    """But the kurtosis and constants, and what failure modes are read from."""
    found = predicted(FullyConnected([2, 3, 4], weights="truncated_normal:2"))
    looked_at = {id(number) for number in checked(found)}
    for part in ("layers", "empirical_variance", "first_to_last"):
        assert {id(number) for number in numbers_in(getattr(found, part, None))} <= looked_at
    for end in ("lower", "upper", "exponential_lower", "exponential_upper"):
        assert predicted is gradient_moments or id(getattr(found.second_moment_bounds, end)) in looked_at


def test_second_moments_and_their_bounds_need_the_fourth_moment_only():
    """student_t:5 has no sixth moment, and student_t:3 not the fourth."""
    found = predict(FullyConnected([2, 3], weights="student_t:5"))
    bounds = found.second_moment_bounds
    assert bounds.lower.number <= found.layers[1].moments[1].number <= bounds.upper.number
    assert predict(FullyConnected([2, 3], weights="student_t:3"), 1).second_moment_bounds is None
    assert gradient_moments(FullyConnected([2, 3], weights="student_t:5"), 1).layers[0].weight_spread


def test_bounds_begin_at_the_square_of_the_inputs_length():
    """x = (1, 3): M = 5. Normal weights have c = C = 5, gain 1 halves the mean: q = 25 (1/4) (1 + 5/3)."""
    bounds = second_moment_bounds(FullyConnected([2, 3], input=[1, 3], variance_gain=1))
    assert bounds.lower.number == bounds.upper.number == fmpq(25, 4) * fmpq(8, 3)
    assert bounds.exponential_upper.ball.overlaps(fmpq(25, 4) * arb(fmpq(5, 3)).exp())
    assert bounds.exponential_lower.ball.overlaps(fmpq(25, 4) * (arb(6).log() / 3).exp())
    plain = bounds.to_dict(exact_digits=10)
    assert list(plain) == ["c", "C", "lower", "upper", "exponential_lower", "exponential_upper"]
    assert (plain["c"]["exact"], plain["C"]["exact"], plain["lower"]["exact"]) == ("5", "5", "50/3")


@pytest.mark.parametrize("predicted", [predict, gradient_moments])
def test_defaults_are_second_moments_to_thirty_digits(predicted):
    """Irrational numbers: their printed bounds tell 29 from 30 digits."""
    net = FullyConnected([2, 3, 4], weights="truncated_normal:2")
    found = predicted(net).to_dict()
    assert found == predicted(net, 2, exact=False, digits=30).to_dict()
    assert found != predicted(net, 2, exact=False, digits=29).to_dict()


@pytest.mark.parametrize("digits", [1, 1000])
def test_digits_from_one_to_a_thousand(digits):
    net = FullyConnected([2, 3], weights="truncated_normal:2")
    ball = predict(net, digits=digits).layers[1].moments[1].ball
    assert ball.rel_accuracy_bits() >= digits * math.log2(10)
    for beyond in (0, 1001, True, 2.0, "2"):
        assert refusal(predict, net, digits=beyond) == (
            f"digits must be a whole number from 1 to 1000, not {beyond!r}"
        )


# Gradients.


def test_gradients_as_plain_data():
    """Each moment by its order, each number in its own form, null where there is none."""
    found = gradient_moments(FullyConnected([2, 3, 4], weights="uniform"), 3)
    plain = json.loads(json.dumps(found.to_dict()))
    assert (plain["readout"], len(plain["layers"])) == ("normal", 2)
    for layer, shown in zip(found.layers, plain["layers"], strict=True):
        assert (shown["index"], shown["fan_in"], shown["width"]) == (layer.index, layer.fan_in, layer.width)
        for name in ("delta_moments", "weight_moments"):
            values = getattr(layer, name)
            assert shown[name] == {str(k): values[k - 1].to_dict() for k in (1, 2, 3)}
        for name in ("alive", "delta_variance", "weight_variance", "delta_spread", "weight_spread"):
            assert shown[name] == getattr(layer, name).to_dict()
    heavy = gradient_moments(FullyConnected([2, 2], weights="student_t:3"), 1).to_dict()["layers"][0]
    assert heavy["delta_variance"] is heavy["weight_variance"] is None
    assert heavy["delta_spread"] is heavy["weight_spread"] is None


def test_factors_of_spreads_begin_at_one():
    """FM2 of gradients: the first factor is the spread of layer 1 itself, the product that of the last."""
    found = gradient_moments(FullyConnected([2, 3, 4, 2], weights="uniform"))
    product = fmpq(1)
    for layer, factor in zip(found.layers, found.failure_modes.fm2.factors, strict=True):
        product *= factor.number
        assert product == layer.weight_spread.number


def test_indices_of_layers_are_whole_numbers_in_range():
    net = FullyConnected([2, 3, 4])
    for index in (True, False, "1", 1.0, None, 0, 3, -1):
        for function in (delta_law, reversed_network):
            assert refusal(function, net, index) == (
                f"the layer must be a whole number from 1 to 2, not {index!r}"
            )
    assert [delta_law(net, index).scale for index in (1, 2)] == [3, 4]


def test_variances_and_spreads_of_gradients_are_those_of_their_moments():
    """E X^2 - (E X)^2 and E X^2/(E X)^2; no mean is 0 or 2 here."""
    for layer in gradient_moments(FullyConnected([3, 2, 5], weights="uniform", variance_gain=3)).layers:
        for name in ("delta", "weight"):
            mean, second = (m.number for m in getattr(layer, f"{name}_moments"))
            assert mean not in (0, 2)
            assert getattr(layer, f"{name}_variance").number == second - mean**2
            assert getattr(layer, f"{name}_spread").number == second / mean**2


def test_layers_of_the_reversed_net_are_counted_from_one():
    layers = reversed_layers(FullyConnected([5, 4, 3, 2]))
    assert [layer.index for layer in layers] == [1, 2, 3]
    assert [(layer.fan_in, layer.width) for layer in layers] == [(1, 2), (2, 3), (3, 4)]


def test_chances_of_being_alive_stay_short():
    """Two layers of width 999,999 multiply to two million bits, more than are kept; 8 bits if 8 are asked."""
    wide = list(alive_probabilities(FullyConnected([1, 999_999, 999_999, 1])))
    assert [isinstance(chance, arb) for chance in wide] == [False, False, True]
    narrow = list(alive_probabilities(FullyConnected([1, 5, 5, 1]), longest_bits=8))
    assert [isinstance(chance, arb) for chance in narrow] == [False, False, True]
    assert narrow[2].contains(fmpq(31, 32) ** 2)


def test_giant_layers_survive_but_for_two_to_their_width():
    """1 - 2^-n, seen at more bits than n."""
    (below,), (giant,) = (FullyConnected([1, 10**6 + shift]).layers for shift in (-1, 0))
    assert survival(below) == 1 - fmpq(1, 2 ** (10**6 - 1))
    with ctx.workprec(10**6 + 100):
        found = survival(giant)
        assert isinstance(found, arb)
        assert found == 1 - arb(2) ** -(10**6)
    (leaky,) = FullyConnected([1, 3], activation="leaky_relu").layers
    assert survival(leaky) == 1


@pytest.mark.parametrize("width", [1, 3, 5])
def test_degrees_of_freedom_are_binomial(width):
    """Chances of a fair coin: they sum to 1, their mean is n/2, their variance n/4."""
    found = ChiSquareFactor(fmpq(1), width, (fmpq(1), fmpq(0))).degrees_of_freedom()
    assert [b for b, _, _ in found] == [width - rest for _, rest, _ in found] == list(range(width + 1))
    assert sum((p for _, _, p in found), fmpq(0)) == 1
    assert sum((b * p for b, _, p in found), fmpq(0)) == fmpq(width, 2)
    assert sum((b**2 * p for b, _, p in found), fmpq(0)) == fmpq(width, 4) + fmpq(width, 2) ** 2
