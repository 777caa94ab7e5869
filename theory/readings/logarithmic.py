"""Arrays of non-negative numbers by their logarithms: the log-sum-exp semiring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogArray"]


@dataclass(frozen=True)
class LogArray:
    """Numbers exp(log); 0 is exp(-inf). Only + and * exist, so nothing can cancel.

    >>> huge = LogArray(np.float64(1000.0))
    >>> float((huge * huge + huge * huge).log)
    2000.69314718056
    """

    log: NDArray[np.float64] | np.float64

    @classmethod
    def of(cls, number: NDArray[np.float64] | float) -> LogArray:
        """The reading of non-negative floats; 0 becomes exp(-inf)."""
        with np.errstate(divide="ignore"):
            result: Any = np.log(np.asarray(number, dtype=np.float64))
        return cls(result)

    def __add__(self, other: LogArray) -> LogArray:
        result: Any = np.logaddexp(self.log, other.log)
        return LogArray(result)

    def __mul__(self, other: LogArray) -> LogArray:
        return LogArray(self.log + other.log)
