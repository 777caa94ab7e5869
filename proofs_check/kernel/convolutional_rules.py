"""Rules about convolutional nets: means by position, bounds on second moments, the fully connected twin.

Judgements, in the notation of `pair_rules`; q is the kernel size, y = 1/q, u_p^(j) the mean of
E a_j^2 over the channels at position p; nets have stride 1, no bias, any number of axes:

convolution_means  u_p^(j) = (factor/q) sum of u_{p+o}^(j-1) over the offsets o of the kernel: modulo the
                   positions (padding circular), or where p + o exists (zero). Any groups.
convolution_mean   E M_d = M_0 prod_j factor. Any groups.
convolution_bound  E M_d^2 <= (or >=) (E M_d)^2 prod_j max (or min) of factors(u_j, h_j, p), under the
                   assumptions of the table `ASSUMPTIONS`.
twin               circular padding, one group, an input constant in each channel: (M_0, ..., M_d) has
                   the law of those of the fully connected net of widths c_0, ..., c_d whose standardised
                   weights are q^{-1/2} times sums of q weights; their kurtosis is `kurtosis`.
twin_growth        the same nets: E M_d^k = M_0^k prod_j factor(u_j), for every P and q.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.expansion import LayerModel
from proofs_check.kernel.judgement import (
    Judgement,
    assumed_variables,
    conclusion_of,
    layer_model,
    nonzero_coefficients,
    same_assumptions,
)
from proofs_check.kernel.layer_facts import is_relu
from proofs_check.kernel.pair_rules import without_biases
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["ASSUMPTIONS", "RULES"]

ASSUMPTIONS: Mapping[str, str] = {
    "one_group": "every layer has one group",
    "one_sign": "no channel of the input has entries of both signs",
}
_PADDINGS = ("circular", "zero")
_ONE = Polynomial.of(1)


def window_means(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A neuron at p is one of a fully connected layer that sees its patch: E a^2 = factor m_p.

    m_p is a mean over q c_{j-1}/G squares, zeros beyond a border included. Averaged over the channels,
    c_j/G for each group, every input channel of every group counts alike: (factor/q) sum_o u_{p+o}.
    """
    (layer,) = premises
    claim = conclusion_of(step, "convolution_means")
    without_biases(claim)
    require(claim["padding"] in _PADDINGS, "no such padding")
    require(layer["judgement"] == "layer" and layer["target"] == {"length": 1}, "the premise is about M_j")
    factor = Polynomial.of(claim["factor"])
    require(nonzero_coefficients(layer) == {(1,): factor}, "the factor is not the layer's")
    same_assumptions(claim, layer)


def around_the_circle(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """For every offset p -> p + o is a bijection of the circle, so each u_p is counted q times of q.

    Checked by counting at the sizes (positions, kernel) given, where a border would lose some.
    """
    (means,) = premises
    claim = conclusion_of(step, "convolution_mean")
    require(means["judgement"] == "convolution_means", "the premise is about means by position")
    require(claim["factor"] == means["factor"], "the factors differ")
    require(claim["padding"] == means["padding"] == "circular", "only around a circle nothing is lost")
    sizes = [(positions, kernel) for positions, kernel in step.get("widths", [])]
    require(any(kernel > 2 for _, kernel in sizes), "a kernel that reaches to both sides is needed")
    for positions, kernel in sizes:
        require(1 <= kernel <= positions <= 12, "sizes must be small whole numbers")
        counts = _times_seen(positions, kernel, claim["padding"])
        require(counts == [kernel] * positions, f"mass is lost at {positions} positions, kernel {kernel}")
    same_assumptions(claim, means)


def bound_from_above(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """W <= C S_G for E phi^4 <= (1 + C) (E phi^2)^2, the bound of one neuron (u = 1), and Cauchy-Schwarz.

    Cov(phi(z_p)^2, phi(z_p')^2) <= sd sd' <= C m_p m_p'. One group, any padding, weights w_p >= 0 over
    the positions: E[(sum w_p mean_p)^2 | a_{j-1}] <= (1 + C u)(sum w_p m_p)^2, and sum w_p m_p is such a
    weighted sum of the layer before, as its mean is; so down to the input. G groups around a circle:
    W <= C S_G, where S_G, the mean of the squared lengths of the groups, is at most G M_{j-1}^2.
    """
    means, channels, bound = premises
    claim = conclusion_of(step, "convolution_bound")
    groups = _ONE if claim["assumes"] == ["one_group"] else Polynomial.of("h")
    require(claim["assumes"] in ([], ["one_group"]), "needs one_group or nothing")
    rates = _rates(claim, means, channels, bound, "<=")
    expected = {_ONE + Polynomial.of("u") * groups * rate for rate in rates}
    ((kind, texts),) = claim["factors"].items()
    require(kind == "max", "an upper bound takes the max")
    require(expected == {Polynomial.of(text) for text in texts}, "the factors are not 1 + rate u h")


def bound_from_below(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """W >= (c/P) S_G for the bound E phi^4 >= (1 + c) (E phi^2)^2 of one neuron, patches of one sign.

    ReLU layers give channels of one sign, the input by assumption; flipping weights, all x >= 0. Then
    Cov(phi^2, phi'^2) >= 0: phi^2 = (t^2 + t|t|)/2, so it is (Cov(z^2, z'^2) + Cov(z|z|, z'|z'|))/4.
    The first is (square + fourth) sum x^2 x'^2 + square (<x,x'>^2 - sum x^2 x'^2) with non-negative
    coefficients (checked); the second is one of increasing functions of independent weights (Harris 1960).
    The diagonal is c sum w_p^2 m_p^2 >= (c/P) (sum w_p m_p)^2, and S_G >= M_{j-1}^2 (Jensen).
    """
    means, channels, bound, pair = premises
    claim = conclusion_of(step, "convolution_bound")
    allowed = [["one_group", "one_sign"]] + ([["one_sign"]] if claim["padding"] == "circular" else [])
    require(claim["assumes"] in allowed, "needs one_sign, and one_group with borders")
    require(is_relu(claim["given"]), "channels keep one sign under ReLU")
    require(pair["judgement"] == "pair_covariance", "the last premise is about pairs of positions")
    square, fourth = (Polynomial.of(pair["coefficients"][key]) for key in ("square", "fourth"))
    require(_non_negative(square) and _non_negative(square + fourth), "a covariance can be negative")
    same_assumptions(claim, pair)
    rates = _rates(claim, means, channels, bound, ">=")
    require(all(_non_negative(rate) for rate in rates), "a rate can be negative")
    expected = {_ONE + Polynomial.of("u*p") * rate for rate in rates}
    ((kind, texts),) = claim["factors"].items()
    require(kind == "min", "a lower bound takes the min")
    require(expected == {Polynomial.of(text) for text in texts}, "the factors are not 1 + rate u p")


def summed_weights(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Around a circle a constant input stays constant: z = sum_i (sum_o w_io) a_i at every position.

    The kurtosis of the sum is a polynomial of degree 1 in y: two kernel sizes settle it.
    """
    require(not premises, "this rule rests on nothing")
    claim = conclusion_of(step, "twin")
    without_biases(claim)
    kurtosis = Polynomial.of(claim["kurtosis"])
    known = {"y"} | assumed_variables(claim["given"])
    require(kurtosis.variables() <= known, "the kurtosis uses an unknown variable")
    require(kurtosis.degree("y") <= 1, "the kurtosis of a sum has degree 1 in y")
    model = layer_model(claim)
    require(len(model.weights) > 2, "the fourth moment of a weight is needed")
    for q in (1, 2):
        at_size = kurtosis.substitute("y", Polynomial.of(Fraction(1, q)))
        require(_moment_of_sum(model, 2, q) == at_size, f"the kurtosis differs at kernel size {q}")


def twin_product(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Weights whose sums have their own moments (normal ones) make the twin's product the net's own.

    E (q^{-1/2} sum_o w_o)^{2l} has degree l - 1 in y: read at q = 1, ..., l.
    """
    twin, product = premises
    claim = conclusion_of(step, "twin_growth")
    require(twin["judgement"] == "twin", "the first premise must be about the twin")
    require(product["judgement"] == "product", "the second premise must be a product")
    require(product["order"] == claim["order"], "the orders differ")
    require(product["factor"] == claim["factor"], "the factors differ")
    model = layer_model(claim)
    require(len(model.weights) > claim["order"], "more moments of a weight are needed")
    for l in range(1, claim["order"] + 1):
        same = all(_moment_of_sum(model, l, q) == model.weights[l] for q in range(1, l + 1))
        require(same, f"moment {2 * l} of a sum of weights is not that of a weight")
    same_assumptions(claim, twin)
    same_assumptions(claim, product)


RULES = (window_means, around_the_circle, bound_from_above, bound_from_below, summed_weights, twin_product)


def _times_seen(positions: int, kernel: int, padding: str) -> list[int]:
    """How many positions see each position."""
    counts = [0] * positions
    for p in range(positions):
        for t in range(kernel):
            at = p + t - (kernel - 1) // 2
            if padding == "circular" or 0 <= at < positions:
                counts[at % positions] += 1
    return counts


def _rates(
    claim: Judgement, means: Judgement, channels: Judgement, bound: Judgement, relation: str
) -> list[Polynomial]:
    """The r of the premise's factors 1 + r u, once all premises are about the same layers, mean factor 1."""
    require(means["judgement"] == "convolution_means", "the first premise is about means by position")
    require(claim["padding"] == means["padding"], "the paddings differ")
    require(claim["padding"] == "circular" or "one_group" in claim["assumes"], "borders need one group")
    require(Polynomial.of(means["factor"]) == _ONE, "lengths must keep their means")
    require(channels["judgement"] == "channel_spread", "the second premise is about channels")
    require(Polynomial.of(channels["factor"]) == Polynomial.of("u"), "channels share the spread")
    require(bound["judgement"] == "bound" and bound["order"] == 2, "the third premise bounds E M_d^2")
    require(claim["relation"] == bound["relation"] == relation, "the relations differ")
    for premise in (means, channels, bound):
        same_assumptions(claim, premise)
    ((_, texts),) = bound["factors"].items()
    excess = [Polynomial.of(text) - _ONE for text in texts]
    rates = [polynomial.substitute("u", _ONE) for polynomial in excess]
    linear = [rate * Polynomial.of("u") for rate in rates]
    require(excess == linear, "the premise's factors are not 1 + rate u")
    return rates


def _moment_of_sum(model: LayerModel, l: int, q: int) -> Polynomial:
    """E (q^{-1/2} sum of q weights)^{2l}: one linear neuron that sees q ones."""
    zeros = [_ONE, *[Polynomial({})] * l]
    moment = LayerModel(model.weights, zeros, _ONE, [_ONE] * (l + 1)).neuron(l, q)
    for t in range(1, q + 1):
        moment = moment.substitute(f"x{t}", _ONE)
    return moment


def _non_negative(polynomial: Polynomial) -> bool:
    """Non-negative for every kurtosis m4 = 1 + t >= 1."""
    shifted = polynomial.substitute("m4", Polynomial.of("1 + t"))
    return shifted.variables() <= {"t"} and all(c >= 0 for c in shifted.terms.values())
