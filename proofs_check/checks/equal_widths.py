"""Which hidden widths of given total are best? All compositions of small totals (THEORY.md 10.9).

equal_widths            normal E M_d^2 and sum 1/n_j are least exactly for the most equal widths
equal_widths_variance   E EmpVar is not: (6, 14) beats (10, 10)
equal_widths_any_law    nor is E M_d^2 for sign weights: (3, 7) beats (5, 5)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flint import fmpq

from proofs_check.checks.paired import paired
from proofs_check.claim import Claim
from proofs_check.language.evaluate import MomentSource
from proofs_check.moment_sources import ClosedFormMoments, OracleMoments, PowerSumMoments, RecursionMoments
from proofs_check.verdict import Evidence
from theory.network import FullyConnected
from theory.reals import Number
from theory.values import as_value

__all__ = ["equal_widths", "equal_widths_any_law", "equal_widths_variance"]

_Widths = tuple[int, ...]
_Figure = Callable[[_Widths], Number]
_Source = Callable[[FullyConnected], MomentSource]
_SHAPES = tuple((total, depth) for depth in (2, 3, 4) for total in range(depth, 13))


def equal_widths(claim: Claim) -> list[Evidence]:
    """Exhaustive search, by recursion and by the closed form; uniform weights are noticed to differ."""
    evidence = []
    for kind, source in (("recursion", RecursionMoments), ("closed form", ClosedFormMoments)):
        holds = all(_equal_are_best(_second_moment("normal", source), *shape) for shape in _SHAPES)
        noticed = not _equal_are_best(_second_moment("rademacher", RecursionMoments), 10, 2)
        detail = f"normal E M_d^2, all compositions of {len(_SHAPES)} totals: the most equal alone are best"
        evidence += paired(kind, holds, detail, noticed, "sign weights in place of normal ones")
    sums = all(_equal_are_best(_reciprocals, *shape) for shape in _SHAPES)
    differs = not _equal_are_best(lambda widths: -_reciprocals(widths), 10, 2)
    detail = f"sum 1/n_j, all compositions of {len(_SHAPES)} totals"
    return [*evidence, *paired("search", sums, detail, differs, "the largest sum in place of the least")]


def equal_widths_variance(claim: Claim) -> list[Evidence]:
    """Two layers, total 20: E EmpVar is smaller for (6, 14); counted for total 6, (2, 4)."""
    by_recursion = _variance(RecursionMoments)
    witness = _witness("E EmpVar", by_recursion, (10, 10), (6, 14))
    noticed = _equal_are_best(_second_moment("normal", RecursionMoments), 20, 2)
    agree = all(by_recursion(w) == _variance(PowerSumMoments)(w) for w in ((10, 10), (6, 14)))
    counted = _variance(OracleMoments, "finite:-1:1/6,0:2/3,1:1/6")
    agree = agree and counted((3, 3)) == by_recursion((3, 3)) and counted((2, 4)) == by_recursion((2, 4))
    smaller = counted((2, 4)) < counted((3, 3))
    detail = f"power sums confirm; counting: {counted((2, 4))} for (2, 4) below {counted((3, 3))} for (3, 3)"
    return [
        *paired("witness", *witness[:2], noticed, "E M_d^2 in place of E EmpVar: equal is best", witness[2]),
        *paired("replay", agree and smaller, detail, noticed, "E M_d^2 in place of E EmpVar"),
    ]


def equal_widths_any_law(claim: Claim) -> list[Evidence]:
    """Sign weights, one input, two layers, total 10: E M_2^2 is smaller for (3, 7)."""
    by_recursion = _second_moment("rademacher", RecursionMoments)
    witness = _witness("E M_2^2", by_recursion, (5, 5), (3, 7))
    noticed = _equal_are_best(_second_moment("normal", RecursionMoments), 10, 2)
    pairs = [(_second_moment("rademacher", s)(w), by_recursion(w)) for s in _OTHERS for w in ((5, 5), (3, 7))]
    agree = all(other == value for other, value in pairs)
    planted = "normal weights in place of signs: equal is best"
    return [
        *paired("witness", *witness[:2], noticed, planted, witness[2]),
        *paired("replay", agree, "power sums and counting give the same two numbers", noticed, planted),
    ]


_OTHERS: tuple[_Source, ...] = (PowerSumMoments, OracleMoments)


def _witness(
    name: str, figure: _Figure, equal: _Widths, other: _Widths
) -> tuple[bool, str, dict[str, object]]:
    at_equal, at_other = figure(equal), figure(other)
    figures: dict[str, object] = {
        "witness": {"hidden_widths": [list(equal), list(other)]},
        "sides": [as_value(at_equal).to_dict(), as_value(at_other).to_dict()],
    }
    detail = f"{name}: {at_equal} at {equal}, {at_other} at {other}"
    return bool(at_other < at_equal), detail, figures


def _second_moment(law: str, source: _Source) -> _Figure:
    def figure(widths: _Widths) -> Number:
        moments = source(FullyConnected((1, *widths), weights=law))
        return moments.expectation(((f"M[{len(widths)}]", 2),))

    return figure


def _variance(source: _Source, law: str = "normal") -> _Figure:
    def figure(widths: _Widths) -> Number:
        moments = source(FullyConnected((1, *widths), weights=law))
        return moments.expectation((("EmpVar", 1),))

    return figure


def _reciprocals(widths: _Widths) -> Number:
    return sum((fmpq(1, n) for n in widths), fmpq(0))


def _equal_are_best(figure: _Figure, total: int, depth: int) -> bool:
    """Whether the minimisers are exactly the widths that differ by at most one."""
    values = {widths: figure(widths) for widths in _compositions(total, depth)}
    least = min(values.values())
    return all((value == least) == (max(w) - min(w) <= 1) for w, value in values.items())


def _compositions(total: int, parts: int) -> Iterator[_Widths]:
    if parts == 1:
        yield (total,)
        return
    for first in range(1, total - parts + 2):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)
