"""Which routes to expectations a network has, by its kind."""

from __future__ import annotations

from proofs_check.language.errors import StatementError
from proofs_check.language.evaluate import MomentSource
from proofs_check.moment_sources import ClosedFormMoments, OracleMoments, PowerSumMoments, RecursionMoments
from proofs_check.residual_moments import (
    BlockBoundMoments,
    BlockClosedFormMoments,
    BlockOracleMoments,
    BlockRecursionMoments,
    enumerates,
)
from theory import residual_closed_forms
from theory.network import FullyConnected
from theory.readings.residual import moments_close
from theory.residual import Residual
from theory.spec import Network

__all__ = ["closed_form", "counted", "pinpointed", "predicted", "second_route"]

_MAX_STATES = 4_000
_RESIDUAL_STATES, _FEW_STATES = 2_000, 500


def predicted(network: Network) -> MomentSource:
    """What `predict` rests on: the recursion, or bounds where it does not close."""
    if isinstance(network, Residual):
        return BlockRecursionMoments(network) if moments_close(network) else BlockBoundMoments(network)
    return RecursionMoments(_fully_connected(network))


def pinpointed(network: Network) -> MomentSource:
    """`predicted` where that is a number; where it is bounds, counting, or the bounds if nothing counts."""
    if not isinstance(network, Residual) or moments_close(network):
        return predicted(network)
    return counted(network) if enumerates(network, _FEW_STATES) else predicted(network)


def second_route(network: Network) -> MomentSource:
    """A route that shares no formula with `pinpointed`: power sums, closed forms, counting or bounds."""
    if not isinstance(network, Residual):
        return PowerSumMoments(_fully_connected(network))
    if residual_closed_forms.applies_to(network):
        return BlockClosedFormMoments(network)
    return counted(network) if moments_close(network) else BlockBoundMoments(network)


def closed_form(network: Network) -> MomentSource:
    """Chi-square closed forms, normal weights."""
    if isinstance(network, Residual):
        return BlockClosedFormMoments(network)
    return ClosedFormMoments(_fully_connected(network))


def counted(network: Network) -> MomentSource:
    """Exhaustive enumeration of a finite law, up to a few thousand states."""
    if isinstance(network, Residual):
        return BlockOracleMoments(network, _RESIDUAL_STATES)
    return OracleMoments(_fully_connected(network), _MAX_STATES)


def _fully_connected(network: Network) -> FullyConnected:
    if not isinstance(network, FullyConnected):
        raise StatementError(f"networks of kind {type(network).__name__} have no moments here yet")
    return network
