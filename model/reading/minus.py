"""A minus before a number, which a reader of everyday text easily overlooks: a short bar at half height."""

from __future__ import annotations

import numpy as np

from actuators.geometry import Rect
from actuators.observation import Frame

__all__ = ["has_minus"]

_BEFORE_PX = 14
"""A minus may stand so far to the left of what was read."""
_APART = 90
"""Sum of the differences in red, green and blue from the ground that counts as ink."""


def has_minus(frame: Frame, rect: Rect) -> bool:
    """Whether a minus stands at the beginning of a number. `rect` is around the number, in screen pixels.

    Raises:
        OSError: the screenshot is no picture.
    """
    from scipy import ndimage

    left = max(0, rect.left - _BEFORE_PX)
    part = frame.pixels[rect.top : rect.bottom, left : rect.right].astype(np.int32)
    if not part.size:
        return False
    ink = np.abs(part - np.median(part.reshape(-1, 3), axis=0)).sum(-1) > _APART
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    marks = [(box[0].start, box[0].stop, box[1].start, box[1].stop) for box in ndimage.find_objects(labels)]
    inner = [mark for mark in marks if mark[0] > 0 and mark[1] < part.shape[0]]  # no border of what it stands in
    digits = [mark for mark in inner if mark[1] - mark[0] >= 8 and mark[3] - mark[2] <= 2 * (mark[1] - mark[0])]
    return any(_is_bar(mark, digit) for mark in inner for digit in digits)


def _is_bar(mark: tuple[int, int, int, int], digit: tuple[int, int, int, int]) -> bool:
    """Whether a mark is a flat bar right before a digit, at half its height."""
    high, wide, tall = mark[1] - mark[0], mark[3] - mark[2], digit[1] - digit[0]
    middle, gap = (mark[0] + mark[1]) / 2, digit[2] - mark[3]
    level = abs(middle - (digit[0] + digit[1]) / 2) < 0.25 * tall
    return level and high <= 0.25 * tall and 1.5 * high <= wide <= 0.8 * tall and -1 <= gap <= 0.5 * tall
