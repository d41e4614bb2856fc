"""The film of a recording: pictures of the page with everything secret blacked out before they are encoded.

A picture is taken into the film only where the secret fields stood in the same place before and after it was taken.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

from actuators.geometry import Rect
from actuators.observation import Node, Observation
from policies.redact import redact
from sandboxes.recording import RATE, Film

__all__ = ["CoveredFilm"]

_QUALITY = 70


class CoveredFilm:
    """An AVI film that keeps time with the recording."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._film = Film(path, size)
        self._size = size
        self._began = time.monotonic()
        self._before: list[Rect] = []
        self._digest = ""
        self.png = b""
        """The last picture, secrets blacked out; empty before the first."""

    def add(self, seen: Observation, hidden: Callable[[Node], bool]) -> None:
        """One look. `hidden` tells which fields nobody may read."""
        boxes = [node.rect for node in seen.nodes if hidden(node)]
        safe, self._before = boxes == self._before, boxes
        while self._film.pictures and self._film.pictures < self._due():
            self._film.again()
        if not safe or seen.digest == self._digest:
            return
        self._digest = seen.digest
        self.png = redact(seen, boxes)
        self._film.add(self._jpeg(self.png))

    def close(self) -> None:
        while self._film.pictures and self._film.pictures < self._due():
            self._film.again()
        self._film.close()

    def _due(self) -> int:
        return int((time.monotonic() - self._began) * RATE)

    def _jpeg(self, png: bytes) -> bytes:
        from PIL import Image

        with Image.open(io.BytesIO(png)) as opened:
            picture = opened.convert("RGB")
        if picture.size != self._size:
            picture = picture.resize(self._size)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=_QUALITY)
        return out.getvalue()
