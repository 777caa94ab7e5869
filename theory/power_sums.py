"""The second route to the moments: power sums and cumulants, sharing no formula with the first.

State: E prod_s p_{l_s}(a_j) with p_l(a) = sum_i a_i^{2l}. Cumulants (signed) replace the
non-negative basis of `recursion`: cumulants of a pre-activation are additive over weights,
those of a sum over i.i.d. neurons are n times those of one neuron (THEORY.md section 2). Orthogonal
weights are taken for independent normal ones first; then the coefficient of a monomial of degree r in
the activations before gets the factor ratio_r (`theory.orthogonal`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from math import comb, factorial
from typing import TypeAlias

from flint import fmpq

from theory.network import FullyConnected, Layer
from theory.reals import Number

__all__ = ["length_moments"]

# A product of power sums p_{l_1} p_{l_2} ... as the sorted tuple of its indices.
_Monomial: TypeAlias = tuple[int, ...]
_Polynomial: TypeAlias = dict[_Monomial, Number]


def length_moments(network: FullyConnected, order: int) -> Iterator[list[Number]]:
    """E M_j^k, k = 1..order, for j = 1, ..., d, exact or enclosed.

    >>> net = FullyConnected([10, 10, 20, 30, 40], weights="uniform")
    >>> list(length_moments(net, 2))[-1][1]
    569423601/250000000
    """
    basis = _monomials(order)
    powers = range(order + 1)
    sums = [network.input_power_sum(l) for l in powers]
    state: dict[_Monomial, Number] = {m: _evaluate_monomial(m, sums) for m in basis}
    for layer in network.layers:
        neuron = _neuron_moments(layer, order)
        ratios = [layer.moment_ratio(r) for r in powers]
        state = {m: _expect(_layer_moment(m, layer.width, neuron), state, ratios) for m in basis}
        yield [state[(1,) * k] / fmpq(layer.width) ** k for k in range(1, order + 1)]


def _monomials(order: int) -> list[_Monomial]:
    found: list[_Monomial] = [()]
    for monomial in found:
        smallest = monomial[-1] if monomial else 1
        found += [(*monomial, index) for index in range(smallest, order + 1 - sum(monomial))]
    return found


def _evaluate_monomial(monomial: _Monomial, sums: Sequence[fmpq]) -> fmpq:
    result = fmpq(1)
    for index in monomial:
        result *= sums[index]
    return result


def _neuron_moments(layer: Layer, order: int) -> list[_Polynomial]:
    """E a_i^{2l} given the layer before, l = 0..order, as polynomials in its power sums."""
    powers = range(order + 1)
    weights = _cumulants([layer.weights.independent_moment(l) for l in powers])
    biases: list[Number] = [fmpq(0) for _ in powers]
    if layer.bias_variance != 0:
        biases = _cumulants([layer.bias.even_moment(l) * layer.bias_variance**l for l in powers])
    cumulants = [{(l,): weights[l] * layer.entry_variance**l, (): biases[l]} for l in powers]
    moments: list[_Polynomial] = [{(): fmpq(1)}]
    for l in powers[1:]:
        total: _Polynomial = defaultdict(fmpq)
        for i in range(1, l + 1):
            _add(total, comb(2 * l - 1, 2 * i - 1), _times(cumulants[i], moments[l - i]))
        moments.append(dict(total))
    factor = layer.activation.even_moment_factor
    return [{m: c * factor(l) for m, c in moment.items()} for l, moment in enumerate(moments)]


def _cumulants(even_moments: Sequence[Number]) -> list[Number]:
    """kappa_{2l} of a symmetric law from its moments: m_{2l} minus what lower cumulants make."""
    cumulants: list[Number] = [fmpq(0)]
    for l in range(1, len(even_moments)):
        lower = (comb(2 * l - 1, 2 * i - 1) * cumulants[i] * even_moments[l - i] for i in range(1, l))
        cumulants.append(even_moments[l] - sum(lower, fmpq(0)))
    return cumulants


def _layer_moment(monomial: _Monomial, width: int, neuron: list[_Polynomial]) -> _Polynomial:
    """E prod_s p_{l_s}(a_j) given the layer before: over blocks, products of n times cumulants."""
    total: _Polynomial = defaultdict(fmpq)
    for blocks in _set_partitions(len(monomial)):
        term: _Polynomial = {(): fmpq(1)}
        for block in blocks:
            indices = tuple(monomial[s] for s in block)
            term = _times(term, _joint_cumulant(indices, neuron))
        _add(total, width ** len(blocks), term)
    return dict(total)


def _joint_cumulant(indices: _Monomial, neuron: list[_Polynomial]) -> _Polynomial:
    """Joint cumulant of y^{l_1}, y^{l_2}, ... for one neuron with y = a_i^2."""
    total: _Polynomial = defaultdict(fmpq)
    for blocks in _set_partitions(len(indices)):
        term: _Polynomial = {(): fmpq(1)}
        for block in blocks:
            term = _times(term, neuron[sum(indices[s] for s in block)])
        merged = len(blocks) - 1
        _add(total, (-1) ** merged * factorial(merged), term)
    return dict(total)


@cache
def _set_partitions(size: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    if size == 0:
        return ((),)
    last = size - 1
    result = []
    for blocks in _set_partitions(last):
        result.append((*blocks, (last,)))
        for position, block in enumerate(blocks):
            result.append((*blocks[:position], (*block, last), *blocks[position + 1 :]))
    return tuple(result)


def _times(left: _Polynomial, right: _Polynomial) -> _Polynomial:
    result: _Polynomial = defaultdict(fmpq)
    for m, a in left.items():
        for k, b in right.items():
            result[tuple(sorted(m + k))] += a * b
    return dict(result)


def _add(total: _Polynomial, factor: int, summand: _Polynomial) -> None:
    for monomial, coefficient in summand.items():
        total[monomial] += factor * coefficient


def _expect(polynomial: _Polynomial, state: dict[_Monomial, Number], ratios: Sequence[fmpq]) -> Number:
    return sum((c * ratios[sum(m)] * state[m] for m, c in polynomial.items()), fmpq(0))
