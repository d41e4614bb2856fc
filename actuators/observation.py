"""The words for seeing: a frame, the nodes on it, and what lies under a point."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from actuators.geometry import Point, Rect, Screen

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

__all__ = ["Form", "Frame", "Node", "Observation", "Surface", "Target", "money_like"]

Surface = Literal["browser", "desktop", "android", "guest", "fake"]


@dataclass(frozen=True)
class Frame:
    """A screenshot as PNG bytes, decoded only when someone asks for pixels."""

    png: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the PNG bytes, 64 hexadecimal digits."""
        return hashlib.sha256(self.png).hexdigest()

    @cached_property
    def image(self) -> Image:
        """The decoded picture, mode RGB."""
        from PIL import Image as pil

        with pil.open(io.BytesIO(self.png)) as opened:
            return opened.convert("RGB")

    @cached_property
    def pixels(self) -> np.ndarray:
        """Shape (height, width, 3), uint8, RGB."""
        import numpy as np

        return np.asarray(self.image)


@dataclass(frozen=True, slots=True)
class Form:
    """Where a form would send what was typed."""

    method: str
    """Upper case: GET, POST or DIALOG."""
    action: str
    """Absolute URL."""
    text: str = ""
    """The form's visible text, at most 2,000 characters: claims by the screen, not facts."""
    state: str = ""
    """Changes whenever any field does, hidden ones too, and tells nothing of their values; empty where unknown."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operable or readable thing on the screen, as the surface describes it. All text is the screen's claim."""

    id: str
    """Unique within one observation; equal across observations for the same live element where that can be told."""
    role: str
    """ARIA role names: button, link, textbox, combobox, checkbox, radio, option, tab, heading, text, image..."""
    name: str
    rect: Rect
    """The visible part, screen pixels."""
    value: str = ""
    """Current text or choice; empty for password fields, see `filled`."""
    enabled: bool = True
    focused: bool = False
    checked: bool | None = None
    """None where the thing cannot be checked or pressed."""
    expanded: bool | None = None
    selected: bool | None = None
    password: bool = False
    filled: bool | None = None
    """For fields: whether anything is in them; the only thing told about a password."""
    editable: bool = False
    origin: str = ""
    """scheme://host:port of the document that owns it; empty outside a browser."""
    href: str = ""
    """Absolute link target; empty where there is none."""
    autocomplete: str = ""
    """The field's autocomplete token (`cc-number`, `one-time-code`), lower case."""
    form: Form | None = None
    tag: str = ""
    """Element or class name as the surface calls it; for fingerprints and facts, not for display."""
    submits: bool = False
    """Whether activating it submits `form`."""
    path: str = ""
    """Where it stands in the page, from the nearest id down, as `#booking>form:1>button:2`; browser only."""
    row: str = ""
    """The words of the table row or list item that holds it, at most 300 characters; browser only."""


_MONEY = re.compile(
    r"(?:[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY)\b)\s?\d[\d.,'\u00a0\u202f ]{0,24}"
    r"|\d[\d.,'\u00a0\u202f ]{0,24}\s?(?:[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY)\b)"
)


def money_like(text: str) -> tuple[str, ...]:
    """Every substring that looks like an amount of money, in order, white space stripped."""
    return tuple(match.group().strip() for match in _MONEY.finditer(text))


_KEPT: dict[str, tuple[object, str]] = {}
"""The target whose digest was asked for last, by identity: it is frozen, so that it cannot have another since."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an action would touch, resolved on the live surface before a decision and again just before the act."""

    surface: Surface
    node: Node | None
    """The topmost node under the point, the focused node for keys and text; None where the surface cannot tell."""
    point: Point | None
    origin: str = ""
    """Origin of the page that would receive the act, or of the address for `OpenUrl`."""
    url: str = ""
    app: str = ""
    window: str = ""
    region: Rect | None = None
    region_digest: str = ""
    """SHA-256 of the pixels around the point, for surfaces or elements without nodes; empty where the node decides."""
    destination: str = ""
    """Where the act would send something or lead to: form action, link target, address; empty when nowhere."""
    secret_field: bool = False
    drop: Node | None = None
    """The topmost node under the point where a drag lets go; None for everything else, or where it cannot be told."""
    drop_digest: str = ""
    """SHA-256 of the pixels around that point, where it has no node that decides."""

    @property
    def digest(self) -> str:
        """Identity of what was judged: equal digests mean that the same thing would be touched on the same terms.

        Position is left out on purpose (a page may reflow under a still pointer); the element's identity, words,
        value, destination and every amount of money in its form are in; where it is sent, so are all its fields.
        """
        kept = _KEPT.get("last")
        if kept is not None and kept[0] is self:  # one target is asked for it several times while it is judged
            return kept[1]
        found = self._digest()
        _KEPT["last"] = (self, found)
        return found

    def _digest(self) -> str:
        node = self.node
        terms: dict[str, object] = {
            "surface": self.surface,
            "origin": self.origin,
            "app": self.app,
            "window": self.window,
            "destination": self.destination,
            "region": self.region_digest,
            "node": _identity(node),
            "form": None
            if node is None or node.form is None
            else [
                node.form.method,
                node.form.action,
                money_like(node.form.text),
                node.form.state if self.destination else "",
            ],
        }
        if self.drop is not None or self.drop_digest:
            terms["drop"] = [_identity(self.drop), self.drop_digest]
        text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _identity(node: Node | None) -> list[object] | None:
    """What makes a node the same thing on the same terms."""
    if node is None:
        return None
    told = (node.id, node.role, node.name, node.value, node.enabled, node.checked, node.password)
    return [*told, node.tag, node.origin, node.href, node.submits]


@dataclass(frozen=True)
class Observation:
    """What was seen at one moment. Every action names pixels of the observation it was proposed on."""

    seq: int
    """Counts up from 0 within one actuator."""
    taken_at: float
    """Seconds since the epoch."""
    surface: Surface
    screen: Screen
    frame: Frame
    nodes: tuple[Node, ...] = ()
    """Visible nodes in reading order; empty where the surface has none."""
    origin: str = ""
    url: str = ""
    title: str = ""
    app: str = ""
    window: str = ""
    more: tuple[Literal["above", "below"], ...] = ()
    """Where scrolling would show more of the page; empty where the surface cannot tell."""
    notices: tuple[str, ...] = ()
    """What happened since the last look, in the runtime's words: dialogs, downloads, new tabs."""
    pictured: bool = True
    """False where the nodes were read anew and the picture is still that of an earlier look."""

    @property
    def digest(self) -> str:
        return self.frame.digest

    def node_at(self, point: Point) -> Node | None:
        """The smallest node whose box holds the point. A hint: `Actuator.target` asks the live surface."""
        hits = [node for node in self.nodes if node.rect.contains(point)]
        return min(hits, key=lambda node: node.rect.area, default=None)

    def text(self) -> str:
        """Names and values of all nodes, one per line, in reading order."""
        lines = (f"{node.name} {node.value}".strip() for node in self.nodes)
        return "\n".join(line for line in lines if line)
