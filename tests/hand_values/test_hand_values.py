"""Numbers small enough to derive by hand; each docstring is the derivation.

Beside each value stands what a plausible slip would give, which the package must not return.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from flint import fmpq

from theory.network import FullyConnected
from theory.prediction import predict
from theory.readings.exact import length_moments
from theory.values import Exact


def last(widths, order=2, **options):
    """E M_d^k for k = 1..order."""
    return length_moments(FullyConnected(widths, **options), order)[-1]


def spread(widths, **options) -> fmpq:
    value = predict(FullyConnected(widths, **options)).empirical_variance
    assert isinstance(value, Exact)
    return value.number


@pytest.mark.parametrize(
    "law, kurtosis", [("rademacher", 1), ("uniform", fmpq(9, 5)), ("normal", 3), ("laplace", 6)]
)
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_second_moment_of_a_chain_of_width_one(law, kurtosis, depth):
    """z = sqrt 2 w a, so M_j = 2 w^2 M_{j-1} with probability 1/2, else 0: E M_j^2 = (1/2) 4 kappa q."""
    found = last([1] * (depth + 1), weights=law)
    assert found == [1, fmpq(2 * kurtosis) ** depth]
    assert found[1] != fmpq(4 * kurtosis) ** depth


def test_third_moment_of_a_normal_neuron():
    """E M_1^3 = (1/2) 2^3 E w^6 = 4 * 15 = 60, which is also 1 + 15 + 44."""
    assert last([1, 1], 3) == [1, 6, 60]


def test_two_by_two_signs():
    """Entries +-1, input (1, 1): z = 2, 0, -2 with probability 1/4, 1/2, 1/4, so a = 2 with 1/4, else 0.

    M_1 = 4, 2, 0 with 1/16, 6/16, 9/16: E M = 1, E M^2 = 1 + 24/16 = 5/2, E M^3 = 4 + 3 = 7.
    """
    assert last([2, 2], 3, weights="rademacher") == [1, fmpq(5, 2), 7]
    assert last([2, 2], 2, weights="normal")[1] == fmpq(7, 2)


def test_two_layers_of_two_by_two_signs():
    """From a_1 = (2, 2) (1/16) the law of M is 4 times the one above: E M_2^2 = 16 * 5/2 = 40.

    From (2, 0) (6/16) each neuron is 2 with 1/2: M_2 = 4, 2, 0 with 1/4, 1/2, 1/4, so E M_2^2 = 6.
    Together (40 + 36)/16 = 19/4; the square of one layer, 25/4, is wrong: M is not Markov alone.
    """
    found = last([2, 2, 2], weights="rademacher")
    assert found == [1, fmpq(19, 4)]
    assert found[1] != last([2, 2], weights="rademacher")[1] ** 2


@pytest.mark.parametrize("widths", [[4, 2, 5], [1, 7], [3, 1, 1, 10, 2]])
def test_second_moment_of_normal_nets(widths):
    """Given a_{j-1}, z_i are i.i.d. N(0, 2M): E a^2 = M, E a^4 = (1/2) 3 (2M)^2 = 6 M^2.

    E M_j^2 = (1/n^2)(n 6 M^2 + n(n-1) M^2) = (1 + 5/n) M^2; for 4, 2, 5: 7/2 * 2 = 7.
    """

    def product(constant, layers):
        result = fmpq(1)
        for n in layers:
            result *= 1 + fmpq(constant, n)
        return result

    found = last(widths)[1]
    assert found == product(5, widths[1:])
    assert found != product(4, widths[1:])
    assert found != product(5, widths[1:-1])
    assert found != product(5, widths)


def test_empirical_variance_depends_on_the_order_of_the_widths():
    """d^2 E EmpVar = sum_{k>=2} (k-1)(d-k+1)(q_k - q_{k-1}), weights 3, 4, 3 for d = 4.

    10, 20, 30, 40: q = 1.5, 1.875, 2.1875, 2.4609375;
        (3 * 0.375 + 4 * 0.3125 + 3 * 0.2734375)/16 = 3.1953125/16 = 0.19970703125.
    40, 30, 20, 10: q = 1.125, 1.3125, 1.640625, 2.4609375;
        (3 * 0.1875 + 4 * 0.328125 + 3 * 0.8203125)/16 = 4.3359375/16 = 0.27099609375.
    """
    growing, shrinking = spread([10, 10, 20, 30, 40]), spread([10, 40, 30, 20, 10])
    assert growing == fmpq(31953125, 10**7) / 16 == fmpq(19970703125, 10**11)
    assert shrinking == fmpq(43359375, 10**7) / 16 == fmpq(27099609375, 10**11)
    assert last([10, 10, 20, 30, 40]) == last([10, 40, 30, 20, 10]) == [1, fmpq(24609375, 10**7)]


def uniform_second_moment(widths, *, negative_excess=6):
    """E z^4 = (2/m)^2 (3 (sum a^2)^2 + (kappa - 3) sum a^4), kappa - 3 = 9/5 - 3 = -6/5.

    Hence with S = (1/m) sum a^4:  E S' = 6 M^2 - (12/5) S/m,  E M'^2 = (1 + 5/n) M^2 - (12/5) S/(n m).
    """
    cross = fmpq(2 * negative_excess, 5)
    q = s = fmpq(1)
    for m, n in pairwise(widths):
        q, s = (1 + fmpq(5, n)) * q - cross * s / (n * m), 6 * q - cross * s / m
    return q


@pytest.mark.parametrize(
    "widths, value",
    [([10, 10, 20, 30, 40], fmpq(2277694404, 10**9)), ([10, 40, 30, 20, 10], fmpq(2300949204, 10**9))],
)
def test_second_moment_of_uniform_nets_depends_on_the_order(widths, value):
    """Four steps of the recursion above, from q = S = 1."""
    found = last(widths, weights="uniform")[1]
    assert found == value == uniform_second_moment(widths)
    assert found != uniform_second_moment(widths, negative_excess=3)


def test_mean_with_biases():
    """E M_j = E M_{j-1} + nu_2/2; M_0 = (1 + 4 + 1/4)/3 = 7/4, so 7/4 + (1/2 + 1/3)/2 = 13/6."""
    options = {"input": [1, -2, "1/2"], "bias_variance": ["1/2", "1/3"]}
    for law in ("normal", "rademacher", "uniform"):
        (mean,) = last([3, 2, 4], 1, bias_weights=law, **options)
        assert mean == fmpq(13, 6)
        assert mean != fmpq(7, 4) + (fmpq(1, 4) + fmpq(1, 9)) / 2


def test_mean_with_biases_off_the_critical_gain():
    """Gain 1: E M_j = (1/2)(E M_{j-1} + nu_2): 1 -> (1 + 1)/2 = 1 -> (1 + 1)/2 = 1, gain 3: 2 -> 7/2."""
    assert last([5, 2, 3], 1, variance_gain=1, bias_variance=1) == [1]
    assert last([5, 2, 3], 1, variance_gain=3, bias_variance=1) == [fmpq(7, 2)]


@pytest.mark.parametrize("law, fourth", [("normal", 3), ("rademacher", 1), ("uniform", fmpq(9, 5))])
def test_zero_input_with_bias(law, fourth):
    """z = b: E M_1 = 1/2; E M_1^2 = (1/n)(1/2) nu_4 + (1 - 1/n)(1/4); n = 2, normal: 3/4 + 1/8 = 7/8."""
    found = last([2, 2], input=[0, 0], bias_variance=1, bias_weights=law)
    assert found == [fmpq(1, 2), fmpq(fourth) / 4 + fmpq(1, 8)]


def test_zero_input_without_bias_stays_zero():
    """a_1 = phi(0) = 0."""
    assert last([2, 2, 3], 3, input=[0, 0]) == [0, 0, 0]


def test_two_layers_of_total_width_twenty():
    """d = 2: E EmpVar = (q_2 - q_1)/4 = (1 + 5/n_1)(5/n_2)/4.

    (10, 10): 1.5 * 0.5/4 = 0.1875; (6, 14): (11/6)(5/14)/4 = 55/336 = 0.1637: equal widths are not best.
    """
    assert spread([20, 10, 10]) == fmpq(3, 16)
    assert spread([20, 6, 14]) == fmpq(55, 336)
    assert spread([20, 14, 6]) == (1 + fmpq(5, 14)) * fmpq(5, 6) / 4


def test_signs_of_total_width_ten():
    """Rademacher, n_0 = 1: q_1 = 1 + 5/n_1 - 4/n_1 = 1 + 1/n_1 and S_1 = 6 - 4 = 2.

    q_2 = (1 + 5/n_2)(1 + 1/n_1) - 4 * 2/(n_2 n_1): (5, 5) 2.4 - 0.32 = 2.08; (3, 7) 48/21 - 8/21 = 40/21.
    """
    assert last([1, 5, 5], weights="rademacher")[1] == fmpq(208, 100)
    assert last([1, 3, 7], weights="rademacher")[1] == fmpq(40, 21)


@pytest.mark.parametrize(
    "activation, constant",
    [("relu", 5), ("abs", 2), ("linear", 2), ("leaky_relu:1/2", fmpq(77, 25)), ("slopes:0:3", 5)],
)
def test_second_moment_factor_of_other_slopes(activation, constant):
    """E a^4/(E a^2)^2 = 3 tau, tau = 2 (s_+^4 + s_-^4)/(s_+^2 + s_-^2)^2; factor 1 + (3 tau - 1)/n.

    abs and linear: tau = 2 * 2/4 = 1, so 2. Leaky 1/2: tau = 2 (17/16)/(25/16) = 34/25, so 77/25.
    """
    assert last([3, 7], activation=activation) == [1, 1 + fmpq(constant) / 7]
    assert last([3, 7], activation=activation)[1] != 1 + fmpq(constant + 1) / 7


def test_output_activation_acts_on_the_last_layer_only():
    """ReLU then linear: (1 + 5/n_1)(1 + 2/n_2) = 2 * 2 = 4 for 5, 2; the other order 7/2 * 7/5 = 49/10."""
    assert last([4, 5, 2], output_activation="linear") == [1, 4]
    assert last([4, 5, 2], activation="linear", output_activation="relu")[1] == fmpq(7, 5) * fmpq(7, 2)


@pytest.mark.parametrize(
    "mode, gain, mean",
    [("fan_in", 2, 1), ("fan_out", 2, 3), ("fan_avg", 1, fmpq(2, 5)), ("none", fmpq(1, 9), fmpq(1, 18))],
)
def test_mean_in_every_fan_mode(mode, gain, mean):
    """6, 3, 2: E M_j = (1/2) n_{j-1} Var(w) E M_{j-1}.

    fan_out: (6/3)(3/2) = 3; fan_avg, gain 1: 6/9 * 3/5 = 2/5; variance 1/9: (6/18)(3/18) = 1/18.
    """
    assert last([6, 3, 2], 1, mode=mode, variance_gain=gain) == [mean]
    assert last([3, 6, 2], 1, mode=mode, variance_gain=gain) != [mean] or mode in {"fan_in", "none"}
