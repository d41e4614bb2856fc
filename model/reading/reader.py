"""Reads a screenshot with a checkpoint's own vision tower: pixels in, nodes out.

Tiles that did not change since they were last read are not read again. What this does not protect against: it misreads.
Its nodes help a small model to choose; the policy asks the live surface, and where there is none, the pixels again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from actuators.geometry import Screen
from actuators.observation import Node
from model.base import ModelError
from model.reading import nodes as assembled
from model.reading.alphabet import FILE, NONE, Alphabet, read_alphabet
from model.reading.boxes import Squares, things
from model.reading.glyphs import LEAST, Cells, glyphs
from model.reading.heads import Dense, Heads, levels
from model.reading.large import with_large_text
from model.reading.letters import Letters, read_letters
from model.reading.lines import Glyph, Piece, pieces
from model.reading.tiles import PATCH, SQUARE, Tile, cover, cut, flat_patches

__all__ = ["WEIGHTS", "Reader", "Said", "assemble", "has_reader", "load_reader"]

WEIGHTS = "reader.safetensors"
_KEPT = 96
"""Tiles remembered: eight screens of 1280x800."""
_AT_ONCE = 4
_CHOICES = 5
"""Characters that a cell may hold, "nothing" among them, of which the line's spelling chooses."""
_HOLDING = frozenset({"image", "listbox", "option", "menuitem"})
Floats = npt.NDArray[np.float32]


def has_reader(folder: Path) -> bool:
    """Whether a checkpoint folder brings reading heads."""
    return (folder / FILE).is_file()


def load_reader(folder: Path, visual: Any) -> Reader:
    """The reading heads of a checkpoint folder on its tower.

    Raises:
        ModelError: the heads are missing, damaged or made for another tower.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    alphabet = read_alphabet(folder)
    config = visual.config
    heads = Heads(config.hidden_size, config.depth, alphabet)
    try:
        heads.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        problem = " ".join(str(error).split())[:160]
        advice = "take the whole folder from the version that runs, or teach them with model.training.reading.run"
        raise ModelError(f"{folder / WEIGHTS}: the reading heads do not fit: {problem}; {advice}") from error
    weight = visual.patch_embed.proj.weight
    return Reader(visual, heads.to(weight.device, weight.dtype).eval(), read_letters(folder))


@dataclass(frozen=True)
class Said:
    """What the heads said of one tile, as small arrays; squares in raster order."""

    cells: Cells
    roles: Floats
    edges: Floats
    trusts: Floats
    states: Floats
    icons: Floats


class Reader:
    """One tower with reading heads. Not thread-safe."""

    def __init__(self, visual: Any, heads: Heads, letters: Letters | None = None) -> None:
        self._visual, self._heads, self._letters = visual, heads, letters
        self._seen: OrderedDict[bytes, Said] = OrderedDict()

    @property
    def alphabet(self) -> Alphabet:
        return self._heads.alphabet

    def read(self, pixels: npt.NDArray[np.uint8]) -> tuple[Node, ...]:
        """Everything the reader sees on a picture `(height, width, 3)`, in its pixels and in reading order."""
        height, width = pixels.shape[:2]
        tiles = cover(width, height)
        found = assemble(tiles, self._all(pixels, tiles), self.alphabet, (width, height), self._letters)
        return with_large_text(found, pixels, self.lines)

    def lines(self, pixels: npt.NDArray[np.uint8]) -> tuple[Piece, ...]:
        """The runs of text on a picture `(height, width, 3)`, whatever they belong to; its pixels, reading order."""
        tiles = cover(*pixels.shape[1::-1])
        read = self._all(pixels, tiles)
        return tuple(pieces(_glyphs(tiles, read, self.alphabet), self._letters))

    def _all(self, pixels: npt.NDArray[np.uint8], tiles: list[Tile]) -> list[Said]:
        shown = [cut(pixels, tile) for tile in tiles]
        keys = [hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in shown]
        missing = [n for n, key in enumerate(keys) if key not in self._seen]
        fresh: dict[bytes, Said] = {}
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            for n, said in zip(some, self._look([shown[n] for n in some], tiles[some[0]].grid), strict=True):
                fresh[keys[n]] = said
        read = [fresh.get(key) or self._seen[key] for key in keys]
        for key, said in zip(keys, read, strict=True):
            self._seen[key] = said
            self._seen.move_to_end(key)
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return read

    @torch.inference_mode()
    def _look(self, shown: list[npt.NDArray[np.uint8]], grid: tuple[int, int]) -> list[Said]:
        weight = self._visual.patch_embed.proj.weight
        patches = torch.from_numpy(np.stack([flat_patches(one) for one in shown])).to(weight.device, weight.dtype)
        said = self._heads(levels(self._visual, patches, grid), patches, grid)
        return [_plain(said, n) for n in range(len(shown))]


def assemble(
    tiles: Sequence[Tile],
    read: Sequence[Said],
    alphabet: Alphabet,
    size: tuple[int, int],
    letters: Letters | None = None,
) -> tuple[Node, ...]:
    """What was said of all tiles of a picture of `size` (width, height), as nodes."""
    holding = frozenset(n for n, role in enumerate(alphabet.roles) if role in _HOLDING)
    found = things(_squares(tiles, read, size), holding)
    return assembled.nodes(found, pieces(_glyphs(tiles, read, alphabet), letters), alphabet, Screen(*size), letters)


def _glyphs(tiles: Sequence[Tile], read: Sequence[Said], alphabet: Alphabet) -> list[Glyph]:
    return [glyph for tile, said in zip(tiles, read, strict=True) for glyph in glyphs(tile, said.cells, alphabet)]


def _plain(said: Dense, n: int) -> Said:
    return Said(
        cells=_cells(said, n),
        roles=said.roles[n].flatten(0, 1).float().softmax(-1).numpy(force=True),
        edges=said.edges[n].flatten(0, 1).float().numpy(force=True),
        trusts=said.trusts[n].flatten().float().sigmoid().numpy(force=True),
        states=said.states[n].flatten(0, 1).float().sigmoid().numpy(force=True),
        icons=said.icons[n].flatten(0, 1).float().softmax(-1).numpy(force=True),
    )


def _cells(said: Dense, n: int) -> Cells:
    chances = said.glyphs[n].float().softmax(-1)
    at = (chances[..., NONE] < 1 - LEAST).nonzero()
    rows, columns = at.unbind(-1)
    best = chances[rows, columns].topk(_CHOICES, dim=-1)
    return Cells(
        at=at.to(torch.int32).numpy(force=True),
        classes=best.indices.to(torch.int16).numpy(force=True),
        chances=best.values.numpy(force=True),
        begins=said.begins[n, rows, columns].float().sigmoid().numpy(force=True),
        places=said.places[n, rows, columns].float().numpy(force=True),
    )


def _centres(tile: Tile) -> Floats:
    rows, columns = (count * PATCH // SQUARE for count in tile.grid)
    ys = tile.top + np.arange(rows) * SQUARE + SQUARE / 2
    xs = tile.left + np.arange(columns) * SQUARE + SQUARE / 2
    return np.stack([np.tile(xs, rows), np.repeat(ys, columns)], axis=-1).astype(np.float32)


def _own(tile: Tile) -> npt.NDArray[np.bool_]:
    """Which squares have their centre in the tile's own part."""
    left, top, right, bottom = tile.own
    x, y = _centres(tile).T
    result: npt.NDArray[np.bool_] = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return result


def _squares(tiles: Sequence[Tile], read: Sequence[Said], size: tuple[int, int]) -> Squares:
    parts: dict[str, list[Floats]] = {
        name: [] for name in ("centres", "boxes", "roles", "trusts", "states", "icons", "tiles")
    }
    for tile, said in zip(tiles, read, strict=True):
        own = _own(tile)
        centres = _centres(tile)[own]
        far = np.expm1(said.edges[own].clip(-1.5, 6)) * SQUARE
        parts["centres"].append(centres)
        parts["boxes"].append(np.concatenate([centres - far[:, :2], centres + far[:, 2:]], axis=-1))
        for name in ("roles", "trusts", "states", "icons"):
            parts[name].append(getattr(said, name)[own])
        rows, columns = tile.grid
        bounds = np.array([tile.left, tile.top, tile.left + columns * PATCH, tile.top + rows * PATCH], dtype=np.float32)
        bounds[:2][bounds[:2] <= 0] = -np.inf
        bounds[2:][bounds[2:] >= np.array(size)] = np.inf
        parts["tiles"].append(np.tile(bounds, (len(centres), 1)))
    return Squares(**{name: np.concatenate(arrays) for name, arrays in parts.items()})
