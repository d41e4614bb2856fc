"""A screen as a model may see it: what secret fields hold is drawn as dots, and every text that holds a secret is cut.

A filled secret field still shows that it is filled, an empty one is left as it is. Nothing else changes, so a model
finds what it was trained on. What is kept on the disk is covered in black instead (`policies.redact`).

What this does not protect against: a page that draws a secret where it has no words (a canvas, a picture).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

from actuators.geometry import Rect
from actuators.observation import Frame, Node, Observation
from policies.redact import hidden

__all__ = ["veiled"]

_EDGE = 3
"""Pixels of a field's own border that stay."""


def veiled(seen: Observation, clean: Callable[[str], str]) -> Observation:
    """`seen` without anything secret; the same object where there is nothing.

    Args:
        seen: what was seen.
        clean: takes secrets out of a text (`policies.redactor.Redactor`).
    """
    boxes = [node.rect for node in seen.nodes if node.filled is not False and hidden([node], clean)]
    nodes = tuple(_cut(node, clean) for node in seen.nodes)
    texts = [clean(text) for text in (seen.title, seen.url, *seen.notices)]
    if not boxes and nodes == seen.nodes and texts == [seen.title, seen.url, *seen.notices]:
        return seen
    frame = _covered(seen, boxes) if boxes else seen.frame
    title, url, *notices = texts
    return replace(seen, frame=frame, nodes=nodes, title=title, url=url, notices=tuple(notices))


def _cut(node: Node, clean: Callable[[str], str]) -> Node:
    name, value = clean(node.name), clean(node.value)
    form = node.form and replace(node.form, text=clean(node.form.text))
    row = clean(node.row)
    if (name, value, row) == (node.name, node.value, node.row) and form == node.form:
        return node
    if node.editable and value != node.value:
        value = ""
    return replace(node, name=name, value=value, form=form, row=row)


def _covered(seen: Observation, boxes: list[Rect]) -> Frame:
    """Each box filled with the colour inside its own edge, with a row of dots."""
    from PIL import ImageDraw

    picture = seen.frame.image.copy()
    drawing = ImageDraw.Draw(picture)
    for box in (box.intersect(seen.screen.rect) for box in boxes):
        if box.width <= 2 * _EDGE or box.height <= 2 * _EDGE:
            drawing.rectangle((box.left, box.top, max(box.left, box.right - 1), max(box.top, box.bottom - 1)), fill=0)
            continue
        paper = picture.getpixel((box.left + _EDGE, box.top + _EDGE))
        ink = (60, 60, 60) if sum(paper) > 3 * 128 else (220, 220, 220)  # type: ignore[arg-type]
        inside = (box.left + _EDGE, box.top + _EDGE, box.right - 1 - _EDGE, box.bottom - 1 - _EDGE)
        drawing.rectangle(inside, fill=paper)
        middle, dot = (box.top + box.bottom) // 2, max(2, min(4, box.height // 10))
        for at in range(box.left + 10, min(box.right - 10, box.left + 10 + 8 * 4 * dot), 4 * dot):
            drawing.ellipse((at - dot, middle - dot, at + dot, middle + dot), fill=ink)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return Frame(out.getvalue())
