"""What every step offers: its sizes, and the way of a population through it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from simulate.steps.layout import Layout

if TYPE_CHECKING:
    from simulate.population import Population

__all__ = ["Step"]


class Step(ABC):
    """From one measured length to the next, as the plain numbers that the kernels read."""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """How the neurons whose length is measured are stored."""

    @property
    @abstractmethod
    def weights_drawn(self) -> int:
        """How many weights one network has here, biases not counted."""

    @property
    @abstractmethod
    def work(self) -> float:
        """Rough cost for one network, in weights drawn."""

    @property
    @abstractmethod
    def numbers(self) -> int:
        """The most single-precision numbers that are kept at once for one network."""

    @abstractmethod
    def advance(self, population: Population) -> None:
        """Go through the step with fresh weights."""
