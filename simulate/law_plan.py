"""A weight law as the plain numbers that its kernel reads: parameters, and the scale of its draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import lcm
from typing import Any

import numpy as np
from flint import arb, fmpq

from simulate.networks import laws_in_use
from simulate.truncated_normal import CUT_OF_NARROW, narrow_parameters, singles, truncated_parameters
from theory.laws import FiniteLaw, Laplace, Law, Normal, Rademacher, StudentT, TruncatedNormal, Uniform
from theory.reals import as_float
from theory.spec import Network

__all__ = ["LawPlan", "law_plan", "tail_is_cut"]


@dataclass(frozen=True)
class LawPlan:
    """Which kernel draws the law, its parameters, and the scale that makes the variance one."""

    kernel: str
    scale: float
    parameters: tuple[Any, ...] = ()


@cache
def law_plan(law: Law) -> LawPlan:
    """The plan of a weight law.

    >>> law_plan(Normal()).kernel, round(law_plan(Normal()).scale ** 2 / math.log(2), 12)
    ('normal', 2.0)
    """
    return _LAWS[type(law)](law)


def _truncated(law: TruncatedNormal) -> LawPlan:
    scale = 1 / math.sqrt(as_float(law.raw_variance.enclosure()))
    cut = as_float(law.cut)
    if cut <= CUT_OF_NARROW:
        return LawPlan("narrow_normal", scale, narrow_parameters(cut))
    return LawPlan("truncated_normal", scale, truncated_parameters(cut))


def _student(law: StudentT) -> LawPlan:
    df = as_float(law.degrees_of_freedom)
    return LawPlan("student_t", math.sqrt(as_float(law.degrees_of_freedom - 2)), singles(2 / df))


def _finite(law: FiniteLaw) -> LawPlan:
    """Values, whole numbers where single precision holds them, and the counts of 2^-64 below each."""
    unit = fmpq(1, lcm(*(int(v.q) for v, _ in law.points)))
    if max(abs(v / unit) for v, _ in law.points) > 2**24:
        unit = max(abs(v) for v, _ in law.points)
    variance = sum((v * v * p for v, p in law.points), fmpq(0)) / unit**2
    values = np.array([as_float(v / unit) for v, _ in law.points], np.float32)
    total, thresholds = fmpq(0), []
    for _, probability in law.points[:-1]:
        total += probability
        thresholds.append(int((total * 2**64).floor()))
    scale = as_float(1 / arb(variance).sqrt())
    return LawPlan("finite", scale, (values, np.array(thresholds, np.uint64)))


_LAWS: dict[type[Law], Callable[[Any], LawPlan]] = {
    Normal: lambda law: LawPlan("normal", math.sqrt(2 * math.log(2))),
    # 2^16 equally spaced values, scaled to variance one exactly.
    Uniform: lambda law: LawPlan("uniform", math.sqrt(12 / (2**32 - 1)) * 2.0**-16),
    Rademacher: lambda law: LawPlan("rademacher", 1.0),
    Laplace: lambda law: LawPlan("laplace", math.log(2) / math.sqrt(2)),
    StudentT: _student,
    TruncatedNormal: _truncated,
    FiniteLaw: _finite,
}


def tail_is_cut(network: Network, half_order: int) -> bool:
    """Whether the 47 bits of a Student radius lose a thousandth of E w^(2 half_order) or more.

    The lost part is about 2^(-48 (1 - 2 half_order/df)) of the moment.

    >>> from theory.network import FullyConnected
    >>> tail_is_cut(FullyConnected([2, 2], weights="student_t:5"), 2)
    True
    >>> tail_is_cut(FullyConnected([2, 2], weights="student_t:9"), 2)
    False
    """
    laws = set(laws_in_use(network))
    degrees = [as_float(law.degrees_of_freedom) for law in laws if isinstance(law, StudentT)]
    return any(48 * (1 - 2 * half_order / df) < math.log2(1000) for df in degrees)
