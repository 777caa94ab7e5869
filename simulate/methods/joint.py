"""`joint`: many inputs through the networks of `direct`; every input draws the same weights once more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from simulate.job import Job
from simulate.joint_result import JointLengths, JointTable
from simulate.methods.averaging import leaf_of
from simulate.methods.direct import cached_plan, planned_lengths
from simulate.methods.method import NETWORK_WORK, Method
from simulate.plan import Plan
from theory.errors import SpecError

__all__ = ["Joint"]


class Joint(Method):
    """Keep log(M_d/M_0) of every network and input."""

    name = "joint"
    reduced = False
    record = JointTable

    def check(self, job: Job) -> None:
        if not job.inputs:
            raise SpecError("the method joint is for many inputs; give them by --inputs FILE.npy")
        cached_plan(job.network)

    def work(self, job: Job) -> float:
        return len(job.inputs) * (cached_plan(job.network).work + NETWORK_WORK)

    def leaf_size(self, job: Job) -> int:
        """4,096 networks, or the power of two below that takes a fraction of a second."""
        return leaf_of(self.work(job), len(job.inputs))

    def leaf(self, job: Job, first: int, count: int) -> JointTable:
        ratios = np.empty((count, len(job.inputs)))
        for i, layers in enumerate(_plans(job)):
            logs = planned_lengths(layers, job.seed, first, count).logs()
            ratios[:, i] = logs[-1] - logs[0]
        return JointTable(ratios)

    def estimate(self, job: Job, record: JointTable, seconds: float) -> JointLengths:
        return JointLengths(record.log_ratios, job.seed)


@lru_cache(maxsize=2)
def _plans(job: Job) -> tuple[Plan, ...]:
    """The plan of the network once for every input: only the input differs."""
    layers = cached_plan(job.network)
    return tuple(_with_input(layers, row) for row in job.inputs)


def _with_input(layers: Plan, row: Sequence[float]) -> Plan:
    """Coordinates scaled by a power of two to a largest one of [1/2, 1), as in any plan."""
    exponent = math.frexp(max(map(abs, row)))[1]
    return replace(layers, input=tuple(math.ldexp(x, -exponent) for x in row), input_exponent=exponent)
