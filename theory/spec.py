"""What the specs of all kinds of networks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from flint import fmpq

__all__ = ["Network", "folded"]


class Network(ABC):
    """A frozen spec: a randomly initialised net with its input, read by theory and simulation alike.

    Subclasses are frozen dataclasses whose fields are the arguments of their constructor.
    """

    input: tuple[fmpq, ...] | None

    if TYPE_CHECKING:  # a field of one kind, computed by the others

        @property
        def widths(self) -> tuple[int, ...]:
            """The number of neurons n_0, ..., n_d whose mean square is M_j."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """d, the number of steps whose lengths M_1, ..., M_d are measured."""

    @abstractmethod
    def has_finite_moments(self, half_order: int) -> bool:
        """Whether all weights and biases have finite moments of order 2 * half_order."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The spec as plain data; lists only where the steps differ."""

    def _freeze(self, **fields: object) -> None:
        """Set the checked fields of a frozen spec, once, at the end of its constructor."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def replaced(self, **changes: Any) -> Self:
        """The same network with some constructor arguments changed, checked anew."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]
        return type(self)(**(fields | changes))

    def input_power_sum(self, half_order: int) -> fmpq:
        """p_r = sum over coordinates of x_i^{2r}, exactly."""
        if self.input is None:
            return fmpq(self.widths[0])
        return sum((x ** (2 * half_order) for x in self.input), fmpq(0))


def folded(values: list[Any]) -> Any:
    """One value where all are alike, else the list."""
    first, *others = values
    return first if all(value == first for value in others) else values
