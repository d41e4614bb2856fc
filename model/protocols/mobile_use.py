"""The `mobile_use` protocol of Qwen3-VL: the union of its two published enums, prompt, and the way back to a `Move`.

History is text only, the text comes before the one screenshot, and a reply may say `Thought:` and `Action:` before its
call. Facts follow the published cookbook; the wording is our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from actuators.action import Action, Click, LaunchApp, LongPress, PressKeys, Swipe, SystemButton, TypeText, Wait
from actuators.geometry import Point, Screen
from actuators.observation import Observation
from model.base import Done, Instruction, Perception
from model.protocols import calls, elements
from model.protocols.grid import Grid
from model.protocols.spoken import MAX_REASON, MAX_TEXT, Narrowing, Prompt, past
from model.protocols.tool import RULES, Tool

__all__ = ["ACTIONS", "GRID", "KEYS", "MobileUse", "render_call"]

ACTIONS = (
    "key",
    "click",
    "long_press",
    "swipe",
    "type",
    "answer",
    "system_button",
    "open",
    "wait",
    "terminate",
)
"""All ten actions of the two published enums."""

GRID = Grid(999, 999)
"""The cookbook's screen: 999 x 999, divided by 999."""

BUTTONS = ("Back", "Home", "Menu", "Enter")

KEYS = (
    *("volume_up", "volume_down", "volume_mute", "power", "camera", "clear", "enter", "del", "tab", "escape", "space"),
    *("search", "app_switch", "notification", "brightness_up", "brightness_down", "dpad_up", "dpad_down", "dpad_left"),
    *("dpad_right", "dpad_center", "page_up", "page_down", "move_home", "move_end", "media_play_pause", "media_next"),
    *("media_previous", "mute", "call", "endcall", "copy", "cut", "paste"),
)
"""Key events, in adb's names without `KEYCODE_`, that a constrained reply may name."""


def _tool(most: int) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": "mobile_use",
            "description": f"Drive a phone by touch. The screen measures {most}x{most}.",
            "parameters": {
                "type": "object",
                "required": ["action"],
                "properties": {
                    "action": {"type": "string", "enum": list(ACTIONS)},
                    "coordinate": {"type": "array", "items": {"type": "integer"}},
                    "coordinate2": {"type": "array", "items": {"type": "integer"}},
                    "text": {"type": "string"},
                    "time": {"type": "number"},
                    "button": {"type": "string", "enum": list(BUTTONS)},
                    "status": {"type": "string", "enum": ["success", "failure"]},
                },
            },
        },
    }


@dataclass(frozen=True)
class MobileUse(Tool):
    """The protocol as one profile wants it. A phone has no pointer: every touch says where."""

    grid: Grid = GRID
    actions: ClassVar[tuple[str, ...]] = ACTIONS
    touching: ClassVar[frozenset[str]] = frozenset({"click", "long_press", "swipe"})
    thing: ClassVar[str] = "a phone"
    before: ClassVar[str] = "THOUGHT? LINE? "

    def published(self) -> Mapping[str, Any]:
        """The union of the two published enums, on this grid."""
        return _tool(self.grid.most)

    def asks(self) -> str:
        """A thought and a reason in words where the profile has them, then one call."""
        lines = "Reply with a line `Thought: ...`, a line `Action: ...`, then one tool call.\n"
        return (lines if self.action_line else "") + RULES

    def prompt(
        self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception, turns: int = 0
    ) -> Prompt:
        """One user turn: goal, progress, then the screen.

        Raises:
            ValueError: `turns` is not 0; this protocol tells its history in words.
        """
        if turns:
            raise ValueError(f"mobile_use tells its history in words, got {turns} whole turns")
        done = "".join(f"Step {n}: {past(step)}; " for n, step in enumerate(history, 1)).rstrip()
        parts = [*self.wanted(asked), f"Task progress: {done or 'nothing done yet'}", *self.answered(asked)]
        if asked.hint:
            parts.append(f"Note: {asked.hint}")
        if perception == "both":
            parts.append(f"Elements:\n{elements.describe(seen.nodes, seen.screen, seen.more, grid=self.grid)}")
        content = [{"type": "text", "text": "\n".join(parts)}, {"type": "image"}]
        system = {"role": "system", "content": [{"type": "text", "text": self.system_text()}]}
        return Prompt([system, {"role": "user", "content": content}], (seen,))

    def acts(self, offered: Sequence[str]) -> list[str]:
        """Grammar of the actions that go on."""
        return [rule for name, rule in _ACTS.items() if name in offered]

    def terms(self, offered: Sequence[str], narrowing: Narrowing) -> list[str]:
        """Grammar of what `acts` names."""
        keys = " | ".join(json.dumps(json.dumps(name)) for name in KEYS)
        return [_TERMINALS % (MAX_TEXT, keys, MAX_REASON, MAX_REASON)]

    def act(self, given: Mapping[str, Any], screen: Screen, pointer: Point | None) -> tuple[Action, Point | None]:
        """One call as an action."""
        return _action(given, self.grid, screen), None


def render_call(arguments: dict[str, Any]) -> str:
    """The exact text of one call, as the family writes it."""
    return calls.render("mobile_use", arguments)


_KEY = re.compile(r"[a-z0-9_]{1,40}\Z")


def _action(given: Mapping[str, Any], grid: Grid, screen: Screen) -> Action:
    match given["action"]:
        case "click":
            return Click(at=grid.pixel(given["coordinate"], screen))
        case "long_press":
            seconds = min(10.0, max(0.1, float(given.get("time", 1))))
            return LongPress(at=grid.pixel(given["coordinate"], screen), seconds=seconds)
        case "swipe":
            return Swipe(start=grid.pixel(given["coordinate"], screen), end=grid.pixel(given["coordinate2"], screen))
        case "type":
            return TypeText(text=given["text"])
        case "key":
            return PressKeys(keys=(_key(given["text"]),))
        case "system_button":
            return SystemButton(button=given["button"].lower())
        case "open":
            return LaunchApp(name=given["text"])
        case "wait":
            return Wait(seconds=min(60.0, max(0.0, float(given.get("time", 1)))))
    raise ValueError(f"unknown action `{given['action']}`")


def _key(name: str) -> str:
    lowered = name.strip().lower().removeprefix("keycode_")
    if not _KEY.match(lowered):
        raise ValueError(f"`{name}` is no name of a key")
    return lowered


_ACTS = {
    "key": r'"key\", \"text\": " KEY',
    "click": r'"click\", \"coordinate\": " point',
    "long_press": r'"long_press\", \"coordinate\": " point ", \"time\": " HOLD',
    "swipe": r'"swipe\", \"coordinate\": " place ", \"coordinate2\": " place',
    "type": r'"type\", \"text\": " words',
    "system_button": r'"system_button\", \"button\": " BUTTON',
    "open": r'"open\", \"text\": " APP',
    "wait": r'"wait\", \"time\": " SECONDS',
}
"""Actions, and how their arguments go on after `"action": "`."""

_TERMINALS = r"""SECONDS: /0|[1-9]|[1-5][0-9]|60/
HOLD: /[1-9]|10/
TEXT: /"([^"\\\x00-\x1f\x7f]|\\["\\nrt]){0,%d}"/
APP: /"[^"\\\x00-\x1f\x7f]{1,100}"/
KEY: %s
BUTTON: "\"Back\"" | "\"Home\"" | "\"Menu\"" | "\"Enter\""
THOUGHT: /Thought: [^<\x00-\x1f]{1,%d}\n/
LINE: /Action: [^<\x00-\x1f]{1,%d}\n/"""
