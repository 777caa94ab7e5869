"""The fair binomial law in logarithms, from Stirling's formula with its errors (theory/stirling.py)."""

from __future__ import annotations

import math

import numpy as np

from theory.stirling import Floats, stirling_error

__all__ = ["log_binomial", "twice_entropy_lost"]


def log_binomial(n: int) -> Floats:
    """log of C(n, b)/2^n, b = 0, ..., n, every figure right where the probability counts.

    With x = (2b - n)/n, Stirling leaves -(n/2)(log(1 - x^2) + 2x artanh x) and small terms.

    >>> np.round(np.exp(log_binomial(3)) * 8, 12).tolist()
    [1.0, 3.0, 3.0, 1.0]
    """
    result = np.full(n + 1, -n * math.log(2))
    b = np.arange(1, n, dtype=np.float64)
    errors = stirling_error(b)
    whole = stirling_error(np.array([float(n)]))
    result[1:-1] = -n / 2 * twice_entropy_lost(b, n) + np.log(n / (2 * math.pi * b * (n - b))) / 2
    result[1:-1] += whole - errors - errors[::-1]
    return result


def twice_entropy_lost(b: Floats, n: int) -> Floats:
    """(1 + x) log(1 + x) + (1 - x) log(1 - x), x = (2b - n)/n, for 0 < b < n."""
    x = (2 * b - n) / n
    return np.log1p(-x * x) + 2 * x * np.arctanh(x)
