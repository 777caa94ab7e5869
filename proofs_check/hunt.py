"""The hunt for a member of the family on which a statement fails, and what it learns on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice, pairwise

from flint import arb, ctx, fmpq

from proofs_check.corners import DEEPEST, corner_rounds
from proofs_check.family import Family, FullyConnectedFamily
from proofs_check.language.errors import CostError, StatementError
from proofs_check.language.evaluate import Outcome, OutOfTimeError, evaluate
from proofs_check.language.tree import Expression, Fold, Statement, children
from proofs_check.routes import pinpointed
from proofs_check.search import describe, search
from proofs_check.settlement import TightestCase
from proofs_check.shrink import shrunk
from theory.network import FullyConnected
from theory.reals import Number
from theory.spec import Network

__all__ = ["Hunt"]

_SECONDS_A_MEMBER = 1.0
# The first member is the smallest: a statement that costs more even there is refused.
_SECONDS_FOR_THE_FIRST = 0.5
_SECONDS_TO_SHRINK = 1.5
_EXAMPLES_A_SECOND = 60
# Nested sums over all layers take d, d^2, d^3 steps.
_DEEPEST = (DEEPEST, DEEPEST, 60, 15)


class Hunt:
    """Members are tried one by one, corners first; a member that is too costly is left out.

    `watch` is called before each member; it may raise to stop the hunt.
    """

    def __init__(
        self, statement: Statement, family: Family, deadline: float, watch: Callable[[], None] | None = None
    ) -> None:
        self.statement, self.family, self.deadline = statement, family, deadline
        self.cases = self.undecided = self.skipped = 0
        self.tightest: TightestCase | None = None
        self.out_of_time = False
        self._watch = watch
        self._corners = self._all_corners()

    def corners(self, most: int, seconds: float) -> Network | None:
        """Try up to so many corners more, those of earlier calls left out."""
        until = min(self.deadline, time.perf_counter() + seconds)
        for network in islice(self._corners, most):
            if self.fails(network):
                return network
            if time.perf_counter() > until:
                break
        return None

    def examples(self, most: int) -> Network | None:
        """Try what Hypothesis draws, as much as the time allows, and shrink what fails."""
        left = self.deadline - time.perf_counter()
        if most <= 0:
            return None
        if left <= 0:
            self.out_of_time = True
            return None
        return search(self.family, self.fails, max(1, min(most, int(left * _EXAMPLES_A_SECOND))))

    def fails(self, network: Network) -> bool:
        """Whether the statement is known to fail on a member; past the deadline nothing is."""
        if self._watch is not None:
            self._watch()
        if time.perf_counter() > self.deadline:
            self.out_of_time = True
            return False
        try:
            outcome = self.outcome(network)
        except (CostError, OutOfTimeError) as error:
            self._skip(network, error)
            return False
        self.cases += 1
        self.undecided += outcome.holds is None
        if outcome.holds:
            self._note(network, outcome)
        return outcome.holds is False

    def outcome(self, network: Network) -> Outcome:
        """Both sides on one member; an error says where it arose."""
        share = _SECONDS_A_MEMBER if self.cases else _SECONDS_FOR_THE_FIRST
        until = min(self.deadline, time.perf_counter() + share)
        try:
            return evaluate(self.statement, network, pinpointed(network), deadline=until)
        except StatementError as error:
            raise type(error)(f"{error} ({describe(network)})", self.statement.text, error.column) from None

    def shrunk(self, network: Network) -> Network:
        """A smaller member that fails too."""
        if not isinstance(network, FullyConnected) or not isinstance(self.family, FullyConnectedFamily):
            return network
        until = time.perf_counter() + _SECONDS_TO_SHRINK

        def fails(smaller: FullyConnected) -> bool:
            if time.perf_counter() > until:
                return False
            try:
                return evaluate(self.statement, smaller, pinpointed(smaller), deadline=until).holds is False
            except (StatementError, OutOfTimeError):
                return False

        return shrunk(network, self.family, fails)

    def _all_corners(self) -> Iterator[Network]:
        if isinstance(self.family, FullyConnectedFamily):
            nesting = max(map(_nesting, self.statement.sides))
            return corner_rounds(self.family, _DEEPEST[min(nesting, len(_DEEPEST) - 1)])
        return self.family.corners()

    def _skip(self, network: Network, error: CostError | OutOfTimeError) -> None:
        """Leave out a member that costs too much; the smallest may not."""
        if time.perf_counter() > self.deadline:
            self.out_of_time = True
            return
        if not self.cases and isinstance(error, CostError):
            raise error
        if not self.cases:
            raise CostError(f"the statement takes too long to evaluate, even on {describe(network)}")
        self.skipped += 1

    def _note(self, network: Network, outcome: Outcome) -> None:
        slack = _relative_slack(outcome.sides, self.statement.relations)
        if slack is not None and (self.tightest is None or slack < self.tightest.relative_slack):
            self.tightest = TightestCase(network, slack)


def _nesting(node: Expression) -> int:
    """How deep sums and products are nested."""
    below = max(map(_nesting, children(node)), default=0)
    return below + isinstance(node, Fold)


def _relative_slack(sides: tuple[Number, ...], relations: tuple[str, ...]) -> float | None:
    """By how little the tightest inequality of a chain holds; None where there is none."""
    found = []
    for (left, right), relation in zip(pairwise(sides), relations, strict=True):
        if relation not in {"==", "!="}:
            found.append(_slack(left, right) if relation in {"<=", "<"} else _slack(right, left))
    return min(found, default=None)


def _slack(small: Number, large: Number) -> float:
    with ctx.workprec(128):
        scale = arb(small).abs_upper().max(arb(large).abs_upper())
        difference = arb(large - small) if isinstance(small, fmpq) else arb(large) - small
        return float((difference / scale).mid()) if scale > 0 else 0.0
