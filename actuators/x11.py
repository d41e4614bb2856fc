"""One connection to an X server, for looking around and for input. What breaks it is `SurfaceLost`.

So is a server that says nothing for `actuators.bound.BOUND_S`: the connection is cut then.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from actuators.bound import BOUND_S, Bound
from actuators.errors import SurfaceLost, SurfaceUnavailable
from actuators.geometry import Rect
from sandboxes.display import opened_with

__all__ = ["Server"]


class Server:
    """A display. Not thread-safe.

    Args:
        name: `:1`, or None for the one that the environment names.
        authority: the file with its cookie; None for the user's own.
        bound_s: a server that answers nothing for so long counts as gone.

    Raises:
        SurfaceUnavailable: it cannot be reached, or lacks what is needed to act on it.
    """

    def __init__(self, name: str | None = None, authority: Path | None = None, bound_s: float = BOUND_S) -> None:
        from Xlib import X, error
        from Xlib.display import Display

        try:
            with opened_with(authority):
                self.x: Any = Display(name)
        except (error.DisplayError, error.ConnectionClosedError, OSError) as problem:
            said = " ".join(str(problem).split())[:160]
            raise SurfaceUnavailable(f"no X display can be reached: {said}; is DISPLAY set?") from None
        for extension in ("XTEST", "DAMAGE"):
            if not self.x.has_extension(extension):
                self.x.close()
                raise SurfaceUnavailable(f"this display has no {extension} extension")
        self._bound = Bound(bound_s)
        self.x.set_error_handler(_ignore)
        self.name = str(self.x.get_display_name())
        self.authority = authority
        self.root: Any = self.x.screen().root
        self._atoms: dict[str, int] = {}
        self._lost = ""
        self.root.change_attributes(event_mask=X.SubstructureNotifyMask | X.PropertyChangeMask)
        self.moved = 0
        """Counts up whenever a window was shown, hidden, moved or raised, or the list of windows changed."""
        self.drawn = 0
        """Counts up whenever something was drawn."""
        self._pings, self._echo = 0, 0
        self._damage = self._watched()

    def close(self) -> None:
        """May be called twice."""
        if not self._lost:
            self._lost = "the display was left by this run"
            with suppress(Exception), self._bound.waiting(self.x.fileno()):
                self.x.close()
        self._bound.close()
        with suppress(Exception):  # the library leaves it open where the server has gone
            self.x.display.socket.close()

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """The connection, with whatever breaks it told as `SurfaceLost`."""
        from Xlib import error

        if self._lost:
            raise SurfaceLost(self._lost)
        try:
            with self._bound.waiting(self.x.fileno()):
                yield self.x
        except (error.ConnectionClosedError, OSError, ValueError, AssertionError) as problem:
            if isinstance(problem, ValueError | AssertionError) and self._answers():
                raise
            self._lost = "the display has gone: its X server ended"
            if self._bound.cut:
                self._lost = f"the display does not answer: nothing came from its X server in {self._bound.seconds:g} s"
            raise SurfaceLost(self._lost) from None

    def atom(self, name: str) -> int:
        if name not in self._atoms:
            with self.asking() as x:
                self._atoms[name] = x.intern_atom(name)
        return self._atoms[name]

    def heed(self) -> None:
        """Take in everything that the server has told until now. Raises `SurfaceLost`."""
        with self.asking() as x:
            x.sync()
            while x.pending_events():
                self._note(x.next_event())

    def wait(self, seconds: float) -> None:
        """Until the server tells something, at most so long; then as `heed`."""
        with self.asking() as x:
            at = -1 if x.pending_events() else x.fileno()
        if at >= 0:
            with suppress(OSError, ValueError):
                select.select([at], [], [], max(0.0, seconds))
        self.heed()

    def read_by(self, window: int, bound_s: float) -> bool:
        """Whether a window's program has read all that was sent to it until now; false when it takes longer.

        Asked as a window manager asks (`_NET_WM_PING`): the question stands in the same queue as the input. Windows
        that do not take part count as having read.
        """
        from Xlib import X
        from Xlib.protocol import event

        ping = self.atom("_NET_WM_PING")
        with self.asking() as x:
            target = x.create_resource_object("window", window)
            kept = target.get_full_property(self.atom("WM_PROTOCOLS"), X.AnyPropertyType)
            if kept is None or ping not in kept.value:  # asked each time: numbers of windows are given again
                return True
            self._pings += 1
            data = (32, [ping, self._pings, window, 0, 0])
            target.send_event(event.ClientMessage(window=target, client_type=self.atom("WM_PROTOCOLS"), data=data))
        until = time.monotonic() + bound_s
        while self._echo < self._pings and time.monotonic() < until:
            self.wait(min(0.05, max(0.0, until - time.monotonic())))
        return self._echo >= self._pings

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole desktop now, in pixels."""
        with self.asking():
            found = self.root.get_geometry()
        return int(found.width), int(found.height)

    @property
    def monitors(self) -> tuple[Rect, ...]:
        """What each monitor shows of the desktop now, in its pixels; empty where the server does not tell."""
        from Xlib import error
        from Xlib.ext import randr

        with self.asking() as x:
            if not x.has_extension("RANDR"):
                return ()
            try:
                found = randr.get_monitors(self.root, is_active=True).monitors
            except error.XError:  # older than monitors
                return ()
        boxes = (Rect(one.x, one.y, one.x + one.width_in_pixels, one.y + one.height_in_pixels) for one in found)
        return tuple(box for box in boxes if box.area)

    def _watched(self) -> int:
        from Xlib.ext import damage

        with self.asking() as x:
            x.damage_query_version()
            return int(self.root.damage_create(damage.DamageReportNonEmpty))

    def _note(self, event: Any) -> None:
        from Xlib import X

        if type(event).__name__ == "DamageNotify":
            self.drawn += 1
            self.x.damage_subtract(self._damage, 0, 0)
        elif event.type in (
            *(X.MapNotify, X.UnmapNotify, X.ConfigureNotify, X.DestroyNotify, X.CreateNotify, X.ReparentNotify),
            *(X.CirculateNotify, X.PropertyNotify),
        ):
            self.moved += 1
        elif event.type == X.ClientMessage:
            said = list(event.data[1]) if event.data[0] == 32 else []
            if said and said[0] == self.atom("_NET_WM_PING"):
                self._echo = max(self._echo, int(said[1]))
        elif event.type == X.MappingNotify:
            self.x.refresh_keyboard_mapping(event)

    def _answers(self) -> bool:
        with suppress(Exception):
            self.x.sync()
            return True
        return False


def _ignore(*_: Any) -> None:
    """A window that has gone meanwhile is no trouble of ours."""
