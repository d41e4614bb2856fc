"""Key names: lower case in an action (`enter`, `page_down`, `a`), and what a browser sends for each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MODIFIERS", "Key", "browser_key"]

MODIFIERS = {"alt": 1, "ctrl": 2, "meta": 4, "shift": 8}
"""Bits by which the browser's protocol names held keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key as the browser's input protocol describes it."""

    key: str
    code: str = ""
    vk: int = 0
    """Windows virtual key code, which the protocol goes by."""
    text: str = ""
    """What it types with no modifier held; empty for none."""
    modifier: int = 0


_NAMED = {
    "enter": Key("Enter", "Enter", 13, "\r"),
    "tab": Key("Tab", "Tab", 9),
    "escape": Key("Escape", "Escape", 27),
    "backspace": Key("Backspace", "Backspace", 8),
    "delete": Key("Delete", "Delete", 46),
    "insert": Key("Insert", "Insert", 45),
    "space": Key(" ", "Space", 32, " "),
    "up": Key("ArrowUp", "ArrowUp", 38),
    "down": Key("ArrowDown", "ArrowDown", 40),
    "left": Key("ArrowLeft", "ArrowLeft", 37),
    "right": Key("ArrowRight", "ArrowRight", 39),
    "home": Key("Home", "Home", 36),
    "end": Key("End", "End", 35),
    "page_up": Key("PageUp", "PageUp", 33),
    "page_down": Key("PageDown", "PageDown", 34),
    "ctrl": Key("Control", "ControlLeft", 17, modifier=MODIFIERS["ctrl"]),
    "shift": Key("Shift", "ShiftLeft", 16, modifier=MODIFIERS["shift"]),
    "alt": Key("Alt", "AltLeft", 18, modifier=MODIFIERS["alt"]),
    "meta": Key("Meta", "MetaLeft", 91, modifier=MODIFIERS["meta"]),
    **{f"f{n}": Key(f"F{n}", f"F{n}", 111 + n) for n in range(1, 13)},
}

_PLAIN = {
    "-": ("Minus", 189), "=": ("Equal", 187), "[": ("BracketLeft", 219), "]": ("BracketRight", 221),
    "\\": ("Backslash", 220), ";": ("Semicolon", 186), "'": ("Quote", 222), "`": ("Backquote", 192),
    ",": ("Comma", 188), ".": ("Period", 190), "/": ("Slash", 191),
}  # fmt: skip
_SHIFTED = dict(zip('_+{}|:"~<>?!@#$%^&*()', "-=[]\\;'`,./1234567890", strict=True))


def browser_key(name: str) -> Key:
    """What the browser calls a key: a name, or a single character as a US keyboard has it.

    A character that no US keyboard has is a key without a code, which types itself.

    Raises:
        ValueError: no such key.
    """
    if name in _NAMED:
        return _NAMED[name]
    if len(name) != 1 or not name.isprintable():
        raise ValueError(f"no key is called `{name[:30]}`, expected a single character or one of {', '.join(_NAMED)}")
    if name == " ":
        return _NAMED["space"]
    base = _SHIFTED.get(name, name.lower())
    if base.isascii() and base.isalpha():
        return Key(name, f"Key{base.upper()}", ord(base.upper()), name)
    if base.isascii() and base.isdigit():
        return Key(name, f"Digit{base}", ord(base), name)
    code, vk = _PLAIN.get(base, ("", 0))
    return Key(name, code, vk, name)
