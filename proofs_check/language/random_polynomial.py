"""Polynomials in random quantities (M_1, ..., M_d, EmpVar) with exact or enclosed coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq

from proofs_check.language.errors import CostError
from theory.reals import Number

__all__ = ["Monomial", "RandomPolynomial"]

# Sorted (name, power) pairs, names such as "M[3]" or "EmpVar".
Monomial: TypeAlias = tuple[tuple[str, int], ...]
_MAX_TERMS = 20_000
_MAX_BITS = 2_000_000


@dataclass(frozen=True)
class RandomPolynomial:
    """Coefficients by monomial; () is the constant term."""

    terms: Mapping[Monomial, Number]

    @classmethod
    def of(cls, value: Number) -> RandomPolynomial:
        """A constant."""
        return cls({(): value})

    @classmethod
    def variable(cls, name: str) -> RandomPolynomial:
        """One random quantity."""
        return cls({((name, 1),): fmpq(1)})

    @property
    def is_constant(self) -> bool:
        """Whether no random quantity occurs."""
        return set(self.terms) <= {()}

    @property
    def constant(self) -> Number:
        """The constant term."""
        return self.terms.get((), fmpq(0))

    @property
    def random_name(self) -> str:
        """One random quantity that occurs."""
        return next(name for monomial in self.terms for name, _ in monomial)

    def __add__(self, other: RandomPolynomial) -> RandomPolynomial:
        terms = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            terms[monomial] = terms[monomial] + coefficient if monomial in terms else coefficient
        return RandomPolynomial(terms)

    def __mul__(self, other: RandomPolynomial) -> RandomPolynomial:
        if len(self.terms) * len(other.terms) > _MAX_TERMS:
            raise CostError("a product of random sums has too many terms; write it more simply")
        terms: dict[Monomial, Number] = {}
        for left, a in self.terms.items():
            for right, b in other.terms.items():
                powers = dict(left)
                for name, power in right:
                    powers[name] = powers.get(name, 0) + power
                monomial = tuple(sorted(powers.items()))
                terms[monomial] = terms[monomial] + a * b if monomial in terms else a * b
        return RandomPolynomial(terms)

    def checked(self) -> RandomPolynomial:
        """Itself, unless its constant has grown beyond all use."""
        constant = self.constant
        if isinstance(constant, fmpq) and constant.height_bits() > _MAX_BITS:
            raise CostError(f"a number needs more than {_MAX_BITS:,} bits; use exp and log for such sizes")
        return self

    def power(self, exponent: int) -> RandomPolynomial:
        """The polynomial to a whole power."""
        if self.is_constant:
            constant = self.constant
            if isinstance(constant, fmpq) and constant.height_bits() * exponent > _MAX_BITS:
                raise CostError(f"a power needs more than {_MAX_BITS:,} bits")
            return RandomPolynomial.of(constant**exponent)
        result = RandomPolynomial.of(fmpq(1))
        for _ in range(exponent):
            result = result * self
        return result
