"""Sliders that are to show a number: a drag to about the place, another by what the first one did, then arrow keys.

How far a slider reaches is written nowhere; two places of the handle and the numbers beside it tell. Screen pixels
throughout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from actuators.geometry import Point, Rect
from model.reading.shapes import Shape

__all__ = ["Shown", "Slider", "move", "moved", "sliders", "wanted"]

_ONE = re.compile(
    r"^(?:please )?(?:select|set|choose|move|drag|slide|pick) (?:(?P<a>-?\d+) (?:with|on|using) (?:the |a )?slider"
    r"|(?:the )?slider to (?:the value )?(?P<b>-?\d+))$",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"^(?:please )?(?:set|move|drag|slide) (?:the )?sliders to (?:the )?(?:combination|values|numbers)? ?"
    r"[\[(]?(?P<all>-?\d+(?:\s*,\s*-?\d+)+)[\])]?$",
    re.IGNORECASE,
)
_LEAST_HANDLE, _LARGEST_HANDLE = 10, 64
_FINE_PX = 4
"""A shorter drag moves nothing."""
_NEAR = 6
"""Numbers that a slider is off by and arrow keys mend."""


@dataclass(frozen=True, slots=True)
class Slider:
    """One handle on its track."""

    handle: Rect
    track: Rect
    upright: bool

    @property
    def place(self) -> int:
        """Of the handle along the track, so that more is further to the right or further up."""
        return -self.handle.centre.y if self.upright else self.handle.centre.x


@dataclass(frozen=True, slots=True)
class Shown:
    """A slider and the number beside it."""

    slider: Slider
    value: int


def wanted(text: str) -> list[int] | None:
    """The numbers that sliders are to show, from the top; None for other wishes."""
    said = text.strip(" .")
    if one := _ONE.match(said):
        return [int(one.group("a") or one.group("b"))]
    several = _SEVERAL.match(said)
    return [int(number) for number in several.group("all").split(",")] if several else None


def sliders(found: Sequence[Shape]) -> list[Slider]:
    """Handles with a track that ends or goes on at them, from the top."""
    told = []
    for one in found:
        rect = one.rect
        even = abs(rect.width - rect.height) <= 0.35 * max(rect.width, rect.height)
        if not (even and _LEAST_HANDLE <= one.size <= _LARGEST_HANDLE):
            continue
        for upright in (False, True):
            parts = [part.rect for part in found if _meets(rect, part.rect, upright)]
            if parts:
                told.append(Slider(rect, _around([rect, *parts]), upright))
                break
    return sorted(told, key=lambda one: (one.handle.centre.y // 8, one.handle.left))


def moved(found: Sequence[Shape], known: Sequence[Slider]) -> list[Slider]:
    """Where the handles of known sliders are now: what has the focus is drawn otherwise, and hides its track."""
    told = []
    for one in known:
        size = max(one.handle.width, one.handle.height)
        there = [
            shape.rect
            for shape in found
            if _on(one, shape.rect) and 0.6 * size <= shape.size <= 1.3 * size and shape.form in ("square", "circle")
        ]
        if there:
            told.append(replace(one, handle=max(there, key=lambda rect: rect.area)))
    return told


def _on(slider: Slider, rect: Rect) -> bool:
    at = rect.centre
    if slider.upright:
        return abs(at.x - slider.handle.centre.x) <= 4 and slider.track.top - 8 <= at.y <= slider.track.bottom + 8
    return abs(at.y - slider.handle.centre.y) <= 4 and slider.track.left - 8 <= at.x <= slider.track.right + 8


def _meets(handle: Rect, part: Rect, upright: bool) -> bool:
    """Whether a part of a track touches the handle at its side."""
    if upright:
        beside = abs(part.centre.x - handle.centre.x) <= 4 and part.width < handle.width
        gap = max(part.top - handle.bottom, handle.top - part.bottom)
        return beside and part.height > part.width and abs(gap) <= 5
    beside = abs(part.centre.y - handle.centre.y) <= 4 and part.height < handle.height
    gap = max(part.left - handle.right, handle.left - part.right)
    return beside and abs(gap) <= 5


def _around(rects: Sequence[Rect]) -> Rect:
    return Rect(
        min(one.left for one in rects), min(one.top for one in rects),
        max(one.right for one in rects), max(one.bottom for one in rects),
    )  # fmt: skip


def move(now: Shown, goal: int, before: Sequence[Shown]) -> tuple[Point, Point] | str | None:
    """The drag or the key that brings a slider nearer to a number; None where it shows it.

    Args:
        now: the slider as it stands.
        goal: the number.
        before: where it stood earlier, and what it showed.
    """
    off = goal - now.value
    if not off:
        return None
    if abs(off) <= _NEAR and before:
        return _key(off)
    other = next((one for one in before if one.slider.place != now.slider.place and one.value != now.value), None)
    at = now.slider.handle.centre
    low, high = _ends(now.slider)
    if other is None:
        to = now.slider.place + round(0.3 * (high - low)) * (1 if off > 0 else -1)
        to = min(max(to, low), high)
        if abs(to - now.slider.place) < 4:
            to = (low + high) // 2
    else:
        each = (now.slider.place - other.slider.place) / (now.value - other.value)
        to = min(max(round(now.slider.place + each * off), low), high)
    if other is not None and abs(to - now.slider.place) <= _FINE_PX:
        return _key(off)
    return at, Point(at.x, -to) if now.slider.upright else Point(to, at.y)


def _key(off: int) -> str:
    """The arrow key by which a slider shows one more or one less."""
    return "right" if off > 0 else "left"


def _ends(slider: Slider) -> tuple[int, int]:
    """The least and the greatest place of the handle."""
    half = slider.handle.width // 2
    if slider.upright:
        return -(slider.track.bottom - 2), -(slider.track.top + 2)
    return slider.track.left + half, slider.track.right - half
