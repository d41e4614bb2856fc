"""Finding a target again: by what it is, then by what tells it from its like. When in doubt it is not found.

The ladder: role and name; the same name but for punctuation, or for the amount in it; of several, the one in the same
row, then the one at the same id, then the one beside the same neighbours; of things without a name, the one on which
two signs agree: id, neighbours, picture. A place never makes up for a name: where `Edit` was and `Delete` is, nothing
is found. Nor does a name make up for where a thing leads: a `Save` that sends to another address is another `Save`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from actuators.observation import Node, money_like
from agent.flow.file import Anchor, Near

__all__ = ["Found", "Looks", "find", "fits", "leads_of", "neighbours", "plain"]

FIELDS = frozenset({"textbox", "searchbox", "combobox", "spinbutton", "slider", "listbox"})
OPERABLE = FIELDS | {"button", "link", "checkbox", "radio", "option", "tab", "menuitem", "menuitemcheckbox",
                     "menuitemradio", "switch", "treeitem", "generic"}  # fmt: skip
REACH_PX = 400
"""How far away a neighbour may lie, in pixels of the screen."""

Looks = Callable[[str, Sequence[Node]], list[Node]]
"""Those of some nodes that look like the picture with this digest."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a target was found, and by what; or why it was not."""

    node: Node | None
    by: str = ""
    problem: str = ""


def plain(text: str) -> str:
    """A name as far as it means something: case, white space and typographic variants aside."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _letters(text: str) -> str:
    """Without punctuation and arrows as well; digits and letters stay."""
    return " ".join(re.findall(r"\w+", plain(text)))


def _priced(text: str) -> str:
    """With every amount of money alike: what a thing costs does not make it another thing; the policy judges that."""
    for amount in money_like(text):
        text = text.replace(amount, "¤")
    return plain(text)


def find(anchor: Anchor, nodes: Sequence[Node], looks: Looks | None = None) -> Found:
    """The one node that an anchor (templates filled in) means.

    Args:
        anchor: what it was.
        nodes: everything shown by the page itself.
        looks: compares pictures; None where there are none.
    """
    same = [node for node in nodes if node.role == anchor.role and node.password == anchor.password]
    if not plain(anchor.name):
        return _nameless(anchor, [node for node in same if not plain(node.name)], nodes, looks)
    named = [node for node in same if plain(node.name) == plain(anchor.name)]
    by = "role and name"
    if not named and _letters(anchor.name):
        named, by = [node for node in same if _letters(node.name) == _letters(anchor.name)], "role and letters"
    if not named and money_like(anchor.name):
        named, by = [node for node in same if _priced(node.name) == _priced(anchor.name)], "role and name, less amounts"
    if not named:
        return Found(None, problem=_absent(anchor, nodes))
    if anchor.row and not (kept := [node for node in named if plain(node.row) == plain(anchor.row)]):
        return Found(None, problem=f"{_said(anchor)} is there, but not in the row `{anchor.row}`")
    elif anchor.row:
        named, by = kept, f"{by}, in its row"
    if len(named) == 1:
        return Found(named[0], by)
    return _told_apart(anchor, named, nodes, by)


def _told_apart(anchor: Anchor, named: list[Node], nodes: Sequence[Node], by: str) -> Found:
    """Of several that are called the same: one with the recorded id, or, where there were several before, one place."""
    if _is_id(anchor.path):
        there = [node for node in named if node.path == anchor.path]
        if len(there) == 1 and all(node.path for node in named):
            return Found(there[0], f"{by}, at `{anchor.path}`")
    if anchor.among == len(named) and anchor.near:
        there = [node for node in named if neighbours(node, nodes) == anchor.near]
        if len(there) == 1:
            return Found(there[0], f"{by}, beside the same")
    return Found(None, problem=f"{len(named)} things are {_said(anchor)}, and which was meant cannot be told")


def _nameless(anchor: Anchor, same: list[Node], nodes: Sequence[Node], looks: Looks | None) -> Found:
    """Without a name two signs must agree on one node: its id or picture, and what stands beside it."""
    if anchor.row:
        same = [node for node in same if plain(node.row) == plain(anchor.row)]
    at = [node for node in same if _is_id(anchor.path) and node.path == anchor.path]
    beside = [node for node in same if anchor.near and neighbours(node, nodes) == anchor.near]
    alike = looks(anchor.patch, same) if looks is not None and anchor.patch else []
    for one, other, by in ((at, alike, "id and picture"), (beside, alike, "neighbours and picture")):
        both = [node for node in one if any(node.id == two.id for two in other)]
        if len(both) == 1:
            return Found(both[0], by)
    if anchor.role in FIELDS:  # what stands in a field is not what it looks like
        both = [node for node in at if any(node.id == two.id for two in beside)]
        if len(both) == 1:
            return Found(both[0], "id and neighbours")
    what = "no" if not same else "none for certain among"
    return Found(None, problem=f"{what} {len(same) or ''} {anchor.role} without a name is the one".replace("  ", " "))


def _is_id(path: str) -> bool:
    """Whether a path is an id that was given for what it means: one with a number counts things that come and go."""
    return path.startswith("#") and ">" not in path and not any(letter.isdigit() for letter in path)


def _absent(anchor: Anchor, nodes: Sequence[Node]) -> str:
    """That it is not there, and what stands in its place."""
    instead = next((node for node in nodes if anchor.path and node.path == anchor.path), None)
    if instead is not None and plain(instead.name) != plain(anchor.name):
        return f'no {_said(anchor)} is shown; where it was is now {instead.role} "{instead.name[:60]}"'
    other = next((node for node in nodes if plain(node.name) == plain(anchor.name)), None)
    if other is not None:
        return f'no {_said(anchor)} is shown, only {other.role} "{other.name[:60]}"'
    return f"no {_said(anchor)} is shown"


def leads_of(node: Node) -> str:
    """Path of the address that a node's form or link leads to; empty where there is none."""
    address = node.form.action if node.submits and node.form else node.href
    return urlsplit(address).path


def fits(pattern: str, path: str) -> bool:
    """Whether a path is the one meant; `*` stands for one part of it, and what holds digits may differ."""
    ours, theirs = pattern.split("/"), path.split("/")
    if len(ours) != len(theirs):
        return False
    return all(
        one in ("*", other) or (_number(one) and _number(other)) for one, other in zip(ours, theirs, strict=True)
    )


def _number(part: str) -> bool:
    return any(character.isdigit() for character in part)


def _said(anchor: Anchor) -> str:
    return f'{anchor.role} "{anchor.name[:60]}"'


def neighbours(target: Node, nodes: Sequence[Node]) -> tuple[Near, ...]:
    """The nearest thing with words to the left of a node on its line, and the nearest above it."""
    return tuple(_nearest(target, nodes))


def _nearest(target: Node, nodes: Sequence[Node]) -> Iterator[Near]:
    box = target.rect
    words = [
        node for node in nodes if node.id != target.id and plain(node.name) and plain(node.name) != plain(target.name)
    ]
    left = [
        node for node in words
        if node.rect.right <= box.left + 2 and node.rect.top < box.bottom and node.rect.bottom > box.top
        and box.left - node.rect.right < REACH_PX
    ]  # fmt: skip
    above = [
        node for node in words
        if node.rect.bottom <= box.top + 2 and node.rect.left < box.right and node.rect.right > box.left
        and box.top - node.rect.bottom < REACH_PX
    ]  # fmt: skip
    if left:
        one = max(left, key=lambda node: (node.rect.right, -abs(node.rect.centre.y - box.centre.y)))
        yield Near(side="left", role=one.role, name=one.name[:200])
    if above:
        one = max(above, key=lambda node: (node.rect.bottom, -abs(node.rect.centre.x - box.centre.x)))
        yield Near(side="above", role=one.role, name=one.name[:200])
