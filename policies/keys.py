"""What a chord of keys is about to do, by field, before one knows what has the focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Stroke", "stroke_of"]

_MODIFIERS = {
    "ctrl": "ctrl",
    "control": "ctrl",
    "cmd": "ctrl",
    "command": "ctrl",
    "meta": "ctrl",
    "alt": "alt",
    "option": "alt",
    "shift": "shift",
    "super": "super",
    "win": "super",
}
_STEPPING = {"up", "down", "left", "right", "arrowup", "arrowdown", "arrowleft", "arrowright", "home", "end"}
_STEPPING |= {"pageup", "pagedown"}
_NEUTRAL = {"tab", "escape", "esc"} | _STEPPING
_LOOKING = {"a", "c", "f", "plus", "minus", "+", "-", "0"}
_WRITING = {"x", "v", "z", "y", "b", "i", "u"}
_CHROME = {"l", "t", "n", "tab"} | _STEPPING


@dataclass(frozen=True, slots=True)
class Stroke:
    """One chord. `edit` holds only where a field has the focus; elsewhere it is `elsewhere`."""

    name: str
    effect: Literal["look", "move", "edit", "enter", "space", "submit", "unknown"]
    elsewhere: Literal["delete", "unknown"] = "unknown"
    steps: bool = False
    """Whether it changes the choice when a list, a radio group or a slider has the focus."""
    forced: bool = False


def stroke_of(keys: tuple[str, ...]) -> Stroke:
    """Read a chord. More than one key besides modifiers is `unknown`."""
    names = [key.lower() for key in keys]
    held = {_MODIFIERS[name] for name in names if name in _MODIFIERS}
    main = [_plain(name) for name in names if name not in _MODIFIERS]
    label = "+".join(names)
    if len(main) > 1:
        return Stroke(label, "unknown")
    if not main:
        return Stroke(label, "move" if "super" in held else "look")
    return _stroke(label, frozenset(held - {"shift"}), main[0])


def _plain(name: str) -> str:
    flat = name.replace("_", "").replace(" ", "") or name
    return "space" if name == " " else {"return": "enter", "del": "delete", "kpenter": "enter"}.get(flat, flat)


def _stroke(label: str, held: frozenset[str], key: str) -> Stroke:
    match sorted(held), key:
        case [] | ["ctrl"], "enter":
            return Stroke(label, "enter", forced=bool(held))
        case [], "space":
            return Stroke(label, "space")
        case [], _ if key in _NEUTRAL:
            return Stroke(label, "move", steps=key in _STEPPING)
        case [], "backspace":
            return Stroke(label, "edit")
        case [] | ["ctrl"], "delete":
            return Stroke(label, "edit", elsewhere="delete")
        case [], "f5":
            return Stroke(label, "submit")
        case ["ctrl"], "r":
            return Stroke(label, "submit")
        case [], _ if len(key) == 1:
            return Stroke(label, "edit")
        case ["ctrl"], _ if key in _LOOKING:
            return Stroke(label, "look")
        case ["ctrl"], _ if key in _WRITING or key == "backspace":
            return Stroke(label, "edit")
        case ["ctrl"], _ if key in _CHROME:
            return Stroke(label, "move")
        case ["alt"], "left" | "right" | "tab" | "arrowleft" | "arrowright":
            return Stroke(label, "move")
        case _:
            return Stroke(label, "unknown")
