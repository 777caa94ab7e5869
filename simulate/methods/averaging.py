"""Methods that average over networks: they differ in how a table of lengths comes about."""

from __future__ import annotations

import math
from abc import abstractmethod

from simulate.estimates import estimate_of_summary
from simulate.job import Job
from simulate.methods.method import Method
from simulate.result import Estimate
from simulate.scaled import Lengths
from simulate.summary import Summary

__all__ = ["Averaging", "leaf_of"]

_LEAF_WORK = 2.0**28
_LEAF_NUMBERS = 2**21
_BLOCK = 2**12


def leaf_of(work: float, numbers: int) -> int:
    """The largest power of two of networks within the limits of a leaf, each with so much to do and to keep.

    >>> leaf_of(1000.0, 5), leaf_of(2.0**20, 5), leaf_of(1000.0, 2**20), leaf_of(1e12, 5)
    (4096, 256, 2, 1)
    """
    return 1 << math.floor(math.log2(max(1, min(_LEAF_WORK / work, _LEAF_NUMBERS / numbers, _BLOCK))))


class Averaging(Method):
    """Plain averages of M_j^k over independent networks."""

    record = Summary

    @abstractmethod
    def lengths(self, job: Job, first: int, count: int) -> Lengths:
        """M_0, ..., M_d of the networks first, ..., first + count - 1."""

    def leaf_size(self, job: Job) -> int:
        """4,096 networks, or the power of two below that takes a fraction of a second."""
        return leaf_of(self.work(job), len(job.network.widths))

    def leaf(self, job: Job, first: int, count: int) -> Summary:
        return Summary.of(self.lengths(job, first, count), job.order, covariance=job.covariance)

    def estimate(self, job: Job, record: Summary, seconds: float) -> Estimate:
        return estimate_of_summary(job, self.reduced, record, seconds)
