"""The open list of a native `<select>`: drawn over the page and yet no part of it.

Input at its place goes through it to whatever lies below, so a click on a choice has to be made with keys. Where each
choice is drawn is found in the picture: the marked row tells the height of a row and the side on which the list hangs.
When anything about it is not as expected, nothing is claimed. At other scales than 1, and in frames of other sites,
lists are not told: at those scales taking the picture closes them. Typing a choice works everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actuators.geometry import Point, Screen
from actuators.nodes import node_of
from actuators.observation import Frame, Node
from actuators.world import Place, Worlds

__all__ = ["OpenList", "found_in", "rows", "under"]

_ROW_PX = (16, 90)
"""Bounds of a row's height, CSS pixels."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list and its choices as they are drawn; without choices where they could not be told."""

    id: str
    """The select's node id."""
    choices: tuple[Node, ...] = ()

    def at(self, point: Point) -> Node | None:
        return next((node for node in self.choices if node.rect.contains(point)), None)

    def holds(self, id_: str) -> bool:
        return any(node.id == id_ for node in self.choices)

    def within(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        """The nodes of an observation with the choices behind their list, and without what the list hides."""
        out: list[Node] = []
        for node in nodes:
            if node.id == self.id:
                out += [node, *self.choices]
            elif self.at(node.rect.centre) is None:
                out.append(node)
        return tuple(out)


def found_in(frame: Frame, screen: Screen, seen: dict[str, Any]) -> OpenList | None:
    """The list that is open in what was seen; None when there is none."""
    told = seen.get("list")
    if not told:
        return None
    places = rows(frame, told["box"], len(told["options"]), screen.scale) if told["plain"] else ()
    nodes = []
    for one, rect in zip(told["options"], places, strict=False):
        form = seen["forms"][one["form"]] if one["form"] >= 0 else None
        node = node_of({**one, "form": form, "rect": rect}, screen, Place())
        if node.rect.area:
            nodes.append(node)
    return OpenList(told["id"], tuple(nodes) if len(nodes) == len(told["options"]) else ())


def under(shown: OpenList | None, point: Point, told: dict[str, Any], worlds: Worlds) -> dict[str, Any] | None:
    """What a point means while a list is open: one of its choices, or `told`, which lies beside it.

    Where the list is drawn may be unknown; then nothing is known about any point but the list's own field.
    """
    if told["node"]["id"] == told["list"]:
        return told
    if shown is None or shown.id != told["list"] or not shown.choices:
        return None
    choice = shown.at(point)
    if choice is None:
        return told
    found: dict[str, Any] | None = worlds.steadily("option", choice.id)
    return found


def rows(frame: Frame, box: dict[str, float], count: int, scale: float) -> list[dict[str, float]]:
    """Where `count` rows are drawn for a select with this box, CSS pixels; empty when the picture does not tell."""
    picture = frame.image
    x = round((box["left"] + 2) * scale)
    if not (0 <= x < picture.width and count):
        return []
    column: list[Colour] = [_at(picture, x, y) for y in range(picture.height)]
    for top, bottom in _marked(column):
        row = (bottom - top) / scale
        if not _ROW_PX[0] <= row <= _ROW_PX[1]:
            continue
        for start in (box["bottom"] + 1, box["top"] - 1 - count * row):
            number = (top / scale - start) / row
            if abs(number - round(number)) * row > 1 or not 0 <= round(number) < count:
                continue
            end = start + count * row
            if _framed(picture, x, column, end, scale):
                right = _marked_to(picture, x, top) / scale
                return [
                    {
                        "left": box["left"],
                        "right": max(right, box["right"]),
                        "top": start + n * row,
                        "bottom": start + (n + 1) * row,
                    }
                    for n in range(count)
                ]
    return []


def _at(picture: Any, x: int, y: int) -> Colour:
    pixel: Colour = picture.getpixel((x, y))
    return pixel


def _is_mark(colour: Colour) -> bool:
    red, _, blue = colour
    return blue - red > 60 and blue > 120


def _marked(column: list[Colour]) -> list[tuple[int, int]]:
    """Runs of one marking colour, half-open."""
    runs: list[tuple[int, int]] = []
    start = 0
    for y in range(1, len(column) + 1):
        if y == len(column) or column[y] != column[start]:
            if _is_mark(column[start]):
                runs.append((start, y))
            start = y
    return runs


def _marked_to(picture: Any, x: int, y: int) -> int:
    """Where the marked row ends on the right, along its uppermost line, which holds no letters."""
    colour = _at(picture, x, y)
    while x < picture.width and _at(picture, x, y) == colour:
        x += 1
    return x


def _framed(picture: Any, x: int, column: list[Colour], end: float, scale: float) -> bool:
    """Whether the list ends where its last row should: a border line, of another colour than the row above it."""
    y = round(end * scale)
    if not 2 <= y < len(column) - 1:
        return False
    line, above = column[y], column[y - 2]
    return line != above and all(_at(picture, x + step, y) == line for step in range(0, round(20 * scale), 2))
