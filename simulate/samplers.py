"""Draws from the standardised laws of a spec, in double precision, with NumPy's generators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from theory.laws import (
    FiniteLaw,
    Laplace,
    Law,
    Normal,
    Orthogonal,
    Rademacher,
    StudentT,
    TruncatedNormal,
    Uniform,
)
from theory.reals import as_float

__all__ = ["draw"]

Floats: TypeAlias = NDArray[np.float64]
_Sampler: TypeAlias = Callable[[Any, np.random.Generator, tuple[int, ...]], Floats]


def draw(law: Law, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """An array of the given shape, entries i.i.d. from the law with variance one.

    Orthogonal matrices take up the last two axes; their entries have variance one too.

    >>> from theory import as_law
    >>> set(draw(as_law("rademacher"), np.random.default_rng(0), (50,)).tolist())
    {1.0, -1.0}
    """
    return _SAMPLERS[type(law)](law, random, shape)


def _normal(law: Normal, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.standard_normal(shape)


def _uniform(law: Uniform, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return (2.0 * random.random(shape) - 1.0) * math.sqrt(3)


def _rademacher(law: Rademacher, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return 2.0 * random.integers(0, 2, shape).astype(np.float64) - 1.0


def _laplace(law: Laplace, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.laplace(0.0, math.sqrt(0.5), shape)


def _student_t(law: StudentT, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    df = as_float(law.degrees_of_freedom)
    return random.standard_t(df, shape) * math.sqrt((df - 2) / df)


def _finite(law: FiniteLaw, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    values = np.array([as_float(v) for v, _ in law.points])
    chances = np.array([as_float(p) for _, p in law.points])
    scale = math.sqrt(float(np.dot(values**2, chances)))
    result: Floats = random.choice(values / scale, shape, p=chances)
    return result


def _orthogonal(law: Orthogonal, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """The Q of normal matrices whose R has a positive diagonal, transposed where that is needed."""
    *copies, rows, columns = shape
    large, small = max(rows, columns), min(rows, columns)
    q, r = np.linalg.qr(random.standard_normal((*copies, large, small)))
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :] * math.sqrt(large)
    return q if rows >= columns else np.swapaxes(q, -1, -2)


def _truncated_normal(law: TruncatedNormal, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """By inversion of the distribution function, which the cut restricts to an interval."""
    cut = as_float(law.cut)
    scale = math.sqrt(as_float(law.raw_variance.enclosure()))
    inside = ndtr(-cut) + (ndtr(cut) - ndtr(-cut)) * random.random(shape)
    result: Floats = ndtri(inside) / scale
    return result


_SAMPLERS: dict[type[Law], _Sampler] = {
    Normal: _normal,
    Uniform: _uniform,
    Rademacher: _rademacher,
    Laplace: _laplace,
    StudentT: _student_t,
    Orthogonal: _orthogonal,
    TruncatedNormal: _truncated_normal,
    FiniteLaw: _finite,
}
