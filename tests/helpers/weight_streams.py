"""What tests of the engine's passes share: one law for every kernel, and states of streams."""

from __future__ import annotations

import numpy as np

from simulate.kernels.streams import LANES, fill_states

LAWS = {
    "normal": "normal",
    "uniform": "uniform",
    "rademacher": "rademacher",
    "laplace": "laplace",
    "narrow_normal": "truncated_normal:1/2",
    "truncated_normal": "truncated_normal:3",
    "student_t": "student_t:5",
    "finite": "finite:-2:1/8,0:3/4,2:1/8",
}


def states_of(count, seed=1, first=0):
    """The streams of the networks first, ..., first + count - 1, at their start."""
    states = np.empty((count, 4 * LANES), np.uint32)
    fill_states(np.uint64(seed), np.uint64(0), np.uint64(first), states)
    return states
