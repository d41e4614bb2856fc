"""Where things are: the only file that converts coordinates.

Every `Point` and `Rect` outside an actuator is in **screen pixels of one observation**: origin at the top-left
corner, x to the right, y downwards. Rectangles are half-open: `left` and `top` belong to them, `right` and
`bottom` do not. CSS pixels, device pixels and monitor offsets exist only inside an actuator; the model's
0-1000 grid exists only inside `model.protocols`. Both convert through the functions here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["GRID", "Desk", "Digitizer", "Fit", "Monitor", "Point", "Rect", "Screen", "from_grid", "to_grid"]

GRID = 1000
"""The model's grid runs from 0 to `GRID`, both ends included, over the full width and the full height."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A pixel of an observation. Frame: screen pixels, origin top-left."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Rect:
    """A half-open box of pixels: `left <= x < right`, `top <= y < bottom`. May be empty, never inverted."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right < self.left or self.bottom < self.top:
            raise ValueError(f"a rect must not be inverted, got {self!r}")

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """The middle pixel; for an even side the one just right of (below) the middle line."""
        return Point((self.left + self.right) // 2, (self.top + self.bottom) // 2)

    def contains(self, point: Point) -> bool:
        return self.left <= point.x < self.right and self.top <= point.y < self.bottom

    def intersect(self, other: Rect) -> Rect:
        """The common part; an empty rect at the nearer corner where there is none."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Rect(left, top, max(left, min(self.right, other.right)), max(top, min(self.bottom, other.bottom)))

    def grown(self, by_px: int) -> Rect:
        return Rect(self.left - by_px, self.top - by_px, self.right + by_px, self.bottom + by_px)


@dataclass(frozen=True, slots=True)
class Screen:
    """The size of an observation in pixels, and how many device pixels one logical (CSS) pixel takes."""

    width: int
    height: int
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.scale <= 0:
            raise ValueError(f"a screen needs a positive size and scale, got {self!r}")

    @property
    def rect(self) -> Rect:
        return Rect(0, 0, self.width, self.height)

    def contains(self, point: Point) -> bool:
        return self.rect.contains(point)

    def from_logical(self, x: float, y: float) -> Point:
        """Logical (CSS) coordinates to the screen pixel that holds them."""
        return Point(int(x * self.scale), int(y * self.scale))

    def to_logical(self, point: Point) -> tuple[float, float]:
        """The middle of a screen pixel in logical (CSS) coordinates, so that the way back hits the same pixel."""
        return (point.x + 0.5) / self.scale, (point.y + 0.5) / self.scale


@dataclass(frozen=True, slots=True)
class Digitizer:
    """A touch panel whose own pixels need not be those of a screenshot: `wm size` on a phone makes them differ.

    Both are taken as the device is held: turned by a quarter, width and height have changed places in both.
    """

    screen: Screen
    """The screenshot."""
    width: int
    """The panel's own pixels, from left to right."""
    height: int

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"a panel needs a positive size, got {self!r}")

    @property
    def same(self) -> bool:
        return (self.width, self.height) == (self.screen.width, self.screen.height)

    def to_panel(self, point: Point) -> tuple[float, float]:
        """The middle of a screenshot's pixel on the panel; where both are alike, the pixel itself."""
        if self.same:
            return float(point.x), float(point.y)
        return (point.x + 0.5) * self.width / self.screen.width, (point.y + 0.5) * self.height / self.screen.height

    def from_panel(self, x: float, y: float) -> Point:
        """The screenshot's pixel that a place on the panel lies in."""
        return Point(int(x * self.screen.width / self.width), int(y * self.screen.height / self.height))

    def box(self, left: int, top: int, right: int, bottom: int) -> Rect:
        """A box on the panel as the screenshot's pixels that lie in it, cut at the screen's edges; may be empty."""
        across, down = self.screen.width / self.width, self.screen.height / self.height
        return Rect(
            math.floor(min(left, right) * across + 1e-6),
            math.floor(min(top, bottom) * down + 1e-6),
            math.ceil(max(left, right) * across - 1e-6),
            math.ceil(max(top, bottom) * down - 1e-6),
        ).intersect(self.screen.rect)


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor of a desktop, where the system puts it: its units may be points of several pixels each."""

    left: int
    """Units of the system's input, counted from its own origin; negative left of or above the main monitor."""
    top: int
    width: int
    height: int
    scale: float = 1.0
    """Pixels of a screenshot to one unit."""

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.scale <= 0:
            raise ValueError(f"a monitor needs a positive size and scale, got {self!r}")

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height


@dataclass(frozen=True)
class Desk:
    """All monitors of a desktop as one screen: the smallest box around them, at the scale of the finest.

    A screen pixel lies in the unit that holds its middle. Between monitors of unlike height there are pixels that no
    monitor shows; `on_a_monitor` tells.
    """

    monitors: tuple[Monitor, ...]

    def __post_init__(self) -> None:
        if not self.monitors:
            raise ValueError("a desktop needs a monitor")

    @property
    def scale(self) -> float:
        return max(one.scale for one in self.monitors)

    @property
    def origin(self) -> tuple[int, int]:
        """The system's coordinates of the screen's top-left corner."""
        return min(one.left for one in self.monitors), min(one.top for one in self.monitors)

    @property
    def screen(self) -> Screen:
        left, top = self.origin
        right = max(one.left + one.width for one in self.monitors)
        bottom = max(one.top + one.height for one in self.monitors)
        return Screen(round((right - left) * self.scale), round((bottom - top) * self.scale), self.scale)

    def to_input(self, point: Point) -> tuple[float, float]:
        """The middle of a screen pixel as the system's input counts: where a pointer must be to be on that pixel."""
        left, top = self.origin
        return left + (point.x + 0.5) / self.scale, top + (point.y + 0.5) / self.scale

    def from_input(self, x: float, y: float) -> Point:
        """The screen pixel at a place of the system's input."""
        left, top = self.origin
        return Point(math.floor((x - left) * self.scale), math.floor((y - top) * self.scale))

    def box(self, left: float, top: float, right: float, bottom: float) -> Rect:
        """A box of the system's input as the screen pixels that lie in it, cut at the screen's edges; may be empty."""
        origin_x, origin_y = self.origin
        found = Rect(
            math.floor((min(left, right) - origin_x) * self.scale + 1e-6),
            math.floor((min(top, bottom) - origin_y) * self.scale + 1e-6),
            math.ceil((max(left, right) - origin_x) * self.scale - 1e-6),
            math.ceil((max(top, bottom) - origin_y) * self.scale - 1e-6),
        )
        return found.intersect(self.screen.rect)

    def on_a_monitor(self, point: Point) -> bool:
        x, y = self.to_input(point)
        return self.screen.contains(point) and any(one.holds(x, y) for one in self.monitors)


@dataclass(frozen=True, slots=True)
class Fit:
    """From a program's own coordinates to the screen's: `screen = to + (own - of) * scale`."""

    of_x: int = 0
    of_y: int = 0
    to_x: int = 0
    to_y: int = 0
    scale: float = 1.0

    @classmethod
    def between(cls, own: Rect, real: Rect) -> Fit:
        """The fit under which a window's own box becomes the box where it really is."""
        scale = real.width / own.width if own.width and real.width else 1.0
        near = round(scale * 4) / 4
        scale = near if near and abs(scale - near) * own.width <= 4 else scale
        return cls(own.left, own.top, real.left, real.top, scale)

    @property
    def strangeness(self) -> float:
        """How far it is from changing nothing; of two readings of the same box the plainer one is right."""
        return abs(self.scale - round(self.scale)) * 1e6 + abs(self.of_x - self.to_x) + abs(self.of_y - self.to_y)

    def rect(self, own: Rect) -> Rect:
        return Rect(
            self.to_x + math.floor((own.left - self.of_x) * self.scale),
            self.to_y + math.floor((own.top - self.of_y) * self.scale),
            self.to_x + math.ceil((own.right - self.of_x) * self.scale),
            self.to_y + math.ceil((own.bottom - self.of_y) * self.scale),
        )


def from_grid(x: int, y: int, screen: Screen, most: int = GRID, divisor: int = GRID) -> Point:
    """A point of the model's grid to a screen pixel. 0 is the first pixel, `divisor` the last; both are inside.

    Args:
        x: from the left, 0..`most`.
        y: from the top, 0..`most`.
        screen: the observation's size.
        most: the largest coordinate that may be said, inclusive.
        divisor: the coordinate that stands for the far edge: some checkpoints divide by 999. Larger ones name the
            last pixel.

    Raises:
        ValueError: a coordinate lies outside 0..`most`.
    """
    if not (0 <= x <= most and 0 <= y <= most):
        raise ValueError(f"grid coordinates must lie in 0..{most}, got ({x}, {y})")
    return Point(
        min(x * screen.width // divisor, screen.width - 1), min(y * screen.height // divisor, screen.height - 1)
    )


def to_grid(point: Point, screen: Screen, most: int = GRID, divisor: int = GRID) -> tuple[int, int]:
    """The grid point whose pixel lies nearest to `point`: off by half a grid cell at most, exact on small screens."""
    x = min(most, round((point.x + 0.5) * divisor / screen.width))
    y = min(most, round((point.y + 0.5) * divisor / screen.height))
    return x, y
