"""Where the symbols of a proof run, and which polynomials are therefore seen not to be negative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, TypeAlias

from flint import fmpq

from proofs_check.statement_kernel.algebra import NAMES, Fraction, Poly, compose, degrees_of, ranged, symbol
from proofs_check.statement_kernel.model import Model
from proofs_check.statement_kernel.rejection import require

__all__ = ["Domain", "Widths"]

Widths: TypeAlias = tuple[int, int | None]


class Domain:
    """The ranges of the symbols at depth d >= base and of a next layer of any of these widths.

    Every symbol that is not free is at least 0.
    """

    def __init__(self, model: Model, base: int) -> None:
        self.widths, self._ranges = model.widths, model.ranges
        self._begun = {name for name in model.start if name[0] in "qspS"}
        self.shifts = {"k": Fraction.of(symbol("k") + 1)}
        if model.family.bias is None:
            self.shifts["nu4"] = Fraction.of(symbol("nu4") + symbol("nu2") ** 2)
        self.free = {"x"}
        self._strict = {"m", *(n for n in model.start if n[0] == "q"), *model.exponents}
        for name, (function, quantities) in model.extremes.items():
            enough = any if function == "max" else all
            self.free |= set() if enough(map(self.nonnegative, quantities)) else {name}
            self._strict |= {name} if enough(map(self.positive, quantities)) else set()
        for name in (name for name in model.start if name[0] in "sp"):
            layer = model.step[name].above - (symbol(name) * model.step[name].below if name[0] == "s" else 0)
            if not self.nonnegative(layer):
                self.free.add(name)
            elif name[0] == "p" and self.positive(compose(layer, {name: Fraction.of(1)}).above):
                self._strict.add(name)
        # Sums and products begin with the layer after depth 0, whatever the base.
        self.shifts["D"] = Fraction.of(symbol("D") + base)

    def with_floors(self, widths: Widths, floors: Mapping[str, int], known: Sequence[Poly]) -> Domain:
        """For these widths, with symbols from known lemmas `symbol - constant` on; not those of ranges."""
        found = copy(self)
        found.widths = widths
        for name, place in floors.items():
            require(name in self._begun, "not a symbol that a floor can be put under")
            difference = Fraction.of(symbol(name) - known[range(len(known))[place]])
            constant = difference.number("the lemma is not a symbol minus a number")
            # What is left of the symbol above a positive floor may be 0.
            found._strict = found._strict - ({name} if constant > 0 else set())
            found.shifts = found.shifts | {name: Fraction.of(symbol(name) + constant)}
            found.free = found.free - {name}
        return found

    def nonnegative(self, polynomial: Poly) -> bool:
        """Whether it is seen not to be negative."""
        free = [NAMES.index(name) for name in self.free]
        for name, (low, high) in self.bounded(polynomial):
            polynomial = ranged(polynomial, name, low, high)
        terms = compose(polynomial, self.shifts).above.to_dict().items()
        return all(c > 0 and not any(exponents[i] for i in free) for exponents, c in terms)

    def positive(self, polynomial: Poly) -> bool:
        """Whether it is seen to be positive."""
        return self.nonnegative(polynomial) and self._positive(polynomial, self.bounded(polynomial), set())

    def _positive(self, polynomial: Poly, bounded: list[Any], inside: set[str]) -> bool:
        """At both ends of each range, and between them; an end of 0 belongs to no range of 1/n."""
        if not bounded:
            strict = self._strict | inside
            return any(
                c > 0 and all(NAMES[i] in strict for i, e in enumerate(exponents) if e)
                for exponents, c in compose(polynomial, self.shifts).above.to_dict().items()
            )
        (name, (low, high)), *others = bounded
        ends = [end for end in (low, high) if end > 0 or name[0] == "t"]
        at = [compose(polynomial, {name: Fraction.of(end)}).above for end in ends]
        return all(self._positive(p, others, inside) for p in at) and (
            low == high or self._positive(ranged(polynomial, name, low, high), others, inside | {name})
        )

    def bounded(self, polynomial: Poly) -> list[tuple[str, tuple[fmpq, fmpq]]]:
        """The symbols with two ends that occur in it, and their ends."""
        low, high = self.widths
        following = (fmpq(0) if high is None else fmpq(1, high), fmpq(1, low))
        degrees = degrees_of(polynomial)
        return [item for item in ({"u": following} | self._ranges).items() if degrees[NAMES.index(item[0])]]
