"""What is kept of a batch of networks with their gradients: three summaries that merge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.scaled import Lengths
from simulate.summary import Summary

__all__ = ["GradientSummary"]


@dataclass(frozen=True)
class GradientSummary:
    """Summaries of M_j, of |delta_j|^2 and of |dF/dW_j|_F^2.

    Row 0 of the last two is dF/dF = 1, where backpropagation starts; rows 1..d are the layers.
    """

    lengths: Summary
    deltas: Summary
    weights: Summary

    @classmethod
    def of(cls, lengths: Lengths, deltas: Lengths, weights: Lengths, order: int) -> GradientSummary:
        """Of one batch: tables of shape (d + 1, R), (d, R) and (d, R)."""
        tables = (lengths, _started(deltas), _started(weights))
        return cls(*(Summary.of(table, order) for table in tables))

    @property
    def count(self) -> int:
        """How many networks are in it."""
        return self.lengths.count

    def merged(self, other: GradientSummary) -> GradientSummary:
        """Of both batches together."""
        return GradientSummary(
            lengths=self.lengths.merged(other.lengths),
            deltas=self.deltas.merged(other.deltas),
            weights=self.weights.merged(other.weights),
        )


def _started(table: Lengths) -> Lengths:
    """With the row of dF/dF in front."""
    count = table.fraction.shape[1]
    return Lengths(
        np.concatenate([np.ones((1, count)), table.fraction]),
        np.concatenate([np.zeros((1, count), np.int64), table.exponent]),
    )
