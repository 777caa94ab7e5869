"""The continuum limit against exact numbers, over widths and depths."""

from __future__ import annotations

from itertools import product

from flint import ctx

from proofs_check.claim import Claim
from proofs_check.verdict import Evidence, Outcome
from theory.continuum import constant_width_variance, continuum_limit
from theory.network import FullyConnected
from theory.prediction import predict
from theory.values import Exact

__all__ = ["continuum"]

_WIDTHS = (1, 2, 5, 20, 100, 1000)
_DEPTHS = (2, 3, 10, 50, 200)
_PRECISION = 400


def continuum(claim: Claim) -> list[Evidence]:
    """|E EmpVar - I(beta)| is within the stated error, and the closed form is what `predict` prints."""
    cases = list(product(_WIDTHS, _DEPTHS))
    with ctx.workprec(_PRECISION):
        within = all(_within(n, d, 1) for n, d in cases)
        planted = all(_within(n, d, -1) for n, d in cases)
    printed = all(_printed(n, d) for n, d in cases if d <= 50)
    passed = Outcome.PASSED if within and printed else Outcome.FAILED
    caught = Outcome.ACCEPTED if planted else Outcome.REJECTED
    detail = f"error respected at {len(cases)} widths and depths; closed form equals predict"
    return [
        Evidence("continuum", passed, detail, {"cases": len(cases)}),
        Evidence("continuum", caught, "the limit as printed, with 1 - 2x for 2x - 1", {}, is_mutant=True),
    ]


def _within(width: int, depth: int, sign: int) -> bool:
    found = continuum_limit(width, depth)
    return bool(abs(constant_width_variance(width, depth) - sign * found.limit) <= found.error)


def _printed(width: int, depth: int) -> bool:
    network = FullyConnected([width] * (depth + 1))
    return predict(network, exact=True).empirical_variance == Exact(constant_width_variance(width, depth))
