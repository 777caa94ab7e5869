"""Residual nets by hand: bounds of bent branches, and the numbers of a branch."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq

from theory import Residual
from theory import residual_bounds as bounds
from theory.readings.exact import LayerMaps
from theory.recursion import moment_recursion
from theory.residual_branch import BranchNumbers, branch_numbers, direction, largest_moments

HALF, THIRD = fmpq(1, 2), fmpq(1, 3)
SIGNS = {"weights": "rademacher", "mode": "none", "variance_gain": 1}


def close(found, expected) -> bool:
    """To 1e-12; balls at 53 bits are far narrower."""
    return math.isclose(float(arb(found).mid()), float(arb(expected).mid()), rel_tol=1e-12)


def largest(network, order):
    maps = LayerMaps(moment_recursion(order, has_bias=False))
    return largest_moments(network.blocks[0].layers, maps)


# One hidden neuron, normal weights, ReLU: c = pi^(-1/2) rho(1) = 1/pi, delta = 1/pi, alpha = 1.


def upper_factor(k, n, eta):
    """1 + 2k c eta + (k + 2k(k-1) gamma) eta^2 + sum_{j>=3} binom(2k, j) eta^j tau_j with one hidden neuron.

    The factors of E M^k of a layer of h neurons are 1 + 5/h and 1 + 15/h + 44/h^2: tau_4 = 6 (1 + 5/n)
    and tau_6 = 60 (1 + 15/n + 44/n^2); tau_2 = 1, and tau_j^2 = tau_{j-1} tau_{j+1} for odd j.
    """
    gamma = 1 / n + (1 - 1 / n) / math.pi
    tau = {2: 1.0, 4: 6 * (1 + 5 / n), 6: 60 * (1 + 15 / n + 44 / n**2)}
    tau |= {j: math.sqrt(tau[j - 1] * tau[j + 1]) for j in (3, 5)}
    rest = sum(math.comb(2 * k, j) * eta**j * tau[j] for j in range(3, 2 * k + 1))
    return 1 + 2 * k * eta / math.pi + (k + 2 * k * (k - 1) * gamma) * eta**2 + rest


@pytest.mark.parametrize("k", [2, 3])
def test_upper_bounds_of_higher_moments_block_by_block(k):
    """Input 2, 2, 2, 2 has M_0 = 4; the blocks' factors multiply; the lower bound is (E M)^k (Jensen)."""
    network = Residual(4, ["1/2", "1/3"], [1], input=[2] * 4)
    rows = bounds.moment_bounds(network, 3)
    first = 4**k * upper_factor(k, 4, 1 / 2)
    assert [len(row) for row in rows] == [3] * 3
    assert (rows[0][k - 1].lower, rows[0][k - 1].upper) == (4**k, 4**k)
    assert close(rows[1][k - 1].upper, first)
    assert close(rows[2][k - 1].upper, first * upper_factor(k, 4, 1 / 3))
    for row, mean in zip(rows, bounds.pair_bounds(network), strict=True):
        assert close(row[k - 1].lower, mean.lower**k)
        assert (close(row[0].lower, mean.lower), close(row[0].upper, mean.upper)) == (True, True)


def test_first_moments_alone_need_no_higher_ones():
    network = Residual(4, ["1/2"], [1], weights="student_t:3")
    assert [len(row) for row in bounds.moment_bounds(network, 1)] == [1, 1]


def test_products_of_blocks():
    """1 + eta^2 -+ 2 eta/pi for each block, from M_0 = 4."""
    network = Residual(4, ["1/2", "1/3"], [1], input=[2] * 4)
    low = high = arb(4)
    found = bounds.product_bounds(network)
    assert (found[0].lower, found[0].upper) == (4, 4)
    for eta, factor, bound in zip((HALF, THIRD), bounds.block_factors(network), found[1:], strict=True):
        cross = 2 * eta / arb.pi()
        low, high = low * (1 + eta**2 - cross), high * (1 + eta**2 + cross)
        assert close(factor.lower, 1 + eta**2 - cross)
        assert close(factor.upper, 1 + eta**2 + cross)
        assert close(bound.lower, low)
        assert close(bound.upper, high)


@pytest.mark.parametrize(("activation", "sign"), [("relu", 1), ("slopes:0:-1", 1), ("slopes:-1:0", -1)])
def test_the_start_is_the_length_and_the_mean_up_to_the_mirror(activation, sign):
    """(1, 2, 6): M_0 = 41/3, mean 3; -relu has negative means, so x is mirrored for it."""
    network = Residual(3, [1], [1], activation=activation, input=[1, 2, 6])
    assert direction(network) == sign
    assert bounds.start(network) == (fmpq(41, 3), 3 * sign)
    ones = network.replaced(input=None)
    assert bounds.start(ones) == (1, sign)


def test_infinite_width_by_its_recursion():
    """delta = 1/pi: m' = (1 + eta^2) m + 2 eta sqrt(m/pi) s, s' = s + eta sqrt(m/pi), from M_0 = 5, s = 2."""
    network = Residual(2, ["1/2", "1/3"], [7], input=[3, 1])
    m, s = 5.0, 2.0
    found = bounds.infinite_width(network)
    assert found[0] == (5, 2)
    for eta, (length, mean) in zip((1 / 2, 1 / 3), found[1:], strict=True):
        rise = eta * math.sqrt(m / math.pi)
        m, s = (1 + eta**2) * m + 2 * rise * s, s + rise
        assert close(length, m)
        assert close(mean, s)
    mirrored = bounds.infinite_width(network.replaced(activation="slopes:-1:0", input=[-3, -1]))
    assert mirrored[0] == (5, -2)
    assert close(mirrored[-1][0], m)
    assert close(mirrored[-1][1], -s)


def test_bounds_without_signs_take_the_better_lower_one():
    """mean(x_0) < 0: s_1 >= s_0 + eta c sqrt(M_0), and E M_1 >= s_1^2 where that is positive.

    M_0 = 5/8, s_0 = -3/4: s_1 is 0.26 for eta = 4 and negative for eta = 1. The product gives
    M_0 (1 + eta^2 - 2 eta/pi) = 9.03 for eta = 4, far more than 0.26^2.
    """
    network = Residual(2, [4], [1], input=[-1, fmpq(-1, 2)])
    assert close(bounds.pair_bounds(network)[-1].lower, bounds.product_bounds(network)[-1].lower)
    assert close(bounds._squared_means(network)[-1], (4 * math.sqrt(5 / 8) / math.pi - 3 / 4) ** 2)
    assert bounds._squared_means(network.replaced(scales=[1]))[-1] == 0


def test_one_block_from_a_mean_of_zero_is_exact():
    """x = (1, -1): E[M'] = (1 + eta^2) M + 2 eta c sqrt(M) * 0 = 2."""
    last = bounds.pair_bounds(Residual(2, [1], [1], input=[1, -1]))[-1]
    assert close(last.lower, 2)
    assert close(last.upper, 2)


def test_leaky_branches_take_the_means_where_these_are_better():
    """Outputs of both signs, x_0 = 1: after many blocks of a small scale prod (1 + c eta)^2 wins.

    c > 0 makes it grow, prod (1 + eta^2 - 2 c eta) falls.
    """
    network = Residual(3, "1/20x10", [3], activation="leaky_relu:1/10")
    (c, _), eta = branch_numbers(network)[0].cross, fmpq(1, 20)
    last = bounds.pair_bounds(network)[-1]
    assert close(last.lower, (1 + c * eta) ** 20)
    assert bounds.product_bounds(network)[-1].lower < 1 < last.lower


# Branches.


def test_two_neurons_of_signs_by_hand():
    """Trunk 2, one hidden neuron, weights +-1, ReLU: z = v h, h = relu(w_1 x_1 + w_2 x_2).

    E h^2 = |x|^2/2 = M, E y^2 = M/2: alpha = 1/2. E z^4 = E h^4 = E (w x)^4/2 <= (3/2) |x|^4 and
    E z^2 = |x|^2/2: K = 6. With share 1/2: 1/24 <= c^2 <= delta <= 1/4. M_y = h^2 (B_1 + B_2)/2, B 0 or 1:
    E M_y^2 = (3/8) E h^4 <= (3/8) (3/2) 4 M^2 = 9/4.
    """
    network = Residual(2, [1], [1], **SIGNS)
    (found,) = branch_numbers(network)
    assert (found.mean_factor, found.pair) == (HALF, (fmpq(1, 24), fmpq(1, 4)))
    assert found.cross[1] == HALF
    assert close(found.cross[0], 1 / arb(24).sqrt())
    assert largest(network, 2) == [HALF, fmpq(9, 4)]


def test_two_slopes_of_signs_by_hand():
    """Slopes 1, 1/2, otherwise as above: c_1 = 5/8, c_2 = 17/32, alpha = (2 c_1) c_1 = 25/32, share = 1/10.

    E z^4 = E h^4 <= 3 c_2 |x|^4, E z^2 = c_1 |x|^2: K = 3 c_2/c_1^2 = 102/25.
    """
    (found,) = branch_numbers(Residual(2, [1], [1], activation="leaky_relu:1/2", **SIGNS))
    assert found.mean_factor == fmpq(25, 32)
    assert found.pair == (fmpq(5, 64) * fmpq(25, 102), fmpq(5, 64))


def test_upper_bounds_of_second_moments_of_signs_by_hand():
    """c <= 1/2, gamma <= 1/4 + (1/2)(1/4) = 3/8, tau_3 = sqrt((1/2)(9/4)), eta = 1 as above.

    1 + 4 c + (2 alpha + 4 gamma) + 4 tau_3 + tau_4 = 1 + 2 + 5/2 + 3 sqrt(2) + 9/4 from M_0 = 1.
    """
    row = bounds.moment_bounds(Residual(2, [1], [1], **SIGNS), 2)[1]
    assert close(row[1].upper, fmpq(31, 4) + 3 * arb(2).sqrt())


def test_squares_of_means_of_signs_by_hand():
    """c >= 1/sqrt(24) as above: from (1, 1), m_1 = 1 + 1/sqrt(24) and m_2 = m_1 (1 + 1/sqrt(24))."""
    found = bounds._squared_means(Residual(2, [1, 1], [1], **SIGNS))
    assert found[0] == 1
    assert close(found[1], (1 + 1 / math.sqrt(24)) ** 2)
    assert close(found[2], (1 + 1 / math.sqrt(24)) ** 4)


def test_one_neuron_of_signs_has_no_pairs_of_coordinates():
    """Trunk 1: y = x with probability 1/4, else 0, so that E M_y^k = M^k/4; K = E h^4/(E h^2)^2 = 2.

    The coefficient 3 of x_1^2 x_2^2 in E (w x)^4 belongs to no x of one coordinate.
    """
    network = Residual(1, [1], [1], **SIGNS)
    assert largest(network, 3) == [fmpq(1, 4)] * 3
    assert branch_numbers(network)[0].pair == (fmpq(1, 16), fmpq(1, 8))


def test_largest_moments_of_order_three_of_normal_branches():
    """Closed in M: (1 + 15/h + 44/h^2) of the hidden and the output layer, h = 2 and 4."""
    assert largest(Residual(4, [1], [2]), 3)[2] == fmpq(39, 2) * fmpq(15, 2)


@pytest.mark.parametrize(("law", "known"), [("student_t:3", False), ("student_t:5", True)])
def test_lower_bounds_on_cross_moments_need_the_fourth_moment_and_no_higher_one(law, known):
    (found,) = branch_numbers(Residual(3, ["1/2"], [4], weights=law))
    assert bool(found.cross[0] > 0) is known
    assert bool(found.pair[0] > 0) is known


def test_mean_squares_of_a_branch_over_the_trunk():
    """alpha/n + (1 - 1/n) delta at both ends: 1/4 + (3/4)/3 and 1/4 + (3/4)/2."""
    numbers = BranchNumbers(fmpq(1), (fmpq(0), fmpq(0)), (THIRD, HALF))
    assert numbers.gamma(4) == (HALF, fmpq(5, 8))
