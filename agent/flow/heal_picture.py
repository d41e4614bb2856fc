"""Before and after in one picture: what the target looked like when recorded, and what stands in for it now."""

from __future__ import annotations

import io
from pathlib import Path

from actuators.geometry import Rect

__all__ = ["before_and_after"]

_BAR, _PAD = 26, 8
_INK, _PAPER, _MARK = (233, 236, 241), (21, 24, 30), (229, 23, 79)


def before_and_after(place: Path, old: Path | None, name: str, frame: bytes, box: Rect | None, url: str) -> str:
    """Write the picture; returns its path beside the run folder's patch, empty where it cannot be written.

    Args:
        place: where it goes, in a folder of the run folder.
        old: the target's patch from when it was recorded; None where there is none.
        name: what the target was.
        frame: the present screen as PNG, its secrets blacked out.
        box: what stands in for it, in the frame's pixels; None where nothing does.
        url: of the present page.
    """
    from PIL import Image, ImageDraw

    with Image.open(io.BytesIO(frame)) as opened:
        now = opened.convert("RGB")
    before = None
    if old is not None and old.is_file():
        with Image.open(old) as patch:
            before = patch.convert("RGB")
    top = _BAR + (before.height + 2 * _PAD if before is not None else 0)
    sheet = Image.new("RGB", (now.width, top + _BAR + now.height), _PAPER)
    drawing = ImageDraw.Draw(sheet)
    drawing.text((_PAD, 7), _shown(f"before: {name}" + ("" if before is not None else " (no picture)")), fill=_INK)
    if before is not None:
        sheet.paste(before, (_PAD, _BAR + _PAD))
    drawing.text((_PAD, top + 7), _shown(f"now: {url}"), fill=_INK)
    sheet.paste(now, (0, top + _BAR))
    if box is not None:
        at = (box.left - 3, top + _BAR + box.top - 3, box.right + 2, top + _BAR + box.bottom + 2)
        drawing.rectangle(at, outline=_MARK, width=3)
    try:
        place.parent.mkdir(exist_ok=True)
        sheet.save(place, "PNG", compress_level=6)
    except OSError:
        return ""
    return f"{place.parent.name}/{place.name}"


def _shown(text: str) -> str:
    """One line of letters that the built-in font has."""
    return "".join(letter if letter.isprintable() and ord(letter) < 256 else "?" for letter in text)[:160]
