"""A family of fully connected networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from flint import fmpq
from hypothesis import strategies as st

from proofs_check.family_options import ANY_LAW, depth_range, has_any_input, weight_laws, width_range
from theory.activations import Activation, as_activation
from theory.laws import Law, as_law, independent_law
from theory.network import FullyConnected
from theory.rationals import rational

__all__ = ["OPTIONS", "FullyConnectedFamily", "fully_connected_family"]

OPTIONS = ("weights", "widths", "depth", "bias", "input", "activation", "variance_gain")
_ANY_BIAS = ("rademacher", "normal", "finite:-1:1/8,0:3/4,1:1/8")
_SHAPES = (
    *((1, 1), (1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 2, 2), (3, 1, 2, 1), (1, 2, 3, 4)),
    *((4, 4, 1, 1, 4), (10, 10, 20, 30, 40), (1, *([1] * 12)), (2, *([3] * 20))),
    *((1, 1024, 1), (1024, 1, 1024), (1000, 1000, 1000)),
)


@dataclass(frozen=True)
class FullyConnectedFamily:
    """All networks with these properties; None for weights or bias means any symmetric law."""

    weights: tuple[Law, ...] | None
    has_bias: bool
    bias: Law | None
    widths: tuple[int, int]
    depth: tuple[int, int]
    any_input: bool
    activation: Activation
    variance_gain: fmpq | None

    def lies_within(self, assumed: Mapping[str, str]) -> bool:
        """Whether every member satisfies what a proof assumed ({} assumes something unnamed)."""
        if not {"weights", "bias", "activation"} <= set(assumed) or "network" in assumed:
            return False
        if "widths" in assumed and self.widths != (1, 1):
            return False
        if "depth" in assumed and self.depth[0] < 2:
            return False
        normal = self.weights == (as_law("normal"),)
        return (
            (assumed["weights"] == "any" or normal)
            and (assumed["bias"] == "any" or not self.has_bias)
            and assumed["activation"] == "relu"
            and self.activation == as_activation("relu")
            and self.variance_gain in (None, fmpq(2))
        )

    def representatives(self) -> tuple[Law, ...]:
        """Weight laws to try: those named, or a spread of kurtoses from 1 to 6."""
        return self.weights if self.weights is not None else tuple(map(as_law, ANY_LAW))

    def corners(self) -> Iterator[FullyConnected]:
        """Members at the corners, smallest first: width 1, depth 1, one-hot inputs, very wide."""
        for widths, law, bias in product(_SHAPES, self.representatives(), self._biases()):
            if self.admits(widths):
                for values in self._inputs(widths[0]):
                    yield self._member(widths, law, bias, values)

    def strategy(self, largest_width: int = 8, largest_depth: int = 6) -> st.SearchStrategy[FullyConnected]:
        """Random members, shrinking to small ones."""
        low, high = self.widths
        width = st.integers(low, max(low, min(high, largest_width)))
        shallow, deep = self.depth
        depth = st.integers(shallow, max(shallow, min(deep, largest_depth)))
        widths = depth.flatmap(lambda d: st.lists(width, min_size=d + 1, max_size=d + 1))
        number = st.fractions(-3, 3, max_denominator=4)

        def with_input(widths: list[int]) -> st.SearchStrategy[FullyConnected]:
            n = widths[0]
            ones = st.none()
            some = st.lists(number, min_size=n, max_size=n).filter(any)
            return st.builds(
                self._member,
                st.just(tuple(widths)),
                st.sampled_from(self.representatives()),
                st.sampled_from(self._biases()),
                ones | some if self.any_input else ones,
            )

        return widths.flatmap(with_input)

    def admits(self, widths: tuple[int, ...]) -> bool:
        """Whether widths and depth lie within the family's ranges."""
        (low, high), (shallow, deep) = self.widths, self.depth
        return shallow <= len(widths) - 1 <= deep and all(low <= n <= high for n in widths)

    def _biases(self) -> list[tuple[Law, fmpq]]:
        normal = as_law("normal")
        if not self.has_bias:
            return [(normal, fmpq(0))]
        laws = [self.bias] if self.bias is not None else [as_law(name) for name in _ANY_BIAS]
        return [(laws[0], fmpq(0))] + [(law, v) for law in laws for v in (fmpq(2), fmpq(1, 2))]

    def _inputs(self, n: int) -> Iterator[list[fmpq] | None]:
        yield None
        if self.any_input and 1 < n <= 10:
            yield [fmpq(1)] + [fmpq(0)] * (n - 1)
            yield [fmpq((-1) ** i * (i + 1), 2) for i in range(n)]

    def _member(
        self,
        widths: tuple[int, ...],
        law: Law,
        bias: tuple[Law, fmpq],
        values: list[fmpq] | None,
    ) -> FullyConnected:
        return FullyConnected(
            widths,
            weights=law,
            variance_gain=self.variance_gain,
            bias_weights=bias[0],
            bias_variance=bias[1],
            activation=self.activation,
            input=values,
        )


def fully_connected_family(given: Mapping[str, str]) -> FullyConnectedFamily:
    """The family that these options of --where set.

    >>> fully_connected_family({"depth": "2..30"}).depth
    (2, 30)
    """
    bias, gain = given.get("bias", "none"), given.get("variance_gain")
    return FullyConnectedFamily(
        weights=weight_laws(given.get("weights", "normal")),
        has_bias=bias != "none",
        bias=None if bias in {"none", "any"} else independent_law(bias, "a bias"),
        widths=width_range(given.get("widths")),
        depth=depth_range(given.get("depth")),
        any_input=has_any_input(given.get("input")),
        activation=as_activation(given.get("activation", "relu")),
        variance_gain=None if gain is None else rational(gain, "the variance gain"),
    )
