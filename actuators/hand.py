"""The hand in a browser: pointer, wheel and keyboard. Knows nothing of permits; `actuators.browser` does.

Every input is a real one, sent through the browser's input pipeline, except what has no text to type into (dates,
colours, files). Points are CSS pixels of the page's viewport.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from actuators.action import Action, Button, Click, LaunchApp, PressKeys, Swipe, SystemButton
from actuators.cdp import Cdp, DocumentGone, first_line
from actuators.halt import SLICE_S, Halt, Halted, go_on, never
from actuators.keys import Key, browser_key
from actuators.permitted import NotPossible
from actuators.tabs import Tab
from actuators.world import World

__all__ = ["Focus", "Hand", "ready"]

_DRAG_STEPS = 12
_PIECE = 2000
"""Characters that are put into a field at once."""
_GO_S = 15.0
_BUTTONS = {"left": 1, "right": 2, "middle": 4}


@dataclass(frozen=True, slots=True)
class Focus:
    """What has the focus: how it takes text, and the world it lives in."""

    id: str
    takes: str
    """`line`, `lines`, `choice`, `set`, `file`, `keys` or `nothing`; see `takes` in `page_touch.js`."""
    world: World


class Hand:
    """Acts on one page. The pointer stays where it was left.

    Every method raises `Halted` before the next thing it would send once `halt` is set; what is held down is let go.
    """

    def __init__(self, tab: Tab, halt: Halt = never) -> None:
        self._tab = tab
        self._halt = halt
        self.typed = ""
        """What the last `type` has typed so far."""
        self.sent = 0
        """Presses, keys and pieces of text so far; moving the pointer does not count."""
        self._cdp: Cdp = tab.cdp
        self._at = (0.0, 0.0)
        self._held = 0

    def move(self, x: float, y: float, pressed: Button | None = None) -> None:
        self._at = (x, y)
        self._mouse("mouseMoved", pressed or "none", buttons=_BUTTONS.get(pressed or "", 0))

    def click(self, button: Button, count: int, modifiers: tuple[str, ...]) -> None:
        """Press and release where the pointer is; for a double or triple click each press tells its number."""
        go_on(self._halt)
        with self._holding(modifiers):
            for number in range(1, count + 1):
                self._mouse("mousePressed", button, clickCount=number, buttons=_BUTTONS[button])
                self._mouse("mouseReleased", button, clickCount=number)

    def long_press(self, seconds: float) -> None:
        go_on(self._halt)
        self._mouse("mousePressed", "left", clickCount=1, buttons=1)
        try:
            self.wait(seconds)
        finally:
            self._mouse("mouseReleased", "left", clickCount=1)

    def drag(self, end: tuple[float, float]) -> None:
        """Press where the pointer is, move in small steps, release at `end`; stopped on the way, where it began."""
        start = self._at
        go_on(self._halt)
        self._mouse("mousePressed", "left", clickCount=1, buttons=1)
        try:
            for step in range(1, _DRAG_STEPS + 1):
                go_on(self._halt)
                part = step / _DRAG_STEPS
                self.move(start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part, "left")
            self.move(*end, "left")  # a target entered at the last step has yet to be asked
            go_on(self._halt)
        except Halted:
            self.move(*start, "left")
            raise
        finally:
            self._mouse("mouseReleased", "left", clickCount=1)

    def wheel(self, dx: float, dy: float) -> None:
        """Turn the wheel by CSS pixels."""
        go_on(self._halt)
        self._mouse("mouseWheel", "none", deltaX=dx, deltaY=dy)

    def keys(self, names: tuple[str, ...]) -> None:
        """Press in order, release in reverse."""
        go_on(self._halt)
        with self._holding(names):
            pass

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises `Halted`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            go_on(self._halt)
            self._tab.pump(min(left, SLICE_S))

    def go(self, url: str) -> None:
        """Open a web address in the page in front, and wait until its server answers."""
        from playwright.sync_api import Error, TimeoutError

        if urlsplit(url).scheme.lower() not in ("http", "https"):
            raise NotPossible("only http and https addresses can be opened")
        go_on(self._halt)
        tab = self._tab
        tab.failed, before = "", (tab.arrivals, tab.downloads)
        try:
            tab.page.goto(url, wait_until="commit", timeout=SLICE_S * 1000)
        except TimeoutError:  # it is on its way; from here the wait can be broken off
            self._arrive(*before)
        except Error as error:
            if "Download is starting" in error.message:
                return
            why = first_line(error).removeprefix("Page.goto: ").split(" at http")[0]
            raise NotPossible(f"the address cannot be opened: {why}") from None

    def _arrive(self, arrivals: int, downloads: int) -> None:
        """Wait until the page has come, has become a download, or has failed; a stop breaks the loading off."""
        tab, until = self._tab, time.monotonic() + _GO_S
        while tab.arrivals == arrivals and tab.downloads == downloads and not tab.failed:
            if self._halt.is_set() or time.monotonic() > until:
                self._cdp.send("Page.stopLoading")
                go_on(self._halt)
                raise NotPossible(f"the address cannot be opened: no answer within {_GO_S:.0f} s")
            tab.pump(SLICE_S)
        if tab.failed:
            tab.pump(2 * SLICE_S)  # the news that it is a download may still be on its way
            if tab.downloads == downloads:
                raise NotPossible(f"the address cannot be opened: {tab.failed}")

    def back(self) -> None:
        """One step back in the page's history."""
        go_on(self._halt)
        history = self._cdp.send("Page.getNavigationHistory")
        if history["currentIndex"] < 1:
            raise NotPossible("the page has no history to go back to")
        entry = history["entries"][history["currentIndex"] - 1]
        if not entry["url"].startswith(("http://", "https://")):
            raise NotPossible("the page has no history to go back to")
        self._cdp.send("Page.navigateToHistoryEntry", entryId=entry["id"])

    # Text

    def type(self, text: str, focus: Focus | None, uploads: tuple[Path, ...], secret: bool) -> tuple[str, str]:
        """Put text into what has the focus. Returns what was typed and a remark for the receipt.

        `secret` keeps single keys out of it: they would reach wherever the page moves the focus meanwhile.

        Raises:
            NotPossible: nothing that takes text has the focus, or it does not take this one.
        """
        go_on(self._halt)
        self.typed = ""
        takes = focus.takes if focus else "nothing"
        if focus is None or takes == "nothing" or (secret and takes not in ("line", "lines", "set")):
            raise NotPossible("nothing that takes text has the focus: click the field first")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        match takes:
            case "choice":
                return text, self._choose(text, focus)
            case "set":
                if why := focus.world.call("set", text.strip()):
                    raise NotPossible(why)
                return text, ""
            case "file":
                return text, self._file(text, uploads, focus)
            case "keys":
                for char in text:
                    self._press("enter" if char == "\n" else "tab" if char == "\t" else char)
                    self.typed += char
                return text, ""
        return self._insert(text, takes == "lines", focus, secret)

    def _insert(self, text: str, lines: bool, focus: Focus, secret: bool) -> tuple[str, str]:
        kept = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")
        remark = "" if kept == text else "control characters were left out"
        if not lines and any(char in kept for char in "\n\t"):
            kept = kept.strip("\n\t").replace("\n", " ").replace("\t", " ")
            remark = "line breaks were not typed as keys: the field takes one line, and Enter is a key of its own"
        for number, part in enumerate(kept.split("\n")):
            if number:
                self._press("enter")
                self.typed += "\n"
            for piece in range(0, len(part), _PIECE):
                go_on(self._halt)
                self.sent += 1
                self._cdp.send("Input.insertText", text=part[piece : piece + _PIECE])
                self.typed += part[piece : piece + _PIECE]
        if kept and not secret:
            self._key_up(kept[-1], focus)
        return kept, remark

    def _key_up(self, char: str, focus: Focus) -> None:
        """Let go of the last key, for pages that look at a field when a key comes up."""
        told = self._tab.worlds.focused()[0]
        key = browser_key(char) if char.isprintable() else None
        if key and key.code and told and told["node"]["id"] == focus.id:
            self._key("keyUp", key)

    def _choose(self, text: str, focus: Focus) -> str:
        """Choose an option of the focused native list with the keyboard, in one change.

        A closed list is opened first: every arrow key on a closed one is a change of its own, and a page that acts on
        the first would act on the wrong choice.
        """
        found = focus.world.call("choice", text.strip())
        if found["place"] < 0:
            some = ", ".join(f'"{label[:40]}"' for label in found["labels"])
            raise NotPossible(f'the list has no one choice "{text.strip()[:60]}"; it begins with {some}')
        return self._go_to(found, focus.world)

    def pick(self, world: World, id_: str) -> str:
        """Choose an option of the open native list by its node id; returns a remark for the receipt."""
        found = world.call("picked", id_)
        if found["place"] < 0 or not found["open"]:
            raise NotPossible("that choice cannot be made")
        return self._go_to(found, world) or "chosen with the keyboard"

    def _go_to(self, found: dict[str, Any], world: World) -> str:
        if not found["open"] and not found["many"]:
            if found["now"] == found["index"]:
                return "it was chosen already"
            self.keys(("alt", "down"))
        self._press("home")
        for _ in range(found["place"]):
            self._press("down")
        if not found["many"]:
            self._press("enter")
        try:
            chosen = world.call("chosen")
        except DocumentGone:
            return "the page went on to another as soon as it was chosen"
        return "" if chosen in (found["index"], -2) else "the list shows another choice now"

    def _file(self, text: str, uploads: tuple[Path, ...], focus: Focus) -> str:
        wanted = next((path for path in uploads if text.strip() in (path.name, str(path))), None)
        if wanted is None:
            raise NotPossible("no file of that name may be uploaded in this run")
        self._cdp.send("DOM.setFileInputFiles", files=[str(wanted)], objectId=focus.world.grab(focus.id))
        return f"the file {wanted.name} was chosen"

    # Events

    @contextmanager
    def _holding(self, names: tuple[str, ...]) -> Iterator[None]:
        down: list[Key] = []
        try:
            for name in names:
                key = browser_key(name)
                self._held |= key.modifier
                self._key_down(key, again=key in down)
                down.append(key)
            yield
        finally:
            for key in reversed(down):
                self._held &= ~key.modifier
                self._key("keyUp", key)

    def _press(self, name: str) -> None:
        self.keys((name,))

    def _key_down(self, key: Key, again: bool) -> None:
        text = "" if self._held & ~8 else key.text
        if text and self._held & 8 and len(text) == 1:
            text = text.upper()
        extra: dict[str, Any] = {"text": text} if text else {}
        if self._held == 2 and key.key.lower() == "a":
            extra["commands"] = ["selectAll"]
        self._key("keyDown" if text else "rawKeyDown", key, autoRepeat=again, **extra)

    def _key(self, kind: str, key: Key, **extra: Any) -> None:
        self.sent += 1
        self._cdp.send(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key.key,
            code=key.code,
            windowsVirtualKeyCode=key.vk,
            modifiers=self._held,
            **extra,
        )

    def _mouse(self, kind: str, button: str, **extra: Any) -> None:
        x, y = self._at
        self.sent += kind != "mouseMoved"
        self._cdp.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, modifiers=self._held, **extra)


def ready(action: Action) -> None:
    """Refuse what cannot be done before anything is touched. Raises `NotPossible`."""
    try:
        match action:
            case PressKeys(keys=keys) | Click(modifiers=keys):
                for key in keys:
                    browser_key(key)
            case LaunchApp():
                raise NotPossible("a browser starts no applications")
            case Swipe():
                raise NotPossible("a browser has no touch screen: drag, or turn the wheel")
            case SystemButton(button=button) if button not in ("back", "enter"):
                raise NotPossible(f"a browser has no `{button}` button")
    except ValueError as problem:
        raise NotPossible(str(problem)) from None
