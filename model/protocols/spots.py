"""Wishes for a spot that nothing marks: the middle of a circle, half way between two points, a place on a grid.

Rules over English words and plane geometry. Screen pixels throughout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from actuators.geometry import Point, Rect
from model.protocols.figures import among, figure
from model.reading.shapes import Shape

__all__ = ["speaks", "spot"]

_CENTRE = re.compile(r"^(?:click|press|tap)(?: on)? the (?:center|centre|middle) of (?P<what>.+)$", re.IGNORECASE)
_MIDPOINT = re.compile(r"\bmid-? ?(?:point|way)\b.*\bpoints\b|\bhalf-?way between the (?:two )?points\b", re.IGNORECASE)
_COORDINATE = re.compile(r"\b(?:grid )?coordinates? \(?\s*(?P<x>-?\d+)\s*,\s*(?P<y>-?\d+)\s*\)?", re.IGNORECASE)
_BISECTS = re.compile(r"\bbisects? the angle\b", re.IGNORECASE)
_RIGHT = re.compile(r"\bright angle\b", re.IGNORECASE)
_LEAST_DOT, _LARGEST_DOT = 7, 26


def speaks(text: str) -> bool:
    """Whether a wish may be one for such a spot at all."""
    return any(form.search(text.strip(" .")) for form in (_CENTRE, _MIDPOINT, _COORDINATE, _BISECTS, _RIGHT))


def spot(text: str, found: Sequence[Shape], drawn: Sequence[Shape], area: Rect) -> Point | None:
    """The point that a wish is for; None for other wishes, and where the figures it speaks of are not there.

    Args:
        text: the wish.
        found: shapes that stand for themselves.
        drawn: all shapes, pale ones and letters too.
        area: what may be pressed.
    """
    said = text.strip(" .")
    if named := _CENTRE.match(said):
        looks = figure(named.group("what"))
        shown = among(looks, drawn, lambda one: "") if looks is not None else []
        return max(shown, key=lambda one: one.rect.area).rect.centre if shown else None
    if where := _COORDINATE.search(said):
        return _on_grid(_dots(drawn), int(where.group("x")), int(where.group("y")))
    dots = _dots(found)
    if _MIDPOINT.search(said) and len(dots) == 2:
        one, other = dots[0].rect.centre, dots[1].rect.centre
        return Point((one.x + other.x) // 2, (one.y + other.y) // 2)
    if _BISECTS.search(said) and len(dots) == 3:
        return _bisecting(dots)
    if _RIGHT.search(said) and len(dots) == 2:
        return _square_to(dots, found, area)
    return None


def _dots(found: Sequence[Shape]) -> list[Shape]:
    return [one for one in found if min(one.rect.width, one.rect.height) >= _LEAST_DOT and one.size <= _LARGEST_DOT]


def _on_grid(dots: Sequence[Shape], x: int, y: int) -> Point | None:
    """Columns and rows are counted from those in the middle; up is more."""
    groups = [[one for one in dots if one.alike(dot, 0.3) and one.colour == dot.colour] for dot in dots]
    alike = max(groups, key=len, default=[])
    columns, rows = _lines([one.rect.centre.x for one in alike]), _lines([one.rect.centre.y for one in alike])
    across, down = len(columns) // 2 + x, len(rows) // 2 - y
    if len(alike) != len(columns) * len(rows) or not (0 <= across < len(columns) and 0 <= down < len(rows)):
        return None
    return Point(columns[across], rows[down])


def _lines(places: Sequence[int]) -> list[int]:
    kept: list[int] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > _LARGEST_DOT // 2:
            kept.append(place)
    return kept


def _corner(dots: Sequence[Shape]) -> tuple[Point, list[Point]]:
    """The dot at the angle, which is drawn in another colour than the rest, and the others."""
    odd = [one for one in dots if sum(one.colour == other.colour for other in dots) == 1]
    at = next((one for one in odd if max(one.colour) - min(one.colour) > 60), dots[0])
    return at.rect.centre, [one.rect.centre for one in dots if one is not at]


def _bisecting(dots: Sequence[Shape]) -> Point:
    at, (one, other) = _corner(dots)
    first, second = math.atan2(one.y - at.y, one.x - at.x), math.atan2(other.y - at.y, other.x - at.x)
    way = first + math.remainder(second - first, 2 * math.pi) / 2
    far = 0.8 * min(math.dist((at.x, at.y), (one.x, one.y)), math.dist((at.x, at.y), (other.x, other.y)))
    return Point(round(at.x + far * math.cos(way)), round(at.y + far * math.sin(way)))


def _square_to(dots: Sequence[Shape], found: Sequence[Shape], area: Rect) -> Point | None:
    """Square to the line between the dots, as far out as the area allows."""
    at, (other,) = _corner(dots)
    dx, dy = other.x - at.x, other.y - at.y
    points = [
        Point(round(at.x - side * share * dy), round(at.y + side * share * dx))
        for share in (0.9, 0.6, 0.35)
        for side in (1, -1)
    ]
    free = [point for point in points if not any(one.rect.contains(point) for one in found)]
    best = max(free, key=lambda point: _margin(point, area), default=None)
    return best if best is not None and _margin(best, area) > 0 else None


def _margin(point: Point, area: Rect) -> int:
    """How far within an area a point lies; below 0 outside."""
    return min(point.x - area.left, point.y - area.top, area.right - point.x, area.bottom - point.y)
