"""Which letter or digit a shape is: it is drawn anew, black on white and as high as everyday text, and read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.reading.reader import Reader
from model.reading.shapes import Shape

__all__ = ["signs"]

_HIGH, _GAP, _LEFT = 11, 34, 16
"""Pixels: a capital of everyday text, and so much room between two signs that they are no word."""
_STRIP = 64
_LARGEST = 160
"""A higher shape is no letter."""


def signs(reader: Reader, pixels: npt.NDArray[np.uint8], found: Sequence[Shape]) -> dict[Shape, str]:
    """The letter or digit of each shape that is one. Shapes with a form of their own are none.

    Args:
        reader: reads them.
        pixels: the screenshot, `(height, width, 3)`.
        found: shapes on it.
    """
    drawn = [(one, _drawn(pixels, one)) for one in found if one.form == "other" and one.rect.height <= _LARGEST]
    if not drawn:
        return {}
    strip = Image.new("RGB", (2 * _LEFT + sum(sign.width + _GAP for _, sign in drawn), _STRIP), "white")
    left, middles = _LEFT, []
    for _, sign in drawn:
        strip.paste(sign, (left, (_STRIP - sign.height) // 2))
        middles.append(left + sign.width / 2)
        left += sign.width + _GAP
    read = reader.lines(np.asarray(strip))
    told: dict[Shape, str] = {}
    for (one, _), middle in zip(drawn, middles, strict=True):
        texts = [piece.text for piece in read if piece.left - 6 <= middle <= piece.right + 6]
        if len(texts) == 1 and len(texts[0]) == 1 and texts[0].isalnum():
            told[one] = texts[0]
    return told


def _drawn(pixels: npt.NDArray[np.uint8], one: Shape) -> Image.Image:
    """The shape's own colour as black, whatever differs from it the lighter the more it does."""
    rect = one.rect
    part = pixels[max(0, rect.top - 1) : rect.bottom + 1, max(0, rect.left - 1) : rect.right + 1].astype(np.int32)
    away = np.abs(part - np.array(one.colour)).sum(-1)
    grey = np.clip(255 * away / max(1, int(away.max())), 0, 255).astype(np.uint8)
    scale = _HIGH / max(1, rect.height)
    size = max(2, round(grey.shape[1] * scale)), max(2, round(grey.shape[0] * scale))
    return Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS).convert("RGB")
