"""Shrink a fully connected witness: a plain input, fewer layers and biases, then narrower layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flint import fmpq

from proofs_check.fully_connected_family import FullyConnectedFamily
from theory.network import FullyConnected

__all__ = ["shrunk"]

_MAX_TRIES = 400


def shrunk(
    network: FullyConnected, family: FullyConnectedFamily, fails: Callable[[FullyConnected], bool]
) -> FullyConnected:
    """A smaller member of the family on which the statement still fails; deterministic.

    >>> from proofs_check.fully_connected_family import fully_connected_family
    >>> wide = FullyConnected([1000] * 31)
    >>> shrunk(wide, fully_connected_family({}), lambda net: max(net.widths) > 7 and net.depth > 1).widths
    (1, 1, 8)
    """
    shrinker = _Shrinker(network, family, fails)
    for step in (shrinker.input, shrinker.layers, shrinker.biases, shrinker.widths, shrinker.widths):
        step()
    return shrinker.network


@dataclass
class _Shrinker:
    network: FullyConnected
    family: FullyConnectedFamily
    fails: Callable[[FullyConnected], bool]
    tries: int = 0

    def layers(self) -> None:
        """Drop runs of layers, long runs first."""
        run = self.network.depth // 2
        while run >= 1:
            start = 1
            while start + run <= self.network.depth + 1:
                if not self._kept_without(start, run):
                    start += run
            run //= 2

    def input(self) -> None:
        """Ones for the input."""
        if self.network.input is not None:
            self._keeps(input=None)

    def biases(self) -> None:
        """No biases where none are needed, else variance 1."""
        for j, variance in enumerate(self.network.bias_variance):
            if variance != 0 and not self._keeps_variance(j, fmpq(0)) and variance != 1:
                self._keeps_variance(j, fmpq(1))

    def widths(self) -> None:
        """Each width as small as bisection makes it, the first layers first."""
        for j in range(len(self.network.widths)):
            low, width = self.family.widths[0], self.network.widths[j]
            if width == low or self._keeps_width(j, low):
                continue
            while low + 1 < self.network.widths[j]:
                middle = (low + self.network.widths[j]) // 2
                if not self._keeps_width(j, middle):
                    low = middle

    def _kept_without(self, start: int, run: int) -> bool:
        """Whether it still fails without layers start, ..., start + run - 1."""
        net = self.network
        if net.depth - run < self.family.depth[0]:
            return False
        fields = {
            name: [*values[: start - 1], *values[start - 1 + run :]]
            for name in ("weights", "variance_gain", "bias_weights", "bias_variance")
            for values in (getattr(net, name),)
        }
        return self._keeps(widths=(*net.widths[:start], *net.widths[start + run :]), **fields)

    def _keeps_width(self, j: int, width: int) -> bool:
        net = self.network
        changes: dict[str, object] = {"widths": (*net.widths[:j], width, *net.widths[j + 1 :])}
        if j == 0 and net.input is not None:
            values = net.input[:width]
            if not any(values):
                return False
            changes["input"] = values
        return self._keeps(**changes)

    def _keeps_variance(self, j: int, variance: fmpq) -> bool:
        variances = self.network.bias_variance
        return self._keeps(bias_variance=[*variances[:j], variance, *variances[j + 1 :]])

    def _keeps(self, **changes: object) -> bool:
        """Whether the changed network fails too, and takes the place of the old one."""
        self.tries += 1
        if self.tries > _MAX_TRIES:
            return False
        smaller = self.network.replaced(**changes)
        if not self.fails(smaller):
            return False
        self.network = smaller
        return True
