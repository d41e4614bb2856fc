"""The hand in a browser: pointer, wheel and keyboard on one page. Knows nothing of permits; `actuators.browser` does.

Points are screen pixels. Every input is a real one, sent through the browser's input pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from actuators.action import Action, Click, PressKeys, TypeText, pointed
from actuators.geometry import Point
from actuators.keys import MODIFIERS, browser_key
from actuators.tabs import Tab

if TYPE_CHECKING:
    from playwright.sync_api import Frame

__all__ = ["Hand", "NotPossible"]

_DRAG_STEPS = 12


class NotPossible(Exception):
    """The surface cannot do this; nothing was pressed."""


class Hand:
    """Acts on the page in front."""

    def __init__(self, tab: Tab, scale: float) -> None:
        self._tab = tab
        self._page = tab.page
        self._scale = scale

    def reach(self, action: Action) -> None:
        """Move the pointer to where the action begins; press nothing."""
        point = pointed(action)
        if point is not None:
            self._move(point)

    def ready(self, action: Action) -> None:
        """Refuse what cannot be done before anything is pressed. Raises `NotPossible`."""
        try:
            if isinstance(action, PressKeys):
                [browser_key(key) for key in action.keys]
            if isinstance(action, Click):
                [browser_key(key) for key in action.modifiers]
        except ValueError as problem:
            raise NotPossible(str(problem)) from None
        if isinstance(action, TypeText) and self._call("focused()") is None:
            raise NotPossible("nothing has the focus: click the field first")

    def click(self, action: Click) -> None:
        """Press and release where the pointer is."""
        held = [browser_key(name) for name in action.modifiers]
        for key in held:
            self._page.keyboard.down(key)
        try:
            for count in range(1, action.count + 1):
                self._page.mouse.down(button=action.button, click_count=count)
                self._page.mouse.up(button=action.button, click_count=count)
        finally:
            for key in reversed(held):
                self._page.keyboard.up(key)

    def long_press(self, seconds: float) -> None:
        self._page.mouse.down()
        try:
            self._page.wait_for_timeout(seconds * 1000)
        finally:
            self._page.mouse.up()

    def drag(self, start: Point, end: Point) -> None:
        """Press at `start`, where the pointer is, move in small steps, release at `end`."""
        self._page.mouse.down()
        try:
            for step in range(1, _DRAG_STEPS + 1):
                x = start.x + (end.x - start.x) * step // _DRAG_STEPS
                y = start.y + (end.y - start.y) * step // _DRAG_STEPS
                self._move(Point(x, y))
        finally:
            self._page.mouse.up()

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel by screen pixels."""
        self._page.mouse.wheel(dx / self._scale, dy / self._scale)

    def type(self, text: str) -> str:
        """Put text into what has the focus; returns a remark for the receipt."""
        if (found := self._call(f"option({_js(text)})")) is not None:
            return self._choose(found, text)
        lines = text.split("\n")
        if len(lines) > 1 and not self._call("multiline()"):
            self._page.keyboard.insert_text(" ".join(lines))
            return "line breaks were typed as spaces: the field takes one line"
        for number, line in enumerate(lines):
            if number:
                self._page.keyboard.press("Enter")
            if line:
                self._page.keyboard.insert_text(line)
        return ""

    def keys(self, names: tuple[str, ...]) -> None:
        """Hold the modifiers, press the rest in order, release in reverse."""
        held = [browser_key(name) for name in names if name in MODIFIERS]
        rest = [browser_key(name) for name in names if name not in MODIFIERS]
        for key in held:
            self._page.keyboard.down(key)
        try:
            for key in rest:
                self._page.keyboard.press(key)
        finally:
            for key in reversed(held):
                self._page.keyboard.up(key)

    def go(self, url: str) -> None:
        """Open a web address in the page in front."""
        from playwright.sync_api import Error

        if urlsplit(url).scheme.lower() not in ("http", "https"):
            raise NotPossible("only http and https addresses can be opened")
        try:
            self._page.goto(url, wait_until="commit", timeout=15_000)
        except Error as error:
            raise NotPossible(f"the address cannot be opened: {str(error).splitlines()[0][:150]}") from None

    def system(self, button: str) -> None:
        """`back` goes back in the page's history; `enter` presses Enter."""
        if button == "back":
            self._page.go_back(wait_until="commit", timeout=15_000)
        elif button == "enter":
            self._page.keyboard.press("Enter")
        else:
            raise NotPossible(f"a browser has no `{button}` button")

    def _choose(self, found: dict[str, object], text: str) -> str:
        """Choose an option of the focused native select with the keyboard, in one change.

        The list is opened first: with a closed list every arrow key is a change of its own, and a page that acts on
        the first one would act on the wrong choice.
        """
        enabled = found.get("enabled")
        if found["to"] == -1 or not isinstance(enabled, list):
            raise NotPossible(f'the list has no choice "{text[:60]}"')
        keyboard = self._page.keyboard
        keyboard.press("Escape")
        keyboard.press("Alt+ArrowDown")
        keyboard.press("Home")
        for _ in range(enabled.index(found["to"])):
            keyboard.press("ArrowDown")
        keyboard.press("Enter")
        return ""

    def _call(self, expression: str) -> dict[str, object] | None:
        """A function of `page.js` in the frame that has the focus."""
        frame: Frame = self._page.main_frame
        while True:
            told = self._tab.worlds.call("focused()", frame)
            if not told or "frame" not in told:
                answer: dict[str, object] | None = self._tab.worlds.call(expression, frame)
                return answer
            children = frame.child_frames
            if told["frame"]["index"] >= len(children):
                return None
            frame = children[told["frame"]["index"]]

    def _move(self, point: Point) -> None:
        self._page.mouse.move((point.x + 0.5) / self._scale, (point.y + 0.5) / self._scale)


def _js(text: str) -> str:
    """Text as a literal of the page's language: JSON is one, once its two odd line separators are escaped."""
    import json

    return json.dumps(text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
