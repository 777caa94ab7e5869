"""Combinations of facts by linear programming, with rational weights in the end."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Rational
from itertools import chain
from typing import Any

import numpy as np
from flint import fmpq

from proofs_check.statement_kernel.algebra import NAMES, RING, Poly, compose, degrees_of, ranged, symbol
from proofs_check.statement_kernel.domain import Domain

__all__ = ["feasible_weights", "quotients"]

# Weights are rounded to these denominators; a certificate that needs others is not found.
_LARGEST_DENOMINATOR = 360


def quotients(polynomial: Poly, fact: Poly) -> list[Poly]:
    """Monomials that bring the fact's terms onto the polynomial's."""
    found = {
        tuple(a - b for a, b in zip(one, two, strict=True))
        for one, two in ((p, q) for p in polynomial.to_dict() for q in fact.to_dict())
    }
    return [RING.from_dict({e: fmpq(1)}) for e in sorted(found) if min(e) >= 0]


def feasible_weights(domain: Domain, target: Poly, columns: Sequence[Poly]) -> list[fmpq] | None:
    """Non-negative weights that leave a rest with no negative coefficient in the domain's symbols."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    spread = _spread(domain, [target, *columns])
    rows = {e: i for i, e in enumerate(dict.fromkeys(chain.from_iterable(spread)))}
    goal = np.zeros(len(rows))
    for e, c in spread[0].items():
        goal[rows[e]] = float(c.p) / float(c.q)
    entries = [
        (rows[e], j, float(c.p) / float(c.q))
        for j, column in enumerate(spread[1:])
        for e, c in column.items()
    ]
    i, j, values = zip(*entries, strict=True)
    matrix = csr_array((values, (i, j)), shape=(len(rows), len(columns)))
    found = linprog(np.ones(len(columns)), A_ub=matrix, b_ub=goal + 1e-9, bounds=(0, None), method="highs")  # type: ignore[call-overload]
    if found.status != 0:
        return None
    ratios = [Rational(float(x)).limit_denominator(_LARGEST_DENOMINATOR) for x in found.x]
    return [fmpq(r.numerator, r.denominator) for r in ratios]


def _spread(domain: Domain, polynomials: Sequence[Poly]) -> list[dict[Any, fmpq]]:
    """The coefficients that have to be non-negative, of polynomials of one and the same degree."""
    degrees = [max(degrees_of(p)[i] for p in polynomials) for i in range(len(NAMES))]
    found = []
    for polynomial in polynomials:
        own = degrees_of(polynomial)
        whole = polynomial
        for name, (low, high) in domain.bounded(_all(polynomials)):
            i = NAMES.index(name)
            whole = ranged(whole, name, low, high)
            if low != high:
                whole = whole * (1 + symbol(name)) ** (degrees[i] - own[i])
        found.append(compose(whole, domain.shifts).above.to_dict())
    return found


def _all(polynomials: Sequence[Poly]) -> Poly:
    """A polynomial in which every symbol of these occurs."""
    used = [max(degrees_of(p)[i] for p in polynomials) for i in range(len(NAMES))]
    return sum((symbol(name) for name, e in zip(NAMES, used, strict=True) if e), start=RING.constant(0))
