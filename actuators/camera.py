"""Pictures of a display through shared memory. A picture of a screen on which nothing was drawn is not taken again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from actuators.errors import SurfaceLost, SurfaceUnavailable
from actuators.geometry import Rect
from actuators.png import Packer
from sandboxes.display import opened_with

__all__ = ["Camera"]


class Camera:
    """Takes pictures of one display.

    Args:
        name: as for `actuators.x11.Server`; None on systems that have no X server.
        authority: as there.
    """

    def __init__(self, name: str | None = None, authority: Path | None = None) -> None:
        self._name = name
        self._authority = authority
        self._mss: Any = None
        self._size = (0, 0)
        self._packer = Packer()
        self._last: tuple[int, Rect, bytes] | None = None

    def close(self) -> None:
        mss, self._mss = self._mss, None
        if mss is not None:
            with suppress(Exception):
                mss.close()

    def whole(self, rect: Rect, drawn: int) -> bytes:
        """PNG of a part of the desktop, or the last one while `drawn` has not counted on.

        Args:
            rect: device pixels of the whole desktop.
            drawn: see `actuators.x11.Server.drawn`.
        """
        if self._last is not None and self._last[:2] == (drawn, rect):
            return self._last[2]
        png = self._packer.png(bytes(self._grab(rect).bgra), rect.width, rect.height)
        self._last = (drawn, rect, png)
        return png

    def digest(self, rect: Rect) -> str:
        """SHA-256 of the raw pixels of a part of the desktop, now."""
        return hashlib.sha256(bytes(self._grab(rect).bgra)).hexdigest()

    def _grab(self, rect: Rect) -> Any:
        box = {"left": rect.left, "top": rect.top, "width": rect.width, "height": rect.height}
        for again in (False, True):
            try:
                if self._mss is None:
                    self._mss = self._opened()
                return self._mss.grab(box)
            except Exception as error:
                if isinstance(error, SurfaceUnavailable):
                    raise
                self.close()  # a display whose size has changed needs another buffer
                if again:
                    said = " ".join(str(error).split())[:120]
                    raise SurfaceLost(
                        f"no picture of the display can be had ({said}): has it gone or shrunk?"
                    ) from None
        raise AssertionError("unreachable")

    def _opened(self) -> Any:
        try:
            import mss
        except ImportError:
            raise SurfaceUnavailable("mss is not installed; try: pip install 'deskhand[desktop]'") from None
        made: Callable[..., Any] = mss.MSS
        with opened_with(self._authority):
            return made(display=self._name) if self._name is not None else made()
