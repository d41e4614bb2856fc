"""A cheap drawing of a page at thumbnail size, and images as the vision tower takes them.

Letters: C channels (3), T temporal patch (2), P patch (16), M merge (2).
"""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw

from model.training.architecture import MERGE, PATCH
from model.training.pages import Page

__all__ = ["draw", "patches", "thumbnail_size"]


def thumbnail_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """The family's resize rule for an image above `max_pixels`: multiples of 32, aspect kept roughly."""
    step = PATCH * MERGE
    shrink = max(1.0, math.sqrt(width * height / max_pixels))
    if shrink == 1.0:
        return max(step, round(width / step) * step), max(step, round(height / step) * step)
    return max(step, int(width / shrink / step) * step), max(step, int(height / shrink / step) * step)


def draw(page: Page, size: tuple[int, int], dice: random.Random) -> Image.Image:
    """Boxes and a trace of text in random colours."""
    dark = dice.random() < 0.3
    ground, ink = ((30, 32, 36), (225, 225, 230)) if dark else ((250, 250, 252), (30, 30, 40))
    accent = tuple(dice.randint(30, 220) for _ in range(3))
    picture = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(picture)
    right, down = size[0] / page.screen.width, size[1] / page.screen.height
    for node in page.nodes:
        box = node.rect
        corners = (
            box.left * right,
            box.top * down,
            max(box.left * right + 1, box.right * right - 1),
            max(box.top * down + 1, box.bottom * down - 1),
        )
        if node.role in ("button", "tab"):
            pen.rectangle(corners, fill=accent)
        elif node.role not in ("text", "heading", "cell", "link"):
            pen.rectangle(corners, outline=ink)
        pen.line(
            (
                corners[0] + 2,
                (corners[1] + corners[3]) / 2,
                min(corners[2], corners[0] + 2 + 2 * len(node.name)),
                (corners[1] + corners[3]) / 2,
            ),
            fill=ink,
        )
    return picture


def patches(picture: Image.Image) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Normalised patches in merge order, float32 `(patches, C*T*P*P)`, and the grid `(1, rows, columns)`."""
    pixels = (np.asarray(picture, dtype=np.float32) / 255 - 0.5) / 0.5
    rows, columns = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH
    cut = pixels.reshape(rows // MERGE, MERGE, PATCH, columns // MERGE, MERGE, PATCH, 3)
    ordered = cut.transpose(0, 3, 1, 4, 6, 2, 5).reshape(rows * columns, 3, 1, PATCH, PATCH)
    return np.repeat(ordered, 2, axis=2).reshape(rows * columns, -1), (1, rows, columns)
