"""Pictures of a display through shared memory. A picture of a screen on which nothing was drawn is not taken again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from actuators.bound import BOUND_S, Bound
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
        bound_s: as there; a server that does not answer when the first picture is taken is not found out by this.
    """

    def __init__(self, name: str | None = None, authority: Path | None = None, bound_s: float = BOUND_S) -> None:
        self._name = name
        self._authority = authority
        self._mss: Any = None
        self._bound = Bound(bound_s)
        self._at = -1
        self._size = (0, 0)
        self._packer = Packer()
        self._last: tuple[int, Rect, bytes] | None = None

    def close(self) -> None:
        """May be called twice."""
        self._let_go()
        self._bound.close()

    def _let_go(self) -> None:
        mss, self._mss = self._mss, None
        if mss is not None:
            with suppress(Exception), self._bound.waiting(self._at):
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
                    self._at = _socket_of(self._mss)
                with self._bound.waiting(self._at):
                    return self._mss.grab(box)
            except Exception as error:
                if isinstance(error, SurfaceUnavailable):
                    raise
                self._let_go()  # a display whose size has changed needs another buffer
                if self._bound.cut:  # and one that does not answer is not asked again
                    said = f"no picture came from its X server in {self._bound.seconds:g} s"
                    raise SurfaceLost(f"the display does not answer: {said}") from None
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


def _socket_of(camera: Any) -> int:
    """The file descriptor of a camera's connection to its X server; -1 where it has none that can be told."""
    import ctypes

    connection = getattr(getattr(camera, "_impl", None), "conn", None)
    if connection is None:
        return -1
    try:
        told = ctypes.CDLL("libxcb.so.1").xcb_get_file_descriptor
        told.restype, told.argtypes = ctypes.c_int, [ctypes.c_void_p]
        return int(told(ctypes.byref(connection)))
    except (OSError, AttributeError, TypeError, ctypes.ArgumentError):
        return -1
