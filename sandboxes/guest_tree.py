"""What the programs of a sandboxed desktop show, as the XML of the OSWorld guest protocol, read over D-Bus in bursts.

Upstream's server asks for one fact at a time, which takes seconds; here a program is asked for everything at once.
What is not shown is left out, and so are a program that does not answer in time and what is in a
table of more than 1024 cells.
"""

from __future__ import annotations

import re
import socket
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SPACES", "GuestTree"]

_NS = "https://accessibility.ubuntu.example.org/ns/"
SPACES = {
    "st": f"{_NS}state", "attr": f"{_NS}attributes", "cp": f"{_NS}component", "doc": f"{_NS}document",
    "docattr": f"{_NS}document/attributes", "txt": f"{_NS}text", "val": f"{_NS}value", "act": f"{_NS}action",
}  # fmt: skip
"""Prefixes and what they stand for, as upstream's server on Linux writes them."""
_STATES = (
    *("invalid", "active", "armed", "busy", "checked", "collapsed", "defunct", "editable", "enabled", "expandable"),
    *("expanded", "focusable", "focused", "has-tooltip", "horizontal", "iconified", "modal", "multi-line"),
    *("multiselectable", "opaque", "pressed", "resizable", "selectable", "selected", "sensitive", "showing"),
    *("single-line", "stale", "transient", "vertical", "visible", "manages-descendants", "indeterminate", "required"),
    *("truncated", "animated", "invalid-entry", "supports-autocompletion", "selectable-text", "is-default"),
    *("visited", "checkable", "has-popup", "read-only"),
)
"""In the order of their bits; numbers from at-spi2-core's `atspi-constants.h`."""
_SHOWN = 1 << 25 | 1 << 30
"""Showing and visible."""
_VISIBLE = 1 << 30
_CLOSED = frozenset({8, 33, 35, 45, 69})
"""Menus, what is in them, and windows: not looked into while they do not show. Numbers as above."""
_TERMINAL = 60
_MOST_DEEP, _MOST_WIDE, _MOST_ITEMS = 50, 1024, 5000
_BOUND_S = 3.0
_ATSPI = "org.a11y.atspi"
_ROOT = "/org/a11y/atspi/accessible/root"
_PLAIN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffb\ufffe\U00010000-\U0010ffff]")
"""What XML has no room for, and the two characters that stand for pictures in a text."""
_TAG = re.compile(r"[^A-Za-z0-9_-]")
_Ask = tuple[str, str, str, str, str, tuple[Any, ...]]


@dataclass(slots=True)
class _Item:
    """One object of a program."""

    path: str
    parent: str
    place: int
    faces: frozenset[str]
    name: str
    role: int
    states: int
    box: tuple[int, int, int, int] | None = None
    text: str | None = None
    value: dict[str, float] = field(default_factory=dict)
    acts: list[tuple[str, str, str]] = field(default_factory=list)


class GuestTree:
    """Reads one desktop. Not thread-safe.

    Args:
        session: the socket of its session bus.
        outside: the folder out here that programs in there call `inside`.
        inside: see there.
    """

    def __init__(self, session: Path, outside: Path, inside: str) -> None:
        self._session = session
        self._outside, self._inside = outside, inside
        self._bus: _Bus | None = None
        self._roles: dict[int, str] = {}

    def close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()

    def xml(self) -> str:
        """The whole desktop. Raises `OSError` where there is no accessibility bus."""
        for prefix, uri in SPACES.items():
            ElementTree.register_namespace(prefix, uri)
        root = ElementTree.Element("desktop-frame", {"name": "main"})
        for name, items in self._programs():
            below: defaultdict[str, list[_Item]] = defaultdict(list)
            for item in items:
                below[item.parent].append(item)
            top = next((item for item in items if item.path == _ROOT), None)
            if top is not None:
                self._learn(name, items)
                self._add(root, top, below, 1)
        return ElementTree.tostring(root, "unicode")

    def terminal(self) -> str | None:
        """The text of a terminal that is shown; None where none is."""
        for _, items in self._programs():
            for item in items:
                if item.role == _TERMINAL and item.text is not None:
                    return item.text.rstrip()
        return None

    def _programs(self) -> list[tuple[str, list[_Item]]]:
        try:
            bus = self._bus = self._bus or self._opened()
            listed = bus.burst([(f"{_ATSPI}.Registry", _ROOT, f"{_ATSPI}.Accessible", "GetChildren", "", ())])[0]
        except OSError:
            self.close()
            raise
        found = []
        for name, _ in listed or ():
            with suppress(TimeoutError):
                items = self._items(bus, str(name))
                self._describe(bus, str(name), [item for item in items if item.states & _SHOWN == _SHOWN])
                found.append((str(name), items))
        return found

    def _opened(self) -> _Bus:
        session = _Bus(self._session)
        try:
            status = ("org.a11y.Status", "IsEnabled", ("b", True))
            address, _ = session.burst(
                [
                    ("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", "", ()),
                    ("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set", "ssv", status),
                ],
                10.0,
            )
        finally:
            session.close()
        found = re.search(r"path=([^,;]+)", str(address or ""))
        if found is None:
            raise OSError("there is no accessibility bus: install at-spi2-core")
        return _Bus(self._outside / found[1].removeprefix(self._inside).lstrip("/"))

    def _items(self, bus: _Bus, name: str) -> list[_Item]:
        """What a program shows, level by level: who is shown is asked of all, everything else of those."""
        face = f"{_ATSPI}.Accessible"
        properties = "org.freedesktop.DBus.Properties"
        found: list[_Item] = []
        level = [(_ROOT, "", 0)]
        for _ in range(_MOST_DEEP):
            both = bus.burst(
                [(name, path, face, one, "", ()) for path, _, _ in level for one in ("GetState", "GetRole")]
            )
            shown: list[tuple[str, str, int, int]] = []
            for row, where in enumerate(level):
                told, kind = both[row * 2 : row * 2 + 2]
                states = 0 if told is None else told[0] | told[1] << 32
                # GTK says of what has been scrolled that it is not showing, though things in it are.
                holds = states & _VISIBLE and kind not in _CLOSED
                if where[0] == _ROOT or states & _SHOWN == _SHOWN or holds:
                    shown.append((*where, states))
            asks: list[_Ask] = []
            for path, _, _, _ in shown:
                asks += [
                    (name, path, properties, "Get", "ss", (face, "Name")),
                    (name, path, properties, "Get", "ss", (face, "ChildCount")),
                    (name, path, face, "GetRole", "", ()),
                    (name, path, face, "GetInterfaces", "", ()),
                ]
            facts = bus.burst(asks)
            holders: list[str] = []
            for row, (path, parent, place, states) in enumerate(shown):
                called, count, role, faces = facts[row * 4 : row * 4 + 4]
                if role is None:
                    continue
                text = str(called[1]) if called else ""
                found.append(_Item(path, parent, place, _faces(faces or ()), text, int(role), states))
                if count and 0 < int(count[1]) <= _MOST_WIDE:
                    holders.append(path)
            children = bus.burst([(name, path, face, "GetChildren", "", ()) for path in holders])
            level = [
                (str(child[1]), holder, number)
                for holder, inside in zip(holders, children, strict=True)
                for number, child in enumerate(inside or ())
            ]
            if not level or len(found) > _MOST_ITEMS:
                break
        return found

    def _describe(self, bus: _Bus, name: str, items: Sequence[_Item]) -> None:
        """Where things are, what stands in them and what can be done with them, in one burst."""
        asks: list[_Ask] = []
        fill: list[tuple[_Item, str]] = []

        def ask(item: _Item, face: str, asked: _Ask) -> None:
            if face in item.faces:
                asks.append(asked)
                fill.append((item, face))

        for one in items:
            at = (name, one.path)
            ask(one, "Component", (*at, f"{_ATSPI}.Component", "GetExtents", "u", (0,)))
            ask(one, "Text", (*at, f"{_ATSPI}.Text", "GetText", "ii", (0, -1)))
            ask(one, "Value", (*at, "org.freedesktop.DBus.Properties", "GetAll", "s", (f"{_ATSPI}.Value",)))
            ask(one, "Action", (*at, f"{_ATSPI}.Action", "GetActions", "", ()))
        for (item, face), told in zip(fill, bus.burst(asks), strict=True):
            if told is None:
                continue
            match face:
                case "Component":
                    item.box = (int(told[0]), int(told[1]), int(told[2]), int(told[3]))
                case "Text":
                    item.text = str(told)
                case "Value":
                    item.value = {key: float(value[1]) for key, value in told.items() if value[0] == "d"}
                case _:
                    item.acts = [(str(one[0]), str(one[1]), str(one[2])) for one in told]

    def _learn(self, name: str, items: Sequence[_Item]) -> None:
        """What AT-SPI calls the roles: asked once for each."""
        fresh = {item.role: item.path for item in items if item.role not in self._roles}
        asks = [(name, path, f"{_ATSPI}.Accessible", "GetRoleName", "", ()) for path in fresh.values()]
        with suppress(TimeoutError, OSError):
            assert self._bus is not None
            for role, said in zip(fresh, self._bus.burst(asks), strict=True):
                if said:
                    self._roles[role] = _TAG.sub("-", str(said))

    def _add(self, above: ElementTree.Element, item: _Item, below: dict[str, list[_Item]], deep: int) -> None:
        tag = self._roles.get(item.role, "unknown")
        made = ElementTree.SubElement(above, tag, {"name": _plain(item.name)})
        for bit, state in enumerate(_STATES):
            if item.states >> bit & 1:
                made.set(f"{{{SPACES['st']}}}{state}", "true")
        if item.box is not None:
            made.set(f"{{{SPACES['cp']}}}screencoord", f"({item.box[0]}, {item.box[1]})")
            made.set(f"{{{SPACES['cp']}}}size", f"({item.box[2]}, {item.box[3]})")
        for name, told in (
            *(
                ("value", "CurrentValue"),
                ("min", "MinimumValue"),
                ("max", "MaximumValue"),
                ("step", "MinimumIncrement"),
            ),
        ):
            if told in item.value:
                made.set(f"{{{SPACES['val']}}}{name}", f"{item.value[told]:g}")
        for act, words, keys in item.acts:
            if tagged := _TAG.sub("-", act):
                made.set(f"{{{SPACES['act']}}}{tagged}_desc", _plain(words))
                made.set(f"{{{SPACES['act']}}}{tagged}_kb", _plain(keys))
        if item.text is not None:
            made.text = _plain(item.text)
        if deep < _MOST_DEEP:
            for child in sorted(below.get(item.path, ()), key=lambda one: one.place)[:_MOST_WIDE]:
                if child.path != item.path:
                    self._add(made, child, below, deep + 1)


class _Bus:
    """One connection to a message bus. A burst is sent whole before the first answer is read."""

    def __init__(self, path: Path) -> None:
        from jeepney.io.blocking import DBusConnection

        line = socket.socket(socket.AF_UNIX)
        line.settimeout(_BOUND_S)
        try:
            line.connect(str(path))
            line.sendall(b"\0AUTH EXTERNAL\r\n")
            if _line(line).startswith(b"DATA"):  # who we are the kernel tells: a jail counts users anew
                line.sendall(b"DATA\r\n")
                if not _line(line).startswith(b"OK "):
                    raise OSError("the message bus does not let us in")
            line.sendall(b"BEGIN\r\n")
        except OSError:
            line.close()
            raise
        line.settimeout(None)
        self._connection = DBusConnection(line)
        self._hello()

    def _hello(self) -> None:
        daemon = "org.freedesktop.DBus"
        self.burst([(daemon, "/org/freedesktop/DBus", daemon, "GetId", "", ())])

    def close(self) -> None:
        with suppress(OSError, ValueError):
            self._connection.close()

    def burst(self, asks: Sequence[_Ask], bound_s: float = _BOUND_S) -> list[Any]:
        """The first value of each answer, in order; None for what was refused. Raises `OSError`, `TimeoutError`."""
        from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call

        waiting: dict[int, int] = {}
        sent = bytearray()
        for place, (name, path, face, method, signature, given) in enumerate(asks):
            serial = next(self._connection.outgoing_serial)
            waiting[serial] = place
            call = new_method_call(DBusAddress(path, name, face), method, signature or None, given)
            sent += call.serialise(serial=serial)
        answers: list[Any] = [None] * len(asks)
        until = time.monotonic() + bound_s
        self._connection.sock.sendall(sent)
        while waiting:
            message = self._connection.receive(timeout=max(0.0, until - time.monotonic()))
            serial = message.header.fields.get(HeaderFields.reply_serial, -1)
            if serial in waiting:
                place = waiting.pop(serial)
                if message.header.message_type is MessageType.method_return and message.body:
                    answers[place] = message.body[0]
        return answers


def _faces(told: Sequence[Any]) -> frozenset[str]:
    return frozenset(str(one).rsplit(".", 1)[-1] for one in told)


def _plain(text: str) -> str:
    return _PLAIN.sub("", text)


def _line(line: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\r\n"):
        piece = line.recv(256)
        if not piece:
            break
        said += piece
    return said
