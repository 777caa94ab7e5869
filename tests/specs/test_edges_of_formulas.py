"""What readers of `theory/` see at its edges: which layer a law belongs to, which moment is named, what is 0.

Each was found by a small change of a formula that no other test noticed.
"""

from __future__ import annotations

import inspect
import math

import pytest
from flint import arb, fmpq
from refusals import refusal

from theory import Convolutional, FullyConnected, Residual, convolutional_lengths, predict
from theory.between import Between
from theory.carried_lengths import carried_lengths
from theory.convolutional_bounds import layer_growth
from theory.convolutional_lengths import _input_keeps_sign
from theory.convolutional_means import input_array
from theory.data_sets import _thresholds_of
from theory.enclosed_tails import enclosed_tails
from theory.errors import unknown_name
from theory.exact_law import length_law
from theory.extremes import Largest, Smallest, _single
from theory.gradient_law import ChiSquareFactor, weight_gradient_law
from theory.gradients import gradient_moments
from theory.initialisers import initialiser
from theory.laws import TruncatedNormal
from theory.patches import patch_sums
from theory.prediction import predict as predicted
from theory.readings.symbolic import derive
from theory.residual_bounds import _lower_pair, _squared_means, _upper_pair, branch_numbers
from theory.residual_branch import never_negative
from theory.schedule_table import compared_schedules
from theory.values import shortened

# Laws.


def test_every_layer_has_the_laws_that_were_given_for_it():
    laws = ["normal", "uniform", "rademacher"]
    net = FullyConnected(
        [2, 3, 4, 5], weights=laws, bias_weights=[*laws[1:], "laplace"], bias_variance=[1, 2, 3]
    )
    assert [layer.weights.name for layer in net.layers] == laws
    assert [layer.bias.name for layer in net.layers] == ["uniform", "rademacher", "laplace"]
    assert [layer.bias_variance for layer in net.layers] == [1, 2, 3]


def test_standardised_laws_have_variance_one_exactly():
    law = TruncatedNormal(fmpq(2))
    assert [law.even_moment(l) for l in (0, 1)] == [fmpq(1), fmpq(1)]
    assert all(isinstance(law.even_moment(l), fmpq) for l in (0, 1))
    assert isinstance(law.even_moment(2), arb)


def test_biases_of_infinite_moments_are_refused_by_their_own_name():
    net = FullyConnected([2, 2], bias_weights="student_t:3", bias_variance=1)
    assert "bias" in refusal(predict, net, order=2)
    assert predict(net, order=1).layers[1].moments[0].number == fmpq(3, 2)


@pytest.mark.parametrize(
    ("law", "variance", "kurtosis"), [("student_t:5", True, "9"), ("student_t:3", False, None)]
)
def test_variances_need_the_fourth_moment_and_no_higher_one(law, variance, kurtosis):
    found = predict(FullyConnected([2, 2], weights=law), order=1)
    assert (found.layers[1].variance is not None) is variance
    assert (found.layers[0].variance is not None) is variance
    assert (found.empirical_variance is not None) is variance
    shown = found.to_dict()["kurtosis"]
    assert (shown and shown["exact"]) == kurtosis


def test_layer_zero_has_variance_zero():
    assert predict(FullyConnected([2, 2], input=[1, 2]), order=2).layers[0].variance.number == 0
    assert predict(Residual(2, [1], [2], branch_output="linear"), order=1).layers[0].variance.number == 0


def test_residual_nets_of_order_one_have_a_variance_too():
    one, two = (predict(Residual(2, [1, 1], [2], branch_output="linear"), order=k) for k in (1, 2))
    assert len(one.layers[2].moments) == 1
    assert one.layers[2].variance.number == two.layers[2].variance.number > 0


# Words.


def test_names_of_forty_characters_are_shown_whole():
    assert "x" * 40 + "..." not in str(unknown_name("law", "x" * 40, ["normal"]))
    assert "x" * 40 + "..." in str(unknown_name("law", "x" * 41, ["normal"]))


def test_refusals_name_the_first_argument_that_does_not_fit():
    words = refusal(initialiser, "torch.xavier_normal", mode="fan_in", negative_slope=0.1)
    assert words.startswith("torch.xavier_normal takes no mode;")


def test_the_law_without_the_moment_is_named():
    net = Convolutional(
        [1, 2, 2], kernel=2, positions=3, padding="zero", weights=["student_t:5", "student_t:4"]
    )
    assert "weight law student_t:4," in refusal(predict, net, order=2)


def test_the_threshold_that_is_no_ratio_is_shown():
    assert refusal(_thresholds_of, [0.5, -1.0]).endswith("one of them is -1")
    assert refusal(_thresholds_of, [0.5, math.nan]).endswith("one of them is not a number")


def test_one_number_is_no_list_and_no_array():
    import numpy as np

    for several in ([1.0], (1.0,), np.array([1.0])):
        assert "one number here" in refusal(_single, several, "a threshold")
    assert _single(1.0, "a threshold") == 1.0
    assert _single(np.array(1.0), "a threshold") == 1.0


def test_read_outs_without_the_moment_are_named_with_it():
    net = FullyConnected([2, 2, 2])
    words = refusal(gradient_moments, net, 2, "student_t:3")
    assert "needs the moment of order 4 of the read-out law student_t:3" in words
    one = gradient_moments(net, 1, "student_t:3")
    assert one.layers[0].weight_variance is None
    assert gradient_moments(net, 1, "student_t:5").layers[0].weight_variance is not None


def test_all_predictions_promise_the_same_digits():
    promised = {inspect.signature(f).parameters["digits"].default for f in (predicted, gradient_moments)}
    assert promised == {30}
    assert gradient_moments(FullyConnected([2, 2]), 1).first_to_last.number == 1


def test_symbols_are_those_of_the_documentation():
    found = derive(2)
    assert list(found.to_sympy()) == ["M_j^1", "M_j^2"]
    assert {"nu_2", "nu_4", "m_4", "c_1", "c_2", "g", "1/n_j"} <= set(found.symbols.values())


def test_schedules_are_compared_at_powers_of_ten():
    assert inspect.signature(compared_schedules).parameters["blocks"].default == (10, 100, 1_000, 10_000)


def test_fractions_are_kept_up_to_the_longest():
    assert shortened(fmpq(2**9), 10) == fmpq(2**9)
    assert isinstance(shortened(fmpq(2**9), 10), fmpq)
    assert isinstance(shortened(fmpq(2**10), 10), arb)


# Gradients.


def test_gradients_know_their_layers():
    found = gradient_moments(FullyConnected([2, 3, 4]))
    assert [(g.index, g.fan_in, g.width) for g in found.layers] == [(1, 2, 3), (2, 3, 4)]


def test_two_layers_are_enough_for_a_ratio_of_gradients():
    """delta_1 against delta_2: doubled by a variance gain of 4. One layer has no ratio."""
    two, one = (gradient_moments(FullyConnected([8] * n, variance_gain=4)).failure_modes.fm1 for n in (3, 2))
    assert (two.worst.number, two.worst_layer, len(two.factors)) == (2, 1, 1)
    assert (one.worst, one.worst_layer, one.factors, one.fails) == (None, None, (), False)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu:0.5", "abs", "linear"])
@pytest.mark.parametrize("index", [1, 2])
def test_laws_of_gradients_have_the_moments_of_gradients(activation, index):
    """Two slopes of different size as well: the law of the factors against the recursion."""
    net = FullyConnected([3, 2, 4], activation=activation)
    layer = gradient_moments(net).layers[index - 1]
    for k in (1, 2):
        assert weight_gradient_law(net, index).moment(k) == layer.weight_moments[k - 1].number


@pytest.mark.parametrize("slopes", [(1, "1/2"), (3, "-1/2")])
def test_factors_of_gradients_have_squared_slopes(slopes):
    plus, minus = (fmpq(*map(int, f"{s}/1".split("/")[:2])) for s in slopes)
    net = FullyConnected([3, 2], activation=f"slopes:{slopes[0]}:{slopes[1]}", variance_gain=1)
    (factor,) = weight_gradient_law(net, 1).factors
    assert factor == ChiSquareFactor(fmpq(1, 2), 2, (plus**2, minus**2))


# Convolutional nets.


def test_inputs_are_carried_through_the_gain_of_every_layer():
    """Around a circle of one position, S_1 is M^2 times the square of each layer's factor, 2 then 3."""
    net = Convolutional([1, 1, 1], kernel=1, positions=1, input=[1], variance_gain=[4, 6])
    assert [carried.mean for carried in carried_lengths(net)] == [1, 2, 6]
    assert [carried.averages[1] for carried in carried_lengths(net)] == [1, 4, 36]


def test_convolutional_nets_without_a_fourth_moment_have_no_kurtosis():
    def kurtosis(law):
        net = Convolutional([1, 2], kernel=2, positions=3, padding="zero", weights=law)
        return predict(net, order=1).kurtosis

    assert kurtosis("student_t:3") is None
    assert kurtosis("student_t:5").number == 9


def test_variances_of_convolutional_layers_by_hand():
    """x = (1, 3), kernel 1, one channel, one normal weight w: M = (1 + 9) w^2 where w > 0, else 0."""
    net = Convolutional([1, 1], kernel=1, positions=2, padding="zero", input=[1, 3])
    layer = predict(net, order=2).layers[1]
    mean, second = (moment.number for moment in layer.moments)
    assert mean == 5
    # The gain 2 makes it 2 (1 + 9)/2 w^2 = 10 w^2: E M = 10/2, E M^2 = 100 * 3/2.
    assert second == 150
    assert layer.variance.number == 125


def test_growth_of_linear_layers_with_both_signs():
    """Cov(z^2, z'^2) = 2 rho^2 >= 0: without skewness the constant is that of one position, 2."""
    (layer,) = Convolutional([2, 4], kernel=3, positions=8, activation="linear", variance_gain=1).layers
    lower = layer_growth(layer, one_sign=False, positions=8).spread.lower
    assert isinstance(lower, fmpq)
    assert lower == fmpq(2, 8)


def test_channels_with_zeros_keep_their_sign():
    def keeps(*entries):
        return _input_keeps_sign(Convolutional([1, 1], kernel=1, positions=2, input=list(entries)))

    assert [keeps(0, 1), keeps(0, -1), keeps(0, 0), keeps(1, 2)] == [True] * 4
    assert not keeps(-1, 1)


def test_inputs_of_ones_have_denominator_one():
    array, denominator = input_array(Convolutional([2, 1], kernel=1, positions=3))
    assert (array.shape, set(array.ravel().tolist()), denominator) == ((2, 3), {1}, 1)


def test_patches_are_paired_up_to_the_number_allowed():
    """Two directions, each with itself and with the other: 3 pairs."""
    net = Convolutional([2, 1], kernel=1, positions=2, input=[1, 0, 0, 1])
    numerators, _ = input_array(net)
    assert patch_sums(net.layers[0], numerators, most_pairs=3) is not None
    assert patch_sums(net.layers[0], numerators, most_pairs=2) is None


@pytest.mark.parametrize(("most", "known"), [(23, False), (24, True)])
def test_patches_are_taken_up_to_the_number_of_entries_allowed(most, known, monkeypatch):
    """Eight numbers, each in 3 patches: 24 entries. With fewer allowed the bounds stay as they are."""
    monkeypatch.setattr(convolutional_lengths, "_MOST_ENTRIES", most)
    net = Convolutional([2, 3], kernel=3, positions=4, padding="circular", input=[1, 0, 2, 0, 0, 1, 0, 3])
    bounds = Between(fmpq(5, 4), fmpq(5))
    found = convolutional_lengths._first_spread(net, bounds)
    assert found.is_known is known
    assert (found is bounds) is not known
    assert bounds.lower < found.upper <= bounds.upper


def test_the_centre_is_the_middle_position():
    """ReLU halves E z^2 and the critical gain doubles it: (x_p^2 + x_{p+1}^2)/2 with x_p = p, beyond it 0."""
    net = Convolutional([1, 1], kernel=2, positions=200, padding="zero", input=list(range(1, 201)))
    named = predict(net, order=1).details["per_position_mean"]
    assert named["corner"].number == named["minimum"].number == fmpq(1 + 4, 2)
    assert named["centre"].number == fmpq(101**2 + 102**2, 2)
    assert named["maximum"].number == fmpq(199**2 + 200**2, 2)


# Residual nets.


@pytest.mark.parametrize(
    ("activation", "one_sided"),
    [("relu", True), ("abs", True), ("leaky_relu:0.2", False), ("leaky_relu:-0.2", True), ("linear", False)],
)
def test_branches_that_are_never_negative(activation, one_sided):
    assert never_negative(Residual(2, [1], [2], activation=activation)) is one_sided


def test_squares_of_means_by_their_recursion():
    """m_l = m_{l-1} + eta c sqrt(m_{l-1}^2) with the input's own length first; negative means count 0."""
    net = Residual(2, ["1/2", "1/3"], [4, 4], input=[3, 1])
    low = [branch.cross[0] for branch in branch_numbers(net)]
    first = 2 + arb(1) / 2 * low[0] * arb(5).sqrt()
    second = first + arb(1) / 3 * low[1] * first
    found = _squared_means(net)
    assert found[0] == 4
    assert arb(found[1]).overlaps(first**2)
    assert arb(found[2]).overlaps(second**2)
    assert _squared_means(Residual(2, [1], [4], input=[-3, 1]))[0] == 0


def test_bounds_of_pairs_by_their_recursion():
    """One block from x_0 = (3, 1): growth M + 2 eta c sqrt(M) mean; then q is sqrt(a b) above, b below."""
    net = Residual(2, [1, 1], [3, 4], weights="rademacher", input=[3, 1])
    one, two = branch_numbers(net)
    assert one.gamma(2)[0] < one.gamma(2)[1]
    m, mean = arb(5), arb(2)
    for found, end in ((_lower_pair(net), 0), (_upper_pair(net), 1)):
        cross = 2 * one.cross[end] * m.sqrt() * mean
        a = m * (1 + one.mean_factor) + cross
        b = mean**2 + cross + one.gamma(2)[end] * m
        q = (a * b).sqrt() if end else b
        assert found[0] == 5
        assert arb(found[1]).overlaps(a)
        assert arb(found[2]).overlaps(a * (1 + two.mean_factor) + 2 * two.cross[end] * q)


# Extremes.


def test_enclosed_tails_hold_the_tails_of_the_law():
    law = length_law(FullyConnected([3, 4, 5]))
    for x in (0.1, 0.7, 1.0, 3.0):
        below, above = enclosed_tails(law, math.log(x))
        assert float(below.mid()) == pytest.approx(float(law.cdf(x)), abs=1e-9)
        assert float(above.mid()) == pytest.approx(float(law.sf(x)), abs=1e-9)
        assert arb(1).overlaps(below + above)


@pytest.mark.parametrize("kind", [Largest, Smallest])
def test_means_from_quantiles_stay_below_the_mean(kind):
    """q_p (1 - p) <= E Y, for one input E X = 1, for every p; wide linear nets have all q_p near 1."""
    law = length_law(FullyConnected([50, 50], activation="linear"))
    assert 0.5 < kind(law, 1)._mean_by_quantiles() < 1
