"""Kept pictures of pages, and whether a page looks like its own: layout and colour by blocks, not glyph by glyph.

Another font, another anti-aliasing or a line that breaks elsewhere must not fail; a button, a picture, a column or a
colour that is gone must. So both pictures are brought to the size of the kept one and cut into blocks of 8 x 8 pixels,
and looked at twice. A block agrees where any block of the other picture nearby has about its colour:

- its mean, which writing is part of: a tile of 6 x 6 blocks most of which agree with nothing near them is a difference;
- its ground, which is the median about it and leaves the writing out. That tells pale colours apart, as those of a
  button are, and is looked for farther away, since writing of another font moves what stands below it.

`GOLDEN=write .venv/bin/pytest tests/console/test_console_golden.py` writes them anew.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

__all__ = ["GOLDEN", "compared", "differences", "kept"]

GOLDEN = Path(__file__).parent / "golden"
_BLOCK, _TILE = 8, 6
_REACH = (4, 2)
"""Blocks up and down, and to the sides."""
_COLOUR = 22.0
"""Of 255, the mean over three channels."""
_MOST_OF = 0.7
_GROUND_TILE, _GROUND_COLOUR, _GROUND_MOST_OF = 4, 13, 0.75
"""The colour is the channel that differs most."""
_GROUND_REACH = (12, 6)
_DRIFT = 1 / 40
"""Of a page's height: how far another font moves what is far down."""
_HEIGHT = 0.15


def compared(name: str, png: bytes) -> None:
    """Fail where a page does not look like its kept picture; write that where the environment says so."""
    place = GOLDEN / f"{name}.png"
    if os.environ.get("GOLDEN") == "write":
        kept(place, png)
        return
    assert place.is_file(), f"no kept picture `{name}`; see golden_pictures.py"
    found = differences(place.read_bytes(), png)
    if found:
        new = Path(os.environ.get("GOLDEN_NEW", "build/golden")) / f"{name}.png"
        new.parent.mkdir(parents=True, exist_ok=True)
        kept(new, png)
        pytest.fail(f"`{name}` looks different: {'; '.join(found)}; as it is now: {new}")


def kept(place: Path, png: bytes) -> None:
    """Half the size and few colours: small, and still to be looked at. Rare colours count as much as common ones: with
    others the amber of a warning became the red of a refusal, and a pale green white."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    place.parent.mkdir(parents=True, exist_ok=True)
    half.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(place, "PNG", optimize=True)


def differences(before: bytes, now: bytes) -> list[str]:
    """Where two pictures differ, in pixels of the page; `before` is a kept one."""
    old, new = (Image.open(io.BytesIO(one)).convert("RGB") for one in (before, now))
    size = (old.width * 2, old.height * 2)
    if abs(new.width - size[0]) > 2:
        return [f"it is {new.width} wide, it was {size[0]}"]
    if abs(new.height - size[1]) > _HEIGHT * size[1]:
        return [f"it is {new.height} high, it was {size[1]}"]
    shape = (size[0] // _BLOCK, size[1] // _BLOCK)
    first, second = (np.asarray(one.resize(shape, Image.Resampling.BOX), dtype=np.float32) for one in (old, new))
    away = np.maximum(_nothing_near(first, second), _nothing_near(second, first))
    found = _tiles(away, _TILE, _TILE // 2, _MOST_OF)
    half = new.resize(old.size, Image.Resampling.BOX)
    first, second = _ground(old), _ground(half)
    reach = (max(_GROUND_REACH[0], round(first.shape[0] * _DRIFT)), _GROUND_REACH[1])
    away = np.maximum(_no_ground_near(first, second, reach), _no_ground_near(second, first, reach))
    return (found + [f"the ground {one}" for one in _tiles(away, _GROUND_TILE, _GROUND_TILE // 2, _GROUND_MOST_OF)])[:5]


def _tiles(away: np.ndarray, size: int, step: int, most_of: float) -> list[str]:
    """Where more than that much of a tile is away from its like."""
    return [
        f"at {left * _BLOCK}, {top * _BLOCK}"
        for top in range(0, away.shape[0] - size + 1, step)
        for left in range(0, away.shape[1] - size + 1, step)
        if away[top : top + size, left : left + size].mean() > most_of
    ]


def _ground(half: Image.Image) -> np.ndarray:
    """Of each block, the median of 16 x 16 pixels of the page about it; (rows, columns, 3), of 255."""
    step = _BLOCK // 2  # the picture is half the page
    padded = np.pad(np.asarray(half), ((step, step), (step, step), (0, 0)), mode="edge")
    about = np.lib.stride_tricks.sliding_window_view(padded, (_BLOCK, _BLOCK), axis=(0, 1))[::step, ::step]
    return np.median(about.reshape(*about.shape[:3], -1), axis=-1).astype(np.int16)


def _no_ground_near(one: np.ndarray, other: np.ndarray, reach: tuple[int, int]) -> np.ndarray:
    """Of each block, whether the other picture has no such ground within reach: 1.0 or 0.0."""
    down, aside = reach
    padded = np.pad(other, ((down, down), (aside, aside), (0, 0)), mode="edge")
    away = np.zeros(one.shape[:2], dtype=np.float32)
    y, x = np.nonzero(np.abs(one - other).max(axis=2) > _GROUND_COLOUR)
    for move in np.ndindex(2 * down + 1, 2 * aside + 1):
        apart = np.abs(one[y, x] - padded[y + move[0], x + move[1]]).max(axis=1) > _GROUND_COLOUR
        y, x = y[apart], x[apart]
    away[y, x] = 1.0
    return away


def _nothing_near(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each block, whether the other picture has nothing like it within reach: 1.0 or 0.0."""
    down, aside = _REACH
    padded = np.pad(other, ((down, down), (aside, aside), (0, 0)), mode="edge")
    least = np.full(one.shape[:2], np.inf, dtype=np.float32)
    for y in range(2 * down + 1):
        for x in range(2 * aside + 1):
            moved = padded[y : y + one.shape[0], x : x + one.shape[1]]
            least = np.minimum(least, np.abs(one - moved).mean(axis=2))
    return (least > _COLOUR).astype(np.float32)
