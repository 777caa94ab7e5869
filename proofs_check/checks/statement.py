"""Evaluate a claim's statement on many networks, by routes that share no formula.

Each check passes when no member tried violates the statement, and notices the mutant statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from flint import fmpq

from proofs_check import oracle
from proofs_check.claim import Claim
from proofs_check.family import Family
from proofs_check.language.evaluate import MomentSource, evaluate
from proofs_check.language.tree import (
    Binary,
    Expectation,
    Expression,
    Indexed,
    Name,
    Number,
    Statement,
    children,
)
from proofs_check.moment_sources import (
    ClosedFormMoments,
    OracleMoments,
    PowerSumMoments,
    RecursionMoments,
)
from proofs_check.search import find_witness
from proofs_check.stand_in import stand_in
from proofs_check.verdict import Evidence, Outcome
from theory.laws import as_law
from theory.network import FullyConnected

__all__ = ["closed_form", "enumerable_members", "enumeration", "order_of", "recursion"]

_Source = Callable[[FullyConnected], MomentSource]
_MAX_STATES = 4_000
_WIDEST_WITH_BIAS = 6
_SMALL = (
    *((1, 1), (1, 2), (2, 1), (2, 2), (5, 1), (6, 2)),
    *((1, 1, 1), (1, 2, 1), (1, 1, 2), (2, 1, 2), (2, 2, 1), (1, 1, 2, 1)),
)
_WIDE = ((1, 300), (1, 24, 1))


def recursion(claim: Claim) -> list[Evidence]:
    """The semiring recursion and the power-sum route both satisfy the statement."""
    return [
        *_sweep(claim, "recursion", RecursionMoments, examples=60),
        *_sweep(claim, "power sums", PowerSumMoments, examples=20),
    ]


def closed_form(claim: Claim) -> list[Evidence]:
    """The chi-square closed forms satisfy the statement (normal weights)."""
    return _sweep(claim, "closed form", ClosedFormMoments, examples=60)


def enumeration(claim: Claim) -> list[Evidence]:
    """Exhaustive enumeration of finite (stand-in) laws satisfies the statement."""
    order = order_of(claim.parsed)
    members = list(enumerable_members(claim.family, order))
    violated, cases = _enumerate(claim.parsed, members)
    passed = violated is None and cases >= 10
    detail = f"holds on {cases} enumerated networks" if violated is None else f"fails: {violated}"
    evidence = [Evidence("enumeration", _outcome(passed), detail, {"cases": cases})]
    caught, _ = _enumerate(claim.parsed_mutant, members)
    outcome = Outcome.ACCEPTED if caught is None else Outcome.REJECTED
    return [*evidence, Evidence("enumeration", outcome, f"{claim.mutant.statement}", {}, is_mutant=True)]


def enumerable_members(family: Family, order: int, *, also_wide: bool = False) -> Iterator[FullyConnected]:
    """Small members with finite laws of the same moments, and biases that enumerate rationally."""
    shapes = (*_SMALL, *_WIDE) if also_wide else _SMALL
    for widths, law in product(shapes, family.representatives()):
        if not family.admits(widths):
            continue
        inputs: list[list[fmpq] | None] = [None]
        if family.any_input and widths[0] == 2:
            inputs.append([fmpq(1, 2), fmpq(-2)])
        for values in inputs:
            finite = stand_in(law, order)
            plain = FullyConnected(
                widths,
                weights=finite,
                variance_gain=family.variance_gain,
                activation=family.activation,
                input=values,
            )
            yield plain
            if family.has_bias and max(widths) <= _WIDEST_WITH_BIAS:
                yield _with_biases(plain, order, family)


def order_of(statement: Statement) -> int:
    """The largest power of a length under an expectation; EmpVar and Var count twice."""
    return max(_order(side) for side in statement.sides)


def _order(node: Expression, inside: bool = False) -> int:
    match node:
        case Binary("**", Indexed("M"), Number(value)) if inside:
            return int(value.p)
        case Name("EmpVar"):
            return 2
        case Indexed("M"):
            return 1
        case Expectation("E", body):
            return _order(body, inside=True)
        case Expectation("Var", body):
            return 2 * _order(body, inside=True)
    return max((_order(child, inside) for child in children(node)), default=1)


def _sweep(claim: Claim, name: str, source: _Source, examples: int) -> list[Evidence]:
    found = find_witness(claim.parsed, claim.family, source=source, examples=examples, corners=60)
    detail = f"holds on {found.cases - found.undecided} networks" if found.witness is None else "fails"
    if found.undecided:
        detail += f", touches equality on {found.undecided} (undecided by enclosures)"
    evidence = Evidence(name, _outcome(found.witness is None), detail, {"cases": found.cases})
    planted = find_witness(claim.parsed_mutant, claim.family, source=source, examples=examples, corners=60)
    outcome = Outcome.ACCEPTED if planted.witness is None else Outcome.REJECTED
    return [evidence, Evidence(name, outcome, f"{claim.mutant.statement}", {}, is_mutant=True)]


def _enumerate(statement: Statement, members: list[FullyConnected]) -> tuple[FullyConnected | None, int]:
    cases = 0
    for network in members:
        try:
            outcome = evaluate(statement, network, OracleMoments(network, _MAX_STATES))
        except oracle.OracleLimitError:
            continue
        cases += 1
        if outcome.holds is False:
            return network, cases
    return None, cases


def _with_biases(network: FullyConnected, order: int, family: Family) -> FullyConnected:
    unscaled = network.replaced(bias_weights=stand_in(family.bias or as_law("rademacher"), order))
    return unscaled.replaced(bias_variance=oracle.rational_bias_variances(unscaled, fmpq(1)))


def _outcome(passed: bool) -> Outcome:
    return Outcome.PASSED if passed else Outcome.FAILED
