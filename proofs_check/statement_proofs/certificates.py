"""Find certificates: a polynomial as what is known not to be negative, times factors, and a rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np
from flint import fmpq

from proofs_check.statement_kernel.algebra import NAMES, RING, Fraction, Poly, degrees_of, symbol
from proofs_check.statement_kernel.check import Claim, Part
from proofs_check.statement_kernel.domain import Domain, Widths
from proofs_check.statement_kernel.rejection import RejectedProofError
from proofs_check.statement_proofs.linear import feasible_weights, quotients

__all__ = ["Terms", "Workshop"]

Terms = list[dict[str, Any]]
_DEGREES = (1, 3, 5, 9)
_MOST_COLUMNS = 150


@dataclass
class Fact:
    """A polynomial that is known not to be negative, and how a proof object cites it."""

    polynomial: Poly
    cite: Mapping[str, Any]


@dataclass
class Workshop:
    """What a search for certificates works with: a part of a proof and what it has proved so far."""

    part: Part
    floors: dict[str, int] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    effort: int = 0
    end: float = inf

    def cases(
        self, target: Fraction, claim: Claim, factors: Sequence[Fraction], *, whole: bool
    ) -> list[dict[str, Any]] | None:
        """Certificates that together cover every width of the next layer, of as few cases as possible."""
        for split in _splits(*self.part.model.widths, whole=whole):
            if (len(split) > 1 and self.effort < 2) or time.monotonic() > self.end:
                return None
            found: list[dict[str, Any]] = []
            for widths in split:
                if (case := self._case(target, claim, factors, widths)) is None:
                    break
                found.append(case)
            else:
                return found
        return None

    def _case(
        self, target: Fraction, claim: Claim, factors: Sequence[Fraction], widths: Widths
    ) -> dict[str, Any] | None:
        """A certificate without the hypothesis, or with it times one of the factors."""
        case: dict[str, Any] = {"widths": list(widths)} | (
            {"floors": dict(self.floors)} if self.floors else {}
        )
        domain = self.part.domain_of(case)
        for times in (*_times(factors, target.below), None):
            rest, terms, surely = target.above, [], not claim.strict
            if times is not None:
                if not (claim.equal or domain.nonnegative(times)):
                    continue
                rest, terms = rest - times * claim.polynomial, [{"fact": "hypothesis", "times": str(times)}]
                surely = surely or domain.positive(times)
            if claim.equal:
                more: Terms | None = [] if rest.is_zero() else None
            else:
                more = next(self._terms(rest, domain, surely=surely), None)
            if more is not None:
                return case | {"terms": terms + more}
        return None

    def _terms(self, rest: Poly, domain: Domain, *, surely: bool) -> Iterator[Terms]:
        """Ways to write the rest, exponentials first replaced by their bounds."""
        for degree in _DEGREES:
            replaced = self._without_exponentials(rest, domain, degree)
            if replaced is None:
                return
            polynomial, terms = replaced

            def good(p: Poly) -> bool:
                return bool(domain.nonnegative(p) if surely else domain.positive(p))

            if good(polynomial):
                yield terms
            elif self.effort and (more := self._combined(polynomial, domain, good)) is not None:
                yield terms + more
            if not terms:
                return

    def _without_exponentials(self, rest: Poly, domain: Domain, degree: int) -> tuple[Poly, Terms] | None:
        terms: Terms = []
        for name in self.part.model.exponents:
            place = NAMES.index(name)
            while (power := degrees_of(rest)[place]) > 0:
                above, below = RING.constant(0), RING.constant(0)
                for exponents, c in rest.to_dict().items():
                    if exponents[place] == power:
                        lowered = tuple(e - (i == place) for i, e in enumerate(exponents))
                        term = RING.from_dict({lowered: c})
                        above, below = (above + term, below) if c > 0 else (above, below - term)
                for times, cites in (
                    (above, self._lower(name, degree)),
                    (below, self._upper(name, domain.widths)),
                ):
                    if times.is_zero():
                        continue
                    fact = next(filter(None, (self._bound(cite, domain) for cite in cites)), None)
                    if fact is None:
                        return None
                    lead = Fraction.of(fact.polynomial.derivative(place)).constant
                    if lead is None:
                        return None
                    amount = times / abs(lead)
                    rest = rest - amount * fact.polynomial
                    terms.append({**fact.cite, "times": str(amount)})
        return rest, terms

    def _lower(self, name: str, degree: int) -> list[dict[str, Any]]:
        a, b, _ = self.part.model.exponents[name]
        if b == 1:
            return [{"bound": name, "rate": str(a), "degree": degree}]
        low = float(a) + float(np.log(float(b.p) / float(b.q)))
        return [{"bound": name, "rate": str(_below(low)), "degree": degree}]

    def _upper(self, name: str, widths: Widths) -> list[dict[str, Any]]:
        a, b, _ = self.part.model.exponents[name]
        rate = float(a) + float(np.log(float(b.p) / float(b.q)))
        ends = dict.fromkeys([f"1/{widths[0]}" if widths[0] > 1 else "1", "1"])
        found = [{"bound": name, "top": str(b), "end": "1"}] if a == 0 else []
        return found + [
            {"bound": name, "top": str(-_below(-float(np.exp(rate * float(Rational(end)))))), "end": end}
            for end in ends
        ]

    def _bound(self, cite: Mapping[str, Any], domain: Domain) -> Fact | None:
        try:
            return Fact(self.part.exponential(cite, domain), cite)
        except RejectedProofError:
            return None

    def _multipliers(self, polynomial: Poly, fact: Fact) -> list[Poly]:
        """Monomials; of a max or min also shares t and 1 - t, since a moment lies between two ratios."""
        if "extreme" not in fact.cite:
            return quotients(polynomial, fact.polynomial)
        monomials = quotients(polynomial, symbol(fact.cite["extreme"]))
        degrees = degrees_of(polynomial)
        shares = [t for t in self.part.model.ranges if t[0] == "t" and degrees[NAMES.index(t)]]
        both = [share for t in shares for share in (symbol(t), 1 - symbol(t))]
        return [*monomials, *(one * share for one in monomials for share in both)]

    def _combined(self, polynomial: Poly, domain: Domain, good: Any) -> Terms | None:
        """Facts times monomials with non-negative coefficients, by linear programming."""
        columns: list[tuple[Fact, Poly, Poly]] = []
        if time.monotonic() > self.end:
            return None
        for fact in self.facts:
            monomials = self._multipliers(polynomial, fact)
            columns += [(fact, monomial, fact.polynomial * monomial) for monomial in monomials]
        if not columns or len(columns) > _MOST_COLUMNS:
            return None
        chosen = feasible_weights(domain, polynomial, [column[2] for column in columns])
        if chosen is None:
            return None
        by_fact: dict[int, tuple[Fact, Poly]] = {}
        rest = polynomial
        for weight, (fact, monomial, product) in zip(chosen, columns, strict=True):
            if weight:
                rest = rest - weight * product
                _, so_far = by_fact.get(id(fact), (fact, RING.constant(0)))
                by_fact[id(fact)] = (fact, so_far + weight * monomial)
        return (
            [{**fact.cite, "times": str(times)} for fact, times in by_fact.values()] if good(rest) else None
        )


def _times(factors: Sequence[Fraction], below: Poly) -> Iterator[Poly]:
    """The factors as polynomials over this denominator, of those that it can carry."""
    for factor in factors:
        whole = Fraction(below, RING.constant(1)) * factor
        if whole.below.is_one():
            yield whole.above


def _below(x: float) -> fmpq:
    """A short rational number a little below x."""
    scaled = int(np.floor(x * 10**6)) - 1
    return fmpq(scaled, 10**6)


def _splits(low: int, high: int | None, *, whole: bool) -> Iterator[list[Widths]]:
    yield [(low, high)]
    if whole:
        return
    for singles in (1, 2, 3, 5, 8):
        first = low + singles
        if high is not None and first > high:
            return
        yield [*((n, n) for n in range(low, first)), (first, high)]
    ladder = [low, *(low + n for n in (1, 2, 3, 4, 6, 9, 14, 25, 60) if high is None or low + n <= high)]
    yield [(a, b - 1) for a, b in pairwise(ladder)] + [(ladder[-1], high)]
