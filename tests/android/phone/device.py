"""The phone itself: its displays and windows, fingers, keys and keyboards, its files, and what runs on it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from tests.android.phone.apps import App, Screen
from tests.android.phone.drawing import drawn
from tests.android.phone.shell import Result, Shell
from tests.android.phone.views import Box, Field, Page, View, clipped, dumped, holds

SYSTEM = "com.android.systemui"
LATIN, BASE64 = "com.android.inputmethod.latin/.LatinIME", "com.android.adbkeyboard/.AdbIME"
_SLOP_DP = 8
_LONG_S = 0.5
_AGAIN_S = 0.3
SLIDE_S = 0.15


@dataclass
class Window:
    """A window as the input dispatcher knows it; the first one that holds a point is touched."""

    name: str
    package: str
    frame: Box
    root: View | None = None
    focusable: bool = False


class Phone:
    """State, and what changes it. Everything happens in one event loop."""

    def __init__(
        self,
        apps: Iterable[type[App]],
        size: tuple[int, int] = (720, 1440),
        density: int = 320,
        serial: str = "VIRTUAL0001",
        pin: str = "",
        unicode_keyboard: bool = True,
        tells_hints: bool = True,
    ) -> None:
        self.size, self.density = size, density
        self.override_size: tuple[int, int] | None = None
        self.override_density: int | None = None
        self.captures_physical = False
        """Whether a screenshot has the panel's own size although `wm size` says another."""
        self.serial = serial
        self.pin = pin
        self.tells_hints = tells_hints
        self.entered = ""
        self.awake, self.locked = True, False
        self.shade = False
        self.notifications: list[tuple[str, str]] = []
        self.rotation = 0
        self.settings: dict[str, dict[str, str]] = {
            "system": {"accelerometer_rotation": "0", "user_rotation": "0", "font_scale": "1.0"},
            "secure": {"default_input_method": LATIN},
            "global": {"wifi_on": "1", "bluetooth_on": "0", "airplane_mode_on": "0"},
        }
        self.keyboards = {LATIN: True, **({BASE64: False} if unicode_keyboard else {})}
        self.files: dict[str, bytes] = {"/sdcard/Download/notes.txt": b"bread\nmilk\n"}
        self.ran: list[list[str]] = []
        """Every program that was executed, with its words."""
        self.touches: list[tuple[str, float, float]] = []
        self.typed: list[str] = []
        self.before: Callable[[list[str]], Awaitable[None]] | None = None
        """Awaited before each program: where tests put faults."""
        self.restless = False
        self.clock = ""
        self.version = 0
        self._slid_at = float("-inf")
        self._focus: tuple[Screen, str] | None = None
        self._last_tap = (0.0, 0)
        self._picture: tuple[int, Image.Image] | None = None
        self._layout: tuple[int, list[Window]] | None = None
        self.asks_keys = self.allows_keys = False
        self.known_keys: set[bytes] = set()
        self.banner = (
            "device::ro.product.name=virtual;ro.product.model=Virtual Phone;ro.product.device=virtual;"
            "features=shell_v2,cmd,stat_v2,ls_v2"
        )
        self.properties = {
            "ro.product.model": "Virtual Phone",
            "ro.product.manufacturer": "deskhand",
            "ro.build.version.release": "13",
            "ro.build.version.sdk": "33",
            "ro.serialno": serial,
            "sys.boot_completed": "1",
        }
        self.apps = {kind.package: kind(self) for kind in apps}
        self.front: App = next(iter(self.apps.values()))
        self.launch(self.front.package)
        self._slid_at = float("-inf")

    # Display

    def dp(self, n: float) -> int:
        return round(n * (self.override_density or self.density) / 160)

    @property
    def display(self) -> tuple[int, int]:
        """Width and height as they are held, in logical pixels."""
        width, height = self.override_size or self.size
        return (height, width) if self.rotation % 2 else (width, height)

    def turn(self, rotation: int) -> None:
        self.rotation = rotation % 4
        self.settings["system"]["user_rotation"] = str(self.rotation)
        self.changed()

    def changed(self) -> None:
        self.version += 1

    def moved_on(self) -> None:
        """Another screen slides in; what had the focus has it no more."""
        self._focus = None
        self._slid_at = time.monotonic()
        self.changed()

    @property
    def slide(self) -> int:
        """How far the window still has to slide, in pixels."""
        part = 1 - (time.monotonic() - self._slid_at) / SLIDE_S
        return int(max(0.0, part) * self.display[0] * 0.3)

    @property
    def moving(self) -> bool:
        return self.slide > 0 or self.restless

    def picture(self) -> Image.Image:
        """What a screenshot shows."""
        if self.moving:
            self._picture = None
            return self._panel(self._stirred(drawn(self)))
        if self._picture is None or self._picture[0] != self.version:
            self._picture = (self.version, self._panel(drawn(self)))
        return self._picture[1]

    def _stirred(self, picture: Image.Image) -> Image.Image:
        if self.restless:
            picture.putpixel((3, self.dp(30)), (int(time.monotonic() * 1000) % 256, 0, 0, 255))
        return picture

    def _panel(self, picture: Image.Image) -> Image.Image:
        if not self.captures_physical:
            return picture
        width, height = self.size
        return picture.resize((height, width) if self.rotation % 2 else (width, height))

    # Windows

    def windows(self) -> list[Window]:
        """From front to back, as a touch meets them."""
        if self._layout is None or self._layout[0] != self.version:
            self._layout = (self.version, self._windows())
        return self._layout[1]

    def _windows(self) -> list[Window]:
        width, height = self.display
        bar, foot = self.dp(24), self.dp(40)
        found = []
        if self.locked:
            found.append(Window("NotificationShade", SYSTEM, (0, 0, width, height), self._lock_screen(), True))
        elif self.shade:
            found.append(Window("NotificationShade", SYSTEM, (0, 0, width, height), self._shade(), True))
        found.append(Window("StatusBar", SYSTEM, (0, 0, width, bar), self._status(width, bar)))
        found.append(
            Window("NavigationBar0", SYSTEM, (0, height - foot, width, height), self._navigation(width, height, foot))
        )
        keys_top = height - foot
        if self.keyboard_shown and not self.locked and not self.shade:
            keys_top = height - foot - min(self.dp(200), (height - bar - foot) // 2)
            frame = (0, keys_top, width, height - foot)
            found.append(Window("InputMethod", "com.android.inputmethod.latin", frame, self._keyboard(frame)))
        frame = (0, bar, width, keys_top)
        name = f"{self.front.package}/{self.front.package}.{self.front.screens[-1].name}"
        found.append(Window(name, self.front.package, frame, self._app(frame), not self.locked and not self.shade))
        return found

    @property
    def keyboard_shown(self) -> bool:
        return self._focus is not None and self.settings["secure"]["default_input_method"] == LATIN

    def _app(self, frame: Box) -> View:
        screen = self.front.screens[-1]
        page = Page(frame[2] - frame[0], self.dp, screen.field)
        screen.build(page)
        top, bottom = frame[1] + page.bar_height, frame[3] - page.dock_height
        room, tall = max(0, bottom - top), max([page.y, *(view.box[3] for view in page.content)])
        screen.scrolled = max(0.0, min(screen.scrolled, tall - room))
        for view in page.content:
            view.moved(frame[0], top - round(screen.scrolled))
        for views, dy in ((page.bar, frame[1]), (page.dock, bottom)):
            for view in views:
                view.moved(frame[0], dy)
        for view in (*page.content, *page.dock):
            for one in view.all():
                one.focused = one.field is not None and self._focus == (screen, one.rid)
        scrolls = tall > room
        body = View(
            "android.widget.ScrollView",
            (frame[0], top, frame[2], bottom),
            scrollable=scrolls,
            look="clip",
            children=page.content,
        )
        bar = View("android.view.ViewGroup", (frame[0], frame[1], frame[2], top), children=page.bar)
        dock = View("android.view.ViewGroup", (frame[0], bottom, frame[2], frame[3]), children=page.dock)
        return View("android.widget.FrameLayout", frame, look="window", children=[bar, body, dock])

    def _status(self, width: int, bar: int) -> View:
        dot = View(
            "android.widget.ImageView",
            (self.dp(60), 4, self.dp(72), bar - 4),
            colour="#5f6368" if self.notifications else "",
        )
        clock = View(
            "android.widget.TextView", (self.dp(12), self.dp(3), self.dp(60), bar), text="10:08", look="status"
        )
        return View("android.widget.FrameLayout", (0, 0, width, bar), children=[clock, dot])

    def _navigation(self, width: int, height: int, foot: int) -> View:
        third = width // 3
        root = View("android.widget.FrameLayout", (0, height - foot, width, height), colour="#eceef6")
        for number, (desc, do) in enumerate((("Back", self.back), ("Home", self.home), ("Overview", self.home))):
            box = (number * third, height - foot, (number + 1) * third, height)
            mark = View(
                "android.view.View",
                (box[0] + third // 2 - 8, height - foot // 2 - 8, box[0] + third // 2 + 8, height - foot // 2 + 8),
                colour="#5f6368",
            )
            root.children.append(View("android.widget.ImageView", box, desc=desc, on_tap=do, children=[mark]))
        return root

    def _keyboard(self, frame: Box) -> View:
        root = View("android.widget.FrameLayout", frame, colour="#e3e5ee")
        tall = (frame[3] - frame[1]) // 4
        for line, keys in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm⌫", ",          .⏎")):
            wide = (frame[2] - frame[0]) / len(keys)
            for at, key in enumerate(keys):
                box = (
                    round(frame[0] + at * wide) + 2,
                    frame[1] + line * tall + 2,
                    round(frame[0] + (at + 1) * wide) - 2,
                    frame[1] + (line + 1) * tall - 2,
                )
                press = {"⌫": lambda: self.key("DEL"), "⏎": lambda: self.key("ENTER")}.get(key) or (
                    lambda key=key: self.write(key)
                )
                root.children.append(View("android.view.View", box, text=key, look="key", on_tap=press))
        return root

    def _shade(self) -> View:
        width, height = self.display
        root = View("android.widget.FrameLayout", (0, 0, width, height), colour="#f3f4fa")
        for number, (title, text) in enumerate(self.notifications):
            top = self.dp(40 + number * 72)
            row = View(
                "android.widget.LinearLayout", (0, top, width, top + self.dp(64)), look="row", on_tap=self.close_shade
            )
            row.children = [
                View(
                    "android.widget.TextView",
                    (self.dp(16), top + self.dp(6), width, top + self.dp(30)),
                    text=title,
                    look="row_title",
                ),
                View(
                    "android.widget.TextView",
                    (self.dp(16), top + self.dp(34), width, top + self.dp(58)),
                    text=text,
                    look="summary",
                ),
            ]
            root.children.append(row)
        return root

    def _lock_screen(self) -> View:
        width, height = self.display
        root = View("android.widget.FrameLayout", (0, 0, width, height), colour="#dfe4f7")
        root.children.append(
            View("android.widget.TextView", (self.dp(40), self.dp(80), width, self.dp(140)), text="10:08", look="clock")
        )
        if not self.pin:
            root.children.append(
                View(
                    "android.widget.TextView",
                    (self.dp(40), height - self.dp(120), width, height - self.dp(96)),
                    text="Swipe up to unlock",
                )
            )
            return root
        for number, digit in enumerate("123456789 0"):
            left, top = self.dp(60 + number % 3 * 80), self.dp(200 + number // 3 * 64)
            if digit != " ":
                box = (left, top, left + self.dp(64), top + self.dp(56))
                root.children.append(
                    View(
                        "android.widget.Button",
                        box,
                        text=digit,
                        look="flat",
                        on_tap=lambda digit=digit: self._enter(digit),
                    )
                )
        return root

    def _enter(self, digit: str) -> None:
        self.entered = (self.entered + digit)[-len(self.pin) :]
        if self.entered == self.pin:
            self.locked, self.entered = False, ""
        self.changed()

    def dump(self) -> str:
        """The focused window as uiautomator sees it."""
        window = next((one for one in self.windows() if one.focusable), None)
        if window is None or window.root is None or not self.awake:
            return ""
        return dumped(window.root, window.package, self.rotation, (0, 0, *self.display), self.tells_hints)

    # Apps

    def launch(self, package: str, afresh: bool = False) -> bool:
        app = self.apps.get(package)
        if app is None:
            return False
        if afresh or not app.screens:
            app.screens = [app.home()]
        self.front, self.shade = app, False
        self.moved_on()
        return True

    def stop(self, package: str) -> None:
        if app := self.apps.get(package):
            app.screens = [app.home()]
            if app is self.front:
                self.home()

    def home(self) -> None:
        self.launch(next(iter(self.apps)), afresh=True)

    def back(self) -> None:
        if self.shade:
            self.close_shade()
        elif self.keyboard_shown:
            self._focus = None
            self.changed()
        else:
            self.front.back()

    def notify(self, title: str, text: str) -> None:
        self.notifications.insert(0, (title, text))
        self.changed()

    def close_shade(self) -> None:
        self.shade = False
        self.changed()

    # Fingers

    def under(self, x: float, y: float) -> tuple[Window | None, View | None]:
        """The window a touch goes to, and the innermost thing in it that takes one."""
        window = next((one for one in self.windows() if holds(one.frame, x, y)), None)
        if window is None or window.root is None:
            return window, None
        return window, _hit(window.root, x, y, window.frame, lambda view: view.clickable or view.on_long is not None)

    def tap(self, x: float, y: float) -> None:
        self.touches.append(("tap", x, y))
        if not self.awake:
            return
        now = time.monotonic()
        count = self._last_tap[1] + 1 if now - self._last_tap[0] < _AGAIN_S else 1
        self._last_tap = (now, count)
        _, view = self.under(x, y)
        if view is None or not view.enabled:
            return
        if view.field is not None:
            self._touch_field(view, count)
        elif view.on_tap is not None:
            view.on_tap()
        self.changed()

    def _touch_field(self, view: View, count: int) -> None:
        assert view.field is not None
        self._focus = (self.front.screens[-1], view.rid)
        field = view.field
        field.move(len(field.text))
        if count == 2 and field.text:
            start = field.text.rstrip().rfind(" ") + 1
            field.selected = (start, len(field.text))
        elif count >= 3:
            field.select_all()

    def press_long(self, x: float, y: float) -> None:
        self.touches.append(("long", x, y))
        _, view = self.under(x, y)
        if view is None or not view.enabled or not self.awake:
            return
        if view.field is not None:
            self._touch_field(view, 2)
        elif (act := view.on_long or view.on_tap) is not None:
            act()
        self.changed()

    async def swipe(self, start: tuple[float, float], end: tuple[float, float], seconds: float) -> None:
        """A finger from here to there, in steps; what it does depends on what lies under its start."""
        if max(abs(end[0] - start[0]), abs(end[1] - start[1])) < self.dp(_SLOP_DP):
            await asyncio.sleep(seconds)
            (self.press_long if seconds >= _LONG_S else self.tap)(*start)
            return
        self.touches.append(("down", *start))
        window, _ = self.under(*start)
        steps = max(2, int(seconds / 0.016))
        was = start[1]
        for step in range(1, steps + 1):
            await asyncio.sleep(seconds / steps)
            y = start[1] + (end[1] - start[1]) * step / steps
            if window is not None and window.package == self.front.package and self.awake:
                self._scroll(start, was - y)
            was = y
        self.touches.append(("up", *end))
        if window is not None and window.package == SYSTEM and self.awake:
            self._pulled(window.name, end[1] - start[1])

    def _scroll(self, at: tuple[float, float], by: float) -> None:
        window = next(one for one in self.windows() if one.package == self.front.package)
        body = next((view for view in window.root.children if view.scrollable), None) if window.root else None
        if body is not None and holds(body.box, *at):
            self.front.screens[-1].scrolled += by
            self.changed()

    def _pulled(self, name: str, dy: float) -> None:
        if name == "StatusBar" and dy > 0 and not self.locked:
            self.shade = True
        elif name == "NotificationShade" and dy < 0:
            self.shade = False
            self.locked = self.locked and bool(self.pin)
        self.changed()

    async def drag(self, start: tuple[float, float], end: tuple[float, float], seconds: float) -> None:
        self.touches += [("down", *start), ("up", *end)]
        _, held = self.under(*start)
        await asyncio.sleep(seconds)
        _, below = self.under(*end)
        if held is not None and held.on_drop is not None and self.awake:
            held.on_drop(below)
        self.changed()

    # Keys

    @property
    def focused(self) -> Field | None:
        if self._focus is None:
            return None
        screen, rid = self._focus
        return screen.fields.get(rid) if self.front.screens and self.front.screens[-1] is screen else None

    def write(self, text: str) -> None:
        """Characters into what has the focus."""
        self.typed.append(text)
        if self.focused is not None and self.awake and not self.locked:
            self.focused.insert(text)
            self.changed()

    def key(self, name: str) -> None:
        field = self.focused
        match name:
            case "POWER":
                self.awake = not self.awake
                self.locked = True
            case "WAKEUP":
                self.locked = self.locked or (not self.awake)
                self.awake = True
            case "SLEEP":
                self.awake, self.locked = False, True
            case _ if not self.awake or self.locked:
                pass
            case "HOME":
                self.home()
            case "BACK":
                self.back()
            case "ENTER" | "NUMPAD_ENTER" | "DPAD_CENTER" if field is not None:
                self._enter_key(field)
            case _ if field is not None:
                _edit(field, name)
        self.changed()

    def _enter_key(self, field: Field) -> None:
        if field.lines:
            field.insert("\n")
        elif field.on_action is not None:
            field.on_action()
        elif field.action == "done":
            self._focus = None

    def chord(self, names: list[str]) -> None:
        held = {name.replace("_LEFT", "").replace("_RIGHT", "") for name in names[:-1]}
        if held == {"CTRL"} and names[-1] == "A" and self.focused is not None:
            self.focused.select_all()
            self.changed()
        elif not held:
            self.key(names[-1])

    # Files and commands

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def write_file(self, path: str, data: bytes, append: bool = False) -> bool:
        if path == "/dev/null":
            return True
        if not path.startswith(("/sdcard/", "/data/local/tmp/")):
            return False
        self.files[path] = self.files.get(path, b"") + data if append else data
        return True

    async def execute(self, line: str, came: bytes = b"") -> tuple[int, bytes, bytes]:
        """One line of a host, in a shell of its own."""
        from tests.android.phone.programs import PROGRAMS

        async def run(words: list[str], came: bytes) -> Result:
            self.ran.append(words)
            if self.before is not None:
                await self.before(words)
            program = PROGRAMS.get(words[0].rpartition("/")[2])
            if program is None:
                return Result(127, err=f"/system/bin/sh: {words[0]}: inaccessible or not found\n".encode())
            return await program(self, words[1:], came)

        variables = {"HOME": "/", "PATH": "/system/bin", "USER": "shell", "ANDROID_ROOT": "/system"}
        found = await Shell(_Files(self), run, variables).execute(line, came)
        return found.code, found.out, found.err

    def digest(self) -> str:
        return hashlib.sha256(self.picture().tobytes()).hexdigest()

    def state(self) -> dict[str, Any]:
        """For people: what is in front, and what it shows."""
        return {
            "app": self.front.package,
            "screen": self.front.screens[-1].name,
            "awake": self.awake,
            "locked": self.locked,
        }


class _Files:
    """The phone's files as its shell wants them."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    def read(self, path: str) -> bytes | None:
        return self._phone.files.get(path)

    def write(self, path: str, data: bytes, append: bool = False) -> bool:
        return self._phone.write_file(path, data, append)

    def names(self) -> list[str]:
        return sorted(self._phone.files)


class Adbd(_Files):
    """The phone as the wire sees it, whichever it is at that moment."""

    def __init__(self, whose: Callable[[], Phone]) -> None:
        self._whose = whose

    @property
    def _phone(self) -> Phone:  # type: ignore[override]
        return self._whose()

    @property
    def banner(self) -> str:
        return self._phone.banner

    @property
    def asks_keys(self) -> bool:
        return self._phone.asks_keys

    @property
    def allows_keys(self) -> bool:
        return self._phone.allows_keys

    @property
    def known_keys(self) -> set[bytes]:
        return self._phone.known_keys

    async def execute(self, line: str, came: bytes = b"") -> tuple[int, bytes, bytes]:
        return await self._phone.execute(line, came)


def _hit(view: View, x: float, y: float, clip: Box, takes: Callable[[View], bool]) -> View | None:
    box = clipped(view.box, clip)
    if not holds(box, x, y):
        return None
    inner = box if view.scrollable or view.look == "clip" else clip
    for child in reversed(view.children):
        if found := _hit(child, x, y, inner, takes):
            return found
    return view if takes(view) else None


def _edit(field: Field, name: str) -> None:
    match name:
        case "DEL":
            field.erase()
        case "FORWARD_DEL":
            field.erase(forward=True)
        case "DPAD_LEFT":
            field.move(field.cursor - 1)
        case "DPAD_RIGHT":
            field.move(field.cursor + 1)
        case "MOVE_HOME":
            field.move(0)
        case "MOVE_END":
            field.move(len(field.text))
        case "SPACE":
            field.insert(" ")
        case _ if len(name) == 1:
            field.insert(name.lower())
