"""One simulation to be done, as frozen data that can be pickled, and its key in a store."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from theory.spec import Network

__all__ = ["STREAMS_VERSION", "Job"]

# Raised whenever the same job would give other bits than before.
STREAMS_VERSION = 2


@dataclass(frozen=True)
class Job:
    """What is simulated and how.

    `particles` is the size of one splitting run, `readout` for gradients, `inputs` the rows of `joint`.
    """

    network: Network
    method: str
    seed: int
    order: int
    covariance: bool = False
    tilt: float = 0.0
    particles: int = 0
    readout: str = "normal"
    inputs: tuple[tuple[float, ...], ...] = ()

    def describe(self) -> dict[str, Any]:
        """Everything that decides the bits, as plain data."""
        own: dict[str, Any] = {}
        if self.method == "gradients":
            own = {"readout": self.readout}
        if self.inputs:
            own = {"inputs": len(self.inputs), "inputs_sha256": _digest(self.inputs)}
        return {
            "network": self.network.to_dict(),
            "method": self.method,
            "seed": self.seed,
            "order": self.order,
            "covariance": self.covariance,
            "tilt": self.tilt.hex(),
            "particles": self.particles,
            "streams": STREAMS_VERSION,
        } | own

    @cached_property
    def text(self) -> str:
        """The description as JSON, always the same for the same job."""
        return json.dumps(self.describe(), sort_keys=True)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the description.

        >>> from theory.network import FullyConnected
        >>> net = FullyConnected([2, 3])
        >>> Job(net, "direct", 1, 2).key == Job(net, "direct", 1, 2).key != Job(net, "direct", 2, 2).key
        True
        """
        return hashlib.sha256(self.text.encode()).hexdigest()


def _digest(rows: tuple[tuple[float, ...], ...]) -> str:
    """SHA-256 of the numbers, row by row."""
    found = hashlib.sha256()
    for row in rows:
        found.update(array("d", row).tobytes())
    return found.hexdigest()
