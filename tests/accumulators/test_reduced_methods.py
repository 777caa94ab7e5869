"""The parts of the methods `law` and `conditional` against closed forms of the chi-square."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom
from soundness import average_score, check_averages

from simulate.job import Job
from simulate.methods import conditional
from simulate.methods.choice import method_named
from simulate.methods.conditional import _SMOOTH, _layer, _log_length, generator
from simulate.methods.law import _check_tilt, _plain, _tilted, _tilted_degrees
from theory import FullyConnected
from theory.activations import as_activation
from theory.errors import SpecError

COUNT = 4_000


def layer(width, activation="relu"):
    """One layer; the input's width plays no part in its factor."""
    return FullyConnected([2, width], activation=activation, output_activation=activation).layers[0]


# Tilted chi-square factors.


@pytest.mark.parametrize("width", [1, 2, 7, 100])
def test_the_norm_of_a_tilt_is_the_moment_of_the_factor(width):
    """chi^2_B with B of Binomial(n, 1/2): E X = E B = n/2 and E X^2 = E B(B + 2) = n(n + 5)/4."""
    for tilt, moment in ((1, width / 2), (2, width * (width + 5) / 4)):
        assert _tilted_degrees(width, tilt)[1] == pytest.approx(math.log(moment), abs=1e-12)


@pytest.mark.parametrize("width", [1, 2, 7, 40])
def test_degrees_tilted_once_are_one_more_than_a_binomial_of_one_neuron_less(width):
    """Chances C(n, b) b/n 2^{1-n} = C(n - 1, b - 1) 2^{1-n}; the last one needs no entry."""
    cumulative, _ = _tilted_degrees(width, 1)
    assert cumulative == pytest.approx(binom.cdf(np.arange(width - 1), width - 1, 0.5), abs=1e-12)


def test_without_a_tilt_the_degrees_are_those_of_living_layers():
    """Binomial(n, 1/2) given at least one: the norm is 1 - 2^{-n}."""
    cumulative, log_norm = _tilted_degrees(5, 0)
    assert log_norm == pytest.approx(math.log(31 / 32), abs=1e-12)
    assert cumulative == pytest.approx([5 / 31, 15 / 31, 25 / 31, 30 / 31], abs=1e-12)


SLOPES = {
    "slopes:3:0": 9,
    "slopes:0:3": 9,
    "slopes:-3:0": 9,
    "slopes:3:-3": 9,
    "abs": 1,
    "linear": 1,
    "relu": 1,
}


@pytest.mark.parametrize("activation", SLOPES)
@pytest.mark.parametrize("tilt", [1.0, 2.0])
def test_the_norm_of_a_layer_has_the_slope_squared(activation, tilt):
    """s^2 chi^2: of n degrees for two slopes of one size, E X^2 = n(n + 2), else of a binomial number."""
    width = 6
    both = activation in ("slopes:3:-3", "abs", "linear")
    moment = (
        {1.0: width, 2.0: width * (width + 2)} if both else {1.0: width / 2, 2.0: width * (width + 5) / 4}
    )
    _, log_norm = _tilted(layer(width, activation), 1, generator(1, 1, 0), tilt)
    assert log_norm == pytest.approx(math.log(moment[tilt]) + tilt * math.log(SLOPES[activation]), abs=1e-12)


@pytest.mark.parametrize("activation", SLOPES)
def test_tilted_factors_have_the_mean_of_their_law(activation):
    """E X^{s+1}/E X^s at s = 1: n + 2 for both slopes, (n + 5)/2 for one, times the slope squared; |z| <= 5.

    With 4,000 factors of spread about 1/2 the mean is seen to 1 %, five errors to 4 %.
    """
    expected = tilted_mean(activation)
    factors = tilted_factors(activation, 2)
    assert abs(average_score(factors, expected)) <= 5
    assert 5 * float(np.std(factors)) / math.sqrt(COUNT) <= 0.06 * expected


def tilted_mean(activation):
    """Of six neurons."""
    both = activation in ("slopes:3:-3", "abs", "linear")
    return 6 + 2 if both else (6 + 5) / 2


def tilted_factors(activation, seed):
    """In units of the slope squared."""
    logs, _ = _tilted(layer(6, activation), COUNT, generator(seed, 1, 0), 1.0)
    return np.exp(logs) / SLOPES[activation]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "slopes:0:3", "abs"])
def test_soundness_of_tilted_factors(activation):
    check_averages(
        f"tilted factor, {activation}",
        lambda run: tilted_factors(activation, run),
        tilted_mean(activation),
        5,
    )


# Factors without a tilt.


PLAIN = [("relu", 1, 0), ("slopes:0:2", 0, 4), ("slopes:1:-3", 1, 9), ("slopes:-2:1", 4, 1)]


@pytest.mark.parametrize(("activation", "plus", "minus"), PLAIN)
@pytest.mark.parametrize("width", [1, 8])
def test_mean_and_square_of_a_plain_factor(activation, plus, minus, width):
    """p X + m Y: mean n(p + m)/2; mean square n (3/2)(p^2 + m^2) + n(n - 1)(p + m)^2/4; |z| <= 5.

    Each neuron adds z^2 times p or m: mean (p + m)/2, square 3 (p^2 + m^2)/2.
    """
    with np.errstate(divide="raise"):
        factors = plain_factors(width, activation, 3)
    for power, expected in ((1, plain_mean(width, plus, minus)), (2, plain_square(width, plus, minus))):
        assert abs(average_score(factors**power, expected)) <= 5


def plain_mean(width, plus, minus):
    """n(p + m)/2."""
    return width * (plus + minus) / 2


def plain_square(width, plus, minus):
    """n (3/2)(p^2 + m^2) + n(n - 1)(p + m)^2/4."""
    return width * 1.5 * (plus**2 + minus**2) + width * (width - 1) * (plus + minus) ** 2 / 4


def plain_factors(width, activation, seed):
    """Of independent networks."""
    return np.exp(_plain(layer(width, activation), COUNT, generator(seed, 1, 0)))


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "plus", "minus"), PLAIN)
@pytest.mark.parametrize("width", [1, 8])
def test_soundness_of_plain_factors(activation, plus, minus, width):
    def draw(run):
        with np.errstate(divide="ignore"):
            return plain_factors(width, activation, run)

    name = f"plain factor, {activation}, width {width}"
    check_averages(name, draw, plain_mean(width, plus, minus), 5)
    square = plain_square(width, plus, minus)
    check_averages(f"{name}, square", lambda run: draw(run) ** 2, square, 5)


def test_a_tilted_run_of_order_three_gives_the_exact_moments_of_one_layer():
    """Average of weight times M^k, k the tilt: every term is the same number, E M^2 = 1 + 5/n."""
    found = method_named("law").leaf(Job(FullyConnected([3, 10]), "law", 1, 3, tilt=2.0), 0, 50)
    square = found.moments.mean[1, 1] * 2.0 ** found.moments.exponent[1, 1]
    assert square == pytest.approx(1.5, rel=1e-12)
    assert found.moments.relative_error()[1, 1] <= 1e-12
    assert found.moments.mean.shape == (3, 2)


@pytest.mark.parametrize("tilt", [-1.0, -1e-300, math.inf, math.nan])
def test_a_tilt_is_a_number_from_0_on(tilt):
    network = FullyConnected([2, 2])
    with pytest.raises(SpecError, match="the tilt must be a number of at least 0, such as 2, not"):
        method_named("law").check(Job(network, "law", 0, 1, tilt=tilt))
    for fine in (0.0, 0.5):
        _check_tilt(network, fine)


REFUSED = {
    "uniform weights": ({"weights": "uniform"}, "law", "needs normal weights and biases, not uniform"),
    "laplace biases": (
        {"bias_weights": "laplace", "bias_variance": 1},
        "conditional",
        "needs normal weights and biases, not laplace; use --method direct",
    ),
    "biases": ({"bias_variance": 1}, "law", "without biases; use --method conditional"),
    "smooth": ({"activation": "gelu", "variance_gain": 1}, "law", "not gelu; use --method conditional"),
}


@pytest.mark.parametrize(("options", "method", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_reduced_method_refuses_names_one_that_does(options, method, words):
    with pytest.raises(SpecError, match=words):
        method_named(method).check(Job(FullyConnected([2, 3, 2], **options), method, 0, 1))


# One layer given the length before.


def test_slices_of_a_layer_go_on_with_the_same_stream(monkeypatch):
    """Fewer rows at a time, same numbers: networks follow each other in one stream."""
    wide = FullyConnected([2, 3], bias_variance="1/2").layers[0]
    before = np.linspace(-2, 2, 50)
    whole = _layer(wide, before, generator(4, 1, 0))
    for rows in (1, 3, 50, 151):
        monkeypatch.setattr(conditional, "_ROWS", rows)
        assert _layer(wide, before, generator(4, 1, 0)).tolist() == whole.tolist()


def test_the_variance_of_a_layer_is_gain_times_length_plus_bias():
    """g M + nu with g = 3, nu = 1/2, linear: M_j is that times a chi-square over n, whatever M."""
    one = FullyConnected([2, 3], bias_variance="1/2", variance_gain=3, activation="linear").layers[0]
    before = np.array([-math.inf, -3.0, 0.0, 5.0])
    draws = generator(4, 1, 0).standard_normal((4, 3))
    expected = [
        math.log((3 * math.exp(m) + 0.5) * float(np.mean(np.square(row))))
        for m, row in zip(before.tolist(), draws, strict=True)
    ]
    assert _layer(one, before, generator(4, 1, 0)) == pytest.approx(expected, rel=1e-12)


SMOOTH = {
    "tanh": math.tanh,
    "gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + math.exp(-z)) if z > -700 else 0.0,
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * math.expm1(z)),
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "softplus": lambda z: max(z, 0) + math.log1p(math.exp(-abs(z))),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)) if z > -700 else 0.0,
}


@pytest.mark.parametrize("kind", SMOOTH)
def test_smooth_activations_are_those_of_torch(kind):
    """As their documentation writes them, with sign; a square would hide it. No warning at either end."""
    points = [-1000.0, -20.0, -1.5, -0.3, 0.0, 0.4, 1.5, 20.0, 1000.0]
    assert _SMOOTH[kind](np.array(points)) == pytest.approx([SMOOTH[kind](z) for z in points], abs=1e-12)


@pytest.mark.parametrize("kind", SMOOTH)
def test_lengths_of_smooth_layers_at_any_size(kind):
    """log of the mean of phi(sigma x)^2 written out, for sigma from 1/1000 to 1000."""
    draws = np.array([[0.3, -1.2, 0.0], [2.0, 0.1, -0.4]])
    for log_sigma in (-7.0, -0.5, 0.0, 0.5, 7.0):
        variance = np.full(2, 2 * log_sigma)
        found = _log_length(as_activation(kind), draws, variance)
        sigma = math.exp(log_sigma)
        expected = [math.log(sum(SMOOTH[kind](sigma * x) ** 2 for x in row) / 3) for row in draws.tolist()]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_lengths_of_smooth_layers_beyond_the_range_of_floats():
    """gelu(z) is z for large z: log M grows with log sigma^2 to 1,400, whose square no double holds."""
    draws = np.array([[1.0, 2.0]])
    for log_variance in (800.0, 1390.0):
        found = _log_length(as_activation("gelu"), draws, np.array([log_variance]))
        assert found == pytest.approx(log_variance + math.log(2.5), rel=1e-12)
    small = _log_length(as_activation("gelu"), draws, np.array([-700.0]))
    assert small == pytest.approx(-700 + math.log(2.5 / 4), rel=1e-12)
    assert _log_length(as_activation("tanh"), draws, np.array([-np.inf]))[0] < -1300
    half = _log_length(as_activation("sigmoid"), draws, np.array([-np.inf]))
    assert half == pytest.approx(math.log(1 / 4), rel=1e-12)


@pytest.mark.parametrize("activation", ["relu", "slopes:2:-3"])
def test_lengths_of_piecewise_linear_layers_by_hand(activation):
    """Rows (1, -2) and (3, 0): 1, 9 and 4 + 36, 36 halved, times sigma^2 = e^{2000}; a row of -1 is dead."""
    draws = np.array([[1.0, -2.0], [3.0, 0.0], [-1.0, -1.0]])
    found = _log_length(as_activation(activation), draws, np.array([2000.0, 0.0, 0.0]))
    relu = [2000 + math.log(1 / 2), math.log(9 / 2), -math.inf]
    other = [2000 + math.log(40 / 2), math.log(36 / 2), math.log(9)]
    assert found == pytest.approx(relu if activation == "relu" else other, rel=1e-12)
