"""Pictures of plain figures for tests."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from actuators.observation import Frame

Drawn = tuple[str, tuple[int, int, int, int], str]
"""`rectangle`, `ellipse` or `triangle`; left, top, right, bottom; colour."""


def frame(*figures: Drawn, size: tuple[int, int] = (400, 300), outline: str | None = None) -> Frame:
    """A white screenshot with figures on it; right and bottom edges are left out."""
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for kind, (left, top, right, bottom), colour in figures:
        box = (left, top, right - 1, bottom - 1)
        if kind == "rectangle":
            pen.rectangle(box, fill=colour, outline=outline)
        elif kind == "ellipse":
            pen.ellipse(box, fill=colour, outline=outline)
        else:
            pen.polygon([((left + right) // 2, top), (right - 1, bottom - 1), (left, bottom - 1)], fill=colour)
    return Frame(_png(picture))


def rows(count: int, left: int = 40, top: int = 20, width: int = 200, height: int = 40) -> Sequence[Drawn]:
    """A list of grey rows, ten pixels apart."""
    return [
        ("rectangle", (left, top + n * (height + 10), left + width, top + n * (height + 10) + height), "#c5c5c5")
        for n in range(count)
    ]


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
