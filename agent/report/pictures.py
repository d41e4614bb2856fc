"""Frames made small enough to travel inside the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

from agent.run_folder import RunFolder

__all__ = ["BUDGET_BYTES", "Picture", "pictures"]

BUDGET_BYTES = 5_500_000
"""Encoded bytes of all pictures together; base64 adds a third to that."""

_LADDER = ((1280, 72), (1024, 62), (800, 55), (640, 45), (480, 35), (320, 25))
"""Longest side in pixels and WebP quality, tried in order until the budget holds."""
_METHOD = 2
"""Effort of the WebP encoder: 4 takes three times as long for a tenth less."""
_MOST_PIXELS = 80_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame. `width` and `height` are those of the frame itself, in screen pixels, whatever the copy's size."""

    id: str
    width: int
    height: int
    data: str
    """A `data:` address."""


def pictures(
    folder: RunFolder, digests: Iterable[str], budget: int = BUDGET_BYTES, last: int | None = None
) -> dict[str, Picture]:
    """Small copies of the frames that are there and readable, by digest; the same frame is kept once.

    With `last`, only so many, the last ones, and smaller: for somebody who waits.
    """
    wanted = [digest for digest in dict.fromkeys(digests) if digest]
    rung = 0
    if last is not None:
        wanted, rung = wanted[-last:], 3
    while True:
        side, quality = _LADDER[rung]
        made, left = {}, budget
        for number, digest in enumerate(wanted):
            picture, size = _picture(folder, digest, f"f{number}", side, quality)
            if picture is not None:
                made[digest] = picture
            left -= size
            if left < 0 and rung + 1 < len(_LADDER):
                break
        else:
            return made
        rung = _next_rung(rung, (budget - left) / (len(made) or 1) * len(wanted) / budget)


def _next_rung(rung: int, over: float) -> int:
    """The next size that may fit, when this one takes `over` times the budget; a rung saves a good third."""
    step = 1
    while over > 1.8 and rung + step + 1 < len(_LADDER):
        over, step = over / 1.6, step + 1
    return min(rung + step, len(_LADDER) - 1)


def _picture(folder: RunFolder, digest: str, name: str, side: int, quality: int) -> tuple[Picture | None, int]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(folder.frame(digest).read_bytes())) as opened:
            width, height = opened.size
            if width * height > _MOST_PIXELS:
                return None, 0
            image = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None, 0
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=_METHOD)
    data = out.getvalue()
    return Picture(name, width, height, f"data:image/webp;base64,{base64.b64encode(data).decode()}"), len(data)
