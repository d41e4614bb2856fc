"""What colour a thing on a screenshot has, in everyday words."""

from __future__ import annotations

from functools import lru_cache

from actuators.geometry import Rect
from actuators.observation import Frame

__all__ = ["colour_of"]

_HUES = {
    "red": ((0, 14), (345, 360)),
    "orange": ((14, 42),),
    "brown": ((10, 42),),
    "yellow": ((42, 68),),
    "green": ((68, 165),),
    "teal": ((160, 195),),
    "turquoise": ((160, 195),),
    "cyan": ((170, 200),),
    "blue": ((185, 258),),
    "violet": ((250, 295),),
    "purple": ((250, 310),),
    "pink": ((295, 350),),
}
"""Degrees of the colour circle."""


@lru_cache(maxsize=512)
def colour_of(frame: Frame, rect: Rect, colour: str) -> float:
    """How far a part of a screenshot has a colour, 0 to 1: its ground or what is drawn on it.

    Raises:
        OSError: the screenshot is no picture.
    """
    import numpy as np

    pixels = (
        frame.pixels[max(0, rect.top) : rect.bottom, max(0, rect.left) : rect.right].reshape(-1, 3).astype(np.int32)
    )
    if not len(pixels):
        return 0.0
    high, low = pixels.max(axis=1), pixels.min(axis=1)
    chroma = high - low
    if colour in ("gray", "grey", "white", "black"):
        plain = chroma < np.maximum(24, 0.36 * high)
        share = {
            "white": plain & (low > 238), "black": plain & (high < 60),
        }.get(colour, plain & (low > 60) & (high < 236))  # fmt: skip
        return min(1.0, float(share.mean()) / 0.6)
    red, green, blue = pixels[:, 0], pixels[:, 1], pixels[:, 2]
    spread = np.maximum(chroma, 1)
    hue = (
        np.where(
            high == red,
            (green - blue) / spread % 6,
            np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4),
        )
        * 60
    )
    vivid = chroma > 48
    share = vivid & np.any([(hue >= a) & (hue < b) for a, b in _HUES.get(colour, ())] or [hue < 0], axis=0)
    return min(1.0, float(share.mean()) / 0.18)
