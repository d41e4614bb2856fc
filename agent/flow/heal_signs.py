"""What a lost target may have become: things that were not there when the flow was recorded, by the signs for them.

The rules of identity hold for whatever anybody proposes: the same sort of thing, on the same page, leading to the same
place, and nothing that stood beside the target under its own name when the flow was recorded. A sign alone is no proof:
two must agree on one thing, and nothing else may have as many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actuators.observation import Node
from agent.flow.file import Anchor, FlowAct
from agent.flow.find import FIELDS, OPERABLE, Looks, fits, leads_of, neighbours, plain

__all__ = ["Candidate", "anchored", "candidates", "clear", "dismissals", "unfit"]

_LIKE = (
    frozenset({"button", "link", "menuitem", "tab"}),
    frozenset({"textbox", "searchbox", "combobox", "spinbutton"}),
    frozenset({"combobox", "listbox"}),
    frozenset({"checkbox", "switch", "menuitemcheckbox"}),
)
"""Roles that a page may exchange without making another thing of it."""
_DISMISS = re.compile(
    r"(?:no,? thanks?|not now|maybe later|later|close|dismiss|skip|got it|x|×|✕|✖|hide|continue without.*|no|ok(?:ay)?)"
    r"(?: (?:this|the) (?:dialog|message|window|banner|notice|survey|pop-?up))?[.!]?",
    re.IGNORECASE,
)
_STEMS = 4
"""Letters that two words must begin with alike to be kin."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A thing on the screen and the signs that it is what was lost."""

    node: Node
    signs: tuple[str, ...]


def unfit(act: FlowAct, node: Node, known: Sequence[str], fill: Callable[[str], str]) -> str:
    """Why a node cannot be what an act's target has become; empty where nothing speaks against it."""
    anchor = act.target
    if anchor is None or node.role not in OPERABLE:
        return "it is nothing that can be operated"
    said = f'{node.role} "{node.name[:60]}"'
    if not _alike(anchor.role, node.role) or node.password != anchor.password:
        return f"{said} is no {anchor.role}"
    if not node.enabled:
        return f"{said} is disabled"
    same = plain(node.name) == plain(fill(anchor.name))
    if not same and plain(f"{node.role} {node.name}") in {plain(fill(line)) for line in known}:
        return f"{said} was there beside it when the flow was recorded"
    if anchor.row and plain(node.row) != plain(fill(anchor.row)):
        return f"{said} is in another row"
    if act.leads and not fits(fill(act.leads), leads_of(node)):
        return f"{said} leads to `{leads_of(node) or 'nowhere'}`, not to `{act.leads}`"
    return ""


def candidates(
    act: FlowAct,
    nodes: Sequence[Node],
    known: Sequence[str],
    fill: Callable[[str], str],
    looks: Looks | None = None,
) -> list[Candidate]:
    """Everything that an act's target may have become, with its signs; the likeliest first."""
    anchor = act.target
    if anchor is None:
        return []
    fit = [node for node in nodes if not unfit(act, node, known, fill)]
    alike = looks(anchor.patch, fit) if looks is not None and anchor.patch else []
    near = tuple((one.side, one.role, plain(fill(one.name))) for one in anchor.near)
    found = []
    for node in fit:
        signs = []
        if _is_place(anchor.path) and node.path == anchor.path:
            signs.append("place in the page")
        if act.leads and fits(fill(act.leads), leads_of(node)):
            signs.append("where it leads")
        if near and tuple((one.side, one.role, plain(one.name)) for one in neighbours(node, nodes)) == near:
            signs.append("neighbours")
        if any(node.id == one.id for one in alike):
            signs.append("picture")
        if _kin(fill(anchor.name), node.name):
            signs.append("words")
        if len([one for one in fit if one.role == node.role]) == 1:
            signs.append("the only newcomer")
        found.append(Candidate(node, tuple(signs)))
    return sorted(found, key=lambda one: -len(one.signs))


def clear(found: Sequence[Candidate]) -> Candidate | None:
    """The one on which two signs agree while nothing else has as many; None where that cannot be said."""
    if not found or len(found[0].signs) < 2 or (len(found) > 1 and len(found[1].signs) >= len(found[0].signs)):
        return None
    return found[0]


def dismissals(nodes: Sequence[Node], known: Sequence[str], fill: Callable[[str], str]) -> list[Node]:
    """Newcomers that put something away, by their words, and lead nowhere."""
    there = {plain(fill(line)) for line in known}
    return [
        node
        for node in nodes
        if node.role in ("button", "link")
        and node.enabled
        and (not node.submits or (node.form is not None and node.form.method == "DIALOG"))
        and not (leads_of(node) and not node.submits)
        and _DISMISS.fullmatch(" ".join(node.name.split()))
        and plain(f"{node.role} {node.name}") not in there
    ]


def _alike(one: str, other: str) -> bool:
    return one == other or any(one in kinds and other in kinds for kinds in _LIKE)


def _is_place(path: str) -> bool:
    """Whether a path tells one thing from others: from an id down, and not through a list of equals."""
    return path.startswith("#")


def _kin(one: str, other: str) -> bool:
    """Whether two names share a word that means something, endings aside."""
    ours, theirs = ({word[:_STEMS] for word in re.findall(r"\w+", plain(text)) if len(word) >= _STEMS}
                    for text in (one, other))  # fmt: skip
    return bool(ours & theirs)


def anchored(anchor: Anchor, node: Node, nodes: Sequence[Node], text: Callable[[str], str]) -> Anchor:
    """The anchor of a node that stands in for another's target. `text` puts inputs in place of their values."""
    among = sum(one.role == node.role and plain(one.name) == plain(node.name) for one in nodes)
    return anchor.model_copy(
        update={
            "role": node.role,
            "name": text(node.name[:300]),
            "path": node.path,
            "among": max(1, among),
            "near": tuple(one.model_copy(update={"name": text(one.name)}) for one in neighbours(node, nodes))
            if among > 1 or not plain(node.name) or anchor.near
            else (),
            "patch": "",
            "row": text(node.row) if anchor.row or (node.role not in FIELDS and among > 1) else "",
        }
    )
