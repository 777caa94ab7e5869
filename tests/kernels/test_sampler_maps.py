"""Samplers as they are used: even moments from their maps by quadrature, not by sampling.

A sampler is a map from few independent whole numbers to a weight. Here the compiled transforms
themselves are evaluated, in single precision: at every angle; at every small value of a uniform
number, where the map is steep; and at the Gauss-Legendre nodes of pieces of octaves above, rounded to
whole numbers. Where two numbers are multiplied these are the nodes of both. Times the plan's scale, the
sums are held to the exact even moments of `theory.laws`. Relative errors measured, orders 2, 4, 6 and 8
(the largest of a normal law's four positions and of a Laplace law's two):

    uniform                   exact   -3.1e-10 -9.3e-10 -1.9e-09
    normal                    1.8e-07  2.9e-07  6.0e-07  1.2e-06
    laplace                   5.0e-09  1.8e-07  1.5e-06  1.3e-06
    truncated_normal:1/100    4.0e-08  7.2e-08  9.9e-08  1.2e-07
    truncated_normal:1/2      4.3e-08  8.9e-08  1.4e-07  1.9e-07
    truncated_normal:1       -1.5e-08 -4.9e-08 -9.1e-08 -1.4e-07
    truncated_normal:3/2      3.1e-09 -6.6e-10  1.1e-09  9.4e-09
    truncated_normal:2        1.2e-08  1.3e-08  1.0e-08  7.2e-09
    truncated_normal:2.001    6.3e-08  1.2e-07  1.6e-07  2.2e-07
    truncated_normal:3        4.0e-08  6.9e-08  9.5e-08  1.2e-07
    truncated_normal:5        5.8e-08  8.5e-08  1.1e-07  1.4e-07
    truncated_normal:9        4.9e-08  9.5e-08  1.0e-07  6.0e-08
    student_t:5              -7.6e-08 -1.8e-03
    student_t:9              -3.4e-08 -2.9e-08 -6.0e-05 -5.3e-02
    student_t:12.5           -1.5e-07 -2.5e-07 -6.6e-07 -6.8e-05
    student_t:30             -3.6e-09  5.2e-08  1.1e-07  1.7e-07
    student_t:1000           -5.3e-08 -5.0e-08 -4.9e-08 -5.4e-08

The large errors of Student's law belong to its finite number of bits, not to rounding; near df = 2 they
reach the variance: -1.4e-5 at df = 3, -1.2e-3 at 2.5. They are predicted below.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from mpmath import zeta
from numpy.polynomial.legendre import leggauss, legvander
from scipy.special import erfcinv, erfinv

from simulate.kernels import elementary, samplers
from simulate.kernels.elementary import COEFFICIENTS
from simulate.kernels.jit import inlined, kernel
from simulate.kernels.layer import padded
from simulate.kernels.samplers import HALF_WORDS, signed_halves, signed_one
from simulate.kernels.vectors import LANES, load, store
from simulate.law_plan import law_plan
from simulate.truncated_normal import _interpolate, truncated_parameters
from theory.laws import as_law
from theory.reals import as_float

LIMIT = 2e-6
HALF_ORDERS = (1, 2, 3, 4)
BITS_OF_FRACTION = 47
u32 = np.uint32
TRANSFORMS = {law: kernel(getattr(samplers, law)) for law in HALF_WORDS}
CUTS = ("1/100", "1/2", "1", "3/2", "2", "2001/1000", "3", "5", "9")
STUDENTS = {"5": 1, "9": 2, "25/2": 3, "30": 4, "1000": 4}


def draw(law, words, parameters=(), k=COEFFICIENTS):
    """The weights of a block: words as rows, weights as rows as long; the kernel gets whole vectors."""
    words = [np.asarray(w).astype(u32) for w in words]
    length = max(w.size for w in words)
    block = np.zeros((len(words), padded(length)), u32)
    for row, w in zip(block, words, strict=True):
        row[:length] = w
    weights = np.empty(block.size * 2 // HALF_WORDS[law], np.float32)
    TRANSFORMS[law](block.ravel(), weights, parameters, k)
    return weights.reshape(-1, block.shape[1])[:, :length]


def nodes(bits, exact, parts, degree):
    """Whole numbers below 2^bits and their probabilities: all below 2^exact, then pieces of octaves.

    Gauss-Legendre nodes are rounded, their weights solved for again: exact to degree - 1 for what is
    smooth in n + 1/2.
    """
    x, _ = leggauss(degree)
    numbers = [np.arange(2**exact, dtype=np.int64)]
    shares = [np.full(2**exact, 2.0**-bits)]
    for octave in range(exact, bits):
        length = 2**octave // parts
        places = (length * (x + 1) / 2).astype(np.int64)
        centred = (2 * places + 1) / length - 1
        g = np.linalg.solve(legvander(centred, degree - 1).T, np.eye(degree)[0])
        starts = 2**octave + length * np.arange(parts)
        numbers.append((starts[:, None] + places).ravel())
        shares.append(np.tile(g * length * 2.0**-bits, parts))
    return np.concatenate(numbers), np.concatenate(shares)


FRACTIONS, FRACTION_SHARES = nodes(BITS_OF_FRACTION, 12, 64, 16)
HIGH, TAIL = FRACTIONS >> 16 << 1, FRACTIONS & 0xFFFF
PAIR_NUMBERS, PAIR_SHARES = nodes(31, 7, 2, 6)
STEEP = 0x4000


def raw_moments(weights, shares):
    return np.array([np.sum(shares * weights.astype(float) ** (2 * r)) for r in HALF_ORDERS])


def by_sign_and_word(values):
    """Of values at signed words -1 - n and n, both at the nodes of 31 bits."""
    numbers, shares = nodes(31, 12, 64, 16)
    return (raw_moments(values(numbers), shares) + raw_moments(values(~numbers), shares)) / 2


def by_fraction(law, p, k):
    first, second = draw(law, (HIGH, HIGH, TAIL | TAIL << 16), p, k)
    assert np.array_equal(first, second)
    return raw_moments(first, FRACTION_SHARES)


def student(p, k):
    radii = draw("student_t", (HIGH, TAIL | STEEP << 16), p, k)[0]
    angles = draw("student_t", (2**30, np.arange(2**15) << 16), p, k)[0].astype(float)
    return raw_moments(radii, FRACTION_SHARES) * raw_moments(angles / angles[STEEP], 2.0**-15)


def angle_words(first, second):
    """Word 3 of a normal block from two angles of 15 bits, which count up from -1 to 1; signs +."""
    return first << 1 | second << 16


@cache
def joint_moments(law, k):
    """E R^a S^b of a block's two exponentials, a, b <= 8: words 0 and 1 by octaves, the split by Gauss.

    They are the sizes of two Laplace weights, and the squares of two normal weights at one angle.
    """
    first, second = (w.ravel() << 1 for w in np.meshgrid(PAIR_NUMBERS, PAIR_NUMBERS))
    share, found = np.outer(PAIR_SHARES, PAIR_SHARES).ravel(), np.zeros((9, 9))
    rest, power = ((), 1) if law == "laplace" else ((angle_words(STEEP, STEEP),), 2)
    for x, g in zip(*leggauss(5), strict=True):
        words = (first, second, round(x * 2**31) % 2**32, *rest)
        pair = np.abs(draw(law, words, (), k)[:2].astype(float)) ** power
        one, two = (np.vander(x, 9, increasing=True) for x in pair)
        found += g / 2 * (one.T * share) @ two
    return found


def normal_angles(k):
    """The four weights of a block at all angles, over the weight at the angle nearest 0."""
    angles = np.arange(2**15)
    words = (2**30, 2**30, 2**28, angle_words(angles, angles))
    weights = draw("normal", words, (), k).astype(float)
    return weights / np.tile(weights[:2, STEEP], 2)[:, None]


def by_position(law, k):
    """Raw even moments of each weight of a block: x0, x1, y0, y1, or two Laplace weights."""
    joint = joint_moments(law, k)
    if law == "laplace":
        return [joint[2::2, 0], joint[0, 2::2]]
    radial = joint[1:5, 0], joint[0, 1:5]
    return [raw_moments(c, 2.0**-15) * radial[i % 2] for i, c in enumerate(normal_angles(k))]


def uniform_values():
    """All values of a uniform weight, from the low halves of words."""
    return signed_halves(np.arange(2**16, dtype=u32))[0]


def exact_moments(name):
    law = as_law(name)
    return np.array([as_float(law.even_moment(r)) if law.has_moment(r) else math.nan for r in HALF_ORDERS])


def moment_errors(name, k=COEFFICIENTS, p=None, stretch=1.0):
    """Relative errors of E w^2, E w^4, E w^6, E w^8 at the worst position; nan where infinite."""
    plan = law_plan(as_law(name))
    p, scale = plan.parameters if p is None else p, plan.scale * stretch
    found = {
        "uniform": lambda: [raw_moments(uniform_values(), 2.0**-16)],
        "normal": lambda: by_position("normal", k),
        "laplace": lambda: by_position("laplace", k),
        "narrow_normal": lambda: [by_sign_and_word(lambda n: draw("narrow_normal", (n,), p, k)[0])],
        "truncated_normal": lambda: [by_fraction("truncated_normal", p, k)],
        "student_t": lambda: [student(p, k)],
    }
    factor = scale ** (2 * np.array(HALF_ORDERS)) / exact_moments(name)
    return max((raw * factor - 1 for raw in found[plan.kernel]()), key=lambda e: np.max(np.abs(e)))


LAWS = ["uniform", "normal", "laplace", *(f"truncated_normal:{cut}" for cut in CUTS)]


@pytest.mark.parametrize("name", LAWS)
def test_even_moments_of_the_map(name):
    """Orders 2 to 8 to 2e-6. Mutant: a scale off by 3e-6, which moves the variance by 6e-6."""
    assert np.max(np.abs(moment_errors(name))) < LIMIT
    assert np.max(np.abs(moment_errors(name, stretch=1 + 3e-6))) > LIMIT


@pytest.mark.parametrize("df", STUDENTS)
def test_even_moments_of_student_s_map(df):
    """The orders that 47 bits resolve, to 2e-6; the others are predicted below. Mutant as above."""
    resolved = STUDENTS[df]
    assert np.max(np.abs(moment_errors(f"student_t:{df}")[:resolved])) < LIMIT
    assert np.max(np.abs(moment_errors(f"student_t:{df}", stretch=1 + 3e-6)[:resolved])) > LIMIT


def lost_bits(df, half_order, offset=0.5, bits=BITS_OF_FRACTION):
    """What cells of 2^-bits, each taken at `offset`, miss of E (U^-a - 1)^r, a = 2/df, relative to it.

    By Euler and Maclaurin sum (n + 1/2)^-s over n < N is N^(1 - s)/(1 - s) + zeta(s, 1/2) + ..., with
    Hurwitz' zeta function.
    """
    a = 2 / Fraction(df)
    signs = [math.comb(half_order, j) * (-1) ** (half_order - j) for j in range(half_order + 1)]
    missed = [zeta(float(j * a), offset) * 2.0 ** (-bits * float(1 - j * a)) for j in range(half_order + 1)]
    whole = [1 / float(1 - j * a) for j in range(half_order + 1)]
    return float(np.dot(signs, [float(m) for m in missed]) / np.dot(signs, whole))


TAILS = [("21/10", 1), ("5/2", 1), ("5", 2), ("9", 3), ("9", 4), ("25/2", 4)]


@pytest.mark.parametrize("df, half_order", TAILS)
def test_what_finite_bits_take_from_student_s_tail(df, half_order):
    """Up to 20 % of the variance (df = 2.1), and within 1 % of what theory says of 47 bits.

    Mutants: 46 or 48 bits; cells taken at their upper ends.
    """
    found = moment_errors(f"student_t:{df}")[half_order - 1]
    assert found == pytest.approx(lost_bits(df, half_order), rel=0.01, abs=1e-6)
    for mutant in ({"bits": 46}, {"bits": 48}, {"offset": 1.0}):
        assert found != pytest.approx(lost_bits(df, half_order, **mutant), rel=0.01, abs=1e-6)


def cell_moment(power, offset):
    """E (-log U)^power, U in cells of 2^-31 each taken at `offset`.

    By Euler and Maclaurin the sum of log^j(n + offset) over n exceeds its integral by (-1)^j times the
    j-th derivative of Hurwitz' zeta function at 0, up to terms at n = 2^31, where -log U is 0.
    """
    whole = 31 * math.log(2)
    missed = [math.comb(power, j) * whole ** (power - j) * zeta(0, offset, j) for j in range(power + 1)]
    return math.factorial(power) + (power > 0) * float(sum(missed)) * 2.0**-31


def cell_error(power, offset):
    """Of E (E1 + E2)^power, two such exponentials; the parts' moments of this order share it."""
    cells = [cell_moment(i, offset) for i in range(power + 1)]
    found = sum(math.comb(power, i) * cells[i] * cells[power - i] for i in range(power + 1))
    return found / math.factorial(power + 1) - 1


@pytest.mark.parametrize("offset", [0.38, 0.5])
def test_the_quadrature_is_exact_where_the_map_is(offset):
    """The same nodes with exact maps in double precision: errors 20 times below the limit.

    Mutants: rules that leave out the 4,096 smallest fractions, where order 8 of an exponential is steep,
    or the 128 smallest numbers of 31 bits.
    """
    exponential = -np.log((FRACTIONS + 0.5) * 2.0**-BITS_OF_FRACTION)
    factorials = [math.factorial(2 * r) for r in HALF_ORDERS]
    assert raw_moments(exponential, FRACTION_SHARES) == pytest.approx(factorials, rel=1e-7)
    assert raw_moments(exponential[4096:], FRACTION_SHARES[4096:]) != pytest.approx(factorials, rel=1e-7)
    x = -np.log((PAIR_NUMBERS + offset) * 2.0**-31)
    for power in range(1, 9):
        exact = pytest.approx(cell_moment(power, offset), rel=2e-8)
        assert np.dot(PAIR_SHARES, x**power) == exact
        assert np.dot(PAIR_SHARES[128:], x[128:] ** power) != exact


@pytest.mark.parametrize("offset, loss", [(0.4, -6.6e-6), (0.36, 9.6e-6), (0.5, -4.2e-5)])
def test_where_the_cells_of_an_exponential_are_taken(offset, loss):
    """At 0.38, where even moments keep 2e-6; the compiled errors are those of the cells.

    Mutants: two hundredths to either side and the centre, by what order 8 loses there.
    """
    orders = 2 * np.array(HALF_ORDERS)
    predicted, mutant = ([cell_error(n, at) for n in orders] for at in (0.38, offset))
    assert np.max(np.abs(predicted)) < LIMIT
    assert moment_errors("laplace") == pytest.approx(predicted, abs=2e-7)
    assert moment_errors("laplace") != pytest.approx(mutant, abs=2e-7)
    assert mutant[3] == pytest.approx(loss, rel=0.01)


def changed(values, position, digits):
    """The values with one of them up by one unit of that significant digit."""
    unit = 10.0 ** (math.floor(math.log10(abs(values[position]))) + 1 - digits)
    return tuple(v + np.float32(unit) if i == position else v for i, v in enumerate(values))


# Law; the coefficient of `elementary`, or of the plan, that changes; in which digit.
MUTANTS = {
    "normal, log2": ("normal", "k", 23, 3),
    "normal, cosine": ("normal", "k", 8, 4),
    "normal, sine": ("normal", "k", 13, 4),
    "laplace, log2": ("laplace", "k", 23, 4),
    "student, log2": ("student_t:9", "k", 1, 4),
    "truncated, log2": ("truncated_normal:3", "k", 1, 4),
    "student, exp2": ("student_t:9", "k", 16, 4),
    "student, 2/df": ("student_t:9", "p", 0, 4),
    "truncated, outside": ("truncated_normal:3", "p", 0, 4),
    "truncated, inside": ("truncated_normal:3", "p", 1, 4),
    "truncated, slope": ("truncated_normal:3", "p", 3, 4),
    "truncated, constant": ("truncated_normal:9", "p", 13, 4),
    "narrow, degree 1": ("truncated_normal:2", "p", 5, 4),
    "narrow, below": ("truncated_normal:2", "p", 10, 4),
    "narrow, constant": ("truncated_normal:1/2", "p", 6, 4),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_changed_constant_is_noticed(mutant):
    """One constant up by one unit of its fourth digit or, once, its third.

    Higher coefficients move no moment by 2e-6; those of `elementary` are pinned by their own bounds.
    """
    name, where, position, digits = MUTANTS[mutant]
    constants = {"k": COEFFICIENTS, "p": law_plan(as_law(name)).parameters}
    constants[where] = changed(constants[where], position, digits)
    assert np.max(np.abs(moment_errors(name, **constants)[:2])) > LIMIT


def narrow_errors(cut, p):
    """Relative errors of y P(t)/Q(t) in doubles, over words, by the inverse of the error function."""
    unit, slope, *rest = map(float, p)
    words = np.linspace(1, 2**31, 20_001)
    t = 1 - slope * (unit * words) ** 2
    found = unit * words * np.polyval(rest[:5], t) / np.polyval([*rest[5:], 1], t)
    exact = math.sqrt(2) * erfinv(math.erf(cut / math.sqrt(2)) * words * 2.0**-31)
    return np.abs(found / exact - 1)


def wide_errors(cut, p):
    """Relative errors of the root of q times its polynomial in doubles, up to the q of the cut or 2^-47."""
    _, _, start, slope, *polynomial = map(float, p)
    inside, outside = math.erf(cut / math.sqrt(2)), math.erfc(cut / math.sqrt(2))
    q = np.linspace(1e-3, -math.log2(max(outside * (1 + inside), 2.0**-47)), 20_001)
    tail = np.exp2(-q) / (1 + np.sqrt(-np.expm1(-q * math.log(2))))
    found = np.sqrt(q * np.polyval(polynomial, start + slope * q / (q + 12)))
    return np.abs(found / (math.sqrt(2) * erfcinv(tail)) - 1)


@pytest.mark.parametrize("cut", [*CUTS, "40"])
def test_cut_normal_maps_are_as_good_as_singles(cut):
    """Their functions are fitted to 2^-23, one unit of the last place; far cuts, that 47 bits end, to 2^-21.

    Mutant: the constant of a polynomial up by one unit of its fifth digit.
    """
    plan, size = law_plan(as_law(f"truncated_normal:{cut}")), float(Fraction(cut))
    errors, constant = (narrow_errors, 6) if plan.kernel == "narrow_normal" else (wide_errors, 13)
    limit = 2.0**-23 if size <= 5 else 2.0**-21
    assert np.max(errors(size, plan.parameters)) < limit
    assert np.max(errors(size, changed(plan.parameters, constant, 5))) > limit


def test_a_uniform_word_reaches_the_cut_itself():
    """The word 2^31 is the cut; of a far one q ends where 1 - y^2 is what 47 bits leave."""
    for cut in ("1/2", "2"):
        unit = float(law_plan(as_law(f"truncated_normal:{cut}")).parameters[0])
        assert unit * 2**31 == pytest.approx(math.erf(float(Fraction(cut)) / math.sqrt(2)), rel=2.0**-24)
    for cut in ("3", "9"):
        outside, unit = map(float, law_plan(as_law(f"truncated_normal:{cut}")).parameters[:2])
        assert outside == pytest.approx(math.erfc(int(cut) / math.sqrt(2)), rel=2.0**-24)
        assert unit * 2**31 == pytest.approx(math.erf(int(cut) / math.sqrt(2)), rel=2.0**-24)


def test_joint_moments_of_a_normal_block():
    """Two points share their words u1, u2, v, two coordinates an angle: mixed moments to order 8.

    E x0^2a x1^2b from radii and angles, E x0^2a y0^2b likewise, against (2a - 1)!! (2b - 1)!!.
    Mutants: two points with one radius; the sine of another point's angle.
    """
    radii, angles = joint_moments("normal", COEFFICIENTS), normal_angles(COEFFICIENTS)
    moments = (1, *exact_moments("normal"))
    scale = law_plan(as_law("normal")).scale
    for a, b in ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)):
        exact, factor = moments[a] * moments[b], scale ** (2 * a + 2 * b)
        c, d, s = angles[0] ** (2 * a), angles[1] ** (2 * b), angles[2] ** (2 * b)
        assert radii[a, b] * np.mean(c) * np.mean(d) * factor == pytest.approx(exact, rel=LIMIT)
        assert radii[a + b, 0] * np.mean(c * s) * factor == pytest.approx(exact, rel=LIMIT)
        assert radii[a + b, 0] * np.mean(c) * np.mean(d) * factor != pytest.approx(exact, rel=LIMIT)
        assert radii[a + b, 0] * np.mean(c) * np.mean(s) * factor != pytest.approx(exact, rel=LIMIT)


def test_joint_moments_of_two_laplace_weights():
    """Two sizes share their words u1, u2, v: mixed moments to order 8 are a! b!, but for what cells miss.

    Mutants: one size twice; both sizes the mean of the two, as if nothing split their sum.
    """
    joint = joint_moments("laplace", COEFFICIENTS)
    for order in range(2, 9):
        unit = math.log(2) ** order / (1 + cell_error(order, 0.38))
        half = sum(math.comb(order, i) * joint[i, order - i] for i in range(order + 1)) / 2**order
        for a in range(1, order):
            exact = pytest.approx(math.factorial(a) * math.factorial(order - a), rel=2e-7)
            assert joint[a, order - a] * unit == exact
            assert joint[order, 0] * unit != exact
            assert half * unit != exact


def test_rademacher_is_a_sign_of_one_bit():
    """All high halves at all 16 positions: exactly +-1, and bit 31 - position decides; low halves do not.

    Mutant: positions counted from bit 16 up.
    """
    words = np.arange(2**16, dtype=u32) << u32(16)
    for position in range(16):
        signs = signed_one(words, u32(position))
        assert np.array_equal(signs, 1 - 2.0 * (words >> u32(31 - position) & u32(1)))
        assert np.array_equal(signed_one(words | u32(0xFFFF), u32(position)), signs)
        assert not np.array_equal(signs, 1 - 2.0 * (words >> u32(16 + position) & u32(1)))
    assert law_plan(as_law("rademacher")).scale == 1


FINITE = [
    "finite:-1:1/2,1:1/2",
    "finite:-2:1/8,0:3/4,2:1/8",
    "finite:-3:1/6,-1/7:1/3,1/7:1/3,3:1/6",
    "finite:-1000:1/1000000000000,0:499999999999/500000000000,1000:1/1000000000000",
]


@pytest.mark.parametrize("name", FINITE)
def test_finite_laws_to_the_rounding_of_their_values(name):
    """Each value where its 2^64 p draws begin and end; moments then follow to 2r 2^-24.

    Mutant: a threshold off by one draw.
    """
    plan, points = law_plan(as_law(name)), as_law(name).points
    values, thresholds = plan.parameters
    total = [sum((p for _, p in points[: i + 1]), start=0) for i in range(len(points))]
    assert thresholds.tolist() == [int((t * 2**64).floor()) for t in total[:-1]]
    edges = [0, *thresholds.tolist(), 2**64]
    for i, (first, end) in enumerate(pairwise(edges)):
        draws = np.array([first, end - 1, (first + end) // 2], np.uint64)
        found = draw("finite", (draws >> np.uint64(32), draws & np.uint64(2**32 - 1)), plan.parameters)
        assert np.all(found == values[i])
        late = (values, thresholds + np.uint64(1))
        assert i == 0 or draw("finite", (first >> 32, first % 2**32), late)[0, 0] == values[i - 1]
    shares = np.array([(end - first) / 2**64 for first, end in pairwise(edges)])
    scaled = values.astype(float) * plan.scale
    assert raw_moments(scaled, shares) == pytest.approx(exact_moments(name), rel=8 * 2.0**-24)


# Which bits of a block's words feed the radius (or fraction), the angle and the sign of each weight.
ALL, EVEN = 0xFFFFFFFF, 0xFFFFFFFE
RADIUS = (EVEN, EVEN, ALL, 0)
FEEDS = {
    "normal": [
        [RADIUS, (0, 0, 0, 0x0000FFFE), (0, 0, 0, 0x00000001)],
        [RADIUS, (0, 0, 0, 0x7FFF0000), (0, 0, 0, 0x80000000)],
        [RADIUS, (0, 0, 0, 0x0000FFFE), (0, 0, 0, 0x00000001)],
        [RADIUS, (0, 0, 0, 0x7FFF0000), (0, 0, 0, 0x80000000)],
    ],
    "laplace": [
        [(EVEN, EVEN, ALL), (0, 0, 0), (1, 0, 0)],
        [(EVEN, EVEN, ALL), (0, 0, 0), (0, 1, 0)],
    ],
    "truncated_normal": [
        [(EVEN, 0, 0x0000FFFF), (0, 0, 0), (1, 0, 0)],
        [(0, EVEN, 0xFFFF0000), (0, 0, 0), (0, 1, 0)],
    ],
    "student_t": [[(EVEN, 0x0000FFFF), (0, 0x7FFF0000), (0, 0x80000000)]],
}
PARAMETERS = {"student_t": "student_t:5", "truncated_normal": "truncated_normal:9"}
CASES = [(law, i) for law, outputs in FEEDS.items() for i in range(len(outputs))]


def blocks(law, seed, count=2000):
    """Random words, half of them shifted down so that low bits matter too."""
    random = np.random.default_rng(seed)
    shape = len(FEEDS[law][0][0]), count
    shifts = random.integers(0, 31, shape) * random.integers(0, 2, shape)
    return random.integers(0, 2**32, shape, dtype=u32) >> shifts.astype(u32)


def weight(law, i, words):
    p = law_plan(as_law(PARAMETERS.get(law, law))).parameters
    return draw(law, words, p)[i]


def mixed(words, others, masks):
    """Bits inside the masks from the words, the rest from the others."""
    return [w & u32(m) | o & u32(ALL ^ m) for w, o, m in zip(words, others, masks, strict=True)]


@pytest.mark.parametrize("law, i", CASES)
def test_which_bits_feed_a_weight(law, i):
    """No bit feeds two of radius, angle and sign, none outside feeds any: they are independent.

    Bits outside are replaced at random and nothing changes; the sign bit flips the weight exactly.
    Mutant: each mask without its highest bit, for then a replaced bit does show.
    """
    words, others, masks = blocks(law, 1), blocks(law, 2), FEEDS[law][i]
    together = [sum(parts) for parts in zip(*masks, strict=True)]
    assert together == [x | y | z for x, y, z in zip(*masks, strict=True)]
    expected = weight(law, i, words)
    assert np.array_equal(weight(law, i, mixed(words, others, together)), expected)
    flipped = [w ^ u32(m) for w, m in zip(words, masks[2], strict=True)]
    assert np.array_equal(weight(law, i, flipped), -expected)
    for word, mask in ((w, m) for part in masks for w, m in enumerate(part) if m):
        fewer = list(together)
        fewer[word] ^= 1 << mask.bit_length() - 1
        assert not np.array_equal(weight(law, i, mixed(words, others, fewer)), expected)


@pytest.mark.parametrize("law, i", [case for case in CASES if case[0] in ("normal", "student_t")])
def test_radius_and_angle_are_factors(law, i):
    """100 radii by 100 angles make a matrix of rank one, to rounding: neither bends the other.

    Mutant: one bit of the angle moved to the radius.
    """
    words, (radius, angle, sign) = blocks(law, 3, 100), FEEDS[law][i]

    def defect(of_radius):
        rows, columns = np.repeat(words, 100, axis=1), np.tile(words, 100)
        table = np.abs(weight(law, i, mixed(rows, columns, of_radius))).reshape(100, 100).astype(float)
        return np.max(np.abs(table * table[7, 7] / (table[:, 7:8] * table[7:8]) - 1))

    assert defect([r | s for r, s in zip(radius, sign, strict=True)]) < 1e-6
    moved = [r | s | (a & -a) << 13 for r, a, s in zip(radius, angle, sign, strict=True)]
    assert defect(moved) > 1e-6


def test_words_as_signed_numbers_are_odd():
    """Narrow normal weights: minus the word is minus the weight; -2^31 alone has no partner.

    Mutant: the complement of the word, which is off by one unit.
    """
    words = np.concatenate([np.arange(1, 2000), np.random.default_rng(4).integers(1, 2**31, 2000)])
    p = law_plan(as_law("truncated_normal:1/2")).parameters
    found = draw("narrow_normal", (words,), p)[0]
    assert np.array_equal(draw("narrow_normal", (-words,), p)[0], -found)
    assert not np.array_equal(draw("narrow_normal", (~words,), p)[0], -found)


def test_uniform_weights_are_all_odd_multiples_once():
    """2^16 values of each half, symmetric, evenly spaced; each half leaves the other alone.

    Mutant: the last bit not set, so that the values lean to the left by half a step.
    """
    leaning = uniform_values() - np.float32(2**15)
    assert not np.array_equal(-np.sort(leaning)[::-1], np.sort(leaning))
    expected = np.arange(1 - 2**16, 2**16, 2) * 2.0**15
    words = np.arange(2**16, dtype=u32)
    for shift, half in ((0, 0), (16, 1)):
        for other in (0, 0xFFFF, 0x5A5A):
            values = signed_halves(words << u32(shift) | u32(other << (16 - shift)))[half]
            assert np.array_equal(np.sort(values), expected)
    assert np.array_equal(-np.sort(uniform_values())[::-1], np.sort(uniform_values()))


def over_vectors(function):
    """Compiled over whole vectors; the last one is filled up with ones."""

    @kernel
    def loop(x, y, k):
        for i in range(0, len(x), LANES):
            store(y, i, function(load(x, i), k))

    def run(x, k):
        filled = np.ones(padded(len(x)), np.float32)
        filled[: len(x)] = x
        y = np.empty_like(filled)
        loop(filled, y, k)
        return y[: len(x)].astype(float)

    return run


@inlined
def cosine(t, k):
    return elementary.half_circle(t, k)[0]


@inlined
def sine(t, k):
    return elementary.half_circle(t, k)[1]


LOG2, HALF_EXPONENTIAL = over_vectors(elementary.log2), over_vectors(elementary.half_exponential)
COSINE, SINE = over_vectors(cosine), over_vectors(sine)
EXP2_MINUS_ONE = over_vectors(elementary.exp2_minus_one)


def significands(step):
    """The numbers 1 + f between the roots of 1/2 and 2, but for 1."""
    x = np.arange(0x3F3504F3, 0x3FB504F3, step, dtype=u32).view(np.float32)
    return x[x != 1]


def log2_errors(k, step=1):
    """Relative to f = x - 1 between the roots of 1/2 and 2; elsewhere in units of 2^-24 (16 + |log2 x|)."""
    near = significands(step)
    far = np.arange(0x00800000, 0x7F800000, 6207, dtype=u32).view(np.float32)
    exact, other = np.log2(near.astype(float)), np.log2(far.astype(float))
    relative = (LOG2(near, k) - exact) / (near.astype(float) - 1)
    return np.max(np.abs(relative)), np.max(np.abs(LOG2(far, k) - other) / (2.0**-24 * (16 + np.abs(other))))


def half_exponential_errors(k, step=1):
    """As of log2, over the products of two numbers of 31 bits, of which 2^62 is the largest and gives 0."""
    near = significands(step)
    x = near * np.float32(2.0**62)
    far = np.geomspace(0.38**2, 2.0**62, 10**6, dtype=np.float32)
    exact, other = np.log2(near.astype(float)) / -2, 31 - np.log2(far.astype(float)) / 2
    relative = (HALF_EXPONENTIAL(x, k) - exact) / (near.astype(float) - 1)
    units = 2.0**-24 * (8 + other)
    return np.max(np.abs(relative)), np.max(np.abs(HALF_EXPONENTIAL(far, k) - other) / units)


def half_circle_errors(k, step=1):
    """Absolute errors of cosine and sine over an even grid."""
    t = np.arange(-(2**20), 2**20 + 1, step, dtype=np.float32) * np.float32(2.0**-20)
    angle = np.pi / 2 * t.astype(float)
    return np.max(np.abs(COSINE(t, k) - np.cos(angle))), np.max(np.abs(SINE(t, k) - np.sin(angle)))


def exp2_errors(k, step=1):
    """Relative error of 2^x - 1 over a geometric grid, from 1e-30 to 99."""
    x = np.geomspace(1e-30, 99.4, 2**21 // step, dtype=np.float32)
    return (np.max(np.abs(EXP2_MINUS_ONE(x, k) / np.expm1(x.astype(float) * np.log(2)) - 1)),)


# Errors, their bounds, and the coefficients. Measured: 2.24e-6 and 0.91, 1.12e-6 and 0.92, 1.95e-7 and
# 1.26e-6, 1.37e-7.
ELEMENTARY = {
    "log2": (log2_errors, (2.3e-6, 1.0), range(7)),
    "half exponential": (half_exponential_errors, (1.14e-6, 1.0), range(22, 29)),
    "cosine, sine": (half_circle_errors, (2.1e-7, 1.35e-6), range(7, 16)),
    "2^x - 1": (exp2_errors, (1.6e-7,), range(16, 22)),
}


@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions_keep_their_bounds(name):
    """Logarithms at every significand. Mutants: each coefficient up by one unit of its fourth digit.

    Of the last coefficient of the logarithms, of the cosine and of 2^x - 1 it is the third digit.
    """
    errors, bounds, positions = ELEMENTARY[name]
    assert np.all(np.less(errors(COEFFICIENTS), bounds))
    for position in positions:
        mutant = changed(COEFFICIENTS, position, 3 if position in (6, 11, 21, 28) else 4)
        assert np.any(np.greater(errors(mutant, 61), bounds))


# The fits themselves. Another fit, as good, would give other bits under the same seed.


def test_ten_coefficients_interpolate_at_the_ten_chebyshev_nodes():
    """Degree 9 passes through ten points exactly; e^{3t} is off by 1e-5 of itself between them."""
    nodes = np.cos((np.arange(10) + 0.5) * math.pi / 10)
    found = np.polyval(_interpolate(lambda t: np.exp(3 * t)), nodes)
    assert found == pytest.approx(np.exp(3 * nodes), rel=1e-12)


@pytest.mark.parametrize("cut", [2.5, 4, 5, 12])
def test_the_fit_of_a_cut_tail_reaches_to_the_cut_or_to_48_bits(cut):
    """t = -1 + slope w is 1 at w = q/(q + 12) for the last q = -log2(1 - erf(cut/sqrt 2)^2), or q = 48."""
    slope = float(truncated_parameters(cut)[3])
    last = -mpmath.log(1 - mpmath.erf(cut / mpmath.sqrt(2)) ** 2, 2)
    w = 2 / slope
    assert 12 * w / (1 - w) == pytest.approx(min(float(last), 48), rel=1e-6)
