"""Look for a proof of a statement: lemmas that such statements tend to need, then the goal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations_with_replacement
from typing import Any

from proofs_check.family import Family
from proofs_check.language.tree import Statement
from proofs_check.statement_kernel.algebra import NAMES, Fraction, Poly, compose, degrees_of, symbol
from proofs_check.statement_kernel.check import FORMAT, Claim, Part, parts_of
from proofs_check.statement_kernel.rejection import RejectedProofError
from proofs_check.statement_proofs.certificates import Fact, Workshop
from theory.laws import Law

__all__ = ["prove"]


def prove(statement: Statement, family: Family, *, seconds: float = 10.0) -> dict[str, Any] | None:
    """A proof object for all members of the family, of parts that the kernel accepts; None if none was found.

    >>> from proofs_check.family import parse_family
    >>> from proofs_check.language.parse import parse
    >>> claim = parse("E[M[d]**2] <= M[0]**2 * exp(5*sum(1/n[j], j, 1, d))")
    >>> prove(claim, parse_family("weights=normal")) is None
    False
    """
    end = time.monotonic() + seconds
    parts = []
    try:
        for link, law in parts_of(statement, family):
            part = next(filter(None, _attempts(statement, link, family, law, end)), None)
            if part is None:
                return None
            parts.append(part)
    except RejectedProofError:
        return None
    return {"format": FORMAT, "parts": parts}


def _attempts(
    statement: Statement, link: int, family: Any, law: Law | None, end: float
) -> Iterator[dict[str, Any] | None]:
    relation = statement.relations[link]
    senses = {"<=": ["<="], "<": ["<="], ">=": [">="], ">": [">="]}.get(relation, [">=", "<="])
    for sense in senses:
        for base in (1, 0) if relation in ("<", ">", "!=") else (0, 1):
            if time.monotonic() < end:
                shape = {"base": base, "sense": sense}
                part = Part(statement, link, family, law, shape)
                if part.domain.positive(part.goal.below):
                    found = _Search(part, shape, end).proof()
                    yield found if found and _accepted(part, found) else None


def _accepted(part: Part, found: dict[str, Any]) -> bool:
    try:
        part.check(found)
    except RejectedProofError:
        return False
    return True


def _pruned(lemmas: list[dict[str, Any]], goal: dict[str, Any]) -> dict[str, Any]:
    """The goal with the lemmas that it rests on, numbered anew."""
    needed: list[int] = []
    pending = [goal]
    while pending:
        fresh = _cited(pending.pop()) - set(needed)
        needed += sorted(fresh)
        pending += [lemmas[place] for place in fresh]
    places = {old: new for new, old in enumerate(sorted(needed))}
    kept = [_renumbered(lemmas[old], places) for old in places]
    return {"lemmas": kept, "goal": _renumbered(goal, places)}


def _cases(how: dict[str, Any]) -> list[dict[str, Any]]:
    return [how["direct"]] if "direct" in how else [*how["base"], *how["step"]]


def _cited(how: dict[str, Any]) -> set[int]:
    cases = _cases(how)
    facts = {term["fact"] for case in cases for term in case["terms"] if "fact" in term}
    return facts - {"hypothesis"} | {place for case in cases for place in case.get("floors", {}).values()}


def _renumbered(how: dict[str, Any], places: dict[int, int]) -> dict[str, Any]:
    """The same with the new numbers of lemmas; floors rest on theirs."""
    found = deepcopy(how)
    for case in _cases(found):
        for term in case["terms"]:
            if term.get("fact", "hypothesis") != "hypothesis":
                term["fact"] = places[term["fact"]]
        if "floors" in case:
            case["floors"] = {name: places[place] for name, place in case["floors"].items()}
    return found


class _Search:
    def __init__(self, part: Part, shape: dict[str, Any], end: float) -> None:
        self.part, self.shape, self.end = part, shape, end
        self.shop = Workshop(part, end=end)
        self.lemmas: list[dict[str, Any]] = []

    def proof(self) -> dict[str, Any] | None:
        """What is plain, then lemmas, then combinations of them, then range of widths by range of widths."""
        how = self._settled(self.part.claim)
        if how is None and not self.part.claim.equal:
            self._add_moments()
            self._add_extremes()
            for self.shop.effort in (0, 1, 2):
                how = self._settled(self.part.claim) if self.shop.effort == 1 else None
                if how is None:
                    for claim in [] if self.shop.effort == 2 else self._candidates():
                        self._add(claim)
                    self._add_quarter()
                    how = self._settled(self.part.claim)
                if how is not None or time.monotonic() > self.end:
                    break
        if how is None:
            return None
        return {**self.shape, **_pruned(self.lemmas, how)}

    def _add_quarter(self) -> None:
        """sum_k (x - 2(k-1))^2 (q2(k) - q2(k-1)) >= 0 for every x, of use at x = d."""
        model = self.part.model
        if "S1" not in model.start or any("x" in lemma["claim"] for lemma in self.lemmas):
            return
        d, s1, s2, q2, x, m = (symbol(n) for n in ("D", "S1", "S2", "q2", "x", "m"))
        claim = (q2 - m**2) * x**2 - 4 * (d * q2 - s1) * x + 4 * (d**2 * q2 - 2 * s2 + s1)
        growth, widths = model.step["q2"].above - q2, list(model.widths)
        first = compose(growth, {"q2": Fraction.of(m**2)}).above
        term = {"square": "x - 2*D", "times": str(growth)}
        at_one = [{"square": "x", "times": str(first)}] if self.part.base else []
        how = {
            "base": [{"widths": widths, "terms": at_one}],
            "step": [{"widths": widths, "terms": [{"fact": "hypothesis", "times": "1"}, term]}],
        }
        self._keep(claim, how)
        self.shop.facts[-1] = Fact(
            compose(claim, {"x": Fraction.of(d)}).above, {"fact": len(self.lemmas) - 1, "at": "D"}
        )

    def _add(self, claim: Poly) -> None:
        if any(claim == known.polynomial for known in self.part.known):
            return
        if (how := self._settled(Claim(claim))) is not None:
            self._keep(claim, how)

    def _keep(self, claim: Poly, how: dict[str, Any]) -> None:
        place = len(self.lemmas)
        self.lemmas.append({"claim": str(claim), **how})
        self.part.known.append(Claim(claim))
        self.shop.facts.append(Fact(claim, {"fact": place}))
        for name in self.part.model.start:
            if Fraction.of(symbol(name) - claim).constant is not None:
                self.shop.floors[name] = place

    def _add_moments(self) -> None:
        """Log-convexity for all pairs of powers that the statement knows."""
        model = self.part.model
        powers = [0, *([1] if model.keeps_mean else []), *(int(n[1:]) for n in model.start if n[0] == "q")]
        count = max(2, max(powers))
        combinations = list(combinations_with_replacement(sorted(powers, reverse=True), count))
        for a in combinations:
            for b in combinations:
                if a != b and sum(a) == sum(b) and all(sum(a[:i]) >= sum(b[:i]) for i in range(count)):
                    cite = {"moments": [list(a), list(b)]}
                    self.shop.facts.append(Fact(self.part.log_convexity(a, b), cite))

    def _add_extremes(self) -> None:
        for name, (_, quantities) in self.part.model.extremes.items():
            for place in range(len(quantities)):
                cite = {"extreme": name, "of": place}
                self.shop.facts.append(Fact(self.part.extreme(name, place), cite))

    def _candidates(self) -> Iterator[Poly]:
        names = self.part.model.start
        m = symbol("m")
        products = [symbol(n) for n in names if n[0] == "p"]
        for p in products:
            yield p - 1
            yield 1 - p
        moments = [(symbol(n), int(n[1:])) for n in names if n[0] == "q"]
        for q, k in moments:
            yield q - m**k
            for p in products:
                yield q - m**k * p
                yield m**k * p - q
        for one in products:
            for two in products:
                if one is not two:
                    yield one - two
        if "S1" in names:
            d, s1, s2, q2 = (symbol(n) for n in ("D", "S1", "S2", "q2"))
            yield d * q2 - s1
            yield s1 - d * m**2
            yield 2 * s2 - (1 + d) * s1

    def _settled(self, claim: Claim) -> dict[str, Any] | None:
        """Directly, or by induction; products over layers first by induction where attempts are dear."""
        degrees = degrees_of(claim.polynomial)
        grows = any(degrees[NAMES.index(name)] for name in self.part.model.start if name[0] == "p")
        ways = [self._direct, self._induction]
        ways = ways[::-1] if grows and self.shop.effort else ways
        return next(filter(None, (way(claim) for way in ways)), None)

    def _direct(self, claim: Claim) -> dict[str, Any] | None:
        if claim.equal:
            return None
        found = self.shop.cases(Fraction.of(claim.polynomial), claim, [], whole=True)
        return {"direct": found[0]} if found else None

    def _induction(self, claim: Claim) -> dict[str, Any] | None:
        part, shop, polynomial = self.part, self.shop, claim.polynomial
        first = compose(polynomial, part.model.step).above if part.base else polynomial
        base = shop.cases(compose(first, part.model.start), claim, [], whole=not part.base)
        if base is None:
            return None
        one = Fraction.of(1)
        factors = [*(f for f in self._factors(polynomial) if f != one), one]
        step = shop.cases(compose(polynomial, part.model.step), claim, factors, whole=False)
        return None if step is None else {"base": base, "step": step}

    def _factors(self, claim: Poly) -> Iterator[Fraction]:
        """By what each term of the claim is multiplied with one more layer."""
        model = self.part.model
        for exponents in claim.to_dict():
            total = Fraction.of(1)
            for name, e in zip(NAMES, exponents, strict=True):
                if e and name[0] in "pq" and name in model.step:
                    ratio = model.step[name] / Fraction.of(symbol(name))
                    total = total * ratio**e if degrees_of(ratio.below)[NAMES.index(name)] == 0 else total
            yield total
