"""rho = E sqrt(X / E X): quadrature against finite sums, closed forms, and bounds without integrals."""

from __future__ import annotations

import pytest
from flint import acb, arb, ctx, fmpq, fmpq_poly

from theory.activations import as_activation
from theory.gaussian import factor_moment
from theory.root_moments import _Transform, root_moment

RELU = as_activation("relu")


def chi_mean(freedom: int) -> arb:
    """E of the root of chi^2_freedom: sqrt(2) Gamma((b + 1)/2)/Gamma(b/2)."""
    half = arb(freedom) / 2
    return arb(2).sqrt() * (half + arb(fmpq(1, 2))).gamma() / half.gamma()


def finite_sum(width: int, most: int | None = None) -> arb:
    """E sqrt((2/h) chi^2_B) over the values of B ~ Binomial(h, 1/2) up to `most`."""
    total = arb(0)
    for b in range(1, (width if most is None else most) + 1):
        total += arb.bin_uiui(width, b) / arb(2) ** width * chi_mean(b)
    return total * (arb(2) / width).sqrt()


@pytest.mark.parametrize("precision", [53, 164, 400])
@pytest.mark.parametrize("width", [1, 2, 3, 10, 100, 400])
def test_quadrature_equals_the_finite_sum(width, precision):
    """Both enclose; at 164 bits a missing last term of the sum, 2^{-h}, shows up to width 100."""
    with ctx.workprec(precision + 30):
        expected, mutant = finite_sum(width), finite_sum(width, width - 1)
    with ctx.workprec(precision):
        found = root_moment(width, RELU)
    assert found.overlaps(expected)
    assert found.rel_accuracy_bits() >= precision - 2
    if width <= 100 and precision >= 164:
        assert not found.overlaps(mutant)


@pytest.mark.parametrize("activation", ["abs", "linear", "slopes:3:-3"])
@pytest.mark.parametrize("width", [1, 2, 7, 50, 1_000, 10**6])
def test_equal_slopes_give_a_chi_mean(width, activation):
    with ctx.workprec(120):
        found = root_moment(width, as_activation(activation))
        assert found.overlaps(chi_mean(width) / arb(width).sqrt())
        assert not found.overlaps(chi_mean(width + 1) / arb(width + 1).sqrt())


def polynomial_bounds(width: int, activation) -> tuple[fmpq, fmpq]:
    """1 + y/2 - y^2/8 + y^3/16 - 5 y^4/16 <= sqrt(1 + y) <= 1 + y/2 - y^2/8 + y^3/16, in the mean."""
    one, two, three, four = (factor_moment(k, width, activation) for k in range(1, 5))
    second = two / one**2 - 1
    third = three / one**3 - 3 * two / one**2 + 2
    fourth = four / one**4 - 4 * three / one**3 + 6 * two / one**2 - 3
    upper = 1 - second / 8 + third / 16
    return upper - fmpq(5, 16) * fourth, upper


def test_the_polynomials_bound_the_root():
    """With t = sqrt(1 + y) both differences are (t - 1)^4 times a polynomial positive on t >= 0."""
    t = fmpq_poly([0, 1])
    y = t**2 - 1
    upper = 1 + y / 2 - y**2 / 8 + y**3 / 16
    for difference in (upper - t, t - (upper - fmpq(5, 16) * y**4)):
        quotient, rest = divmod(difference, (t - 1) ** 4)
        assert rest == 0
        assert all(c >= 0 for c in quotient.coeffs())
    weaker, _ = divmod(t - (upper - fmpq(4, 16) * y**4), (t - 1) ** 4)
    assert weaker(0) < 0


@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/10", "abs", "slopes:1:-2"])
@pytest.mark.parametrize("width", [1, 5, 100, 330, 5_000, 10**6, 10**12])
def test_quadrature_lies_between_bounds_that_need_no_integral(width, activation):
    """For 10^6 neurons the bounds are 2.4e-11 apart, tighter than any error that matters."""
    phi = as_activation(activation)
    lower, upper = polynomial_bounds(width, phi)
    with ctx.workprec(164):
        found = root_moment(width, phi)
        assert arb(lower) <= found <= arb(upper)
    assert width != 10**6 or upper - lower < fmpq(1, 10**10)


def test_wide_and_narrow_rules_agree():
    """The quadrature changes its rule at a width that depends on the precision."""
    for width in range(60, 400, 20):
        values = []
        for precision in (53, 164, 300):
            with ctx.workprec(precision):
                values.append(root_moment(width, RELU))
        assert all(a.overlaps(b) for a in values for b in values)


def transform(width: int, activation) -> _Transform:
    """Of a layer, with the rates s^2/c_1 of its two slopes."""
    return _Transform(width, *(slope**2 / activation.even_moment_factor(1) for slope in activation.slopes))


@pytest.mark.parametrize(("activation", "width"), [("linear", 1), ("abs", 2), ("slopes:3:-3", 3)])
@pytest.mark.parametrize("t", [1, 2])
def test_transforms_of_equal_slopes(activation, width, t):
    """X = chi^2_h/h: L(s) = (1 + 2s/h)^(-h/2), -L'(s) = (1 + 2s/h)^(-h/2 - 1); far: t^2 times that."""
    layer, base = transform(width, as_activation(activation)), 1 + arb(2 * t**2) / width
    slope = base ** (-arb(width) / 2 - 1)
    assert layer.value(t).overlaps(base ** (-arb(width) / 2))
    assert layer.density(acb(t), False).real.overlaps(slope)
    assert layer.far_density(1 / acb(t), False).real.overlaps(slope * t**2)


@pytest.mark.parametrize("t", [1, 2])
def test_transforms_of_relu_by_hand(t):
    """h = 1: X = 2 z^2 or 0: L(s) = (1 + (1 + 4s)^(-1/2))/2. h = 2: its square at s/2."""
    one, two = transform(1, RELU), transform(2, RELU)
    s = arb(t**2)
    assert one.value(t).overlaps((1 + (1 + 4 * s).rsqrt()) / 2)
    assert two.value(t).overlaps(((1 + (1 + 2 * s).rsqrt()) / 2) ** 2)
    slopes = (1 + 4 * s) ** arb(-1.5), (1 + (1 + 2 * s).rsqrt()) / 2 * (1 + 2 * s) ** arb(-1.5)
    for layer, slope in zip((one, two), slopes, strict=True):
        assert layer.density(acb(t), False).real.overlaps(slope)
        assert layer.far_density(1 / acb(t), False).real.overlaps(slope * t**2)


def test_transforms_of_two_slopes_by_hand():
    """Slopes 2 and 1, h = 1: rates 8/5 and 2/5, L(s) = ((1 + 16s/5)^(-1/2) + (1 + 4s/5)^(-1/2))/2."""
    layer, s = transform(1, as_activation("slopes:2:1")), arb(4)
    one, other = 1 + 16 * s / 5, 1 + 4 * s / 5
    assert layer.value(2).overlaps((one.rsqrt() + other.rsqrt()) / 2)
    slope = (8 * one ** arb(-1.5) + 2 * other ** arb(-1.5)) / 10
    assert layer.density(acb(2), False).real.overlaps(slope)
    assert layer.far_density(acb(arb(1) / 2), False).real.overlaps(4 * slope)


@pytest.mark.parametrize("width", [1, 3, 10, 1_000, 10**9, 10**12])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/10", "abs"])
def test_all_the_precision_asked_for_is_there(width, activation):
    """Narrow layers, whose integrals have no end in reach, and wide ones."""
    for precision in (53, 200):
        with ctx.workprec(precision):
            assert root_moment(width, as_activation(activation)).rel_accuracy_bits() >= precision
