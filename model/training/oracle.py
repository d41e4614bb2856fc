"""The right next call for an instruction on a page: the behaviour that the pilot is taught and measured by.

Works on structured instructions, never on wording. The rules are those of the card: one table, one function a kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from actuators.geometry import Rect, to_grid
from actuators.observation import Node
from model.protocols import elements
from model.training.pages import FIELD_ROLES, Page

__all__ = ["GROUPS", "READABLE", "Ask", "Call", "Kind", "Past", "decide", "mentions", "resolve"]

Kind = Literal["press", "type", "choose", "check", "key", "scroll", "wait", "until", "maybe"]
READABLE = frozenset({"text", "heading", "image", "cell", "status", "alert"})
_MAX_SCROLLS = 6
_MAX_WAITS = 8

GROUPS: dict[str, frozenset[str]] = {
    "button": frozenset({"button"}),
    "link": frozenset({"link"}),
    "tab": frozenset({"tab"}),
    "menu": frozenset({"menuitem", "option", "listitem", "treeitem"}),
    "radio": frozenset({"radio"}),
    "check": frozenset({"checkbox", "switch"}),
    "field": frozenset(FIELD_ROLES),
    "list": frozenset({"combobox", "listbox"}),
    "cell": frozenset({"gridcell"}),
}
"""What a word for a kind of element may mean."""


@dataclass(frozen=True)
class Ask:
    """One instruction without its wording."""

    kind: Kind
    name: str = ""
    """The element's name as said; for `scroll` empty."""
    group: str = ""
    """A key of `GROUPS`, or empty for any operable element."""
    value: str = ""
    """What to type or choose; the text waited for; the text that ends an `until`."""
    ordinal: int = 0
    """0 none, 1 the first, -1 the last."""
    free: bool = False
    """Whether an element that is not disabled is wanted."""
    anchor: str = ""
    """Text of the row or card that the element belongs to."""
    wanted: bool = True
    """For `check`: the state wanted. For `scroll`: down."""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """One earlier action of this step."""

    action: str
    node: Node | None = None
    text: str = ""
    note: str = ""


@dataclass(frozen=True)
class Call:
    """The right call and the list index of the node it concerns, if any."""

    arguments: dict[str, Any]
    target: int | None = None


_SUCCESS = Call({"action": "terminate", "status": "success"})
_FAILURE = Call({"action": "terminate", "status": "failure"})


def _words_begin(name: str, said: str) -> bool:
    """Whether `name` begins with `said` and goes on with something else than a letter or a digit."""
    return name.startswith(said) and not name[len(said) : len(said) + 1].isalnum()


def mentions(node: Node, text: str) -> bool:
    """Whether a node's name is, or begins with, a text."""
    return _words_begin(elements.clean(node.name).casefold(), text.casefold())


def _within(node: Node, text: str) -> bool:
    """Whether a node's name holds a text as whole words."""
    return re.search(rf"(?<!\w){re.escape(text.casefold())}(?!\w)", elements.clean(node.name).casefold()) is not None


def _tiers(ask: Ask, nodes: Sequence[Node]) -> list[list[int]]:
    """Candidates, best tier first: exact names of the right role, then longer names, then exact names of other roles."""
    said = ask.name.casefold()
    names = [elements.clean(node.name).casefold() for node in nodes]
    roles = GROUPS.get(ask.group)
    fitting = [n for n, node in enumerate(nodes) if (node.role in roles if roles else node.role not in READABLE)]
    operable = [n for n, node in enumerate(nodes) if node.role not in READABLE]
    exact = [n for n in fitting if names[n] == said]
    longer = [n for n in fitting if _words_begin(names[n], said)]
    if ask.free:
        return [longer]
    if ask.kind in ("type", "choose", "check"):
        return [exact, longer]
    return [exact, longer, [n for n in operable if names[n] == said]]


def _taken(node: Node) -> bool:
    return (
        not node.enabled
        or re.search(r"\b(taken|occupied|unavailable|sold out|reserved)\b", node.name.casefold()) is not None
    )


def resolve(ask: Ask, nodes: Sequence[Node]) -> int | None:
    """Index of the node that is meant; None where there is none."""
    found = next((tier for tier in _tiers(ask, nodes) if tier), [])
    if ask.anchor:
        own = [n for n in found if _within(nodes[n], ask.anchor)]
        if own:
            return own[0]
        rows = [n for n, node in enumerate(nodes) if _within(node, ask.anchor)]
        return next((n for row in rows[:1] for n in found if n > row), None)
    if ask.free:
        found = [n for n in found if not _taken(nodes[n])]
    place = ask.ordinal - 1 if ask.ordinal > 0 else ask.ordinal
    return found[place] if -len(found) <= place < len(found) else None


def _seek(page: Page, done: Sequence[Past]) -> Call:
    """Look for something that is not listed."""
    down, up = (sum(past.action == f"scroll {way}" for past in done) for way in ("down", "up"))
    if "below" in page.more and up == 0 and down < _MAX_SCROLLS:
        return _scroll(True)
    if "above" in page.more and down == 0 and up < _MAX_SCROLLS:
        return _scroll(False)
    return _FAILURE


def _scroll(down: bool) -> Call:
    return Call({"action": "scroll", "coordinate": [500, 500], "pixels": -500 if down else 500})


def _point(page: Page, index: int, action: str = "left_click") -> Call:
    x, y = to_grid(page.nodes[index].rect.centre, page.screen)
    return Call({"action": action, "coordinate": [x, y]}, index)


def _find(ask: Ask, page: Page, done: Sequence[Past]) -> tuple[int | None, Call]:
    """The node and the click on it, or what to do without it."""
    index = resolve(ask, page.nodes)
    if index is None:
        return None, _seek(page, done)
    if not page.nodes[index].enabled:
        return None, Call(_FAILURE.arguments, index)
    return index, _point(page, index)


def _press(ask: Ask, page: Page, done: Sequence[Past]) -> Call:
    if any(past.action == "left_click" for past in done):
        return _SUCCESS
    if ask.kind == "maybe" and resolve(ask, page.nodes) is None:
        return _SUCCESS
    return _find(ask, page, done)[1]


def _until(ask: Ask, page: Page, done: Sequence[Past]) -> Call:
    shown = next((n for n, node in enumerate(page.nodes) if mentions(node, ask.value)), None)
    return Call(_SUCCESS.arguments, shown) if shown is not None else _find(ask, page, done)[1]


def _type(ask: Ask, page: Page, done: Sequence[Past]) -> Call:
    acted = {past.action for past in done}
    index, click = _find(ask, page, done)
    node = page.nodes[index] if index is not None else None
    if "type" in acted or (node and node.value and elements.clean(node.value) == elements.clean(ask.value)):
        return Call(_SUCCESS.arguments, index)
    if node is None or index is None:
        return click
    if (node.value or node.filled) and "triple_click" not in acted:
        return _point(page, index, "triple_click")
    if node.focused or acted & {"left_click", "triple_click"}:
        return Call({"action": "type", "text": ask.value}, index)
    return click


def _choose(ask: Ask, page: Page, done: Sequence[Past]) -> Call:
    acted = [past.action for past in done]
    index, click = _find(ask, page, done)
    node = page.nodes[index] if index is not None else None
    picked = any(past.node is not None and past.node.role == "option" for past in done)
    if picked or "key" in acted or (node and elements.clean(node.value) == elements.clean(ask.value)):
        return Call(_SUCCESS.arguments, index)
    if "type" in acted:
        return Call({"action": "key", "keys": ["enter"]}, index)
    offered = resolve(Ask("press", ask.value), [n if n.role == "option" else _NOTHING for n in page.nodes])
    if offered is not None and (node is None or "left_click" in acted or node.expanded):
        return _point(page, offered)
    if "left_click" not in acted:
        return click
    return Call({"action": "type", "text": ask.value}, index)


_NOTHING = Node(id="", role="text", name="", rect=Rect(0, 0, 0, 0))


def _check(ask: Ask, page: Page, done: Sequence[Past]) -> Call:
    index, click = _find(ask, page, done)
    clicks = sum(past.action == "left_click" for past in done)
    if index is None:
        return _SUCCESS if clicks and click.target is None else click
    if bool(page.nodes[index].checked) == ask.wanted:
        return Call(_SUCCESS.arguments, index)
    return click if clicks < 2 else Call(_FAILURE.arguments, index)


def _wait(ask: Ask, page: Page, done: Sequence[Past]) -> Call:
    shown = next((n for n, node in enumerate(page.nodes) if mentions(node, ask.value)), None)
    if shown is not None:
        return Call(_SUCCESS.arguments, shown)
    waited = sum(past.action == "wait" for past in done)
    return _FAILURE if waited >= _MAX_WAITS else Call({"action": "wait", "time": 1})


def decide(ask: Ask, page: Page, past: Sequence[Past]) -> Call:
    """The next call. An earlier action with a note did not happen and is tried once more."""
    done = [step for step in past if not step.note]
    if len(past) - len(done) >= 2:
        return _FAILURE
    match ask.kind:
        case "press" | "maybe":
            return _press(ask, page, done)
        case "until":
            return _until(ask, page, done)
        case "type":
            return _type(ask, page, done)
        case "choose":
            return _choose(ask, page, done)
        case "check":
            return _check(ask, page, done)
        case "wait":
            return _wait(ask, page, done)
        case "key":
            return (
                _SUCCESS
                if any(step.action == "key" for step in done)
                else Call({"action": "key", "keys": list(ask.keys)})
            )
        case "scroll":
            return _SUCCESS if any(step.action.startswith("scroll") for step in done) else _scroll(ask.wanted)
    assert_never(ask.kind)
