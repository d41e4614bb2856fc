"""Plain shapes of one colour on a screenshot: boxes, circles, triangles, rows of a list, handles, big letters.

What no reading head names has a colour and an outline all the same. Flat fills are found exactly, whatever the page
was written with; photographs and gradients hold none. Screen pixels throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from actuators.geometry import Point, Rect
from actuators.observation import Frame

__all__ = ["Form", "Shape", "holding", "marks", "shapes"]

Form = Literal["rectangle", "square", "circle", "triangle", "other"]

_COLOURS = 48
"""The commonest colours are looked at."""
_LEAST_PX, _LEAST_SIDE = 20, 6
_WHITE = 248
"""A lighter fill is the ground that shows through an outline."""
_WHOLE = 0.9
"""Of the screen's width or height: what is larger is ground."""
_THIN = 0.4
"""An outline has less of its own colour than this, of what it encloses."""
_BORDER_PX = 6
_FILLS: tuple[tuple[float, float, Form], ...] = (
    (0.93, 1.01, "rectangle"), (0.70, 0.86, "circle"), (0.40, 0.60, "triangle")
)  # fmt: skip
"""How much of its box a form covers: all, a quarter of pi, half."""
_LEAST_POLYGON, _MOST_CORNERS, _DIRECTIONS, _LEAST_WAVE = 30, 12, 120, 0.004
"""Pixels; corners; steps around; how much of the mean distance a wave must be."""
_INK, _LEAST_MARK, _LARGEST_MARK = 150, 8, 48
"""Sum of the differences in red, green and blue from the ground; pixels."""
_DOT_PX = 20
_EVEN = 0.16
"""How far the sides of a square may differ, of the longer one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One flat fill, with what it encloses."""

    rect: Rect
    colour: tuple[int, int, int]
    """Red, green, blue of the fill; of the outline where nothing fills it but its ground."""
    form: Form
    corners: int = 0
    """Of a regular polygon, 3 to 12; 0 for what is none."""
    hollow: bool = False
    """Whether only its outline is drawn."""
    row: int = 0
    """Place in reading order."""

    @property
    def size(self) -> int:
        """The longer side."""
        return max(self.rect.width, self.rect.height)

    def alike(self, other: Shape, slack: float = 0.12) -> bool:
        """Whether another one is as wide and as high."""
        return (
            abs(self.rect.width - other.rect.width) <= max(4, slack * self.rect.width)
            and abs(self.rect.height - other.rect.height) <= max(4, slack * self.rect.height)
        )  # fmt: skip


@lru_cache(maxsize=24)
def shapes(frame: Frame, aslant: bool = True) -> tuple[Shape, ...]:
    """All shapes on a screenshot, in reading order.

    Args:
        frame: the screenshot.
        aslant: whether pixels that only touch at their corners hang together; dots at the ends of thin lines do not.

    Raises:
        OSError: the screenshot is no picture.
    """
    pixels = frame.pixels.astype(np.int32)
    codes = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    values, counts = np.unique(codes, return_counts=True)
    common = values[np.argsort(-counts, kind="stable")][:_COLOURS]
    found = [one for code in common for one in _of_colour(codes, int(code), aslant)]
    found = sorted(_joined(found), key=lambda one: (one.rect.centre.y // 14, one.rect.left))
    return tuple(replace(one, row=n) for n, one in enumerate(found))


@lru_cache(maxsize=24)
def marks(frame: Frame) -> tuple[Shape, ...]:
    """Small things on the screen's own ground that no fill of one colour makes up, such as thin letters; reading order.

    Raises:
        OSError: the screenshot is no picture.
    """
    from scipy import ndimage

    pixels = frame.pixels.astype(np.int32)
    codes = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    values, counts = np.unique(codes, return_counts=True)
    ground = int(values[counts.argmax()])
    away = np.abs(pixels - np.array([ground >> 16, ground >> 8 & 255, ground & 255])).sum(-1)
    labels, _ = ndimage.label(away > _INK, np.ones((3, 3)))
    known = [one.rect for one in shapes(frame)]
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        rect = Rect(box[1].start, box[0].start, box[1].stop, box[0].stop)
        if not (_LEAST_MARK <= rect.height <= _LARGEST_MARK and rect.width <= _LARGEST_MARK):
            continue
        if any(rect.intersect(one).area > 0.5 * rect.area for one in known):
            continue
        own = labels[box] == number
        far = np.where(own, away[box], -1)
        colour = pixels[box][np.unravel_index(far.argmax(), far.shape)]
        found.append(Shape(rect, (int(colour[0]), int(colour[1]), int(colour[2])), "other"))
    return tuple(found)


def _of_colour(codes: npt.NDArray[np.int32], code: int, aslant: bool) -> list[Shape]:
    from scipy import ndimage  # in the `model` extra; heavy

    height, width = codes.shape
    labels, _ = ndimage.label(codes == code, np.ones((3, 3)) if aslant else None)
    sizes = np.bincount(labels.ravel())
    sizes[0] = _LEAST_PX  # what is not of this colour comes first, and is left out
    found = []
    boxes = ndimage.find_objects(labels)
    for number in np.flatnonzero(sizes >= _LEAST_PX)[1:]:
        box = boxes[number - 1]
        high, wide = box[0].stop - box[0].start, box[1].stop - box[1].start
        if min(high, wide) < _LEAST_SIDE or wide > _WHOLE * width or high > _WHOLE * height:
            continue
        own = labels[box] == number
        filled = ndimage.binary_fill_holes(own)
        whole = int(filled.sum())
        rect = Rect(box[1].start, box[0].start, box[1].stop, box[0].stop)
        colour = (code >> 16, code >> 8 & 255, code & 255)
        hollow = bool(sizes[number] < _THIN * whole)
        found.append(Shape(rect, colour, _form(rect, filled), _corners(filled), hollow))
    return found


def _form(rect: Rect, filled: npt.NDArray[np.bool_]) -> Form:
    share = filled.sum() / rect.area
    if max(filled.shape) < _DOT_PX:  # a few pixels make a circle fuller
        share *= 0.94
    form: Form = next((form for low, high, form in _FILLS if low <= share < high), "other")
    even = abs(rect.width - rect.height) <= _EVEN * max(rect.width, rect.height)
    if form == "rectangle" and even:
        return "square"
    if form == "circle" and not (even and _bulges(filled)):
        return "other"
    return "other" if form == "triangle" and not _widens(filled) else form


def _corners(filled: npt.NDArray[np.bool_]) -> int:
    """How often the distance from the middle to the edge rises and falls on the way around."""
    if min(filled.shape) < _LEAST_POLYGON:
        return 0
    rows, columns = np.nonzero(filled & ~_inner(filled))
    y, x = rows - rows.mean(), columns - columns.mean()
    turn = np.floor((np.arctan2(y, x) / (2 * np.pi) + 0.5) * _DIRECTIONS).astype(int) % _DIRECTIONS
    far = np.zeros(_DIRECTIONS)
    np.maximum.at(far, turn, np.hypot(x, y))
    there = np.flatnonzero(far)
    far = np.interp(np.arange(_DIRECTIONS), there, far[there], period=_DIRECTIONS)
    waves = np.abs(np.fft.rfft(far / far.mean()))[: _MOST_CORNERS + 1] / _DIRECTIONS
    waves[:3] = 0
    best = int(waves.argmax())
    return best if waves[best] > _LEAST_WAVE else 0


def _inner(filled: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What has the shape on all four sides."""
    wide = np.pad(filled, 1)
    return wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _spans(filled: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """How much of the width each line covers, from the first pixel to the last, 0 to 1."""
    width = filled.shape[1]
    first, last = filled.argmax(1), width - filled[:, ::-1].argmax(1)
    return np.where(filled.any(1), (last - first) / width, 0.0)


def _bulges(filled: npt.NDArray[np.bool_]) -> bool:
    """Whether it is round on all four sides: widest in the middle, with nothing cut out of it."""
    spans = _spans(filled)
    quarter = len(spans) // 4
    ends = max(spans[0], spans[-1]) < 0.75 and abs(spans[quarter] - spans[-1 - quarter]) < 0.2
    solid = filled.sum() > 0.93 * spans.sum() * filled.shape[1]
    return bool(ends and spans[len(spans) // 2] > 0.93 and solid)


def _widens(filled: npt.NDArray[np.bool_]) -> bool:
    """Whether it grows evenly from one end to the other, as a triangle on its side or on its tip does too."""
    for way in (filled, filled[::-1], filled.T, filled.T[::-1]):
        spans = _spans(way)
        even = np.linspace(0, 1, len(spans))
        if np.abs(spans - even).mean() < 0.09 and way.sum() > 0.9 * spans.sum() * way.shape[1]:
            return True
    return False


def _joined(found: Sequence[Shape]) -> list[Shape]:
    """A fill and the outline drawn around it are one shape, as large as the outline and of the fill's colour."""
    outlines = [one for one in found if one.hollow]
    fills = [one for one in found if not one.hollow]
    kept: list[Shape] = []
    for fill in fills:
        around = next((line for line in outlines if _frames(line.rect, fill.rect)), None)
        if around is None:
            kept.append(fill)
            continue
        outlines.remove(around)
        plain = min(fill.colour) > _WHITE
        form = around.form if around.form != "other" else fill.form
        colour = around.colour if plain else fill.colour
        kept.append(Shape(around.rect, colour, form, fill.corners, plain))
    return kept + outlines


def _frames(line: Rect, fill: Rect) -> bool:
    gaps = (fill.left - line.left, fill.top - line.top, line.right - fill.right, line.bottom - fill.bottom)
    return all(-1 <= gap <= _BORDER_PX for gap in gaps)


def holding(found: Sequence[Shape], at: Point) -> Shape | None:
    """The smallest shape around a point."""
    return min((one for one in found if one.rect.contains(at)), key=lambda one: one.rect.area, default=None)
