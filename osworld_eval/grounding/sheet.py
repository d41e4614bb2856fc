"""A picture sheet of what went wrong: the place around each target, its region in green, the point that was given in
red, and below it what was asked. As one PNG, or as one HTML file that needs nothing beside it.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osworld_eval.grounding.item import Box, Item, Outline
from osworld_eval.grounding.results import Row

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MOST", "write_sheet"]

MOST = 240
"""At most this many misses are shown, spread evenly over all."""
_TILE = (400, 250)
_TEXT_PX = 58
_COLUMNS = 4
_AROUND_PX = 40
_GREEN, _RED, _PAPER, _INK = (0, 160, 60), (230, 0, 30), (250, 250, 250), (20, 20, 20)


def write_sheet(file: Path, answered: Sequence[tuple[Item, Row]]) -> int:
    """Write the sheet and return the number of misses. `file` ends in .png or .html; its folder is made."""
    wrong = [(item, row) for item, row in answered if not row.right]
    shown = [wrong[index * len(wrong) // min(MOST, len(wrong))] for index in range(min(MOST, len(wrong)))]
    file.parent.mkdir(parents=True, exist_ok=True)
    title = f"{len(wrong)} of {len(answered)} went wrong"
    if len(shown) < len(wrong):
        title += f"; {len(shown)} of them are shown"
    if file.suffix.lower() == ".html":
        file.write_text(_page(title, shown), encoding="utf-8")
    else:
        _poster(title, shown).save(file)
    return len(wrong)


def _words(row: Row) -> tuple[str, str]:
    """What was asked, and what came of it."""
    match row.answer:
        case "point" if row.absent:
            came = f"is not there, but was pointed at ({row.x}, {row.y})"
        case "point":
            came = f"({row.x}, {row.y}), {row.distance:.0f} px off"
        case "refused":
            came = "said not to be there"
        case "error":
            came = row.error
        case _:
            came = f"no point: {row.move}"
    return row.asked, f"{row.number}  {row.image}  {came}"


def _poster(title: str, shown: Sequence[tuple[Item, Row]]) -> Image:
    from PIL import Image, ImageDraw

    width, height = _TILE
    rows = max(1, -(-len(shown) // _COLUMNS))
    sheet = Image.new("RGB", (_COLUMNS * (width + 12) + 12, 44 + rows * (height + _TEXT_PX)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((12, 12), title, _INK, font=_font(18))
    for index, (tile, row) in enumerate(_tiles(shown)):
        left = 12 + index % _COLUMNS * (width + 12)
        top = 44 + index // _COLUMNS * (height + _TEXT_PX)
        sheet.paste(tile, (left, top))
        asked, came = _words(row)
        draw.text((left, top + height + 4), _cut(draw, asked, width, 14), _INK, font=_font(14))
        draw.text((left, top + height + 24), _cut(draw, came, width, 12), (110, 110, 110), font=_font(12))
    return sheet


def _page(title: str, shown: Sequence[tuple[Item, Row]]) -> str:
    figures = []
    for tile, row in _tiles(shown):
        kept = io.BytesIO()
        tile.save(kept, "PNG")
        data = base64.b64encode(kept.getvalue()).decode()
        asked, came = map(html.escape, _words(row))
        figures.append(
            f'<figure><img alt="" src="data:image/png;base64,{data}"><figcaption>{asked}<small>{came}</small>'
            "</figcaption></figure>"
        )
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>body{{font:14px sans-serif;margin:16px}}"
        "main{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;width:400px}small{display:block;color:#666}"
        f"</style><h1>{title}</h1><main>{''.join(figures)}</main>\n"
    )


def _tiles(shown: Sequence[tuple[Item, Row]]) -> Iterator[tuple[Image, Row]]:
    from PIL import Image

    for item, row in shown:
        with Image.open(item.image) as opened:
            yield _tile(opened.convert("RGB"), item, row), row


def _tile(picture: Image, item: Item, row: Row) -> Image:
    """The part of the picture that matters, at the tile's size, with region and point drawn on it."""
    from PIL import Image, ImageDraw

    view = _view(picture.size, item, row)
    scale = min(_TILE[0] / (view.right - view.left), _TILE[1] / (view.bottom - view.top), 3.0)
    part = picture.crop((int(view.left), int(view.top), int(view.right), int(view.bottom)))
    part = part.resize(
        (max(1, round(part.width * scale)), max(1, round(part.height * scale))), Image.Resampling.LANCZOS
    )
    tile = Image.new("RGB", _TILE, (225, 225, 225))
    tile.paste(part, (0, 0))
    draw = ImageDraw.Draw(tile)

    def at(x: float, y: float) -> tuple[float, float]:
        return (x - view.left) * scale, (y - view.top) * scale

    match item.region:
        case Box(left, top, right, bottom):
            draw.rectangle((*at(left, top), *at(right, bottom)), outline=_GREEN, width=3)
        case Outline(corners):
            draw.polygon([at(*corner) for corner in corners], outline=_GREEN, width=3)
    if row.x is not None and row.y is not None:
        _mark(draw, at(row.x + 0.5, row.y + 0.5), _centre(item, at))
    return tile


def _mark(draw: Any, spot: tuple[float, float], towards: tuple[float, float]) -> None:
    """A red ring on the point; where the point lies outside the tile, a red line that leads to it."""
    x, y = spot
    if 0 <= x < _TILE[0] and 0 <= y < _TILE[1]:
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), outline=_RED, width=3)
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=_RED)
    else:
        draw.line((*towards, x, y), fill=_RED, width=2)


def _centre(item: Item, at: Any) -> tuple[float, float]:
    if item.region is None:
        return 0.0, 0.0
    bounds = item.region.bounds
    middle: tuple[float, float] = at((bounds.left + bounds.right) / 2, (bounds.top + bounds.bottom) / 2)
    return middle


def _view(size: tuple[int, int], item: Item, row: Row) -> Box:
    """Region and point with room around them; the region alone where the two lie far apart. Inside the picture."""
    spot = None if row.x is None or row.y is None else Box(row.x, row.y, row.x + 1, row.y + 1)
    if item.region is None:
        return _roomy(spot, size) if spot else Box(0, 0, *size)
    bounds = item.region.bounds
    both = bounds if spot is None else _join(bounds, spot)
    far = both.right - both.left > 1.6 * _TILE[0] or both.bottom - both.top > 1.6 * _TILE[1]
    return _roomy(bounds if far else both, size)


def _join(one: Box, other: Box) -> Box:
    return Box(
        min(one.left, other.left), min(one.top, other.top), max(one.right, other.right), max(one.bottom, other.bottom)
    )


def _roomy(box: Box, size: tuple[int, int]) -> Box:
    """The box with room around it, at least a tile large and of a tile's shape where the picture allows it."""
    width = max(_TILE[0], box.right - box.left + 2 * _AROUND_PX)
    height = max(_TILE[1], box.bottom - box.top + 2 * _AROUND_PX)
    width, height = max(width, height * _TILE[0] / _TILE[1]), max(height, width * _TILE[1] / _TILE[0])
    left = min(max(0.0, (box.left + box.right - width) / 2), max(0.0, size[0] - width))
    top = min(max(0.0, (box.top + box.bottom - height) / 2), max(0.0, size[1] - height))
    return Box(left, top, min(size[0], left + width), min(size[1], top + height))


def _font(size: int) -> Any:
    """DejaVu where the machine has it, for its many letters; else the one that comes with Pillow."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)


def _cut(draw: Any, text: str, width: int, size: int) -> str:
    flat, font = " ".join(text.split()), _font(size)
    if draw.textlength(flat, font=font) <= width:
        return flat
    while flat and draw.textlength(flat + "…", font=font) > width:
        flat = flat[:-1]
    return flat + "…"
