"""From what the heads say of every cell of a tile to characters, each once.

A centre near the border of two cells gives both of them a share of its probability; what lies nearer together than two
characters can is one character, and its shares are added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.reading.alphabet import NONE, Alphabet
from model.reading.heads import CELL
from model.reading.lines import Glyph
from model.reading.tiles import Tile

__all__ = ["LEAST", "Cells", "glyphs"]

Floats = npt.NDArray[np.float32]
LEAST = 0.12
"""A cell that is less sure that it holds a character says nothing."""
_CHARACTER = 0.45
"""Nor is it a character unless all its shares together come to so much."""
_NEAR = (0.13, 0.4)
"""Of the line's height: shares that lie no further apart than this, across and down, are one character's."""
_CHOICES = 4
_SMALL = 0.03


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one tile that may hold a character, K of them."""

    at: npt.NDArray[np.int32]  # (K, 2) row and column
    classes: npt.NDArray[np.int16]  # (K, choices), the likeliest first, "nothing" among them
    chances: Floats  # (K, choices)
    begins: Floats  # (K,) probability
    places: Floats  # (K, 3), as `Dense.places`


def glyphs(tile: Tile, cells: Cells, alphabet: Alphabet) -> list[Glyph]:
    """The characters whose centre lies in the tile's own part. Pixels of the picture."""
    if not len(cells.at):
        return []
    xs = tile.left + (cells.at[:, 1] + 0.5 + cells.places[:, 0].clip(-1, 1)) * CELL[1]
    ys = tile.top + (cells.at[:, 0] + 0.5 + cells.places[:, 1].clip(-1, 1)) * CELL[0]
    tall = np.exp(cells.places[:, 2].clip(1.5, 5))
    shares = np.where(cells.classes == NONE, 0, cells.chances)
    mass = shares.sum(-1)
    left, top, right, bottom = tile.own
    free = np.ones(len(xs), dtype=bool)
    found = []
    order = np.argsort(xs, kind="stable")
    sorted_xs = xs[order]
    for n in np.argsort(-mass, kind="stable").tolist():
        if not free[n]:
            continue
        reach = max(1.3, _NEAR[0] * float(tall[n]))
        low, high = np.searchsorted(sorted_xs, [xs[n] - reach, xs[n] + reach])
        near = order[low:high]
        near = near[free[near] & (np.abs(ys[near] - ys[n]) < _NEAR[1] * float(tall[n]))]
        near = near[np.abs(cells.at[near, 1] - cells.at[n, 1]) <= 2]
        free[near] = False
        if mass[near].sum() < _CHARACTER:
            continue
        weights = mass[near] / mass[near].sum()
        x, y = float((xs[near] * weights).sum()), float((ys[near] * weights).sum())
        if left <= x < right and top <= y < bottom:
            chances = _chances(cells.classes[near], shares[near], alphabet)
            begins = float((cells.begins[near] * weights).sum()) > 0.5
            found.append(Glyph(x, y, float((tall[near] * weights).sum()), chances, begins))
    return found


def _chances(classes: npt.NDArray[np.int16], shares: Floats, alphabet: Alphabet) -> tuple[tuple[str, float], ...]:
    """The shares of each character added up, and what is left for nothing at all."""
    summed: dict[int, float] = {}
    for index, share in zip(classes.ravel().tolist(), shares.ravel().tolist(), strict=True):
        if index != NONE and share > 0:
            summed[index] = summed.get(index, 0.0) + share
    whole = max(1.0, sum(summed.values()))
    best = sorted(((value / whole, index) for index, value in summed.items()), reverse=True)[:_CHOICES]
    chances = [(alphabet.character(index), value) for value, index in best if value >= _SMALL]
    nothing = max(_SMALL / 3, 1 - sum(summed.values()) / whole)
    return tuple(sorted([*chances, ("", nothing)], key=lambda one: -one[1]))
