"""Moments of one layer at given whole widths, expanded from their definition.

The layer: z_i = sqrt(gain/m) sum_t w_it a_t + b_i for i = 1..n, activations phi(z_i), with i.i.d.
symmetric weights (E w^2 = 1) and biases. The results are polynomials in x1, ..., xm, the squares
a_t^2, and in the moments of the laws. Expectations are taken term by term over all index tuples:
slow, short, and independent of how `theory` derives the same numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product
from math import factorial

from proofs_check.kernel.polynomial import Polynomial

__all__ = ["LayerModel", "augmented", "length_power"]


@dataclass(frozen=True)
class LayerModel:
    """What a layer identity assumes: E w^{2l}, E b^{2l}, the gain, and c_l, as polynomials.

    `weights[l]`, `biases[l]` and `halves[l]` are indexed by l = 0, 1, ...; entry 0 is 1.
    """

    weights: Sequence[Polynomial]
    biases: Sequence[Polynomial]
    gain: Polynomial
    halves: Sequence[Polynomial]

    def neuron(self, l: int, m: int) -> Polynomial:
        """E phi(z)^{2l} for one neuron with m inputs: c_l times the multinomial expansion of z."""
        total = Polynomial({})
        for exponents in _compositions(l, m + 1):
            *inputs, bias = exponents
            ways = Fraction(factorial(2 * l))
            term = self.biases[bias] * (self.gain * Fraction(1, m)) ** (l - bias)
            for e in exponents:
                ways /= factorial(2 * e)
            for t, e in enumerate(inputs, start=1):
                term = term * self.weights[e] * Polynomial.of(f"x{t}") ** e
            total = total + term * ways
        return total * self.halves[l]

    def expect(self, tuples: Iterable[tuple[int, ...]], powers: Sequence[int], m: int) -> Polynomial:
        """Sum over index tuples of E prod_s phi(z_{i_s})^{2 powers_s}."""
        neuron = {l: self.neuron(l, m) for l in range(sum(powers) + 1)}
        patterns: Counter[tuple[int, ...]] = Counter()
        for indices in tuples:
            load: Counter[int] = Counter()
            for index, power in zip(indices, powers, strict=True):
                load[index] += power
            patterns[tuple(sorted(load.values()))] += 1
        total = Polynomial({})
        for pattern, count in patterns.items():
            term = Polynomial.of(count)
            for l in pattern:
                term = term * neuron[l]
            total = total + term
        return total


def length_power(model: LayerModel, k: int, m: int, n: int) -> Polynomial:
    """E M_j^k with M_j = (1/n) sum phi(z_i)^2."""
    tuples = product(range(n), repeat=k)
    return model.expect(tuples, [1] * k, m) * Fraction(1, n**k)


def augmented(model: LayerModel, parts: Sequence[int], m: int, n: int) -> Polynomial:
    """E of n^{-k} times the sum over distinct indices of prod phi(z_{i_s})^{2 parts_s}."""
    tuples = permutations(range(n), len(parts))
    return model.expect(tuples, parts, m) * Fraction(1, n ** sum(parts))


def augmented_of_input(parts: Sequence[int], m: int) -> Polynomial:
    """m^{-k} times the sum over distinct t of prod x_{t_s}^{parts_s}: the input's own moments."""
    total = Polynomial({})
    for indices in permutations(range(1, m + 1), len(parts)):
        term = Polynomial.of(1)
        for t, power in zip(indices, parts, strict=True):
            term = term * Polynomial.of(f"x{t}") ** power
        total = total + term
    return total * Fraction(1, m ** sum(parts))


def _compositions(total: int, slots: int) -> Iterator[tuple[int, ...]]:
    if slots == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, slots - 1):
            yield (first, *rest)
