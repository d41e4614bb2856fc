"""One question of a grounding suite and the region that answers it.

Frame: pixels of the item's picture, origin top-left. Regions may have fractional edges; a pixel belongs to one when
its middle does, which for whole numbers is the half-open box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from actuators.geometry import Point, Screen

__all__ = ["Box", "Item", "Outline", "Region"]


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open box: `left <= x < right`, `top <= y < bottom`."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def bounds(self) -> Box:
        return self

    def holds(self, point: Point) -> bool:
        x, y = point.x + 0.5, point.y + 0.5
        return self.left <= x < self.right and self.top <= y < self.bottom

    def middle(self, screen: Screen) -> Point | None:
        """The pixel in the middle of the part that is on the screen; None where no pixel of it is."""
        columns = _pixels(self.left, self.right, screen.width)
        rows = _pixels(self.top, self.bottom, screen.height)
        return Point(columns[len(columns) // 2], rows[len(rows) // 2]) if columns and rows else None


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon, closed by itself; what lies inside is told by the even-odd rule."""

    corners: tuple[tuple[float, float], ...]

    @property
    def area(self) -> float:
        """Square pixels, for an outline that does not cross itself."""
        turns = (x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in self._sides())
        return abs(sum(turns)) / 2

    @property
    def bounds(self) -> Box:
        across, down = zip(*self.corners, strict=True)
        return Box(min(across), min(down), max(across), max(down))

    def holds(self, point: Point) -> bool:
        return sum(x <= point.x + 0.5 for x in self._crossings(point.y + 0.5)) % 2 == 1

    def middle(self, screen: Screen) -> Point | None:
        """The middle of the widest stretch in the row nearest to the middle; None where no pixel on screen is in it."""
        bounds = self.bounds
        rows = _pixels(bounds.top, bounds.bottom, screen.height)
        half = (bounds.top + bounds.bottom) / 2
        for y in sorted(rows, key=lambda row: abs(row + 0.5 - half)):
            edges = self._crossings(y + 0.5)
            stretches = [_pixels(*pair, screen.width) for pair in zip(edges[::2], edges[1::2], strict=True)]
            if widest := max(stretches, key=len, default=range(0)):
                return Point(widest[len(widest) // 2], y)
        return None

    def _sides(self) -> zip[tuple[tuple[float, float], tuple[float, float]]]:
        return zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)

    def _crossings(self, y: float) -> list[float]:
        """Where the outline crosses a row, from left to right; always an even number."""
        return sorted(
            x1 + (y - y1) * (x2 - x1) / (y2 - y1) for (x1, y1), (x2, y2) in self._sides() if (y1 > y) != (y2 > y)
        )


Region = Box | Outline


def _pixels(begin: float, end: float, size: int) -> range:
    """The pixels of one axis whose middle lies in `[begin, end)` and on the screen."""
    return range(max(0, math.ceil(begin - 0.5)), min(size, math.ceil(end - 0.5)))


@dataclass(frozen=True, slots=True)
class Item:
    """One instruction on one picture."""

    number: int
    """Counts from 1 through the whole suite."""
    image: Path
    instruction: str
    region: Region | None
    """None: the thing is not on the screen, and saying so is the right answer."""
    data_type: str = ""
    """`text` or `icon`; empty where the suite does not say."""
    kinds: tuple[str, ...] = ()
    source: str = ""
    role: str = ""
