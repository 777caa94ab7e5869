"""Settle a statement: refuted by a witness, proved for the whole family, or neither.

Order: a quick sweep of corners, for what is false is mostly false there; then the prover; then the
rest of the corners and what Hypothesis draws. Not finding a witness proves nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from proofs_check import oracle
from proofs_check.family import parse_family
from proofs_check.hunt import Hunt
from proofs_check.language.evaluate import MomentSource, Outcome, OutOfTimeError, evaluate
from proofs_check.language.meaning import check_meaning
from proofs_check.language.orders import order_of
from proofs_check.language.parse import parse
from proofs_check.language.tree import Statement
from proofs_check.proving import checked_proof
from proofs_check.routes import counted, pinpointed, second_route
from proofs_check.settlement import Counterexample, Settlement
from proofs_check.stand_in import stand_in_network
from proofs_check.verdict import Verdict
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.spec import Network

__all__ = ["check", "settle"]

_MAX_SECONDS = 86_400
_QUICK_CORNERS, _QUICK_SECONDS = 1_600, 1.0
_CORNERS = 3_000
_SECONDS_TO_CONFIRM = 2.0
_WIDEST_ENUMERATED = 4
_ROUTES = {
    "PowerSumMoments": "power sums",
    "BlockClosedFormMoments": "closed forms",
    "BlockOracleMoments": "enumeration",
    "OracleMoments": "enumeration",
    "BlockBoundMoments": "bounds",
}


def settle(
    text: str,
    where: str = "",
    *,
    seconds: float = 20.0,
    examples: int = 300,
    corners: int = _CORNERS,
    watch: Callable[[], None] | None = None,
) -> Settlement:
    """What is known of a statement about every member of a family.

    `where` sets the family (see `parse_family`); `seconds` bound the whole, a last evaluation aside;
    `examples` and `corners` bound the search; `watch` is called again and again and may raise.
    Raises `SpecError` for a statement or family that cannot be read or means nothing.

    >>> found = settle("E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)", "weights=rademacher")
    >>> str(found.verdict), found.witness.network.widths, found.witness.sides
    ('refuted', (1, 1), (2, 6))
    """
    if not (math.isfinite(seconds) and 0 < seconds <= _MAX_SECONDS):
        raise SpecError(f"the time limit is a number of seconds, more than 0 and at most {_MAX_SECONDS:,}")
    start = time.perf_counter()
    statement, family = parse(text), parse_family(where)
    check_meaning(statement, family)
    hunt = Hunt(statement, family, start + seconds, watch)
    quick = min(corners, _QUICK_CORNERS)
    found, proof = hunt.corners(quick, _QUICK_SECONDS), None
    if found is None:
        left = start + seconds - time.perf_counter()
        proof = checked_proof(statement, family, left) if left > 0 else None
    if found is None and proof is None:
        found = hunt.examples(examples) or hunt.corners(corners - quick, seconds)
    witness = None if found is None else _counterexample(statement, hunt, found)
    return Settlement(
        verdict=_verdict(witness, proof is not None, hunt),
        statement=text,
        where=where,
        witness=witness,
        cases=hunt.cases,
        undecided=hunt.undecided,
        skipped=hunt.skipped,
        proof=proof,
        tightest=None if witness or proof is not None else hunt.tightest,
        out_of_time=hunt.out_of_time,
        seconds=time.perf_counter() - start,
    )


# At the front door `settle` is for claims of the ledger; there this one is called `check`.
check = settle


def _verdict(witness: Counterexample | None, proved: bool, hunt: Hunt) -> Verdict:
    if proved:
        return Verdict.PROVED
    if witness is not None:
        return Verdict.REFUTED if witness.is_confirmed else Verdict.INCONCLUSIVE
    if hunt.undecided or hunt.out_of_time or not hunt.cases:
        return Verdict.INCONCLUSIVE
    return Verdict.SUPPORTED


def _counterexample(statement: Statement, hunt: Hunt, found: Network) -> Counterexample:
    """The witness, made small, with both sides; replayed by further routes where they exist."""
    network = hunt.shrunk(found)
    sides = evaluate(statement, network, pinpointed(network)).sides
    replays = _replays(statement, network)
    return Counterexample(
        network,
        sides,
        statement.relations,
        confirmed_by=tuple(name for name, outcome in replays.items() if outcome.holds is False),
        contradicted_by=tuple(name for name, outcome in replays.items() if outcome.holds),
    )


def _replays(statement: Statement, network: Network) -> dict[str, Outcome]:
    """The outcome by each further route that serves this network and statement."""
    found: dict[str, Outcome] = {}
    first, second = pinpointed(network), second_route(network)
    routes: list[tuple[Network, MomentSource]] = [] if type(second) is type(first) else [(network, second)]
    if isinstance(network, FullyConnected) and max(network.widths) <= _WIDEST_ENUMERATED:
        try:
            finite = stand_in_network(network, order_of(statement))
            routes.append((finite, counted(finite)))
        except SpecError:
            pass
    for member, source in routes:
        try:
            until = time.perf_counter() + _SECONDS_TO_CONFIRM
            outcome = evaluate(statement, member, source, deadline=until)
        except (SpecError, OutOfTimeError, oracle.OracleLimitError):
            continue
        found[_ROUTES[type(source).__name__]] = outcome
    return found
