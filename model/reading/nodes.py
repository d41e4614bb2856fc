"""Pieces of text and things become nodes with roles and names, as a surface with an accessibility tree would list them.

Everything in them is what the reader believes it sees: claims, and sometimes misread ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.reading.alphabet import Alphabet
from model.reading.boxes import Thing
from model.reading.letters import Letters
from model.reading.lines import Glyph, Piece, parted

__all__ = ["nodes"]

_FIELDS = frozenset({"textbox", "combobox", "spinbutton", "listbox", "slider"})
_TICKS = frozenset({"checkbox", "radio", "switch"})
_WORDY = frozenset({"button", "link", "menuitem", "option", "tab"})
"""What the words beside a tick may be mistaken for."""
_LEAST_STATE, _LEAST_ICON, _SURE_ICON = 0.5, 0.35, 0.8
_SLACK = 4
"""Text that stands no further than this outside of a thing stands on it. Pixels."""


def nodes(
    things: Sequence[Thing], pieces: Sequence[Piece], alphabet: Alphabet, screen: Screen, letters: Letters | None = None
) -> tuple[Node, ...]:
    """All nodes in reading order.

    `letters` spell a run of text anew where it is cut because it stands on several things.
    """
    things = sorted(things, key=lambda one: _area(one))
    inside: dict[int, list[Piece]] = {n: [] for n in range(len(things))}
    free: list[Piece] = []

    def home(at: Glyph | Piece) -> int | None:
        return next((n for n, thing in enumerate(things) if _holds(thing, at)), None)

    for whole in pieces:
        for piece in parted(whole, home, letters):
            number = home(piece)
            (free if number is None else inside[number]).append(piece)
    used: set[int] = set()
    loose = [p for n, thing in enumerate(things) if alphabet.roles[thing.role] in _WORDY for p in inside[n]]
    labels = {}
    for n, thing in enumerate(things):
        role = alphabet.roles[thing.role]
        others = [piece for piece in loose if piece not in inside[n]] if role in _TICKS else []
        labels[n] = _label(thing, role, [*free, *others], things, used)
    found = [_node(n, thing, inside[n], labels[n], alphabet, screen) for n, thing in enumerate(things)]
    for piece in free:
        if id(piece) not in used:
            found.append(_text(len(found), piece, screen))
    return tuple(sorted((node for node in found if node is not None), key=_reading_order))


def _area(thing: Thing) -> float:
    return float((thing.box[2] - thing.box[0]) * (thing.box[3] - thing.box[1]))


def _holds(thing: Thing, at: Glyph | Piece) -> bool:
    left, top, right, bottom = thing.box.tolist()
    return bool(left - _SLACK <= at.x <= right + _SLACK and top - _SLACK <= at.middle <= bottom + _SLACK)


def _label(thing: Thing, role: str, free: Sequence[Piece], things: Sequence[Thing], used: set[int]) -> str:
    """The text beside a field or a tick that names it, which is then no text of its own."""
    if role not in _FIELDS and role not in _TICKS:
        return ""
    left, top, right, bottom = thing.box
    middle = (top + bottom) / 2
    best: tuple[float, Piece] | None = None
    for piece in free:
        if id(piece) in used:
            continue
        p_left, p_top, p_right, p_bottom = piece.box
        level = (
            abs(piece.middle - middle) < max(0.6 * (bottom - top), 9)
            if role in _TICKS
            else p_top < bottom and p_bottom > top
        )
        distance = None
        if role in _TICKS:
            if level and p_left >= right - 6 and p_left - right < 40:
                distance = p_left - right
            elif level and role == "switch" and p_right <= left + 6:
                distance = 40 + (left - p_right) / 4
            elif level and p_right <= left + 6 and left - p_right < 60:
                distance = 60 + left - p_right
        elif level and p_right <= left + 6 and left - p_right < 220:
            distance = 20 + (left - p_right) / 2
        elif p_bottom <= top + 6 and top - p_bottom < 28 and p_left > left - 24 and p_left < right:
            distance = (top - p_bottom) + abs(p_left - left) / 8
        if distance is not None and (best is None or distance < best[0]) and not _between(piece, thing, things):
            best = distance, piece
    if best is None:
        return ""
    used.add(id(best[1]))
    return best[1].text.rstrip(" :*")


def _between(piece: Piece, thing: Thing, things: Sequence[Thing]) -> bool:
    """Whether another thing stands between a text and the thing it might name, on one level."""
    left, top, right, bottom = thing.box
    low, high = (piece.right, left) if piece.right < left else (right, piece.left)
    if high <= low or not top - 4 <= piece.middle <= bottom + 4:
        return False
    return any(
        other is not thing and other.box[0] >= low - 4 and other.box[2] <= high + 4
        and other.box[1] < piece.middle < other.box[3]
        for other in things
    )  # fmt: skip


def _node(
    number: int, thing: Thing, inside: Sequence[Piece], label: str, alphabet: Alphabet, screen: Screen
) -> Node | None:
    role = alphabet.roles[thing.role]
    text = " ".join(piece.text for piece in sorted(inside, key=lambda one: (round(one.middle / 8), one.left)))
    states = {name for name, value in zip(alphabet.states, thing.states, strict=True) if value > _LEAST_STATE}
    icon = alphabet.icons[thing.icon] if thing.icon and thing.icon_sure > _LEAST_ICON else ""
    name, value = (label or text, text if label else "") if role in _FIELDS else (text or label, "")
    if role in _TICKS:  # the drawn tick itself is easily read as a letter
        name = label or (text if len(text) > 2 else "")
    if role not in _FIELDS and len(name) == 1 and icon and thing.icon_sure > _SURE_ICON:
        name = ""  # a cross is easily read as a letter too
    name = name or icon
    rect = _rect(thing.box, screen)
    if rect is None or (role == "image" and not name):
        return None
    return Node(
        id=f"read-{number}", role=role, name=name, rect=rect, value=value,
        enabled="disabled" not in states, focused="focused" in states,
        checked="checked" in states if role in _TICKS else None,
        selected=True if "selected" in states else None,
        editable=role in ("textbox", "spinbutton"),
    )  # fmt: skip


def _text(number: int, piece: Piece, screen: Screen) -> Node | None:
    rect = _rect(np.array(piece.box), screen)
    return None if rect is None else Node(id=f"read-{number}", role="text", name=piece.text, rect=rect)


def _rect(box: np.ndarray, screen: Screen) -> Rect | None:
    left, top = max(0, round(float(box[0]))), max(0, round(float(box[1])))
    right, bottom = min(screen.width, round(float(box[2]))), min(screen.height, round(float(box[3])))
    return Rect(left, top, right, bottom) if right > left and bottom > top else None


def _reading_order(node: Node) -> tuple[int, int]:
    return round(node.rect.centre.y / 14), node.rect.left
