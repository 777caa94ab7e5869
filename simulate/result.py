"""What a simulation returns: sampled numbers with standard errors, sample count and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.network import FullyConnected

__all__ = ["Estimate", "LayerEstimate", "Sampled"]


@dataclass(frozen=True)
class Sampled:
    """A Monte-Carlo average with its estimated standard error.

    The error of an average of M^2 at depth is itself heavy-tailed and can be far too small
    (THEORY.md section 9): use it to look, not to test.
    """

    value: float
    standard_error: float
    samples: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "samples": self.samples,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class LayerEstimate:
    """Averages of M_j^k, k = 1..order, over the simulated networks."""

    index: int
    width: int
    moments: tuple[Sampled, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        moments = {str(k): m.to_dict() for k, m in enumerate(self.moments, start=1)}
        return {"index": self.index, "width": self.width, "moments": moments}


@dataclass(frozen=True)
class Estimate:
    """A finished simulation of one network."""

    network: FullyConnected
    method: str
    layers: tuple[LayerEstimate, ...]
    empirical_variance: Sampled
    seconds: float
    samples: int
    seed: int
    weights_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "network": self.network.to_dict(),
            "method": self.method,
            "layers": [layer.to_dict() for layer in self.layers],
            "empirical_variance": self.empirical_variance.to_dict(),
            "seconds": self.seconds,
            "samples": self.samples,
            "seed": self.seed,
            "weights_per_second": self.weights_per_second,
        }
