"""The recursion read symbolically: the layer map as exact polynomials, and as LaTeX.

Variables: u = 1/n_j, g the effective variance gain, m4, m6, ... the moments of the weights,
b2, b4, ... those of the biases, c1, c2, ... the activation's factors. A law or an activation
that is given becomes numbers. Nothing is typed in: the polynomials come from `recursion`.
Orthogonal weights bring r2, r3, ..., with r_k = prod_{i<k} N/(N + 2i) for N = max(n_{j-1}, n_j), which is
no polynomial of one width (`theory.orthogonal`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from theory.activations import Activation, ActivationLike, as_activation
from theory.augmented import expand_power_of_length
from theory.errors import SpecError
from theory.laws import Law, LawLike, as_law
from theory.partitions import Partition
from theory.recursion import (
    LawNumbers,
    MomentRecursion,
    Rows,
    ShapeNumbers,
    check_order_range,
    moment_recursion,
)
from theory.residual_recursion import BlockRecursion

__all__ = ["DerivedRecursion", "Names", "derive", "polynomial_laws", "polynomial_shape"]


@dataclass(frozen=True)
class Names:
    """How a step is written: its length, what it makes, and what that is made from."""

    length: str = "M_j"
    after: str = "a_j"
    before: str = "a_{j-1}"

    def expectation(self, inside: str) -> str:
        """Given what the step is made from."""
        return f"\\mathbb{{E}}[{inside} \\mid {self.before}]"


@dataclass(frozen=True)
class DerivedRecursion:
    """The layer map of a given order with polynomial entries, or that of a residual block.

    `conditional_moment(k)` is E[M_j^k | a_{j-1}] as {partition: polynomial}, the partition
    standing for the normalised augmented moment of a_{j-1}.
    """

    recursion: MomentRecursion | BlockRecursion
    rows: Rows[fmpq_mpoly]
    symbols: dict[str, str]
    names: Names = Names()

    @property
    def order(self) -> int:
        """The largest k."""
        return self.recursion.order

    def row(self, target: Partition) -> dict[Partition, fmpq_mpoly]:
        """E of the normalised A_target(a_j) given a_{j-1}, as {partition: polynomial}."""
        pairs = self.rows[self.recursion.position[target]]
        return {self.recursion.partitions[i]: entry for i, entry in pairs}

    def conditional_moment(self, k: int) -> dict[Partition, fmpq_mpoly]:
        """E[M_j^k | a_{j-1}] as {partition: polynomial}."""
        if not 1 <= k <= self.order:
            raise SpecError(f"k must be from 1 to the order {self.order} of this recursion, not {k!r:.40}")
        total: dict[Partition, fmpq_mpoly] = {}
        for target, count in expand_power_of_length(k).items():
            for source, entry in self.row(target).items():
                total[source] = total[source] + count * entry if source in total else count * entry
        return total

    def closed_factor(self, k: int) -> fmpq_mpoly | None:
        """The polynomial f with E[M_j^k | a_{j-1}] = f M_{j-1}^k, or None where there is none.

        >>> derive(3, weights="normal").closed_factor(3)
        44*u^2 + 15*u + 1
        >>> derive(2, weights="uniform").closed_factor(2) is None
        True
        >>> derive(2, weights="orthogonal").closed_factor(2)
        5*u*r2 + r2
        """
        conditional = self.conditional_moment(k)
        length = expand_power_of_length(k)
        first, *others = (conditional[p] / count for p, count in length.items() if p in conditional)
        return first if set(conditional) == set(length) and all(r == first for r in others) else None

    def to_sympy(self) -> dict[str, Any]:
        """E[M_j^k | a_{j-1}] for k = 1..order as SymPy expressions, by the name of the left side.

        Symbols: n_j, g, m_4, ..., c_1, ..., nu_2, ..., rho_2, ...; A_2, A_1_1, ... for the
        normalised augmented moments of a_{j-1}.

        >>> derive(2, weights="normal").to_sympy()["M_j^2"]
        A_1_1*(1 + 5/n_j) + A_2*(1 + 5/n_j)
        """
        from theory.sympy_bridge import combination

        moments, length = range(1, self.order + 1), self.names.length
        return {f"{length}^{k}": combination(self.conditional_moment(k), self.symbols) for k in moments}

    def to_latex(self) -> str:
        """The whole recursion as a LaTeX aligned block."""
        lines, names = [], self.names
        for k in range(1, self.order + 1):
            length = names.length if k == 1 else f"{names.length}^{{{k}}}"
            lines.append(_line(names.expectation(length), self.conditional_moment(k), self.symbols))
        for target in self.recursion.partitions:
            if sum(target) > 1:
                left = names.expectation(f"{_augmented(target)}({names.after})")
                lines.append(_line(left, self.row(target), self.symbols))
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


def derive(
    order: int,
    *,
    weights: LawLike | None = None,
    bias: bool = False,
    activation: ActivationLike | None = "relu",
) -> DerivedRecursion:
    """Derive the recursion of any order; None keeps the law or the activation symbolic.

    A given activation is taken at its critical gain; a symbolic one keeps the gain g.

    >>> derive(2).conditional_moment(2)
    {(2,): 2*u*m4 - u + 1, (1, 1): 5*u + 1}
    """
    check_order_range(order)
    law = None if weights is None else as_law(weights)
    phi = None if activation is None else as_activation(activation)
    symbols = _symbols(order, dependent=law is not None and not law.independent)
    ring = fmpq_mpoly_ctx.get(list(symbols), Ordering.degrevlex)
    variable = dict(zip(symbols, ring.gens(), strict=True))
    recursion = moment_recursion(order, bias)
    law_rows = recursion.law_rows(polynomial_laws(order, law, bias, ring, variable))
    shape = polynomial_shape(order, phi, ring, variable)
    return DerivedRecursion(recursion, recursion.matrix(law_rows, shape), symbols)


def _symbols(order: int, dependent: bool) -> dict[str, str]:
    """Variable names with their names as SymPy symbols."""
    names = {"u": "1/n_j", "g": "g"}
    names |= {f"m{2 * l}": f"m_{2 * l}" for l in range(2, order + 1)}
    names |= {f"c{l}": f"c_{l}" for l in range(1, order + 1)}
    names |= {f"b{2 * l}": f"nu_{2 * l}" for l in range(1, order + 1)}
    return names | ({f"r{l}": f"rho_{l}" for l in range(2, order + 1)} if dependent else {})


def polynomial_laws(
    order: int,
    law: Law | None,
    bias: bool,
    ring: fmpq_mpoly_ctx,
    variable: dict[str, fmpq_mpoly],
) -> LawNumbers[fmpq_mpoly]:
    """The moments of the laws: numbers where a law is given, else variables."""
    one = ring.constant(1)
    if law is None:
        weights = [one, one] + [variable[f"m{2 * l}"] for l in range(2, order + 1)]
    else:
        weights = [ring.constant(_rational_moment(law, l)) for l in range(order + 1)]
    biases = [one] + [variable[f"b{2 * l}"] for l in range(1, order + 1)] if bias else []
    return LawNumbers(ring.constant, weights, biases)


def _rational_moment(law: Law, half_order: int) -> fmpq:
    moment = law.independent_moment(half_order)
    if not isinstance(moment, fmpq):
        raise SpecError(f"the moments of {law.name} are irrational; keep them symbolic (--weights symbolic)")
    return moment


def polynomial_shape(
    order: int,
    phi: Activation | None,
    ring: fmpq_mpoly_ctx,
    variable: dict[str, fmpq_mpoly],
    reciprocal: str = "u",
) -> ShapeNumbers[fmpq_mpoly]:
    """A layer whose width is one over the variable `reciprocal`."""
    one, u = ring.constant(1), variable[reciprocal]
    if phi is None:
        gain, halves = variable["g"], [one] + [variable[f"c{l}"] for l in range(1, order + 1)]
    else:
        gain = ring.constant(phi.critical_variance_gain)
        halves = [ring.constant(phi.even_moment_factor(l)) for l in range(order + 1)]
    ratios = [one, one, *(variable[f"r{l}"] for l in range(2, order + 1))] if "r2" in variable else None
    return ShapeNumbers(one, u, [one - fmpq(i) * u for i in range(order)], gain, halves, ratios)


def _augmented(partition: Partition) -> str:
    return f"\\bar A_{{{','.join(map(str, partition))}}}"


def _line(left: str, terms: dict[Partition, fmpq_mpoly], symbols: dict[str, str]) -> str:
    from theory.sympy_bridge import latex

    pieces = []
    for source, entry in terms.items():
        coefficient = latex(entry, symbols)
        if not source:
            pieces.append(coefficient)
        elif coefficient == "1":
            pieces.append(_augmented(source))
        else:
            pieces.append(f"\\left({coefficient}\\right) {_augmented(source)}")
    return f"{left} &= {' + '.join(pieces)}"
