"""What a phone says of itself: awake, locked, how it is held, and which window a touch would meet.

Read from `dumpsys`, whose words differ between versions of Android; what is not understood counts as not known. Lengths
are the phone's own logical pixels, as it is held.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actuators.geometry import Rect
from sandboxes.adb import Line

__all__ = ["LOOK", "PhoneState", "Window", "state_of"]

LOOK = Line(
    "dumpsys power | grep -F mWakefulness=; echo; "
    "dumpsys window policy | grep -E 'showing=|secure='; echo; dumpsys input"
)
"""What `state_of` reads: one command for all of it."""

_BOX = r"\[(-?\d+),\s*(-?\d+)\]\[(-?\d+),\s*(-?\d+)\]"
_WINDOW = re.compile(r"^\s*\d+: name='([^'\n]*)'(.*)$", re.MULTILINE)
_HASH = re.compile(r"^[0-9a-f]{4,16} ")


@dataclass(frozen=True, slots=True)
class Window:
    """One window that takes touches."""

    name: str
    """Without the number in front: `com.android.settings/com.android.settings.Settings`, `InputMethod`."""
    app: str
    """The package it belongs to; empty where that cannot be told."""
    region: tuple[Rect, ...]

    def holds(self, x: float, y: float) -> bool:
        return any(box.left <= x < box.right and box.top <= y < box.bottom for box in self.region)


@dataclass(frozen=True, slots=True)
class PhoneState:
    awake: bool
    locked: bool
    secure: bool
    """Whether unlocking takes a PIN, a pattern or a finger."""
    rotation: int
    """Quarter turns counter-clockwise from how it is usually held."""
    size: tuple[int, int] | None
    """Width and height as it is held; None where the phone does not say."""
    windows: tuple[Window, ...]
    """From front to back; empty where the phone does not say."""
    focused: Window | None
    """The one that keys go to."""

    def at(self, x: float, y: float) -> Window | None:
        """The window that a touch would meet."""
        return next((one for one in self.windows if one.holds(x, y)), None)


def state_of(text: str) -> PhoneState:
    """Read what `LOOK` printed."""
    wake = re.search(r"mWakefulness=(\w+)", text)
    size = re.search(r"\blogicalFrame=\[\s*-?\d+,\s*-?\d+,\s*(\d+),\s*(\d+)\]", text)
    turned = re.search(r"\borientation=(\d)", text)
    windows, focused = _windows(text)
    return PhoneState(
        awake=wake is None or wake[1] in ("Awake", "Dreaming"),
        locked=_is(text, "showing"),
        secure=_is(text, "secure"),
        rotation=int(turned[1]) if turned else 0,
        size=(int(size[1]), int(size[2])) if size else None,
        windows=windows,
        focused=focused,
    )


def _is(text: str, name: str) -> bool:
    return re.search(rf"(?m)^\s*(?:m\w+)?{name}=true", text) is not None


def _windows(text: str) -> tuple[tuple[Window, ...], Window | None]:
    holder = re.search(r"FocusedWindows?:[^\n]*\n?[^\n]*name='([^'\n]*)'", text)
    keyed = _plain(holder[1]) if holder else ""
    owner_of_keys = ""
    read: list[tuple[str, str, tuple[Rect, ...], bool]] = []
    for name, rest in _WINDOW.findall(text):
        owner = found[1] if (found := re.search(r"\bownerUid=(\d+)", rest)) else ""
        has_keys = _plain(name) == keyed if keyed else "hasFocus=true" in rest
        if has_keys:
            owner_of_keys = owner
        if _touchable(rest) or has_keys:
            read.append((_plain(name), owner, _region(rest), has_keys))
    keyed_app = next((_app(name) for name, _, _, has_keys in read if has_keys), "")
    windows: list[Window] = []
    focused = None
    for name, owner, region, has_keys in read:
        mine = _app(name) or (keyed_app if owner and owner == owner_of_keys else "")
        one = Window(name, mine, region)
        windows.append(one)
        focused = one if has_keys else focused
    return tuple(windows), focused


def _plain(name: str) -> str:
    return _HASH.sub("", name).strip()


def _app(name: str) -> str:
    found = re.fullmatch(r"([A-Za-z]\w*(?:\.\w+)+)/[\w.$]+", name)
    return found[1] if found else ""


def _touchable(rest: str) -> bool:
    """Whether the dispatcher would give this window a touch: visible, and not told to let touches through."""
    flags = re.search(r"\bflags=(0x[0-9a-f]+)", rest)
    hidden = "visible=false" in rest or "NOT_VISIBLE" in rest
    through = re.search(r"\bNOT_TOUCHABLE\b", rest) is not None or bool(flags and int(flags[1], 16) & 0x10)
    return not hidden and not through and bool(_region(rest))


def _region(rest: str) -> tuple[Rect, ...]:
    told = re.search(rf"touchableRegion=((?:{_BOX}[,\s]*)+)", rest) or re.search(rf"\bframe=({_BOX})", rest)
    boxes = re.findall(_BOX, told[1]) if told else []
    corners = [tuple(map(int, box)) for box in boxes]
    return tuple(Rect(a, b, c, d) for a, b, c, d in corners if c > a and d > b)
