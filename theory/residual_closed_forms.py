"""The second route for linear branch output, normal weights only: the state is M^k alone.

Given x and the last hidden activation h of the branch, y has i.i.d. normal entries of variance
v = g |h|^2/(its width), so that n M' = |x + eta y|^2 is eta^2 v times a non-central chi^2 of n degrees of
freedom with non-centrality |x|^2/(eta^2 v). Its moments are sums of rising products of n, and v/M is a
product of independent factors g_i X_i with known moments (`theory.gaussian`). Hence (THEORY.md 5b)

    E[M'^k | x] = M^k sum_j binom(k, j) eta^{2(k-j)} G_{k-j} prod_{i=j}^{k-1} (1 + 2i/n),

G_m = g^m prod_i g_i^m E X_i^m; for k = 2 and one hidden layer of width m of a ReLU branch at its critical
gain 1 + 2 eta^2 (1 + 2/n) + eta^4 (1 + 2/n)(1 + 5/m).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb

from flint import fmpq

from theory.gaussian import factor_moment
from theory.laws import Normal
from theory.network import Layer
from theory.readings.residual import moments_close
from theory.reals import Number
from theory.residual import Block, Residual

__all__ = ["applies_to", "block_factor", "length_moments", "spread_factor"]


def applies_to(network: Residual) -> bool:
    """Whether the weights are normal and the branch's output is linear."""
    return moments_close(network) and all(isinstance(law, Normal) for law in network.weights)


def block_factor(block: Block, order: int) -> Number:
    """E[M_l^order | x_{l-1}] / M_{l-1}^order for one block of a net to which this applies.

    >>> block_factor(Residual(4, [1], [5], branch_output="linear").blocks[0], 2)    # 1 + 3 + 3/2 * 2
    7
    """
    n, eta_squared = block.layers[-1].width, block.scale_squared
    total: Number = fmpq(0)
    for j in range(order + 1):
        rising = fmpq(1)
        for i in range(j, order):
            rising *= 1 + fmpq(2 * i, n)
        power = order - j
        total = total + comb(order, j) * rising * eta_squared**power * _variance_moment(block.layers, power)
    return total


def spread_factor(block: Block) -> Number:
    """The factor of E M^2/(E M)^2 that one block brings, at least 1.

    For one hidden layer of width m it is 1 + (4 eta^2/n + eta^4 (2/n + 5/m + 10/(n m)))/(1 + eta^2)^2.

    >>> spread_factor(Residual(4, [1], [5], branch_output="linear").blocks[0])
    7/4
    """
    return block_factor(block, 2) / block_factor(block, 1) ** 2


def length_moments(network: Residual, order: int) -> Iterator[list[Number]]:
    """E M_l^k, k = 1..order, for l = 1, ..., L; requires `applies_to(network)`.

    >>> net = Residual(4, ["7/10"], [6], branch_output="linear")
    >>> list(length_moments(net, 2))
    [[149/100, 125211/40000]]
    """
    mean = network.input_power_sum(1) / network.width
    moments: list[Number] = [mean**k for k in range(1, order + 1)]
    for block in network.blocks:
        moments = [m * block_factor(block, k) for k, m in enumerate(moments, start=1)]
        yield moments


def _variance_moment(layers: Sequence[Layer], order: int) -> Number:
    """E v^order / M^order: the mean factor of the output layer, and the factors of the hidden ones."""
    *hidden, last = layers
    result: Number = last.mean_factor**order
    for layer in hidden:
        result = result * layer.effective_gain**order * factor_moment(order, layer.width, layer.activation)
    return result
