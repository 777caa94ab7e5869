"""Rules about one convolutional layer given the layer before: channels, and pairs of positions.

Judgements; the layer has c channels in G groups at P positions, no bias, and x, x' are the patches that
two positions see; u = 1/c, h = G, p = 1/P, b = c2/c1^2 - 1, the skewness of phi(t)^2 (1 for ReLU):

channel_spread   E[M_j^2 | a_{j-1}] = E[M_j | a_{j-1}]^2 + factor(u) W, where W is the mean over groups of
                 Var(mean over positions of phi(z_p)^2) for one channel; and so for any weights over the
                 positions in place of 1/P, the same in M_j and in W.
pair_covariance  Cov(z^2, z'^2) = v^2 (square <x, x'>^2 + fourth sum_e x_e^2 x'_e^2), v = Var of a weight.
pair_kernel      under normal_weights Cov(phi(z)^2, phi(z')^2) = E phi(z)^2 E phi(z')^2 K(r), r the
                 correlation of z and z', s = sqrt(1 - r^2), a = asin r, i = 1/pi; so
                 W = (1/(G P^2)) sum over groups, positions p, p' of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from proofs_check.kernel.judgement import (
    Judgement,
    assumed_variables,
    conclusion_of,
    layer_model,
    same_assumptions,
)
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.shape import require

__all__ = ["RULES", "without_biases"]

_TWO = range(2)
_MAX_DEGREE = 8


def channel_identity(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """Channels are independent given a_{j-1}, those of a group alike; M_j^2 is a sum over pairs of channels.

    Checked with symbols for e = E phi(z_p)^2, s = E phi(z_p)^2 phi(z_p')^2 and the weights w of positions.
    Two groups and two positions show every kind of pair; times k^2 (or k^degree) both sides are polynomials
    in k, the channels of a group, so that many k settle the factor as a polynomial in u. It is then u: a
    share 1/c of all pairs are pairs of one channel with itself, for any number of groups and positions.
    """
    require(not premises, "this rule rests on nothing")
    claim = conclusion_of(step, "channel_spread")
    without_biases(claim)
    factor = Polynomial.of(claim["factor"])
    require(factor.variables() <= {"u"}, "the factor is a polynomial in u")
    numbers = {k for groups, k in step.get("widths", []) if groups == 2 and 1 <= k <= 12}
    needed = max(2, factor.degree("u")) + 1
    require(len(numbers) >= needed, f"two groups of {needed} different sizes are needed")
    for k in sorted(numbers):
        share = factor.substitute("u", Polynomial.of(Fraction(1, 2 * k)))
        require(_second_moment(k) == _mean() ** 2 + share * _spread(), f"differs at {k} channels a group")


def pair_identity(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """E z^2 z'^2 - E z^2 E z'^2 for z = sum w_e x_e, z' = sum w_e x'_e, over all index tuples.

    Weights are independent and symmetric, so a monomial has two different indices at most, and
    patches of two entries show all of them.
    """
    require(not premises, "this rule rests on nothing")
    claim = conclusion_of(step, "pair_covariance")
    without_biases(claim)
    require(set(claim["coefficients"]) == {"square", "fourth"}, "the coefficients are square and fourth")
    square, fourth = (Polynomial.of(claim["coefficients"][key]) for key in ("square", "fourth"))
    known = assumed_variables(claim["given"])
    require((square.variables() | fourth.variables()) <= known, "a coefficient uses an unknown variable")
    moments = layer_model(claim).weights
    require(len(moments) > 2, "the fourth moment of a weight is needed")
    inner = [_variable("x", e) * _variable("y", e) for e in _TWO]
    right = square * _sum(inner) ** 2 + fourth * _sum([xy**2 for xy in inner])
    require(_covariance_of_squares(moments) == right, "the covariance is another")


def price(step: Mapping[str, Any], premises: Sequence[Judgement]) -> None:
    """K = 2 r^2 + b C(r), where C(0) = 0, C'(0) = 8/pi and C'' = (8/pi) asin r.

    phi(t)^2 = A t^2 + B t|t| with b = (B/A)^2, and the mixed covariances are odd under z -> -z, so 0.
    Standard normal z, z' of correlation r: Cov(z^2, z'^2) = 2 r^2 is the premise. C = E z|z| z'|z'|:
    derivatives in r are those of both functions under the mean (Price 1958), so C' = 4 E|z z'|, which is
    8/pi at r = 0, and C'' = 4 E sgn z sgn z' = (8/pi) asin r (Sheppard 1899); C(0) = 0 by symmetry.
    Checked: these three, in polynomials in r, s, a with a' = 1/s, s' = -r/s and s^2 = 1 - r^2.
    """
    channels, pair = premises
    claim = conclusion_of(step, "pair_kernel")
    require(channels["judgement"] == "channel_spread", "the first premise is about channels")
    require(pair["judgement"] == "pair_covariance", "the second premise is about pairs of positions")
    require(claim["assumes"] == ["normal_weights"], "needs normal_weights and nothing else")
    require(claim["given"]["weights"][:2] == ["1", "3"], "normal weights have kurtosis 3")
    even = Polynomial.of(pair["coefficients"]["square"]) * Polynomial.of("r^2")
    require(Polynomial.of(pair["coefficients"]["fourth"]).terms == {}, "normal weights have no such term")
    found = Polynomial.of(claim["kernel"])
    require(found.variables() <= {"r", "s", "a", "b", "i"}, "the kernel uses an unknown variable")
    low = all(found.degree(name) <= _MAX_DEGREE for name in found.variables())
    require(low, "the degree is too large")
    require(found.substitute("b", Polynomial({})) == even, "the even part is another")
    odd = (found - even).substitute("b", Polynomial.of(1))
    require(found == even + odd * Polynomial.of("b"), "the kernel is linear in b")
    slope = _derivative(odd)
    require(_at_zero(odd).terms == {}, "C(0) is not 0")
    require(_at_zero(slope) == Polynomial.of("8*i"), "C'(0) is not 8/pi")
    require(_vanishes(_derivative(slope) - Polynomial.of("8*i*a")), "C'' is not (8/pi) asin r")
    same_assumptions(claim, channels)
    same_assumptions(claim, pair)


RULES = (channel_identity, pair_identity, price)


def without_biases(claim: Judgement) -> None:
    """Convolutions have none."""
    silent = all(not Polynomial.of(text).terms for text in claim["given"]["biases"])
    require(silent, "convolutional layers have no bias")


def _mean() -> Polynomial:
    """E of the length: the mean over two groups of sums over two positions, weighted."""
    terms = [_weight(p) * _mean_square(g, p) for g in _TWO for p in _TWO]
    return _sum(terms) * Fraction(1, 2)


def _second_moment(k: int) -> Polynomial:
    """E of its square for two groups with k channels each, pair by pair of neurons."""
    neurons = list(product(_TWO, range(k), _TWO))
    pairs = Counter((g, p, o, r, (g, i) == (o, l)) for (g, i, p), (o, l, r) in product(neurons, repeat=2))
    total = Polynomial({})
    for (g, p, o, r, same), count in pairs.items():
        moment = _pair_moment(g, p, r) if same else _mean_square(g, p) * _mean_square(o, r)
        total = total + _weight(p) * _weight(r) * moment * count
    return total * Fraction(1, (2 * k) ** 2)


def _spread() -> Polynomial:
    """W: the mean over groups of the variance of one channel's weighted sum."""
    terms = [
        _weight(p) * _weight(r) * (_pair_moment(g, p, r) - _mean_square(g, p) * _mean_square(g, r))
        for g, p, r in product(_TWO, repeat=3)
    ]
    return _sum(terms) * Fraction(1, 2)


def _weight(p: int) -> Polynomial:
    return _variable("w", p)


def _mean_square(g: int, p: int) -> Polynomial:
    return Polynomial.of(f"e{g}{p}")


def _pair_moment(g: int, p: int, r: int) -> Polynomial:
    return Polynomial.of(f"s{g}{min(p, r)}{max(p, r)}")


def _variable(letter: str, e: int) -> Polynomial:
    return Polynomial.of(f"{letter}{e}")


def _sum(terms: Sequence[Polynomial]) -> Polynomial:
    return sum(terms, Polynomial({}))


def _covariance_of_squares(moments: Sequence[Polynomial]) -> Polynomial:
    """Over all (e, f, g, h): E w_e w_f w_g w_h x_e x_f x'_g x'_h less the product of the means."""
    total = Polynomial({})
    for indices in product(_TWO, repeat=4):
        joint, apart = (_expectation(moments, parts) for parts in ([indices], [indices[:2], indices[2:]]))
        e, f, g, h = indices
        entries = [_variable("x", e), _variable("x", f), _variable("y", g), _variable("y", h)]
        total = total + (joint - apart) * prod(entries, start=Polynomial.of(1))
    return total


def _expectation(moments: Sequence[Polynomial], parts: Sequence[tuple[int, ...]]) -> Polynomial:
    """The product over the parts of E prod w_e."""
    powers = [count for part in parts for count in Counter(part).values()]
    if any(power % 2 for power in powers):
        return Polynomial({})
    return prod((moments[power // 2] for power in powers), start=Polynomial.of(1))


# v = 1/s.
_DERIVATIVES = {"r": "1", "s": "-r*v", "v": "r*v^3", "a": "v"}


def _derivative(polynomial: Polynomial) -> Polynomial:
    """By r, with s = sqrt(1 - r^2), v = 1/s and a = asin r."""
    total = Polynomial({})
    for monomial, coefficient in polynomial.terms.items():
        powers = dict(monomial)
        for name in set(powers) & set(_DERIVATIVES):
            lowered = {**powers, name: powers[name] - 1}
            rest = Polynomial({tuple(sorted((n, e) for n, e in lowered.items() if e)): coefficient})
            total = total + rest * powers[name] * Polynomial.of(_DERIVATIVES[name])
    return total


def _at_zero(polynomial: Polynomial) -> Polynomial:
    for name, value in (("r", 0), ("a", 0), ("s", 1), ("v", 1)):
        polynomial = polynomial.substitute(name, Polynomial.of(value))
    return polynomial


def _vanishes(polynomial: Polynomial) -> bool:
    """Whether it is 0 on (-1, 1): times a power of s no v is left, and s^2 = 1 - r^2."""
    top, total = polynomial.degree("v"), Polynomial({})
    for monomial, coefficient in polynomial.terms.items():
        powers = dict(monomial)
        roots = top + powers.pop("s", 0) - powers.pop("v", 0)
        rest = Polynomial({tuple(sorted(powers.items())): coefficient})
        total = total + rest * Polynomial.of("1 - r^2") ** (roots // 2) * Polynomial.of("s") ** (roots % 2)
    return not total.terms
