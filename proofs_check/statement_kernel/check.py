"""Check a proof object against the statement that it is to prove.

A statement says that some quantities of depth d are never negative: its goals. Goals, and lemmas on
the way, are polynomials in the symbols of the model, proved by induction on d or at every d at once.
At each point a certificate writes the polynomial as a sum of products of what is known not to be
negative, and of a rest that is seen not to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import factorial, prod
from typing import Any, TypeAlias

from flint import arb, fmpq

from proofs_check.fully_connected_family import FullyConnectedFamily
from proofs_check.language.tree import Statement
from proofs_check.statement_kernel.algebra import NAMES, Fraction, Poly, compose, degrees_of, read, symbol
from proofs_check.statement_kernel.domain import Domain, Widths
from proofs_check.statement_kernel.model import Model
from proofs_check.statement_kernel.rejection import RejectedProofError, require
from theory.laws import Law

__all__ = ["FORMAT", "Claim", "Part", "check_proof", "parts_of"]

FORMAT = "actlen-statement-proof/1"
Json: TypeAlias = Mapping[str, Any]
_MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def parts_of(statement: Statement, family: Any) -> list[tuple[int, Law | None]]:
    """What is proved one by one: each relation of the chain, for each weight law."""
    require(isinstance(family, FullyConnectedFamily), "only fully connected networks are followed")
    return [(i, law) for i in range(len(statement.relations)) for law in family.weights or (None,)]


def check_proof(statement: Statement, family: Any, proof: Json) -> None:
    """`RejectedProofError` unless the object proves the statement for every member of the family."""
    try:
        require(set(proof) == {"format", "parts"} and proof["format"] == FORMAT, "another format")
        wanted = parts_of(statement, family)
        require(len(wanted) == len(proof["parts"]), "one part for each relation and each weight law")
        for (link, law), part in zip(wanted, proof["parts"], strict=True):
            Part(statement, link, family, law, part).check(part)
    except _MALFORMED as error:
        raise RejectedProofError(f"not the shape of a proof: {error!r:.80}") from None


@dataclass(frozen=True)
class Claim:
    """polynomial >= 0; > 0 where strict, == 0 where equal."""

    polynomial: Poly
    strict: bool = False
    equal: bool = False


class Part:
    """One relation for one weight law: its goal, and what has been proved on the way."""

    def __init__(self, statement: Statement, link: int, family: Any, law: Law | None, part: Json) -> None:
        base, upwards, relation = part["base"], part["sense"] == ">=", statement.relations[link]
        require(base in (0, 1) and part["sense"] in (">=", "<="), "base is 0 or 1, sense is >= or <=")
        require(upwards == (relation in (">=", ">")) or relation in ("==", "!="), "another sense")
        self.model = Model(family, law)
        left, right = (self.model.value(side) for side in statement.sides[link : link + 2])
        self.goal = left - right if upwards else right - left
        self.claim = Claim(self.goal.above, relation in ("!=", "<", ">"), relation == "==")
        self.base, self.domain = int(base), Domain(self.model, int(base))
        self.known: list[Claim] = []

    def check(self, part: Json) -> None:
        """Every lemma in its order, then the goal."""
        self.known = []
        self._require_divisors()
        for lemma in part["lemmas"]:
            claim = Claim(read(lemma["claim"]), equal=lemma.get("equal") is True)
            self._require_about_depth(claim.polynomial, "x")
            self._prove(claim, lemma)
            self.known.append(claim)
        self._require_about_depth(self.goal.above * self.goal.below)
        self._prove(self.claim, part["goal"])

    def domain_of(self, case: Json) -> Domain:
        """Where the symbols run for the widths of a case, above its floors."""
        known = [claim.polynomial for claim in self.known]
        return self.domain.with_floors(_range(case["widths"]), case.get("floors", {}), known)

    def _require_about_depth(self, claim: Poly, *others: str) -> None:
        """A claim holds at each depth: it names nothing of the layer that follows, and nothing random."""
        named = {name for name, degree in zip(NAMES, degrees_of(claim), strict=True) if degree}
        require(named <= {*self.model.start, "m", "w", "k", *others}, "a symbol that is not of depth d")

    def _require_divisors(self) -> None:
        """Nothing is divided by 0: in the goal from the base on, in a layer's share from depth 0 on."""
        first = Domain(self.model, 0)
        steps = [*self.model.step.values(), *(h for _, _, h in self.model.exponents.values())]
        require(self.domain.positive(self.goal.below), "division by what may be 0 or negative")
        require(all(first.positive(step.below) for step in steps), "division by what may be 0 or negative")
        for divisor, of_layer in self.model.divisors:
            signs = ((first if of_layer else self.domain).positive(p) for p in (divisor, -divisor))
            require(any(signs), "division by what may be 0")

    def _prove(self, claim: Claim, how: Json) -> None:
        start, step = self.model.start, self.model.step
        if "direct" in how:
            self._cases([how["direct"]], Fraction.of(claim.polynomial), claim, "direct")
            return
        first = compose(claim.polynomial, step).above if self.base else claim.polynomial
        self._cases(how["base"], compose(first, start), claim, "base")
        self._cases(how["step"], compose(claim.polynomial, step), claim, "step")

    def _cases(self, cases: Sequence[Json], target: Fraction, claim: Claim, place: str) -> None:
        """One certificate for each range of widths of the next layer; together they cover the family's."""
        split = place == "step" or (place == "base" and self.base == 1)
        require(len(cases) == 1 or split, "there is no next layer here")
        ranges = [_range(case["widths"]) for case in cases]
        joined = all(one[1] is not None and two[0] == one[1] + 1 for one, two in pairwise(ranges))
        require((ranges[0][0], ranges[-1][1]) == self.model.widths and joined, "a width is missing")
        for case in cases:
            self._certificate(case, target, claim, place)

    def _certificate(self, case: Json, target: Fraction, claim: Claim, place: str) -> None:
        domain, rest, surely = self.domain_of(case), target.above, False
        require(domain.positive(target.below), "division by what may be 0 or negative")
        for term in case["terms"]:
            fact, times = self._fact(term, claim, domain, place), read(term["times"])
            require(fact.equal or not claim.equal, "an equation follows from equations only")
            require(fact.equal or domain.nonnegative(times), "a factor that may be negative")
            surely |= term.get("fact") == "hypothesis" and domain.positive(times)
            rest = rest - times * fact.polynomial
        require(rest.is_zero() if claim.equal else domain.nonnegative(rest), "the rest may be negative")
        require(not claim.strict or surely or domain.positive(rest), "equality is not excluded")

    def _fact(self, term: Json, before: Claim, domain: Domain, place: str) -> Claim:
        """What is known of a polynomial that a term cites."""
        if "square" in term:
            return Claim(read(term["square"]) ** 2)
        if "moments" in term:
            return Claim(self.log_convexity(*term["moments"]))
        if "bound" in term:
            return Claim(self.exponential(term, domain, first=place == "base"))
        if "extreme" in term:
            return Claim(self.extreme(term["extreme"], term["of"], first=place == "base"))
        hypothesis = term["fact"] == "hypothesis"
        require(not hypothesis or place == "step", "there is no hypothesis here")
        cited = before if hypothesis else self.known[range(len(self.known))[term["fact"]]]
        at = compose(cited.polynomial, {"x": Fraction.of(read(term.get("at", "x")))})
        return Claim(at.above, equal=cited.equal)

    def log_convexity(self, spread: Sequence[int], narrow: Sequence[int]) -> Poly:
        """prod E M^a >= prod E M^b where a majorises b: log E M^k is convex in k (Hardy-Littlewood-Polya)."""
        a, b = (sorted(map(int, powers), reverse=True) for powers in (spread, narrow))
        require(len(a) == len(b) <= 12 and sum(a) == sum(b) and min(a + b) >= 0, "powers that do not compare")
        require(all(sum(a[:i]) >= sum(b[:i]) for i in range(len(a))), "the first does not majorise the other")
        # A moment that joined later would be a constant in the claims that were read before it.
        orders = (int(name[1:]) for name in self.model.start if name[0] == "q")
        known = {*range(1 + self.model.keeps_mean), *orders}
        require(known.issuperset(a + b), "a moment that the statement does not need")
        one, two = (prod(self.model.moment(p).above for p in powers) for powers in (a, b))
        return one - two

    def extreme(self, name: str, place: int, *, first: bool = False) -> Poly:
        """max - one of its quantities, or one of them - min; of the first layer as after depth 0."""
        function, quantities = self.model.extremes[name]
        one = quantities[range(len(quantities))[place]]
        difference = symbol(name) - compose(one, self.model.start if first else {}).above
        return difference if function == "max" else -difference

    def exponential(self, term: Json, domain: Domain, *, first: bool = False) -> Poly:
        """y = exp(c h), h >= 0: y >= Taylor's polynomial of odd degree; y <= 1 + (top - 1) h/end up to end.

        Of the first layer h is what it is after depth 0.
        """
        y, (a, b, h) = symbol(term["bound"]), self.model.exponents[term["bound"]]
        above, below = (compose(side, self.model.start if first else {}).above for side in (h.above, h.below))
        require(domain.positive(below) and domain.nonnegative(above), "the exponent may be < 0")
        if "rate" in term:
            rate, n = read_number(term["rate"]), int(term["degree"])
            require(n % 2 == 1 and 0 < n <= 15, "Taylor's polynomial is a lower bound at odd degrees")
            require(rate == a if b == 1 else rate <= arb(a) + arb(b).log(), "the rate is too large")
            powers = ((rate * above) ** i * below ** (n - i) * fmpq(1, factorial(i)) for i in range(n + 1))
            return y * below**n - sum(powers)
        top, end = read_number(term["top"]), read_number(term["end"])
        require(domain.nonnegative(end * below - above) and end > 0, "the exponent may be larger")
        exact = a == 0 and end == 1 and top == b
        require(exact or ((arb(a) + arb(b).log()) * end).exp() <= top, "the chord is too low")
        return (below * end + (top - 1) * above) - y * below * end


def _range(widths: Any) -> Widths:
    """Widths low..high, high None for all from low on."""
    low, high = widths
    plain = type(low) is int and (high is None or type(high) is int)
    require(plain and low >= 1 and (high is None or low <= high), "not a range of widths")
    return low, high


def read_number(text: object) -> fmpq:
    """A rational number of a proof object."""
    return Fraction.of(read(text)).number("not a number")
