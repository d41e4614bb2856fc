"""The node list of a prompt: one short line for each visible, operable or readable node.

A line reads `role "name" = "value" state state [x, y]`, with the centre of the visible part on the 0-1000 grid:

    textbox "From" = "Zurich" focused [214, 318]
    checkbox "Direct only" checked [90, 402]
    button "Search" disabled [512, 520]
    text "December 2026" [640, 333]
    (more below)

Everything in it is the screen's claim and is given to the model as data. Quotes and line breaks inside names are
replaced, so that a name cannot forge a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.protocols.grid import PUBLISHED, Grid

__all__ = [
    "MAX_CHARS",
    "MAX_LINES",
    "centres",
    "clean",
    "describe",
    "echoes",
    "holds_name",
    "is_named",
    "line",
    "named",
    "names_one",
    "part_of",
    "plain_words",
    "points",
    "without_echoes",
]

MAX_LINES = 120
"""At most this many nodes are listed; readable text is dropped first, then what lies lowest."""
MAX_CHARS = 60
"""Names and values are cut to this many characters."""

_ECHO = 85
"""From this likeness on (0 to 100) a text counts as a print of an instruction."""
_PIECES = 4
"""A print of an instruction is in at most so many pieces."""
_QUOTED = re.compile(r"[\"“«']([^\"”»]+?)[\"”»'](?!\w)")
_LINE = 40
"""Higher than this in screen pixels is more than one line."""
_OF_KIND = re.compile(r"^(?:press|click)(?: on)? the (?P<name>.+) (?P<kind>button|link|tab)$")
_READABLE = frozenset({"text", "heading", "image", "cell", "status", "alert"})


def clean(text: str) -> str:
    """One line of at most `MAX_CHARS` characters without double quotes."""
    flat = " ".join(text.replace('"', "'").split())
    return flat if len(flat) <= MAX_CHARS else flat[: MAX_CHARS - 1] + "…"


def line(node: Node, screen: Screen, grid: Grid = PUBLISHED) -> str:
    """One node as one line, without the line break."""
    parts = [node.role, f'"{clean(node.name)}"']
    if node.value:
        parts.append(f'= "{clean(node.value)}"')
    elif node.filled:
        parts.append("filled")
    states = (
        ("focused", node.focused),
        ("checked", node.checked is True),
        ("selected", node.selected is True),
        ("expanded", node.expanded is True),
        ("disabled", not node.enabled),
    )
    parts.extend(word for word, holds in states if holds)
    x, y = grid.place(node.rect.centre, screen)
    parts.append(f"[{x}, {y}]")
    return " ".join(parts)


def centres(
    nodes: Iterable[Node], screen: Screen, limit: int = MAX_LINES, grid: Grid = PUBLISHED
) -> list[tuple[int, int]]:
    """The grid points of the operable nodes that `describe` lists, in reading order."""
    return points([node for node in _kept(nodes, limit) if node.role not in _READABLE], screen, grid)


def points(nodes: Iterable[Node], screen: Screen, grid: Grid = PUBLISHED) -> list[tuple[int, int]]:
    """The grid points of the centres of nodes."""
    return [grid.place(node.rect.centre, screen) for node in nodes]


def is_named(node: Node, asked: str) -> bool:
    """Whether an operable node's whole name stands, word for word, in what was asked; accents and case do not count."""
    name = plain_words(node.name)
    return node.role not in _READABLE and len(name) > 1 and f" {name} " in f" {plain_words(asked)} "


def named(nodes: Iterable[Node], asked: str) -> list[Node]:
    """The operable nodes that what was asked names, in reading order; empty where it names none.

    Whole names first, a longer one before the shorter ones in it; else names of which the beginning stands there
    before the word for their role ("the Pay button" for `button "Pay 89.00 EUR"`). An ordinal ("the first Select
    button") leaves the one it counts to.
    """
    listed = list(nodes)
    found = _longest([node for node in listed if is_named(node, asked) and not _another(node, asked)], asked)
    found = found or [node for node in listed if _begins_with(node, asked)]
    return _counted(found, plain_words(asked))


def echoes(node: Node, asked: Sequence[str], misread: bool = False) -> bool:
    """Whether a node only prints an instruction: it is not what the instruction means.

    Some pages show what is to be done on them. A text that is a whole instruction, that holds one of five words or
    more, or that is a large part of one, is such a print; a reader may have misspelt it, and with `misread` taken it
    for a control.
    """
    from rapidfuzz import fuzz

    if node.role not in _READABLE and not misread:
        return False
    name = plain_words(node.name)
    if name.count(" ") < 4:
        return node.role in _READABLE and " " in name and any(name == plain_words(text) for text in asked)
    for text in asked:
        whole = plain_words(text)
        if (
            whole.count(" ") < 3
            or len(name) < 0.4 * len(whole)
            or any(name in plain_words(one) for one in _QUOTED.findall(text))
        ):
            continue  # a name that is only spoken of
        said, told = whole.split(), name.split()
        if fuzz.partial_ratio(name, whole) >= _ECHO or (said[0] == told[0] and set(told) <= set(said)):
            return True
    return False


def part_of(node: Node, asked: str) -> Node:
    """The part of a line of text that a quotation names, where the node is only read from pixels and holds more.

    What was read as one link may be two that stand side by side. Letters are taken to be equally wide.
    """
    said = [plain_words(text) for text in _QUOTED.findall(asked)]
    name = plain_words(node.name)
    word = next((text for text in said if text and f" {text} " in f" {name} " and len(text) < len(name)), "")
    if not word or node.rect.height > _LINE or node.role not in ("link", "text"):
        return node
    start = f" {name} ".index(f" {word} ")
    left, wide = node.rect.left, node.rect.width / len(name)
    begin, end = left + round(start * wide), left + round((start + len(word)) * wide)
    return replace(node, name=word, rect=Rect(begin, node.rect.top, max(end, begin + 1), node.rect.bottom))


def without_echoes(nodes: Sequence[Node], asked: Sequence[str], misread: bool = False) -> list[Node]:
    """The nodes that do not print an instruction, alone or as pieces of one text that runs on over several lines."""
    printed = {id(node) for node in nodes if echoes(node, asked, misread)}
    texts = sorted((node for node in nodes if node.role in _READABLE), key=lambda one: (one.rect.top, one.rect.left))
    for n in range(len(texts)):
        for many in range(2, _PIECES + 1):
            run = texts[n : n + many]
            if len(run) < many or not all(_goes_on(one, after) for one, after in pairwise(run)):
                break
            whole = replace(run[0], name=" ".join(node.name for node in run))
            if echoes(whole, asked, misread) and all(_of(node, asked) for node in run):
                printed.update(id(node) for node in run)
    return [node for node in nodes if id(node) not in printed]


def _goes_on(one: Node, after: Node) -> bool:
    """Whether a text stands right behind another one, or at most a line below it."""
    apart = after.rect.top - one.rect.bottom
    return apart < 0.8 * one.rect.height and after.rect.height < 1.6 * one.rect.height


def _of(node: Node, asked: Sequence[str]) -> bool:
    """Whether the words of a text, which may be misspelt, stand in one of the instructions together."""
    from rapidfuzz import fuzz

    name = plain_words(node.name)
    return any(fuzz.partial_ratio(name, plain_words(text)) >= _ECHO for text in asked)


def _longest(found: list[Node], asked: str) -> list[Node]:
    """Without those whose name stands there only as a part of another's."""
    text, kept = f" {plain_words(asked)} ", set()
    for name in sorted({plain_words(node.name) for node in found}, key=len, reverse=True):
        if f" {name} " in text:
            kept.add(name)
            text = text.replace(f" {name} ", " | ")
    verb = plain_words(asked).partition(" ")[0]  # "choose Ms in the Title list" does not name the option "Choose"
    kept = kept - {verb} or kept
    return [node for node in found if plain_words(node.name) in kept]


def names_one(asked: str) -> bool:
    """Whether a step names the very thing to press and its kind: where no such thing is listed, nothing is pressed."""
    return _OF_KIND.match(plain_words(asked)) is not None


def holds_name(node: Node, asked: str) -> bool:
    """Whether a node holds each word of the name that a step gives: "Add Staples to cart" is not "Add Stapler to cart".

    A step that gives no name of a button, link or tab is met by any node.
    """
    found = _OF_KIND.match(plain_words(asked))
    return found is None or set(found["name"].split()) <= set(plain_words(f"{node.name} {node.value}").split())


def _another(node: Node, asked: str) -> bool:
    """Whether it is only the end of another kind's name: a link "Cart", of "the Add pen to cart button"."""
    found = _OF_KIND.match(plain_words(asked))
    if found is None or node.role == found["kind"]:
        return False
    name = plain_words(node.name)
    return found["name"] != name and found["name"].endswith(f" {name}")


def _begins_with(node: Node, asked: str) -> bool:
    if node.role in _READABLE:
        return False
    name, text = plain_words(node.name).split(), f" {plain_words(asked)} "
    return any(f" {' '.join(name[:count])} {node.role} " in text for count in range(1, len(name)))


_ORDINALS = {"first": 0, "second": 1, "third": 2, "last": -1}


def _counted(found: list[Node], asked: str) -> list[Node]:
    """The one that an ordinal counts to, among nodes that can be used; all where there is none."""
    usable = [node for node in found if node.enabled]
    for word, place in _ORDINALS.items():
        if re.search(rf"\bthe {word}\b", asked) and len(usable) > max(place, 0):
            return [usable[place]]
    return found


def plain_words(text: str) -> str:
    """Lower-case words without accents and marks, one space between them; what a secret is called names nothing."""
    told = re.sub(r"<secret:\w+>", " ", text.casefold())
    plain = (c for c in unicodedata.normalize("NFKD", told) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", "".join(plain)))


def describe(
    nodes: Iterable[Node],
    screen: Screen,
    more: Sequence[str] = (),
    limit: int = MAX_LINES,
    grid: Grid = PUBLISHED,
) -> str:
    """All lines in reading order, at most `limit`, then where scrolling would show more."""
    lines = [line(node, screen, grid) for node in _kept(nodes, limit)]
    return "\n".join([*lines, *(f"(more {where})" for where in more)])


def _kept(nodes: Iterable[Node], limit: int) -> list[Node]:
    """The nodes that are listed, in reading order."""
    kept = [node for node in nodes if node.name or node.value or node.role not in _READABLE]
    if len(kept) <= limit:
        return kept
    operable = [node for node in kept if node.role not in _READABLE][:limit]
    room = limit - len(operable)
    chosen = {id(node) for node in operable}
    chosen.update(id(node) for node in [n for n in kept if n.role in _READABLE][:room])
    return [node for node in kept if id(node) in chosen]
