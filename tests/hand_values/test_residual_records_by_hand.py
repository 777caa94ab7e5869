"""Residual nets by hand: closed forms, and every field of the record."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq

from theory import Residual, SpecError, predict
from theory import residual_bounds as bounds
from theory import residual_closed_forms as closed_forms
from theory.readings import residual as exact
from theory.values import Bounded, Enclosed, Exact

HALF, THIRD = fmpq(1, 2), fmpq(1, 3)
SIGNS = {"weights": "rademacher", "mode": "none", "variance_gain": 1}


def linear(width, scales, branch_widths, **options):
    return Residual(width, scales, branch_widths, **{"branch_output": "linear", **options})


def close(found, expected) -> bool:
    """To 1e-12; balls at 53 bits are far narrower."""
    return math.isclose(float(arb(found).mid()), float(arb(expected).mid()), rel_tol=1e-12)


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


def test_matrices_that_depend_on_each_other_need_a_linear_output():
    """An orthogonal matrix has entries whose kurtosis depends on its shape, so none is shown."""
    net = Residual(4, [1], [4], weights="orthogonal")
    with pytest.raises(SpecError, match="a branch with bent output"):
        predict(net)
    assert predict(net.replaced(branch_output="linear")).kurtosis is None


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


def test_spreads_of_bent_nets_are_judged_by_the_bounds_on_second_moments():
    """E M^2/(E M)^2 of the last layer lies between 1 and its upper bound over the square of the lower one."""
    found = predict(Residual(4, ["1/2", "1/3"], [1]), 2)
    mean, second = found.layers[2].moments
    fm2 = found.failure_modes.fm2
    assert fm2.worst_layer == 2
    assert close(fm2.worst.lower, 1)
    assert close(fm2.worst.upper, second.upper / mean.lower**2)


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
