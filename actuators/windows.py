"""The windows of an X display: what lies on top where, what has the focus, and whose each is.

Whose a window is comes from the server and the kernel (the process at the other end of its connection), not from what
the window says of itself; its title is a claim.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actuators.geometry import Point, Rect
from actuators.x11 import Server

__all__ = ["Window", "Windows"]


@dataclass(frozen=True, slots=True)
class Window:
    """One window at the top level, as it is drawn: with its frame, where a window manager gives it one."""

    id: int
    """Of the program's own window."""
    outer: int
    """Of the frame around it; the same where there is none."""
    rect: Rect
    """Everything that is drawn of it, device pixels of the whole desktop."""
    inner: Rect
    """The program's own part."""
    pid: int
    """The process at the other end, as this machine counts it; 0 where the server does not tell."""
    app: str
    title: str
    pops: bool
    """A menu, a tip or a list that no window manager frames."""


class Windows:
    """Follows the windows of one display.

    Args:
        server: the connection.
        name_of: the name of the application that a process belongs to; empty for an unknown one.
    """

    def __init__(self, server: Server, name_of: Callable[[int], str]) -> None:
        self._server = server
        self._name_of = name_of
        self._known: tuple[Window, ...] = ()
        self._at = -1

    def all(self) -> tuple[Window, ...]:
        """Every window that is shown, from the bottom to the top. Raises `SurfaceLost`."""
        self._server.heed()
        for _ in range(5):
            at = self._server.moved
            if at != self._at:
                self._known, self._at = tuple(self._read()), at
            self._server.heed()
            if self._server.moved == self._at:
                break
        return self._known

    def at(self, point: Point) -> Window | None:
        """The topmost window at a point of the desktop; None for the background."""
        return next((one for one in reversed(self.all()) if one.rect.contains(point)), None)

    def focused(self) -> Window | None:
        """The window that keys go to."""
        windows = self.all()
        with self._server.asking() as x:
            focus = x.get_input_focus().focus
        at = getattr(focus, "id", 0)
        chain = self._chain(at) if at else []
        return next((one for one in windows if one.id in chain or one.outer in chain), None)

    def active(self) -> Window | None:
        """The window in front, by the window manager's word; else the one with the focus."""
        found = self._property(self._server.root, "_NET_ACTIVE_WINDOW")
        wanted = int(found[0]) if found else 0
        return next((one for one in self.all() if one.id == wanted), None) or self.focused()

    def _read(self) -> list[Window]:
        from Xlib import X, error

        clients = set(self._property(self._server.root, "_NET_CLIENT_LIST_STACKING") or ())
        inside = {chain[-1]: client for client in clients if (chain := self._chain(int(client)))}
        pids: dict[int, int] = {}
        found = []
        with self._server.asking() as x:
            for outer in self._server.root.query_tree().children:
                try:
                    seen = outer.get_attributes()
                    if seen.map_state != X.IsViewable or seen.win_class != X.InputOutput:
                        continue
                    rect = _rect(outer.get_geometry())
                    own = x.create_resource_object("window", int(inside.get(outer.id, outer.id)))
                    within = _moved(_rect(own.get_geometry()), self._server.root.translate_coords(own, 0, 0))
                    pid = self._pid(own.id, pids)
                    title = self._title(own)
                except error.XError:  # it has gone meanwhile
                    continue
                if rect.area and rect.right > 0 and rect.bottom > 0:
                    pops = bool(seen.override_redirect)
                    found.append(Window(own.id, outer.id, rect, within, pid, self._name_of(pid), title, pops))
        return found

    def _chain(self, at: int) -> list[int]:
        """A window and all those around it, less the root."""
        from Xlib import error

        found: list[int] = []
        with self._server.asking() as x:
            try:
                while at and at != self._server.root.id and len(found) < 20:
                    found.append(at)
                    parent = x.create_resource_object("window", at).query_tree().parent
                    at = getattr(parent, "id", 0)
            except error.XError:
                return []
        return found

    def _pid(self, window: int, known: dict[int, int]) -> int:
        """The process that made a window, asked once for each connection of one reading.

        Not for longer: the server gives the number of a connection that has ended to the next one. A splash screen of
        a process of its own and the program that comes after it have the same.
        """
        from Xlib.ext import res

        client = window & ~0x1FFFFF
        if client not in known:
            known[client] = 0
            with self._server.asking() as x:
                if x.has_extension("X-Resource"):
                    spec = [{"client": window, "mask": res.LocalClientPIDMask}]
                    for one in x.res_query_client_ids(spec).ids:
                        if one.value:
                            known[client] = int(one.value[0])
        return known[client]

    def _title(self, window: Any) -> str:
        for name in ("_NET_WM_NAME", "WM_NAME"):
            if found := self._property(window, name):
                text = found if isinstance(found, str) else bytes(found).decode("utf-8", "replace")
                return " ".join(text.split())[:200]
        return ""

    def _property(self, window: Any, name: str) -> Any:
        from Xlib import X, error

        atom = self._server.atom(name)
        with self._server.asking():
            try:
                found = window.get_full_property(atom, X.AnyPropertyType)
            except error.XError:
                return None
        return found.value if found is not None else None


def _rect(found: Any) -> Rect:
    return Rect(found.x, found.y, found.x + found.width, found.y + found.height)


def _moved(rect: Rect, to: Any) -> Rect:
    return Rect(to.x, to.y, to.x + rect.width, to.y + rect.height)
