"""Many inputs and random ones: M_d/M_0 has one law for normal weights, and not for others (THEORY.md 8).

The witnesses are a layer of one neuron with weights +-1 that sees (1, 0) or (1, 1): a single sign, or a sum
of two that may be 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from flint import fmpq

from proofs_check import gradient_oracle, oracle
from proofs_check.checks.paired import paired
from proofs_check.checks.witness import witnessed
from proofs_check.claim import Claim
from proofs_check.moment_sources import PowerSumMoments, RecursionMoments
from proofs_check.statistics import LEVEL
from proofs_check.verdict import Evidence
from simulate.many_inputs import joint_lengths
from theory.data_sets import expected_above
from theory.laws import Law, LawLike, as_law
from theory.network import FullyConnected
from theory.readings.exact import length_moments
from theory.reals import Number

__all__ = [
    "data_set_simulated",
    "exceedances_by_input",
    "lengths_by_input",
    "same_moments",
    "zero_with_atoms",
]

_Vector: TypeAlias = tuple[int, ...]

_INPUTS = ((1, 1, 1), (1, 0, 0), (0, -5, 0), (1, -2, 3))
_SHAPES = ((3, 2), (3, 1, 4), (3, 4, 2, 2))
_DATA = np.array([[1, 1, 1], [2, 2, 2], [-1, -1, -1], [1, 1, 1.01], [1, 0, 0], [0, -5, 0], [1, -2, 3]])
_NETWORK, _THRESHOLDS = (3, 4, 5, 3), (0.1, 1.0, 3.0)
_SAMPLES, _SEED = 8_192, 20180308
_ONE_HOT, _ONES, _OPPOSITE = (1, 0), (1, 1), (1, -1)
_SIGNS = as_law("rademacher")


def same_moments(claim: Claim) -> list[Evidence]:
    """E M_d^k/M_0^k, k up to 4, of several inputs, by two routes; for uniform weights they differ."""
    (law,) = claim.family.representatives()
    sources: tuple[_Source, ...] = (RecursionMoments, PowerSumMoments)
    holds = all(_one_value(law, source) for source in sources)
    noticed = not any(_one_value(as_law("uniform"), source) for source in sources)
    detail = f"E M_d^k/M_0^k, k = 1..4, alike for {len(_INPUTS)} inputs of {len(_SHAPES)} nets, two routes"
    return paired("recursion", holds, detail, noticed, "uniform weights")


def data_set_simulated(claim: Claim) -> list[Evidence]:
    """Numbers of dependent inputs beyond t of their length, on explicit networks that all inputs share."""
    found = joint_lengths(FullyConnected(_NETWORK), _DATA, _SAMPLES, _SEED)
    counts = [found.exceedances(t) for t in _THRESHOLDS]
    values = [_p_values(counts, widths) for widths in (_NETWORK, _NETWORK[:-1])]
    figures = {"p_values": values[0], "level": LEVEL, "samples": _SAMPLES, "seed": _SEED}
    level = LEVEL / len(_THRESHOLDS)
    detail = f"{len(_DATA)} inputs of {_SAMPLES:,} networks: p = {min(values[0]):.3g} at worst"
    holds, noticed = min(values[0]) >= level, min(values[1]) < level
    return paired("simulation", holds, detail, noticed, "the law of a layer less", figures)


def exceedances_by_input(claim: Claim) -> list[Evidence]:
    """Weights +-1: the expected number beyond 2 M_0 of (1, 0) and (1, 1) is not 2 P for the P of either."""
    one, other = (_beyond(_SIGNS, x) for x in (_ONE_HOT, _ONES))
    detail = (
        f"weights +-1, widths 2,1, inputs (1,0) and (1,1): P(M_1 > 2 M_0) = {one} and {other}, "
        f"so that {one + other} of 2 are expected, not {2 * one} or {2 * other}"
    )
    kept = _beyond(_SIGNS, _ONES) == _beyond(_SIGNS, _OPPOSITE)
    number = fmpq(sum(_explicit(x)[2] for x in (_ONE_HOT, _ONES)), 4)
    again = number == one + other and number not in (2 * one, 2 * other)
    alike = _explicit(_ONES) == _explicit(_OPPOSITE)
    return [
        *witnessed(claim, detail, one != other, kept, "no witness for (1,1) and (1,-1)"),
        *paired("replay", again, "all four matrices", alike, "(1,1) and (1,-1)"),
    ]


def lengths_by_input(claim: Claim) -> list[Evidence]:
    """Weights +-1: E M_1^2/M_0^2 is 2 for (1, 0), 4 for (1, 1), hence 3 for one of the two at random."""
    fixed = [_square(_SIGNS, x) for x in (_ONE_HOT, _ONES)]
    mixed = (fixed[0] + fixed[1]) / 2
    detail = (
        f"weights +-1, widths 2,1: E M_1^2/M_0^2 = {fixed[0]} for x = (1,0), {fixed[1]} for (1,1), "
        f"{mixed} for one of them at random"
    )
    kept = len({_square(as_law("normal"), x) for x in (_ONE_HOT, _ONES)}) == 1
    counted = [fmpq(_explicit(x)[1], 4) for x in (_ONE_HOT, _ONES)]
    alike = _explicit(_ONES)[1] == _explicit(_OPPOSITE)[1]
    return [
        *witnessed(claim, detail, fixed[0] != fixed[1], kept, "no witness for normal weights"),
        *paired("replay", counted == fixed, "all four matrices", alike, "(1,1) and (1,-1)"),
    ]


def zero_with_atoms(claim: Claim) -> list[Evidence]:
    """Weights +-1, ones: z = 0 with probability 1/2, so that the neuron is 0 with probability 3/4."""
    found, formula = _dead((2, 1)), fmpq(1, 2)
    detail = f"weights +-1, widths 2,1, input ones: P(M_1 = 0) = {found}, not {formula}"
    kept = _dead((3, 1)) == formula
    again = fmpq(_explicit(_ONES)[0], 4) == found
    other = fmpq(_explicit(_ONE_HOT)[0], 4) == formula
    return [
        *witnessed(claim, detail, found != formula, kept, "no witness at widths 3,1, where no z is 0"),
        *paired("replay", again, "all four matrices", other, "x = (1,0), where no z is 0"),
    ]


_Source: TypeAlias = Callable[[FullyConnected], "RecursionMoments | PowerSumMoments"]


def _one_value(law: LawLike, source: _Source) -> bool:
    """Whether E M_d^k/M_0^k, k = 1, ..., 4, is the same for all inputs."""
    return all(len(set(_ratios(widths, law, source))) == 1 for widths in _SHAPES)


def _ratios(widths: _Vector, law: LawLike, source: _Source) -> Iterator[tuple[str, ...]]:
    for x in _INPUTS:
        moments = source(FullyConnected(widths, weights=law, input=x))
        depth, start = len(widths) - 1, moments.moment(0, 1)
        yield tuple(str(moments.moment(depth, k) / start**k) for k in range(1, 5))


def _p_values(counts: list[np.ndarray], widths: _Vector) -> list[float]:
    """Two-sided, of the mean number over networks, which is close to normal."""
    numbers = expected_above(FullyConnected(widths), len(_DATA), _THRESHOLDS)
    values = []
    for expected, count in zip(numbers.tolist(), counts, strict=True):
        error = float(np.std(count)) / math.sqrt(len(count))
        values.append(math.erfc(abs(float(np.mean(count)) - expected) / error / math.sqrt(2)))
    return values


def _beyond(law: Law, x: _Vector) -> fmpq:
    """P(M_1 > 2 M_0)."""
    (start, *_), lengths = oracle.length_law(FullyConnected([2, 1], weights=law, input=x))
    return sum((p for m, p in lengths.items() if m > 2 * start), fmpq(0))


def _square(law: Law, x: _Vector) -> Number:
    """E M_1^2/M_0^2 by the recursion."""
    first, last = length_moments(FullyConnected([2, 1], weights=law, input=x), 2)
    return last[1] / first[1]


def _dead(widths: _Vector) -> fmpq:
    return oracle.length_law(FullyConnected(widths, weights=_SIGNS))[-1].get(fmpq(0), fmpq(0))


def _explicit(x: _Vector) -> tuple[int, int, int]:
    """Over all four matrices: how often M_1 is 0, the sum of (M_1/M_0)^2, how often M_1 > 2 M_0."""
    drawn = [matrices for _, matrices in gradient_oracle.draws(gradient_oracle.alike((2, 1)))]
    ratios = [2 * a * a // gradient_oracle.squared(x) for ((a,),) in (_last(w, x) for w in drawn)]
    return ratios.count(0), sum(r * r for r in ratios), sum(r > 2 for r in ratios)


def _last(matrices: tuple[tuple[_Vector, ...], ...], x: _Vector) -> tuple[_Vector, ...]:
    return gradient_oracle.forward(matrices, x).activations[1:]
