"""What a simulation returns: sampled numbers with standard errors, sample count and seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from theory.spec import Network

__all__ = ["Estimate", "LayerEstimate", "LogLength", "Quantile", "Sampled", "exponential"]


@dataclass(frozen=True)
class Sampled:
    """A Monte-Carlo average with its estimated standard error.

    Parameters
    ----------
    value, log_value
        The average and its natural logarithm, which also exists where the value overflows.
    standard_error
        None where the law or the tail gives none; `note` then says why.
    samples, seed
        How many independent networks, or particles, went in.
    interval
        95 % confidence interval where the method gives one.
    """

    value: float
    standard_error: float | None
    samples: int
    seed: int
    log_value: float = math.nan
    relative_error: float | None = None
    interval: tuple[float, float] | None = None
    log_interval: tuple[float, float] | None = None
    note: str | None = None

    @property
    def log(self) -> float:
        """Natural logarithm, -inf for 0."""
        if not math.isnan(self.log_value):
            return self.log_value
        return math.log(self.value) if self.value > 0 else -math.inf

    def to_dict(self) -> dict[str, Any]:
        """JSON form; null stands for what overflows or does not exist."""
        shown: dict[str, Any] = {
            "value": finite(self.value),
            "log": finite(self.log),
            "standard_error": finite(self.standard_error),
            "relative_error": finite(self.relative_error),
            "samples": self.samples,
            "seed": self.seed,
        }
        if self.interval is not None and self.log_interval is not None:
            shown["interval_95"] = [finite(x) for x in self.interval]
            shown["log_interval_95"] = [finite(x) for x in self.log_interval]
        if self.note is not None:
            shown["note"] = self.note
        return shown


@dataclass(frozen=True)
class Quantile:
    """A quantile of M_j, the dead layers counted as zeros, with a 95 % interval from ranks.

    All three are logarithms, exact to the half width of a histogram bin, 1.1 %.
    """

    probability: float
    log: float
    log_lower: float
    log_upper: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        logs = {"log": self.log, "log_lower": self.log_lower, "log_upper": self.log_upper}
        value = finite(exponential(self.log))
        return {"probability": self.probability, "value": value} | {k: finite(v) for k, v in logs.items()}


@dataclass(frozen=True)
class LogLength:
    """Mean and variance of log M_j over the networks in which layer j is alive."""

    mean: Sampled
    variance: Sampled

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"mean": _signed(self.mean), "variance": self.variance.to_dict()}


@dataclass(frozen=True)
class LayerEstimate:
    """Averages of M_j^k, k = 1..order, over the simulated networks, and the law of log M_j."""

    index: int
    width: int
    moments: tuple[Sampled, ...]
    log_length: LogLength | None = None
    dead: Sampled | None = None
    quantiles: tuple[Quantile, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        moments = {str(k): m.to_dict() for k, m in enumerate(self.moments, start=1)}
        return {
            "index": self.index,
            "width": self.width,
            "moments": moments,
            "log_length": None if self.log_length is None else self.log_length.to_dict(),
            "dead": None if self.dead is None else self.dead.to_dict(),
            "quantiles": [q.to_dict() for q in self.quantiles],
        }


@dataclass(frozen=True)
class Estimate:
    """A finished simulation of one network.

    `reduced` says that the method used a distributional identity in place of explicit weights;
    `notes` holds what the reader must know before trusting a number; `covariance` is the matrix of
    Cov(M_i, M_j), i, j = 0..d, where it was asked for.
    """

    network: Network
    method: str
    layers: tuple[LayerEstimate, ...]
    empirical_variance: Sampled | None
    seconds: float
    samples: int
    seed: int
    weights_per_second: float
    reduced: bool = False
    notes: tuple[str, ...] = ()
    covariance: tuple[tuple[float, ...], ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "network": self.network.to_dict(),
            "method": self.method,
            "reduced": self.reduced,
            "layers": [layer.to_dict() for layer in self.layers],
            "empirical_variance": None
            if self.empirical_variance is None
            else self.empirical_variance.to_dict(),
            "covariance": None
            if self.covariance is None
            else [[finite(x) for x in row] for row in self.covariance],
            "notes": list(self.notes),
            "seconds": self.seconds,
            "samples": self.samples,
            "seed": self.seed,
            "weights_per_second": self.weights_per_second,
        }


def finite(x: float | None) -> float | None:
    """The number, or None for what JSON cannot hold."""
    return x if x is not None and math.isfinite(x) else None


def exponential(x: float) -> float:
    """exp x, infinite where it overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _signed(mean: Sampled) -> dict[str, Any]:
    """A number that may be negative has no logarithm worth showing."""
    return {k: v for k, v in mean.to_dict().items() if k not in ("log", "relative_error")}
