"""The data that a statement may name, per kind of network.

fully connected   d, kappa, g; n[j], nu2[j], nu4[j]
residual          d = L, kappa, g; n[j] (the trunk), eta[l], depth[l] (hidden layers of block l), m[l,i]
                  (width of its hidden layer i; m[l] that of the last) and c[l] = E N_l(x)_1 / sqrt(M(x)),
                  which is a number for normal weights and for a trunk of one neuron
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TypeVar

from flint import fmpq

from proofs_check import residual_oracle
from proofs_check.language.errors import StatementError
from proofs_check.oracle import OracleLimitError
from theory.laws import Normal
from theory.network import FullyConnected
from theory.reals import Number, number
from theory.residual import Residual
from theory.residual_branch import branch_numbers
from theory.spec import Network

__all__ = ["NetworkData", "data_of"]

T = TypeVar("T")


class NetworkData(ABC):
    """What all kinds share, and which names belong to this one."""

    plain: tuple[str, ...]
    from_one: frozenset[str]

    def named(self, name: str) -> Number | None:
        """The value of a plain name, or None where there is no such name."""
        return self._named(name) if name in self.plain else None

    @abstractmethod
    def _named(self, name: str) -> Number: ...

    @abstractmethod
    def at(self, name: str, j: int, i: int | None) -> Number:
        """The value of name[j] or name[j,i]; StatementError where it does not exist."""

    def checked(self, name: str, j: int, depth: int) -> None:
        """Refuse an index out of range."""
        first = 1 if name in self.from_one else 0
        if not first <= j <= depth:
            raise StatementError(f"{name}[{j}] does not exist: indices run from {first} to d = {depth}")


def data_of(network: Network) -> NetworkData:
    """The data of a network.

    >>> data_of(Residual(4, ["1/2"], [6, 7])).at("m", 1, 2)
    7
    """
    if isinstance(network, Residual):
        return _ResidualData(network)
    if isinstance(network, FullyConnected):
        return _FullyConnectedData(network)
    raise StatementError(f"statements about networks of kind {type(network).__name__} are not covered yet")


class _FullyConnectedData(NetworkData):
    plain = ("d", "kappa", "g")
    from_one = frozenset({"nu2", "nu4", "eta", "depth", "m", "c"})

    def __init__(self, network: FullyConnected) -> None:
        self.network = network

    def _named(self, name: str) -> Number:
        net = self.network
        if name == "d":
            return fmpq(net.depth)
        if name == "kappa":
            return _common(list(net.weights), "kappa").kurtosis
        return number(_common(list(net.variance_gain), "g"))

    def at(self, name: str, j: int, i: int | None) -> Number:
        self.checked(name, j, self.network.depth)
        if name == "n" and i is None:
            return fmpq(self.network.widths[j])
        if name not in {"nu2", "nu4"}:
            raise StatementError(f"{name}[j] belongs to residual nets; this family is fully connected")
        _single(name, i)
        layer = self.network.layers[j - 1]
        if layer.bias_variance == 0:
            return fmpq(0)
        half_order = {"nu2": 1, "nu4": 2}[name]
        return layer.bias.even_moment(half_order) * layer.bias_variance**half_order


class _ResidualData(NetworkData):
    plain = ("d", "L", "kappa", "g")
    from_one = frozenset({"nu2", "nu4", "eta", "depth", "m", "c"})

    def __init__(self, network: Residual) -> None:
        self.network = network

    def _named(self, name: str) -> Number:
        net = self.network
        if name in {"d", "L"}:
            return fmpq(net.depth)
        if name == "kappa":
            return _common(list(net.weights), "kappa").kurtosis
        return number(net.variance_gain)

    def at(self, name: str, j: int, i: int | None) -> Number:
        net = self.network
        self.checked(name, j, net.depth)
        if name == "m":
            return fmpq(self._hidden_width(j, i))
        _single(name, i)
        if name == "n":
            return fmpq(net.width)
        if name == "eta":
            return number(net.scales[j - 1])
        if name == "depth":
            return fmpq(len(net.branch_widths[j - 1]))
        if name == "c":
            return self._mean_of_output(j)
        raise StatementError(f"{name}[j] belongs to fully connected nets; residual nets have no biases")

    @cached_property
    def _normal_constants(self) -> list[Number]:
        """The c_l for normal weights, at the current precision."""
        return [branch.cross[0] for branch in branch_numbers(self.network)]

    def _hidden_width(self, l: int, i: int | None) -> int:
        hidden = self.network.branch_widths[l - 1]
        if i is not None and not 1 <= i <= len(hidden):
            raise StatementError(f"m[{l},{i}] does not exist: block {l} has {len(hidden)} hidden layers")
        return hidden[-1] if i is None else hidden[i - 1]

    def _mean_of_output(self, l: int) -> Number:
        net = self.network
        if net.branch_output == "linear":
            return fmpq(0)
        if isinstance(net.weights[l - 1], Normal):
            return self._normal_constants[l - 1]
        if net.width > 1:
            raise StatementError("c[l] depends on x unless weights are normal or the trunk has width 1")
        try:
            return residual_oracle.branch_mean(net.blocks[l - 1])
        except OracleLimitError as error:
            raise StatementError(f"c[l] is not known here: {error}") from None


def _single(name: str, i: int | None) -> None:
    if i is not None:
        raise StatementError(f"{name} takes one index; m[l,i] takes two")


def _common(values: list[T], name: str) -> T:
    if any(value != values[0] for value in values):
        raise StatementError(f"{name} differs between the layers of this network")
    return values[0]
