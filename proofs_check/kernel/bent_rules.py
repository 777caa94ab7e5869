"""Rules about residual nets whose branches are ReLU nets, output included (THEORY.md section 5a).

The net: x_l = x_{l-1} + eta_l N_l(x_{l-1}), N_l a fully connected ReLU net of gain 2 without bias, of one
hidden layer or more. The N_l(x)_i are alike and non-negative; C_l(x) = E N_l(x)_1 / sqrt(M(x)), and c_l is
its supremum over x != 0. With normal weights, and for a trunk of one neuron, C_l does not depend on x: a
rotation of x, or its sign, leaves the law of N_l(x) as it is, and N_l is positively homogeneous.
Symbols: e = eta_l, c = c_l; mean(x) = (1/n) sum x_i.

bent_block      for all widths and x: E[M_l | x] = growth M(x) + cross C_l(x) sqrt(M(x)) mean(x) and
                E[mean(x_l) | x] = mean(x) + rise C_l(x) sqrt(M(x)); no entry of x ever decreases.
bent_constant   c_l^2 <= square, for all widths.
bent_bound      E M_L <= (or >=) M_0 prod_l factor; c is what "constant" says: c, which is c_l, or the
                rational which is its square.
bent_mean       E M_L >= mean(x_0)^2 prod_l factor^2 if mean(x_0) >= 0.
bent_single     E M_L = M_0 prod_l factor for a trunk of one neuron, n = 1, and x_0 > 0.
bent_falling    E M_L = M_0 prod_l factor for n = 1, x_0 < 0, and eta_l N_l(1) <= 1 almost surely for all l.
bent_norm       E M_L^k <= M_0^k prod_l (1 + eta_l t_l)^{2k}, t_l^{2k} = prod max(factors) over all layers
                of block l, the output included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.kernel.judgement import Judgement, conclusion_of, same_assumptions
from proofs_check.kernel.layer_facts import is_relu
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.residual_expansion import after_bent_block, power_mean
from proofs_check.kernel.residual_rules import keeps_the_mean
from proofs_check.kernel.shape import require

__all__ = ["RULES", "square_of"]

_C = Polynomial.of("c")
_MEAN_OF_OUTPUT = Polynomial.of("r")
_TRUNKS = (1, 2, 3)


def bent_identity(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E N_i = r and E N_i^2 = M(x) (the premise: outputs alike, their mean square is kept) expand the block.

    Both sides are combinations of M(x), r mean(x) and r, with coefficients free of n; these are
    independent at n = 2, and r = C_l(x) sqrt(M(x)) by definition.
    """
    (kept,) = premises
    claim = conclusion_of(step, "bent_block")
    require(is_relu(claim["given"]) and keeps_the_mean(kept), "the branch is a ReLU net that keeps the mean")
    growth, cross, rise = (Polynomial.of(claim[key]) for key in ("growth", "cross", "rise"))
    require(all(text.variables() <= {"e"} for text in (growth, cross, rise)), "coefficients in e alone")
    for n in _TRUNKS:
        mean, square = power_mean(n), power_mean(n, 2)
        found = after_bent_block(_MEAN_OF_OUTPUT, square, n)
        told = (growth * square + cross * _MEAN_OF_OUTPUT * mean, mean + rise * _MEAN_OF_OUTPUT)
        require(found == told, f"the block does otherwise at n = {n}")
    same_assumptions(claim, kept)


def half_root(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """C_l(x)^2 <= gain/4: N = relu(z), and given the last hidden layer h z is symmetric, E z^2 = gain M(h).

    E relu(z) = E|z|/2 <= sqrt(gain M(h))/2 (Cauchy and Schwarz), E sqrt(M(h)) <= sqrt(E M(h)) = sqrt(M(x))
    (Jensen, and the premise).
    """
    (kept,) = premises
    claim = conclusion_of(step, "bent_constant")
    require(is_relu(claim["given"]) and keeps_the_mean(kept), "the branch is a ReLU net that keeps the mean")
    require(_number(claim["square"]) >= _number(claim["given"]["gain"]) / 4, "c^2 can be larger")
    same_assumptions(claim, kept)


def bent_bound(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """|mean(x)| <= sqrt(M(x)) (Cauchy and Schwarz): E[M_l | x] lies within growth -+ cross c times M(x).

    Below it has to be non-negative: growth - cross c = (e - c)^2 + 1 - c^2 and c^2 <= 1.
    """
    block, limit = premises
    claim = conclusion_of(step, "bent_bound")
    require(block["judgement"] == "bent_block", "the first premise must be about one block")
    signs = {"<=": 1, ">=": -1}
    require(claim["relation"] in signs, "the relation is <= or >=")
    sign = signs[claim["relation"]]
    square = square_of(limit, claim["constant"])
    root = Polynomial.of(1) if square == 1 else _C
    expected = Polynomial.of(block["growth"]) + Polynomial.of(block["cross"]) * root * sign
    require(Polynomial.of(claim["factor"]) == expected, "the factor is growth +- cross*c")
    if sign == -1:
        squares = (Polynomial.of("e") - root) ** 2 + Polynomial.of(1) - root**2
        require(expected == squares and square <= 1, "the lower factor may be negative")
    else:
        require(all(c > 0 for c in expected.terms.values()), "the upper factor may be negative")
    same_assumptions(claim, block)
    same_assumptions(claim, limit)


def rising_mean(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E mean(x_l) >= (1 + rise c) E mean(x_{l-1}), as sqrt(M) >= mean(x), and E M_L >= (E mean(x_L))^2.

    It needs C_l(x) = c_l for all x, which normal weights give; mean(x_0) >= 0 makes all of them so.
    """
    (block,) = premises
    claim = conclusion_of(step, "bent_mean")
    require(block["judgement"] == "bent_block", "the premise must be about one block")
    require(claim["assumes"] == ["normal_weights"], "needs normal_weights and nothing else")
    factor = Polynomial.of(1) + Polynomial.of(block["rise"]) * _C
    require(Polynomial.of(claim["factor"]) == factor, "the factor is 1 + rise*c")
    require(all(c > 0 for c in factor.terms.values()), "the factor may be negative")
    same_assumptions(claim, block)


def single_neuron(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """n = 1 and x_0 > 0: x stays positive, so that mean(x) = sqrt(M(x)) and C_l(x) = c_l in every block."""
    (block,) = premises
    claim = conclusion_of(step, "bent_single")
    require(block["judgement"] == "bent_block", "the premise must be about one block")
    factor = Polynomial.of(block["growth"]) + Polynomial.of(block["cross"]) * _C
    require(Polynomial.of(claim["factor"]) == factor, "the factor is growth + cross*c")
    same_assumptions(claim, block)


def falling_neuron(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """n = 1, x_0 < 0 and eta_l N_l(1) <= 1: x stays at most 0, mean(x) = -sqrt(M(x)) and C_l(x) = c_l.

    For x < 0 N_l(x) has the law of |x| N_l(1), so that x + eta_l N_l(x) <= 0.
    """
    (block,) = premises
    claim = conclusion_of(step, "bent_falling")
    require(block["judgement"] == "bent_block", "the premise must be about one block")
    factor = Polynomial.of(block["growth"]) - Polynomial.of(block["cross"]) * _C
    require(Polynomial.of(claim["factor"]) == factor, "the factor is growth - cross*c")
    same_assumptions(claim, block)


def norm_sum(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Minkowski in L^{2k}: the norm of |x + eta N(x)|/sqrt(n) given x is at most sqrt(M(x)) (1 + eta t).

    E[(|N(x)|^2/n)^k | x] <= t^{2k} M(x)^k is the premise, on the branch as a fully connected net.
    """
    (growth,) = premises
    claim = conclusion_of(step, "bent_norm")
    require(is_relu(claim["given"]), "the branch is a ReLU net")
    require((growth["judgement"], growth["relation"]) == ("bound", "<="), "E M^k of the branch from above")
    require(growth["order"] == claim["order"], "the orders differ")
    require(growth["factors"] == claim["factors"], "the branch is bounded by other factors")
    same_assumptions(claim, growth)


RULES = (bent_identity, half_root, bent_bound, rising_mean, single_neuron, falling_neuron, norm_sum)


def square_of(limit: Judgement, constant: str) -> Fraction:
    """An upper bound on c^2: the constant itself, at least what the premise allows, or the premise's."""
    require(limit["judgement"] == "bent_constant", "a premise must bound the constants of the blocks")
    least = _number(limit["square"])
    square = least if constant == "c" else _number(constant)
    require(square >= least, "the constant is smaller than the blocks' constants may be")
    return square


def _number(text: str) -> Fraction:
    terms = Polynomial.of(text).terms
    require(set(terms) <= {()}, "a number is needed here")
    return terms.get((), Fraction(0))
