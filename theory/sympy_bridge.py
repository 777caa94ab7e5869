"""The one door to SymPy, which has no type stubs: exact polynomials out for display.

Nothing is computed in SymPy; flint polynomials are factored here and handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import sympy
from flint import fmpq, fmpq_mpoly

__all__ = ["combination", "latex", "to_sympy"]


def to_sympy(polynomial: fmpq_mpoly, symbols: Mapping[str, str]) -> Any:
    """The factored polynomial as a SymPy expression; `symbols` maps variables to symbols."""
    constant, factors = polynomial.factor()
    pieces = [_rational(constant)] + [_expanded(f, symbols) ** int(e) for f, e in factors]
    return reduce(lambda a, b: a * b, pieces)


def latex(polynomial: fmpq_mpoly, symbols: Mapping[str, str]) -> str:
    """The factored polynomial in LaTeX."""
    text: str = sympy.latex(to_sympy(polynomial, symbols), order="rev-lex")
    return text


def combination(terms: Mapping[tuple[int, ...], fmpq_mpoly], symbols: Mapping[str, str]) -> Any:
    """The sum of polynomials times A_p, one symbol for each partition p; 1 for the empty one."""
    total = sympy.Integer(0)
    for parts, polynomial in terms.items():
        name = "A_" + "_".join(map(str, parts))
        total += to_sympy(polynomial, symbols) * (sympy.Symbol(name) if parts else 1)
    return total


def _expanded(polynomial: fmpq_mpoly, symbols: Mapping[str, str]) -> Any:
    names = polynomial.context().names()
    variables = [_variable(symbols[name]) for name in names]
    total = sympy.Integer(0)
    for exponents, coefficient in polynomial.to_dict().items():
        powers = (v ** int(e) for v, e in zip(variables, exponents, strict=True))
        total += reduce(lambda a, b: a * b, powers, _rational(coefficient))
    return total


def _variable(name: str) -> Any:
    """A symbol, or the reciprocal of one when the name is written 1/NAME."""
    if name.startswith("1/"):
        return 1 / sympy.Symbol(name[2:], positive=True)
    return sympy.Symbol(name, positive=True)


def _rational(number: fmpq) -> Any:
    return sympy.Rational(int(number.p), int(number.q))
