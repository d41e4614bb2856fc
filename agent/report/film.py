"""A run as a small film: one GIF of what was on the screen at each step, its target marked, its title below.

Captions come from screens and models: control characters are replaced, and no more than a line of each is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.run_folder import RunFolder

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

__all__ = ["BUDGET_BYTES", "Still", "film"]

BUDGET_BYTES = 800_000
_LADDER = ((640, 96, 60), (480, 64, 60), (400, 32, 40), (320, 16, 25), (240, 16, 12))
"""Width in pixels, colours, and the most pictures, tried in order until the budget holds."""
_EACH_MS = 1_200
_LAST_MS = 3_000
_BAR = 28
"""Height of the caption, in pixels."""
_INK, _PAPER, _MARK = (233, 236, 241), (21, 24, 30), (229, 23, 79)
_MOST_PIXELS = 80_000_000
_TASTE = 4
"""Pictures by which it is judged whether a size can fit."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of the film. Marks are in screen pixels of the frame."""

    frame: str
    """Digest of a frame of the run folder."""
    caption: str
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    """Left, top, right, bottom."""
    points: tuple[tuple[int, int], ...] = ()
    lines: tuple[tuple[int, int, int, int], ...] = ()


def film(folder: RunFolder, stills: Sequence[Still], budget: int = BUDGET_BYTES) -> bytes | None:
    """The GIF; None where fewer than two of the frames are there and readable, or no size fits the budget."""
    for width, colours, most in _LADDER:
        kept: dict[str, Image.Image | None] = {}
        chosen = _spread(stills, most)
        drawn = [image for still in chosen if (image := _drawn(folder, still, width, kept)) is not None]
        if len(drawn) < 2:
            return None
        if len(drawn) > 2 * _TASTE and len(_gif(drawn[:_TASTE], colours)) / _TASTE * len(drawn) > 2 * budget:
            continue  # far too large: not worth the whole of it
        data = _gif(drawn, colours)
        if len(data) <= budget:
            return data
    return None


def _spread(stills: Sequence[Still], most: int) -> list[Still]:
    """At most so many of them, evenly, the first and the last among them."""
    if len(stills) <= most:
        return [*stills]
    return [stills[round(at * (len(stills) - 1) / (most - 1))] for at in range(most)]


def _gif(images: Sequence[Image.Image], colours: int) -> bytes:
    from PIL import Image

    size = (images[0].width, max(image.height for image in images))
    frames = []
    for image in images:
        sheet = Image.new("RGB", size, _PAPER)
        sheet.paste(image, (0, 0))
        frames.append(sheet.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE))
    times = [_EACH_MS] * (len(frames) - 1) + [_LAST_MS]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False)
    return out.getvalue()


def _small(folder: RunFolder, frame: str, width: int) -> Image.Image | None:
    """A frame of this width; its own is in `info`."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(folder.frame(frame).read_bytes())) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            size = (width, max(1, round(opened.height * width / opened.width)))
            small = opened.convert("RGB").resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
            small.info = {"was": opened.width}
            return small
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _drawn(folder: RunFolder, still: Still, width: int, kept: dict[str, Image.Image | None]) -> Image.Image | None:
    """A still with its marks and caption. `kept` holds frames of this width that were read already."""
    from PIL import Image, ImageDraw, ImageFont

    if still.frame not in kept:
        kept[still.frame] = _small(folder, still.frame, width)
    picture = kept[still.frame]
    if picture is None:
        return None
    sheet = Image.new("RGB", (width, picture.height + _BAR), _PAPER)
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    _marked(pen, still, width / picture.info["was"])
    pen.rectangle((0, picture.height, width, picture.height + _BAR), fill=_PAPER)
    font = ImageFont.load_default(14)
    text = "".join(each if each.isprintable() else "·" for each in still.caption[:200])
    while text and pen.textlength(text, font=font) > width - 16:
        text = text[: -max(4, len(text) // 12)] + "…"
    pen.text((8, picture.height + 6), text, font=font, fill=_INK)
    return sheet


def _marked(pen: ImageDraw.ImageDraw, still: Still, scale: float) -> None:
    def at(*numbers: int) -> list[float]:
        return [min(max(number * scale, -9_999), 9_999) for number in numbers]

    for box in still.boxes:
        left, top, right, bottom = at(*box)
        pen.rectangle((left, top, max(left, right), max(top, bottom)), outline=_MARK, width=2)
    for line in still.lines:
        pen.line(at(*line), fill=_MARK, width=3)
    for point in still.points:
        x, y = at(*point)
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=_MARK, outline=(255, 255, 255))
