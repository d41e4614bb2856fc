"""Watches a person at an X desktop: keys and presses through the RECORD extension, what they hit through AT-SPI.

Only what happens in the programs that were named is kept. What is typed is taken from the field that holds it, or from
the keys where it goes to the cursor of a longer text; into password fields, and where no field is known, nothing is
taken. Programs without accessibility tell nothing: presses on them are noted, not kept.

What a key or a press was aimed at is told by the last look that was over before it, by the display's own clock: a look
that came later may show already what it did.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from actuators.action import Click
from actuators.desktop import DesktopActuator
from actuators.errors import SurfaceError, SurfaceLost, SurfaceUnavailable
from actuators.geometry import Point
from actuators.observation import Node, Observation
from agent.flow.find import FIELDS
from agent.recording.film import CoveredFilm
from agent.recording.heard import Heard, Look
from sandboxes.display import opened_with

__all__ = ["DeskWatched", "watch_desktop"]

_LOOKS_EVERY_S = 0.25
_LONG_PX = 60
"""A field that is higher than this holds lines: what is typed goes to its cursor."""
_KEYS = {
    0xFF0D: "enter", 0xFF8D: "enter", 0xFF09: "tab", 0xFF1B: "escape", 0xFF08: "backspace", 0xFFFF: "delete",
    0xFF52: "up", 0xFF54: "down", 0xFF51: "left", 0xFF53: "right", 0xFF50: "home", 0xFF57: "end",
    0xFF55: "page_up", 0xFF56: "page_down", **{0xFFBD + n: f"f{n}" for n in range(1, 13)},
}  # fmt: skip
_HELD = ((0x4, "ctrl"), (0x8, "alt"), (0x40, "meta"))
_SHIFT, _CAPS = 0x1, 0x2
_TICKS = 1 << 32
_LOOKS = 16
"""So many looks are kept for strokes that are heard late."""


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A key that went down, or a button of the mouse."""

    at: float
    """When it was heard, seconds since the epoch."""
    tick: int
    """When it happened, milliseconds of the display's clock, which begins anew after 49 days."""
    button: int = 0
    x: int = 0
    y: int = 0
    key: str = ""
    char: str = ""
    held: tuple[str, ...] = ()


@dataclass(slots=True)
class DeskWatched:
    """What was seen of it. Of acts the `keys` of an `edit` are empty and `text` holds what went to a cursor."""

    last: Look = field(default_factory=lambda: Look("", "", ()))
    heard: list[Heard] = field(default_factory=list)
    apps: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    size: tuple[int, int] = (0, 0)


class _Ear:
    """The RECORD extension of one display, on connections and a thread of its own."""

    def __init__(self, name: str, authority: Path | None) -> None:
        from Xlib.display import Display
        from Xlib.ext import record

        with opened_with(authority):
            self._ears, self._hand = Display(name), Display(name)
        if not self._ears.has_extension("RECORD"):
            raise SurfaceUnavailable(f"the X display `{name}` does not record")
        self._came: deque[_Stroke] = deque()
        self._clock = self._window()
        nothing: dict[str, Any] = {
            "core_requests": (0, 0), "core_replies": (0, 0), "ext_requests": (0, 0, 0, 0),
            "ext_replies": (0, 0, 0, 0), "delivered_events": (0, 0), "errors": (0, 0),
            "client_started": False, "client_died": False,
        }  # fmt: skip
        wanted = [{**nothing, "device_events": (2, 5)}]  # KeyPress to ButtonRelease
        self._context = self._ears.record_create_context(0, [record.AllClients], wanted)
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _window(self) -> Any:
        """A window of our own that is never shown: whatever happens to it is told with the display's time."""
        from Xlib import X

        root = self._hand.screen().root
        return root.create_window(0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)

    def now(self) -> int:
        """The display's time, in `_Stroke.tick`'s words; everything that happened before has an earlier one."""
        from Xlib import X, Xatom

        self._clock.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"", X.PropModeAppend)
        while True:
            event = self._hand.next_event()
            if event.type == X.PropertyNotify:
                return int(event.time)

    def start(self) -> None:
        self._thread.start()
        self._begun.wait(10)

    def take(self) -> list[_Stroke]:
        came = []
        while self._came:
            came.append(self._came.popleft())
        return came

    def close(self) -> None:
        with suppress(Exception):
            self._hand.record_disable_context(self._context)
            self._hand.flush()
        self._thread.join(5)
        for one in (self._hand, self._ears):
            with suppress(Exception):
                one.close()

    def _listen(self) -> None:
        with suppress(Exception):  # the display has ended
            self._ears.record_enable_context(self._context, self._heard)

    def _heard(self, reply: Any) -> None:
        from Xlib.ext import record
        from Xlib.protocol import rq

        if reply.category == record.StartOfData:
            self._begun.set()
        if reply.category != record.FromServer or reply.client_swapped:
            return
        data = reply.data
        while data:
            event, data = rq.EventField(None).parse_binary_value(data, self._ears.display, None, None)
            self._event(event)

    def _event(self, event: Any) -> None:
        from Xlib import X

        now = time.time()
        if event.type == X.ButtonPress and event.detail in (1, 2, 3):
            self._came.append(_Stroke(now, event.time, event.detail, event.root_x, event.root_y))
        elif event.type == X.KeyPress:
            shift = bool(event.state & _SHIFT)
            symbol = self._ears.keycode_to_keysym(event.detail, 1 if shift else 0)
            held = tuple(name for bit, name in _HELD if event.state & bit)
            char = _char(symbol)
            if event.state & _CAPS and char.isalpha():
                char = char.swapcase()
            key = _KEYS.get(symbol, char.lower() if held else "")
            if key or char:
                self._came.append(_Stroke(now, event.time, key=key, char="" if held else char, held=held))


def _char(symbol: int) -> str:
    if 0x20 <= symbol <= 0xFF:
        return chr(symbol)
    return chr(symbol - 0x0100_0000) if 0x0100_0000 < symbol < 0x0111_0000 else ""


def watch_desktop(
    actuator: DesktopActuator,
    film: Path,
    apps: Collection[str],
    pulse: Callable[[], bool],
    authority: Path | None = None,
) -> DeskWatched:
    """Watch until `pulse` says no, Ctrl+C, or the display ends.

    Args:
        actuator: looks; nothing is performed through it.
        film: where the film goes; password fields are black in it.
        apps: the programs whose use is kept.
        pulse: called again and again; False ends it.
        authority: the file with the display's cookie; None for the user's own.

    Raises:
        SurfaceUnavailable: the display does not record.
    """
    ear = _Ear(actuator.connection.name, authority)
    ear.start()
    first = actuator.observe()
    size = (first.screen.width, first.screen.height)
    watcher = _Watcher(actuator, ear, CoveredFilm(film, size), frozenset(apps))
    watcher.watched.size = size
    try:
        watcher.go(pulse)
    finally:
        watcher.close()
    return watcher.watched


class _Watcher:
    def __init__(self, actuator: DesktopActuator, ear: _Ear, film: CoveredFilm, apps: frozenset[str]) -> None:
        self._actuator, self._ear, self._film, self._apps = actuator, ear, film, apps
        self.watched = DeskWatched()
        self._began = time.monotonic()
        self._seen = actuator.observe()
        """What the stroke in hand is judged by."""
        self._looks = deque([(ear.now(), self._seen)], maxlen=_LOOKS)
        self._editing: Heard | None = None
        self._typed = ""
        self._wrote = 0
        """When the last character of it was typed."""
        self._focus = ""

    def go(self, pulse: Callable[[], bool]) -> None:
        with suppress(KeyboardInterrupt, SurfaceLost):
            while pulse():
                self._look()
            self._actuator.settle(2.0)
            self._look()

    def close(self) -> None:
        self._over(self._looks[-1][0])
        self._ear.close()
        self._film.close()
        self.watched.last = _plain(self._seen)
        self.watched.seconds = time.monotonic() - self._began

    def _look(self) -> None:
        """A look; then what came until it was over, each by what was shown before it."""
        try:
            self._actuator.settle(_LOOKS_EVERY_S)
            seen = self._actuator.observe()
        except SurfaceLost:
            raise
        except SurfaceError:
            return
        self._looks.append((self._ear.now(), seen))
        for stroke in self._ear.take():
            self._seen = self._before(stroke.tick)
            self._stroke(stroke)
        self._seen = seen
        self._film.add(seen, lambda node: node.password)
        self._follow(seen)

    def _before(self, tick: int) -> Observation:
        """The last look that was over when something happened."""
        for over, seen in reversed(self._looks):
            if _later(tick, over):
                return seen
        return self._looks[0][1]

    def _stroke(self, stroke: _Stroke) -> None:
        if stroke.button:
            self._press(stroke)
            return
        app = self._seen.app
        if app not in self._apps:
            return
        self.watched.apps.add(app)
        node = self._focused()
        if stroke.held or stroke.key in ("escape", "tab") or (stroke.key and not self._writes(stroke, node)):
            self._over(stroke.tick)
            if stroke.key != "tab":
                keys = (*stroke.held, stroke.key)
                self.watched.heard.append(Heard("keys", stroke.at, node, _plain(self._seen), keys=keys))
            return
        if node is None:
            self._note("something was typed where no field is known: it was not kept")
            return
        self._write(stroke, node)

    def _writes(self, stroke: _Stroke, node: Node | None) -> bool:
        """Whether a key that is no character changes the text of a field."""
        if node is None:
            return False
        return stroke.key in ("backspace", "delete", "left", "right", "home", "end") or (
            stroke.key == "enter" and node.rect.height > _LONG_PX
        )

    def _write(self, stroke: _Stroke, node: Node) -> None:
        if self._editing is None or self._editing.target is None or self._editing.target.id != node.id:
            self._over(stroke.tick)
            self._editing = Heard("edit", stroke.at, node, _plain(self._seen), secret=node.password)
            self._typed = ""
        self._wrote = stroke.tick
        if node.password:
            return
        if stroke.key == "backspace":
            self._typed = self._typed[:-1]
        else:
            self._typed += "\n" if stroke.key == "enter" else stroke.char

    def _follow(self, seen: Observation) -> None:
        """What the field that is being written in holds by a look."""
        edit = self._editing
        if edit is None or edit.target is None or edit.secret:
            return
        now = next((node for node in seen.nodes if edit.target and node.id == edit.target.id), None)
        if now is not None:
            self._editing = replace(edit, target=now)

    def _over(self, tick: int) -> None:
        """The text that was being written is done since then; what came after may have changed the field again."""
        if self._editing is not None:
            self._written(tick)
        edit, self._editing = self._editing, None
        if edit is None or edit.target is None:
            return
        long = edit.target.rect.height > _LONG_PX or not edit.target.name
        self.watched.heard.append(replace(edit, text=self._typed if long and not edit.secret else ""))

    def _written(self, tick: int) -> None:
        """The field as it was when nothing more came: by a look from then, by a later one, or by the keys alone."""
        then = [seen for over, seen in self._looks if _later(over, self._wrote) and _later(tick, over)]
        if then:
            self._follow(then[-1])
            return
        self._follow(self._looks[-1][1])
        edit = self._editing
        if edit is None or edit.target is None or edit.secret or self._typed in edit.target.value:
            return
        if self._typed.startswith(edit.target.value):  # it was empty, and no look saw the end of it
            self._editing = replace(edit, target=replace(edit.target, value=self._typed))
        else:
            self._note(f"what `{edit.target.name[:40]}` held in the end was not seen: look at its input")

    def _press(self, stroke: _Stroke) -> None:
        self._over(stroke.tick)
        at = Point(stroke.x, stroke.y)
        if not self._seen.screen.contains(at):
            return
        node = self._under(at)
        app = self._app_at(at)
        if app not in self._apps:
            return
        self.watched.apps.add(app)
        if node is None or not node.name:
            what = f"{node.role} without a name" if node is not None else "something without words"
            if node is not None and node.role in FIELDS:
                self._focus = node.id
            else:
                self._note(f"{what} was pressed at {at.x}, {at.y}: it is not in the plan")
            return
        self._focus = node.id if node.role in FIELDS else ""
        button = {1: "left", 2: "middle", 3: "right"}[stroke.button]
        self.watched.heard.append(Heard("click", stroke.at, node, _plain(self._seen), button=button))

    def _under(self, at: Point) -> Node | None:
        hits = [node for node in self._seen.nodes if node.rect.contains(at) and node.role not in ("text", "heading")]
        return min(hits, key=lambda node: node.rect.area, default=None)

    def _app_at(self, at: Point) -> str:
        try:
            return self._actuator.target(Click(at=at), self._seen).app
        except SurfaceError:
            return self._seen.app

    def _focused(self) -> Node | None:
        fields = [node for node in self._seen.nodes if node.role in FIELDS and (node.editable or node.password)]
        told = [node for node in fields if node.focused] or [node for node in fields if node.id == self._focus]
        return told[0] if told else None

    def _note(self, line: str) -> None:
        if line not in self.watched.notes:
            self.watched.notes.append(line)


def _later(tick: int, other: int) -> bool:
    """Whether a time of the display's clock is not before another."""
    return (tick - other) % _TICKS < _TICKS // 2


def _plain(seen: Observation) -> Look:
    nodes = tuple(replace(node, value="") if node.password else node for node in seen.nodes)
    return Look("", "", nodes, seen.more, seen.title)
