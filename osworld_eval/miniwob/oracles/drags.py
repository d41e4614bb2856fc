"""Dragging: boxes, shapes, list items, and the corner of a text area."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, dragged, plays, pressed
from osworld_eval.miniwob.page import Box, Look

_WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@plays("drag-box")
def _box_in_box(look: Look) -> Iterator[Action]:
    small, large = look.all("#draggableSmall")[0], look.all("#draggableLarge")[0]
    yield dragged(small.centre, large.centre)
    yield from pressed(look, "#subbtn")


@plays("drag-circle", "drag-single-shape")
def _push(look: Look) -> Iterator[Action]:
    found = re.search(r"(left|right|up|down)", look.utterance)
    dx, dy = _WAYS[found.group(1) if found else "left"]
    x, y = look.all("#area svg > *")[0].centre
    yield dragged((x, y), (x + 24 * dx, y + 24 * dy))
    yield from pressed(look, "#subbtn")


_PLACES = {"1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4}


@plays("drag-items")
def _item(look: Look) -> Iterator[Action]:
    found = re.search(
        r"Drag (.*?) (to the top|to the bottom|down by one|up by one|to the (\w+) position)", look.utterance
    )
    if not found:
        raise Stuck("where to?")
    items = look.all("#sortable li")
    now = [box.text for box in items].index(found.group(1))
    how = found.group(2)
    goal = {"to the top": 0, "to the bottom": 4, "down by one": now + 1, "up by one": now - 1}.get(how)
    if goal is None:
        goal = _PLACES[found.group(3)]
    yield _moved(items, now, goal)


def _moved(items: list[Box], now: int, goal: int) -> Action:
    """Drag a list item onto the place of another, a little past its middle, so that they change places."""
    (x, y), (_, end) = items[now].centre, items[goal].centre
    return dragged((x, y), (x, end + (5 if goal > now else -5)))


_GRID = {
    "top left": 0, "top center": 1, "top right": 2, "center left": 3, "center": 4, "center right": 5,
    "bottom left": 6, "bottom center": 7, "bottom right": 8,
}  # fmt: skip
_BY_ONE = {"up": -3, "down": 3, "left": -1, "right": 1}


@plays("drag-items-grid")
def _tile(look: Look) -> Iterator[Action]:
    found = re.search(r"Drag (.*?) (?:to the (.*)|(\w+) by one)\.", look.utterance)
    if not found:
        raise Stuck("where to?")
    items = look.all("#sortable li")
    now = [box.text for box in items].index(found.group(1))
    goal = _GRID[found.group(2)] if found.group(2) else now + _BY_ONE[found.group(3)]
    (x, y), row = items[goal].centre, goal // 3 - now // 3
    past = 14 if goal > now else -14
    yield dragged(items[now].centre, (x + past, y + (4 if row > 0 else -4 if row < 0 else 0)))


@plays("drag-sort-numbers")
def _sort(look: Look) -> Iterator[Action]:
    for _ in range(8):
        items = look.all("#sortable li")
        values = [int(box.text) for box in items]
        wrong = next((place for place, value in enumerate(values) if value != min(values[place:])), None)
        if wrong is None:
            break
        yield _moved(items, values.index(min(values[wrong:]), wrong), wrong)
    yield from pressed(look, "#subbtn")


_TAGS = {"rectangles": "rect", "circles": "circle", "triangles": "polygon"}
_LOOSE = "#area_svg rect:not(#shape-container), #area_svg circle, #area_svg polygon"


@plays("drag-shapes")
def _shapes_in(look: Look) -> Iterator[Action]:
    found = re.search(r"Drag all (\w+)", look.utterance)
    tag = _TAGS[found.group(1) if found else "circles"]
    yield from _gathered(look, [(number, 0) for number, one in enumerate(look.all(_LOOSE)) if one.tag == tag])
    yield from pressed(look, "#subbtn")


@plays("drag-shapes-2")
def _sorted_out(look: Look) -> Iterator[Action]:
    found = re.search(r"Drag all (\w+)(?: shapes)? into the left box", look.utterance)
    kind = found.group(1) if found else ""
    shapes = look.all(_LOOSE)
    left = [one.tag == _TAGS[kind] if kind in _TAGS else one.attrs.get("fill") == kind for one in shapes]
    yield from _gathered(look, [(number, 0 if is_left else 1) for number, is_left in enumerate(left)])
    yield from pressed(look, "#subbtn")


def _gathered(look: Look, moves: list[tuple[int, int]]) -> Iterator[Action]:
    """Drag shapes, by number, into boxes, by number: side by side, from the left."""
    filled = [0, 0]
    for number, box in moves:
        frame = look.all("#shape-container")[box]
        shape = look.all(_LOOSE)[number]
        row, column = divmod(filled[box], 4 if frame.right - frame.left > 75 else 3)
        end = frame.left + 14 + 17 * column, frame.top + 17 + 14 * row
        filled[box] += 1
        yield dragged(shape.centre if not shape.spot else shape.spot, end)


@plays("resize-textarea")
def _resize(look: Look) -> Iterator[Action]:
    found = re.search(r"the (height|width) is (smaller|larger)", look.utterance)
    if not found:
        raise Stuck("how?")
    sign = 1 if found.group(2) == "larger" else -1
    side = ".ui-resizable-s" if found.group(1) == "height" else ".ui-resizable-e"
    handles = look.shown(".ui-resizable-se") or look.shown(side)
    if not handles or not handles[0].spot:
        raise Stuck("no handle")
    x, y = handles[0].spot
    by = 16 * sign
    yield dragged((x, y), (x, y + by) if found.group(1) == "height" else (x + by, y))
    yield from pressed(look, "#submit")
