"""Pages from shards as they are needed, and tiles cut from them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.reading.alphabet import Alphabet
from model.reading.tiles import PATCH, window
from model.training.reading.targets import PageLabels, Targets, read_labels, targets

__all__ = ["PagePool", "Tile", "cut"]

TILES_A_PAGE = 3
"""Decoding a page costs as much as cutting a dozen tiles."""


@dataclass(frozen=True)
class Tile:
    """One training example."""

    pixels: npt.NDArray[np.uint8]  # (height, width, 3)
    wanted: Targets


@dataclass(frozen=True)
class _Page:
    pixels: npt.NDArray[np.uint8]
    labels: PageLabels


class PagePool:
    """Pages of folders of shards, all alike likely; shards that appear later are found too."""

    def __init__(self, folders: Sequence[Path], alphabet: Alphabet) -> None:
        self.folders, self.alphabet = folders, alphabet
        self.index: list[tuple[Path, str]] = []
        self.refresh()

    def refresh(self) -> None:
        """Look for shards."""
        known = {path for path, _ in self.index}
        for path in (path for folder in self.folders for path in sorted(folder.glob("shard-*.zip"))):
            if path not in known:
                with zipfile.ZipFile(path) as shard:
                    names = [name for name in shard.namelist() if name.endswith(".json")]
                self.index += [(path, name) for name in names]

    def draw(self, count: int, grid: tuple[int, int], dice: random.Random) -> list[Tile]:
        """So many tiles of one grid, two or three from a page; depends on the dice and the shards alone."""
        tiles: list[Tile] = []
        while len(tiles) < count:
            page = self._load(*dice.choice(self.index))
            tiles += [cut(page, grid, self.alphabet, dice) for _ in range(min(TILES_A_PAGE, count - len(tiles)))]
        return tiles

    def _load(self, path: Path, name: str) -> _Page:
        with zipfile.ZipFile(path) as shard:
            labels = json.loads(shard.read(name))
            stem = name.removesuffix(".json")
            picture = next(n for n in shard.namelist() if n.startswith(stem) and n != name)
            with Image.open(io.BytesIO(shard.read(picture))) as opened:
                pixels = np.asarray(opened.convert("RGB"))
        return _Page(pixels, read_labels(labels, self.alphabet))


def cut(page: _Page, grid: tuple[int, int], alphabet: Alphabet, dice: random.Random) -> Tile:
    """A random tile, of three tries the one with most on it two times out of three."""
    height, width = page.pixels.shape[:2]
    rows, columns = grid
    corners = [(_corner(width, columns, dice), _corner(height, rows, dice)) for _ in range(3)]
    x, y = page.labels.chars[:, 0], page.labels.chars[:, 1]

    def held(corner: tuple[int, int]) -> int:
        left, top = corner
        right, bottom = left + columns * PATCH, top + rows * PATCH
        return int(((x > left) & (x < right) & (y > top) & (y < bottom)).sum())

    left, top = max(corners, key=held) if dice.random() < 0.67 else corners[0]
    wanted = targets(page.labels, left, top, grid, alphabet)
    return Tile(_coloured(window(page.pixels, left, top, grid), dice), wanted)


def _corner(size: int, patches: int, dice: random.Random) -> int:
    room = size - patches * PATCH
    if room <= 0:
        return 0 if dice.random() < 0.5 else dice.randint(room // 3, 0)
    draw = dice.random()
    return 0 if draw < 0.1 else room if draw < 0.2 else dice.randint(0, room)


def _coloured(pixels: npt.NDArray[np.uint8], dice: random.Random) -> npt.NDArray[np.uint8]:
    if dice.random() < 0.3:
        order = [0, 1, 2]
        dice.shuffle(order)
        pixels = pixels[..., order]
    if dice.random() < 0.12:
        pixels = 255 - pixels
    if dice.random() < 0.3:
        gamma, low = dice.uniform(0.7, 1.4), dice.uniform(0, 30)
        table = low + (255 - low - dice.uniform(0, 30)) * (np.arange(256) / 255) ** gamma
        pixels = table.astype(np.uint8)[pixels]
    return pixels
