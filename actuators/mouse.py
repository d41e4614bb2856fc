"""A mouse on an X display, through XTEST. Points are device pixels of the whole desktop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from actuators.action import Button
from actuators.errors import SurfaceLost
from actuators.geometry import Point
from actuators.halt import SLICE_S, Halt, go_on
from actuators.x11 import Server

__all__ = ["WHEEL_PX", "Mouse"]

WHEEL_PX = 40
"""About what one notch of the wheel scrolls; programs differ."""
_MOST_NOTCHES = 400
_DOUBLE_S, _DOUBLE_PX = 0.45, 6
"""Two clicks closer than this are one double click to programs; single clicks of two acts are kept apart."""
_DRAG_STEPS = 12
_STEP_S = 0.012
_SETTLES_S = 0.08
_BUTTONS = {"left": 1, "middle": 2, "right": 3}


class Mouse:
    """Moves, presses, drags and turns the wheel. The pointer stays where it was left.

    `announce` is called with each place before the pointer goes there: whoever watches for a person's hand on the same
    mouse knows by it which motions are the agent's.
    """

    def __init__(self, server: Server, announce: Callable[[int, int], None] = lambda x, y: None) -> None:
        self._server = server
        self._announce = announce
        self._clicked = (float("-inf"), Point(0, 0))

    @property
    def at(self) -> Point:
        """Where the pointer is now, by the server's word."""
        with self._server.asking():
            told = self._server.root.query_pointer()
        return Point(int(told.root_x), int(told.root_y))

    def move(self, to: Point) -> None:
        from Xlib import X

        self._announce(to.x, to.y)
        self._fake(X.MotionNotify, 0, to)

    def click(self, at: Point, button: Button, count: int) -> None:
        """Press and release where the pointer is, `count` times; not sooner than it is a click of its own."""
        self._part(at)
        for _ in range(count):
            self._press(button, True)
            self._press(button, False)
        self._clicked = (time.monotonic(), at)

    def long_press(self, seconds: float, halt: Halt) -> None:
        self._press("left", True)
        try:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                go_on(halt)
                self._server.wait(min(left, SLICE_S))
        finally:
            with suppress(SurfaceLost):
                self._press("left", False)

    def drag(self, start: Point, end: Point, halt: Halt) -> None:
        """Press, move in small steps at a speed that programs can follow, and release."""
        self._part(start)
        self._press("left", True)
        try:
            for step in range(1, _DRAG_STEPS + 1):
                go_on(halt)
                part = step / _DRAG_STEPS
                x, y = start.x + (end.x - start.x) * part, start.y + (end.y - start.y) * part
                self.move(Point(round(x), round(y)))
                self._pass(_STEP_S)
            self._pass(_SETTLES_S)
        finally:
            with suppress(SurfaceLost):
                self._press("left", False)

    def wheel(self, dx: int, dy: int) -> None:
        """Turn by about so many pixels, at least one notch."""
        for amount, back, forth in ((dy, 4, 5), (dx, 6, 7)):
            notches = min(_MOST_NOTCHES, max(1, round(abs(amount) / WHEEL_PX))) if amount else 0
            for _ in range(notches):
                self._number(forth if amount > 0 else back, True)
                self._number(forth if amount > 0 else back, False)

    def _part(self, at: Point) -> None:
        """Wait until a press here is no second click of the last act's."""
        when, where = self._clicked
        while (left := when + _DOUBLE_S - time.monotonic()) > 0:
            if abs(at.x - where.x) > _DOUBLE_PX or abs(at.y - where.y) > _DOUBLE_PX:
                return
            self._server.wait(left)

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._server.wait(left)

    def _press(self, button: Button, down: bool) -> None:
        self._number(_BUTTONS[button], down)

    def _number(self, number: int, down: bool) -> None:
        from Xlib import X

        self._fake(X.ButtonPress if down else X.ButtonRelease, number, None)

    def _fake(self, kind: int, detail: int, to: Point | None) -> None:
        from Xlib.ext import xtest

        with self._server.asking() as x:
            if to is None:
                xtest.fake_input(x, kind, detail)
            else:
                xtest.fake_input(x, kind, detail, x=to.x, y=to.y)
            x.sync()
