"""Polynomials of the kernel at numbers of a layer."""

from __future__ import annotations

from collections.abc import Mapping

from flint import fmpq

from proofs_check.kernel.polynomial import Polynomial
from theory.reals import Number

__all__ = ["value_at"]


def value_at(text: str, given: Mapping[str, Number]) -> Number:
    """The polynomial in the text with its variables replaced.

    >>> value_at("1 + 5*u", {"u": fmpq(1, 10)})
    3/2
    """
    total: Number = fmpq(0)
    for monomial, coefficient in Polynomial.of(text).terms.items():
        term: Number = fmpq(coefficient.numerator, coefficient.denominator)
        for name, power in monomial:
            term *= given[name] ** power
        total += term
    return total
