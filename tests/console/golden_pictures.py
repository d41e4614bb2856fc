"""Kept pictures of pages, and whether a page looks like its own: layout and colour by blocks, not glyph by glyph.

Another font, another anti-aliasing or a line that breaks elsewhere must not fail; a button, a picture, a column or a
colour that is gone must. So both pictures are brought to the size of the kept one and cut into blocks of 8 x 8 pixels;
a block agrees where any block of the other picture within `_REACH` has about its colour. A tile of 6 x 6 blocks most of
which agree with nothing near them is a difference.

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
    """Half the size and few colours: small, and still to be looked at."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    place.parent.mkdir(parents=True, exist_ok=True)
    half.quantize(48, dither=Image.Dither.NONE).save(place, "PNG", optimize=True)


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
    found = []
    for top in range(0, away.shape[0] - _TILE + 1, _TILE // 2):
        for left in range(0, away.shape[1] - _TILE + 1, _TILE // 2):
            if away[top : top + _TILE, left : left + _TILE].mean() > _MOST_OF:
                found.append(f"at {left * _BLOCK}, {top * _BLOCK}")
    return found[:5]


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
