"""Where the symbols of a proof run, and which polynomials are therefore seen not to be negative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from flint import fmpq

from proofs_check.statement_kernel.algebra import (
    NAMES,
    Fraction,
    Poly,
    compose,
    degrees_of,
    ranged,
    require,
    symbol,
)
from proofs_check.statement_kernel.model import Model

__all__ = ["Domain"]


class Domain:
    """The ranges of the symbols at depth d >= base; every symbol that is not free is at least 0."""

    def __init__(self, model: Model, base: int) -> None:
        self._ranges = model.ranges
        self._begun = {name for name in model.start if name[0] in "qspS"}
        bias = (
            {} if model.family.bias is not None else {"nu4": Fraction.of(symbol("nu4") + symbol("nu2") ** 2)}
        )
        self.shifts = bias | {"k": Fraction.of(symbol("k") + 1)}
        self.free = {"x"}
        self._strict = {"m", *(n for n in model.start if n[0] == "q"), *model.exponents}
        for name in (name for name in model.start if name[0] in "sp"):
            layer = model.step[name].above - (symbol(name) * model.step[name].below if name[0] == "s" else 0)
            if not self.nonnegative(layer, model.widths):
                self.free.add(name)
            elif name[0] == "p" and self.positive(compose(layer, {name: Fraction.of(1)}).above, model.widths):
                self._strict.add(name)
        # Sums and products begin with the layer after depth 0, whatever the base.
        self.shifts["D"] = Fraction.of(symbol("D") + base)

    def with_floors(self, floors: Mapping[str, int], known: Sequence[Poly]) -> Domain:
        """The same with symbols from known lemmas `symbol - constant` on; not those of ranges."""
        found = copy(self)
        for name, place in floors.items():
            require(name in self._begun, "not a symbol that a floor can be put under")
            difference = Fraction.of(symbol(name) - known[range(len(known))[place]])
            constant = difference.number("the lemma is not a symbol minus a number")
            # What is left of the symbol above a positive floor may be 0.
            found._strict = found._strict - ({name} if constant > 0 else set())
            found.shifts = found.shifts | {name: Fraction.of(symbol(name) + constant)}
            found.free = found.free - {name}
        return found

    def nonnegative(self, polynomial: Poly, widths: tuple[int, int | None]) -> bool:
        """Whether it is seen not to be negative, for a next layer of these widths."""
        for name, (low, high) in self.bounded(polynomial, widths):
            polynomial = ranged(polynomial, name, low, high)
        return self._signs(compose(polynomial, self.shifts).above)

    def positive(self, polynomial: Poly, widths: tuple[int, int | None]) -> bool:
        """Whether it is seen to be positive."""
        return self.nonnegative(polynomial, widths) and self._positive(
            polynomial, self.bounded(polynomial, widths), set()
        )

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

    def bounded(
        self, polynomial: Poly, widths: tuple[int, int | None]
    ) -> list[tuple[str, tuple[fmpq, fmpq]]]:
        low, high = widths
        following = (fmpq(0) if high is None else fmpq(1, high), fmpq(1, low))
        degrees = degrees_of(polynomial)
        return [item for item in ({"u": following} | self._ranges).items() if degrees[NAMES.index(item[0])]]

    def _signs(self, polynomial: Poly) -> bool:
        free = [NAMES.index(name) for name in self.free]
        terms = polynomial.to_dict().items()
        return all(c > 0 and not any(exponents[i] for i in free) for exponents, c in terms)
