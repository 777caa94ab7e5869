"""Where the expectations of a statement come from: routes that share no formula.

RecursionMoments   the semiring recursion and the affine means of `theory`
PowerSumMoments    cumulants and power sums; joint moments by conditioning step by step
ClosedFormMoments  chi-square factors, normal weights only
OracleMoments      exhaustive enumeration of finite laws (any joint moment)
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from operator import itemgetter

from flint import fmpq

from proofs_check import oracle
from proofs_check.language.errors import StatementError
from proofs_check.language.random_polynomial import Monomial
from theory import gaussian, power_sums
from theory.empirical_variance import expected_empirical_variance
from theory.network import FullyConnected
from theory.readings import exact
from theory.reals import Number
from theory.spec import Network

__all__ = [
    "ClosedFormMoments",
    "OracleMoments",
    "PathMoments",
    "PowerSumMoments",
    "RecursionMoments",
    "StepMoments",
    "lengths_in",
]

_LENGTH = re.compile(r"M\[(\d+)\]")


class StepMoments(ABC):
    """Shared by the routes that know E M_j^k step by step, where E[M_j | the past] is affine in M_{j-1}."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._rows: list[list[Number]] = []

    @abstractmethod
    def _compute(self, order: int) -> list[list[Number]]:
        """E M_j^k for j = 0..d, k = 1..order."""

    @abstractmethod
    def _affine_steps(self) -> list[tuple[Number, Number]]:
        """(alpha, beta) with E[M_j | the past] = alpha M_{j-1} + beta, j = 1..d."""

    def moment(self, j: int, k: int) -> Number:
        """E M_j^k."""
        if not self._rows or len(self._rows[0]) < k:
            self._rows = self._compute(max(k, 2) if self._network.has_finite_moments(2) else k)
        return self._rows[j][k - 1]

    def expectation(self, monomial: Monomial) -> Number:
        """E of a monomial: one M_j to any power, M_i M_j, or EmpVar."""
        if monomial == (("EmpVar", 1),):
            return self.empirical_variance()
        powers = dict(lengths_in(monomial))
        if len(powers) == 1:
            ((j, k),) = powers.items()
            return self.moment(j, k)
        if len(powers) == 2 and set(powers.values()) == {1}:
            return self.product(*sorted(powers))
        raise StatementError("expectations of M[i]**a*M[j]**b are available for a = b = 1 or i = j")

    def product(self, i: int, j: int) -> Number:
        """E M_i M_j for i < j."""
        slope: Number = fmpq(1)
        shift: Number = fmpq(0)
        for alpha, beta in self._affine_steps()[i:j]:
            slope, shift = slope * alpha, shift * alpha + beta
        return self.moment(i, 2) * slope + self.moment(i, 1) * shift

    def empirical_variance(self) -> Number:
        """E EmpVar by its definition, all pairs of layers."""
        d = self._network.depth
        squares = sum((self.moment(j, 2) for j in range(1, d + 1)), fmpq(0))
        pairs = [self.product(i, j) for i in range(1, d + 1) for j in range(i + 1, d + 1)]
        return squares / d - (squares + 2 * sum(pairs, fmpq(0))) / d**2


class _LayerMoments(StepMoments):
    """Of fully connected networks."""

    def __init__(self, network: FullyConnected) -> None:
        super().__init__(network)
        self.network = network

    def _affine_steps(self) -> list[tuple[Number, Number]]:
        return [(layer.mean_factor, layer.mean_shift) for layer in self.network.layers]


class RecursionMoments(_LayerMoments):
    """The first route."""

    def _compute(self, order: int) -> list[list[Number]]:
        return exact.length_moments(self.network, order)

    def empirical_variance(self) -> Number:
        """E EmpVar by the backward pass that `predict` uses."""
        d = self.network.depth
        means = [self.moment(j, 1) for j in range(1, d + 1)]
        seconds = [self.moment(j, 2) for j in range(1, d + 1)]
        return expected_empirical_variance(self.network, means, seconds)


class PowerSumMoments(_LayerMoments):
    """The second route."""

    def _compute(self, order: int) -> list[list[Number]]:
        exact.check_order(self.network, order)
        start = self.network.input_power_sum(1) / self.network.widths[0]
        rows: list[list[Number]] = [[start**k for k in range(1, order + 1)]]
        rows.extend(list(row) for row in power_sums.length_moments(self.network, order))
        return rows


class ClosedFormMoments(_LayerMoments):
    """The third route, normal weights only."""

    def _compute(self, order: int) -> list[list[Number]]:
        if not gaussian.applies_to(self.network):
            raise StatementError("closed forms need normal weights and biases")
        start = self.network.input_power_sum(1) / self.network.widths[0]
        rows: list[list[Number]] = [[start**k for k in range(1, order + 1)]]
        rows.extend(list(row) for row in gaussian.length_moments(self.network, order))
        return rows


class PathMoments(ABC):
    """Any joint moment, from the joint law of the lengths."""

    @abstractmethod
    def _path_law(self) -> dict[tuple[fmpq, ...], fmpq]:
        """{(M_0, ..., M_d): probability}."""

    @cached_property
    def _paths(self) -> dict[tuple[fmpq, ...], fmpq]:
        return self._path_law()

    def expectation(self, monomial: Monomial) -> Number:
        """E of any monomial, as a sum over all paths."""
        total = fmpq(0)
        factors = [(_on_path(name), power) for name, power in monomial]
        for path, probability in self._paths.items():
            term = probability
            for value, power in factors:
                term *= value(path) ** power
            total += term
        return total


class OracleMoments(PathMoments):
    """Exhaustive enumeration of a finite weight law."""

    def __init__(self, network: FullyConnected, max_states: int = oracle.MAX_STATES) -> None:
        self.network = network
        self.max_states = max_states

    def _path_law(self) -> dict[tuple[fmpq, ...], fmpq]:
        return oracle.path_law(self.network, max_states=self.max_states)


def _on_path(name: str) -> Callable[[tuple[fmpq, ...]], fmpq]:
    """What the name stands for, as a function of (M_0, ..., M_d)."""
    return _spread if name == "EmpVar" else itemgetter(_index(name))


def _spread(path: tuple[fmpq, ...]) -> fmpq:
    lengths, d = path[1:], len(path) - 1
    mean = sum(lengths, fmpq(0)) / d
    return sum((m * m for m in lengths), fmpq(0)) / d - mean**2


def lengths_in(monomial: Monomial) -> list[tuple[int, int]]:
    """(j, k) for each factor M_j^k."""
    if any(name == "EmpVar" for name, _ in monomial):
        raise StatementError("EmpVar may stand in E[...] alone and to the first power")
    return [(_index(name), power) for name, power in monomial]


def _index(name: str) -> int:
    match = _LENGTH.fullmatch(name)
    if match is None:
        raise StatementError(f"{name!r} has no expectation here")
    return int(match[1])
