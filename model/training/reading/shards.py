"""Pages from shards as they are needed: a pool of decoded pages that is renewed bit by bit, and tiles cut from it."""

from __future__ import annotations

import io
import json
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.reading.alphabet import Alphabet
from model.training.reading.targets import PATCH, PageLabels, Targets, read_labels, targets

__all__ = ["PagePool", "Tile"]


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
    """Pages of a folder of shards; shards that appear later are found too."""

    def __init__(self, folder: Path, alphabet: Alphabet, seed: int, size: int = 300) -> None:
        self.folder, self.alphabet, self.size = folder, alphabet, size
        self.dice = random.Random(seed)
        self.pages: list[_Page] = []
        self.index: list[tuple[Path, str]] = []
        self.refresh()

    def refresh(self) -> None:
        """Look for shards."""
        known = {path for path, _ in self.index}
        for path in sorted(self.folder.glob("shard-*.zip")):
            if path not in known:
                with zipfile.ZipFile(path) as shard:
                    names = [name for name in shard.namelist() if name.endswith(".json")]
                self.index += [(path, name) for name in names]

    def draw(self, count: int, grid: tuple[int, int]) -> list[Tile]:
        """So many tiles of one grid; replaces a page of the pool for every four."""
        for _ in range(max(1, count // 4)):
            page = self._load(*self.dice.choice(self.index))
            if len(self.pages) < self.size:
                self.pages.append(page)
            else:
                self.pages[self.dice.randrange(self.size)] = page
        return [self.cut(self.dice.choice(self.pages), grid) for _ in range(count)]

    def _load(self, path: Path, name: str) -> _Page:
        with zipfile.ZipFile(path) as shard:
            labels = json.loads(shard.read(name))
            stem = name.removesuffix(".json")
            picture = next(n for n in shard.namelist() if n.startswith(stem) and n != name)
            with Image.open(io.BytesIO(shard.read(picture))) as opened:
                pixels = np.asarray(opened.convert("RGB"))
        return _Page(pixels, read_labels(labels, self.alphabet))

    def cut(self, page: _Page, grid: tuple[int, int]) -> Tile:
        """A random tile, of three tries the one with most on it two times out of three."""
        height, width = page.pixels.shape[:2]
        rows, columns = grid
        corners = [(self._corner(width, columns), self._corner(height, rows)) for _ in range(3)]
        x, y = page.labels.chars[:, 0], page.labels.chars[:, 1]

        def held(corner: tuple[int, int]) -> int:
            left, top = corner
            right, bottom = left + columns * PATCH, top + rows * PATCH
            return int(((x > left) & (x < right) & (y > top) & (y < bottom)).sum())

        left, top = max(corners, key=held) if self.dice.random() < 0.67 else corners[0]
        return Tile(
            self._coloured(_window(page.pixels, left, top, grid)), targets(page.labels, left, top, grid, self.alphabet)
        )

    def _corner(self, size: int, patches: int) -> int:
        room = size - patches * PATCH
        if room <= 0:
            return 0 if self.dice.random() < 0.5 else self.dice.randint(room // 3, 0)
        draw = self.dice.random()
        return 0 if draw < 0.1 else room if draw < 0.2 else self.dice.randint(0, room)

    def _coloured(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        draw = self.dice.random()
        if draw < 0.3:
            order = [0, 1, 2]
            self.dice.shuffle(order)
            pixels = pixels[..., order]
        if self.dice.random() < 0.12:
            pixels = 255 - pixels
        if self.dice.random() < 0.3:
            gamma, low = self.dice.uniform(0.7, 1.4), self.dice.uniform(0, 30)
            table = low + (255 - low - self.dice.uniform(0, 30)) * (np.arange(256) / 255) ** gamma
            pixels = table.astype(np.uint8)[pixels]
        return pixels


def _window(pixels: npt.NDArray[np.uint8], left: int, top: int, grid: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The tile's pixels; beyond the page's edge the page's last pixels go on."""
    rows, columns = grid
    height, width = pixels.shape[:2]
    ys = np.clip(np.arange(top, top + rows * PATCH), 0, height - 1)
    xs = np.clip(np.arange(left, left + columns * PATCH), 0, width - 1)
    return pixels[ys[:, None], xs[None]]
