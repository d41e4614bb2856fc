"""From a guest's accessibility XML to the words of this package, and what lies under a point of it.

The XML tells no order of windows. A point belongs to a menu that is open, else to the window in front, else to the only
window that is there; where several overlap and none of them is in front, nothing is known of what lies there.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from actuators.a11y_words import MOST_TEXT
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Node

__all__ = ["GuestScreen", "TreeUnreadable", "Window", "screen_of"]

_NS = re.compile(r"^\{https://accessibility\.[a-z]+\.example\.org/ns/([a-z/]+)\}(.+)$")
_PAIR = re.compile(r"\((-?\d{1,6}), (-?\d{1,6})\)")
_DEEP = 60
_ROLES = {
    "push-button": "button", "toggle-button": "button", "button": "button", "check-box": "checkbox",
    "radio-button": "radio", "combo-box": "combobox", "entry": "textbox", "text": "textbox", "password-text": "textbox",
    "terminal": "textbox", "label": "text", "static": "text", "paragraph": "text", "heading": "heading",
    "link": "link", "menu": "menu", "menu-bar": "menubar", "menu-item": "menuitem", "check-menu-item":
    "menuitemcheckbox", "radio-menu-item": "menuitemradio", "list": "listbox", "list-box": "listbox",
    "list-item": "option", "page-tab": "tab", "page-tab-list": "tablist", "progress-bar": "progressbar",
    "scroll-bar": "scrollbar", "slider": "slider", "spin-button": "spinbutton", "table": "table",
    "table-cell": "cell", "tree": "tree", "tree-item": "treeitem", "tree-table": "table", "image": "image",
    "icon": "option", "canvas": "canvas", "drawing-area": "canvas", "dialog": "dialog", "alert": "alert",
    "tool-tip": "tooltip", "status-bar": "status", "table-column-header": "columnheader",
    "table-row-header": "rowheader", "document-web": "document", "document-frame": "document", "frame": "window",
    "window": "window", "file-chooser": "dialog", "color-chooser": "dialog", "info-bar": "alert", "section": "",
}  # fmt: skip
"""AT-SPI's names and ours; what is not in it only groups other things."""
_INTO = frozenset({"scroll-pane", "viewport", "layered-pane"})
"""What shows only a part of the things in it."""
_CHECKS = frozenset({"checkbox", "radio", "menuitemcheckbox", "menuitemradio"})
_PARTS = frozenset({"window", "dialog", "menubar", "tablist", "table", "listbox", "tree", "alert", "document", "menu"})
_TOPS = frozenset({"frame", "dialog", "window", "alert", "file-chooser", "color-chooser", "tool-tip"})
_FIELDS = frozenset({"entry", "text", "password-text", "terminal", "spin-button"})
"""What holds text of its own, whether it can be changed or not."""
_NAMELESS = frozenset({"textbox", "combobox", "spinbutton", "slider"})
_BEFORE_PX = 160


class TreeUnreadable(Exception):
    """What the guest sent is no accessibility tree."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a program, with what it shows. Rectangles are screen pixels."""

    app: str
    title: str
    rect: Rect
    active: bool
    pops: bool
    """Whether it is a menu or a hint in front of everything."""
    nodes: tuple[Node, ...]
    bars: tuple[tuple[int, float, float, float], ...]
    """Upright scroll bars: area, least, now, most."""


@dataclass(frozen=True, slots=True)
class GuestScreen:
    """Everything that a guest's programs said they show."""

    windows: tuple[Window, ...]

    @property
    def active(self) -> Window | None:
        return next((one for one in self.windows if one.active), None)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What can be seen, from the top to the bottom and from the left to the right."""
        found = []
        for one in self.windows:
            above = [other.rect for other in self.windows if other is not one and _before(other, one)]
            found += [node for node in one.nodes if not any(rect.contains(node.rect.centre) for rect in above)]
        return tuple(sorted(found, key=lambda one: (one.rect.top, one.rect.left, -one.rect.area, one.id)))

    def at(self, point: Point) -> tuple[Window | None, Node | None]:
        """The window and the smallest thing under a point; None where it cannot be told."""
        over = [one for one in self.windows if one.rect.contains(point)]
        for front in ([one for one in over if one.pops], [one for one in over if one.active], over):
            if len(front) == 1 or (front and front[0].pops):
                window = front[-1]
                hits = [node for node in window.nodes if node.rect.contains(point) and node.role != "window"]
                hits.sort(key=lambda node: (node.role in _PARTS, node.rect.area))
                return window, hits[0] if hits else None
        return None, None

    def focused(self) -> tuple[Window | None, Node | None]:
        """What has the keyboard in the window in front."""
        window = self.active
        if window is None:
            return None, None
        hits = [node for node in window.nodes if node.focused and node.role not in ("window", "dialog")]
        hits.sort(key=lambda node: (not node.editable, node.rect.area))
        return window, hits[0] if hits else None

    @property
    def more(self) -> tuple[Literal["above", "below"], ...]:
        """Where scrolling would show more, by the largest upright bar of the window in front."""
        window = self.active
        if window is None or not window.bars:
            return ()
        _, least, now, most = max(window.bars)
        found: list[Literal["above", "below"]] = []
        if now > least + 0.5:
            found.append("above")
        if now < most - 0.5:
            found.append("below")
        return tuple(found)


def screen_of(xml: str, screen: Screen) -> GuestScreen:
    """Read a tree. Raises `TreeUnreadable`."""
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise TreeUnreadable("the guest's accessibility tree defines words of its own, which none needs")
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise TreeUnreadable(f"the guest's accessibility tree is no XML: {error}") from None
    windows: list[Window] = []
    for place, program in enumerate(root):
        for number, top in enumerate(program):
            found = _window(top, program.get("name", ""), f"{place}/{number}", screen)
            if found is not None:
                windows.append(found)
    return GuestScreen(tuple(windows))


def _window(top: ElementTree.Element, app: str, path: str, screen: Screen) -> Window | None:
    box, states = _box(top), _states(top)
    if box is None or top.tag not in _TOPS:
        return None
    rect = box.intersect(screen.rect)
    told = list(_below(top, f"{path}:{top.tag}", rect, 0))
    nodes = [node for _, node in told if node is not None]
    bars = [
        (node.rect.area, *bar)
        for one, node in told
        if node is not None and node.role == "scrollbar" and node.rect.height > node.rect.width and (bar := _bar(one))
    ]
    active = "active" in states
    nodes = [node if active else replace(node, focused=False) for node in nodes]
    title = " ".join(top.get("name", "").split())[:500]
    pops = top.tag in ("window", "tool-tip")
    named = tuple(_called(node, nodes) for node in nodes)
    return Window(" ".join(app.split())[:200], title, rect, active, pops, named, tuple(bars))


def _below(
    one: ElementTree.Element, path: str, clip: Rect, deep: int
) -> Iterator[tuple[ElementTree.Element, Node | None]]:
    """One thing and those in it, each with the part that can be seen."""
    if deep > _DEEP:
        return
    box = _box(one)
    node = _node(one, path, box.intersect(clip)) if box is not None else None
    yield one, node
    if box is not None and one.tag in _INTO:
        clip = box.intersect(clip)
    for place, child in enumerate(one):
        yield from _below(child, f"{path}/{place}", clip, deep + 1)


def _node(one: ElementTree.Element, path: str, rect: Rect) -> Node | None:
    states = _states(one)
    role = _ROLES.get(one.tag, "")
    editable = "editable" in states
    if one.tag == "text" and not editable:
        role = "text"
    if not role or not rect.area:
        return None
    password = one.tag == "password-text"
    fields = editable or one.tag in _FIELDS
    text = (one.text or "")[:MOST_TEXT]
    enabled = "sensitive" in states or "enabled" in states
    name = " ".join(one.get("name", "").split())[:500]
    value = "" if password or not fields else text
    if role in ("slider", "spinbutton", "progressbar") and not value:
        value = _attribute(one, "value", "value")
    if role == "combobox" and not value:
        value = name
    if not name and not fields and role in ("text", "heading"):
        name = " ".join(text.split())[:500]
    tag = role if role != "textbox" else ("textview" if "multi-line" in states else "entry")
    if one.tag == "terminal":
        tag = one.tag
    return Node(
        id=path,
        role=role,
        name=name,
        rect=rect,
        value=value,
        enabled=enabled,
        focused="focused" in states,
        checked="checked" in states if role in _CHECKS or "checkable" in states else None,
        expanded="expanded" in states if "expandable" in states else None,
        selected="selected" in states if "selectable" in states else None,
        password=password,
        filled=bool(text) if fields else None,
        editable=enabled and editable,
        tag=tag,
    )


def _called(node: Node, nodes: list[Node]) -> Node:
    """A field without a name is called by the words that stand just before it."""
    if node.name or node.role not in _NAMELESS:
        return node
    middle = (node.rect.top + node.rect.bottom) // 2
    near = [
        (node.rect.left - one.rect.right, one.name)
        for one in nodes
        if one.role == "text" and one.name and one.rect.top <= middle < one.rect.bottom
    ]
    near = [pair for pair in near if 0 <= pair[0] <= _BEFORE_PX]
    return replace(node, name=min(near)[1].rstrip(": ")) if near else node


def _states(one: ElementTree.Element) -> set[str]:
    return {
        found[2]
        for key, told in one.attrib.items()
        if told == "true" and (found := _NS.match(key)) and found[1] == "state"
    }


def _attribute(one: ElementTree.Element, space: str, name: str) -> str:
    for key, told in one.attrib.items():
        found = _NS.match(key)
        if found and (found[1], found[2]) == (space, name):
            return told
    return ""


def _box(one: ElementTree.Element) -> Rect | None:
    """Where it is; None for what is not shown."""
    at = _PAIR.fullmatch(_attribute(one, "component", "screencoord"))
    size = _PAIR.fullmatch(_attribute(one, "component", "size"))
    if at is None or size is None or int(size[1]) <= 0 or int(size[2]) <= 0:
        return None
    left, top = int(at[1]), int(at[2])
    return Rect(left, top, left + int(size[1]), top + int(size[2]))


def _bar(one: ElementTree.Element) -> tuple[float, float, float] | None:
    try:
        least, now, most = (float(_attribute(one, "value", name)) for name in ("min", "value", "max"))
    except ValueError:
        return None
    return least, now, most


def _before(one: Window, other: Window) -> bool:
    """Whether a window is in front of another, as far as that can be told."""
    return (one.pops and not other.pops) or (one.active and not other.active and not other.pops)
