"""The words for doing: one tagged union, closed by `assert_never` wherever it is matched.

Coordinates are screen pixels of the observation the action was proposed on (see `actuators.geometry`).
An action is data. Nothing in it is ever executed, formatted into a shell line or used as code.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from actuators.geometry import Point, Rect

__all__ = [
    "Action",
    "Button",
    "Click",
    "Drag",
    "Hover",
    "LaunchApp",
    "LongPress",
    "OpenUrl",
    "PressKeys",
    "Scroll",
    "Swipe",
    "SystemButton",
    "TypeText",
    "Wait",
    "Zoom",
    "action_digest",
    "canonical",
    "parse_action",
    "pointed",
]

Button = Literal["left", "middle", "right"]


class _Action(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Click(_Action):
    """Press and release a mouse button, or tap."""

    kind: Literal["click"] = "click"
    at: Point
    button: Button = "left"
    count: Annotated[int, Field(ge=1, le=3)] = 1
    """1 a click, 2 a double click, 3 a triple click."""
    modifiers: tuple[str, ...] = ()


class Drag(_Action):
    """Press at `start`, move in small steps, release at `end`."""

    kind: Literal["drag"] = "drag"
    start: Point
    end: Point


class Scroll(_Action):
    """Turn the wheel over a point. Positive `dx` shows what lies to the right, positive `dy` what lies below."""

    kind: Literal["scroll"] = "scroll"
    at: Point
    dx: Annotated[int, Field(ge=-20000, le=20000)] = 0
    dy: Annotated[int, Field(ge=-20000, le=20000)] = 0


class TypeText(_Action):
    """Put text into whatever has the focus. `<secret:NAME>` stands for a secret that only the hand may read."""

    kind: Literal["type_text"] = "type_text"
    text: Annotated[str, Field(max_length=10_000)]


class PressKeys(_Action):
    """Press keys in order and release them in reverse. Names are lower case: `enter`, `ctrl`, `a`, `page_down`."""

    kind: Literal["press_keys"] = "press_keys"
    keys: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]


class Hover(_Action):
    """Move the pointer and press nothing."""

    kind: Literal["hover"] = "hover"
    at: Point


class Wait(_Action):
    """Let time pass, or until the screen settles, whichever comes first."""

    kind: Literal["wait"] = "wait"
    seconds: Annotated[float, Field(ge=0, le=60)] = 1.0


class OpenUrl(_Action):
    """Go to an address in the browser."""

    kind: Literal["open_url"] = "open_url"
    url: Annotated[str, Field(max_length=4096)]


class LaunchApp(_Action):
    """Start an application by the name under which the surface knows it; never a command line."""

    kind: Literal["launch_app"] = "launch_app"
    name: Annotated[str, Field(max_length=256)]


class Swipe(_Action):
    """Put a finger down at `start` and lift it at `end`."""

    kind: Literal["swipe"] = "swipe"
    start: Point
    end: Point
    seconds: Annotated[float, Field(gt=0, le=10)] = 0.3


class LongPress(_Action):
    """Hold a finger or the left button on a point."""

    kind: Literal["long_press"] = "long_press"
    at: Point
    seconds: Annotated[float, Field(gt=0, le=10)] = 0.8


class SystemButton(_Action):
    """A button of the device, not of the screen."""

    kind: Literal["system_button"] = "system_button"
    button: Literal["back", "home", "menu", "enter"]


class Zoom(_Action):
    """Look closer at part of the screen. Touches nothing."""

    kind: Literal["zoom"] = "zoom"
    region: Rect


Action = Annotated[
    Click
    | Drag
    | Scroll
    | TypeText
    | PressKeys
    | Hover
    | Wait
    | OpenUrl
    | LaunchApp
    | Swipe
    | LongPress
    | SystemButton
    | Zoom,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Action] = TypeAdapter(Action)


def parse_action(data: object) -> Action:
    """Build an action from plain data (a dict, as `canonical` wrote it).

    Raises:
        pydantic.ValidationError: an unknown kind or field, a wrong type or a value out of bounds.
    """
    return _ADAPTER.validate_python(data)


def canonical(action: Action) -> str:
    """The one JSON text that stands for an action: keys sorted, no spaces, non-ASCII kept."""
    return json.dumps(action.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def action_digest(action: Action) -> str:
    """SHA-256 of `canonical(action)`, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(action).encode()).hexdigest()


def pointed(action: Action) -> Point | None:
    """The point where an action first touches the screen; None for actions that need no point."""
    match action:
        case Click(at=at) | Scroll(at=at) | Hover(at=at) | LongPress(at=at):
            return at
        case Drag(start=start) | Swipe(start=start):
            return start
        case _:
            return None
