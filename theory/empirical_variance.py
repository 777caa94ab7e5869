"""E EmpVar = (1/d) sum_j E M_j^2 - (1/d^2) sum_{i,j} E M_i M_j, for any widths, gains and biases.

THEORY.md section 4. Given layer i the later means are affine, E[M_j | a_i] = slope M_i + shift,
so one backward pass collects  sum_{j>i} E[M_i M_j] = R_i E M_i^2 + T_i E M_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from flint import fmpq

from theory.network import FullyConnected
from theory.reals import Number
from theory.values import shortened

__all__ = ["affine_empirical_variance", "expected_empirical_variance", "middle_layer_sum"]


def expected_empirical_variance(
    network: FullyConnected,
    means: Sequence[Number],
    second_moments: Sequence[Number],
    *,
    longest_bits: int | None = None,
) -> Number:
    """E EmpVar from E M_j and E M_j^2, j = 1..d (both sequences without the input layer).

    Fractions of more than `longest_bits` become balls at the current precision.

    >>> from theory.readings.exact import length_moments
    >>> net = FullyConnected([10, 10, 20, 30, 40])
    >>> rows = length_moments(net, 2)[1:]
    >>> expected_empirical_variance(net, [r[0] for r in rows], [r[1] for r in rows])
    409/2048
    """
    steps = [(layer.mean_factor, layer.mean_shift) for layer in network.layers]
    return affine_empirical_variance(steps, means, second_moments, longest_bits=longest_bits)


def affine_empirical_variance(
    steps: Sequence[tuple[Number, Number]],
    means: Sequence[Number],
    second_moments: Sequence[Number],
    *,
    longest_bits: int | None = None,
) -> Number:
    """E EmpVar where E[M_j | the past] = alpha_j M_{j-1} + beta_j; `steps` are these pairs, j = 1..d.

    >>> affine_empirical_variance([(fmpq(1), fmpq(0))] * 2, [fmpq(1)] * 2, [fmpq(3, 2), fmpq(9, 4)])
    3/16
    """
    d = len(steps)
    later_slope: Number = fmpq(0)
    later_shift: Number = fmpq(0)
    total: Number = fmpq(0)
    backwards = zip(reversed(steps), reversed(means), reversed(second_moments), strict=True)
    for (alpha, beta), mean, second in backwards:
        with_later = 2 * later_slope
        total = total + second * (d - 1 - with_later) - mean * (2 * later_shift)
        later_shift = shortened(later_shift + beta * (1 + later_slope), longest_bits)
        later_slope = shortened(alpha * (1 + later_slope), longest_bits)
    return total / d**2


def middle_layer_sum(second_moments: Sequence[fmpq]) -> fmpq:
    """(1/d^2) sum_{k=2}^{d} (k-1)(d-k+1)(q_k - q_{k-1}): E EmpVar at critical gain without bias.

    All terms are non-negative and the middle layers weigh most (THEORY.md section 4).

    >>> middle_layer_sum([fmpq(3, 2), fmpq(9, 4)])
    3/16
    """
    d = len(second_moments)
    total = fmpq(0)
    for k, (before, after) in enumerate(pairwise(second_moments), start=2):
        total += (k - 1) * (d - k + 1) * (after - before)
    return total / d**2
