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

__all__ = ["BLOCK", "LEAF_NUMBERS", "LEAF_WORK", "Averaging"]

LEAF_WORK = 2.0**28
LEAF_NUMBERS = 2**21
BLOCK = 4096


class Averaging(Method):
    """Plain averages of M_j^k over independent networks."""

    record = Summary

    @abstractmethod
    def lengths(self, job: Job, first: int, count: int) -> Lengths:
        """M_0, ..., M_d of the networks first, ..., first + count - 1."""

    def leaf_size(self, job: Job) -> int:
        """4,096 networks, or the power of two below that takes a fraction of a second."""
        limit = min(LEAF_WORK / self.work(job), LEAF_NUMBERS / (job.network.depth + 1), BLOCK)
        return 1 << max(0, math.floor(math.log2(max(limit, 1))))

    def leaf(self, job: Job, first: int, count: int) -> Summary:
        return Summary.of(self.lengths(job, first, count), job.order, covariance=job.covariance)

    def estimate(self, job: Job, record: Summary, seconds: float) -> Estimate:
        return estimate_of_summary(job, self.reduced, record, seconds)
