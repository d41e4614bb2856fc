"""Mouse and keyboard of Windows and macOS, by pyautogui. Knows nothing of permits; `actuators.other_desktop` does.

What is known of pyautogui 0.9.54, from its source, and gone around here:
- characters that it has no key for are left out without a word; what it may get wrong is pasted instead;
- dead keys (`^`, quotes and the like on many layouts) swallow the next letter: pasted;
- on macOS keys are places on a US keyboard, so all text is pasted there;
- on Windows its sideways wheel turns the other one, so there is none; on macOS it turns left by tens alone;
- a person who moves the mouse into a corner stops it: that is kept, and stops the run.

Points are units of the system's input.
"""

from __future__ import annotations

import importlib
import math
import string
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from actuators.action import Button
from actuators.errors import SurfaceUnavailable
from actuators.halt import SLICE_S, Halt, Halted, go_on
from actuators.keys import browser_key
from actuators.permitted import NotPossible

__all__ = ["Clipboard", "OtherHand", "pyautogui_of_this_system", "system_clipboard"]

_WHEEL_PX, _MOST_NOTCHES = 40, 400
_NOTCH = {"win32": 120}
"""What pyautogui wants for one notch of the wheel; one of its own elsewhere."""
_DRAG_STEPS, _STEP_S, _SETTLES_S = 12, 0.012, 0.08
_DOUBLE_S, _DOUBLE = 0.55, 6
"""Two clicks closer than this are one double click; Windows takes half a second."""
_SURE = frozenset(string.ascii_letters + string.digits + " !#$%&()*+,-./:;=?@_")
"""Characters that are a key on every layout, or a key with Shift or AltGr; never a dead one."""
_NAMES = {"escape": "esc", "page_up": "pageup", "page_down": "pagedown"}


class Clipboard(Protocol):
    """Text alone."""

    def copy(self, text: str) -> None: ...

    def paste(self) -> str: ...


class OtherHand:
    """Acts; the pointer stays where it was left.

    Every method raises `Halted` before the next thing that it would send once `halt` is set, or once a person has moved
    the mouse into a corner; what is held down is let go.

    Args:
        halt: the red stop.
        auto: pyautogui.
        clipboard: the system's.
        platform: as `sys.platform` calls it.
    """

    def __init__(self, halt: Halt, auto: Any, clipboard: Clipboard, platform: str = sys.platform) -> None:
        self._halt = halt
        self._auto = auto
        self._clipboard = clipboard
        self._platform = platform
        self._clicked = (float("-inf"), (0, 0))
        auto.FAILSAFE, auto.PAUSE = True, 0

    @property
    def at(self) -> tuple[int, int]:
        with self._heard():
            x, y = self._auto.position()
        return int(x), int(y)

    def corner(self, x: float, y: float) -> bool:
        """Whether a place is one of those by which a person stops pyautogui."""
        return (math.floor(x), math.floor(y)) in {tuple(one) for one in self._auto.FAILSAFE_POINTS}

    def move(self, x: float, y: float) -> None:
        with self._heard():
            self._auto.moveTo(math.floor(x), math.floor(y))

    def click(self, button: Button, count: int) -> None:
        """Press and release where the pointer is, not sooner than it is a click of its own."""
        at = self.at
        self._part(at)
        with self._heard():
            self._auto.click(*at, clicks=count, button=button)
        self._clicked = (time.monotonic(), at)

    def long_press(self, seconds: float) -> None:
        with self._pressed():
            self.wait(seconds)

    def drag(self, end: tuple[float, float]) -> None:
        """Press where the pointer is, move in small steps, release at `end`, or where it was stopped."""
        start = self.at
        self._part(start)
        with self._pressed():
            for step in range(1, _DRAG_STEPS + 1):
                part = step / _DRAG_STEPS
                x, y = (math.floor(a + (b - a) * part) for a, b in zip(start, end, strict=True))
                with self._heard():
                    self._auto.dragTo(x, y, button="left", mouseDownUp=False)
                self.wait(_STEP_S)
            self.wait(_SETTLES_S)

    def wheel(self, dx: int, dy: int) -> str:
        """Turn by about so many pixels; returns what was not done as asked.

        Raises:
            NotPossible: pyautogui cannot turn it that way here; nothing was turned.
        """
        if dx and self._platform == "win32":
            raise NotPossible("pyautogui has no sideways wheel on Windows: use the keys or the scroll bar")
        across, down = _notches(dx), _notches(dy)
        if across and self._platform == "darwin":
            across = math.copysign(10 * math.ceil(abs(across) / 10), across)
        for turn, amount in ((self._auto.hscroll, across), (self._auto.scroll, -down)):
            for _ in range(int(abs(amount)) if self._platform != "darwin" else 1 if amount else 0):
                with self._heard():
                    one = math.copysign(1, amount) if self._platform != "darwin" else amount
                    turn(int(one) * _NOTCH.get(self._platform, 1))
        return ""

    @contextmanager
    def holding(self, names: tuple[str, ...]) -> Iterator[None]:
        """Keys that are pressed in order and released in reverse, whatever happens meanwhile."""
        keys = [self.key(name) for name in names]
        down: list[str] = []
        try:
            for key in keys:
                with self._heard():
                    self._auto.keyDown(key)
                down.append(key)
            yield
        finally:
            for key in reversed(down):
                self._let_go(self._auto.platformModule._keyUp, key)

    def key(self, name: str) -> str:
        """What pyautogui calls a key. Raises `NotPossible` where it has none."""
        try:
            browser_key(name)
        except ValueError as problem:
            raise NotPossible(str(problem)) from None
        names = {**_NAMES, "meta": "command" if self._platform == "darwin" else "win"}
        found = names.get(name, name)
        if not self._has(found):
            raise NotPossible(f"this keyboard has no key `{name[:30]}`")
        return found

    def typable(self, text: str) -> bool:
        """Whether every character is sure to arrive as it is when pressed as a key."""
        return self._platform != "darwin" and all(char in _SURE and self._has(char) for char in text)

    def type(self, text: str, typed: Callable[[], None]) -> None:
        """Press one key after the other; `typed` is called after each."""
        for char in text:
            with self._heard():
                self._auto.press(char)
            typed()

    def paste(self, text: str, taken_in: Callable[[], None]) -> str:
        """Put a text in through the clipboard, and put back what was on it; returns a remark.

        Args:
            text: anything.
            taken_in: returns when the program has had time to read it.

        Raises:
            NotPossible: the clipboard does not take it; nothing was pressed.
        """
        before = self._now()
        try:
            self._clipboard.copy(text)
        except Exception as error:
            raise NotPossible(f"the clipboard cannot be used: {' '.join(str(error).split())[:120]}") from None
        if self._now() != text:
            raise NotPossible("the clipboard does not give back what was put on it")
        try:
            with self.holding(("meta" if self._platform == "darwin" else "ctrl", "v")):
                pass
            taken_in()
        finally:
            back = bool(before) and self._now() == text
            if back:
                with suppress(Exception):
                    self._clipboard.copy(before)
        return "pasted through the clipboard" + (", whose text was put back" if back else ", which holds it now")

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises `Halted`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with self._heard():
                self._auto.failSafeCheck()
            time.sleep(min(left, SLICE_S))
        go_on(self._halt)

    def _has(self, key: str) -> bool:
        return self._auto.platformModule.keyboardMapping.get(key) not in (None, 0, -1)

    def _now(self) -> str:
        try:
            return str(self._clipboard.paste())
        except Exception:
            return ""

    def _part(self, at: tuple[int, int]) -> None:
        """Wait until a press here is no second click of the last act's."""
        when, (x, y) = self._clicked
        if abs(at[0] - x) <= _DOUBLE and abs(at[1] - y) <= _DOUBLE:
            self.wait(when + _DOUBLE_S - time.monotonic())

    @contextmanager
    def _pressed(self) -> Iterator[None]:
        with self._heard():
            self._auto.mouseDown(button="left")
        try:
            yield
        finally:
            x, y = self._auto.position()
            self._let_go(self._auto.platformModule._mouseUp, x, y, "left")

    def _let_go(self, call: Callable[..., None], *given: Any) -> None:
        """Past the fail-safe, which would leave it held down."""
        with suppress(Exception):
            call(*given)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Ask the stop, and take the fail-safe for one."""
        go_on(self._halt)
        try:
            yield
        except self._auto.FailSafeException:
            why = "a person moved the mouse into a corner of the screen"
            press = getattr(self._halt, "press", None)
            if press is not None:
                press(why)
            raise Halted(f"the run was stopped: {why}") from None


def _notches(px: int) -> float:
    return math.copysign(min(_MOST_NOTCHES, max(1, round(abs(px) / _WHEEL_PX))), px) if px else 0


def pyautogui_of_this_system() -> Any:
    """Raises `SurfaceUnavailable` where it is not installed, or finds no screen."""
    try:
        return importlib.import_module("pyautogui")
    except ImportError:
        raise SurfaceUnavailable("pyautogui is not installed; try: pip install 'deskhand[other-desktops]'") from None
    except Exception as error:
        raise SurfaceUnavailable(f"pyautogui finds no screen: {' '.join(str(error).split())[:120]}") from None


def system_clipboard() -> Clipboard:
    """Raises `SurfaceUnavailable` where pyperclip is not installed."""
    try:
        found: Any = importlib.import_module("pyperclip")
    except ImportError:
        raise SurfaceUnavailable("pyperclip is not installed; try: pip install 'deskhand[other-desktops]'") from None
    return found  # type: ignore[no-any-return]
