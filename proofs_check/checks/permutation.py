"""Does E M_d^2 depend on the order of the hidden widths? By recursion and by enumeration."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from flint import fmpq

from proofs_check import oracle
from proofs_check.checks.witness import pinned
from proofs_check.claim import Claim
from proofs_check.stand_in import stand_in
from proofs_check.verdict import Evidence, Outcome
from theory.laws import Law, as_law
from theory.network import FullyConnected
from theory.readings.exact import length_moments
from theory.reals import Number
from theory.values import as_value

__all__ = ["permuted_widths", "permuted_widths_witness"]

_HIDDEN = ((1, 2), (1, 3), (1, 1, 2), (10, 20, 30, 40))
_SMALL = 3


def permuted_widths(claim: Claim) -> list[Evidence]:
    """E M_d^2 is the same for all orders; for uniform weights the same test finds a difference."""
    (law,) = claim.family.representatives()
    differing = next(_differences(law), None)
    planted = next(_differences(as_law("uniform")), None)
    outcome = Outcome.PASSED if differing is None else Outcome.FAILED
    return [
        Evidence("permuted widths", outcome, f"equal for all orders of {_HIDDEN}"),
        Evidence(
            "permuted widths",
            Outcome.ACCEPTED if planted is None else Outcome.REJECTED,
            "uniform weights in place of normal ones",
            {},
            is_mutant=True,
        ),
    ]


def permuted_widths_witness(claim: Claim) -> list[Evidence]:
    """Two orders of the same widths with different E M_d^2, confirmed by enumeration."""
    (law,) = claim.family.representatives()
    found = list(_differences(law))
    planted = next(_differences(as_law("normal")), None)
    if not found:
        return [Evidence("witness", Outcome.FAILED, "no two orders differ")]
    (first, left), (second, right) = found[0]
    counted = _enumerated(law, first) != _enumerated(law, second) and (left, right) == (
        _enumerated(law, first),
        _enumerated(law, second),
    )
    (wide, wide_left), (other, wide_right) = found[-1]
    figures = {
        "witness": {"widths": [list(first), list(second)], "weights": law.name},
        "sides": [as_value(left).to_dict(), as_value(right).to_dict()],
        "larger": {
            "widths": [list(wide), list(other)],
            "sides": [as_value(wide_left).to_dict(), as_value(wide_right).to_dict()],
        },
    }
    detail = f"widths {_shown(first)}: {left}; {_shown(second)}: {right}"
    return [
        Evidence("witness", pinned(claim, detail), detail, figures),
        Evidence(
            "replay",
            Outcome.PASSED if counted else Outcome.FAILED,
            "enumeration of a three-point law of the same kurtosis gives the same two numbers",
        ),
        Evidence(
            "witness",
            Outcome.REJECTED if planted is None else Outcome.ACCEPTED,
            "normal weights in place of uniform ones: no difference",
            {},
            is_mutant=True,
        ),
    ]


def _differences(
    law: Law,
) -> Iterator[tuple[tuple[tuple[int, ...], Number], tuple[tuple[int, ...], Number]]]:
    """Pairs of orders (with the input width in front) whose E M_d^2 differ, by the recursion."""
    for hidden in _HIDDEN:
        first = (hidden[0], *hidden)
        reference = _second_moment(law, first)
        for order in permutations(hidden):
            other = (hidden[0], *order)
            if _second_moment(law, other) != reference:
                yield (first, reference), (other, _second_moment(law, other))
                if len(hidden) <= _SMALL:
                    break


def _second_moment(law: Law, widths: tuple[int, ...]) -> Number:
    return length_moments(FullyConnected(widths, weights=law), 2)[-1][1]


def _enumerated(law: Law, widths: tuple[int, ...]) -> fmpq:
    network = FullyConnected(widths, weights=stand_in(law, 2))
    return oracle.length_moments(network, 2)[-1][1]


def _shown(widths: tuple[int, ...]) -> str:
    return ",".join(map(str, widths))
