"""Symmetric weight laws with unit variance, known by their exact even moments.

A law here is what the theory needs of it: m_{2r} = E w^{2r} for the standardised weight w
(E w^2 = 1), THEORY.md section 1. Drawing from a law is the business of `simulate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import ClassVar, TypeAlias

from flint import fmpq

from theory.errors import SpecError, unknown_name
from theory.finite_laws import FiniteLaw, finite_law
from theory.law import Law
from theory.orthogonal import Orthogonal
from theory.rationals import rational
from theory.reals import Number, TruncatedNormalMoment

__all__ = [
    "LAW_NAMES",
    "FiniteLaw",
    "Laplace",
    "Law",
    "LawLike",
    "Normal",
    "Orthogonal",
    "Rademacher",
    "StudentT",
    "TruncatedNormal",
    "Uniform",
    "as_law",
    "finite_law",
    "independent_law",
]


@dataclass(frozen=True)
class Normal(Law):
    """The standard normal law: m_{2r} = (2r - 1)!!.

    >>> [int(Normal().even_moment(r).p) for r in range(5)]
    [1, 1, 3, 15, 105]
    """

    name: ClassVar[str] = "normal"

    def even_moment(self, half_order: int) -> fmpq:
        return fmpq(factorial(2 * half_order), 2**half_order * factorial(half_order))


@dataclass(frozen=True)
class Uniform(Law):
    """Uniform on [-sqrt 3, sqrt 3]: m_{2r} = 3^r / (2r + 1).

    >>> Uniform().kurtosis
    9/5
    """

    name: ClassVar[str] = "uniform"

    def even_moment(self, half_order: int) -> fmpq:
        return fmpq(3**half_order, 2 * half_order + 1)


@dataclass(frozen=True)
class Rademacher(Law):
    """Fair signs: every even moment is 1, the smallest kurtosis there is."""

    name: ClassVar[str] = "rademacher"

    def even_moment(self, half_order: int) -> fmpq:
        return fmpq(1)


@dataclass(frozen=True)
class Laplace(Law):
    """The two-sided exponential law of scale 1/sqrt 2: m_{2r} = (2r)! / 2^r.

    >>> Laplace().kurtosis
    6
    """

    name: ClassVar[str] = "laplace"

    def even_moment(self, half_order: int) -> fmpq:
        return fmpq(factorial(2 * half_order), 2**half_order)


@dataclass(frozen=True)
class StudentT(Law):
    """Student's t with `degrees_of_freedom` > 2, scaled to variance one.

    m_{2r} = (df - 2)^r prod_{i=1..r} (2i - 1)/(df - 2i), finite for 2r < df only.

    >>> StudentT(fmpq(5)).kurtosis, StudentT(fmpq(5)).finite_half_order
    (9, 2)
    """

    degrees_of_freedom: fmpq

    def __post_init__(self) -> None:
        if self.degrees_of_freedom <= 2:
            raise SpecError(
                f"student_t:{self.degrees_of_freedom} has no finite variance to standardise; "
                "give more than 2 degrees of freedom, such as student_t:5"
            )

    @property
    def name(self) -> str:
        return f"student_t:{self.degrees_of_freedom}"

    @property
    def finite_half_order(self) -> int:
        return int((self.degrees_of_freedom / 2).ceil()) - 1

    def even_moment(self, half_order: int) -> fmpq:
        if not self.has_moment(half_order):
            raise SpecError(f"{self.name} has an infinite moment of order {2 * half_order}")
        moment, df = fmpq(1), self.degrees_of_freedom
        for i in range(1, half_order + 1):
            moment *= (df - 2) * fmpq(2 * i - 1) / (df - 2 * i)
        return moment


@dataclass(frozen=True)
class TruncatedNormal(Law):
    """A normal law cut off at `cut` of its own standard deviations, then scaled to variance one.

    Its moments are irrational and come as balls at the precision of the current flint context.

    >>> TruncatedNormal(fmpq(2)).kurtosis.str(10, radius=False)
    '2.365536717'
    """

    cut: fmpq

    def __post_init__(self) -> None:
        if self.cut <= 0:
            raise SpecError(f"truncated_normal:{self.cut} keeps nothing; the cut must be positive, such as 2")
        if not fmpq(1, 10**6) <= self.cut <= 10**6:
            raise SpecError("the cut of truncated_normal must be from 1e-6 to 1e6 standard deviations")

    @property
    def name(self) -> str:
        return f"truncated_normal:{self.cut}"

    @property
    def raw_variance(self) -> TruncatedNormalMoment:
        """E X^2 of the standard normal law cut off, before scaling."""
        return TruncatedNormalMoment(self.cut, 1)

    def even_moment(self, half_order: int) -> Number:
        if half_order <= 1:
            return fmpq(1)
        raw = TruncatedNormalMoment(self.cut, half_order).enclosure()
        return raw / self.raw_variance.enclosure() ** half_order


LawLike: TypeAlias = Law | str

_PLAIN: dict[str, Callable[[], Law]] = {
    "normal": Normal,
    "uniform": Uniform,
    "rademacher": Rademacher,
    "laplace": Laplace,
    "orthogonal": Orthogonal,
}
LAW_NAMES = (*_PLAIN, "student_t:DF", "truncated_normal:CUT", "finite:V:P,V:P,...")
_MAX_POINTS = 1_000


def as_law(law: LawLike) -> Law:
    """A law from its name on the command line, or the law itself.

    >>> as_law("uniform"), as_law("student_t:7").name
    (Uniform(), 'student_t:7')
    """
    if isinstance(law, Law):
        return law
    if not isinstance(law, str):
        raise SpecError(f"a weight law is a name such as 'normal' or a Law, not {law!r}")
    return _parse(law.strip())


def independent_law(law: LawLike, use: str) -> Law:
    """A law as `as_law` reads it; `SpecError` where its entries are not independent.

    >>> independent_law("uniform", "a bias")
    Uniform()
    """
    found = as_law(law)
    if not found.independent:
        raise SpecError(
            f"{found.name} is a law of whole matrices; {use} needs one of independent entries, such as normal"
        )
    return found


@cache
def _parse(text: str) -> Law:
    name, colon, parameter = text.partition(":")
    if name in _PLAIN and not colon:
        return _PLAIN[name]()
    if name in _PLAIN:
        raise SpecError(f"the law {name!r} takes no parameter; write {name!r}")
    if name == "student_t":
        if not parameter:
            raise SpecError("student_t needs its degrees of freedom, such as student_t:5")
        return StudentT(rational(parameter, "the degrees of freedom of student_t"))
    if name == "truncated_normal":
        if not parameter:
            raise SpecError(
                "truncated_normal needs its cut in standard deviations, such as truncated_normal:2"
            )
        return TruncatedNormal(rational(parameter, "the cut of truncated_normal"))
    if name == "finite":
        return finite_law(_points(parameter))
    raise unknown_name("weight law", text, LAW_NAMES)


def _points(parameter: str) -> list[tuple[str, str]]:
    pairs = []
    if (count := parameter.count(",") + 1) > _MAX_POINTS:
        raise SpecError(
            f"a finite law in words has at most {_MAX_POINTS:,} points, not {count:,}; finite_law takes more"
        )
    for item in parameter.split(","):
        value, colon, probability = item.partition(":")
        if not colon:
            raise SpecError(
                f"a finite law is written finite:VALUE:PROBABILITY,..., such as "
                f"finite:-1:1/4,0:1/2,1:1/4; {item[:40]!r} is not such a pair"
            )
        pairs.append((value, probability))
    return pairs
