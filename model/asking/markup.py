"""`code`: a screenshot as one HTML page, and how HTML from a model is checked.

The page is parsed and never run. What could run, load or send anything makes it refused as a whole, and what is handed
on begins with a content security policy that forbids all of it again. What this does not protect against: a page that
imitates another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from model.asking.form import MARKUP_MARKS, Asked, Misread, OnePrompt, Read, body_of, sound
from model.asking.spotting import objects

__all__ = ["POLICY", "VOID", "Code", "Page", "danger_of", "parsed"]

POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'\">"
)
VOID = frozenset(
    ["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_LOOSE = frozenset(
    ["p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "rp", "rt"]
)
"""Elements whose end may be left out."""
_MOST_CHARS = 400_000
_DEEPEST = 200

_NEVER = frozenset(
    [
        "script",
        "iframe",
        "frame",
        "frameset",
        "object",
        "embed",
        "applet",
        "base",
        "link",
        "portal",
        "animate",
        "animatemotion",
        "animatetransform",
        "set",
    ]
)
_LOADING = frozenset(
    [
        "src",
        "srcset",
        "poster",
        "background",
        "action",
        "formaction",
        "data",
        "longdesc",
        "manifest",
        "ping",
        "xlink:href",
        "archive",
        "cite",
    ]
)
_INLINE = re.compile(r"data:image/(?:png|jpeg|gif|webp)[;,]", re.IGNORECASE)
_CSS_LOADS = re.compile(
    r"(?:\b(?:url|src|image|image-set|expression)\s*\(|@import|-moz-binding|behavior\s*:)", re.IGNORECASE
)


@dataclass
class Page:
    """What was found in one HTML text."""

    elements: int = 0
    text: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What is not in order, and harmless."""
    dangers: list[str] = field(default_factory=list)
    """What could run, load or send something."""
    places: list[tuple[str, str]] = field(default_factory=list)
    """(tag, value) of every `data-bbox`."""


def parsed(html: str) -> Page:
    """Parse a page and look it over. Raises `Misread` where it is too large."""
    if len(html) > _MOST_CHARS:
        raise Misread(f"{len(html)} characters are too many, at most {_MOST_CHARS}")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements += 1
        self.page.dangers += _dangers(tag, attrs)
        self.page.places += [(tag, value or "") for name, value in attrs if name == "data-bbox"]
        if tag not in VOID:
            self._open.append(tag)
            if len(self._open) > _DEEPEST:
                raise Misread(f"elements are nested more than {_DEEPEST} deep")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag not in self._open:
            self.page.problems.append(f"</{tag}> closes nothing")
            return
        while (last := self._open.pop()) != tag:
            if last not in _LOOSE:
                self.page.problems.append(f"<{last}> is not closed")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.page.dangers += [f"a style that loads something: {found}" for found in _css_loads(data)]
        elif data.strip():
            self.page.text.append(" ".join(data.split()))

    def handle_pi(self, data: str) -> None:
        self.page.problems.append("a processing instruction is no HTML")

    def end(self) -> None:
        self.page.problems += [f"<{tag}> is not closed" for tag in self._open if tag not in _LOOSE | {"html", "body"}]


def _dangers(tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[str]:
    if tag in _NEVER:
        yield f"<{tag}>"
    for name, value in attrs:
        text = (value or "").strip()
        if name.startswith("on"):
            yield f"{name} on <{tag}>"
        elif tag == "meta" and name == "http-equiv" and text.lower() not in ("content-type", "x-ua-compatible"):
            yield f"<meta http-equiv={text[:30]}>"
        elif name == "srcdoc":
            yield "srcdoc"
        elif name == "style":
            yield from (f"a style that loads something: {found}" for found in _css_loads(text))
        elif (name in _LOADING or (name == "href" and tag != "a")) and not _stays(text):
            yield f"{name} on <{tag}>: {text[:40]}"
        elif name == "href" and danger_of(text):
            yield f"href on <{tag}>: {text[:40]}"


def _stays(address: str) -> bool:
    """Whether an address loads nothing: empty, a place in the page itself, or a picture that is written out."""
    return not address or address.startswith("#") or _INLINE.match(address) is not None


def danger_of(address: str) -> bool:
    """Whether following an address could do more than open a page."""
    plain = re.sub(r"[\x00-\x20\x7f-\x9f]", "", address).lower()
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", plain)
    return scheme is not None and scheme.group(1) not in ("http", "https", "mailto", "tel")


def _css_loads(css: str) -> list[str]:
    plain = re.sub(r"\\([0-9a-fA-F]{1,6})\s?", lambda found: _letter(found.group(1)), css)
    plain = re.sub(r"/\*.*?(?:\*/|\Z)", "", plain, flags=re.DOTALL).replace("\\", "")
    return [found for found in _CSS_LOADS.findall(plain) if not _only_inline(plain)][:1]


def _letter(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else "?"


def _only_inline(css: str) -> bool:
    """Whether all that a style loads are pictures that are written out in it."""
    left = re.sub(r"url\(\s*['\"]?data:image/(?:png|jpeg|gif|webp)[;,][^)]*\)", "", css, flags=re.IGNORECASE)
    return _CSS_LOADS.search(left) is None


_TAGS = """
a article aside b blockquote button code dd details div dl dt em fieldset figcaption figure footer form h1 h2 h3 h4 h5
h6 header i label legend li main nav ol option p pre section select small span strong sub summary sup svg table tbody td
textarea tfoot th thead tr u ul path rect circle line g
"""
_ATTRIBUTES = (
    "class|id|type|placeholder|value|name|for|alt|title|role|colspan|rowspan|width|height|rows|cols|min|max|lang|dir|"
    "viewBox|fill|stroke|d|x|y|x1|x2|y1|y2|cx|cy|r|rx"
)
_FLAGS = "checked|disabled|selected|required|readonly|open|multiple"
_FORBIDDEN = r"(?i:(?s:.*)((url|src|image|image-set|expression)[ ]*\(|@import|-moz-binding|behavior[ ]*:)(?s:.*))"


def _grammar() -> str:
    tags = _TAGS.split()
    elements = "\n".join(rf'{tag}_el: "<{tag}" attr* ">" content "</{tag}>"' for tag in tags)
    return rf"""
start: "```html\n<!DOCTYPE html>\n<html lang=\"" LANG "\">\n" head body "</html>\n```"
head: "<head>\n<meta charset=\"utf-8\">\n<title>" TEXT? "</title>\n" style? "</head>\n"
body: "<body" attr* ">" content "</body>\n"
style: "<style>" CSS "</style>\n"
content: (TEXT | element)*
element: {" | ".join(f"{tag}_el" for tag in tags)} | void
void: "<" VOID attr* ">"
{elements}
attr: PLAIN | FLAG | " style=\"" STYLE "\"" | " href=\"#" FRAGMENT "\""
LANG: /[a-z]{{2,3}}/
TEXT: /[^<>\x00-\x09\x0b-\x1f\x7f]{{1,2000}}/
VOID: "br" | "hr" | "img" | "input"
PLAIN: / ({_ATTRIBUTES}|aria-[a-z]{{2,20}})="[^"<>\x00-\x1f\x7f]{{0,400}}"/
FLAG: / ({_FLAGS})/
FRAGMENT: /[A-Za-z0-9_-]{{0,60}}/
STYLE: /[^"<>\\\x00-\x1f\x7f@]{{0,600}}/ & ~/{_FORBIDDEN}/
CSS: /[^<\\\x00-\x09\x0b-\x1f\x7f]{{1,8000}}/ & ~/{_FORBIDDEN}/
"""


class Code(OnePrompt):
    """A screenshot as HTML."""

    name = "code"
    about = "the picture as one HTML page with styles and without scripts; parsed and checked, never run"
    words = 16_384
    marks = MARKUP_MARKS

    def prompt(self, asked: Asked) -> str:
        width, height = asked.pictures[0].size
        return (
            f"Write one HTML page that looks like this picture of {width}x{height} pixels. Styles stand in the page; "
            "no scripts, nothing is loaded from anywhere, pictures are boxes of their size and main colour. "
            f"Reply with the page and nothing else.{self.wish(asked)}"
        )

    def lark(self, asked: Asked) -> str:
        return _grammar()

    def read(self, reply: str, asked: Asked) -> Read:
        html = sound(body_of(reply).strip())
        page = parsed(html)
        if not page.elements:
            raise Misread("expected an HTML page")
        if page.dangers:
            raise Misread(f"a page without scripts that loads nothing is wanted, found {page.dangers[0]}")
        answer = {"html": guarded(html), "elements": page.elements, "text": page.text}
        return Read(answer, tuple(dict.fromkeys(page.problems)))

    def schema(self, asked: Asked) -> dict[str, Any]:
        return objects(
            {
                "html": {"description": "runs and loads nothing", "type": "string"},
                "elements": {"type": "integer", "minimum": 1},
                "text": {"description": "its words, in order", "type": "array", "items": {"type": "string"}},
            }
        )

    def told(self, answer: Any) -> str:
        return str(answer["html"])


_HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


def guarded(html: str) -> str:
    """The page with the policy before anything that it could forbid."""
    at = _HEAD.search(html) or _DOCTYPE.match(html)
    place = at.end() if at else 0
    return f"{html[:place]}\n{POLICY}{html[place:]}"
