"""Rules about residual nets with linear branch output (THEORY.md section 5b).

The net: x_l = x_{l-1} + eta_l y, y = V h / sqrt(m) with h the last hidden layer, of width m, of a fully
connected net that starts at x_{l-1}. V has the law of its block's weights and mean square 1/m; the hidden
layers, 1 or more, are those of "given". M_l = |x_l|^2/n. Symbols: u = 1/n, e = eta_l, m4 the kurtosis of
block l; p and s stand for what a judgement says they do.

block           for all widths, x and h: E[M_l^k | x, h] is the sum over partitions q of
                terms[q] M(x)^{k-|q|} A_q(h), A_q the normalised augmented moments of h.
block_product   E M_L^k = M_0^k prod_l factor, p = prod_i branch(1/m_{l,i}) over the hidden layers.
block_bound     E M_L^k <= (or >=) M_0^k prod_l factor, s the max (or min) of spreads and
                p = prod_i max (or min) of branches(1/m_{l,i}).
block_growth    E M_L <= M_0 exp(sum_l rate).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.expansion import augmented_of_input
from proofs_check.kernel.judgement import (
    Judgement,
    assumed_variables,
    conclusion_of,
    length_coefficients,
    read_partition,
    same_assumptions,
)
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.residual_expansion import after_linear_block, power_mean
from proofs_check.kernel.shape import require

__all__ = ["RULES", "keeps_the_mean"]

_MAX_ORDER = 3
_ONE = Polynomial.of(1)
_BRANCH = Polynomial.of("p")


def block_identity(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """A block judgement holds for all widths because it holds at enough whole widths.

    n: multiply out over equal and distinct indices. Entries that y alone occupies are summed freely; of
    r distinct indices with a of them kept by x, what is left over gives the normalised A_q(x) times
    n^{-(k-|q|)} (n - a)...(n - r + 1), r - a <= k - |q|: a polynomial in u of degree at most k - 1. At
    n >= k the A_q(x), |q| <= k, are linearly independent, so max(k - 1, degree of the right side) + 1
    widths n >= k settle it. m: its powers cancel in the A_q(h), so one m >= k settles all.
    """
    claim = conclusion_of(step, "block")
    require(not premises, "this rule rests on nothing")
    order = claim["order"]
    require(1 <= order <= _MAX_ORDER, f"the order must be 1 to {_MAX_ORDER}")
    weights = [_ONE, *(Polynomial.of(text) for text in claim["given"]["weights"])]
    require(len(weights) > order, "the order needs more moments of the weights")
    require(weights[1] == _ONE, "weights are standardised: E v^2 = 1")
    terms = _terms(claim)
    known = {"u", "e"} | assumed_variables(claim["given"])
    require(all(t.variables() <= known for t in terms.values()), "a term uses an unknown variable")
    require(all(sum(parts) <= order for parts in terms), "a partition beyond the order")
    degree = max([order - 1, *(term.degree("u") for term in terms.values())])
    points = {(m, n) for m, n in step["widths"]}
    require(all(order <= m <= 6 and order <= n <= 6 for m, n in points), "widths from the order to 6")
    require(len({n for _, n in points}) > degree, f"degree {degree} in u needs {degree + 1} widths")
    for m, n in sorted(points):
        left, right = after_linear_block(weights, order, m, n), Polynomial({})
        for parts, term in terms.items():
            at_width = term.substitute("u", Polynomial.of(Fraction(1, n)))
            right = right + at_width * power_mean(n) ** (order - sum(parts)) * augmented_of_input(parts, m)
        require(left == right, f"terms differ at m = {m}, n = {n}")


def block_product(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E[M_l^k | x] is a multiple of M(x)^k once the hidden layers give E[M(h)^j | x] as one.

    For each j the terms of the partitions of j are one multiple of the coefficients of M(h)^j. The first
    moments of the branch's lengths are kept (premise 2); from j = 2 on the premise of order k gives p.
    """
    block, first, *others = premises
    claim = conclusion_of(step, "block_product")
    order = claim["order"]
    require(block["judgement"] == "block" and block["order"] == order, "the first premise is no such block")
    require(keeps_the_mean(first), "the branch must keep the mean length")
    require(order <= 2 and len(others) == order - 1, "one premise on the branch for each power")
    terms = _terms(block)
    factor, branch = _multiple(terms, 0) + _multiple(terms, 1), "1"
    for growth in others:
        require((growth["judgement"], growth["order"]) == ("product", 2), "the branch's E M^2 as a product")
        factor, branch = factor + _multiple(terms, 2) * _BRANCH, growth["factor"]
    require(factor == Polynomial.of(claim["factor"]), "the factor is not what the premises give")
    require(Polynomial.of(branch) == Polynomial.of(claim["branch"]), "the branch grows otherwise")
    for premise in premises:
        same_assumptions(claim, premise)


def block_bound(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Order 2: the terms in A_11(h) and A_2(h) are lead times spread, a weighted mean of which is at most
    lead max(spread) M(h)^2, and E[M(h)^2 | x] is bounded by the premise on the branch.

    All that multiplies moments is non-negative, so that bounds multiply up over blocks.
    """
    block, first, growth = premises
    claim = conclusion_of(step, "block_bound")
    kind = {"<=": "max", ">=": "min"}.get(claim["relation"])
    require(list(claim["spreads"]) == [kind] == list(claim["branches"]), "<= takes the max, >= the min")
    require((block["judgement"], block["order"], claim["order"]) == ("block", 2, 2), "a block of order 2")
    require(keeps_the_mean(first), "the branch must keep the mean length")
    require((growth["judgement"], growth["order"]) == ("bound", 2), "the branch's E M^2 must be bounded")
    require(growth["relation"] == claim["relation"], "the relations differ")
    require(growth["factors"] == claim["branches"], "the branch is bounded by other factors")
    spreads, terms = [Polynomial.of(text) for text in claim["spreads"][kind]], _terms(block)
    factor = Polynomial.of(claim["factor"])
    rest = factor.substitute("s", Polynomial({}))
    require(rest == _multiple(terms, 0) + _multiple(terms, 1), "the terms without spread differ")
    lead = (factor - rest).substitute("s", _ONE).substitute("p", _ONE)
    require(factor - rest == lead * _BRANCH * Polynomial.of("s"), "the factor is rest + lead*s*p")
    ratios = {p: terms.get(p, Polynomial({})) * Fraction(1, c) for p, c in length_coefficients(2).items()}
    require(all(any(r == lead * s for s in spreads) for r in ratios.values()), "a term is no lead*spread")
    require(all(any(r == lead * s for r in ratios.values()) for s in spreads), "a spread without a term")
    require(all(_non_negative(part) for part in (rest, lead, *spreads)), "a factor may be negative")
    for premise in premises:
        same_assumptions(claim, premise)


def block_growth(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """1 + r <= e^r in every block."""
    (product,) = premises
    claim = conclusion_of(step, "block_growth")
    require((product["judgement"], product["order"]) == ("block_product", 1), "the premise must give E M_L")
    rate = Polynomial.of(product["factor"]) - _ONE
    require(rate == Polynomial.of(claim["rate"]) and _non_negative(rate), "the rate is factor - 1 >= 0")
    same_assumptions(claim, product)


RULES = (block_identity, block_product, block_bound, block_growth)


def keeps_the_mean(premise: Judgement) -> bool:
    """Whether it says E M_d = M_0 of fully connected nets without bias."""
    return (
        premise["judgement"] == "product"
        and premise["order"] == 1
        and Polynomial.of(premise["factor"]) == _ONE
    )


def _terms(block: Judgement) -> dict[tuple[int, ...], Polynomial]:
    read = {read_partition(p): Polynomial.of(text) for p, text in block["terms"].items()}
    return {p: term for p, term in read.items() if term.terms}


def _multiple(terms: Mapping[tuple[int, ...], Polynomial], j: int) -> Polynomial:
    """The c with sum of terms[q] A_q(h) over |q| = j equal to c M(h)^j."""
    ways = length_coefficients(j)
    ratio, *others = [terms.get(p, Polynomial({})) * Fraction(1, c) for p, c in ways.items()]
    require(all(other == ratio for other in others), f"the terms of order {j} are no multiple")
    return ratio


def _non_negative(polynomial: Polynomial) -> bool:
    """Non-negative for u, e >= 0 and kurtosis m4 >= 1: no coefficient is negative after m4 = 1 + t."""
    shifted = polynomial.substitute("m4", Polynomial.of("1 + t"))
    return shifted.variables() <= {"u", "e", "t"} and all(c >= 0 for c in shifted.terms.values())
