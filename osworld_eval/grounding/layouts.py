"""The layouts of published grounding suites, and the plain one: from one entry of a file to an `Item`.

The formats are those of the datasets as published: ScreenSpot and ScreenSpot-v2 (`screenspot_web.json`,
`screenspot_web_v2.json`; boxes as x, y, width, height), ScreenSpot-Pro (`annotations/*.json`; boxes as two corners) and
OSWorld-G (`OSWorld-G.json`; boxes as x, y, width, height, polygons as flat lists, and refusals).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from osworld_eval.grounding.item import Box, Item, Outline, Region

__all__ = ["LAYOUTS", "Entry", "Fault", "Layout", "found_in"]

Layout = Literal["plain", "screenspot", "screenspot-v2", "screenspot-pro", "osworld-g"]


class Fault(ValueError):
    """One thing wrong with one entry: what was expected and what stands there. One line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an annotation file, read with checks. Every reader raises `Fault`."""

    data: Mapping[str, Any]

    def text(self, key: str, fallback: str | None = None) -> str:
        """A text that is not empty; `fallback` where the key is missing, if there is one."""
        if fallback is not None and self.data.get(key) in (None, ""):
            return fallback
        value = self._has(key)
        if not isinstance(value, str) or not value.strip():
            raise Fault(f"`{key}` must be a text that is not empty, got {_short(value)}")
        return value.strip()

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise Fault(f"`{key}` must be one of {', '.join(allowed)}, got `{value}`")
        return value

    def numbers(self, key: str, words: str, count: int | None = None) -> list[float]:
        """A list of numbers, `count` of them; `words` say which."""
        value = self._has(key)
        good = isinstance(value, list) and all(isinstance(n, int | float) and not isinstance(n, bool) for n in value)
        if not good or (count is not None and len(value) != count):
            raise Fault(f"`{key}` must be {words}, got {_short(value)}")
        return [float(n) for n in value]

    def size_box(self, key: str) -> Box:
        """A box given as x, y, width, height."""
        x, y, width, height = self.numbers(key, "four numbers: x, y, width, height", 4)
        if width <= 0 or height <= 0:
            raise Fault(f"`{key}` must have a width and a height above 0, got {width:g} x {height:g}")
        return Box(x, y, x + width, y + height)

    def corner_box(self, key: str) -> Box:
        """A box given as two corners."""
        left, top, right, bottom = self.numbers(key, "four numbers: x1, y1, x2, y2", 4)
        if right <= left or bottom <= top:
            raise Fault(f"`{key}` must have x1 < x2 and y1 < y2, got {left:g}, {top:g}, {right:g}, {bottom:g}")
        return Box(left, top, right, bottom)

    def _has(self, key: str) -> Any:
        if key not in self.data:
            raise Fault(f"`{key}` is missing")
        return self.data[key]


Read = Callable[[Entry, Path, int], Item]


@dataclass(frozen=True, slots=True)
class Source:
    """Where one layout keeps its files, and how an entry of it is read."""

    files: tuple[str, ...]
    """Patterns of the annotation files; the first pattern that finds any counts."""
    images: tuple[str, ...]
    """Where pictures may lie, seen from the suite's folder; the first that is there counts."""
    image_key: str
    read: Read


def _types(entry: Entry, key: str) -> str:
    return entry.one_of(key, ("text", "icon"))


def _plain(entry: Entry, image: Path, number: int) -> Item:
    region = None if "bbox" in entry.data and entry.data["bbox"] is None else entry.size_box("bbox")
    kind = entry.text("kind", "")
    return Item(
        number,
        image,
        entry.text("instruction"),
        region,
        _types(entry, "data_type"),
        (kind,) if kind else (),
        entry.text("data_source"),
        entry.text("role", ""),
    )


def _screenspot(entry: Entry, image: Path, number: int) -> Item:
    box, instruction = entry.size_box("bbox"), entry.text("instruction")
    return Item(number, image, instruction, box, _types(entry, "data_type"), (), entry.text("data_source", ""))


def _screenspot_pro(entry: Entry, image: Path, number: int) -> Item:
    group = entry.text("group", "")
    box, instruction = entry.corner_box("bbox"), entry.text("instruction")
    source = entry.text("application", "") or entry.text("platform", "")
    return Item(number, image, instruction, box, _types(entry, "ui_type"), (group,) if group else (), source)


def _osworld_g(entry: Entry, image: Path, number: int) -> Item:
    region: Region | None
    match entry.one_of("box_type", ("bbox", "polygon", "refusal")):
        case "bbox":
            region = entry.size_box("box_coordinates")
        case "polygon":
            region = _outline(entry)
        case _:
            region = None
    kinds = entry.data.get("GUI_types") or []
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise Fault(f"`GUI_types` must be a list of texts, got {_short(kinds)}")
    return Item(number, image, entry.text("instruction"), region, "", tuple(kinds), "")


def _outline(entry: Entry) -> Outline:
    flat = entry.numbers("box_coordinates", "a flat list of numbers: x, y of each corner")
    if len(flat) < 6 or len(flat) % 2:
        raise Fault(f"`box_coordinates` must be x, y of at least three corners, got {len(flat)} numbers")
    return Outline(tuple(zip(flat[::2], flat[1::2], strict=True)))


_PICTURES = ("images", ".")

LAYOUTS: Mapping[Layout, Source] = {
    "plain": Source(("annotations.json",), _PICTURES, "img_filename", _plain),
    "screenspot-v2": Source(("screenspot_*_v2.json",), ("screenspotv2_image", *_PICTURES), "img_filename", _screenspot),
    "screenspot": Source(("screenspot_*.json",), ("screenspot_imgs", *_PICTURES), "img_filename", _screenspot),
    "screenspot-pro": Source(("annotations/*.json",), _PICTURES, "img_filename", _screenspot_pro),
    "osworld-g": Source(
        ("OSWorld-G.json", "OSWorld-G_refined.json", "benchmark/OSWorld-G.json", "benchmark/OSWorld-G_refined.json"),
        ("images", "benchmark/images", "."),
        "image_path",
        _osworld_g,
    ),
}
"""In the order in which they are looked for."""


def found_in(folder: Path) -> dict[Layout, list[Path]]:
    """Every layout whose annotation files a folder holds, with the files in order of name."""
    found: dict[Layout, list[Path]] = {}
    for layout, source in LAYOUTS.items():
        for pattern in source.files:
            if files := sorted(folder.glob(pattern)):
                found[layout] = files
                break
    if "screenspot" in found and "screenspot-v2" in found:
        later = set(found["screenspot-v2"])
        found["screenspot"] = [file for file in found["screenspot"] if file not in later]
        if not found["screenspot"]:
            del found["screenspot"]
    return found


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:59] + "…"
