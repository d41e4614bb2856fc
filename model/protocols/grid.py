"""The square of whole numbers in which a checkpoint names points. It exists only inside `model.protocols`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actuators.geometry import GRID, Point, Rect, Screen, from_grid, to_grid

__all__ = ["PUBLISHED", "Grid"]


@dataclass(frozen=True, slots=True)
class Grid:
    """0..`most` in both directions, both ends included; `divisor` stands for the far edge of the screen."""

    most: int = GRID
    divisor: int = GRID

    def pixel(self, pair: Any, screen: Screen) -> Point:
        """What a call says, `[x, y]`, as a screen pixel.

        Raises:
            ValueError, TypeError: no pair of whole numbers within the grid.
        """
        x, y = (_whole(value) for value in pair)
        return from_grid(x, y, screen, self.most, self.divisor)

    def box(self, corners: Any, screen: Screen) -> Rect:
        """`[x1, y1, x2, y2]` as a half-open box of screen pixels that holds both corners' pixels.

        Raises:
            ValueError, TypeError: no four whole numbers within the grid, or corners in the wrong order.
        """
        left, top, right, bottom = corners
        first, last = self.pixel((left, top), screen), self.pixel((right, bottom), screen)
        return Rect(first.x, first.y, last.x + 1, last.y + 1)

    def place(self, point: Point, screen: Screen) -> tuple[int, int]:
        """The grid point of a screen pixel."""
        return to_grid(point, screen, self.most, self.divisor)


PUBLISHED = Grid()
"""0..1000, as the published checkpoints speak."""


def _whole(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise ValueError(f"coordinates must be whole numbers, got {value!r}")
    return value
