"""Windows and what programs say of them, brought together: nodes on the screen, and what lies under a point.

A thing counts only where its own window is on top. A program that counts in other units than the screen (at a scale of
its own, or from its window's corner) is set right by where the server says its window is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from actuators.a11y_words import State
from actuators.accessible import Accessible, Program, Thing
from actuators.geometry import Fit, Point, Rect, Screen
from actuators.observation import Node
from actuators.windows import Window, Windows
from actuators.x11 import Server

__all__ = ["Widgets"]

_CHECKS = frozenset({"checkbox", "radio", "menuitemcheckbox", "menuitemradio"})
_PARTS = frozenset({"window", "dialog", "menubar", "tablist", "table", "listbox", "tree", "row"})
"""Things that hold others; hit only where nothing in them is."""
_Hit = tuple[Program | None, Thing | None, Node | None]


class Widgets:
    """One desktop's nodes.

    Args:
        programs: None for a desktop without accessibility.
        windows: of the same display.
        server: its connection.
        inner: from a process of this machine to the number by which the programs' bus knows it.
    """

    def __init__(
        self, programs: Accessible | None, windows: Windows, server: Server, inner: Callable[[int], int]
    ) -> None:
        self._programs = programs
        self._windows = windows
        self._server = server
        self._inner = inner

    def program_of(self, window: Window | None) -> Program | None:
        """Who speaks for a window; None where nobody does."""
        if window is None or self._programs is None or not window.pid:
            return None
        pid = self._inner(window.pid)
        return next((one for one in self._programs.programs() if one.pid == pid), None)

    def nodes(self, screen: Screen) -> tuple[Node, ...]:
        """Everything that can be seen, from the top to the bottom and from the left to the right."""
        found: dict[str, Node] = {}
        windows = self._windows.all()
        focused = self._windows.focused()
        for place, window in enumerate(windows):
            program = self.program_of(window)
            if program is None:
                continue
            for thing, rect in self._of(program, window):
                visible = rect.intersect(screen.rect).intersect(window.rect)
                if visible.area and not _covered(visible.centre, windows[place + 1 :]):
                    node = _node(thing, visible, focused is not None and focused.pid == window.pid)
                    found.setdefault(node.id, node)
        return tuple(sorted(found.values(), key=lambda one: (one.rect.top, one.rect.left, -one.rect.area, one.id)))

    def at(self, point: Point, window: Window | None, screen: Screen) -> _Hit:
        """What lies under a point of the topmost window there, as it says of itself at this moment."""
        program = self.program_of(window)
        if program is None or window is None:
            return None, None, None
        hits = [(thing, rect) for thing, rect in self._of(program, window) if rect.contains(point)]
        hits = [(thing, rect) for thing, rect in hits if thing.role != "window"]
        hits.sort(key=lambda hit: (hit[0].role in _PARTS, hit[1].area))
        return self._now(program, window, hits[0][0], screen) if hits else (program, None, None)

    def focused(self, window: Window | None, screen: Screen) -> _Hit:
        """What has the keyboard in the window that has it."""
        program = self.program_of(window)
        if program is None or window is None:
            return None, None, None
        hits = [
            thing
            for thing, _ in self._of(program, window)
            if thing.has(State.FOCUSED) and thing.role not in ("window", "dialog")
        ]
        hits.sort(key=lambda thing: (not thing.has(State.EDITABLE), thing.rect.area))
        return self._now(program, window, hits[0], screen) if hits else (program, None, None)

    def more(self, window: Window | None) -> tuple[Literal["above", "below"], ...]:
        """Where scrolling would show more, by the largest upright bar of a window."""
        program = self.program_of(window)
        if program is None or window is None:
            return ()
        bars = [
            (rect.area, thing.range)
            for thing, rect in self._of(program, window)
            if thing.role == "scrollbar" and thing.range is not None and rect.height > rect.width
        ]
        if not bars:
            return ()
        _, (least, now, most) = max(bars)
        found: list[Literal["above", "below"]] = []
        if now > least + 0.5:
            found.append("above")
        if now < most - 0.5:
            found.append("below")
        return tuple(found)

    def _now(self, program: Program, window: Window, thing: Thing, screen: Screen) -> _Hit:
        assert self._programs is not None
        now = self._programs.now(program, thing)
        if now is None:
            return program, None, None
        rect = self._fit(program, window).rect(now.rect).intersect(screen.rect)
        focused = self._windows.focused()
        return program, now, _node(now, rect, focused is not None and focused.pid == window.pid)

    def _of(self, program: Program, window: Window) -> list[tuple[Thing, Rect]]:
        """What a program shows in one of its windows, with where that is on the screen."""
        assert self._programs is not None
        things = self._programs.things(program, self._server.drawn)
        top = self._top(program, window, things)
        if top is None:
            return []
        fit = _fitted(top, window)
        return [(thing, fit.rect(thing.seen or thing.rect)) for thing in things if thing.top == top.path]

    def _fit(self, program: Program, window: Window) -> Fit:
        assert self._programs is not None
        top = self._top(program, window, self._programs.things(program, self._server.drawn))
        return _fitted(top, window) if top is not None else Fit()

    def _top(self, program: Program, window: Window, things: tuple[Thing, ...]) -> Thing | None:
        """Which of a program's own windows this is: by its title where only one has it, else by where it is."""
        tops = [one for one in things if one.top == one.path]
        named = [one for one in tops if window.title and one.name == window.title and not window.pops]
        if len(named) == 1:
            return named[0]
        wanted = window.inner if window.pops else window.rect
        near = [(_apart(one.rect, wanted), one) for one in named or tops]
        near = [(apart, one) for apart, one in near if apart <= _NEAR_PX or len(tops) == 1]
        return min(near, key=lambda pair: pair[0], default=(0, None))[1]


_NEAR_PX = 80


def _apart(one: Rect, other: Rect) -> int:
    return (
        abs(one.left - other.left)
        + abs(one.top - other.top)
        + abs(one.right - other.right)
        + abs(one.bottom - other.bottom)
    )


def _fitted(top: Thing, window: Window) -> Fit:
    """How a program counts, by its window's own box: it may mean the box with its frame, or without."""
    fits = [Fit.between(top.rect, box) for box in (window.rect, window.inner)]
    return min(fits, key=lambda fit: fit.strangeness)


def _covered(point: Point, above: tuple[Window, ...]) -> bool:
    return any(window.rect.contains(point) for window in above)


def _node(thing: Thing, rect: Rect, in_front: bool) -> Node:
    enabled = thing.has(State.SENSITIVE) or thing.has(State.ENABLED)  # LibreOffice tells only one of them
    pressable = thing.role in _CHECKS or thing.has(State.CHECKABLE)
    return Node(
        id=thing.id,
        role=thing.role,
        name=thing.name,
        rect=rect,
        value=thing.value,
        enabled=enabled,
        focused=in_front and thing.has(State.FOCUSED),
        checked=thing.has(State.CHECKED) if pressable else None,
        expanded=thing.has(State.EXPANDED) if thing.has(State.EXPANDABLE) else None,
        selected=thing.has(State.SELECTED) if thing.has(State.SELECTABLE) else None,
        password=thing.password,
        filled=thing.filled,
        editable=enabled and thing.has(State.EDITABLE),
        tag=_tag(thing),
    )


def _tag(thing: Thing) -> str:
    if thing.role == "textbox":
        return "textview" if thing.has(State.MULTI_LINE) else "entry"
    return thing.role
