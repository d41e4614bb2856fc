"""Picture patches: what a target looked like, named for its bytes, and whether something looks like it now."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from actuators.geometry import Rect
from actuators.observation import Node

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

__all__ = ["MOST_PX", "alike", "cut", "listed", "put"]

MOST_PX = (320, 120)
"""Larger targets leave no patch."""
ALIKE, UNLIKE = 0.06, 0.12
"""Mean difference of grey values, 0 to 1: at most this for the one, at least that for every other."""


def cut(frame: bytes, box: Rect) -> bytes | None:
    """The picture of a box as PNG; None for one that is empty, large or all of one colour.

    Args:
        frame: a screenshot as PNG, its secrets blacked out.
        box: in its pixels.
    """
    from PIL import Image as pil

    if not box.area or box.width > MOST_PX[0] or box.height > MOST_PX[1]:
        return None
    with pil.open(io.BytesIO(frame)) as opened:
        piece = opened.convert("RGB").crop((box.left, box.top, box.right, box.bottom))
    if len(piece.getcolors(maxcolors=1) or ()) == 1:
        return None
    out = io.BytesIO()
    piece.save(out, "PNG", optimize=True)
    return out.getvalue()


def put(folder: Path, data: bytes, kind: str = "png") -> str:
    """Keep a patch, or a list, in `folder` under its SHA-256, which is returned. Raises OSError."""
    digest = hashlib.sha256(data).hexdigest()
    folder.mkdir(exist_ok=True)
    (folder / f"{digest}.{kind}").write_bytes(data)
    return digest


def listed(folder: Path, digest: str) -> tuple[str, ...] | None:
    """The lines of a list; None where it is gone or is not what its name says."""
    try:
        data = (folder / f"{digest}.txt").read_bytes()
    except OSError:
        return None
    return tuple(data.decode().splitlines()) if hashlib.sha256(data).hexdigest() == digest else None


def alike(folder: Path, digest: str, screen: Image, nodes: Sequence[Node]) -> list[Node]:
    """The one node that looks like a patch while no other does, at any scale; empty where that cannot be said."""
    patch = _patch(folder, digest)
    if patch is None:
        return []
    far = sorted(((_difference(patch, screen, node.rect), node) for node in nodes), key=lambda one: one[0])
    if not far or far[0][0] > ALIKE or (len(far) > 1 and far[1][0] < UNLIKE):
        return []
    return [far[0][1]]


@lru_cache(maxsize=64)
def _patch(folder: Path, digest: str) -> Image | None:
    """The patch; None where it is gone or is not what its name says."""
    from PIL import Image as pil

    try:
        data = (folder / f"{digest}.png").read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != digest:
        return None
    with pil.open(io.BytesIO(data)) as opened:
        return opened.convert("L")


def _difference(patch: Image, screen: Image, box: Rect) -> float:
    import numpy as np

    if not box.area:
        return 1.0
    shape = patch.width / patch.height, box.width / box.height
    if not 0.75 < shape[0] / shape[1] < 1.34:
        return 1.0
    piece = screen.crop((box.left, box.top, box.right, box.bottom)).convert("L").resize(patch.size)
    one, other = (np.asarray(image, dtype=np.float32) / 255 for image in (patch, piece))
    found: np.floating = np.abs(one - other).mean()
    return float(found)
