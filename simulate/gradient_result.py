"""What a simulation of gradients returns: an Estimate with two more tables."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from simulate.result import Estimate, LayerEstimate

__all__ = ["GradientEstimate"]


@dataclass(frozen=True)
class GradientEstimate(Estimate):
    """Averages of X^k for X = M_j (`layers`), |delta_j|^2 (`deltas`) and |dF/dW_j|_F^2 (`weights`).

    `deltas` and `weights` hold layers 1, ..., d; "dead" there says how often X was 0.
    """

    readout: str = "normal"
    deltas: tuple[LayerEstimate, ...] = ()
    weights: tuple[LayerEstimate, ...] = ()

    @classmethod
    def of(cls, readout: str, lengths: Estimate, deltas: Estimate, weights: Estimate) -> GradientEstimate:
        """From the estimates of the three."""
        common = {field.name: getattr(lengths, field.name) for field in fields(Estimate)}
        named = {"": lengths, "|delta|^2: ": deltas, "|dF/dW|^2: ": weights}
        common["notes"] = tuple(name + note for name, found in named.items() for note in found.notes)
        return cls(**common, readout=readout, deltas=deltas.layers[1:], weights=weights.layers[1:])

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return super().to_dict() | {
            "readout": self.readout,
            "deltas": [layer.to_dict() for layer in self.deltas],
            "weight_gradients": [layer.to_dict() for layer in self.weights],
        }
