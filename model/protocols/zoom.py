"""`image_zoom_in_tool`: the family's way to look closer at part of a picture it was shown. Our `Zoom`.

The box is on the grid of the picture. Only the screen as it is now can be looked at again, so a call that names an
earlier picture is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actuators.action import Zoom
from actuators.geometry import Rect, Screen
from model.protocols.grid import Grid

__all__ = ["NAME", "RULE", "TOOL", "action", "enlarged", "rules"]

NAME = "image_zoom_in_tool"

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": "Look closer at a part of a picture. The box is given on the same grid as points.",
        "parameters": {
            "type": "object",
            "required": ["bbox_2d", "label", "img_idx"],
            "properties": {
                "bbox_2d": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                "label": {"type": "string"},
                "img_idx": {"type": "number"},
            },
        },
    },
}

RULE = "look"

_LEAST_PX = 32
"""A crop is at least this wide and high."""


def rules(picture: int) -> str:
    """The Lark rules of a call that looks closer at one picture."""
    return (
        rf'look: "<tool_call>\n{{\"name\": \"{NAME}\", \"arguments\": {{\"bbox_2d\": " box '
        rf'", \"label\": " LABEL ", \"img_idx\": {picture}}}}}\n</tool_call>"' + "\n"
        r'LABEL: /"[^"\\\x00-\x1f\x7f]{0,60}"/'
    )


def action(arguments: Mapping[str, Any], grid: Grid, screen: Screen, images: int) -> Zoom:
    """The part of the screen that a call names, corners in either order.

    Raises:
        KeyError, TypeError, ValueError: no four grid numbers, or another picture than the last of `images`.
    """
    if int(arguments["img_idx"]) != images - 1:
        raise ValueError("only the last picture is the screen as it is now")
    left, top, right, bottom = (int(value) for value in arguments["bbox_2d"])
    corners = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
    return Zoom(region=enlarged(grid.box(corners, screen), screen))


def enlarged(box: Rect, screen: Screen) -> Rect:
    """The box, grown to at least 32 pixels a side where the screen has them, moved to lie inside."""
    width, height = (max(side, _LEAST_PX) for side in (box.width, box.height))
    width, height = min(width, screen.width), min(height, screen.height)
    left = min(max(box.centre.x - width // 2, 0), screen.width - width)
    top = min(max(box.centre.y - height // 2, 0), screen.height - height)
    return Rect(left, top, left + width, top + height)
