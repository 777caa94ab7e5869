"""What every method offers: leaves of fixed size, each computed alone, merged in their order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, TypeAlias

from simulate.job import Job

__all__ = ["NETWORK_WORK", "Method", "Record"]

# What a network costs besides its weights, in weights drawn.
NETWORK_WORK = 1000.0


class _Merges(Protocol):
    def merged(self, other: Any) -> Any: ...


Record: TypeAlias = _Merges


class Method(ABC):
    """A way to simulate. Stateless: all that varies is in the job."""

    name: str
    # Reduced methods use a distributional identity instead of explicit weights.
    reduced: bool
    record: type[Any]

    @abstractmethod
    def check(self, job: Job) -> None:
        """`SpecError` where the method does not apply, naming one that does."""

    @abstractmethod
    def leaf_size(self, job: Job) -> int:
        """Networks in one leaf: decided by the job alone, a power of two except for splitting."""

    @abstractmethod
    def leaf(self, job: Job, first: int, count: int) -> Any:
        """The record of the networks first, ..., first + count - 1."""

    @abstractmethod
    def estimate(self, job: Job, record: Any, seconds: float) -> Any:
        """What the merged record says: an `Estimate`, or for many inputs `JointLengths`."""

    @abstractmethod
    def work(self, job: Job) -> float:
        """Rough cost of one network, in weights drawn; 1e9 take a fraction of a second."""
