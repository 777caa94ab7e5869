"""The third route, normal or orthogonal weights: closed forms for the factors of E M^k.

Given a_{j-1} every z_i^2 is v times chi^2_1 with v = gain * M_{j-1} + (bias variance), so
    M_j = v X,  X = (1/n) (s_+^2 chi^2_B + s_-^2 chi^2_{n-B}),  B ~ Binomial(n, 1/2),
and E X^k needs only rising factorials of B and n - B (THEORY.md section 2). For orthogonal weights the
term of degree i in M_{j-1} of E v^k gets the factor ratio_i (`theory.orthogonal`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import comb

from flint import fmpq

from theory.activations import Activation
from theory.laws import Normal, Orthogonal
from theory.network import FullyConnected
from theory.reals import Number

__all__ = ["applies_to", "factor_moment", "length_moments"]


def applies_to(network: FullyConnected) -> bool:
    """Whether weights are normal or orthogonal, and biases (where present) normal, in every layer."""
    weights, biases = dict.fromkeys(network.weights), dict.fromkeys(network.bias_laws_in_use)
    covered = all(isinstance(law, (Normal, Orthogonal)) for law in weights)
    return covered and all(isinstance(law, Normal) for law in biases)


def factor_moment(order: int, width: int, activation: Activation) -> fmpq:
    """E X^order for one layer, exactly.

    >>> from theory.activations import as_activation
    >>> relu = as_activation("relu")
    >>> [2**k * factor_moment(k, 10, relu) for k in (1, 2)]       # 1 and 1 + 5/10
    [1, 3/2]
    """
    plus, minus = (slope**2 for slope in activation.slopes)
    total = fmpq(0)
    for i in range(order + 1):
        slopes = plus**i * minus ** (order - i)
        if slopes != 0:
            total += comb(order, i) * slopes * _mixed_rising_moment(i, order - i, width)
    return total / fmpq(width) ** order


def length_moments(network: FullyConnected, order: int) -> Iterator[list[Number]]:
    """E M_j^k, k = 1..order, for j = 1, ..., d; requires `applies_to(network)`.

    >>> list(length_moments(FullyConnected([4, 2, 5]), 2))[-1]       # (1 + 5/2)(1 + 5/5)
    [1, 7]
    """
    mean = network.input_power_sum(1) / network.widths[0]
    moments: list[Number] = [mean**k for k in range(order + 1)]
    for layer in network.layers:
        gain, shift = layer.effective_gain, layer.bias_variance
        before = [layer.moment_ratio(i) * moment for i, moment in enumerate(moments)]
        moments = [fmpq(1)]
        for k in range(1, order + 1):
            terms = (comb(k, i) * gain**i * before[i] * shift ** (k - i) for i in range(k + 1))
            moments.append(factor_moment(k, layer.width, layer.activation) * sum(terms, fmpq(0)))
        yield moments[1:]


def _mixed_rising_moment(first: int, second: int, width: int) -> fmpq:
    """E (B)(B+2)...(B+2i-2) * (n-B)(n-B+2)...(n-B+2l-2), B ~ Binomial(n, 1/2).

    Moments of chi^2 are such rising products; E (B)_s (n-B)_t = (n)_{s+t} / 2^{s+t}.
    """
    total = fmpq(0)
    for s, left in enumerate(_rising_in_falling(first)):
        for t, right in enumerate(_rising_in_falling(second)):
            total += fmpq(left * right * _falling(width, s + t), 2 ** (s + t))
    return total


@cache
def _rising_in_falling(length: int) -> tuple[int, ...]:
    """Coefficients of x(x+2)...(x+2 length-2) in falling factorials (x)_0, (x)_1, ..."""
    coefficients = [1]
    for step in range(length):
        # x (x)_s = (x)_{s+1} + s (x)_s, hence (x + 2 step)(x)_s = (x)_{s+1} + (s + 2 step)(x)_s.
        grown = [0] * (len(coefficients) + 1)
        for s, value in enumerate(coefficients):
            grown[s + 1] += value
            grown[s] += (s + 2 * step) * value
        coefficients = grown
    return tuple(coefficients)


def _falling(x: int, length: int) -> int:
    result = 1
    for i in range(length):
        result *= x - i
    return result
