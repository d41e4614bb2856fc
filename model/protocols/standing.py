"""How things on a screen stand to one another, told from their boxes alone: rows, columns, sections, series.

Screen pixels, origin top-left. Everything here is a likelihood between 0 and 1 and no knowledge of a document.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from actuators.geometry import Rect, Screen
from actuators.observation import Node

__all__ = ["FIELDS", "READABLE", "Layout", "apart", "beside", "level", "related"]

READABLE = frozenset({"text", "heading", "cell", "status", "alert", "image"})
"""Roles that are read and not operated."""
FIELDS = frozenset({"textbox", "searchbox", "spinbutton", "combobox", "listbox", "slider"})
"""Roles whose name often stands beside or above them."""
_TITLES = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "legend", "summary", "b", "strong", "aside", "dt", "caption"})
_SNUG = 4
"""Edges that differ by no more are on one line."""


def level(one: Rect, other: Rect) -> float:
    """Share of the lower one's height that both have in common vertically, 0 to 1."""
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(0.0, common / max(1, min(one.height, other.height)))


def _gap_x(one: Rect, other: Rect) -> int:
    return max(one.left - other.right, other.left - one.right, 0)


def _gap_y(one: Rect, other: Rect) -> int:
    return max(one.top - other.bottom, other.top - one.bottom, 0)


def apart(one: Rect, other: Rect) -> float:
    """Pixels between two boxes, those up and down counted twice."""
    return math.hypot(_gap_x(one, other), 2 * _gap_y(one, other))


def _holds(outer: Rect, inner: Rect) -> bool:
    return outer.contains(inner.centre) and outer.area > inner.area


def beside(node: Rect, anchor: Rect) -> float:
    """How likely a thing belongs to another one: in its row, below it, or in it."""
    if _holds(anchor, node) or _holds(node, anchor):
        return 0.98
    gap_x, gap_y = _gap_x(node, anchor), _gap_y(node, anchor)
    in_row = level(node, anchor)
    if in_row > 0.4:
        after = 1.0 if node.left >= anchor.left else 0.96
        return 0.97 * after * (0.75 + 0.25 * min(1.0, in_row)) / (1 + gap_x / 4000)
    below = node.centre.y > anchor.centre.y
    reach = 150 if below else 60
    near = (1 + (gap_y / reach) ** 1.5) * (1 + (gap_x / 160) ** 2)
    return float((0.93 if below else 0.85) / near)


def related(node: Rect, anchor: Rect, relation: str) -> float:
    """How well a thing stands in a stated relation to another one."""
    dx, dy = node.centre.x - anchor.centre.x, node.centre.y - anchor.centre.y
    gap_x, gap_y = _gap_x(node, anchor), _gap_y(node, anchor)
    match relation:
        case "row":
            return level(node, anchor) ** 0.5 / (1 + gap_x / 4000) if level(node, anchor) > 0.3 else 0.0
        case "right" | "left":
            right = dx > 0 if relation == "right" else dx < 0
            return (
                min(1.0, level(node, anchor) + 0.1) / (1 + gap_x / 300) if right and level(node, anchor) > 0.2 else 0.0
            )
        case "below" | "above":
            down = node.top >= anchor.centre.y if relation == "below" else node.bottom <= anchor.centre.y
            return 1 / (1 + gap_y / 100) / (1 + (gap_x / 40) ** 2) if down and dy else 0.0
        case "near":
            near = 1 / (1 + math.hypot(gap_x, 1.6 * gap_y) / 120)
            return near * (1.0 if level(node, anchor) > 0.4 else 0.85)
        case _:
            return beside(node, anchor)


@dataclass(frozen=True)
class Layout:
    """What follows from the boxes of one list of nodes."""

    nodes: tuple[Node, ...]
    screen: Screen

    @cached_property
    def titles(self) -> tuple[Node, ...]:
        """What stands above other things as their heading."""
        return tuple(node for node in self.nodes if node.role == "heading" or node.tag in _TITLES or self._lone(node))

    def _lone(self, node: Node) -> bool:
        """Short text with nothing beside it and something close below it, at the same left edge."""
        letters = sum(char.isalpha() for char in node.name)
        if node.role != "text" or not 2 < letters <= 40 or node.name[-1] in ".:,":
            return False
        below = False
        for other in self.nodes:
            if other is node:
                continue
            gap = other.rect.left - node.rect.right
            if level(other.rect, node.rect) > 0.5 and -2 <= gap < 24:
                return False
            if -12 <= other.rect.left - node.rect.left <= 60 and 0 <= other.rect.top - node.rect.bottom < 40:
                below = True
        return below

    def section(self, title: Node) -> Rect:
        """The part of the screen that a heading is over."""
        if title.id not in self._sections:
            rect, bottom = title.rect, self._bottom(title)
            columns = [t.rect.left for t in self.titles if t.rect.left > rect.right + 60 and self._beside(t, rect)]
            right = min(columns, default=self.screen.width + 8) - 8
            top = max(0, rect.top - 8)
            self._sections[title.id] = Rect(
                max(0, rect.left - 30), top, max(right, rect.right), max(bottom, rect.bottom)
            )
        return self._sections[title.id]

    def _beside(self, other: Node, rect: Rect) -> bool:
        """Whether another heading's column goes on to the right of a box."""
        return level(other.rect, rect) > 0.5 or (other.rect.top < rect.top < self._bottom(other))

    def _bottom(self, title: Node) -> int:
        """Where the next heading of its kind begins in its column."""
        rect = title.rect
        under = [
            other.rect.top
            for other in self.titles
            if other.rect.top >= rect.bottom
            and -40 <= other.rect.left - rect.left < 60
            and (other.rect.height >= rect.height - 3 or other.role == title.role)
        ]
        return min(under, default=self.screen.height)

    @cached_property
    def _sections(self) -> dict[str, Rect]:
        return {}

    def within(self, node: Node, title: Node) -> float:
        """How likely a thing lies in the section of a heading."""
        if title not in self.titles or node is title:
            return 0.0
        return 0.86 if self.section(title).contains(node.rect.centre) else 0.0

    @cached_property
    def series(self) -> tuple[tuple[Node, ...], ...]:
        """Runs of things alike in kind and edge, under or beside one another, each with a name of its own.

        The one that says most comes first.
        """
        found = []
        for edge in ("left", "top"):
            for role in {node.role for node in self.nodes}:
                listed = sorted((n for n in self.nodes if n.role == role), key=lambda n: getattr(n.rect, edge))
                run: list[Node] = []
                for node in [*listed, None]:
                    if run and (node is None or getattr(node.rect, edge) - getattr(run[0].rect, edge) > _SNUG):
                        found.append(tuple(sorted(run, key=_order)))
                        run = []
                    if node is not None:
                        run.append(node)
        return tuple(sorted((run for run in found if len(run) > 1), key=_weight, reverse=True))

    def labels(self, field: Node) -> tuple[Node, ...]:
        """Texts that stand where the name of a field stands: left of it, or close above it."""
        return tuple(node for node in self.nodes if node.role in READABLE and self._labels(node.rect, field.rect))

    def _labels(self, text: Rect, field: Rect) -> bool:
        if level(text, field) > 0.4 and 0 <= field.left - text.right < 90:
            return True
        return 0 <= field.top - text.bottom < 34 and -12 <= text.left - field.left < 40

    @cached_property
    def _heads(self) -> tuple[Node, ...]:
        """Heads of columns, links among them included."""
        heads = [node for node in self.nodes if node.tag == "th" or node.role == "columnheader"]
        lines = [head.rect for head in heads]
        links = [
            node for node in self.nodes if node.role == "link" and any(level(node.rect, rect) > 0.6 for rect in lines)
        ]
        return (*heads, *links)

    def above(self, node: Node) -> tuple[Node, ...]:
        """Heads of the column a thing stands in."""
        return tuple(
            head
            for head in self._heads
            if head.rect.bottom <= node.rect.top and abs(head.rect.left - node.rect.left) < 8
        )


def _order(node: Node) -> tuple[int, int]:
    return node.rect.top, node.rect.left


def _weight(run: Sequence[Node]) -> float:
    """How much a series says: many members with long names of their own, that can be pressed."""
    own = len({node.name for node in run}) / len(run)
    words = sum(min(len(node.name), 40) for node in run) / len(run)
    wide = sum(min(node.rect.area, 20000) for node in run) / len(run)
    pressed = 0.3 if run[0].role in READABLE else 1.0
    return float(own**3 * pressed * min(len(run), 8) ** 0.5 * (words + 4) * (1000 + wide) ** 0.5)
