"""What programs say of their own windows, over AT-SPI: one tree for each program, kept up to date by its events.

Everything here is a program's claim, except whose it is: the bus names the process behind each program. Rectangles are
device pixels of the whole desktop; `actuators.desktop` turns them into pixels of the screen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from actuators.a11y_bus import Ask, Bus, Event
from actuators.a11y_words import MOST_TEXT, Role, State, role_of
from actuators.errors import SurfaceTimeout
from actuators.geometry import Rect

__all__ = ["Accessible", "Program", "Thing"]

_ATSPI = "org.a11y.atspi"
_ROOT = "/org/a11y/atspi/accessible/root"
_HOME = "/org/a11y/atspi/accessible/"
_HEARD = (
    *("object:state-changed", "object:children-changed", "object:property-change:accessible-name"),
    *("object:text-changed", "object:bounds-changed", "object:selection-changed", "object:visible-data-changed"),
    *("object:property-change:accessible-value", "object:text-caret-moved", "window:"),
)
BOUND_S = 30.0
"""A program that answers nothing for so long counts as hung. One that loads a document on a machine that has other work
to do says nothing for ten seconds and more."""
_READ_S = 60.0
"""A program that answers, but is not read within this, counts as hung too."""
_MOST_CELLS = 240
_MOST_WIDE = 2000
"""A thing that holds more than this is not asked for all of it."""
_LISTED_S = 1.0
"""Not every program tells that it has come to show something: who is there is asked again after so long."""
_SILENT = frozenset({"", "soffice"})
"""Programs that are drawn by GTK and do not tell of everything that comes and goes; one that has no
name yet may be one."""
_LABELLED_BY = 2
_WINDOWS_INTO = (Role.SCROLL_PANE, Role.VIEWPORT)
"""What lies in these is seen through them, and where it reaches beyond them it is not."""
_READS = 3
_BEFORE_PX, _ABOVE_PX = 60, 12
"""How far from a field the words may stand that name it."""
_HEARD_S = 2.0
"""Programs learn only after a while that somebody listens; until then what they do not say is asked for."""


@dataclass(slots=True)
class _Item:
    """One object as the program's cache tells it."""

    path: str
    parent: str
    faces: frozenset[str]
    name: str
    role: int
    states: int
    children: int


@dataclass(frozen=True, slots=True)
class Thing:
    """One object that is shown now. See `actuators.observation.Node` for the words."""

    id: str
    path: str
    role: str
    name: str
    rect: Rect
    states: int
    faces: frozenset[str]
    top: str
    """Path of the window at the top level that it belongs to."""
    value: str = ""
    filled: bool | None = None
    password: bool = False
    seen: Rect | None = None
    """The part of it that is seen, where that is not all of it."""
    range: tuple[float, float, float] | None = None
    """Of a bar or slider: smallest, current and largest value."""

    def has(self, state: int) -> bool:
        return bool(self.states >> state & 1)


@dataclass(slots=True)
class Program:
    """One program on the bus."""

    name: str
    """On the bus."""
    pid: int
    """As the bus's namespace counts it."""
    items: dict[str, _Item] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    """Names of fields that only another object's words give, by path."""
    stale: bool = True
    tells: bool = False
    """Whether its toolkit is known to tell of every change; of others everything is asked for anew each time."""
    changes: int = 0
    """Counts up with everything the program tells."""
    read_at: tuple[int, int] = (-1, -1)
    things: tuple[Thing, ...] = ()

    def tops(self) -> tuple[_Item, ...]:
        return tuple(one for one in self.items.values() if one.parent == _ROOT)


class Accessible:
    """All programs on one accessibility bus.

    Args:
        path: of its socket.
        bound_s: a program that answers nothing for longer than this counts as hung.
    """

    def __init__(self, path: Path, bound_s: float = BOUND_S) -> None:
        self._bus = Bus(path, bound_s)
        self._programs: dict[str, Program] = {}
        self._fresh = True
        self._listed_at = 0.0
        self._believes_at = time.monotonic() + _HEARD_S
        registry = (f"{_ATSPI}.Registry", "/org/a11y/atspi/registry", f"{_ATSPI}.Registry", "RegisterEvent", "s")
        self._bus.burst([(*registry, (name,)) for name in _HEARD])
        faces = ("Event.Object", "Event.Window", "Cache", "Socket")
        self._bus.listen(
            *(f"type='signal',interface='{_ATSPI}.{face}'" for face in faces),
            "type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged'",
        )

    def close(self) -> None:
        self._bus.close()

    def heed(self) -> None:
        """Take in what programs have told until now. Raises `SurfaceLost`."""
        for event in self._bus.events():
            self._take(event)

    def programs(self) -> tuple[Program, ...]:
        """Every program that has windows. Raises `SurfaceLost`, `SurfaceTimeout`."""
        self.heed()
        if self._fresh or time.monotonic() - self._listed_at > _LISTED_S:
            self._listed_at = time.monotonic()
            found = self._bus.ask(f"{_ATSPI}.Registry", _ROOT, f"{_ATSPI}.Accessible", "GetChildren", "", ())
            names = dict.fromkeys(str(name) for name, _ in found or ())
            known = self._programs
            self._programs = {one: known.get(one) or self._met(one) for one in names}
            self._fresh = False
            self.heed()
        return tuple(self._programs.values())

    def _met(self, name: str) -> Program:
        get = (name, _ROOT, "org.freedesktop.DBus.Properties", "Get", "ss")
        toolkit, called = self._bus.burst(
            [(*get, (f"{_ATSPI}.Application", "ToolkitName")), (*get, (f"{_ATSPI}.Accessible", "Name"))]
        )
        gtk = bool(toolkit) and str(toolkit[1]).lower() == "gtk"
        return Program(name, self._bus.process_of(name), tells=gtk and str(called[1] if called else "") not in _SILENT)

    def answers(self, program: Program, bound_s: float) -> bool:
        """Whether a program's own loop comes round within a bound; what it told before has been taken in then."""
        try:
            self._bus.burst([(program.name, _ROOT, "org.freedesktop.DBus.Peer", "Ping", "", ())], bound_s)
        except SurfaceTimeout:
            return False
        self.heed()
        return True

    def things(self, program: Program, drawn: int) -> tuple[Thing, ...]:
        """Everything that a program shows now; read again only when it told of a change or something was drawn.

        Args:
            program: one of `programs`.
            drawn: how often something was drawn on the screen; see `actuators.x11.Server.drawn`.
        """
        self.heed()
        with self._bus.within(_READ_S):
            for _ in range(_READS):
                at = (program.changes, drawn)
                if at == program.read_at:
                    break
                program.things = tuple(self._read(program))
                program.read_at = at
                self.heed()
        return program.things

    def now(self, program: Program, thing: Thing) -> Thing | None:
        """The same thing as it says of itself at this moment; None when it is not shown any more."""
        item = program.items.get(thing.path)
        if item is None:
            return None
        ask = (program.name, thing.path)
        name, states = self._bus.burst(
            [
                (*ask, "org.freedesktop.DBus.Properties", "Get", "ss", (f"{_ATSPI}.Accessible", "Name")),
                (*ask, f"{_ATSPI}.Accessible", "GetState", "", ()),
            ]
        )
        if states is None or len(states) < 2:
            return None
        item.states = states[0] | states[1] << 32
        item.name = _text(name[1]) if name else item.name
        found = self._described(program, [item])
        return found[0] if found and found[0].has(State.SHOWING) else None

    def text(self, program: Program, thing: Thing) -> tuple[str, int, tuple[int, int]] | None:
        """A field's text, where the caret is, and what is marked (start, end), in characters; None where unknown."""
        if "Text" not in thing.faces:
            return None
        face = (program.name, thing.path, f"{_ATSPI}.Text")
        count, caret, words = self._bus.burst(
            [
                (*face, "GetNSelections", "", ()),
                (*face[:2], "org.freedesktop.DBus.Properties", "Get", "ss", (f"{_ATSPI}.Text", "CaretOffset")),
                (*face, "GetText", "ii", (0, -1)),
            ]
        )
        if words is None or caret is None:
            return None
        marked = (int(caret[1]), int(caret[1]))
        if count:
            start, end = self._selection(face)
            marked = (min(start, end), max(start, end))
        return str(words), int(caret[1]), marked

    def _selection(self, face: tuple[str, str, str]) -> tuple[int, int]:
        found = self._bus.whole((*face, "GetSelection", "i", (0,)))
        return (int(found[0]), int(found[1])) if found and len(found) == 2 else (0, 0)

    # Events

    def _take(self, event: Event) -> None:
        sender, path, face, member, body = event
        if face == "org.freedesktop.DBus" or (face == f"{_ATSPI}.Socket"):
            if member == "NameOwnerChanged" and len(body) == 3 and body[2] and body[0] not in self._programs:
                self._fresh = True  # somebody came; whether it has windows is asked when it matters
            elif member == "NameOwnerChanged" and body[0] in self._programs and not body[2]:
                del self._programs[body[0]]
            elif face == f"{_ATSPI}.Socket":
                self._fresh = True
            return
        program = self._programs.get(sender)
        if program is None:
            if member in ("ChildrenChanged", "Activate", "Create", "Available"):
                self._fresh = True
            return
        if member == "PropertyChange" and body[0] not in ("accessible-name", "accessible-value"):
            return  # an object is only being made for whoever asked
        program.changes += 1
        item = program.items.get(path)
        if member == "StateChanged" and item is not None:
            bit = State.bit(str(body[0]))
            if bit is not None:
                item.states = item.states | 1 << bit if body[1] else item.states & ~(1 << bit)
        elif member == "PropertyChange" and body[0] == "accessible-name" and item is not None:
            item.name = _text(body[3][1]) if isinstance(body[3][1], str) else item.name
        elif member in ("ChildrenChanged", "AddAccessible", "RemoveAccessible", "Create", "Destroy"):
            program.stale = True

    # Reading

    def _read(self, program: Program) -> list[Thing]:
        if program.stale or not program.tells or time.monotonic() < self._believes_at:
            self._load(program)
            program.stale = False
        shown = [one for one in program.items.values() if _is_shown(one)]
        wanted = [
            one
            for one in (*shown, *self._cells(program, shown))
            if role_of(one.role, one.states) or one.role in _WINDOWS_INTO
        ]
        found = self._described(program, list({one.path: one for one in wanted}.values()))
        frames = {one.path: one.rect for one in found if program.items[one.path].role in _WINDOWS_INTO}
        things = [_clipped(one, program.items, frames) for one in found if one.role]
        return [_called(one, things, program) for one in things]

    def _load(self, program: Program) -> None:
        told = self._bus.ask(program.name, "/org/a11y/atspi/cache", f"{_ATSPI}.Cache", "GetItems", "", ())
        if told is None:
            told = self._walk(program)
        program.labels.clear()
        program.items = {
            one[0][1]: _Item(
                one[0][1],
                one[2][1],
                frozenset(face.rsplit(".", 1)[-1] for face in one[5]),
                _text(one[6]),
                int(one[7]),
                one[9][0] | one[9][1] << 32,
                int(one[4]),
            )
            for one in told
        }

    def _walk(self, program: Program) -> list[Any]:
        """The tree of a program without a cache of its own, object by object."""
        found: list[Any] = []
        ask: list[tuple[str, str]] = [(_ROOT, "")]
        while ask and len(found) < 3000:
            facts = self._bus.burst([one for path, _ in ask for one in self._facts(program.name, path)])
            rows = [facts[start : start + 5] for start in range(0, len(facts), 5)]
            holders: list[str] = []
            for (path, parent), (name, role, states, faces, count) in zip(ask, rows, strict=True):
                if states is None or role is None:
                    continue
                pair, name_, many = (program.name, path), name[1] if name else "", int(count[1]) if count else 0
                found.append((pair, pair, (program.name, parent), 0, many, faces or (), name_, role, "", states))
                if 0 < many <= _MOST_WIDE:
                    holders.append(path)
            ask = [(child, holder) for holder, inside in self._inside(program, holders) for child in inside]
        return found

    def _inside(self, program: Program, holders: Sequence[str]) -> list[tuple[str, list[str]]]:
        """The paths of what is in each of these. A sheet of a thousand million cells is not to be asked for them."""
        face = f"{_ATSPI}.Accessible"
        lists = self._bus.burst([(program.name, path, face, "GetChildren", "", ()) for path in holders])
        return [
            (path, [str(child[1]) for child in children or ()][:_MOST_CELLS])
            for path, children in zip(holders, lists, strict=True)
        ]

    def _narrow(self, program: Program, holders: Sequence[_Item]) -> list[_Item]:
        """Those that hold few enough things to list them all."""
        count = ("org.freedesktop.DBus.Properties", "Get", "ss", (f"{_ATSPI}.Accessible", "ChildCount"))
        counts = self._bus.burst([(program.name, one.path, *count) for one in holders])
        return [one for one, many in zip(holders, counts, strict=True) if many and 0 < int(many[1]) <= _MOST_WIDE]

    def _facts(self, name: str, path: str) -> list[Ask]:
        face = f"{_ATSPI}.Accessible"
        return [
            (name, path, "org.freedesktop.DBus.Properties", "Get", "ss", (face, "Name")),
            (name, path, face, "GetRole", "", ()),
            (name, path, face, "GetState", "", ()),
            (name, path, face, "GetInterfaces", "", ()),
            (name, path, "org.freedesktop.DBus.Properties", "Get", "ss", (face, "ChildCount")),
        ]

    def _cells(self, program: Program, shown: Sequence[_Item]) -> list[_Item]:
        """What lists and tables show, which make their cells only when they are asked for them."""
        parents = {one.parent for one in program.items.values()}
        holders = [
            one
            for one in shown
            if one.states >> State.MANAGES_DESCENDANTS & 1
            or (one.role in (Role.LAYERED_PANE, Role.LIST, Role.TABLE, Role.TREE_TABLE) and one.path not in parents)
        ]
        holders = self._narrow(program, holders) if holders else []
        if not holders:
            return []
        by_path = {one.path: one for one in holders}
        wanted = [
            (child, by_path[path])
            for path, children in self._inside(program, list(by_path))
            for child in children
            if child not in program.items
        ]
        facts = self._bus.burst([ask for path, _ in wanted for ask in self._facts(program.name, path)[:4]])
        found = []
        for place, (path, holder) in enumerate(wanted):
            name, role, states, faces = facts[place * 4 : place * 4 + 4]
            if role is None or states is None:
                continue
            kinds = frozenset(one.rsplit(".", 1)[-1] for one in faces or ())
            bits = states[0] | states[1] << 32
            found.append(_Item(path, holder.path, kinds, _text(name[1]) if name else "", int(role), bits, 0))
        for one in found:
            program.items[one.path] = one
        return [one for one in found if _is_shown(one)]

    def _described(self, program: Program, items: Sequence[_Item]) -> list[Thing]:
        """Where things are and what stands in them, in one burst."""
        asks: list[Ask] = []
        for one in items:
            where = (program.name, one.path)
            asks.append((*where, f"{_ATSPI}.Component", "GetExtents", "u", (0,)))
            if _reads_text(one):
                asks.append((*where, f"{_ATSPI}.Text", "GetText", "ii", (0, MOST_TEXT)))
            if _reads_value(one):
                asks.append((*where, "org.freedesktop.DBus.Properties", "GetAll", "s", (f"{_ATSPI}.Value",)))
        self._label(program, items)
        answers = iter(self._bus.burst(asks))
        found = []
        for one in items:
            box = next(answers)
            words = next(answers) if _reads_text(one) else None
            bounds = next(answers) if _reads_value(one) else None
            if box is None or box[2] <= 0 or box[3] <= 0:
                continue
            rect = Rect(box[0], box[1], box[0] + box[2], box[1] + box[3])
            found.append(_thing(program, one, rect, words, bounds))
        return found

    def _label(self, program: Program, items: Sequence[_Item]) -> None:
        """Names of nameless fields, by the labels that stand beside them."""
        bare = [one for one in items if not one.name and _is_field(one) and one.path not in program.labels]
        asks: list[Ask] = [(program.name, one.path, f"{_ATSPI}.Accessible", "GetRelationSet", "", ()) for one in bare]
        for one, relations in zip(bare, self._bus.burst(asks) if asks else (), strict=True):
            names = [
                program.items[path].name
                for kind, targets in relations or ()
                if kind == _LABELLED_BY
                for _, path in targets
                if path in program.items
            ]
            program.labels[one.path] = " ".join(filter(None, names))


def _thing(program: Program, one: _Item, rect: Rect, words: Any, bounds: Any) -> Thing:
    role = role_of(one.role, one.states)
    password = one.role == Role.PASSWORD_TEXT
    value, filled = "", None
    if words is not None and _is_field(one):
        filled = bool(words)
        value = "" if password else str(words)[:MOST_TEXT]
    scale = None
    if isinstance(bounds, dict) and "CurrentValue" in bounds:
        told = [float(bounds.get(name, ("d", 0.0))[1]) for name in ("MinimumValue", "CurrentValue", "MaximumValue")]
        scale = (told[0], told[1], told[2])
        if role in ("slider", "spinbutton", "progressbar") and not value:
            value = f"{told[1]:g}"
    if one.role == Role.COMBO_BOX and not value:
        value = one.name
    name = one.name or program.labels.get(one.path, "")
    if words is not None and not name and not _is_field(one):
        name = " ".join(str(words).split())[:500]
    return Thing(
        f"{program.name.lstrip(':')}/{one.path.removeprefix(_HOME)}",
        one.path,
        role,
        name,
        rect,
        one.states,
        one.faces,
        _top_of(one, program.items),
        value,
        filled,
        password,
        range=scale,
    )


def _called(thing: Thing, things: Sequence[Thing], program: Program) -> Thing:
    """A field without a name is called by the words that stand just before it, or else above it, as a reader would."""
    if thing.name or thing.role not in ("textbox", "combobox", "spinbutton", "slider"):
        return thing
    box = thing.rect
    if thing.role == "combobox" and any(
        one.role == "textbox" and box.intersect(one.rect) == one.rect for one in things
    ):
        return thing  # the field in it is called so
    middle = (box.top + box.bottom) // 2
    before = [
        (box.left - one.rect.right, one.name)
        for one in things
        if one.role == "text" and one.name and one.top == thing.top and one.rect.top <= middle < one.rect.bottom
    ]
    above = [
        (box.top - one.rect.bottom, one.name)
        for one in things
        if one.role == "text" and one.name and one.top == thing.top and abs(one.rect.left - box.left) <= _ABOVE_PX
    ]
    near = [pair for pair in before if 0 <= pair[0] <= _BEFORE_PX] or [p for p in above if 0 <= p[0] <= _ABOVE_PX]
    if not near:
        return thing
    program.labels[thing.path] = name = min(near)[1].rstrip(": ")
    return replace(thing, name=name)


def _clipped(thing: Thing, items: dict[str, _Item], frames: dict[str, Rect]) -> Thing:
    """A thing with the part of it that is seen through what it lies in."""
    rect, one = thing.rect, items.get(items[thing.path].parent) if thing.path in items else None
    for _ in range(60):
        if one is None:
            break
        if one.path in frames:
            rect = rect.intersect(frames[one.path])
        one = items.get(one.parent)
    return thing if rect == thing.rect else replace(thing, seen=rect)


def _is_shown(one: _Item) -> bool:
    wanted = 1 << State.SHOWING | 1 << State.VISIBLE
    return (one.states & wanted) == wanted and "Component" in one.faces and one.role != Role.APPLICATION


def _is_field(one: _Item) -> bool:
    editable = bool(one.states >> State.EDITABLE & 1)
    return editable or one.role in (Role.ENTRY, Role.PASSWORD_TEXT, Role.TEXT, Role.TERMINAL, Role.SPIN_BUTTON)


def _reads_text(one: _Item) -> bool:
    return "Text" in one.faces and (_is_field(one) or (not one.name and one.role in (Role.LABEL, Role.PARAGRAPH)))


def _reads_value(one: _Item) -> bool:
    return "Value" in one.faces and one.role in (Role.SCROLL_BAR, Role.SLIDER, Role.SPIN_BUTTON, Role.PROGRESS_BAR)


def _top_of(one: _Item, items: dict[str, _Item]) -> str:
    for _ in range(60):
        above = items.get(one.parent)
        if above is None or above.role == Role.APPLICATION:
            return one.path
        one = above
    return ""


def _text(text: Any) -> str:
    return " ".join(str(text or "").split())[:500]
