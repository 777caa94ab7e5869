"""Where the expectations of statements about residual nets come from.

BlockRecursionMoments   the semiring recursion of `theory`, linear branch output
BlockClosedFormMoments  non-central chi-squares, linear branch output and normal weights
BlockBoundMoments       ReLU branch output: the ball between the proved bounds of `theory`, which is tight for
                        one neuron and a positive input, and for the first block
BlockOracleMoments      exhaustive enumeration of finite laws (any joint moment, either output)
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from flint import arb, ctx, fmpq

from proofs_check import residual_oracle
from proofs_check.language.errors import StatementError
from proofs_check.language.random_polynomial import Monomial
from proofs_check.moment_sources import PathMoments, StepMoments, lengths_in
from proofs_check.oracle import OracleLimitError
from theory import residual_closed_forms
from theory.readings import residual as reading
from theory.reals import Number
from theory.residual import Residual
from theory.residual_bounds import moment_bounds
from theory.values import Bounded

__all__ = [
    "BlockBoundMoments",
    "BlockClosedFormMoments",
    "BlockOracleMoments",
    "BlockRecursionMoments",
    "enumerates",
]


class _BlockMoments(StepMoments):
    """Linear branch output: E[M_l | x_{l-1}] = (1 + alpha eta_l^2) M_{l-1}."""

    def __init__(self, network: Residual) -> None:
        super().__init__(network)
        self.network = network

    def _affine_steps(self) -> list[tuple[Number, Number]]:
        steps: list[tuple[Number, Number]] = []
        for block in self.network.blocks:
            alpha: Number = fmpq(1)
            for layer in block.layers:
                alpha = alpha * layer.mean_factor
            steps.append((1 + alpha * block.scale_squared, fmpq(0)))
        return steps


class BlockRecursionMoments(_BlockMoments):
    """The first route."""

    def _compute(self, order: int) -> list[list[Number]]:
        return reading.length_moments(self.network, order)


class BlockClosedFormMoments(_BlockMoments):
    """The second route, normal weights only."""

    def _compute(self, order: int) -> list[list[Number]]:
        if not residual_closed_forms.applies_to(self.network):
            raise StatementError("closed forms need normal weights and a linear branch output")
        start = self.network.input_power_sum(1) / self.network.width
        rows: list[list[Number]] = [[start**k for k in range(1, order + 1)]]
        rows.extend(residual_closed_forms.length_moments(self.network, order))
        return rows


class BlockBoundMoments:
    """ReLU branch output: all that is known of E M_l^k is what lies between two bounds."""

    # More precision does not narrow what lies between bounds.
    last_precision: ClassVar[int] = 256

    def __init__(self, network: Residual) -> None:
        self.network = network

    def expectation(self, monomial: Monomial) -> Number:
        """A ball that contains E M_l^k, one length to any power."""
        powers = lengths_in(monomial)
        if len(powers) != 1:
            raise StatementError("with ReLU branch output only E[M[l]**k] is bounded, one l at a time")
        ((l, k),) = powers
        bounds = _bounds(self.network, k, ctx.prec)[l][k - 1]
        return arb(bounds.lower).union(arb(bounds.upper))


class BlockOracleMoments(PathMoments):
    """Exhaustive enumeration."""

    def __init__(self, network: Residual, max_states: int = residual_oracle.MAX_STATES) -> None:
        self.network = network
        self.max_states = max_states

    def _path_law(self) -> dict[tuple[fmpq, ...], fmpq]:
        law = _path_law(self.network, self.max_states)
        if isinstance(law, OracleLimitError):
            raise law
        return law


def enumerates(network: Residual, max_states: int) -> bool:
    """Whether the exact law of its lengths is within reach."""
    return not isinstance(_path_law(network, max_states), OracleLimitError)


@lru_cache(maxsize=256)
def _path_law(network: Residual, max_states: int) -> dict[tuple[fmpq, ...], fmpq] | OracleLimitError:
    """Claims of one family count the same small members, or find the same ones too large."""
    try:
        return residual_oracle.path_law(network, max_states=max_states)
    except OracleLimitError as error:
        return error


@lru_cache(maxsize=256)
def _bounds(network: Residual, order: int, precision: int) -> list[list[Bounded]]:
    """At the current precision, which is part of the key."""
    return moment_bounds(network, order)
