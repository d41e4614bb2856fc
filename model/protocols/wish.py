"""What one free wish asks for beside the thing it names: a text to be typed, or a search for what is not on view yet.

Rules over English words, as in `asked`; they widen nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from actuators.observation import Node
from model.base import Done
from model.protocols.asked import quoted
from model.protocols.elements import part_of, plain_words

__all__ = [
    "FIELDS",
    "Completion",
    "begun",
    "completion",
    "copied",
    "fields",
    "folded",
    "largest",
    "openers",
    "outstanding",
    "replaces",
    "reworded",
    "seeks",
    "sought",
    "typed",
]

FIELDS = frozenset({"textbox", "searchbox", "spinbutton"})
"""Roles that are typed into."""

_WHAT = r"(?:the (?:text|word|name|number|date|time) (?!below|above|shown|displayed))?(?P<value>.+?)"
_TYPED = re.compile(
    rf"^(?:please )?(?:type|enter|write|put|input|paste|insert)\s+{_WHAT}(?: (?P<how>(?:in|into|to|as|for|on)\b.*))?$",
    re.IGNORECASE,
)
_FILLED = re.compile(
    r"^(?:please )?(?:fill(?: in| out)?|set|change) (?:the )?.+? (?:with|to|as) (?P<value>.+)$", re.IGNORECASE
)
_PUT = re.compile(r"^(?:please )?(?:put|insert)\b", re.IGNORECASE)
_INTO_FIELD = re.compile(r"\b(?:field|box|input|area|form|textbox)\b", re.IGNORECASE)
"""Things are put into baskets too; only into a field are they typed."""
_NO_VALUE = re.compile(r"^(?:an?|the|my|your|some) (?!text\b|word\b|number\b|date\b)", re.IGNORECASE)
"""What a field is for, and not what is to stand in it: "write a note"."""
_CASE = re.compile(
    r"\bin (?:all )?(?P<case>lower|upper)[- ]?case(?: letters| characters)?\b|\bin (?P<caps>capitals)\b", re.IGNORECASE
)
_SHOWN = re.compile(
    r"^(?:the )?(?:text|word|phrase|following|string)\b.*\b(?:below|above|shown|displayed)\b", re.IGNORECASE
)
"""A text that the screen shows and the wish does not say."""
_SEEKS = re.compile(
    r"\b(?:to find|find and|until you find|look for|search (?:through|in)|navigate through)\b|^find\b", re.IGNORECASE
)
_OFF = re.compile(
    r"^(?:please )?(?:un-?(?:check|tick|select|mark)|de-?(?:select|activate)|disable|(?:switch|turn) off)\b",
    re.IGNORECASE,
)
_ON = re.compile(
    r"^(?:please )?(?:check(?! out\b)|tick|activate|enable|(?:switch|turn) on)\b(?!.*\boff$)", re.IGNORECASE
)
_TREE = re.compile(r"\b(?:tree|folders?|director(?:y|ies)|outline)\b", re.IGNORECASE)
_FOLDS = re.compile(r"\b(?:sections?|accordion|panels?|folds?)\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_NAMED = re.compile(r'"([^"]+)"')
_UNFOLD = re.compile(r"^(?:please )?(?:expand|open|unfold|show)(?: up)? (?:the |a )?(?:[\w-]+ )*menu\b", re.IGNORECASE)
_MENU_SIGNS = frozenset({"add", "plus", "expand", "unfold", "menu", "more", "dots"})
_COMPLETE = re.compile(
    r"^(?:please )?(?:enter|choose|select|pick|type) (?:an? |the )?"
    r"(?:item|entry|word|name|value|option|tag|suggestion)s? "
    r"(?:that |which )?(?:starts?|begins?|starting|beginning) with [\"“'‘][^\"”'’]+[\"”'’]"
    r"(?: and (?:that )?(?:ends?|ending) (?:with|in|on) [\"“'‘][^\"”'’]+[\"”'’])?$",
    re.IGNORECASE,
)
_OPENERS = frozenset({"tab", "treeitem"})
_IN_ROW = 8
"""Centres that differ by less in height stand in one row. Screen pixels."""
_SIGNS = frozenset({"expand", "unfold", "plus", "add"})
"""What the little sign before a folder that can be opened is read as."""


def typed(text: str) -> str | None:
    """The text that a wish wants typed, in the case it asks for; None where none is wanted or it is not said."""
    found = _TYPED.match(text.strip()) or _FILLED.match(text.strip())
    if found is None:
        return None
    said = quoted(text)
    if not said and _PUT.match(text.strip()) and not _INTO_FIELD.search(text):
        return None
    if not said and not (found.groupdict().get("how") or "") and _NO_VALUE.match(found.group("value")):
        return None
    value = said[0] if said else found.group("value").strip(" .")
    if not said and _SHOWN.match(value):
        return None
    how = _CASE.search(text)
    if how is None:
        return value
    return value.lower() if (how.group("case") or "").lower() == "lower" else value.upper()


def copied(text: str, nodes: Sequence[Node]) -> str | None:
    """The text that a wish wants typed as the screen shows it; None where none is wanted or it is not the only one."""
    found = _TYPED.match(text.strip())
    if found is None or quoted(text) or not _SHOWN.match(found.group("value")):
        return None
    shown = [node.name for node in nodes if node.role in ("text", "heading") and node.name]
    return shown[0] if len(shown) == 1 else None


def fields(nodes: Sequence[Node]) -> list[Node]:
    """Those that text can be typed into."""
    return [node for node in nodes if node.role in FIELDS]


def largest(nodes: Sequence[Node]) -> list[Node]:
    """The one that is at least twice as large as any other; all of them where none is."""
    ranked = sorted(nodes, key=lambda node: -node.rect.area)
    clear = len(ranked) > 1 and ranked[0].rect.area >= 2 * ranked[1].rect.area
    return ranked[:1] if clear else list(nodes)


def replaces(text: str, nodes: Sequence[Node]) -> bool:
    """Whether a wish to type means a field in which something else stands now."""
    value = typed(text)
    if value is None or len(nodes) != 1 or nodes[0].role not in FIELDS:
        return False
    return bool(nodes[0].value or nodes[0].filled) and nodes[0].value != value


def begun(history: Sequence[Done]) -> bool:
    """Whether something was pressed to type into it, and nothing has been typed yet."""
    return bool(history) and "click" in history[-1].summary and not any("type" in done.summary for done in history)


def reworded(value: str, field: Node) -> str:
    """A wish to type in the words of a plan's step, which is what a small checkpoint was taught."""
    return f"type {value} into the {field.name} field" if field.name else f"type {value} into the field"


def outstanding(text: str, nodes: Sequence[Node]) -> bool:
    """Whether a wish to switch something on or off cannot be done yet: what it means stands the other way."""
    wanted = False if _OFF.match(text.strip()) else True if _ON.match(text.strip()) else None
    return wanted is not None and bool(nodes) and all(node.checked is (not wanted) for node in nodes)


def seeks(text: str) -> bool:
    """Whether what is wished for may have to be looked for behind tabs, in sections or in folders."""
    return bool(_SEEKS.search(text))


def sought(nodes: Sequence[Node], meant: Sequence[Node], history: Sequence[Done], text: str) -> list[Node]:
    """What a search for something that is quoted has come upon: what holds those words before what stands near them.

    A text that was pressed already, while the search goes on, was not it.
    """
    said = [plain_words(one) for one in quoted(text)]
    holds = [node for node in nodes if any(f" {one} " in f" {plain_words(node.name)} " for one in said)]
    links = [node for node in holds if node.role != "text"]
    found = list(meant)
    if holds and not any(one in plain_words(node.name) for node in meant for one in said):
        found = [part_of(node, text) for node in (links or holds)[:1]]
    pressed = [plain_words(step.summary) for step in history if step.summary.startswith('left_click text "')]
    return [node for node in found if node.role != "text" or not any(plain_words(node.name) in one for one in pressed)]


def _opens(node: Node, rows: Sequence[int]) -> bool:
    """Whether a node opens something; `rows` are the heights at which tabs stand."""
    if node.role in _OPENERS:
        return not node.selected
    tab = node.role in ("button", "link") and any(abs(node.rect.centre.y - row) < _IN_ROW for row in rows)
    return node.expanded is False or tab


def _numbered(nodes: Sequence[Node], pressed: str) -> list[Node]:
    """What is called like a thing that was pressed but for its number, and was not pressed: the next section.

    What was read as a field may hold the name of the section below it.
    """
    series = {_DIGITS.sub("#", name) for name in _NAMED.findall(pressed) if _DIGITS.search(name)}
    told = [replace(node, name=name) for node in nodes for name in (node.name, node.value) if _DIGITS.search(name)]
    return [node for node in told if _DIGITS.sub("#", node.name) in series and f'"{node.name}"' not in pressed]


def folded(text: str, nodes: Sequence[Node]) -> list[Node]:
    """The one sign that opens the menu a wish wants opened, of which no name is on view; none where several do."""
    if not _UNFOLD.match(text.strip()):
        return []
    found = [node for node in nodes if node.role in ("button", "link", "menuitem") and _signs_menu(node)]
    return found if len(found) == 1 else []


def _signs_menu(node: Node) -> bool:
    return node.enabled and (node.name.strip() in ("+", "≡", "⋮") or plain_words(node.name) in _MENU_SIGNS)


@dataclass(frozen=True, slots=True)
class Completion:
    """An entry that is known by its beginning and its end alone."""

    begins: str
    ends: str = ""

    def fits(self, name: str) -> bool:
        """Whether an entry is such a one, however it is written."""
        said = name.strip().casefold()
        return (
            len(said) > len(self.begins)
            and said.startswith(self.begins.casefold())
            and said.endswith(self.ends.casefold())
        )

    def offered(self, nodes: Sequence[Node]) -> list[Node]:
        """What is offered and fits; where nothing does, the only one that begins so: its end may be misread."""
        begun = [node for node in nodes if Completion(self.begins).fits(node.name)]
        return [node for node in begun if self.fits(node.name)] or (begun if len(begun) == 1 else [])


def completion(text: str) -> Completion | None:
    """The entry that is to be chosen from what a field offers; None where a wish wants none."""
    found = _COMPLETE.match(text.strip())
    if found is None:
        return None
    said = quoted(text)
    if not said or len(said) > 2:
        return None
    return Completion(said[0], said[1] if len(said) == 2 else "")


def openers(nodes: Sequence[Node], history: Sequence[Done], text: str) -> list[Node]:
    """What may be opened to look further, and was not pressed since the search began; in reading order.

    Tabs that are not chosen with what stands in a row with them, and what says that it is folded; in a tree the signs
    for it, and where there are none, whatever can be pressed at all. A sign turns into another one when it was pressed.
    """
    pressed = " | ".join(step.summary for step in history)
    if _FOLDS.search(text) and (again := _numbered(nodes, pressed)):
        return again
    rows = [node.rect.centre.y for node in nodes if node.role == "tab"]
    closed = [node for node in nodes if _opens(node, rows)]
    if not closed and _FOLDS.search(text):
        closed = [node for node in nodes if node.role in ("generic", "menuitem", "button", "textbox")]
    if not closed and _TREE.search(text):
        if signs := [node for node in nodes if node.role == "button" and plain_words(node.name) in _SIGNS]:
            return signs
        closed = [node for node in nodes if node.role in ("generic", "menuitem", "link", "button")]
    return [node for node in closed if node.enabled and plain_words(node.name) and f'"{node.name}"' not in pressed]
