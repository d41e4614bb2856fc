"""Large letters, which the reading heads take for icons: they are cut out, drawn as small as everyday text, read again.

Only where the first look left tall marks that say nothing. Screen pixels throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from actuators.geometry import Rect
from actuators.observation import Node
from model.reading.lines import Piece

__all__ = ["with_large_text"]

Pixels = npt.NDArray[np.uint8]
_TALL_ICON, _TALL_TEXT = 36, 26
"""Heights from which an icon may be a letter, and a text may be misread for its size."""
_LEAST, _MOST = 22, 140
"""Heights of a large letter."""
_LEAST_CAPITAL = 24
"""Smaller lines are read well enough as they are."""
_CAPITALS = (11, 14)
"""Heights of a capital in the text that is read best: each run of letters is drawn so large, the surer one counts."""
_ROOM, _ROW, _WIDE = 34, 40, 640
"""Of the canvas: space between two texts, height of a row, width."""
_APART = 0.95
"""Marks further apart than this, in heights of a capital, belong to no line together."""
_AROUND = 6
"""So many heights beside what drew attention a line may go on."""
_SURE, _SURE_WORDS = 0.55, 0.75
"""Less sure than this, it was no text; where signs stand between the letters less is enough."""
_INK = 0.45
"""Of the strongest difference from the ground."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """One run of ink that hangs together."""

    left: int
    top: int
    right: int
    bottom: int
    sign: str = ""
    """`-`, `+` or `|`, where it is nothing but bars."""

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left


def with_large_text(
    nodes: Sequence[Node], pixels: Pixels, lines_of: Callable[[Pixels], Sequence[Piece]]
) -> tuple[Node, ...]:
    """The nodes, with large text in place of what its letters were taken for; in reading order.

    Args:
        nodes: what the first look read.
        pixels: the screenshot, `(height, width, 3)`.
        lines_of: reads the text of a picture.
    """
    rows = [row for region in _regions(nodes, pixels.shape) for row in _rows(pixels, region)]
    if not rows:
        return tuple(nodes)
    canvas, places = _drawn(rows)
    read = lines_of(canvas)
    kept, found = list(nodes), []
    for number, row in enumerate(rows):
        text = _text(row, [places[key] for key in sorted(places) if key[0] == number], read)
        if not text:
            continue
        kept = [node for node in kept if not _replaced(node, row.rect)]
        found.append(Node(id=f"large-{number}", role="text", name=text, rect=row.rect))
    return tuple(sorted((*kept, *found), key=lambda one: (round(one.rect.centre.y / 14), one.rect.left)))


def _suspect(node: Node) -> bool:
    """Whether a node may be large letters that were not read as such."""
    if node.role == "text":
        return node.rect.height >= _TALL_TEXT
    little = " " not in node.name or len(node.name) + len(node.value) < 5
    return node.rect.height >= _TALL_ICON and little and node.rect.width < 4 * node.rect.height


def _regions(nodes: Sequence[Node], shape: tuple[int, ...]) -> list[Rect]:
    """Where large text may stand: around suspects that stand on one level, with room on all sides."""
    levels: list[Rect] = []
    for rect in sorted((node.rect for node in nodes if _suspect(node)), key=lambda one: one.top):
        if levels and rect.top < levels[-1].bottom - 0.3 * rect.height:
            last = levels[-1]
            levels[-1] = Rect(
                min(last.left, rect.left), last.top, max(last.right, rect.right), max(last.bottom, rect.bottom)
            )
        else:
            levels.append(rect)
    height, width = shape[:2]
    return [
        Rect(
            max(0, one.left - _AROUND * one.height), max(0, one.top - one.height // 3),
            min(width, one.right + _AROUND * one.height), min(height, one.bottom + one.height // 3),
        )
        for one in levels
        if one.height <= 3 * _MOST
    ]  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """One line of large text: runs of letters and the signs between them, from left to right."""

    runs: tuple[tuple[_Mark, ...], ...]
    """A run of letters, or one sign."""
    ink: npt.NDArray[np.float32]
    """How far the picture differs from its ground, 0..1."""
    rect: Rect
    """On the screen."""
    high: int
    """Of a capital."""
    origin: tuple[int, int]
    """Left and top of `ink` on the screen."""


def _rows(pixels: Pixels, region: Rect) -> list[_Row]:
    part = pixels[region.top : region.bottom, region.left : region.right].astype(np.int32)
    flat = part.reshape(-1, 3)
    values, counts = np.unique(flat @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
    ground = int(values[counts.argmax()])
    away = np.abs(part - np.array([ground >> 16, ground >> 8 & 255, ground & 255])).sum(-1)
    if away.max() < 90 or counts.max() < 0.4 * len(flat):
        return []  # nothing stands out, or a photograph
    ink = (away / away.max()).astype(np.float32)
    marks = _marks(ink > _INK)
    return [row for line in _lines(marks) if (row := _row(line, ink, region)) is not None]


def _marks(ink: npt.NDArray[np.bool_]) -> list[_Mark]:
    from scipy import ndimage  # heavy

    labels, _ = ndimage.label(ink, structure=np.ones((3, 3)))
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        rows, columns = box
        own = labels[box] == number
        high, wide = own.shape
        if high > _MOST or wide > 1.6 * _MOST or own.sum() < 6:
            continue
        border = own[0].mean() + own[-1].mean() + own[:, 0].mean() + own[:, -1].mean()
        if border > 3.4 and own.mean() < 0.5:
            continue  # the frame of a box
        found.append(_Mark(columns.start, rows.start, columns.stop, rows.stop, _sign(own)))
    return found


def _sign(own: npt.NDArray[np.bool_]) -> str:
    """Which sign a mark is that is made of straight bars; empty for any other."""
    high, wide = own.shape
    if own.mean() > 0.85 and wide > 1.5 * high:
        return "-"
    if abs(high - wide) > 0.2 * max(high, wide) or high < 8:
        return ""
    across, down = own.mean(1) > 0.9, own.mean(0) > 0.9
    if not across.any() or not down.any() or across.mean() > 0.4 or down.mean() > 0.4:
        return ""
    bare = own[~across][:, ~down]
    level = abs(across.nonzero()[0].mean() / high - 0.5) < 0.15 and abs(down.nonzero()[0].mean() / wide - 0.5) < 0.15
    return "+" if level and bare.size and bare.mean() < 0.1 else ""


def _lines(marks: Sequence[_Mark]) -> list[list[_Mark]]:
    """Tall marks that stand side by side on one level, with the small ones on it."""
    tall = sorted((one for one in marks if one.height >= _LEAST and not one.sign), key=lambda one: one.left)
    lines: list[list[_Mark]] = []
    for mark in tall:
        near = [line for line in lines if _level(line, mark)]
        if near:
            near[0].append(mark)
        else:
            lines.append([mark])
    # What is no taller than its neighbours' letters without a stem belongs to them too: x, commas, dots, bars.
    for line in lines:
        top, bottom = min(one.top for one in line), max(one.bottom for one in line)
        line += [
            one for one in marks
            if (one.height < _LEAST or one.sign) and top <= (one.top + one.bottom) / 2 <= bottom + 0.15 * (bottom - top)
        ]  # fmt: skip
    return [part for line in lines for part in _together(line)]


def _level(line: Sequence[_Mark], mark: _Mark) -> bool:
    top, bottom = min(one.top for one in line), max(one.bottom for one in line)
    shared = min(bottom, mark.bottom) - max(top, mark.top)
    return shared > 0.5 * min(bottom - top, mark.height) and mark.height < 2.2 * (bottom - top)


def _together(line: list[_Mark]) -> list[list[_Mark]]:
    """A line cut where nothing stands for longer than a wide space."""
    high = _capital(line)
    parts: list[list[_Mark]] = []
    for mark in sorted(line, key=lambda one: one.left):
        if parts and mark.left - max(one.right for one in parts[-1]) < _APART * high:
            parts[-1].append(mark)
        else:
            parts.append([mark])
    return [part for part in parts if any(one.height >= _LEAST for one in part)]


def _capital(line: Sequence[_Mark]) -> int:
    tall = sorted(one.height for one in line if one.height >= _LEAST)
    return tall[(3 * len(tall)) // 4] if tall else _LEAST


def _row(line: list[_Mark], ink: npt.NDArray[np.float32], region: Rect) -> _Row | None:
    runs: list[list[_Mark]] = []
    for mark in _signed(line):
        if runs and not mark.sign and not runs[-1][-1].sign:
            runs[-1].append(mark)
        else:
            runs.append([mark])
    high = _capital(line)
    if high < _LEAST_CAPITAL or (len(runs) < 2 and len(line) < 2):
        return None  # a single letter may be any mark
    box = (
        min(one.left for one in line), min(one.top for one in line),
        max(one.right for one in line), max(one.bottom for one in line),
    )  # fmt: skip
    rect = Rect(box[0] + region.left, box[1] + region.top, box[2] + region.left, box[3] + region.top)
    return _Row(tuple(tuple(run) for run in runs), ink, rect, high, (region.left, region.top))


def _signed(line: Sequence[_Mark]) -> list[_Mark]:
    """The marks from left to right, two bars one above the other as one sign."""
    told: list[_Mark] = []
    for mark in sorted(line, key=lambda one: (one.left, one.top)):
        last = told[-1] if told else None
        if last and mark.sign == last.sign == "-" and abs(mark.left - last.left) < 3 and mark.width == last.width:
            told[-1] = _Mark(last.left, last.top, last.right, mark.bottom, "=")
        else:
            told.append(mark)
    return told


def _drawn(rows: Sequence[_Row]) -> tuple[Pixels, dict[tuple[int, int], tuple[Rect, ...]]]:
    """All runs of letters as everyday text, black on white, and where each stands in each size: by row and run."""
    small = {
        (n, m): [_shrunk(row, run, high) for high in _CAPITALS]
        for n, row in enumerate(rows) for m, run in enumerate(row.runs) if not run[0].sign
    }  # fmt: skip
    places: dict[tuple[int, int], tuple[Rect, ...]] = {}
    left, top = 16, 16
    for key, images in small.items():
        taken = []
        for image in images:
            if left + image.width > _WIDE and left > 16:
                left, top = 16, top + _ROW
            taken.append(Rect(left, top, left + image.width, top + image.height))
            left += image.width + _ROOM
        places[key] = tuple(taken)
    width = max((rect.right for rects in places.values() for rect in rects), default=0) + 32
    canvas = Image.new("L", (width, top + _ROW + 16), 255)
    for key, images in small.items():
        for image, rect in zip(images, places[key], strict=True):
            canvas.paste(image, (rect.left, rect.top))
    return np.asarray(canvas.convert("RGB")), places


def _shrunk(row: _Row, run: Sequence[_Mark], capital: int) -> Image.Image:
    left, right = min(one.left for one in run), max(one.right for one in run)
    top, bottom = row.rect.top - row.origin[1], row.rect.bottom - row.origin[1]
    cut = row.ink[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]
    scale = capital / row.high
    size = max(2, round(cut.shape[1] * scale)), max(2, round(cut.shape[0] * scale))
    return Image.fromarray(np.round(255 * (1 - cut)).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)


def _text(row: _Row, places: Sequence[Sequence[Rect]], read: Sequence[Piece]) -> str:
    """What a row says; empty where it was no text after all."""
    told, sure, weight, left = [], 0.0, 0, list(places)
    for run in row.runs:
        if run[0].sign:
            told.append(run[0].sign)
            continue
        text, how = max((_said(place, read) for place in left.pop(0)), key=lambda one: one[1])
        if not text or not 0.5 * len(run) <= len(text.replace(" ", "")) <= 2.5 * len(run):
            return ""
        told.append(text)
        sure, weight = sure + how * len(run), weight + len(run)
    least = _SURE if any(run[0].sign for run in row.runs) else _SURE_WORDS
    return " ".join(told) if weight and sure >= least * weight else ""


def _said(place: Rect, read: Sequence[Piece]) -> tuple[str, float]:
    """What was read at a place of the canvas, and how surely, 0..1."""
    said = [
        piece for piece in read
        if place.left - 8 <= piece.x <= place.right + 8 and place.top - 8 <= piece.middle <= place.bottom + 8
    ]  # fmt: skip
    sure = [glyph.sure for piece in said for glyph in piece.glyphs]
    text = " ".join(piece.text for piece in sorted(said, key=lambda one: one.left))
    return text, sum(sure) / len(sure) if sure else 0.0


def _replaced(node: Node, rect: Rect) -> bool:
    """Whether a node is what letters of a line were taken for."""
    grown = Rect(rect.left - 6, rect.top - 10, rect.right + 6, rect.bottom + 10)
    return grown.contains(node.rect.centre) and (node.role == "text" or _suspect(node))
