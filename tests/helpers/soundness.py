"""Are z-scores normal under correct code, and is the stated effect found as often as is stated?

Both print their figures: `pytest -m slow -s -k soundness` shows them; docs/trust.md keeps them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
from scipy.stats import kstest, norm

from proofs_check.statistics import LEVEL

RUNS, POWER_RUNS = 2_000, 400


def check_uniform(name: str, scores: Iterable[float]) -> None:
    """Two-sided p-values of the scores against the uniform law; a power of 1.3 would be noticed."""
    values = 2 * norm.sf(np.abs(np.fromiter(scores, float)))
    found = kstest(values, "uniform").pvalue
    sys.stdout.write(f"\n{name}: KS p = {found:.3f} over {values.size} runs, smallest {values.min():.1e}\n")
    assert found > LEVEL
    assert kstest(values**1.3, "uniform").pvalue < LEVEL


def check_power(name: str, found: Iterable[bool]) -> None:
    """Nine in ten, within four standard errors and the 3 % by which scores are not quite normal."""
    share = float(np.mean(np.fromiter(found, float)))
    sys.stdout.write(f"{name}: power {share:.3f}\n")
    assert abs(share - 0.9) < 4 * np.sqrt(0.9 * 0.1 / POWER_RUNS) + 0.03


def check_power_of_shifts(name: str, scores: Iterable[float], limit: float) -> None:
    """An effect that moves scores by `limit` + 1.28 is found nine times in ten.

    It is as large as an effect on the average; on its spread it is of second order.
    """
    check_power(name, (abs(score + limit + norm.ppf(0.9)) > limit for score in scores))
