"""The counterexample to eq. 4's converse: rare, large biases (THEORY.md section 3).

Bias +-B_j with probability p_j/2 each, else 0; p_j = base^j / n_j, B_j^2 = 1/p_j. With base 1/2
P(some bias in layer j) <= 2^-j is summable, though every nu_2 is 1 and E M_d = M_0 + d/2.
"""

from __future__ import annotations

from itertools import product
from math import prod

from flint import fmpq

from proofs_check import oracle
from proofs_check.checks.paired import paired
from proofs_check.claim import Claim
from proofs_check.verdict import Evidence
from theory import power_sums
from theory.laws import Law, finite_law
from theory.network import FullyConnected
from theory.readings.exact import length_moments
from theory.values import as_value

__all__ = ["rare_biases"]

_DEPTH = 30
_PATTERN = (3, 1, 4, 2, 10)
# Widths that are squares of powers of two: with Rademacher weights every scale stays rational.
_ENUMERATED = ((1, 1), (1, 4), (1, 1, 1), (1, 1, 4), (1, 4, 1), (4, 1, 1), (1, 1, 1, 1))


def rare_biases(claim: Claim) -> list[Evidence]:
    """The numbers of the witness by recursion, and again by power sums and by counting."""
    net = _network([5, *(_PATTERN[j % 5] for j in range(_DEPTH))], fmpq(1, 2), "uniform")
    means = [row[0] for row in length_moments(net, 1)]
    chances = [_some_bias(net, j, fmpq(1, 2)) for j in range(1, _DEPTH + 1)]
    planted = [_some_bias(net, j, fmpq(1)) for j in range(1, _DEPTH + 1)]
    growing = means == [means[0] + fmpq(j, 2) for j in range(_DEPTH + 1)]
    unit = all(layer.bias.even_moment(1) * layer.bias_variance == 1 for layer in net.layers)
    figures = {
        "witness": {**net.to_dict(), "bias_weights": "+-B_j with probability p_j/2 each, p_j = 2^-j/n_j"},
        "mean": as_value(means[-1]).to_dict(),
        "chance_of_a_bias": [as_value(chance).to_dict() for chance in chances],
        "sum_of_chances": as_value(sum(chances, fmpq(0))).to_dict(),
    }
    detail = f"nu_2 = 1, E M_{_DEPTH} = {means[-1]}, sum of P(some bias in layer j) = {_short(chances)} < 1"
    holds = growing and unit and _summable(chances)
    noticed = not _summable(planted)
    again = _power_sums_agree(net) and all(_counted(widths) for widths in _ENUMERATED)
    return [
        *paired("witness", holds, detail, noticed, "p_j = 1/n_j: the chances do not add up", figures),
        *_replay(again),
    ]


def _replay(again: bool) -> list[Evidence]:
    detail = f"power sums to layer {_DEPTH}; counting {len(_ENUMERATED)} nets and every pattern of biases"
    noticed = _chance_by_patterns(3, fmpq(1, 8)) != fmpq(3, 8)
    return paired("replay", again, detail, noticed, "n_j p_j itself in place of 1 - (1 - p_j)^n_j")


def _network(widths: list[int], base: fmpq, weights: str) -> FullyConnected:
    biases = [_bias(base**j / n) for j, n in enumerate(widths[1:], start=1)]
    return FullyConnected(widths, weights=weights, bias_weights=biases, bias_variance=1)


def _bias(chance: fmpq) -> Law:
    """+-1 with probability chance/2 each, else 0; a spec standardises it to variance 1."""
    points = [(fmpq(-1), chance / 2), (fmpq(0), 1 - chance), (fmpq(1), chance / 2)]
    return finite_law([(value, p) for value, p in points if p > 0])


def _some_bias(network: FullyConnected, j: int, base: fmpq) -> fmpq:
    n = network.widths[j]
    return 1 - (1 - base**j / n) ** n


def _summable(chances: list[fmpq]) -> bool:
    return all(chance <= fmpq(1, 2**j) for j, chance in enumerate(chances, start=1))


def _power_sums_agree(network: FullyConnected) -> bool:
    means = [row[0] for row in power_sums.length_moments(network, 1)]
    return means == [1 + fmpq(j, 2) for j in range(1, _DEPTH + 1)]


def _counted(widths: tuple[int, ...]) -> bool:
    """E M_j = 1 + j/2 and P(some bias), with every weight and bias taking every value."""
    network = _network(list(widths), fmpq(1, 2), "rademacher")
    means = [row[0] for row in oracle.length_moments(network, 1)]
    chances = [
        _chance_by_patterns(n, fmpq(1, 2**j * n)) == _some_bias(network, j, fmpq(1, 2))
        for j, n in enumerate(widths[1:], start=1)
    ]
    return means == [1 + fmpq(j, 2) for j in range(len(widths))] and all(chances)


def _chance_by_patterns(n: int, p: fmpq) -> fmpq:
    """P(some of n biases is not 0), pattern by pattern."""
    silent_or_not = {0: 1 - p, 1: p}
    patterns = (pattern for pattern in product(silent_or_not, repeat=n) if any(pattern))
    return sum((prod((silent_or_not[b] for b in pattern), start=fmpq(1)) for pattern in patterns), fmpq(0))


def _short(chances: list[fmpq]) -> str:
    total = sum(chances, fmpq(0))
    return f"{int(total.p) / int(total.q):.6f}"
