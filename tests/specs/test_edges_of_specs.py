"""The door of specs at its edges: the last value that is accepted and the first that is refused, in words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq, fmpz
from refusals import refusal

import simulate
import theory
from theory import FullyConnected, Thresholds, as_activation, as_law, door, finite_law, initialiser
from theory.errors import unknown_name
from theory.fans import FAN_MODES, fan
from theory.rationals import rational
from theory.readings.exact import length_moments
from theory.reals import SquareRoot, TruncatedNormalMoment, as_float, square_root


def test_the_room_lists_its_public_names():
    assert dir(theory) == sorted(theory.__all__)
    assert dir(simulate) == sorted(simulate.__all__)
    assert {"FullyConnected", "predict", "SpecError"} < set(dir(theory))
    with pytest.raises(AttributeError, match="module 'theory' has no public name 'predicted'"):
        theory.predicted  # noqa: B018


# Widths and inputs.


def test_nets_are_as_deep_as_the_limit_and_no_deeper():
    assert FullyConnected([1] * (door.MAX_DEPTH + 1)).depth == 100_000
    assert refusal(FullyConnected, [1] * (door.MAX_DEPTH + 2)).endswith("the depth limit is 100,000")


@pytest.mark.parametrize("width", [True, False, 2.0, 2.5, "3", None])
def test_widths_are_whole_numbers(width):
    words = refusal(FullyConnected, [3, width])
    kind = type(width).__name__
    assert words == f"width n_1 must be a whole number (an int) of at least 1, not {width!r} ({kind})"


@pytest.mark.parametrize("widths", [[], [3]])
def test_nets_have_a_layer(widths):
    assert refusal(FullyConnected, widths) == (
        f"widths needs the input width and at least one layer, such as 784,10; got {len(widths)} number(s)"
    )


def test_nets_are_as_wide_as_the_limit_and_no_wider():
    assert FullyConnected([1, 10**12]).widths == (1, 10**12)
    assert refusal(FullyConnected, [1, 10**12 + 1]) == (
        "width n_1 must be from 1 to 1,000,000,000,000, not 1,000,000,000,001"
    )
    for wide in (10**30 - 1, -(10**30) + 1):
        assert refusal(FullyConnected, [wide, 1]).endswith(f"not {wide:,}")
    for wide in (10**30, -(10**30)):
        assert refusal(FullyConnected, [wide, 1]).endswith("not one of more than 30 digits")


def test_inputs_are_as_long_as_the_limit_and_no_longer(monkeypatch):
    """The limit itself, ten million, would take seconds."""
    assert door._MAX_INPUT == 10**7
    monkeypatch.setattr(door, "_MAX_INPUT", 3)
    assert FullyConnected([3, 1], input=[1, 2, 3]).input == (1, 2, 3)
    assert refusal(FullyConnected, [4, 1], input=[1, 2, 3, 4]) == "the input has more than 3 coordinates"


def test_the_coordinate_that_is_no_number_is_counted_from_one():
    for place in (1, 2, 3):
        values = [1, 1, 1]
        values[place - 1] = "x"
        assert refusal(FullyConnected, [3, 1], input=values).startswith(f"input coordinate {place} must be")


def test_arrays_of_one_dimension_are_sequences():
    assert FullyConnected(np.array([2, 3]), input=np.array([1.0, 0.5])).input == (1, fmpq(1, 2))
    for values in (np.array(2), np.ones((2, 1)), {1: 2, 2: 3}, {1, 2}, "12", b"12", 12):
        words = refusal(FullyConnected, [2, 1], input=values)
        assert words.startswith("the input is a sequence of numbers such as [1, -2, 0.5], not")
        assert words.endswith(type(values).__name__)


def test_gains_and_bias_variances_at_zero():
    net = FullyConnected([2, 2], variance_gain="1/1000", bias_variance=0)
    assert (net.variance_gain, net.bias_variance, net.has_bias) == ((fmpq(1, 1000),), (0,), False)
    assert FullyConnected([2, 2], bias_variance="1/1000").has_bias
    assert "must be positive, not 0;" in refusal(FullyConnected, [2, 2], variance_gain=0)
    words = refusal(FullyConnected, [2, 2], bias_variance="-1/1000")
    assert words == "the bias variance must be at least 0, not -1/1000"


def test_every_layer_has_the_critical_gain_of_its_own_activation():
    net = FullyConnected([2, 3, 4, 5], activation="relu", output_activation="linear")
    assert net.variance_gain == (2, 2, 1)
    assert [layer.activation.name for layer in net.layers] == ["relu", "relu", "linear"]
    assert [layer.mean_factor for layer in net.layers] == [1, 1, 1]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/3", "abs", "slopes:2:-1/3"])
def test_means_are_affine_in_the_mean_before(activation):
    """E M_j = alpha E M_{j-1} + beta with alpha = c_1 g and beta = c_1 nu, c_1 = (s_+^2 + s_-^2)/2."""
    net = FullyConnected(
        [2, 3, 5], activation=activation, variance_gain=["1/2", 3], bias_variance=["1/5", 7], input=[1, 3]
    )
    means = [row[0] for row in length_moments(net, 1)]
    plus, minus = net.activation.slopes
    half = (plus**2 + minus**2) / 2
    for layer, before, after in zip(net.layers, means, means[1:], strict=False):
        assert layer.mean_factor == half * layer.variance_gain
        assert layer.mean_shift == half * layer.bias_variance
        assert after == layer.mean_factor * before + layer.mean_shift


@pytest.mark.parametrize(
    ("low", "high", "spread", "accepted"),
    [
        ("1/1000", 1, 1, True), (1, 1, 1, True), (1, 1000, 1000, True), (0, 1, 1, False), (-1, 1, 1, False),
        ("1001/1000", 2, 1, False), (1, "999/1000", 1, False), (1, 1, "999/1000", False),
    ],
)  # fmt: skip
def test_thresholds_lie_on_both_sides_of_one(low, high, spread, accepted):
    if accepted:
        found = Thresholds(low, high, spread)
        assert (found.fm1_low, found.fm1_high, found.fm2) == (rational(low), high, spread)
    else:
        words = refusal(Thresholds, low, high, spread)
        assert words == "thresholds need 0 < fm1 low <= 1 <= fm1 high and fm2 >= 1"


# Fans.


def test_fans_by_their_names():
    found = {mode: fan(mode, 2, 8) for mode in FAN_MODES}
    assert found == {"fan_in": 2, "fan_out": 8, "fan_avg": 5, "fan_geo_avg": 4, "fan_max": 8, "none": 1}
    assert fan("fan_max", 8, 2) == 8
    assert fan("fan_geo_avg", 2, 3) == SquareRoot(fmpq(6))


# Numbers.


def test_numbers_with_and_without_digits_around_the_point():
    read = {".5": fmpq(1, 2), "5.": 5, "+.5e1": 5, "-0.25": fmpq(-1, 4), "1.5e-3": fmpq(3, 2000), "3/1": 3}
    assert {text: rational(text) for text in read} == read
    assert {text: rational(text) for text in ("3/-1", "0/5", "1.5/2.5", "1/1e2")} == {
        "3/-1": -3, "0/5": 0, "1.5/2.5": fmpq(3, 5), "1/1e2": fmpq(1, 100)
    }  # fmt: skip
    for text in (".", "", "-", "e5", "1e", "1/", "/2", "1//2", "0x10", "1_000", "1 000", "--1", "inf"):
        assert refusal(rational, text, "it").startswith("it must be a finite number such as 2, 0.1 or 1/3")
    assert refusal(rational, "1/0", "it") == "it divides by zero: '1/0'"


def test_numbers_of_every_type_are_read_exactly():
    values = [7, np.int64(7), fmpz(7), fmpq(7), Fraction(7), Decimal(7), 7.0, np.float32(7), "7"]
    assert [rational(value) for value in values] == [7] * len(values)
    assert all(isinstance(rational(value), fmpq) for value in values)
    assert rational(np.float64(0.1)) == rational(0.1) == fmpq(3602879701896397, 2**55)
    for value in (True, None, 1j, [1], float("inf"), float("nan"), Decimal("inf"), Decimal("nan")):
        assert refusal(rational, value, "it").startswith("it must be a finite number")


def test_digits_and_exponents_are_read_up_to_a_thousand():
    assert rational("9" * 1000) == fmpq(10) ** 1000 - 1
    assert refusal(rational, "1" * 1001) == "a number has 1001 characters; at most 1000 are read"
    for sign in ("", "-"):
        assert rational(f"1e{sign}1000") == fmpq(10) ** int(f"{sign}1000")
        assert refusal(rational, f"1e{sign}1001") == (
            f"a number has the exponent {sign}1001; at most 1000 is read"
        )
        assert rational(Decimal(f"1e{sign}1000")) == fmpq(10) ** int(f"{sign}1000")
        assert "finite number" in refusal(rational, Decimal(f"1e{sign}1001"))


def test_floats_of_numbers_beyond_floats():
    assert [as_float(fmpq(sign * 10**400, 3)) for sign in (1, -1)] == [np.inf, -np.inf]
    assert [as_float(fmpq(sign, 10**400)) for sign in (1, -1)] == [0, 0]
    assert as_float(arb(-3, 0.5)) == -3


def test_roots_are_rational_where_they_can_be():
    assert (square_root(fmpq(4, 9)), square_root(fmpq(0)), square_root(fmpq(1))) == (fmpq(2, 3), 0, 1)
    for square in (fmpq(2), fmpq(4, 3), fmpq(3, 4)):
        root = square_root(square)
        assert (str(root), root.square) == (f"sqrt({square})", square)
        assert (root.enclosure() ** 2).contains(square)


@pytest.mark.parametrize("cut", [fmpq(1, 100), fmpq(2), fmpq(30)])
def test_truncated_moments_are_as_sharp_as_the_precision_allows(cut):
    """From E X^{2r} = (2r - 1) E X^{2r-2} - cut^{2r-1} 2 phi(cut)/P(|X| <= cut), by parts."""
    for precision in (64, 200):
        with ctx.workprec(precision):
            found = [TruncatedNormalMoment(cut, r).enclosure() for r in range(4)]
            assert all(ball.rel_accuracy_bits() >= precision - 8 for ball in found)
        with ctx.workprec(2 * precision + 100):
            c = arb(cut)
            edge = 2 * (-(c**2) / 2).exp() / (2 * arb.pi()).sqrt() / (c / arb(2).sqrt()).erf()
            moments = [arb(1)]
            for r in range(1, 4):
                moments.append((2 * r - 1) * moments[-1] - c ** (2 * r - 1) * edge)
            assert all(ball.overlaps(moment) for ball, moment in zip(found, moments, strict=True))
    assert str(TruncatedNormalMoment(cut, 2, fmpq(3))) == f"3*E[X^4 | |X| <= {cut}]"


# Laws and activations.


@pytest.mark.parametrize(
    ("degrees", "highest"), [("5/2", 1), ("4", 1), ("41/10", 2), ("5", 2), ("6", 2), ("13/2", 3)]
)
def test_students_moments_exist_below_the_degrees_of_freedom(degrees, highest):
    law = as_law(f"student_t:{degrees}")
    assert law.finite_half_order == highest
    assert [law.has_moment(r) for r in (0, highest, highest + 1)] == [True, True, False]
    law.even_moment(highest)
    words = refusal(law.even_moment, highest + 1)
    assert words == f"student_t:{degrees} has an infinite moment of order {2 * highest + 2}"


def test_students_variance_is_finite_above_two_degrees_of_freedom():
    assert as_law("student_t:2.001").even_moment(1) == 1
    assert "more than 2 degrees of freedom" in refusal(as_law, "student_t:2")
    assert "more than 2 degrees of freedom" in refusal(as_law, "student_t:1/2")


def test_cuts_are_read_from_a_millionth_to_a_million():
    for end in ("1e-6", "1e6"):
        assert as_law(f"truncated_normal:{end}").kurtosis > 1
    for beyond in ("0.999e-6", "1000001"):
        assert "from 1e-6 to 1e6" in refusal(as_law, f"truncated_normal:{beyond}")
    for nothing in ("0", "-1"):
        assert "keeps nothing; the cut must be positive" in refusal(as_law, f"truncated_normal:{nothing}")


def test_finite_laws_are_sorted_by_value_and_refused_by_what_is_missing():
    law = finite_law([(2, "1/8"), (0, "3/4"), (-2, "1/8")])
    assert law.name == "finite:-2:1/8,0:3/4,2:1/8"
    assert law == as_law(law.name) == finite_law([(0, "3/4"), (-2, "1/8"), (2, "1/8")])
    words = refusal(as_law, "finite:-1:1/2,2:1/2")
    assert words.startswith("this finite law is not symmetric: -1 has probability 1/2, 1 has 0; ")
    words = refusal(as_law, "finite:3:1/4,-3:1/8,0:5/8")
    assert words.startswith("this finite law is not symmetric: -3 has probability 1/8, 3 has 1/4; ")
    assert "must be positive" in refusal(as_law, "finite:-1:3/4,0:-1/2,1:3/4")
    assert "all mass at 0 has variance 0" in refusal(as_law, "finite:0:1")
    for pairs in ([1, 2], [(1, 2, 3)], 5, [(1,)]):
        assert refusal(finite_law, pairs) == "a finite law is given as (value, probability) pairs"


def test_pairs_of_finite_laws_are_shown_up_to_forty_characters():
    long = "1" * 45
    assert refusal(as_law, f"finite:{long}").endswith(f"; '{long[:40]}' is not such a pair")


def test_activations_are_named_as_they_are_written():
    for name in ("relu", "abs", "linear", "leaky_relu:1/3", "leaky_relu:-1/10", "slopes:0:-2", "slopes:2:0"):
        assert as_activation(name).name == name
    assert as_activation("leaky_relu").slopes == (1, fmpq(1, 100))
    assert as_activation("slopes:1:0").name == "relu"
    assert as_activation("leaky_relu:0").name == "relu"
    for name in ("tanh", "gelu", "silu", "selu", "elu", "softplus", "sigmoid"):
        assert as_activation(name).name == name
        assert refusal(as_activation, f"{name}:1").startswith(f"unknown activation '{name}:1'")
    assert refusal(as_activation, "relu:1") == "the activation 'relu' takes no parameter; write 'relu'"
    assert "is the zero map; nothing to predict" in refusal(as_activation, "slopes:0:0")
    assert refusal(as_activation, "slopes").startswith("the positive slope must be a finite number")
    assert refusal(as_activation, "slopes:1").startswith("the negative slope must be a finite number")


def test_unknown_names_are_shown_up_to_forty_characters():
    for length, shown in ((40, "x" * 40), (41, "x" * 40 + "...")):
        words = str(unknown_name("law", "x" * length, ["normal"]))
        assert words == f"unknown law {shown!r} (known: normal)"
    assert "did you mean 'normal'?" in str(unknown_name("law", "NORML", ["uniform", "normal"]))


# Initialisers.


LINEAR_LIKE = [
    "linear", "sigmoid", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip


@pytest.mark.parametrize("nonlinearity", LINEAR_LIKE)
def test_torch_gains_of_linear_maps_are_one(nonlinearity):
    """torch.nn.init.calculate_gain: Linear / Identity, Conv{1,2,3}D and Sigmoid 1."""
    assert initialiser("torch.kaiming_normal", nonlinearity=nonlinearity).variance_gain == 1


def test_torch_gains_of_bent_maps():
    """The same table: Tanh 5/3, ReLU sqrt 2, Leaky ReLU sqrt(2/(1 + slope^2)), SELU 3/4."""
    gains = {"tanh": fmpq(5, 3) ** 2, "relu": 2, "leaky_relu": 2, "selu": fmpq(3, 4) ** 2}
    for name, squared in gains.items():
        assert initialiser("torch.kaiming_uniform", nonlinearity=name).variance_gain == squared
    leaky = initialiser("torch.kaiming_uniform", nonlinearity="leaky_relu", negative_slope="1/2")
    assert leaky.variance_gain == fmpq(8, 5)


@pytest.mark.parametrize("name", ["torch.trunc_normal", "timm.trunc_normal"])
def test_cuts_at_two_are_followed_between_the_ends_that_are_stated(name):
    """From 2e-6 to 2e6, both included; the cut is 2 over the standard deviation."""
    for end, cut in (("2e-6", 10**6), ("2e6", fmpq(1, 10**6))):
        assert initialiser(f"{name}:{end}").weights.cut == cut
    for beyond in ("1.999e-6", "2.001e6"):
        assert "from 2e-6 to 2e6" in refusal(initialiser, f"{name}:{beyond}")


def test_default_biases_of_torch_depend_on_each_layers_fan_in():
    """Uniform on +-1/sqrt(fan_in): variance 1/(3 fan_in)."""
    chosen = initialiser("torch.linear_default").options([2, 3, 5])
    assert chosen["bias_variance"] == [fmpq(1, 6), fmpq(1, 9)]
    net = FullyConnected([2, 3, 5], **chosen)
    assert [layer.bias_variance for layer in net.layers] == [fmpq(1, 6), fmpq(1, 9)]
    assert {layer.bias for layer in net.layers} == {as_law("uniform")}


def test_unknown_initialisers_are_answered_by_family_namesake_or_all():
    """With a framework's prefix its own names; without, those that differ by one; else a list of prefixes."""
    words = refusal(initialiser, "torch.zzz")
    assert "torch.kaiming_normal" in words
    assert "jax." not in words
    words = refusal(initialiser, "trunc_normal:0.02")
    assert words.endswith("(known: torch.trunc_normal:STD, timm.trunc_normal:STD)")
    words = refusal(initialiser, "zzz")
    assert words.startswith("unknown initialiser 'zzz' (known: he_normal, he_uniform, xavier_normal,")
    assert words.endswith("lecun_uniform, torch.*, jax.*, flax.*, keras.*, timm.*)")
    assert refusal(initialiser, "zzz:1").startswith("unknown initialiser 'zzz:1'")
    assert (
        refusal(initialiser, "he_normal:1") == "the initialiser he_normal takes no parameter; write he_normal"
    )
    assert "must be positive, such as 0.02, not 0" in refusal(initialiser, "torch.normal:0")


def test_a_thousand_points_of_a_finite_law_are_read():
    """1, ..., 500 and their negatives, alike: E v^2 = 500 501 1001/(3 1000), from the sum of squares."""

    def spelled(values):
        return "finite:" + ",".join(f"{v}:1/{len(values)}" for v in values)

    law = as_law(spelled([v for v in range(-500, 501) if v]))
    assert len(law.points) == 1000
    assert law.raw_moment(1) == fmpq(500 * 501 * 1001, 3000)
    assert refusal(as_law, spelled(range(-500, 501))) == (
        "a finite law in words has at most 1,000 points, not 1,001; finite_law takes more"
    )
