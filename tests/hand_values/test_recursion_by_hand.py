"""The recursion itself by hand: its whole numbers, and what the readings hand to it and take from it.

`moment_recursion` keeps what it derived; here the derivation is made anew.
"""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from flint import Ordering, fmpq, fmpq_mpoly_ctx

from theory import FullyConnected, batch_length_moments, derive, power_sums, recursion
from theory.partitions import partitions_up_to
from theory.readings.exact import law_numbers, length_moments, shape_numbers, start_state
from theory.recursion import ShapeNumbers, moment_recursion
from theory.sympy_bridge import combination, to_sympy


@pytest.fixture
def derived_anew():
    for name in ("moment_recursion", "_neuron", "_conditional", "_length_powers"):
        getattr(recursion, name).cache_clear()


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


# Symbols.


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
