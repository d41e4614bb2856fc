"""From what `page_*.js` tells to the words of this package. Rectangles become screen pixels here."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from actuators.action import Action, Click, PressKeys, SystemButton
from actuators.geometry import Rect, Screen
from actuators.observation import Form, Node
from actuators.world import Place

__all__ = ["destination", "is_secret", "more_of", "node_of", "origin_of", "png_size", "words"]

_SECRET_TOKEN = re.compile(r"(^|\s)(one-time-code|cc-\S+)$")
_ACTIVATES = frozenset({"enter", "space"})


def node_of(told: dict[str, Any], screen: Screen, place: Place) -> Node:
    """One described element; its rectangle in CSS pixels of a viewport that lies at `place` in the page."""
    rect = told["rect"]
    left, top = place.outward(rect["left"], rect["top"])
    right, bottom = place.outward(rect["right"], rect["bottom"])
    scale = screen.scale
    box = Rect(
        math.floor(left * scale + 0.01),
        math.floor(top * scale + 0.01),
        math.ceil(right * scale - 0.01),
        math.ceil(bottom * scale - 0.01),
    )
    form = told["form"]
    return Node(
        **{
            **told,
            "rect": box.intersect(screen.rect),
            "form": Form(form["method"], form["action"], form["text"], form["state"]) if form else None,
        }
    )


def is_secret(node: Node) -> bool:
    """Whether what is typed here should be seen by nobody: passwords, one-time codes, everything about a card."""
    return node.password or bool(_SECRET_TOKEN.search(node.autocomplete))


def destination(action: Action, node: Node, sends: str) -> str:
    """Where the act would send something or lead to; `sends` is where Enter in a field would."""
    match action:
        case Click(button="right"):
            return ""
        case Click():
            pressed = ""
        case PressKeys(keys=keys) if _ACTIVATES & set(keys):
            pressed = sends if "enter" in keys else ""
            if node.editable and not pressed:
                return ""
        case SystemButton(button="enter"):
            pressed = sends
        case _:
            return ""
    if pressed:
        return pressed
    return node.form.action if node.submits and node.form else node.href


def more_of(seen: dict[str, Any]) -> tuple[Literal["above", "below"], ...]:
    """Where scrolling would show more."""
    found: list[Literal["above", "below"]] = []
    if seen["above"]:
        found.append("above")
    if seen["below"]:
        found.append("below")
    return tuple(found)


def origin_of(url: str) -> str:
    """scheme://host:port as the address says; empty for anything but web addresses."""
    found = re.match(r"(https?://)(?:[^/?#\\@]*@)?([^/?#\\]+)", url.strip(), re.IGNORECASE)
    return "".join(found.groups()).lower() if found else ""


def words(node: Node | None) -> str:
    """What a person would call a node."""
    return f'{node.role} "{node.name[:60]}"' if node and (node.name or node.role) else "something without words"


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height from the header, without decoding."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
