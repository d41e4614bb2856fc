"""A grounding suite on disk: found, read and checked as a whole before the first question is put."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from actuators.geometry import Screen
from actuators.observation import Frame, Node, Observation
from osworld_eval.grounding.item import Box, Item, Outline, Region
from osworld_eval.grounding.layouts import LAYOUTS, Entry, Fault, Layout, found_in
from osworld_eval.grounding.nodes import plain_node, read_nodes

__all__ = ["Suite", "SuiteUnusable", "load"]

_PNG = b"\x89PNG\r\n\x1a\n"
_HINT = (
    "expected annotations.json (plain), screenspot_*.json (ScreenSpot, v2), annotations/*.json (ScreenSpot-Pro) "
    "or OSWorld-G.json"
)


class SuiteUnusable(Exception):
    """The suite cannot be used as it is. `lines` says each fault in one line."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Suite:
    """Checked items in the order of the files, and the nodes of their pictures where the suite has them."""

    layout: Layout
    items: tuple[Item, ...]
    nodes: Mapping[str, tuple[Node, ...]] | None
    """By the picture's file name; None where the suite lists none."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every item's `key`: pictures, instructions and regions, in order."""
        return hashlib.sha256("".join(map(key, self.items)).encode()).hexdigest()

    @cached_property
    def nodes_digest(self) -> str:
        """SHA-256 over every listed node; empty where none is."""
        if self.nodes is None:
            return ""
        listed = ([name, *map(plain_node, nodes)] for name, nodes in sorted(self.nodes.items()))
        told = json.dumps(list(listed), ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()

    def observation(self, item: Item, with_nodes: bool) -> Observation:
        """What the item shows, with its nodes or with none.

        Raises:
            SuiteUnusable: nodes are wanted and the picture has none listed.
        """
        frame, screen = _frame(item.image)
        listed: tuple[Node, ...] = ()
        if with_nodes:
            if self.nodes is None or item.image.name not in self.nodes:
                raise SuiteUnusable(f"{item.image.name}: its nodes are not in nodes.json")
            listed = self.nodes[item.image.name]
        return Observation(seq=item.number, taken_at=0.0, surface="fake", screen=screen, frame=frame, nodes=listed)


def load(path: Path, layout: Layout | None = None, first: int = 1, limit: int | None = None) -> Suite:
    """Read a suite.

    Args:
        path: its folder, or one annotation file of it.
        layout: instead of what the folder's files say.
        first: number of the first item to keep, from 1.
        limit: how many to keep at most.

    Raises:
        SuiteUnusable: nothing there, or any fault in any entry, kept or not.
    """
    folder, layout, files = _find(path, layout)
    source = LAYOUTS[layout]
    images = next(place for name in source.images if (place := folder / name).is_dir())
    items: list[Item] = []
    faults: list[str] = []
    for file in files:
        for number, data in enumerate(_entries(file), 1):
            try:
                items.append(_read(layout, data, images, len(items) + len(faults) + 1))
            except Fault as fault:
                faults.append(f"{file.relative_to(folder)}: entry {number}: {fault}")
    nodes = read_nodes(folder / "nodes.json", faults) if (folder / "nodes.json").is_file() else None
    if faults:
        raise SuiteUnusable(*faults)
    kept = items[first - 1 :][:limit]
    if not kept:
        raise SuiteUnusable(f"{path}: no items left: it has {len(items)} and the first to keep is number {first}")
    return Suite(layout, tuple(kept), nodes)


def key(item: Item) -> str:
    """SHA-256 of what is asked: picture, instruction, region."""
    told = json.dumps([_picture_digest(item.image), item.instruction, plain_region(item.region)], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()


def plain_region(region: Region | None) -> list[float] | None:
    """x, y, width, height of a box, the flat corners of an outline, or None."""
    match region:
        case None:
            return None
        case Box(left, top, right, bottom):
            return [_round(left), _round(top), _round(right - left), _round(bottom - top)]
        case Outline(corners):
            return [_round(number) for corner in corners for number in corner]


def _round(number: float) -> float:
    short = round(number, 3)
    return int(short) if short == int(short) else short


def _find(path: Path, layout: Layout | None) -> tuple[Path, Layout, list[Path]]:
    """The suite's folder, its layout and its annotation files."""
    if not path.exists():
        raise SuiteUnusable(f"{path}: there is no such folder or file; {_HINT}")
    folder = path if path.is_dir() else path.parent
    if path.is_file() and folder.name == "annotations" and path.name != "annotations.json":
        folder = folder.parent
    found = found_in(folder)
    if path.is_file():
        layouts = [layout] if layout else [one for one in LAYOUTS if _is_of(path, folder, one)]
        if not layouts:
            raise SuiteUnusable(f"{path}: its name says no layout; give --layout {'|'.join(LAYOUTS)}")
        return folder, layouts[0], [path]
    if layout is not None:
        if layout not in found:
            patterns = " or ".join(LAYOUTS[layout].files)
            raise SuiteUnusable(f"{path}: holds no files of the layout {layout}, expected {patterns}")
        return folder, layout, found[layout]
    if not found:
        raise SuiteUnusable(f"{path}: no layout is recognised; {_HINT}")
    if len(found) > 1:
        raise SuiteUnusable(f"{path}: holds files of {' and '.join(found)}; choose with --layout")
    return folder, *next(iter(found.items()))


def _is_of(path: Path, folder: Path, layout: Layout) -> bool:
    return any(path in folder.glob(pattern) for pattern in LAYOUTS[layout].files) or (
        layout == "osworld-g" and path.name.startswith("OSWorld-G")
    )


def _entries(file: Path) -> list[Any]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise SuiteUnusable(f"{file}: not readable as JSON: {' '.join(str(error).split())}") from None
    if not isinstance(data, list) or not data:
        raise SuiteUnusable(
            f"{file}: expected a list of entries, got {type(data).__name__ if data else 'an empty one'}"
        )
    return data


def _read(layout: Layout, data: object, images: Path, number: int) -> Item:
    if not isinstance(data, dict):
        raise Fault(f"expected an object, got {type(data).__name__}")
    entry, source = Entry(data), LAYOUTS[layout]
    name = entry.text(source.image_key)
    image = images / name
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise Fault(f"`{source.image_key}` must lie in {images.name}/, got `{name}`")
    screen = _screen(image)
    item = source.read(entry, image, number)
    if item.region is not None and item.region.middle(screen) is None:
        size = f"{screen.width}x{screen.height}"
        raise Fault(f"the box {plain_region(item.region)} holds no pixel of its {size} picture")
    return item


@cache
def _screen(image: Path) -> Screen:
    from PIL import Image, UnidentifiedImageError

    if not image.is_file():
        raise Fault(f"no picture {image.parent.name}/{image.name}")
    try:
        with Image.open(image) as opened:
            return Screen(*opened.size)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise Fault(f"{image.parent.name}/{image.name} is no picture that can be read") from None


@cache
def _picture_digest(image: Path) -> str:
    with image.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=2)
def _frame(image: Path) -> tuple[Frame, Screen]:
    """The picture as PNG bytes; other formats are converted without loss."""
    data = image.read_bytes()
    if not data.startswith(_PNG):
        from PIL import Image

        with Image.open(io.BytesIO(data)) as opened:
            kept = io.BytesIO()
            opened.convert("RGB").save(kept, "PNG", compress_level=1)
        data = kept.getvalue()
    return Frame(data), _screen(image)
