"""Grounding replies: JSON lists of boxes (`bbox_2d`) and points (`point_2d`) on the model's grid, and the way back.

A list that was cut off is read up to its last whole entry, because checkpoints are known to go on for ever when there
are very many of a kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actuators.geometry import Point, Rect, Screen
from model.protocols.calls import without_thoughts
from model.protocols.grid import PUBLISHED, Grid

__all__ = ["Found", "grammar", "read"]


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found."""

    label: str
    box: Rect | None = None
    """Screen pixels; None where a point was given."""
    point: Point | None = None
    """Screen pixels; the box's centre where a box was given."""
    more: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Whatever else was asked for: text content, type, colour."""


_START = re.compile(r"[\[{]")
_PLACES = ("bbox_2d", "point_2d")


def read(reply: str, screen: Screen, grid: Grid = PUBLISHED) -> tuple[Found, ...] | None:
    """All whole entries of a reply in pixels of the picture of `screen`'s size, or None where there is no list.

    Entries whose numbers do not lie on the grid are left out. Never raises.
    """
    text = without_thoughts(reply)
    begin = _START.search(text)
    if begin is None:
        return None
    entries = _entries(text[begin.start() :])
    if entries is None:
        return None
    return tuple(found for entry in entries if (found := _found(entry, screen, grid)) is not None)


def _entries(text: str) -> list[Any] | None:
    """The entries of a JSON list (or one object), as far as it is whole."""
    decoder = json.JSONDecoder()
    try:
        whole, _ = decoder.raw_decode(text)
        return whole if isinstance(whole, list) else [whole]
    except (ValueError, RecursionError):
        pass
    if not text.startswith("["):
        return None
    entries: list[Any] = []
    at = 1
    while True:
        at = next((place for place in range(at, len(text)) if text[place] not in ", \t\r\n"), len(text))
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return entries
        entries.append(entry)


def _found(entry: Any, screen: Screen, grid: Grid) -> Found | None:
    try:
        more = {key: value for key, value in entry.items() if key not in (*_PLACES, "label")}
        label = str(entry.get("label", ""))
        if "bbox_2d" in entry:
            box = grid.box(entry["bbox_2d"], screen)
            return Found(label, box, box.centre, more)
        return Found(label, None, grid.pixel(entry["point_2d"], screen), more)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def grammar(kind: str = "bbox_2d", grid: Grid = PUBLISHED, most: int = 50, text_key: str = "label") -> str:
    """The Lark text of a list of at most `most` boxes or points, each with one text.

    Args:
        kind: `bbox_2d` or `point_2d`.
        grid: the numbers that may be said.
        most: entries of the list.
        text_key: the key of the text: `label`, or `text_content` for reading.
    """
    from model.protocols.spoken import numbers

    place = "box" if kind == "bbox_2d" else "place"
    return (
        'start: "```json\\n[" (entry (",\\n" entry)' + f"{{0,{most - 1}}})?" + ' "]\\n```"\n'
        rf'entry: "{{\"{kind}\": " {place} ", \"{text_key}\": " LABEL "}}"' + "\n"
        r'LABEL: /"([^"\\\x00-\x1f\x7f]|\\["\\]){0,200}"/' + "\n" + numbers(grid)
    )
