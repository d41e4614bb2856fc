"""`document`: a page as QwenVL HTML (each element with its box) or QwenVL Markdown (tables and pictures with theirs).

HTML is built again from what was parsed, with known elements and attributes only; boxes are turned into pixels.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Any, ClassVar

from model.asking.form import BOX, MARKUP_MARKS, Asked, Misread, OnePrompt, Read, body_of, box_of, pixels_of, sound
from model.asking.markup import VOID
from model.asking.media import Shown
from model.asking.spotting import objects
from model.protocols.grid import Grid
from model.protocols.spoken import number_up_to

__all__ = ["Document"]

_BLOCKS = "h1 h2 h3 h4 h5 h6 p pre blockquote caption figcaption footer header address"
_PLAIN = "b i em strong sub sup u s code"
_KNOWN = frozenset(
    f"{_BLOCKS} {_PLAIN} ul ol li table thead tbody tfoot tr td th img br hr figure div section article span a".split(
        " "
    )
)
_KEPT = {"td": ("colspan", "rowspan"), "th": ("colspan", "rowspan"), "img": ("alt",), "ol": ("start",)}
_WITHOUT = frozenset({"html", "body", "head", "meta"})
"""Left out with nothing said: they hold the page, and say nothing about it."""
_SILENT = frozenset({"script", "style", "title"})
"""Left out with all that is in them."""
_LONGEST = 2000


def _html_grammar(grid: Grid) -> str:
    simple = "\n".join(rf'{tag}_el: "<{tag}" box ">" words "</{tag}>\n"' for tag in _BLOCKS.split())
    plain = " | ".join(rf'"<{tag}>" TEXT "</{tag}>"' for tag in _PLAIN.split())
    return rf"""
start: "```html\n<html><body>\n" block{{1,400}} "</body></html>\n```"
block: {" | ".join(f"{tag}_el" for tag in _BLOCKS.split())} | ul_el | ol_el | table_el | img_el
{simple}
ul_el: "<ul" box ">\n" li_el{{1,200}} "</ul>\n"
ol_el: "<ol" box ">\n" li_el{{1,200}} "</ol>\n"
li_el: "<li" box ">" words "</li>\n"
table_el: "<table" box ">\n" tr_el{{1,200}} "</table>\n"
tr_el: "<tr>" (td_el | th_el){{1,40}} "</tr>\n"
td_el: "<td" span* ">" words "</td>"
th_el: "<th" span* ">" words "</th>"
span: SPAN
img_el: "<img" box "/>\n"
words: (TEXT | "<br>" | {plain})*
box: " data-bbox=\"" GRID " " GRID " " GRID " " GRID "\""
GRID: /{number_up_to(grid.most)}/
SPAN: / (colspan|rowspan)="[1-9][0-9]?"/
TEXT: /[^<>\x00-\x1f\x7f]{{1,{_LONGEST}}}/
"""


def _markdown_grammar(grid: Grid) -> str:
    return rf"""
start: item ("\n" item){{0,600}}
item: LINE | "<!-- Image (" place ") -->" | "<!-- Table (" place ") -->\n" table
table: "\\begin{{tabular}}{{" COLUMNS "}}\n" (ROW "\n"){{1,80}} "\\end{{tabular}}"
place: GRID ", " GRID ", " GRID ", " GRID
GRID: /{number_up_to(grid.most)}/
COLUMNS: /[lcr| ]{{1,60}}/
ROW: /[^<>\x00-\x1f\x7f]{{1,600}}/
LINE: /[^<>\x00-\x1f\x7f]{{0,{_LONGEST}}}/
"""


class Document(OnePrompt):
    """A page as HTML or Markdown."""

    name = "document"
    about = "a page as HTML with the box of each element, or with --format markdown as Markdown"
    styles: ClassVar[bool] = True
    words = 8192
    pixels = (512 * 1024, 2048 * 1024)
    marks = MARKUP_MARKS

    def prompt(self, asked: Asked) -> str:
        return f"qwenvl {asked.style}{self.wish(asked)}"

    def lark(self, asked: Asked) -> str:
        return _html_grammar(asked.grid) if asked.style == "html" else _markdown_grammar(asked.grid)

    def read(self, reply: str, asked: Asked) -> Read:
        return _html(reply, asked) if asked.style == "html" else _markdown(reply, asked)

    def schema(self, asked: Asked) -> dict[str, Any]:
        part = objects({"kind": {"description": "the element's tag, `image` or `table`", "type": "string"}, "box": BOX})
        text = {"description": "boxes in it are in pixels of the picture", "type": "string"}
        return objects({asked.style: text, "parts": {"type": "array", "items": part}})

    def told(self, answer: Any) -> str:
        return str(answer.get("html", answer.get("markdown", "")))


def _html(reply: str, asked: Asked) -> Read:
    builder = _Builder(asked.pictures[0], asked.grid)
    builder.feed(sound(body_of(reply)))
    builder.close()
    html = builder.done()
    if not builder.elements:
        raise Misread("expected a page in QwenVL HTML: elements with data-bbox")
    return Read({"html": html, "parts": builder.parts}, tuple(dict.fromkeys(builder.problems)))


class _Builder(HTMLParser):
    """Writes down again what it knows of what it parses."""

    def __init__(self, shown: Shown, grid: Grid) -> None:
        super().__init__(convert_charrefs=True)
        self._shown, self._grid = shown, grid
        self._out: list[str] = []
        self._open: list[str] = []
        self._silent = 0
        self.elements = 0
        self.parts: list[dict[str, Any]] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if self._silent or tag not in _KNOWN:
            self.problems += [f"left out <{tag}>"] if tag not in _WITHOUT else []
            return
        self.elements += 1
        kept = [f' {name}="{escape(value or "")}"' for name, value in attrs if name in _KEPT.get(tag, ())]
        place = next((value for name, value in attrs if name == "data-bbox"), None)
        if place is not None:
            box = pixels_of(box_of(_numbers(place), self._shown, self._grid))
            self.parts.append({"kind": tag, "box": box})
            kept.append(f' data-bbox="{" ".join(map(str, box))}"')
        self._out.append(f"<{tag}{''.join(kept)}>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag in VOID or tag not in _KNOWN or self._silent:
            return
        if tag not in self._open:
            self.problems.append(f"</{tag}> closes nothing")
            return
        while (last := self._open.pop()) != tag:
            self._out.append(f"</{last}>")
        self._out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._out.append(escape(data, quote=False))

    def done(self) -> str:
        """The page, everything closed."""
        return "".join([*self._out, *(f"</{tag}>" for tag in reversed(self._open))]).strip()


def _numbers(text: str) -> list[int]:
    found = re.findall(r"-?\d{1,6}", text)
    return [int(one) for one in found]


_PLACE = re.compile(r"<!--\s*(Image|Table)\s*\(([^)]{0,80})\)\s*-->", re.IGNORECASE)


def _markdown(reply: str, asked: Asked) -> Read:
    text, parts = sound(body_of(reply)), []
    [shown] = asked.pictures

    def turned(found: re.Match[str]) -> str:
        box = pixels_of(box_of(_numbers(found.group(2)), shown, asked.grid))
        parts.append({"kind": found.group(1).lower(), "box": box})
        return f"<!-- {found.group(1).capitalize()} ({', '.join(map(str, box))}) -->"

    markdown = _PLACE.sub(turned, text).strip()
    problems = ["a table does not end"] if text.count(r"\begin{tabular}") != text.count(r"\end{tabular}") else []
    return Read({"markdown": markdown, "parts": parts}, tuple(problems))
