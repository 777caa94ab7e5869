"""The recursion itself by hand: its whole numbers, and what the readings hand to it and take from it.

`moment_recursion` keeps what it derived; here the derivation is made anew.
"""

from __future__ import annotations

import math
import re
from itertools import permutations

import numpy as np
import pytest
import sympy
from flint import Ordering, arb, fmpq, fmpq_mpoly_ctx

from theory import FullyConnected, SpecError, batch_length_moments, derive, power_sums, recursion
from theory.activations import as_activation
from theory.augmented import expand_power_of_length, from_power_sums, product
from theory.fans import FAN_MODES
from theory.laws import as_law
from theory.partitions import merge, multinomial, partitions, partitions_up_to, symmetry
from theory.readings.batch import _log_of
from theory.readings.exact import _check_effort, law_numbers, length_moments, shape_numbers, start_state
from theory.readings.symbolic import polynomial_laws, polynomial_shape
from theory.reals import as_float
from theory.recursion import ShapeNumbers, moment_recursion
from theory.sympy_bridge import combination, to_sympy


@pytest.fixture
def derived_anew():
    for derived in (moment_recursion, recursion._neuron, recursion._conditional, recursion._length_powers):
        derived.cache_clear()
    for count in (product, partitions, power_sums._set_partitions):
        count.cache_clear()


def entries(order, has_bias):
    """The terms, with the summands of each entry in order."""
    terms = moment_recursion(order, has_bias).terms
    return {target: {p: sorted(e) for p, e in row.items()} for target, row in terms.items()}


@pytest.mark.usefixtures("derived_anew")
def test_whole_numbers_of_order_three_without_biases():
    """E z^2 = A_1, E z^4 = m_4 A_2 + 3 A_11, E z^6 = m_6 A_3 + 15 m_4 A_21 + 15 A_111 (m_2 = 1).

    E z_1^4 z_2^2 = (m_4 A_2 + 3 A_11) A_1, where A_2 A_1 = A_3 + A_21 and A_11 A_1 = 2 A_21 + A_111;
    E z_1^2 z_2^2 = A_1^2 = A_2 + A_11, and A_1^3 = A_3 + 3 A_21 + A_111.
    """
    assert entries(3, has_bias=False) == {
        (): {(): [(1, (), ())]},
        (1,): {(1,): [(1, (), ())]},
        (2,): {(2,): [(1, (2,), ())], (1, 1): [(3, (), ())]},
        (1, 1): {(2,): [(1, (), ())], (1, 1): [(1, (), ())]},
        (3,): {(3,): [(1, (3,), ())], (2, 1): [(15, (2,), ())], (1, 1, 1): [(15, (), ())]},
        (2, 1): {(3,): [(1, (2,), ())], (2, 1): [(1, (2,), ()), (6, (), ())], (1, 1, 1): [(3, (), ())]},
        (1, 1, 1): {(3,): [(1, (), ())], (2, 1): [(3, (), ())], (1, 1, 1): [(1, (), ())]},
    }


@pytest.mark.usefixtures("derived_anew")
def test_whole_numbers_of_order_two_with_biases():
    """E z^2 = A_1 + b_2, E z^4 = m_4 A_2 + 3 A_11 + 6 b_2 A_1 + b_4, E z_1^2 z_2^2 = (A_1 + b_2)^2."""
    assert entries(2, has_bias=True) == {
        (): {(): [(1, (), ())]},
        (1,): {(1,): [(1, (), ())], (): [(1, (), (1,))]},
        (2,): {
            (2,): [(1, (2,), ())],
            (1, 1): [(3, (), ())],
            (1,): [(6, (), (1,))],
            (): [(1, (), (2,))],
        },
        (1, 1): {(2,): [(1, (), ())], (1, 1): [(1, (), ())], (1,): [(2, (), (1,))], (): [(1, (), (1, 1))]},
    }


# Partitions and symmetric functions.


def augmented(partition, values):
    """A_lambda by its definition: over distinct indices, in all orders."""
    choices = permutations(range(len(values)), len(partition))
    return sum(
        math.prod(values[i] ** part for i, part in zip(chosen, partition, strict=True)) for chosen in choices
    )


@pytest.mark.usefixtures("derived_anew")
def test_partitions_are_all_and_in_order():
    """p(0), ..., p(6) = 1, 1, 2, 3, 5, 7, 11; each weakly decreasing, the largest first part first."""
    assert [len(partitions(n)) for n in range(7)] == [1, 1, 2, 3, 5, 7, 11]
    for n in range(7):
        found = partitions(n)
        assert all(sum(p) == n and list(p) == sorted(p, reverse=True) for p in found)
        assert list(found) == sorted(set(found), reverse=True)
    assert partitions_up_to(3) == ((), (1,), (2,), (1, 1), (3,), (2, 1), (1, 1, 1))


def test_counts_of_partitions_by_hand():
    assert merge((3, 1), (2,), ()) == (3, 2, 1)
    assert [symmetry(p) for p in ((), (3, 2), (1, 1), (2, 2, 2, 1, 1))] == [1, 1, 2, 12]
    assert [multinomial(p) for p in ((), (3,), (2, 1), (1, 1, 1), (2, 2))] == [1, 1, 3, 6, 6]


@pytest.mark.usefixtures("derived_anew")
@pytest.mark.parametrize("left", partitions_up_to(3))
@pytest.mark.parametrize("right", [(), (1,), (2, 1), (1, 1)])
def test_products_of_augmented_functions_on_numbers(left, right):
    """Five numbers, so that no product of at most five indices vanishes."""
    values = [2, 3, 5, 7, 11]
    expanded = sum(count * augmented(p, values) for p, count in product(left, right).items())
    assert expanded == augmented(left, values) * augmented(right, values)


@pytest.mark.usefixtures("derived_anew")
@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_powers_of_the_length_on_numbers(order):
    values = [2, 3, 5, 7]
    expanded = sum(count * augmented(p, values) for p, count in expand_power_of_length(order).items())
    assert expanded == 17**order


@pytest.mark.parametrize("partition", partitions_up_to(4))
@pytest.mark.parametrize("values", [[2], [2, 3], [2, 3, 5, 7, 11]])
def test_augmented_functions_from_power_sums(partition, values):
    """Also where there are fewer numbers than parts, and the function is 0."""
    found = from_power_sums(partition, lambda r: fmpq(sum(v**r for v in values)), fmpq(1))
    assert found == augmented(partition, values)


# What the readings hand to the recursion.


@pytest.mark.usefixtures("derived_anew")
def test_products_of_power_sums_come_once_each():
    """p_{l_1} p_{l_2} ... with sum l_s <= 5: one for each partition of 0, ..., 5."""
    found = power_sums._monomials(5)
    assert len(found) == len(set(found)) == 1 + 1 + 2 + 3 + 5 + 7
    assert {tuple(sorted(m, reverse=True)) for m in found} == set(partitions_up_to(5))


def test_inputs_by_hand():
    """x = (1, 2): A_1 = 1 + 4, A_2 = 1 + 16, A_11 = 2 * 1 * 4, each over 2^m."""
    found = start_state(FullyConnected([2, 1], input=[1, 2]), moment_recursion(2, has_bias=False))
    assert found == [1, fmpq(5, 2), fmpq(17, 4), 2]


def test_biases_of_one_layer_only():
    """Variance 2, normal: E b^{2l} = (2l - 1)!! 2^l. Without variance the law does not matter."""
    net = FullyConnected([2, 3, 2], bias_weights=["normal", "student_t:3"], bias_variance=[2, 0])
    derived = moment_recursion(3, has_bias=True)
    assert [law_numbers(layer, derived).bias_moments for layer in net.layers] == [
        [1, 2, 12, 120],
        [1, 0, 0, 0],
    ]


def test_falling_powers_end_at_zero():
    """(n - i)/n for as many indices as a partition of the order can have."""
    for width, falling in ((1, [1, 0, 0]), (2, [1, fmpq(1, 2), 0]), (4, [1, fmpq(3, 4), fmpq(1, 2)])):
        (layer,) = FullyConnected([3, width]).layers
        assert shape_numbers(layer, 3).falling == falling


def test_shapes_by_hand():
    """c_l = (1 + 2^{-2l})/2 for slopes 1 and 1/2; gain 8/5; ratios 4/(4 + 2i) multiplied up."""
    (layer,) = FullyConnected([3, 4], weights="orthogonal", activation="leaky_relu:1/2").layers
    found = shape_numbers(layer, 2)
    assert (found.one, found.reciprocal, found.gain) == (1, fmpq(1, 4), fmpq(8, 5))
    assert found.half_moments == [1, fmpq(5, 8), fmpq(17, 32)]
    assert found.ratios == [1, 1, fmpq(2, 3)]
    (independent,) = FullyConnected([3, 4]).layers
    assert shape_numbers(independent, 2).ratios is None


def test_shapes_in_symbols_by_hand():
    """The same, with u for 1/n and r2 for the ratio; an activation that is not given stays a symbol."""
    names = ["u", "g", "c1", "c2", "r2"]
    ring = fmpq_mpoly_ctx.get(names, Ordering.degrevlex)
    variable = dict(zip(names, ring.gens(), strict=True))
    u, g, c1, c2, r2 = ring.gens()
    given = polynomial_shape(2, as_activation("leaky_relu:1/2"), ring, variable)
    assert (given.one, given.reciprocal, given.gain) == (1, u, fmpq(8, 5))
    assert given.half_moments == [1, fmpq(5, 8), fmpq(17, 32)]
    free = polynomial_shape(2, None, ring, variable)
    assert (free.gain, free.half_moments) == (g, [1, c1, c2])
    for shape in (given, free):
        assert shape.falling == [1, 1 - u]
        assert shape.ratios == [1, 1, r2]


@pytest.mark.parametrize("bias", [False, True])
def test_laws_in_symbols_by_hand(bias):
    """E w^0 = E w^2 = 1 and then symbols; of a given law numbers, 3^l/(2l + 1) for the uniform one."""
    names = ["m4", "m6", "b2", "b4", "b6"]
    ring = fmpq_mpoly_ctx.get(names, Ordering.degrevlex)
    m4, m6, *biases = ring.gens()
    variable = dict(zip(names, ring.gens(), strict=True))
    free = polynomial_laws(3, None, bias, ring, variable)
    assert free.weight_moments == [1, 1, m4, m6]
    given = polynomial_laws(3, as_law("uniform"), bias, ring, variable)
    assert given.weight_moments == [1, 1, fmpq(9, 5), fmpq(27, 7)]
    assert free.bias_moments == given.bias_moments == ([1, *biases] if bias else [])


def test_orders_may_reach_the_last_finite_moment():
    """student_t:5 has m_4 = 9 and no m_6: order 2 needs no more, in weights or biases, by any route."""
    net = FullyConnected([2, 3], weights="student_t:5", bias_weights="student_t:5", bias_variance=1)
    (found,) = power_sums.length_moments(net, 2)
    assert found == length_moments(net, 2)[-1]
    conditional = derive(2, weights="student_t:5").conditional_moment(2)
    assert str(conditional[2,]) == "17*u + 1"


def test_factors_of_the_layer_before():
    """gain^i ratio_i; a ratio too few is an error, not a shorter list."""
    one = fmpq(1)
    numbers = ShapeNumbers(one, one, [one], fmpq(2), [one] * 3, [one, one, fmpq(1, 3)])
    assert numbers.input_factors(2) == [1, 2, fmpq(4, 3)]
    with pytest.raises(ValueError, match="shorter"):
        numbers.input_factors(3)


def test_laws_of_another_order_are_no_layer():
    """Rows are matched one to one with partitions."""
    derived, (layer,) = moment_recursion(2, has_bias=False), FullyConnected([2, 3]).layers
    rows = derived.law_rows(law_numbers(layer, derived))
    assert len(derived.matrix(rows, shape_numbers(layer, 2))) == 4
    with pytest.raises(ValueError, match="shorter"):
        derived.matrix(rows[:-1], shape_numbers(layer, 2))


def test_biases_that_do_not_exist_need_no_moments():
    """One layer takes bias laws of any kind as long as their variance is 0; so does a batch of them."""
    named = {"bias_weights": "student_t:5"}
    (row,) = batch_length_moments(np.array([[2, 3]]), 3, **named).moments
    exact = length_moments(FullyConnected([2, 3], **named), 3)[-1]
    assert row == pytest.approx([int(m.p) / int(m.q) for m in exact], rel=1e-12)
    assert list(power_sums.length_moments(FullyConnected([2, 3], **named), 3)) == [exact]


def test_batches_take_irrational_laws():
    """Moments of a truncated law are balls, read by floats and by logarithms alike."""
    options = {"weights": "truncated_normal:1", "bias_weights": "truncated_normal:2", "bias_variance": "1/3"}
    exact = length_moments(FullyConnected([2, 3, 4], **options), 3)[-1]
    for logarithmic in (False, True):
        (row,) = batch_length_moments(np.array([[2, 3, 4]]), 3, logarithmic=logarithmic, **options).moments
        assert row == pytest.approx([as_float(m) for m in exact], rel=1e-11)


@pytest.mark.parametrize("mode", FAN_MODES)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_batches_know_every_fan(mode, logarithmic):
    """Layers of one width behind different ones, as each reading tells them apart; and power sums."""
    widths, options = [3, 4, 4, 2], {"mode": mode, "variance_gain": 3, "weights": "uniform"}
    net = FullyConnected(widths, **options)
    exact, other = length_moments(net, 2)[-1], list(power_sums.length_moments(net, 2))[-1]
    assert all(arb(a).overlaps(arb(b)) for a, b in zip(exact, other, strict=True))
    (row,) = batch_length_moments(np.array([widths]), logarithmic=logarithmic, **options).moments
    assert row == pytest.approx([as_float(m) for m in exact], rel=1e-11)


def test_batches_may_be_empty_but_not_without_layers():
    assert batch_length_moments(np.ones((0, 3), dtype=int), 2).moments.shape == (0, 2)
    for shape in ((2, 1), (3,), (2, 2, 2)):
        with pytest.raises(SpecError, match="depth >= 1"):
            batch_length_moments(np.ones(shape, dtype=int))
    with pytest.raises(SpecError, match="whole-number array"):
        batch_length_moments(np.ones((2, 2)))


@pytest.mark.parametrize(
    ("widths", "options", "words"),
    [
        ([[1, 10**12 + 1]], {}, "every width must be from 1 to 1,000,000,000,000"),
        ([[0, 1]], {}, "every width must be from 1 to 1,000,000,000,000"),
        ([[1, 1]], {"variance_gain": 0}, "the variance gain must be positive"),
        ([[1, 1]], {"bias_variance": "-1/2"}, "the bias variance at least 0"),
        ([[1, 1]], {"bias_weights": "student_t:3", "bias_variance": 1}, "has an infinite moment of order 4"),
        ([[1, 1]], {"weights": "student_t:3"}, "has an infinite moment of order 4"),
    ],
)  # fmt: skip
def test_batches_are_refused_by_what_is_wrong(widths, options, words):
    with pytest.raises(SpecError, match=words):
        batch_length_moments(np.array(widths), **options)


def test_batches_at_their_limits():
    """Width 10^12 and 1, gains and biases below 1: nothing is refused that a net may have."""
    widths = [[1, 10**12, 1]]
    found = batch_length_moments(np.array(widths), variance_gain="1/2", bias_variance="1/3").moments[0]
    exact = length_moments(FullyConnected(widths[0], variance_gain="1/2", bias_variance="1/3"), 2)[-1]
    assert found == pytest.approx([as_float(m) for m in exact], rel=1e-11)
    assert batch_length_moments(np.array([[2, 3]])).moments.shape == (1, 2)


def test_zero_has_the_logarithm_of_zero():
    """The unit that lifts numbers: exp(-inf) is 0 in sums and products."""
    zero, two = _log_of(0), _log_of(fmpq(2))
    assert zero.log == -math.inf
    assert float((zero + two).log) == float(two.log) == pytest.approx(math.log(2))
    assert float((zero * two).log) == -math.inf


def test_the_depth_named_in_a_refusal_is_the_last_that_is_accepted():
    """Entries of the map times layers, at order 8."""
    derived = moment_recursion(8, has_bias=False)
    with pytest.raises(SpecError) as caught:
        _check_effort(FullyConnected([1] * 30_001), derived)
    named = re.fullmatch(
        r"order 8 at depth 30,000 would take too long; at this order the depth limit is ([\d,]+), "
        r"at order 2 it is 100,000",
        str(caught.value),
    )
    limit = int(named[1].replace(",", ""))
    _check_effort(FullyConnected([1] * (limit + 1)), derived)
    with pytest.raises(SpecError):
        _check_effort(FullyConnected([1] * (limit + 2)), derived)


# Symbols.


@pytest.mark.parametrize("dependent", [False, True])
def test_symbols_by_their_names(dependent):
    """Of order 3: moments m_4, m_6 of weights, nu_2, ... of biases, factors c_1, ..., ratios from 2 on."""
    expected = {"u": "1/n_j", "g": "g", "m4": "m_4", "m6": "m_6", "b2": "nu_2", "b4": "nu_4", "b6": "nu_6"}
    expected |= {"c1": "c_1", "c2": "c_2", "c3": "c_3"}
    expected |= {"r2": "rho_2", "r3": "rho_3"} if dependent else {}
    assert derive(3, weights="orthogonal" if dependent else None).symbols == expected


def test_first_moments_carry_no_exponent():
    derived = derive(2, weights="normal")
    text = derived.to_latex()
    assert derived._repr_latex_() == f"$\\displaystyle {text}$"
    assert r"\mathbb{E}[M_j \mid a_{j-1}] &= \bar A_{1}" in text
    assert r"\mathbb{E}[M_j^{2} \mid a_{j-1}] &=" in text
    assert r"\mathbb{E}[\bar A_{1,1}(a_j) \mid a_{j-1}] &=" in text


@pytest.mark.parametrize("k", [0, 4, -1])
def test_moments_in_symbols_are_counted_from_one_to_the_order(k):
    derived = derive(3)
    assert sorted(derived.conditional_moment(3)) == sorted(partitions(3))
    with pytest.raises(SpecError, match=f"k must be from 1 to the order 3 of this recursion, not {k}"):
        derived.conditional_moment(k)


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize(("law", "idle"), [(None, ""), ("orthogonal", "m")])
def test_every_symbol_stands_somewhere(order, law, idle):
    """Of a law that is given the moments are numbers."""
    derived = derive(order, weights=law, bias=True, activation=None)
    names = list(derived.symbols)
    used = {
        name
        for target in derived.recursion.partitions
        for entry in derived.row(target).values()
        for name, degree in zip(names, entry.degrees(), strict=True)
        if degree
    }
    assert {name for name in names if name not in used} == {
        f"m{2 * l}" for l in range(2, order + 1) if idle == "m"
    }


def test_factors_in_sympy_keep_their_powers():
    """(3/2) (1 + 5 u)^2 g at u = 1/n, n = 2, g = 3: (3/2) (7/2)^2 3."""
    ring = fmpq_mpoly_ctx.get(["u", "g"], Ordering.degrevlex)
    u, g = ring.gens()
    polynomial = fmpq(3, 2) * (1 + 5 * u) ** 2 * g
    symbols = {"u": "1/n", "g": "g"}
    n, gain = (sympy.Symbol(name, positive=True) for name in ("n", "g"))

    def at(expression):
        return expression.subs({n: 2, gain: 3})

    value = sympy.Rational(3 * 49 * 3, 8)
    assert at(to_sympy(polynomial, symbols)) == value
    total = combination({(): polynomial, (2, 1): ring.constant(4)}, symbols)
    assert at(total) == value + 4 * sympy.Symbol("A_2_1")
