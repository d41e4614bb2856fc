"""From the labels of a page to what every cell and every square of a tile should say.

Letters: H rows and W columns of cells of text, Y rows and X columns of squares of things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.reading.alphabet import NONE, Alphabet
from model.reading.heads import CELL
from model.reading.tiles import PATCH, SQUARE

__all__ = ["IGNORE", "PageLabels", "Targets", "read_labels", "targets"]

IGNORE = -100
_AS = {"icon": "image", "searchbox": "textbox", "treeitem": "menuitem", "columnheader": "", "gridcell": "button"}
"""Roles that the heads know under another name."""
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PageLabels:
    """The labels of one page as arrays. Pixels of the picture."""

    chars: Floats  # (C, 4): centre x, centre y of the line, height of the line, line number
    classes: Ints  # (C,)
    begins: npt.NDArray[np.bool_]  # (C,)
    boxes: Floats  # (M, 4): left, top, right, bottom, largest first
    roles: Ints  # (M,)
    icons: Ints  # (M,)
    states: Floats  # (M, states)


def read_labels(page: dict[str, Any], alphabet: Alphabet) -> PageLabels:
    """From the JSON that `model.training.web.render` writes."""
    rows: list[tuple[float, float, float, float]] = []
    classes: list[int] = []
    begins: list[bool] = []
    for number, line in enumerate(page["lines"]):
        _, top, _, height = line["box"]
        first = True
        for char, x, index in zip(line["text"], line["chars"], alphabet.classes(line["text"]), strict=True):
            if first and char.isspace():
                continue
            rows.append((x, top + height / 2, height, number))
            classes.append(index)
            begins.append(first)
            first = False
    role_of = {name: index for index, name in enumerate(alphabet.roles)}
    icon_of = {name: index for index, name in enumerate(alphabet.icons)}
    nodes = []
    for node in page["nodes"]:
        role = role_of.get(_AS.get(node["role"], node["role"]), 0)
        x, y, width, height = node["box"]
        if role and width > 2 and height > 2:
            nodes.append((width * height, (x, y, x + width, y + height), role, node))
    nodes.sort(key=lambda one: -one[0])
    return PageLabels(
        np.array(rows, dtype=np.float32).reshape(-1, 4),
        np.array(classes, dtype=np.int64),
        np.array(begins, dtype=bool),
        np.array([box for _, box, _, _ in nodes], dtype=np.float32).reshape(-1, 4),
        np.array([role for _, _, role, _ in nodes], dtype=np.int64),
        np.array([icon_of.get(node.get("icon") or "", 0) for _, _, _, node in nodes], dtype=np.int64),
        np.array(
            [[state in node["states"] for state in alphabet.states] for _, _, _, node in nodes], dtype=np.float32
        ).reshape(-1, len(alphabet.states)),
    )


@dataclass(frozen=True)
class Targets:
    """What the heads should say of one tile; `IGNORE` where nothing is asked."""

    glyphs: Ints  # (H, W)
    begins: Floats  # (H, W), -1 where nothing is asked
    places: Floats  # (H, W, 3), nan where there is no character
    roles: Ints  # (Y, X)
    edges: Floats  # (Y, X, 4), nan where there is no thing
    states: Floats  # (Y, X, states), nan likewise
    icons: Ints  # (Y, X)


def targets(page: PageLabels, left: int, top: int, grid: tuple[int, int], alphabet: Alphabet) -> Targets:
    """What a tile says whose corner is at (left, top), in pixels of the page, with `grid` (rows, columns) patches."""
    return Targets(*_text(page, left, top, grid), *_things(page, left, top, grid, alphabet))


def _text(page: PageLabels, left: int, top: int, grid: tuple[int, int]) -> tuple[Ints, Floats, Floats]:
    height, width = grid[0] * PATCH, grid[1] * PATCH
    shape = (height // CELL[0], width // CELL[1])
    glyphs = np.full(shape, NONE, dtype=np.int64)
    begins = np.full(shape, -1, dtype=np.float32)
    places = np.full((*shape, 3), np.nan, dtype=np.float32)
    x, y = page.chars[:, 0] - left, page.chars[:, 1] - top
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y, tall = x[inside], y[inside], page.chars[inside, 2]
    row, column = (y // CELL[0]).astype(np.int64), (x // CELL[1]).astype(np.int64)
    glyphs[row, column] = page.classes[inside]
    begins[row, column] = page.begins[inside]
    places[row, column, 0] = x / CELL[1] - column - 0.5
    places[row, column, 1] = y / CELL[0] - row - 0.5
    places[row, column, 2] = np.log(np.maximum(tall, 4))
    cut = (y - tall * 0.3 < 0) | (y + tall * 0.3 > height) | (x < 4) | (x > width - 4)
    glyphs[row[cut], column[cut]] = IGNORE
    begins[row[cut], column[cut]] = -1
    places[row[cut], column[cut]] = np.nan
    return glyphs, begins, places


def _things(
    page: PageLabels, left: int, top: int, grid: tuple[int, int], a: Alphabet
) -> tuple[Ints, Floats, Floats, Ints]:
    rows, columns = grid = (grid[0] * PATCH // SQUARE, grid[1] * PATCH // SQUARE)
    roles = np.zeros(grid, dtype=np.int64)
    icons = np.zeros(grid, dtype=np.int64)
    edges = np.full((*grid, 4), np.nan, dtype=np.float32)
    states = np.full((*grid, len(a.states)), np.nan, dtype=np.float32)
    middles_x = np.arange(columns) * SQUARE + SQUARE / 2
    middles_y = np.arange(rows) * SQUARE + SQUARE / 2
    width, height = columns * SQUARE, rows * SQUARE
    for n in range(len(page.boxes)):
        x0, y0, x1, y1 = page.boxes[n] - (left, top, left, top)
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            continue
        whole = (x1 - x0) * (y1 - y0)
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if (x1 - x0) * (y1 - y0) < 0.25 * min(whole, 64 * 64):  # too little of it is on the tile to tell
            _blur(roles, x0, y0, x1, y1)
            continue
        c0, c1 = np.searchsorted(middles_x, [x0, x1])
        r0, r1 = np.searchsorted(middles_y, [y0, y1])
        _blur(roles, x0, y0, x1, y1)
        if c0 == c1:
            c0 = min(int((x0 + x1) / 2 // PATCH), columns - 1)
            c1 = c0 + 1
        if r0 == r1:
            r0 = min(int((y0 + y1) / 2 // PATCH), rows - 1)
            r1 = r0 + 1
        roles[r0:r1, c0:c1] = page.roles[n]
        icons[r0:r1, c0:c1] = page.icons[n] if x1 - x0 < 240 else IGNORE
        states[r0:r1, c0:c1] = page.states[n]
        cx, cy = middles_x[None, c0:c1], middles_y[r0:r1, None]
        shape = (r1 - r0, c1 - c0)
        far = np.stack([np.broadcast_to(d, shape) for d in (cx - x0, cy - y0, x1 - cx, y1 - cy)], axis=-1)
        edges[r0:r1, c0:c1] = np.log1p(np.maximum(far / SQUARE, -0.8))
    return roles, edges, states, icons


def _blur(roles: Ints, x0: float, y0: float, x1: float, y1: float) -> None:
    """Nothing is asked of squares that a thing touches without holding their centre, unless another thing does."""
    part = roles[int(y0 // SQUARE) : int(-(-y1 // SQUARE)), int(x0 // SQUARE) : int(-(-x1 // SQUARE))]
    part[part == 0] = IGNORE
