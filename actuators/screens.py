"""All screens of a desktop as one picture, on systems that do not tell what was drawn: it is looked at.

On a Retina screen a picture has several pixels to one unit of the mouse; `Shot.desk` knows how many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from actuators.errors import SurfaceLost, SurfaceUnavailable
from actuators.geometry import Desk, Monitor, Rect
from actuators.png import Packer

__all__ = ["Screens", "Shot"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One look."""

    desk: Desk
    pixels: bytes = field(repr=False)
    """Four bytes a pixel (BGRX), rows from the top; as wide and high as `desk.screen`."""

    def digest(self, rect: Rect) -> str:
        """SHA-256 of a part of it."""
        import numpy as np

        screen = self.desk.screen
        whole = np.frombuffer(self.pixels, np.uint8).reshape(screen.height, screen.width, 4)  # (height, width, BGRX)
        part = whole[rect.top : rect.bottom, rect.left : rect.right, :3]
        return hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest()


class Screens:
    """Looks at every monitor at once.

    Args:
        opened: gives an `mss` to look with; left out, the system's own.
    """

    def __init__(self, opened: Callable[[], Any] | None = None) -> None:
        self._open = opened or _opened
        self._mss: Any = None
        self._packer = Packer()

    def close(self) -> None:
        mss, self._mss = self._mss, None
        if mss is not None:
            with suppress(Exception):
                mss.close()

    def look(self, anew: bool = False) -> Shot:
        """What is shown now.

        Args:
            anew: ask which monitors there are, too.

        Raises:
            SurfaceUnavailable: nothing can look here.
            SurfaceLost: there is no picture any more.
        """
        if anew:
            self.close()
        for again in (False, True):
            try:
                if self._mss is None:
                    self._mss = self._open()
                return _shot(self._mss)
            except SurfaceUnavailable:
                raise
            except Exception as error:
                self.close()  # a screen of another size needs another buffer
                if again:
                    said = " ".join(str(error).split())[:120]
                    raise SurfaceLost(
                        f"no picture of the screen can be had ({said}): may this program record it?"
                    ) from None
        raise AssertionError("unreachable")

    def png(self, shot: Shot) -> bytes:
        screen = shot.desk.screen
        return self._packer.png(shot.pixels, screen.width, screen.height)


def _shot(mss: Any) -> Shot:
    box, *monitors = mss.monitors
    taken = mss.grab(box)
    scale = int(taken.width) / int(box["width"])
    lies = [(int(one["left"]), int(one["top"]), int(one["width"]), int(one["height"])) for one in monitors or [box]]
    desk = Desk(tuple(Monitor(*one, scale) for one in lies))
    if (desk.screen.width, desk.screen.height) != (taken.width, taken.height):
        told = f"{desk.screen.width}x{desk.screen.height} by its monitors, {taken.width}x{taken.height} by its picture"
        raise ValueError(f"the screen is {told}")
    return Shot(desk, bytes(taken.bgra))


def _opened() -> Any:
    try:
        import mss
    except ImportError:
        raise SurfaceUnavailable("mss is not installed; try: pip install 'deskhand[other-desktops]'") from None
    made: Callable[..., Any] = mss.MSS
    return made()
