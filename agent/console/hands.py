"""What a person who drives a run does, read from a form: one action, or nothing that can be read."""

from __future__ import annotations

from collections.abc import Mapping

from actuators.action import Action, Click, PressKeys, Scroll, TypeText
from actuators.geometry import Point

__all__ = ["KEYS", "action_of"]

KEYS = ("enter", "tab", "escape", "backspace", "up", "down", "left", "right", "page_up", "page_down")


def action_of(fields: Mapping[str, str]) -> str | None:
    """JSON of one action: a click on the picture, a text, a key, or a turn of the wheel; None for anything else."""
    try:
        action = _action(fields)
    except (ValueError, KeyError):
        return None
    return None if action is None else action.model_dump_json()


def _action(fields: Mapping[str, str]) -> Action | None:
    match fields.get("do", "click" if "at.x" in fields else ""):
        case "click" if (fields["at.x"], fields["at.y"]) != ("0", "0"):  # a key pressed on the picture, and no place
            return Click(at=Point(int(fields["at.x"]), int(fields["at.y"])))
        case "point":
            return Click(at=Point(int(fields["x"]), int(fields["y"])))
        case "type" if 0 < len(fields.get("text", "")) <= 2000 and "<secret:" not in fields["text"].lower():
            return TypeText(text=fields["text"])
        case "press" if fields.get("key") in KEYS:
            return PressKeys(keys=(fields["key"],))
        case "scroll":
            return Scroll(at=Point(int(fields["x"]), int(fields["y"])), dy=int(fields["dy"]))
        case _:
            return None
