"""Black boxes over what must not be kept: filled in before a frame is encoded, so that no stored byte holds it.

Covers password fields, card and one-time-code fields, and everything whose text holds a secret. What a surface without
nodes draws, it cannot see; give `boxes` there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

from actuators.geometry import Rect
from actuators.observation import Node, Observation

__all__ = ["hidden", "redact"]

_PRIVATE = {"one-time-code", "current-password", "new-password"}
"""Autocomplete tokens whose fields are never kept readable, beside every `cc-` token."""


def redact(seen: Observation, boxes: Iterable[Rect] = (), redactor: Callable[[str], str] | None = None) -> bytes:
    """The frame as PNG with every hidden box filled black; the frame's own bytes when nothing is hidden.

    Args:
        seen: what was seen.
        boxes: further boxes, screen pixels of `seen`.
        redactor: tells which texts hold a secret: those that it changes.
    """
    covered = [box.intersect(seen.screen.rect) for box in (*hidden(seen.nodes, redactor), *boxes)]
    covered = [box for box in covered if box.area]
    if not covered:
        return seen.frame.png
    from PIL import ImageDraw

    picture = seen.frame.image.copy()
    drawing = ImageDraw.Draw(picture)
    for box in covered:
        drawing.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=(0, 0, 0))
    stored = io.BytesIO()
    picture.save(stored, "PNG", compress_level=1)
    return stored.getvalue()


def hidden(nodes: Iterable[Node], redactor: Callable[[str], str] | None = None) -> list[Rect]:
    """The boxes of all nodes that may show a secret."""
    return [node.rect for node in nodes if _secret(node, redactor)]


def _secret(node: Node, redactor: Callable[[str], str] | None) -> bool:
    tokens = node.autocomplete.lower().split()
    if node.password or _PRIVATE & set(tokens) or any(token.startswith("cc-") for token in tokens):
        return True
    return redactor is not None and any(text and redactor(text) != text for text in (node.value, node.name))
