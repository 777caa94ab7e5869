"""Residual nets by hand: bounds of bent branches, and every field of the record."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq

from theory import Residual, predict
from theory import residual_bounds as bounds
from theory import residual_closed_forms as closed_forms
from theory.readings import residual as exact
from theory.readings.exact import LayerMaps
from theory.recursion import moment_recursion
from theory.residual_branch import BranchNumbers, branch_numbers, direction, largest_moments
from theory.values import Bounded, Enclosed, Exact

HALF, THIRD = fmpq(1, 2), fmpq(1, 3)
SIGNS = {"weights": "rademacher", "mode": "none", "variance_gain": 1}


def linear(width, scales, branch_widths, **options):
    return Residual(width, scales, branch_widths, **{"branch_output": "linear", **options})


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


# Closed forms.


@pytest.mark.parametrize("slope", ["3", "-1/2"])
def test_closed_forms_of_outputs_bent_by_equal_slopes(slope):
    """phi(z) = s z: the output's variance has the factor s^2, which the recursion has by c_l."""
    network = Residual(3, ["2/3"], [4], activation=f"slopes:{slope}:{slope}", variance_gain="5/2")
    assert closed_forms.applies_to(network)
    assert list(closed_forms.length_moments(network, 3)) == exact.length_moments(network, 3)[1:]
    assert not closed_forms.applies_to(network.replaced(activation="relu"))


# The record.


def test_the_record_of_a_linear_net_by_hand():
    """n = m = 4, eta = 2, 1: E M' = (1 + eta^2) M, E M'^2 = 1 + 2 eta^2 (3/2) + eta^4 (3/2)(9/4).

    67 for eta = 2 and 59/8 for eta = 1, against means 5 and 2: E M_2^2/(E M_2)^2 = 67 * 59/800 = 4.94.
    """
    found = predict(linear(4, [2, 1], [4], input=[1, 1, 1, 1]), 1)
    assert [(layer.index, layer.width) for layer in found.layers] == [(0, 4), (1, 4), (2, 4)]
    assert [layer.moments for layer in found.layers] == [(Exact(fmpq(m)),) for m in (1, 5, 10)]
    assert [layer.variance.number for layer in found.layers] == [0, 42, fmpq(67 * 59, 8) - 100]
    modes = found.failure_modes
    assert (modes.fm1.worst, modes.fm1.worst_layer) == (Exact(fmpq(10)), 2)
    assert [factor.number for factor in modes.fm1.factors] == [5, 2]
    assert (modes.fm2.worst, modes.fm2.worst_layer) == (Exact(fmpq(67 * 59, 800)), 2)
    criterion = found.details["criterion"]
    assert criterion["terms"] == [Exact(fmpq(4)), Exact(fmpq(1))]
    assert criterion["sum"] == Exact(fmpq(5))
    assert criterion["term"] == "alpha_l eta_l^2"
    assert found.details["branch_output"] == "linear"
    # d^2 E EmpVar = q_1 + q_2 - 2 E M_1 M_2 = q_1 + q_2 - 2 * 2 q_1 for d = 2, over 4.
    assert found.empirical_variance == Exact((fmpq(67 * 59, 8) - 3 * 67) / 4)


def test_the_record_of_a_linear_net_without_a_fourth_moment():
    found = predict(linear(4, [2, 1], [4], weights="student_t:3"), 1)
    assert [layer.variance for layer in found.layers] == [None] * 3
    assert (found.empirical_variance, found.kurtosis) == (None, None)
    assert found.failure_modes.fm1.worst == Exact(fmpq(10))
    assert found.failure_modes.fm2.fails is None


def test_variances_of_linear_nets_need_the_fourth_moment_and_no_higher_one():
    found = predict(linear(4, [2, 1], [4], weights="student_t:5"), 1)
    assert all(isinstance(layer.variance, Exact) for layer in found.layers)
    assert isinstance(found.empirical_variance, Exact)
    assert found.failure_modes.fm2.fails is not None


def test_gains_that_are_not_critical_enter_the_criterion():
    """alpha = g_1 c_1: hidden ReLU at gain 6 has mean factor 3, the linear output 1."""
    found = predict(linear(4, [2], [4], variance_gain=6))
    assert found.details["criterion"]["terms"] == [Exact(fmpq(12))]
    assert found.layers[1].moments[0] == Exact(fmpq(13))


def test_kurtoses_are_shown_where_all_weights_share_them():
    def kurtosis(law):
        return predict(linear(4, [1, 1], [4], weights=law), 1).kurtosis

    assert kurtosis("uniform") == Exact(fmpq(9, 5))
    assert kurtosis("student_t:5") == Exact(fmpq(9))
    assert kurtosis(["uniform", "normal"]) is None
    assert kurtosis("student_t:3") is None
    assert predict(Residual(4, [1], [4], weights="uniform")).kurtosis == Exact(fmpq(9, 5))


@pytest.mark.parametrize(("law", "judged"), [("normal", True), ("student_t:5", True), ("student_t:3", False)])
def test_the_record_of_a_bent_net_by_hand(law, judged):
    """The start is exact, with variance 0 where variances exist; later layers lie between bounds."""
    found = predict(Residual(4, ["1/2", "1/3"], [1], input=[2] * 4, weights=law), 1)
    assert [(layer.index, layer.width, len(layer.moments)) for layer in found.layers] == [
        (0, 4, 1),
        (1, 4, 1),
        (2, 4, 1),
    ]
    assert found.layers[0].moments == (Exact(fmpq(4)),)
    assert [layer.variance for layer in found.layers] == [Exact(fmpq(0)) if judged else None, None, None]
    assert (found.failure_modes.fm2.worst is not None) is judged
    assert (found.order, found.empirical_variance, found.second_moment_bounds) == (1, None, None)
    assert found.details["branch_output"] == "relu"
    assert isinstance(found.details["mean_bounds"], Bounded)


def test_the_criterion_of_a_bent_net_by_hand():
    """c = 1/pi: the terms are eta/pi + eta^2; with signs (trunk 1) c lies between 1/4 and sqrt(1/8)."""
    found = predict(Residual(4, ["1/2", "1/3"], [1]))
    criterion = found.details["criterion"]
    assert criterion["term"] == "c_l eta_l + alpha_l eta_l^2"
    assert all(isinstance(term, Enclosed) for term in criterion["terms"])
    for term, eta in zip(criterion["terms"], (HALF, THIRD), strict=True):
        assert close(term.ball, eta / arb.pi() + eta**2)
    assert close(criterion["sum"].ball, fmpq(5, 6) / arb.pi() + fmpq(13, 36))
    assert [close(c.ball, 1 / arb.pi()) for c in found.details["c"]] == [True, True]
    assert close(found.details["mean_bounds"].upper, bounds.product_bounds(found.network)[-1].upper)
    assert close(found.details["pair_bounds"].upper, bounds.pair_bounds(found.network)[-1].upper)
    limit = found.details["infinite_width"]
    m, s = bounds.infinite_width(found.network)[-1]
    assert (close(limit["length"].ball, m), close(limit["mean"].ball, s)) == (True, True)

    other = predict(Residual(1, ["1/2", "1/3"], [1], **SIGNS)).details["criterion"]
    (term, _), total = other["terms"], other["sum"]
    assert close(term.lower, fmpq(1, 8) + fmpq(1, 16))
    assert close(term.upper, arb(fmpq(1, 8)).sqrt() / 2 + fmpq(1, 16))
    assert close(total.lower, fmpq(5, 24) + fmpq(13, 144))
    assert close(total.upper, arb(fmpq(1, 8)).sqrt() * fmpq(5, 6) + fmpq(13, 144))
