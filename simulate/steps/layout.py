"""Where a neuron is stored: places in a row, and the channels of each place beside one another.

A fully connected layer has one place. The positions of an image lie row by row within a frame as wide
as the kernel reaches, so that a convolution reads what lies beyond the border without asking.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulate.kernels.layer import padded

__all__ = ["Grid", "Layout", "Places"]

Singles: TypeAlias = NDArray[np.float32]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Rows and columns of positions, and how many of each the kernel covers.

    The kernel reaches (q - 1)//2 before a position and q//2 beyond it.
    """

    positions: tuple[int, int] = (1, 1)
    kernel: tuple[int, int] = (1, 1)

    @property
    def framed(self) -> tuple[int, int]:
        """Rows and columns with the frame."""
        (rows, columns), (high, wide) = self.positions, self.kernel
        return rows + high - 1, columns + wide - 1

    @property
    def inside(self) -> tuple[slice, slice]:
        """The positions within the frame."""
        (rows, columns), (top, left) = self.positions, self._reach
        return slice(top, top + rows), slice(left, left + columns)

    @property
    def centre(self) -> int:
        """From the first place that a position sees to its own."""
        top, left = self._reach
        return top * self.framed[1] + left

    @cached_property
    def corners(self) -> Places:
        """The first place that each position sees.

        >>> Grid((2, 2), (1, 3)).corners
        array([0, 1, 4, 5])
        """
        return self.every(1)

    def every(self, side: int) -> Places:
        """The first places that the first positions of squares see."""
        rows, columns = self.positions
        return self._places(np.arange(0, rows, side), np.arange(0, columns, side))

    @cached_property
    def taps(self) -> Places:
        """From the first place that a position sees to all of them, in the order of the weights."""
        high, wide = self.kernel
        return self._places(np.arange(high), np.arange(wide))

    @cached_property
    def circular_frame(self) -> tuple[Places, Places]:
        """The places of the frame, and those of the positions found there by going round.

        >>> Grid((1, 4), (1, 3)).circular_frame
        (array([0, 5]), array([4, 1]))
        """
        axes = [np.arange(size) for size in self.framed]
        pairs = zip(axes, self._reach, self.positions, strict=True)
        found = self._places(*((axis - reach) % size + reach for axis, reach, size in pairs))
        places = self._places(*axes)
        return places[found != places], found[found != places]

    @property
    def _reach(self) -> tuple[int, int]:
        high, wide = self.kernel
        return (high - 1) // 2, (wide - 1) // 2

    def _places(self, rows: Places, columns: Places) -> Places:
        return np.asarray((rows[:, None] * self.framed[1] + columns).ravel(), np.int64)


@dataclass(frozen=True)
class Layout:
    """Channels on a grid: channel c of a place is number c of `stride` numbers; all others are 0."""

    channels: int
    stride: int
    grid: Grid = field(default_factory=Grid)

    @classmethod
    def flat(cls, width: int) -> Layout:
        """A fully connected layer."""
        return cls(width, padded(width))

    @property
    def width(self) -> int:
        """Neurons."""
        rows, columns = self.grid.positions
        return self.channels * rows * columns

    @property
    def numbers(self) -> int:
        """Numbers stored for one network."""
        rows, columns = self.grid.framed
        return rows * columns * self.stride

    def stored(self, values: Singles) -> Singles:
        """A row from the values of the neurons, channel by channel, each row by row; the frame is 0.

        >>> Layout.flat(3).stored(np.ones(3, np.float32)).tolist() == [1.0] * 3 + [0.0] * 13
        True
        """
        row = np.zeros((*self.grid.framed, self.stride), np.float32)
        channels = values.reshape(self.channels, *self.grid.positions)
        row[(*self.grid.inside, slice(self.channels))] = np.moveaxis(channels, 0, -1)
        return row.ravel()

    def values(self, rows: Singles) -> Singles:
        """What `stored` was given, of many rows: shape (R, width)."""
        places = rows.reshape(-1, *self.grid.framed, self.stride)
        inside = places[(slice(None), *self.grid.inside, slice(self.channels))]
        return np.moveaxis(inside, -1, 1).reshape(len(rows), self.width)
