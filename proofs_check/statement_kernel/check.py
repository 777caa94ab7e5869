"""Check a proof object against the statement that it is to prove.

A statement says that some quantities of depth d are never negative: its goals. Goals, and lemmas on
the way, are polynomials in the symbols of the model, proved by induction on d or at every d at once.
At each point a certificate writes the polynomial as a sum of products of what is known not to be
negative, and of a rest that is seen not to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import factorial
from typing import Any

from flint import arb, fmpq

from proofs_check.fully_connected_family import FullyConnectedFamily
from proofs_check.language.tree import Statement
from proofs_check.statement_kernel.algebra import (
    NAMES,
    RING,
    Fraction,
    Poly,
    RejectedProofError,
    compose,
    degrees_of,
    read,
    require,
    symbol,
)
from proofs_check.statement_kernel.domain import Domain
from proofs_check.statement_kernel.model import Model
from theory.laws import Law

__all__ = ["FORMAT", "Part", "check_proof", "parts_of"]

FORMAT = "actlen-statement-proof/1"


def parts_of(statement: Statement, family: Any) -> list[tuple[int, Law | None]]:
    """What is proved one by one: each relation of the chain, for each weight law."""
    require(isinstance(family, FullyConnectedFamily), "only fully connected networks are followed")
    return [(i, law) for i in range(len(statement.relations)) for law in family.weights or (None,)]


def check_proof(statement: Statement, family: Any, proof: Mapping[str, Any]) -> None:
    """`RejectedProofError` unless the object proves the statement for every member of the family."""
    try:
        require(set(proof) == {"format", "parts"} and proof["format"] == FORMAT, "another format")
        wanted = parts_of(statement, family)
        require(len(wanted) == len(proof["parts"]), "one part for each relation and each weight law")
        for (link, law), part in zip(wanted, proof["parts"], strict=True):
            Part(statement, link, family, law, part).check(part)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise RejectedProofError(f"not the shape of a proof: {error!r:.80}") from None


class Part:
    """One relation for one weight law: its goal, and what has been proved on the way."""

    def __init__(
        self,
        statement: Statement,
        link: int,
        family: FullyConnectedFamily,
        law: Law | None,
        part: Mapping[str, Any],
    ) -> None:
        self.model, self.relation = Model(family, law), statement.relations[link]
        left, right = (self.model.value(side) for side in statement.sides[link : link + 2])
        base, upwards = part["base"], part["sense"] == ">="
        require(base in (0, 1) and part["sense"] in (">=", "<="), "base is 0 or 1, sense is >= or <=")
        require(upwards == (self.relation in (">=", ">")) or self.relation in ("==", "!="), "another sense")
        self.goal = left - right if upwards else right - left
        self.base, self.equal, self.strict = (
            int(base),
            self.relation == "==",
            self.relation in ("!=", "<", ">"),
        )
        self.known: list[tuple[Poly, bool]] = []
        self.domain = Domain(self.model, self.base)

    def check(self, part: Mapping[str, Any]) -> None:
        """Every lemma in its order, then the goal."""
        self._require_divisors()
        for lemma in part["lemmas"]:
            claim, equal = read(lemma["claim"]), lemma.get("equal") is True
            self._require_about_depth(claim, "x")
            self._prove(claim, lemma, strict=False, equal=equal)
            self.known.append((claim, equal))
        self._require_about_depth(self.goal.above * self.goal.below)
        self._prove(self.goal.above, part["goal"], strict=self.strict, equal=self.equal)

    def _require_about_depth(self, claim: Poly, *others: str) -> None:
        """A claim holds at each depth: it names nothing of the layer that follows, and nothing random."""
        named = {name for name, degree in zip(NAMES, degrees_of(claim), strict=True) if degree}
        require(named <= {*self.model.start, "m", "w", "k", *others}, "a symbol that is not of depth d")

    def _require_divisors(self) -> None:
        """Nothing is divided by 0: in the goal from the base on, in a layer's share from depth 0 on."""
        model, first = self.model, Domain(self.model, 0)
        steps = [*model.step.values(), *(h for _, _, h in model.exponents.values())]
        positive = [(self.goal.below, self.domain), *((step.below, first) for step in steps)]
        for below, domain in positive:
            require(domain.positive(below, model.widths), "division by what may be 0 or negative")
        for divisor, of_layer in model.divisors:
            domain = first if of_layer else self.domain
            signs = (domain.positive(p, model.widths) for p in (divisor, -divisor))
            require(any(signs), "division by what may be 0")

    def _prove(self, claim: Poly, how: Mapping[str, Any], *, strict: bool, equal: bool) -> None:
        if "direct" in how:
            self._cases([how["direct"]], Fraction.of(claim), None, strict, equal, whole=True)
            return
        first = compose(claim, self.model.start)
        if self.base:
            first = compose(compose(claim, self.model.step).above, self.model.start)
        self._cases(how["base"], first, None, strict, equal, whole=not self.base, first=True)
        self._cases(how["step"], compose(claim, self.model.step), claim, strict, equal)

    def _cases(
        self,
        cases: Sequence[Any],
        target: Fraction,
        before: Poly,
        strict: bool,
        equal: bool,
        *,
        whole: bool = False,
        first: bool = False,
    ) -> None:
        """One certificate for each range of widths of the next layer; together they cover the family's."""
        low, high = self.model.widths
        ranges = [_range(case["widths"]) for case in cases]
        require(
            ranges[0][0] == low and ranges[-1][1] == high and (len(cases) == 1 or not whole),
            "a width is missing",
        )
        require(
            all(one[1] is not None and two[0] == one[1] + 1 for one, two in pairwise(ranges)),
            "a width is missing",
        )
        for widths, case in zip(ranges, cases, strict=True):
            domain = self.domain.with_floors(case.get("floors", {}), [claim for claim, _ in self.known])
            require(domain.positive(target.below, widths), "division by what may be 0 or negative")
            rest, surely = target.above, False
            for term in case["terms"]:
                fact, exact = self._fact(term, before, equal, domain, widths, first=first)
                times = read(term["times"])
                require(exact or not equal, "an equation follows from equations only")
                require(exact or domain.nonnegative(times, widths), "a factor that may be negative")
                surely |= term.get("fact") == "hypothesis" and domain.positive(times, widths)
                rest = rest - times * fact
            require(rest.is_zero() if equal else domain.nonnegative(rest, widths), "the rest may be negative")
            require(not strict or surely or domain.positive(rest, widths), "equality is not excluded")

    def _fact(
        self, term: Mapping[str, Any], before: Poly, equal: bool, domain: Domain, widths: Any, *, first: bool
    ) -> tuple[Poly, bool]:
        """A polynomial that is known not to be negative, and whether it is known to be zero."""
        if "square" in term:
            return read(term["square"]) ** 2, False
        if "moments" in term:
            return self.log_convexity(*term["moments"]), False
        if "bound" in term:
            return self.exponential(term, domain, widths, first=first), False
        if term["fact"] == "hypothesis":
            require(before is not None, "there is no hypothesis here")
            claim, exact = before, equal
        else:
            claim, exact = self.known[range(len(self.known))[term["fact"]]]
        return compose(claim, {"x": Fraction.of(read(term.get("at", "x")))}).above, exact

    def log_convexity(self, spread: Sequence[int], narrow: Sequence[int]) -> Poly:
        """prod E M^a >= prod E M^b where a majorises b: log E M^k is convex in k (Hardy-Littlewood-Polya)."""
        a, b = (sorted(map(int, powers), reverse=True) for powers in (spread, narrow))
        require(len(a) == len(b) <= 12 and sum(a) == sum(b) and min(a + b) >= 0, "powers that do not compare")
        require(
            all(sum(a[:i]) >= sum(b[:i]) for i in range(len(a))), "the first does not majorise the second"
        )
        # A moment that joined later would be a constant in the claims that were read before it.
        known = {
            0,
            *({1} if self.model.keeps_mean else ()),
            *(int(n[1:]) for n in self.model.start if n[0] == "q"),
        }
        require(known.issuperset(a + b), "a moment that the statement does not need")
        one, two = RING.constant(1), RING.constant(1)
        for p, q in zip(a, b, strict=True):
            one, two = one * self.model.moment(p).above, two * self.model.moment(q).above
        return one - two

    def exponential(
        self, term: Mapping[str, Any], domain: Domain, widths: Any, *, first: bool = False
    ) -> Poly:
        """y = exp(c h), h >= 0: y >= Taylor's polynomial of odd degree; y <= 1 + (top - 1) h/end up to end.

        Of the first layer h is what it is after depth 0.
        """
        y, (a, b, h) = symbol(term["bound"]), self.model.exponents[term["bound"]]
        if first:
            h = Fraction(*(compose(side, self.model.start).above for side in (h.above, h.below)))
        require(
            domain.positive(h.below, widths) and domain.nonnegative(h.above, widths),
            "the exponent may be < 0",
        )
        if "rate" in term:
            rate, n = read_number(term["rate"]), int(term["degree"])
            require(n % 2 == 1 and 0 < n <= 15, "Taylor's polynomial is a lower bound at odd degrees")
            require(rate == a if b == 1 else rate <= arb(a) + arb(b).log(), "the rate is too large")
            taylor = sum(
                (rate * h.above) ** i * h.below ** (n - i) * fmpq(1, factorial(i)) for i in range(n + 1)
            )
            return y * h.below**n - taylor
        top, end = read_number(term["top"]), read_number(term["end"])
        require(domain.nonnegative(end * h.below - h.above, widths) and end > 0, "the exponent may be larger")
        exact = a == 0 and end == 1 and top == b
        require(exact or ((arb(a) + arb(b).log()) * end).exp() <= top, "the chord is too low")
        return (h.below * end + (top - 1) * h.above) - y * h.below * end


def _range(widths: Any) -> tuple[int, int | None]:
    """Widths low..high, high None for all from low on."""
    low, high = widths
    plain = type(low) is int and (high is None or type(high) is int)
    require(plain and low >= 1 and (high is None or low <= high), "not a range of widths")
    return low, high


def read_number(text: object) -> fmpq:
    """A rational number of a proof object."""
    return Fraction.of(read(text)).number("not a number")
