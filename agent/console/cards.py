"""A question as its card shows it, and the pictures on it: the screen with the target marked, and a crop of it."""

from __future__ import annotations

import io
import re
import struct
import time
from dataclasses import dataclass
from typing import Any

from agent.console.deciding import may_answer
from agent.store.people import Operator
from agent.store.requests import Asked, Escalation
from agent.store.store import Store

__all__ = ["Card", "card_of", "crop", "frame_size", "visible"]

_CROP = (420, 200)
_GRAVE = frozenset({"submit", "send", "reveal", "delete", "buy", "unknown"})
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Card:
    """What the template needs."""

    asked: Asked
    told: dict[str, Any]
    left_s: float | None
    grave: bool
    """What it does outlives the run."""
    size: tuple[int, int] | None
    """Of the frame in pixels; None while there is none."""
    box: tuple[int, int, int, int] | None
    """Left, top, width, height in pixels of the frame."""
    point: tuple[int, int] | None
    may_not: str
    handed: list[Escalation]
    grant: bool
    """Whether it can be approved for the rest of the run."""


def card_of(store: Store, operator: Operator, asked: Asked) -> Card:
    """A question as one operator sees it."""
    told = asked.told
    png = store.runs.frame(asked.run, asked.frame) if asked.frame else None
    size = frame_size(png) if png is not None else None
    return Card(
        asked=asked,
        told=told,
        left_s=None if asked.expires_at is None else max(0.0, asked.expires_at - time.time()),
        grave=told["effect"] in _GRAVE,
        size=size,
        box=_inside(told["box"], size),
        point=tuple(told["point"]) if told["point"] and size is not None else None,
        may_not=may_answer(operator, asked),
        handed=store.requests.escalations(asked.id) if asked.assigned else [],
        grant=told["scope"] is not None,
    )


def _inside(box: list[int] | None, size: tuple[int, int] | None) -> tuple[int, int, int, int] | None:
    """The box cut to the frame; None where nothing of it lies there."""
    if box is None or size is None:
        return None
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), min(size[0], box[2]), min(size[1], box[3])
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def frame_size(png: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG in pixels; None for anything else."""
    if len(png) < 24 or png[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack(">II", png[16:24])
    return (width, height) if 0 < width <= 20_000 and 0 < height <= 20_000 else None


def crop(png: bytes, box: tuple[int, int, int, int] | None, point: tuple[int, int] | None) -> bytes | None:
    """The target and what stands around it, at full size; None where it lies nowhere or the picture is none."""
    from PIL import Image

    if box is None and point is None:
        return None
    left, top, width, height = box or (*point, 1, 1)  # type: ignore[misc]
    wide, high = max(_CROP[0], min(width + 80, 900)), max(_CROP[1], min(height + 80, 600))
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            x = max(0, min(left + width // 2 - wide // 2, image.width - wide))
            y = max(0, min(top + height // 2 - high // 2, image.height - high))
            part = image.convert("RGB").crop((x, y, min(image.width, x + wide), min(image.height, y + high)))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    out = io.BytesIO()
    part.save(out, "PNG", compress_level=1)
    return out.getvalue()


def visible(value: object) -> object:
    """Characters that hide or turn around the text beside them are shown as their code point."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", value)
