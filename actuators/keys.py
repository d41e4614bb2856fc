"""Key names: lower case in an action, the browser's own when pressed."""

from __future__ import annotations

__all__ = ["MODIFIERS", "browser_key"]

MODIFIERS = ("ctrl", "shift", "alt", "meta")

_BROWSER = {
    "enter": "Enter",
    "tab": "Tab",
    "escape": "Escape",
    "backspace": "Backspace",
    "delete": "Delete",
    "insert": "Insert",
    "space": "Space",
    "up": "ArrowUp",
    "down": "ArrowDown",
    "left": "ArrowLeft",
    "right": "ArrowRight",
    "home": "Home",
    "end": "End",
    "page_up": "PageUp",
    "page_down": "PageDown",
    "ctrl": "Control",
    "shift": "Shift",
    "alt": "Alt",
    "meta": "Meta",
    **{f"f{n}": f"F{n}" for n in range(1, 13)},
}


def browser_key(name: str) -> str:
    """The browser's name of a key.

    Raises:
        ValueError: no such key.
    """
    if name in _BROWSER:
        return _BROWSER[name]
    if len(name) == 1 and name.isprintable():
        return name
    raise ValueError(f"no key is called `{name[:30]}`, expected a single character or one of {', '.join(_BROWSER)}")
