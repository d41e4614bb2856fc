"""`diagram`: a picture of a diagram as draw.io XML, parsed without entities or document types, and checked.

Nothing in it is run: draw.io can show HTML in labels and load pictures by style, so both are refused.
"""

from __future__ import annotations

import math
import re
from importlib.util import find_spec
from typing import Any
from xml.etree.ElementTree import Element

from model.asking.form import BOX, MARKUP_MARKS, Asked, Misread, OnePrompt, Read, body_of, sound
from model.asking.media import Unusable
from model.asking.spotting import objects

__all__ = ["Diagram"]

_MOST_CHARS = 400_000
_MOST_CELLS = 2000
_KNOWN = frozenset(
    [
        "mxfile",
        "diagram",
        "mxGraphModel",
        "root",
        "mxCell",
        "mxGeometry",
        "mxPoint",
        "Array",
        "UserObject",
        "object",
        "mxRectangle",
    ]
)
_LOADS = re.compile(r"(?:image\s*=|url\s*\(|https?:|javascript:|data:|link\s*=|//)", re.IGNORECASE)
_TAGGED = re.compile(r"<\s*/?\s*([a-zA-Z!][a-zA-Z0-9]*)([^<>]*)>?")
_PLAIN_TAGS = frozenset(
    [
        "b",
        "i",
        "u",
        "s",
        "br",
        "div",
        "span",
        "p",
        "font",
        "sub",
        "sup",
        "strong",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "ul",
        "ol",
        "li",
        "hr",
    ]
)

_GRAMMAR = r"""
start: "```xml\n<mxGraphModel>\n<root>\n" layers cell{1,300} "</root>\n</mxGraphModel>\n```"
layers: "<mxCell id=\"0\"/>\n<mxCell id=\"1\" parent=\"0\"/>\n"
cell: "<mxCell id=\"" ID "\" value=\"" VALUE "\" style=\"" STYLE "\" " (vertex | edge) "</mxCell>\n"
vertex: "vertex=\"1\" parent=\"1\">\n<mxGeometry " corner size "as=\"geometry\"/>\n"
corner: "x=\"" NUMBER "\" y=\"" NUMBER "\" "
size: "width=\"" NUMBER "\" height=\"" NUMBER "\" "
edge: "edge=\"1\" parent=\"1\" source=\"" ID "\" target=\"" ID "\">\n<mxGeometry relative=\"1\" as=\"geometry\"/>\n"
ID: /[2-9]|[1-9][0-9]{1,2}/
NUMBER: /0|[1-9][0-9]{0,3}/
VALUE: /([^<>"&\x00-\x1f\x7f]|&(amp|quot|#10);){0,300}/
STYLE: /([a-zA-Z]{1,30}(=[A-Za-z0-9#.,-]{1,40})?;){0,20}/ & ~/(?i:(?s:.*)(image|link|data)=(?s:.*))/
"""


class Diagram(OnePrompt):
    """A diagram as draw.io XML."""

    name = "diagram"
    about = "a picture of a diagram as draw.io XML, with its shapes and connections; parsed and checked, never run"
    words = 8192
    marks = MARKUP_MARKS

    def prompt(self, asked: Asked) -> str:
        width, height = asked.pictures[0].size
        return (
            "Write this diagram as draw.io XML: one mxGraphModel with a root, a mxCell for each shape and each "
            f"connection, ids from 2 on. The drawing measures {width}x{height}, as the picture does. Labels are plain "
            f"text, styles load no pictures. Reply with the XML and nothing else.{self.wish(asked)}"
        )

    def lark(self, asked: Asked) -> str:
        return _GRAMMAR

    def read(self, reply: str, asked: Asked) -> Read:
        text = sound(body_of(reply).strip())
        root = _parsed(text)
        cells = [one for one in root.iter() if one.tag == "mxCell"]
        if not cells or len(cells) > _MOST_CELLS:
            raise Misread(f"{len(cells)} cells, expected 1 to {_MOST_CELLS}")
        strange = next((one.tag for one in root.iter() if one.tag not in _KNOWN), None)
        if strange is not None:
            raise Misread(f"<{str(strange)[:40]}> is no element of draw.io")
        for one in root.iter():
            _refuse(one)
        shapes, connections, problems = _drawn(cells)
        return Read({"xml": text, "shapes": shapes, "connections": connections}, tuple(dict.fromkeys(problems)))

    def schema(self, asked: Asked) -> dict[str, Any]:
        text = {"type": "string"}
        end = {"description": "id of a shape; null where it hangs loose", "type": ["string", "null"]}
        shape = objects({"id": text, "text": text, "box": {"anyOf": [BOX, {"type": "null"}]}})
        connection = objects({"id": text, "text": text, "source": end, "target": end})
        return objects(
            {
                "xml": text,
                "shapes": {"type": "array", "items": shape},
                "connections": {"type": "array", "items": connection},
            }
        )

    def told(self, answer: Any) -> str:
        return str(answer["xml"])


def _parsed(text: str) -> Element:
    """The XML. Raises `Misread`."""
    if len(text) > _MOST_CHARS:
        raise Misread(f"{len(text)} characters are too many, at most {_MOST_CHARS}")
    if find_spec("defusedxml") is None:
        raise Unusable("diagrams need defusedxml: pip install 'deskhand[ask]'")
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(text, forbid_dtd=True)
        return root
    except DefusedXmlException as error:
        raise Misread(f"a document type or entities are not wanted: {type(error).__name__}") from None
    except (ParseError, ValueError, RecursionError) as error:
        raise Misread(f"no XML: {' '.join(str(error).split())[:100]}") from None


def _refuse(one: Element) -> None:
    """Raises `Misread` for what would load something or show more than text."""
    for name, value in one.attrib.items():
        if name == "style" and _LOADS.search(value):
            raise Misread(f"a style that loads something: {value[:60]}")
        if name in ("link", "href", "src", "backgroundImage") or name.startswith("on"):
            raise Misread(f"{name} is not wanted")
        if name in ("value", "label"):
            for tag, rest in _TAGGED.findall(value):
                if tag.lower() not in _PLAIN_TAGS or re.search(
                    r"\bon\w+\s*=|src\s*=|href\s*=|url\s*\(", rest, re.IGNORECASE
                ):
                    raise Misread(f"a label with <{tag}> is not wanted, only plain text")


def _drawn(cells: list[Element]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    shapes, connections, problems = [], [], []
    ids = [one.get("id", "") for one in cells]
    known = set(ids)
    problems += [f"id `{name[:40]}` is given twice" for name in dict.fromkeys(ids) if ids.count(name) > 1]
    for one in cells:
        name, text, parent = one.get("id", ""), _words(one.get("value", "")), one.get("parent")
        if parent is not None and parent not in known:
            problems.append(f"cell `{name[:40]}` lies in `{parent[:40]}`, which is not there")
        if one.get("edge") == "1":
            ends = {end: one.get(end) for end in ("source", "target")}
            problems += [
                f"connection `{name[:40]}` has its {end} at `{to[:40]}`, which is not there"
                for end, to in ends.items() if to is not None and to not in known
            ]  # fmt: skip
            connections.append({"id": name, "text": text, **ends})
        elif one.get("vertex") == "1":
            box = _box(one)
            if box is None:
                problems.append(f"shape `{name[:40]}` has no place")
            shapes.append({"id": name, "text": text, "box": box})
    return shapes, connections, problems


def _words(value: str) -> str:
    return " ".join(re.sub(r"<[^<>]*>?", " ", value).split())


def _box(cell: Element) -> list[int] | None:
    """Where a shape stands, pixels of the picture; None where its geometry is none."""
    place = cell.find("mxGeometry")
    if place is None:
        return None
    try:
        x, y, width, height = (float(place.get(key, "0")) for key in ("x", "y", "width", "height"))
    except ValueError:
        return None
    if not all(math.isfinite(one) and abs(one) < 1e6 for one in (x, y, width, height)) or width <= 0 or height <= 0:
        return None
    left, top = max(0, round(x)), max(0, round(y))
    return [left, top, max(left + 1, round(x + width)), max(top + 1, round(y + height))]
