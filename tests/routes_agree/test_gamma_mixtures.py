"""Gamma mixtures and what they stand on, from the special functions up: against 40 digits, exact moments,
Laplace transforms and the formulas of the docstrings written out term by term.
"""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import fmpq
from scipy.special import betaln, gammaln
from soundness import check_exact, exact_score

import theory.gamma_mixture
import theory.slope_mixture
from theory.activations import as_activation
from theory.binomial import log_binomial, twice_entropy_lost
from theory.gamma_mixture import Characteristic, GammaMixture
from theory.gaussian import factor_moment
from theory.length_factor import LengthFactor
from theory.reals import as_float
from theory.slope_mixture import _ends_low, _highest_frequency, _log_density, _nodes, slope_mixture
from theory.stirling import digamma_and_slope, log_gamma_imaginary, log_rising, stirling_error

UNIT = 2.0**-53
# Shapes below, at and above the 16 from which on Stirling's series serves alone, in no order.
SHAPES = np.array([20.0, 0.5, 16.0, 15.5, 1.0, 3000.0, 7.25, 16.5])


@pytest.fixture(autouse=True)
def forty_digits():
    with mpmath.workdps(40):
        yield


# Special functions: a dozen roundings, of numbers of the size of the result.


def test_stirlings_error_against_forty_digits():
    main = [(x - mpmath.mpf(1) / 2) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2 for x in SHAPES]
    exact = np.array([float(mpmath.loggamma(x) - m) for x, m in zip(SHAPES, main, strict=True)])
    assert np.abs(stirling_error(SHAPES) - exact).max() < 32 * UNIT


def test_mean_and_variance_of_the_logarithm_of_a_gamma_variable():
    mean, variance = digamma_and_slope(SHAPES)
    assert np.allclose(mean, [float(mpmath.psi(0, x)) for x in SHAPES], rtol=0, atol=64 * UNIT)
    assert np.allclose(variance, [float(mpmath.psi(1, x)) for x in SHAPES], rtol=64 * UNIT, atol=0)


@pytest.mark.parametrize("increment", [-0.4, 0.75, 30.0])
def test_rising_products(increment):
    exact = [mpmath.loggamma(x + mpmath.mpf(increment)) - mpmath.loggamma(x) for x in SHAPES]
    found = log_rising(SHAPES, increment)
    assert np.allclose(found, np.array(exact, dtype=float), rtol=64 * UNIT, atol=64 * UNIT)


def test_gamma_ratios_on_a_vertical_line():
    frequencies = np.array([0.0, 0.1, 2.0, 40.0])
    found = log_gamma_imaginary(SHAPES, frequencies)
    for row, x in zip(found, SHAPES, strict=True):
        for value, t in zip(row, frequencies, strict=True):
            exact = mpmath.loggamma(mpmath.mpc(x, t)) - mpmath.loggamma(x)
            error = abs(mpmath.expm1(mpmath.mpc(complex(value)) - exact))
            assert error < UNIT * (32 + 4 * t * (2 + abs(math.log(x))))


@pytest.mark.parametrize("n", [1, 2, 3, 10, 301])
def test_binomial_probabilities(n):
    """Every figure is right where the probability counts; a few are lost below e^-40."""
    logs = [mpmath.log(mpmath.mpf(math.comb(n, b)) / mpmath.mpf(2) ** n) for b in range(n + 1)]
    found, exact = log_binomial(n), np.array(logs, dtype=float)
    assert found.shape == (n + 1,)
    assert np.allclose(found, exact, rtol=1e-13, atol=0)
    likely = exact > -40
    assert np.allclose(found[likely], exact[likely], rtol=16 * UNIT, atol=32 * UNIT)


def test_entropies():
    """(1 + x) log(1 + x) + (1 - x) log(1 - x) from its terms, x = (2b - n)/n."""
    b = np.array([1.0, 3.0, 5.0, 9.0])
    x = (2 * b - 10) / 10
    expected = (1 + x) * np.log1p(x) + (1 - x) * np.log1p(-x)
    assert np.allclose(twice_entropy_lost(b, 10), expected, rtol=1e-13, atol=1e-16)


# Mixtures.


def mixture_of(weights, shapes, scales) -> GammaMixture:
    return GammaMixture(np.log(weights), np.array(shapes), np.log(scales))


MIXTURES = {
    "one": mixture_of([0.3], [2.5], [0.5]),
    "two shapes": mixture_of([0.25, 0.5], [0.5, 1.0], [2.0]),
    "three shapes": mixture_of([0.2, 0.3, 0.4], [0.5, 1.0, 1.5], [3.0]),
    "two scales": mixture_of([0.25, 0.5], [1.5], [2.0, 0.2]),
    "three scales": mixture_of([0.2, 0.3, 0.4], [3.5], [2.0, 0.2, 1.0]),
}


def components(mixture):
    """(weight, shape, scale) of each."""
    rows = np.broadcast_arrays(np.exp(mixture.log_weights), mixture.shapes, np.exp(mixture.log_scales))
    return list(zip(*(row.tolist() for row in rows), strict=True))


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("tilt", [-0.3, 0.0, 1.7])
def test_a_tilted_mixture_is_the_mixture_of_the_tilted(name, tilt):
    """E X^s = w scale^s Gamma(a + s)/Gamma(a) is the weight of a component of shape a + s."""
    rows = [
        (w * s**tilt * math.gamma(a + tilt) / math.gamma(a), a + tilt, s)
        for w, a, s in components(MIXTURES[name])
    ]
    mass = sum(w for w, _, _ in rows)
    found = MIXTURES[name].tilted(tilt)
    assert math.exp(found.log_mass) == pytest.approx(mass, rel=1e-13)
    assert found.weights == pytest.approx([w / mass for w, _, _ in rows], rel=1e-13)
    shapes, scales = ([row[i] for row in rows] for i in (1, 2))
    assert np.broadcast_to(found.shapes, len(rows)) == pytest.approx(shapes, rel=1e-15)
    assert np.broadcast_to(found.log_scales, len(rows)) == pytest.approx(np.log(scales), rel=1e-15)
    assert found.dropped == 0
    means = np.array([float(mpmath.psi(0, a) + mpmath.log(s)) for _, a, s in rows])
    variances = np.array([float(mpmath.psi(1, a)) for _, a, _ in rows])
    mean = float(found.weights @ means)
    variance = float(found.weights @ (variances + means**2)) - mean**2
    assert found.log_moments == pytest.approx((mean, variance), rel=1e-12)
    peaks = [math.sqrt(a / (2 * math.pi)) for _, a, _ in rows]
    assert found.density_bound == pytest.approx(float(found.weights @ peaks), rel=1e-14)
    assert found.largest_shape == max(shapes)
    assert found.node_error(3.0) == 0


@pytest.mark.parametrize("scales", [[1.0], [2.0, 2.0, 2.0, 2.0]])
def test_negligible_components_are_left_out_and_counted(scales):
    """Weights 3, 2, e^-45 and e^-60: e^-60/5 of the mass is lost."""
    logs = np.array([math.log(3), math.log(2), -45.0, -60.0])
    found = GammaMixture(logs, np.array([1.0]), np.log(scales)).tilted(0.0)
    assert found.weights.size == 3
    assert found.log_scales.size == min(len(scales), 3)
    assert found.dropped == pytest.approx(math.exp(-60) / 5, rel=1e-12, abs=0)
    assert found.weights[2] == pytest.approx(math.exp(-45) / 5, rel=1e-12, abs=0)


def test_the_bound_on_a_density_is_nearly_attained():
    """The highest point of log X is a^a e^-a/Gamma(a), sqrt(a/(2 pi)) times 1 - 1/(12 a) or so."""
    for a in (0.5, 3.0, 80.0):
        bound = mixture_of([1.0], [a], [7.0]).tilted(0.0).density_bound
        peak = math.exp(a * math.log(a) - a - math.lgamma(a))
        assert bound * (1 - 1.1 / (6 * a)) < peak <= bound


def test_the_smallest_shapes_go_first_up_to_a_mass():
    mixture = MIXTURES["three shapes"]
    for mass, first, lost in ((0.1, 0, 0.0), (0.25, 1, 0.2), (0.55, 2, 0.5)):
        left, gone = mixture.without_small_shapes(mass)
        assert gone == pytest.approx(lost, rel=1e-14)
        assert left.shapes.tolist() == mixture.shapes[first:].tolist()
        assert left.log_weights.tolist() == mixture.log_weights[first:].tolist()
    left, gone = MIXTURES["two shapes"].without_small_shapes(0.3)
    assert (left.shapes.tolist(), gone) == ([1.0], pytest.approx(0.25, rel=1e-14))
    alike = MIXTURES["three scales"]
    assert alike.without_small_shapes(0.7) == (alike, 0.0)


def transform(mixture, t) -> complex:
    """E X^{it} and the sum of moduli, by the definition."""
    terms = [
        w * mpmath.mpc(s) ** (1j * t) * mpmath.gamma(mpmath.mpc(a, t)) / mpmath.gamma(a)
        for w, a, s in components(mixture)
    ]
    return complex(sum(terms)), float(sum(abs(term) for term in terms))


PRODUCTS = [
    (("one", 1),),
    (("two shapes", 2), ("three shapes", 3)),
    (("three scales", 2),),
    (("two scales", 1), ("two shapes", 1), ("one", 2)),
]


@pytest.mark.parametrize("product", PRODUCTS, ids=range(len(PRODUCTS)))
@pytest.mark.parametrize("block", [8, 2**20])
def test_characteristic_functions_of_products(product, block, monkeypatch):
    """Powers of each factor's own, however many frequencies are taken at a time."""
    monkeypatch.setattr(theory.gamma_mixture, "_BLOCK", block)
    parts = [(MIXTURES[name].tilted(0.0), repeats) for name, repeats in product]
    characteristic, frequencies = Characteristic(parts), np.array([0.0, 0.3, 1.0, 2.5, 4.0])
    values, majorant = characteristic(frequencies)
    for k, t in enumerate(frequencies.tolist()):
        exact, bound = 1.0, 1.0
        for name, repeats in product:
            mass = sum(w for w, _, _ in components(MIXTURES[name]))
            one, modulus = transform(MIXTURES[name], t)
            exact, bound = exact * (one / mass) ** repeats, bound * (modulus / mass) ** repeats
        assert values[k] == pytest.approx(exact, rel=1e-12, abs=1e-14)
        assert majorant[k] == pytest.approx(bound, rel=1e-12)
        assert characteristic.majorant(t) == pytest.approx(bound, rel=1e-12)


# Slopes of two sizes.


def test_tilts_share_the_nodes_of_the_next_power_of_four(monkeypatch):
    asked = []

    def shared(width, ratio, tilt, repeats, extension):
        asked.append((tilt, extension))
        return mixture_of([0.5, 0.5], [0.5], [1.0, 2.0])

    monkeypatch.setattr(theory.slope_mixture, "_shared_mixture", shared)
    for tilt in (0.0, 1.0, -1.0, 1.1, 4.0, 4.1, -17.0):
        slope_mixture(1, fmpq(1, 4), tilt, 1)
    assert asked == [(size, 0) for size in (1, 1, 1, 4, 4, 16, 64)]


def test_ranges_are_extended_until_their_ends_are_negligible(monkeypatch):
    """Ends of weight e^(-40 - extension) against 1 between them; a width of 1 has no nodes."""
    asked = []

    def shared(width, ratio, tilt, repeats, extension):
        asked.append(extension)
        logs = np.array([-1.0, -1.0, -30.0 - extension, 0.0, -30.0 - extension])
        return GammaMixture(logs, np.array([1.0]), np.zeros(5))

    monkeypatch.setattr(theory.slope_mixture, "_shared_mixture", shared)
    found = slope_mixture(2, fmpq(1, 4), 0.0, 1)
    assert found.log_weights[-1] < -50
    assert len(asked) > 1
    assert asked == sorted(set(asked))


def test_which_ends_are_low():
    """The nodes begin after the two weights of b = 0 and b = n, and each end counts, after the tilt."""

    def low(first, last, tilt=0.0):
        logs = np.array([-1.0, -1.0, first, 0.0, last])
        return _ends_low(GammaMixture(logs, np.array([1.0]), np.array([0.1, 0.2, -30.0, 0.1, -30.0])), tilt)

    assert low(-60.0, -60.0)
    assert not low(-40.0, -60.0)
    assert not low(-60.0, -40.0)
    assert low(-30.0, -30.0, tilt=1.0)
    assert not low(-60.0, -60.0, tilt=-1.0)


def test_nodes_are_as_many_as_the_range_needs():
    for step, reach in ((0.25, 3.1), (2.0, 7.0), (0.1, 0.05)):
        nodes = _nodes(step, reach)
        assert nodes[nodes.size // 2] == 0
        assert nodes.tolist() == (-nodes[::-1]).tolist()
        assert np.allclose(np.diff(nodes), step)
        assert reach <= nodes[-1] < reach + step


@pytest.mark.parametrize("width", [2, 3, 11, 150])
def test_the_density_of_the_beta_mixture_term_by_term(width):
    """sum_b C(n,b)/2^n e^{b x/2} (1 + e^x)^{-n/2}/Beta(b/2, (n-b)/2); at width 150 most are left out."""
    x = np.array([-35.0, -6.0, -0.5, 0.0, 1.0, 8.0, 60.0])
    halves = [mpmath.mpf(b) / 2 for b in range(1, width)]
    chances = [
        mpmath.mpf(math.comb(width, b)) / mpmath.mpf(2) ** width / mpmath.beta(h, mpmath.mpf(width) / 2 - h)
        for b, h in enumerate(halves, start=1)
    ]
    exact = []
    for point in x.tolist():
        terms = (c * mpmath.exp(h * point) for c, h in zip(chances, halves, strict=True))
        exact.append(float(mpmath.log(sum(terms)) - width * mpmath.log1p(mpmath.exp(point)) / 2))
    assert np.allclose(_log_density(width, x), exact, rtol=1e-13, atol=1e-12)


def test_the_density_of_a_wide_layer_is_summed_around_its_largest_term():
    """Of 2,000 terms some 350 are taken, which stand elsewhere for every x; logarithms to 1e-9 by SciPy."""
    width, x = 2000, np.array([-3.0, -0.7, 0.2, 1.5, 4.0])
    b = np.arange(1, width)
    log_chances = gammaln(width + 1) - gammaln(b + 1) - gammaln(width - b + 1) - width * math.log(2)
    terms = log_chances - betaln(b / 2, (width - b) / 2) + np.multiply.outer(x, b / 2)
    exact = np.logaddexp.reduce(terms, axis=1) - width / 2 * np.log1p(np.exp(x))
    assert np.allclose(_log_density(width, x), exact, rtol=0, atol=1e-9)


def test_weights_of_a_wide_layer_add_up_to_one():
    """Their logarithms, of size 3,500, have rounding in common, 4e-14, which is taken out."""
    mixture = slope_mixture(5000, fmpq(1, 4), 0.0, 1)
    assert abs(np.logaddexp.reduce(mixture.log_weights)) < 1e-14


def test_densities_do_not_depend_on_how_many_points_are_taken_at_a_time(monkeypatch):
    x = np.linspace(-20, 20, 37)
    whole = _log_density(30, x)
    monkeypatch.setattr(theory.slope_mixture, "_BLOCK", 100)
    assert np.array_equal(_log_density(30, x), whole)


def test_densities_of_wide_layers_are_symmetric():
    """b and n - b have the same chance, so that x and -x have the same density, of some hundred terms."""
    x = np.linspace(0, 5, 7)
    assert _log_density(400, x) == pytest.approx(_log_density(400, -x), abs=1e-12)


SLOPES = ["1/10", "-1/2", "99/100"]


def exact_log_moment(slope: str, width: int, order: int) -> float:
    activation = as_activation(f"leaky_relu:{slope}")
    found = factor_moment(order, width, activation) / factor_moment(1, width, activation) ** order
    return math.log(int(found.p)) - math.log(int(found.q))


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("width", [1, 2, 3, 40])
def test_mixtures_of_two_slopes_have_the_exact_moments(slope, width):
    """E X^k of (chi^2_B + r chi^2_{n-B})/(n (1 + r)/2) by rising products; tilts below and above 4."""
    ratio = fmpq(*map(int, slope.split("/"))) ** 2
    for order in (1, 2, 4, 5, 9):
        tilted = slope_mixture(width, ratio, float(order), 3).tilted(float(order))
        assert tilted.log_mass == pytest.approx(exact_log_moment(slope, width, order), abs=1e-12 * order)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("width", [2, 3, 40])
def test_negative_moments_by_the_laplace_transform(slope, width):
    """Gamma(s) E X^-s = int u^{s-1} E e^{-uX} du, and E e^{-uX} is a power, for s up to n/2."""
    ratio = Fraction(slope) ** 2
    flat, scale = float(ratio), 2 / (width * (1 + float(ratio)))
    for s in (0.5, 0.9 * width / 2):
        y = np.arange(-15 - 60 / s, 15 + 60 / (width / 2 - s), 0.05)
        u = scale * np.exp(y)
        transform = ((1 + 2 * u) ** -0.5 + (1 + 2 * u * flat) ** -0.5) / 2
        # The trapezoidal rule, exact beyond all powers of the step.
        log_integral = np.logaddexp.reduce(s * y + width * np.log(transform)) + math.log(0.05)
        tilted = slope_mixture(width, fmpq(ratio.numerator, ratio.denominator), -s, 1).tilted(-s)
        assert tilted.log_mass == pytest.approx(log_integral - math.lgamma(s), abs=1e-9)


@pytest.mark.parametrize(("width", "tilt", "repeats"), [(2, 0.0, 1), (5, 3.0, 4), (200, -30.0, 2)])
def test_nodes_stand_as_close_as_the_goal_asks(width, tilt, repeats):
    """The rule adds 1e-17 where the layers' product becomes nothing; another 1e-17 is left out."""
    largest = {0.0: 1, 3.0: 4, -30.0: 64}[tilt]
    last = _highest_frequency(width / 2 + largest, repeats)
    mixture = slope_mixture(width, fmpq(1, 9), tilt, repeats)
    assert mixture.node_error(last) == pytest.approx(2e-17, rel=1e-6, abs=0)
    assert mixture.node_error(2 * last) > 1e-15
    assert 0 < mixture.node_error(0.0) <= 1.1e-17


def test_single_neurons_need_no_integral():
    """z^2 or r z^2, each with probability 1/2, over their mean (1 + r)/2."""
    mixture = slope_mixture(1, fmpq(1, 4), 0.0, 1)
    assert components(mixture) == [pytest.approx((0.5, 0.5, 2 * s / 0.625)) for s in (0.25, 1.0)]
    assert 0 < mixture.node_error(5.0) <= 1e-17


def test_frequencies_beyond_which_a_product_of_transforms_is_nothing():
    """The first of a sequence with ratio 5/4 at which |Gamma(a + it)/Gamma(a)|^R is below 1e-20."""

    def modulus(shape, repeats, t):
        return float(abs(mpmath.gamma(mpmath.mpc(shape, t)) / mpmath.gamma(shape)) ** repeats)

    for shape in (0.5, 0.9, 1.4, 2.0, 3.1, 4.7, 8.0, 13.0, 22.0, 35.0, 57.0, 90.0):
        for repeats in (1, 2, 3, 5, 8):
            found = _highest_frequency(shape, repeats)
            assert modulus(shape, repeats, found) < 1.1e-20
            assert modulus(shape, repeats, found / 1.25) > 1e-20
    assert _highest_frequency(0.5, 100_000) == 1.0


# One layer's factor.


@pytest.mark.parametrize("phi", ["relu", "linear", "leaky_relu:1/3", "leaky_relu:-2", "slopes:2:-1/3"])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_the_variance_of_a_factor_by_its_exact_moments(phi, width):
    activation = as_activation(phi)
    factor = LengthFactor.of(activation, width)
    one, two = (factor_moment(k, width, activation) for k in (1, 2))
    assert factor.variance == two / one**2 - 1
    assert factor.can_vanish is (phi == "relu")


def test_equal_slopes_need_one_component():
    """z^2 summed over all n, whatever the signs: (2/n) Gamma_{n/2}."""
    assert components(LengthFactor(5, fmpq(1)).mixture(0.0, 1)) == [pytest.approx((1.0, 2.5, 0.4))]


@pytest.mark.parametrize("phi", ["relu", "linear", "leaky_relu:2/3"])
def test_samples_of_a_factor_have_its_mean_and_variance(phi):
    """40,000 draws within 5 standard errors, by the exact moments: 3 % of the mean is noticed."""
    draws, expected = factor_draws(phi, 40_000, 5), factor_means(phi)
    for k in (1, 2):
        assert abs(exact_score(draws**k, *expected[k])) < 5
    if phi == "relu":
        assert abs(exact_score(draws == 0, 1 / 8, 7 / 64)) < 5


def factor_draws(phi, count, seed):
    """Of a layer of width 3, in units of the mean."""
    return np.exp(LengthFactor.of(as_activation(phi), 3).log_samples(count, np.random.default_rng(seed)))


def factor_means(phi):
    """By order k, mean and variance of the k-th power."""
    exact = [factor_moment(k, 3, as_activation(phi)) for k in range(5)]
    moments = [as_float(moment / exact[1] ** k) for k, moment in enumerate(exact)]
    return {k: (moments[k], moments[2 * k] - moments[k] ** 2) for k in (1, 2)}


@pytest.mark.slow
@pytest.mark.parametrize("phi", ["relu", "linear", "leaky_relu:2/3"])
def test_soundness_of_samples_of_a_factor(phi):
    """2,000 runs of 40,000 draws."""
    for k, (mean, variance) in factor_means(phi).items():
        name = f"samples of a factor, {phi}, order {k}"
        check_exact(name, lambda run, k=k: factor_draws(phi, 40_000, run) ** k, mean, variance, 5)
