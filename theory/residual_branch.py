"""What bounds need of a branch that is bent at its output: y = N(x) = phi(z), z = V h (THEORY.md 5a).

phi(t) = (s_plus + s_minus)/2 t + b |t| with b = (s_plus - s_minus)/2 > 0 up to the sign of x, since
-N(-x) is the branch of slopes -s_plus, -s_minus. Given x, with alpha the product of all mean factors,

    E y_i^2 = alpha M,    E y_i = c sqrt(M),    E y_i y_j = delta M  (i != j),    c^2 <= delta <= alpha.

Given h the z_i are i.i.d. of variance v, and E v is g M times the mean factors of the hidden layers. With
share = b^2/(b^2 + (s_plus + s_minus)^2/4), 1/2 for ReLU:

- normal weights: E[|z| | h] = sqrt(2 v/pi), so that at every depth of the branch delta = (2/pi) share
  alpha, and c = sqrt(delta) prod rho(h_i) (`theory.root_moments`);
- other symmetric laws: share alpha / K <= c^2 <= delta <= share alpha, K = sup E z^4/(E z^2)^2, by
  Hölder's (E z^2)^3 <= (E|z|)^2 E z^4 and by Cauchy-Schwarz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb, fmpq

from theory.augmented import expand_power_of_length
from theory.laws import Normal
from theory.network import Layer
from theory.partitions import Partition
from theory.readings.exact import LayerMaps
from theory.readings.residual import output_map
from theory.reals import Number, rational_root
from theory.recursion import moment_recursion
from theory.residual import Residual
from theory.root_moments import root_moment
from theory.values import larger

__all__ = ["BranchNumbers", "branch_numbers", "direction", "largest_moments", "never_negative", "root"]


@dataclass(frozen=True)
class BranchNumbers:
    """alpha, and lower and upper bounds on c and delta over all inputs x (equal for normal weights)."""

    mean_factor: Number
    cross: tuple[Number, Number]
    pair: tuple[Number, Number]

    def gamma(self, width: int) -> tuple[Number, Number]:
        """Bounds on E[mean(y)^2 | x] / M = alpha/n + (1 - 1/n) delta for a trunk of width n."""
        low, high = (self.mean_factor / width + d * fmpq(width - 1, width) for d in self.pair)
        return low, high


def direction(network: Residual) -> int:
    """1 where the branch's outputs have a mean of at least 0, -1 where x has to be mirrored for that."""
    plus, minus = network.activation.slopes
    return 1 if plus > minus else -1


def never_negative(network: Residual) -> bool:
    """Whether (up to the mirror) no output of a branch is ever negative, as for ReLU."""
    plus, minus = network.activation.slopes
    return plus * minus <= 0


def branch_numbers(network: Residual) -> list[BranchNumbers]:
    """The numbers of every block's branch; branches alike share theirs.

    >>> (found,) = branch_numbers(Residual(4, "1/2", [1]))
    >>> found.mean_factor, found.cross[0].overlaps(1 / arb.pi()), found.pair[0].overlaps(1 / arb.pi())
    (1, True, True)
    """
    known: dict[int, BranchNumbers] = {}
    for block in network.blocks:
        if id(block.layers) not in known:
            known[id(block.layers)] = _numbers(block.layers)
    return [known[id(block.layers)] for block in network.blocks]


def _numbers(layers: Sequence[Layer]) -> BranchNumbers:
    *hidden, last = layers
    plus, minus = last.activation.slopes
    share = (plus - minus) ** 2 / (2 * (plus**2 + minus**2))
    alpha: Number = fmpq(1)
    for layer in layers:
        alpha = alpha * layer.mean_factor
    most = share * alpha
    law = last.weights
    if isinstance(law, Normal):
        delta = most * 2 / arb.pi()
        cross = delta.sqrt()
        for layer in hidden:
            cross = cross * root_moment(layer.width, layer.activation)
        return BranchNumbers(alpha, (cross, cross), (delta, delta))
    least = most / _largest_kurtosis(layers) if law.has_moment(2) else fmpq(0)
    return BranchNumbers(alpha, (root(least), root(most)), (least, most))


def _largest_kurtosis(layers: Sequence[Layer]) -> Number:
    """sup over x of E z^4/(E z^2)^2: z is an output of the branch before it is bent."""
    recursion = moment_recursion(2, has_bias=False)
    rows = output_map(layers, LayerMaps(recursion))
    *_, last = layers
    factor = last.activation.even_moment_factor
    fourth, second = (dict(rows[recursion.position[p]]) for p in ((2,), (1,)))
    largest = _largest(fourth, recursion.position, 2, layers[0].fan_in)
    return largest / factor(2) * (factor(1) / second[recursion.position[1,]]) ** 2


def largest_moments(layers: Sequence[Layer], maps: LayerMaps) -> list[Number]:
    """sup over x of E[M_y^k | x] / M^k for k = 1, ..., order, M_y the mean square of the branch's output.

    E[M_y^k | x] is a combination of the normalised A_mu(x) and so is M^k, with coefficients e_mu and
    m_mu: their ratio is a weighted mean of the e_mu/m_mu, so at most the largest of them.
    """
    recursion = maps.recursion
    found = []
    for k in range(1, recursion.order + 1):
        row: dict[int, Number] = {
            recursion.position[p]: fmpq(count) for p, count in expand_power_of_length(k).items()
        }
        for layer in reversed(layers):
            row = _before(row, maps(layer))
        found.append(_largest(row, recursion.position, k, layers[0].fan_in))
    return found


def _before(row: dict[int, Number], rows: Sequence[Sequence[tuple[int, Number]]]) -> dict[int, Number]:
    total: dict[int, Number] = {}
    for i, weight in row.items():
        for j, entry in rows[i]:
            total[j] = total.get(j, fmpq(0)) + weight * entry
    return total


def _largest(row: dict[int, Number], position: dict[Partition, int], order: int, width: int) -> Number:
    """max of e_mu/m_mu over the mu that `width` coordinates can have."""
    found: Number = fmpq(0)
    for p, count in expand_power_of_length(order).items():
        if len(p) <= width:
            found = larger(found, row[position[p]] / count)
    return found


def root(square: Number) -> Number:
    """The root of a number that is not negative: rational where it can be."""
    exact = rational_root(square) if isinstance(square, fmpq) else None
    return arb(square).sqrt() if exact is None else exact
