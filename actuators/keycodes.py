"""Key names of an action as Android calls them: `enter` is KEYCODE_ENTER, `backspace` is KEYCODE_DEL."""

from __future__ import annotations

import string

__all__ = ["keycodes"]

_NAMED = {
    **dict.fromkeys(("enter", "tab", "escape", "space", "insert", "page_up", "page_down")),
    **{name: f"DPAD_{name.upper()}" for name in ("up", "down", "left", "right")},
    "backspace": "DEL",
    "delete": "FORWARD_DEL",
    "home": "MOVE_HOME",
    "end": "MOVE_END",
    **{name: f"{name.upper()}_LEFT" for name in ("ctrl", "shift", "alt", "meta")},
    **{f"f{n}": f"F{n}" for n in range(1, 13)},
    # as the phone itself calls them, without KEYCODE_
    **dict.fromkeys(("volume_up", "volume_down", "volume_mute", "power", "camera", "clear", "del", "search")),
    **dict.fromkeys(("app_switch", "notification", "brightness_up", "brightness_down", "move_home", "move_end")),
    **dict.fromkeys(("dpad_up", "dpad_down", "dpad_left", "dpad_right", "dpad_center", "mute", "call", "endcall")),
    **dict.fromkeys(("media_play_pause", "media_next", "media_previous", "copy", "cut", "paste")),
}
_SIGNS = {
    ",": "COMMA", ".": "PERIOD", "`": "GRAVE", "-": "MINUS", "=": "EQUALS", "[": "LEFT_BRACKET", "]": "RIGHT_BRACKET",
    "\\": "BACKSLASH", ";": "SEMICOLON", "'": "APOSTROPHE", "/": "SLASH", "@": "AT", "+": "PLUS", "*": "STAR",
    "#": "POUND", " ": "SPACE",
}  # fmt: skip


def keycodes(name: str) -> tuple[str, ...]:
    """The key event for a name, and before it Shift for a capital letter.

    Raises:
        ValueError: a phone has no such key.
    """
    if name in _NAMED:
        return (f"KEYCODE_{_NAMED[name] or name.upper()}",)
    if len(name) == 1 and name in string.ascii_letters:
        return (*(("KEYCODE_SHIFT_LEFT",) if name.isupper() else ()), f"KEYCODE_{name.upper()}")
    if len(name) == 1 and (name in string.digits or name in _SIGNS):
        return (f"KEYCODE_{_SIGNS.get(name, name)}",)
    raise ValueError(
        f"a phone has no key called `{name[:30]}`: expected a letter, a digit or one like enter, backspace"
    )
