"""The exact law against routes that share no formula with it: chi-square mixtures of SciPy, quadrature,
Laplace transforms, exact moments, inversion in 30 digits, and explicit random networks.
"""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from functools import cache, partial

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, chi2, kstwo
from soundness import POWER_RUNS, QUANTILE, RUNS, check_conservative, check_p_values

from simulate.methods.direct import lengths
from theory.exact_law import length_law
from theory.gamma_mixture import GammaMixture
from theory.length_distribution import LengthLaw
from theory.length_factor import relu_mixture
from theory.network import FullyConnected
from theory.prediction import predict
from theory.stirling import log_gamma_imaginary, log_rising
from theory.tilting import TiltLadder

# P(M_3 <= x) for ReLU and widths 4, 7, 5, given from elsewhere, right to 2e-4.
POINTS = np.array([0.01, 0.1, 0.5, 1, 3, 10])
REFERENCE = np.array([0.21485, 0.41640, 0.66082, 0.77330, 0.91499, 0.98608])


def law_of(*widths, activation="relu", **options) -> LengthLaw:
    return length_law(FullyConnected([2, *widths], activation=activation), **options)


def around(law: LengthLaw, low=-8.0, high=6.0, count=200):
    """Points by standard deviations of log M."""
    return np.exp(law.log_mean + math.sqrt(law.log_variance) * np.linspace(low, high, count))


def matches_reference(law: LengthLaw) -> bool:
    return bool(np.abs(law.cdf(POINTS) - REFERENCE).max() < 2e-4)


def test_reference_figures():
    law = law_of(4, 7, 5)
    assert matches_reference(law)
    assert not matches_reference(law_of(4, 7))
    assert law.reported_error < 1e-11


# One layer: mixtures of chi-square laws.


def one_layer(activation: str, n: int, x, which: str):
    """cdf, sf or pdf of one layer's factor without the atom, from SciPy's chi-square law."""
    function = {"cdf": chi2.cdf, "sf": chi2.sf, "pdf": chi2.pdf}[which]
    if activation in ("abs", "linear"):
        return function(x * n, n) * (n if which == "pdf" else 1)
    scale = n / 2
    b = np.arange(1, n + 1)
    weights = binom.pmf(b, n, 0.5)
    b, weights = b[weights > 1e-300], weights[weights > 1e-300]
    return weights @ function(x * scale, b[:, None]) * (scale if which == "pdf" else 1)


ONE_LAYER = [
    ("relu", 1),
    ("relu", 2),
    ("relu", 12),
    ("relu", 40),
    ("relu", 60),
    ("relu", 5000),
    ("abs", 1),
    ("linear", 7),
    ("linear", 4096),
]


@pytest.mark.parametrize("activation, n", ONE_LAYER)
def test_one_layer_is_a_mixture_of_chi_squares(activation, n):
    law = law_of(n, activation=activation)
    x = around(law)
    cdf, sf, pdf = (one_layer(activation, n, x, which) for which in ("cdf", "sf", "pdf"))
    zero = float(law.zero)
    assert np.abs(law.cdf(x) - cdf - zero).max() < law.reported_error
    assert np.abs(law.sf(x) - sf).max() < law.reported_error
    errors = law.relative_errors(x)
    upper = sf < 0.3
    kept = upper & (sf > 1e-290)
    assert np.all(np.abs(law.sf(x)[kept] / sf[kept] - 1) < errors.tail[kept] + 1e-10)
    inside = (pdf > 1e-290) & (errors.pdf < 1)
    assert np.all(np.abs(law.pdf(x)[inside] / pdf[inside] - 1) < errors.pdf[inside] + 1e-10)
    assert errors.tail[kept].max() < 1e-8


def test_lower_tail_of_a_trimmed_layer():
    """Width 60: b = 1 to 4 are left out to the left, which the relative error must own up to."""
    law = law_of(60)
    x = around(law, -10, -1)
    errors, exact = law.relative_errors(x).tail, one_layer("relu", 60, x, "cdf")
    assert errors[0] > 0.001 > 1e-9 > errors[-1]
    counted = errors < 0.5
    assert np.all(np.abs(law.cdf(x) / exact - 1)[counted] <= errors[counted])
    assert np.max((np.abs(law.cdf(x) / exact - 1) / errors)[counted]) > 0.1


@pytest.mark.parametrize("n", [1, 3, 40])
def test_both_tails_of_logarithms(n):
    """abs: the lower tail too, down to e^-200."""
    law = law_of(n, activation="abs")
    x = np.exp(np.linspace(-400 / n, -10 / n, 50))
    expected = chi2.logcdf(x * n, n)
    assert np.abs(law.logcdf(x) - expected).max() < 1e-8
    far = np.array([3.0, 10.0, 40.0])
    assert np.allclose(law.logsf(far), chi2.logsf(far * n, n), rtol=1e-9)
    assert np.allclose(law.logpdf(far), chi2.logpdf(far * n, n) + math.log(n), rtol=1e-9)


def test_mirrored_slopes_are_relu():
    x = np.array([0.1, 1, 5])
    assert np.array_equal(law_of(5, 3, activation="slopes:0:-3").cdf(x), law_of(5, 3).cdf(x))


# Two layers, by quadrature.


def two_layers(first: int, second: int, t: float) -> float:
    """P(0 < X Y <= t) = int f_X(e^u) e^u P(0 < Y <= t e^-u) du."""

    def integrand(u: float) -> float:
        x = np.array([math.exp(u)])
        rest = one_layer("relu", second, t / x, "cdf")
        return float((one_layer("relu", first, x, "pdf") * x * rest)[0])

    parts = [(-80, -20), (-20, -5), (-5, -1), (-1, 1), (1, 3), (3, 6)]
    return sum(quad(integrand, *part, epsabs=1e-13, epsrel=1e-11, limit=200)[0] for part in parts)


@pytest.mark.fast_cases("widths0")
@pytest.mark.parametrize("widths", [(1, 2), (3, 5), (6, 4)])
def test_two_layers_by_quadrature(widths):
    law = law_of(*widths)
    for t in (0.01, 0.4, 1.0, 4.0):
        assert abs(float(law.cdf(t)) - float(law.zero) - two_layers(*widths, t)) < 1e-10


# Moments.


NETS = [
    FullyConnected([3, 4, 7, 5]),
    FullyConnected([3, *[100] * 30]),
    FullyConnected([3, 300, 2, 40], variance_gain=["1/3", 2, 5]),
    FullyConnected([3, 10, 20], activation="leaky_relu:0.01", output_activation="linear"),
    FullyConnected([3, 2, 1, 3], activation="leaky_relu:1/2", mode="fan_geo_avg"),
    FullyConnected([3, 500, 500], activation="leaky_relu:0.3", input=[1, 2, "1/2"]),
    FullyConnected([3, 5, 5], activation="slopes:2:-1/3"),
]


def moment_by_quadrature(law: LengthLaw, order: int) -> float:
    """int x^k f(x) dx by the trapezoidal rule in log x, which is exact beyond all powers of the step."""
    spread = math.sqrt(law.log_variance)
    tilted = law.log_mean + order * law.log_variance
    y = np.arange(law.log_mean - 30 * spread, tilted + 14 * spread, spread / 60)
    y = y[y < 700]
    with np.errstate(under="ignore"):
        return float(np.sum(np.exp(law.logpdf(np.exp(y)) + (order + 1) * y)) * spread / 60)


@pytest.mark.fast_cases("0", "1")
@pytest.mark.parametrize("network", NETS, ids=range(len(NETS)))
def test_moments_of_the_density_are_the_exact_ones(network):
    law = length_law(network, relative_to_input=False)
    rows = predict(network, order=3).layers[-1].moments
    for order in (1, 2, 3):
        exact = float(rows[order - 1])
        assert law.moment(order) == pytest.approx(exact, rel=1e-14)
        assert moment_by_quadrature(law, order) == pytest.approx(exact, rel=1e-8)
    assert law.var() == pytest.approx(float(rows[1]) - float(rows[0]) ** 2, rel=1e-12)
    assert moment_by_quadrature(law, 0) == pytest.approx(1 - float(law.zero), abs=1e-8)


def test_mean_and_variance_of_the_logarithm():
    law = law_of(3, 9)
    y = np.linspace(-90, 6, 40_001)
    f = np.exp(law.logpdf(np.exp(y)) + y) * (y[1] - y[0]) / (1 - float(law.zero))
    mean = np.sum(y * f)
    assert law.log_mean == pytest.approx(mean, abs=1e-9)
    assert law.log_variance == pytest.approx(np.sum((y - mean) ** 2 * f), rel=1e-9)


# Leaky slopes.


@pytest.mark.fast_cases("1-*")
@pytest.mark.parametrize("slope", ["1/100", "1/2", "99/100", "-1/3", "1/1000000"])
@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_leaky_laplace_transform(slope, n):
    """X sums n independent copies of z^2 or r z^2, so its Laplace transform is a power."""
    law = law_of(n, activation=f"leaky_relu:{slope}")
    square = float(Fraction(slope)) ** 2
    gain = 2 / (1 + square)
    y = np.arange(-150, 9, 0.01)
    f = np.exp(law.logpdf(np.exp(y)) + y) * 0.01
    for u in (0.1, 1.0, 10.0):
        roots = (1 + 2 * u * gain / n) ** -0.5 + (1 + 2 * u * gain * square / n) ** -0.5
        assert np.sum(f * np.exp(-u * np.exp(y))) == pytest.approx((roots / 2) ** n, abs=1e-9)


@pytest.mark.full
def test_wide_leaky_layer_against_relu_and_linear():
    """Steep slopes alone: nearly ReLU; slopes nearly alike: nearly linear."""
    x = np.array([0.9, 1.0, 1.1])
    nearly_relu = law_of(1000, activation="leaky_relu:1/100000000")
    assert np.abs(nearly_relu.cdf(x) - law_of(1000).cdf(x)).max() < 1e-9
    nearly_linear = law_of(1000, activation="leaky_relu:99999999/100000000")
    assert np.abs(nearly_linear.cdf(x) - law_of(1000, activation="linear").cdf(x)).max() < 1e-7


# Thirty digits.


def precise_upper_tails(widths, points) -> list[float]:
    """P(M > x) by Gil-Pelaez with mpmath, as the Mellin transform is written down."""
    with mpmath.workdps(30):

        @cache
        def factor(n: int, t):
            terms = (
                mpmath.binomial(n, b) * mpmath.gammaprod([mpmath.mpc(b / 2, t)], [mpmath.mpf(b) / 2])
                for b in range(1, n + 1)
            )
            return mpmath.mpf(2) ** -n * mpmath.mpc(4 / mpmath.mpf(n)) ** (1j * t) * sum(terms)

        def integrand(t, x):
            value = mpmath.mpc(x) ** (-1j * t)
            for n in widths:
                value *= factor(n, t)
            return value.imag / t

        alive = math.prod(1 - mpmath.mpf(2) ** -n for n in widths)
        parts = [0, 1, 3, 6, 10, 15]
        tails = (mpmath.quad(partial(integrand, x=x), parts, maxdegree=5) for x in points)
        return [float(alive / 2 + tail / mpmath.pi) for tail in tails]


@pytest.mark.full
def test_inversion_in_thirty_digits():
    law, points = law_of(2, 3), (0.02, 0.7, 3.0, 30.0)
    assert np.abs(law.sf(points) - precise_upper_tails((2, 3), points)).max() < law.reported_error


@pytest.mark.parametrize("shape", [0.5, 1.0, 7.5, 15.5, 16.0, 300.0, 5000.0])
def test_rounding_of_gamma_ratios(shape):
    """The count of roundings that the error report uses, against 40 digits."""
    unit = 2.0**-53
    with mpmath.workdps(40):
        for t in (0.01, 0.3, 3.0, 25.0, 300.0):
            exact = mpmath.loggamma(mpmath.mpc(shape, t)) - mpmath.loggamma(shape)
            found = log_gamma_imaginary(np.array([shape]), np.array([t]))[0, 0]
            error = abs(mpmath.expm1(mpmath.mpc(complex(found)) - exact))
            assert error < unit * (64 + 8 * t * (2 + abs(math.log(shape))))
        for s in (-0.45 * shape, -0.2, 0.3, 4.0, 100.0):
            exact = mpmath.loggamma(shape + mpmath.mpf(s)) - mpmath.loggamma(shape)
            error = abs(mpmath.mpf(float(log_rising(np.array([shape]), s)[0])) - exact)
            assert error < unit * (64 + 8 * abs(s) * (2 + abs(math.log(shape))))


# The error report.


@pytest.mark.fast_cases("1e-07-widths?")
@pytest.mark.parametrize("widths", [(1,), (4, 7, 5), (45,), (100,) * 10, (2000,)])
@pytest.mark.parametrize("requested", [1e-2, 1e-4, 1e-7])
def test_reported_error_holds_and_is_not_idle(widths, requested):
    rough, fine = law_of(*widths, absolute_error=requested), law_of(*widths, absolute_error=1e-11)
    x = around(fine, -12, 8, 1001)
    actual = max(np.abs(rough.cdf(x) - fine.cdf(x)).max(), np.abs(rough.sf(x) - fine.sf(x)).max())
    assert actual <= rough.reported_error + fine.reported_error
    assert rough.reported_error <= requested


def test_depth_that_double_precision_cannot_serve_is_refused():
    with pytest.raises(ValueError, match=r"set absolute_error=1e-"):
        law_of(*[10_000] * 1000, absolute_error=1e-13)


# Simulation with explicit weights.

SAMPLES = 20_000


def reach(samples: int) -> float:
    """Dvoretzky, Kiefer and Wolfowitz at level 1e-9; a law further than twice that away fails for sure."""
    return math.sqrt(math.log(2e9) / (2 * samples))


def kolmogorov(sample, law: LengthLaw) -> float:
    ordered = np.sort(sample)
    cdf = law.cdf(ordered)
    ranks = np.arange(1, ordered.size + 1) / ordered.size
    alive = ordered > 0
    dead = abs(float(law.zero) - np.mean(~alive))
    return max(dead, np.abs(cdf - ranks)[alive].max(), np.abs(cdf - ranks + 1 / ordered.size)[alive].max())


SIMULATED = [
    FullyConnected([3, 4, 7, 5]),
    FullyConnected([3, 12, 12, 12, 12], variance_gain=1, input=[1, -2, "1/2"]),
    FullyConnected([2, 3, 6, 4], activation="leaky_relu:1/5"),
    FullyConnected([2, 3, 3], activation="abs"),
]


@pytest.mark.full_cases("leaky")
@pytest.mark.parametrize("network", SIMULATED, ids=["relu", "gain one", "leaky", "abs"])
def test_explicit_networks(network):
    sample = lengths(network, SAMPLES, seed=20)
    law = length_law(network, relative_to_input=False)
    assert kolmogorov(sample[:, -1], law) < reach(SAMPLES)
    middle = length_law(network, 2)
    assert kolmogorov(sample[:, 2] / sample[:, 0], middle) < reach(SAMPLES)
    one_layer_less = length_law(network, network.depth - 1, relative_to_input=False)
    assert kolmogorov(sample[:, -1], one_layer_less) > 2 * reach(SAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name, number", [("relu", 0), ("abs", 3)])
def test_soundness_of_kolmogorov(name, number):
    """2,000 runs of 500 networks. p-values are uniform for abs, and larger for ReLU, whose law has an atom.

    Then a share of the sample goes to the top: what the level asks for, and 1.28 binomial errors.
    """
    network, samples, random = SIMULATED[number], 500, np.random.default_rng(5)
    law = length_law(network, relative_to_input=False)
    runs = [lengths(network, samples, run)[:, -1] for run in range(RUNS)]
    values = [kstwo.sf(kolmogorov(sample, law), samples) for sample in runs]
    check = check_p_values if name == "abs" else check_conservative
    check(f"Kolmogorov, {name}", values)
    share = reach(samples)
    share += QUANTILE * math.sqrt(share * (1 - share) / samples)
    moved = (np.where(random.uniform(size=samples) < share, 1e9, sample) for sample in runs[:POWER_RUNS])
    found = np.mean([kolmogorov(sample, law) > reach(samples) for sample in moved])
    sys.stdout.write(f"Kolmogorov, {name}, distance {share:.3f}: found in {found:.3f} of {POWER_RUNS} runs\n")
    assert found > 0.9 - 4 * math.sqrt(0.9 * 0.1 / POWER_RUNS)


@pytest.mark.slow
def test_soundness_of_own_samples():
    """2,000 runs of 500 draws."""
    law = length_law(SIMULATED[3])
    values = (kstwo.sf(kolmogorov(law.rvs(500, run), law), 500) for run in range(RUNS))
    check_p_values("Kolmogorov, own samples", values)


@pytest.mark.full
def test_own_samples_follow_the_law():
    law = length_law(SIMULATED[2])
    sample = law.rvs((100, SAMPLES // 100), random_state=3)
    assert sample.shape == (100, SAMPLES // 100)
    assert kolmogorov(sample.ravel(), law) < reach(SAMPLES)
    assert np.array_equal(law.rvs(5, random_state=1), law.rvs(5, random_state=np.random.default_rng(1)))
    assert isinstance(law.rvs(), float)
    relu = law_of(2, 2)
    assert kolmogorov(relu.rvs(SAMPLES, 8), relu) < reach(SAMPLES)


# The atom.


@pytest.mark.full
def test_zero_is_exact():
    assert law_of(4, 7, 5).zero.fraction == 1 - Fraction(15, 16) * Fraction(127, 128) * Fraction(31, 32)
    assert law_of(4, 7, 5, layer=2).zero.fraction == 1 - Fraction(15, 16) * Fraction(127, 128)
    assert law_of(4, 7, activation="leaky_relu:0.1").zero.fraction == 0
    mixed = length_law(FullyConnected([2, 4, 3], activation="abs", output_activation="relu"))
    assert mixed.zero.fraction == Fraction(1, 8)
    assert float(law_of(*[200] * 3).zero) == pytest.approx(3 * 2.0**-200, rel=1e-12)
    wide = law_of(*[4000] * 300)
    low, high = (wide.zero.to_dict()[end] for end in ("lower", "upper"))
    assert low.startswith("2.27")
    assert high.startswith("2.27")
    assert low.endswith("e-1202")


def test_dropping_the_atom_would_be_noticed():
    law = law_of(1, 1)
    assert float(law.cdf(0)) == float(law.zero) == 0.75
    assert float(law.cdf(1e-300)) == pytest.approx(0.75, abs=1e-10)
    assert float(law.sf(0)) == 0.25


# Quantiles.


@pytest.mark.full_cases("2", "4")
@pytest.mark.parametrize("network", NETS, ids=range(len(NETS)))
def test_quantiles_invert_the_distribution_function(network):
    law = length_law(network)
    q = np.concatenate([np.linspace(0, 1, 101)[1:-1], [1e-6, 1 - 1e-6]])
    x = law.ppf(q)
    above = q > float(law.zero) + 1e-9
    assert np.abs(law.cdf(x[above]) - q[above]).max() < 1e-11
    assert np.all(x[q <= float(law.zero)] == 0)
    points = law.ppf(np.array([0.3, 0.9]))
    assert np.allclose(law.ppf(law.cdf(points)), points, rtol=1e-9)
    tiny = np.array([1e-3, 1e-30, 1e-200])
    assert np.allclose(law.sf(law.isf(tiny)), tiny, rtol=1e-8)


def test_ends_of_the_quantile_function():
    law = law_of(4, 4)
    assert law.ppf([0, 0.05, 1]).tolist() == [0.0, 0.0, np.inf]
    assert law.isf([0, 0.95, 1]).tolist() == [np.inf, 0.0, 0.0]
    assert law.median() == pytest.approx(float(law.isf(0.5)))
    assert law_of(2000, activation="linear").ppf(1e-300) > 0.2
    deep = length_law(FullyConnected([1, *[20] * 1200], variance_gain="1/3"))
    assert float(deep.ppf(0.5)) == 0.0
    assert float(deep.log_ppf(0.5)) < -2000


def test_arrays_of_any_shape():
    law = law_of(3, 3)
    x = np.array([[-1.0, 0.0, 1.0], [np.inf, np.nan, 2.0]])
    cdf, zero = law.cdf(x), float(law.zero)
    assert cdf[0, 0] == 0
    assert cdf[0, 1] == zero
    assert cdf[1, 0] == 1
    assert np.isnan(cdf[1, 1])
    assert law.pdf(x)[0, :2].tolist() == [0, 0]
    assert law.sf(-1) == 1
    assert law.sf(np.inf) == 0
    assert isinstance(law.sf(1.0), float)
    assert law.cdf(np.empty((0, 3))).shape == (0, 3)
    assert law.pdf(1e300) == 0
    assert law.logsf(1e300) == -np.inf
    assert law.cdf(1e300) == 1
    assert law.cdf(1e-320) == pytest.approx(zero)


# The log-normal approximation.


def test_lognormal_limit():
    """Kolmogorov's distance falls with the width at fixed depth over width."""
    distances = []
    for n in (20, 80, 320):
        law = law_of(*[n] * (n // 4))
        limit = law.lognormal(limit=True)
        assert limit.log_variance == pytest.approx(5 / 4)
        assert limit.log_mean == pytest.approx(-5 / 8)
        x = law.ppf(np.linspace(0.001, 0.999, 2000))
        assert limit.kolmogorov_distance >= np.abs(law.cdf(x) - limit.cdf(x)).max() - 1e-12
        assert law.lognormal().kolmogorov_distance < limit.kolmogorov_distance
        distances.append(limit.kolmogorov_distance)
    assert distances[0] > 3 * distances[1] > 9 * distances[2]
    assert distances[2] < 0.01


def test_lognormal_methods():
    approximation = law_of(50, 50).lognormal()
    q = np.array([0.1, 0.5, 0.99])
    assert np.allclose(approximation.cdf(approximation.ppf(q)), q)
    assert np.allclose(approximation.sf(approximation.ppf(q)), 1 - q)
    x = np.exp(np.linspace(-6, 6, 20_001))
    assert np.trapezoid(x * approximation.pdf(x), x) == pytest.approx(approximation.mean(), rel=1e-6)
    assert approximation.pdf([-1, 0]).tolist() == [0, 0]
    assert approximation.var() == pytest.approx(law_of(50, 50).var(), rel=0.2)


# Mutants.


def fresh(*widths, activation="relu") -> np.ndarray:
    return law_of(*widths, activation=activation).cdf(POINTS)


def test_mutant_half_the_mellin_scale(monkeypatch):
    """2/n for 4/n."""

    def mutant(n):
        right = relu_mixture(n)
        return GammaMixture(right.log_weights, right.shapes, np.log([2 / n]))

    monkeypatch.setattr("theory.length_factor.relu_mixture", mutant)
    assert not matches_reference(law_of(4, 7, 5))


def test_mutant_mass_of_living_layers_forgotten(monkeypatch):
    """Weights C(n, b)/(2^n - 1): the condition B >= 1 taken as certain."""

    def mutant(n):
        right = relu_mixture(n)
        return GammaMixture(right.log_weights - math.log1p(-(2.0**-n)), right.shapes, right.log_scales)

    monkeypatch.setattr("theory.length_factor.relu_mixture", mutant)
    assert not matches_reference(law_of(4, 7, 5))


def test_mutant_tilt_missing(monkeypatch):
    """The contour's factor without the tilt in the characteristic function."""
    right = GammaMixture.tilted

    def mutant(mixture, tilt):
        tilted, untilted = right(mixture, tilt), right(mixture, 0.0)
        return type(tilted)(**(vars_of(untilted) | {"log_mass": tilted.log_mass}))

    def vars_of(part):
        return {name: getattr(part, name) for name in part.__dataclass_fields__}

    monkeypatch.setattr(GammaMixture, "tilted", mutant)
    assert not matches_reference(law_of(4, 7, 5))


def test_mutant_bounds_across_the_middle(monkeypatch):
    """A tilt above 0 bounds the upper tail, and says nothing about the lower one."""

    def mutant(ladder, index, direction, count):
        found = (ladder[i] for i in range(index + direction, index + direction * (count + 1), direction))
        return [tilted for tilted in found if tilted is not None]

    x = np.linspace(0.9, 1.1, 41)
    expected = one_layer("linear", 4096, x, "cdf")
    assert np.abs(law_of(4096, activation="linear").cdf(x) - expected).max() < 1e-11
    monkeypatch.setattr(TiltLadder, "beyond", mutant)
    assert np.abs(law_of(4096, activation="linear").cdf(x) - expected).max() > 1e-10


# Start-up.


def test_scipy_waits_until_a_quantile_is_asked_for():
    script = (
        "import sys\nimport actlen as al\n"
        "law = al.length_law(al.FullyConnected([2, 5, 5], activation='leaky_relu:0.1'))\n"
        "law.cdf(1.0), law.pdf(1.0), law.var(), law.rvs(3, 1)\n"
        "print('scipy' in sys.modules)\nlaw.ppf(0.5)\nprint('scipy.stats' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False"], done.stderr


# Refusals.

REFUSED = [
    (FullyConnected([2, 3], weights="uniform"), {}, "uniform weights.*predict"),
    (FullyConnected([2, 3, 3], weights=["normal", "rademacher"]), {}, "layer 2 has rademacher"),
    (FullyConnected([2, 3], bias_variance=1), {}, "bias_variance=0"),
    (FullyConnected([2, 3], activation="tanh", variance_gain=1), {}, "not piecewise linear"),
    (FullyConnected([2, 200_000]), {}, "works to width 100,000"),
    ("relu", {}, "fully connected nets only, not for str"),
    (FullyConnected([2, 3]), {"layer": 2}, "layer must be a whole number from 1 to 1"),
    (FullyConnected([2, 3]), {"layer": 0}, "from 1 to 1"),
    (FullyConnected([2, 3]), {"layer": 1.0}, "whole number"),
    (FullyConnected([2, 3]), {"absolute_error": 0}, "from 1e-13 to 0.01"),
    (FullyConnected([2, 3]), {"absolute_error": "x"}, "a number such as 1e-10"),
    (FullyConnected([2, 3], input=[0, 0]), {"relative_to_input": False}, "input is zero"),
]


@pytest.mark.parametrize("network, options, message", REFUSED, ids=range(len(REFUSED)))
def test_refusals_are_one_line(network, options, message):
    with pytest.raises(ValueError, match=message) as refusal:
        length_law(network, **options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", ["Residual", "Convolutional"])
def test_other_kinds_of_networks_are_refused(kind):
    import theory

    network = (
        theory.Residual(3, ["1/2"], [4])
        if kind == "Residual"
        else theory.Convolutional([1, 2], kernel=3, positions=4)
    )
    with pytest.raises(ValueError, match=f"not for {kind}"):
        length_law(network)


def test_layers_beyond_the_asked_one_do_not_matter():
    network = FullyConnected([2, 3, 3], weights=["normal", "uniform"], bias_variance=[0, 1])
    assert np.array_equal(length_law(network, 1).cdf(POINTS), law_of(3).cdf(POINTS))


@pytest.mark.parametrize("bad", [-0.1, 1.5, float("nan"), [0.5, 2], "many"])
def test_probabilities_are_from_0_to_1(bad):
    with pytest.raises(ValueError, match=r"probabilit"):
        law_of(3).ppf(bad)
    with pytest.raises(ValueError, match=r"probabilit"):
        law_of(3).isf(bad)


@pytest.mark.parametrize("bad", [-1, 51, 1.5, True])
def test_moments_of_whole_order(bad):
    with pytest.raises(ValueError, match="order of a moment"):
        law_of(3).moment(bad)
