"""A page as the reading heads might list it: letters mistaken, lost or doubled, states and roles missed, places a little off."""

from __future__ import annotations

import dataclasses
import random

from actuators.geometry import Rect
from actuators.observation import Node
from model.training.pages import Page

__all__ = ["misread"]

_LIKE = {
    "l": "1Ii", "I": "l1", "1": "lI", "O": "0Q", "0": "Oo", "o": "ce0", "e": "co", "c": "eo", "a": "oe", "n": "mu", "m": "nr", "u": "vn",
    "v": "uy", "r": "tn", "t": "fr", "f": "t", "i": "l!", "S": "5s", "5": "S", "B": "8", "8": "B", "s": "a", "g": "qy", "y": "vg", "h": "bn",
    "b": "h6", "w": "v", "W": "w", "C": "c", "K": "k", "P": "p", "-": "_", ".": ",", ",": ".", "'": "",
}  # fmt: skip
_ROLE = {
    "button": ("link", "text", "tab"),
    "link": ("text", "button"),
    "tab": ("link", "button"),
    "menuitem": ("link", "text"),
    "option": ("text",),
    "heading": ("text",),
    "cell": ("text",),
}


def misread(page: Page, dice: random.Random, share: float) -> Page:
    """The same nodes in the same order, about `share` of their letters wrong."""
    return dataclasses.replace(page, nodes=tuple(_misread(node, page, dice, share) for node in page.nodes))


def _misread(node: Node, page: Page, dice: random.Random, share: float) -> Node:
    changes: dict[str, object] = {"name": _spelt(node.name, dice, share), "value": _spelt(node.value, dice, share)}
    if dice.random() < share and node.role in _ROLE:
        changes["role"] = dice.choice(_ROLE[node.role])
    if dice.random() < 0.5:
        changes["focused"] = False
    if dice.random() < share:
        changes["checked"] = None if node.checked is None else not node.checked
    box = node.rect
    dx, dy = dice.randint(-3, 3), dice.randint(-2, 2)
    left, top = max(0, box.left + dx), max(0, box.top + dy)
    right, bottom = min(page.screen.width, box.right + dx), min(page.screen.height, box.bottom + dy)
    if right > left and bottom > top:
        changes["rect"] = Rect(left, top, right, bottom)
    return dataclasses.replace(node, **changes)


def _spelt(text: str, dice: random.Random, share: float) -> str:
    if not text or dice.random() > 6 * share:
        return text
    out = []
    for char in text:
        draw = dice.random()
        if draw > share * 1.5:
            out.append(char)
        elif draw < share:
            out.append(dice.choice(_LIKE.get(char, "") or "aeionrts"))
        elif draw < share * 1.25 and char != " ":
            out += [char, char]
    return "".join(out) or text
