"""Corollary 2's printed integral: its closed form against rigorous quadrature, and its sign."""

from __future__ import annotations

from typing import Any

from flint import acb, arb, ctx, fmpq

from proofs_check.claim import Claim
from proofs_check.verdict import Evidence, Outcome

__all__ = ["integral"]

_BETAS = (fmpq(1, 10), fmpq(1), fmpq(5), fmpq(10), fmpq(50))


def integral(claim: Claim) -> list[Evidence]:
    """int_0^1 e^{beta x} (1 - 2x) dx = (e^beta (2 - beta) - beta - 2)/beta^2 < 0, by quadrature."""
    with ctx.workprec(128):
        agree = all(_agrees(beta, sign=1) for beta in _BETAS)
        planted = all(_agrees(beta, sign=-1) for beta in _BETAS)
    detail = f"quadrature encloses the closed form, negative, at beta = {', '.join(map(str, _BETAS))}"
    return [
        Evidence("integral", Outcome.PASSED if agree else Outcome.FAILED, detail),
        Evidence(
            "integral",
            Outcome.ACCEPTED if planted else Outcome.REJECTED,
            "the integrand's sign flipped",
            {},
            is_mutant=True,
        ),
    ]


def _agrees(beta: fmpq, sign: int) -> bool:
    def integrand(x: acb, _: Any) -> acb:
        return (x * beta).exp() * (1 - 2 * x) * sign

    enclosed = acb.integral(integrand, acb(0), acb(1)).real
    closed = (arb(beta).exp() * (2 - beta) - beta - 2) / beta**2
    return bool(enclosed.overlaps(closed)) and bool(enclosed < 0)
