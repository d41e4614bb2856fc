"""A screen as overlapping tiles of few shapes, so that a tower of quadratic cost reads it at full size.

Pixels of the picture. Overlaps keep every line of text and every small thing whole on at least one tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["PATCH", "SQUARE", "Tile", "cover", "cut", "flat_patches", "window"]

PATCH = 16
"""Side of a patch of the tower, in pixels."""
SQUARE = 8
"""Side of a square of the grid of things, in pixels."""
_MOST = (10, 42)
"""Rows and columns of patches of the largest tile."""
_OVERLAP = (2, 4)


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a tile lies. `own` is the part of it that no other tile is better placed for, in pixels of the picture."""

    left: int
    top: int
    grid: tuple[int, int]
    own: tuple[int, int, int, int]
    """left, top, right, bottom."""


def _stretch(size: int, most: int, overlap: int) -> tuple[int, list[int]]:
    """Patches of a tile along one axis and the first pixel of each tile."""
    patches = -(-size // PATCH)
    patches += patches % 2
    if patches <= most:
        return patches, [0]
    count = -(-(size - overlap * PATCH) // ((most - overlap) * PATCH))
    last = size - most * PATCH
    return most, [round(last * n / (count - 1) / PATCH) * PATCH if n < count - 1 else last for n in range(count)]


def cover(width: int, height: int) -> list[Tile]:
    """Tiles over a whole picture, row by row."""
    columns, lefts = _stretch(width, _MOST[1], _OVERLAP[1])
    rows, tops = _stretch(height, _MOST[0], _OVERLAP[0])
    seams_x = _seams(lefts, columns * PATCH, width)
    seams_y = _seams(tops, rows * PATCH, height)
    return [
        Tile(left, top, (rows, columns), (seams_x[i], seams_y[j], seams_x[i + 1], seams_y[j + 1]))
        for j, top in enumerate(tops)
        for i, left in enumerate(lefts)
    ]


def _seams(starts: list[int], size: int, whole: int) -> list[int]:
    """Where one tile's own part ends and the next one's begins: the middle of the overlap."""
    middles = [(start + size + after) // 2 for start, after in pairwise(starts)]
    return [0, *middles, whole]


def cut(pixels: npt.NDArray[np.uint8], tile: Tile) -> npt.NDArray[np.uint8]:
    """The tile's pixels `(rows * 16, columns * 16, 3)`; beyond the picture's edge its last pixels go on."""
    return window(pixels, tile.left, tile.top, tile.grid)


def window(pixels: npt.NDArray[np.uint8], left: int, top: int, grid: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The pixels of `grid` (rows, columns) patches from a corner on, which may lie outside the picture."""
    height, width = pixels.shape[:2]
    ys = np.clip(np.arange(top, top + grid[0] * PATCH), 0, height - 1)
    xs = np.clip(np.arange(left, left + grid[1] * PATCH), 0, width - 1)
    return pixels[ys[:, None], xs[None]]


def flat_patches(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Normalised patches in raster order, `(N, 3 * 16 * 16)`, in -1..1."""
    rows, columns = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH
    grid = pixels.reshape(rows, PATCH, columns, PATCH, 3).transpose(0, 2, 4, 1, 3)
    return (grid.reshape(rows * columns, -1).astype(np.float32) / 127.5) - 1.0
