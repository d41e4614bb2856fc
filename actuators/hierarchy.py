"""A phone's window as `uiautomator dump` writes it, made into nodes: roles, names, values, states, boxes.

What is pressed as one thing is one node: a row of a list takes the words of everything in it that is not pressed by
itself, and the state of the switch in it. Text in the file is the app's claim. A file with a document type is refused,
so no entity is ever defined or fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from actuators.geometry import Digitizer, Point, Rect
from actuators.observation import Node

__all__ = ["Hierarchy", "HierarchyUnreadable", "hierarchy_of"]

_MOST = 8 * 2**20
"""Characters; a longer file is refused."""
_BOUNDS = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")
_PAIR = re.compile(r"&#(5[5-6]\d{3});&#(5[6-7]\d{3});")
_LONE = re.compile(r"&#(?:x[dD][89a-fA-F][0-9a-fA-F]{2}|5[5-7]\d{3});")
_NOT_XML = re.compile(
    r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|&#(?:x0*)?(?:[0-8]|1[1-2]|1[4-9]|2\d|3[01]);"
)
_ROLES: tuple[tuple[str, str], ...] = (
    ("EditText", "textbox"),
    ("AutoCompleteTextView", "textbox"),
    ("CheckBox", "checkbox"),
    ("RadioButton", "radio"),
    ("Switch", "switch"),
    ("SwitchCompat", "switch"),
    ("MaterialSwitch", "switch"),
    ("ToggleButton", "switch"),
    ("CheckedTextView", "option"),
    ("Spinner", "combobox"),
    ("SeekBar", "slider"),
    ("ProgressBar", "status"),
    ("Tab", "tab"),
    ("Button", "button"),
    ("ImageButton", "button"),
)
_FIELDS = ("EditText", "AutoCompleteTextView", "MultiAutoCompleteTextView")


class HierarchyUnreadable(ValueError):
    """The file is no hierarchy."""


@dataclass(slots=True)
class _Element:
    told: Mapping[str, str]
    path: str
    children: list[_Element] = field(default_factory=list)

    def yes(self, name: str) -> bool:
        return self.told.get(name) == "true"

    def said(self, name: str) -> str:
        return " ".join(self.told.get(name, "").split())

    @property
    def kind(self) -> str:
        """The class without its package: `android.widget.EditText` is `EditText`."""
        return re.split(r"[.$]", self.told.get("class", ""))[-1]

    @property
    def editable(self) -> bool:
        return self.kind.endswith(_FIELDS)

    @property
    def presses(self) -> bool:
        """Whether it is a thing of its own to press, hold or type into."""
        return self.yes("clickable") or self.yes("long-clickable") or self.editable

    def all(self) -> Iterator[_Element]:
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The nodes of one window, from back to front."""

    nodes: tuple[Node, ...]
    app: str
    """The package that the window says it belongs to."""
    scrollables: tuple[tuple[str, Rect], ...]
    """Id and box of everything that scrolls."""

    def at(self, point: Point) -> Node | None:
        """What a touch would press: the foremost thing there; text only where nothing takes touches."""
        hits = [node for node in self.nodes if node.rect.contains(point)]
        presses = [node for node in hits if node.role not in ("text", "image", "heading", "status")]
        return next(reversed(presses or hits), None)

    @property
    def focused(self) -> Node | None:
        """The field that keys go to."""
        held = [node for node in self.nodes if node.focused]
        return next((node for node in held if node.editable), held[0] if held else None)

    def scrolling(self, point: Point) -> tuple[str, Rect] | None:
        """The innermost thing that scrolls under a point."""
        holding = [one for one in self.scrollables if one[1].contains(point)]
        return min(holding, key=lambda one: one[1].area, default=None)


def hierarchy_of(xml: str, panel: Digitizer, hints: dict[str, str] | None = None) -> Hierarchy:
    """Read a dump.

    Args:
        xml: as the phone wrote it.
        panel: how its pixels become the screenshot's.
        hints: what empty fields were seen to say, by node id; read, and added to. Phones before Android 14 give a
            field's hint as its text and do not tell the one from the other.

    Raises:
        HierarchyUnreadable: it is not well-formed, has a document type, or is too long.
    """
    root = _parsed(xml)
    known = {} if hints is None else hints
    nodes: list[Node] = []
    scrollables: list[tuple[str, Rect]] = []
    for element in root.all():
        box = _box(element, panel)
        if box is not None and element.yes("scrollable"):
            scrollables.append((element.path, box))
    for child in root.children:
        _collect(child, panel, known, nodes, absorbed=False)
    app = next((one.told["package"] for one in root.all() if one.told.get("package")), "")
    return Hierarchy(tuple(nodes), app, tuple(scrollables))


def _collect(element: _Element, panel: Digitizer, hints: dict[str, str], nodes: list[Node], absorbed: bool) -> None:
    box = _box(element, panel)
    checks = element.yes("checkable") and not absorbed
    if box is not None and (element.presses or checks):
        nodes.append(_pressed(element, box, hints))
        absorbed = True
    elif box is not None and not absorbed and (element.said("text") or element.said("content-desc")):
        nodes.append(_read(element, box))
    for child in element.children:
        _collect(child, panel, hints, nodes, absorbed)


def _pressed(element: _Element, box: Rect, hints: dict[str, str]) -> Node:
    inner = element if element.yes("checkable") else next(_inside(element, "checkable"), element)
    id_ = _id(element)
    name, value = _words(element, hints) if element.editable else (_label(element), "")
    if not element.editable and element.said("content-desc") and element.said("text"):
        value = element.said("text") if element.said("text") != name else ""
    password = element.yes("password")
    return Node(
        id=id_,
        role=_role(inner),
        name=name,
        rect=box,
        value="" if password else value,
        enabled=element.yes("enabled"),
        focused=element.yes("focused"),
        checked=inner.yes("checked") if inner.yes("checkable") else None,
        selected=True if element.yes("selected") else None,
        password=password,
        filled=bool(value) if element.editable else None,
        editable=element.editable,
        tag=element.kind,
    )


def _read(element: _Element, box: Rect) -> Node:
    text, described = element.said("text"), element.said("content-desc")
    role = "image" if element.kind.startswith("Image") else "status" if element.kind == "ProgressBar" else "text"
    return Node(
        id=_id(element),
        role=role,
        name=described or text,
        rect=box,
        value=text if described and text != described else "",
        enabled=element.yes("enabled"),
        tag=element.kind,
    )


def _label(element: _Element) -> str:
    """What a thing is called: its own words, else those of everything in it that is not pressed by itself."""
    if own := element.said("content-desc") or element.said("text"):
        return own
    words = [one.said("content-desc") or one.said("text") for one in _plain(element)]
    return ", ".join(dict.fromkeys(word for word in words if word))


def _words(element: _Element, hints: dict[str, str]) -> tuple[str, str]:
    """Name and value of a field. The value keeps its white space; a hint is no value."""
    id_, text, called = _id(element), element.told.get("text", ""), element.said("content-desc")
    hint = element.said("hint")
    from_id = element.told.get("resource-id", "").rpartition("/")[2].replace("_", " ").strip()
    if "hint" not in element.told and id_ not in hints and _like(from_id, text):
        hints[id_] = " ".join(text.split())
    hint = hint or hints.get(id_, "")
    value = "" if hint and " ".join(text.split()) == hint else text
    return called or hint or from_id[:1].upper() + from_id[1:], value


def _like(name: str, text: str) -> bool:
    """Whether a field's text looks like its hint: a word of it is in what the app's authors call the field."""
    return bool(set(re.findall(r"\w{3,}", name.casefold())) & set(re.findall(r"\w{3,}", text.casefold())))


def _plain(element: _Element) -> Iterator[_Element]:
    for child in element.children:
        if not child.presses:
            yield child
            yield from _plain(child)


def _inside(element: _Element, name: str) -> Iterator[_Element]:
    return (one for one in _plain(element) if one.yes(name))


def _role(element: _Element) -> str:
    for ending, role in _ROLES:
        if element.kind == ending or (
            ending.endswith(("EditText", "TextView", "Button")) and element.kind.endswith(ending)
        ):
            return role
    return "checkbox" if element.yes("checkable") else "button"


def _id(element: _Element) -> str:
    return f"{element.path}:{element.told.get('resource-id') or element.kind}"


def _box(element: _Element, panel: Digitizer) -> Rect | None:
    found = _BOUNDS.fullmatch(element.told.get("bounds", ""))
    if found is None:
        return None
    left, top, right, bottom = map(int, found.groups())
    box = panel.box(left, top, right, bottom)
    return box if box.area else None


def _parsed(xml: str) -> _Element:
    if len(xml) > _MOST:
        raise HierarchyUnreadable("the window's description is too long")
    root = _Element({}, "")
    stack = [root]

    def start(name: str, told: dict[str, str]) -> None:
        parent = stack[-1]
        path = f"{parent.path}.{len(parent.children)}" if parent.path else str(len(parent.children))
        element = _Element(told, path)
        parent.children.append(element)
        stack.append(element)

    def refuse(*given: object) -> None:
        raise HierarchyUnreadable("the window's description has a document type")

    reader = expat.ParserCreate()
    reader.StartElementHandler = start
    reader.EndElementHandler = lambda name: stack.pop()
    reader.StartDoctypeDeclHandler = refuse
    reader.EntityDeclHandler = refuse
    try:
        reader.Parse(_mended(xml).encode("utf-8"), True)
    except (expat.ExpatError, RecursionError) as problem:
        raise HierarchyUnreadable(f"the window's description cannot be read: {problem}") from None
    return root


def _mended(xml: str) -> str:
    """With emoji that were written as two halves put together, and without what no XML may hold."""

    def joined(found: re.Match[str]) -> str:
        high, low = int(found[1]), int(found[2])
        whole = 0xD800 <= high < 0xDC00 <= low < 0xE000
        return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00) if whole else "\ufffd"

    return _NOT_XML.sub("\ufffd", _LONE.sub("\ufffd", _PAIR.sub(joined, xml)))
