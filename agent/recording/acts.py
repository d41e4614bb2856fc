"""From what was heard to what was meant: strokes become texts, clicks that only give the focus go, doubles are one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from actuators.observation import Node
from agent.flow.find import FIELDS
from agent.recording.heard import Heard, Look

__all__ = ["Done", "same", "settled"]

_TEXTS = ("textbox", "searchbox", "spinbutton")


@dataclass(frozen=True, slots=True)
class Done:
    """One act, with what was shown before and after it."""

    kind: str
    """`fill`, `choose`, `click`, `keys` or `open`."""
    target: Node | None
    before: Look
    after: Look
    text: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    button: str = "left"
    count: int = 1
    modifiers: tuple[str, ...] = ()
    settled_s: float = 0.0
    picture: bytes = b""
    """The screen before it, secrets blacked out; empty where the target was not seen to stand there."""


def settled(heard: Sequence[Heard], last: Look, still: Sequence[float] = ()) -> tuple[list[Done], list[str]]:
    """The acts, and what could not be kept, one line each.

    Args:
        heard: in order.
        last: what was shown at the end.
        still: times, seconds since the epoch, at which the page was seen to stand still.
    """
    kept = _joined(heard)
    done: list[Done] = []
    for index, one in enumerate(kept):
        following = next((later.seen for later in kept[index + 1 :] if later.seen is not None), last)
        before = one.seen if one.seen is not None else (done[-1].after if done else last)
        until = kept[index + 1].at if index + 1 < len(kept) else float("inf")
        stood = next((at for at in still if one.at < at <= until), None)
        wait = round(stood - one.at, 2) if stood is not None else 0.0
        kind = {"edit": "fill"}.get(one.kind, one.kind)
        text = one.target.value if one.kind == "edit" and one.target is not None else one.text
        done.append(Done(kind, one.target, before, following, text, one.secret, one.choices, one.keys,
                         one.button, one.count, one.modifiers, wait, one.picture))  # fmt: skip
    return done, _lost(heard)


def _lost(heard: Sequence[Heard]) -> list[str]:
    said = {
        "drag": "something was dragged, for which a flow has no word: it is not in it",
        "frame": "something was done in a frame of another page: it is not in the flow",
    }
    lines = [said[one.kind] for one in heard if one.kind in said]
    lines += [f"something was done that could not be read: {one.text}" for one in heard if one.kind == "lost"]
    return list(dict.fromkeys(lines))


def _joined(heard: Sequence[Heard]) -> list[Heard]:
    marked = {one.target.path for one in heard if one.kind == "mark" and one.target is not None}
    kept: list[Heard] = []
    for one in heard:
        if one.kind not in ("click", "edit", "choose", "keys", "open"):
            continue
        if one.target is not None and one.target.path in marked and one.target.role in FIELDS:
            one = replace(one, secret=True, target=replace(one.target, value=""))
        last = kept[-1] if kept else None
        if last is not None and one.target is not None and same(last.target, one.target):
            if one.kind == "edit" and last.kind == "edit":
                kept[-1] = replace(one, seen=last.seen, secret=one.secret or last.secret)
                continue
            if one.kind in ("edit", "choose") and last.kind in ("click", "choose") and last.target is not None:
                kept[-1] = replace(one, seen=last.seen)
                continue
            if one.kind == last.kind == "click" and one.count > last.count:
                kept[-1] = replace(one, seen=last.seen)
                continue
            if one.kind == "click" and last.kind == "edit":
                continue
        kept.append(one)
    return [one for one, then in zip(kept, [*kept[1:], None], strict=True) if not _idle(one, then)]


def _idle(one: Heard, then: Heard | None) -> bool:
    """What changes nothing: a text that was taken back, a click that only puts the cursor into a field."""
    if one.target is None:
        return False
    if one.kind == "edit" and not one.secret and one.seen is not None:
        was = next((node.value for node in one.seen.nodes if same(node, one.target)), None)
        return was == one.target.value
    if one.kind != "click" or one.target.role not in _TEXTS or not one.target.editable or one.count == 2:
        return False
    return then is not None and then.seen is not None and _shown(one.seen) == _shown(then.seen)


def _shown(seen: Look | None) -> object:
    return [(node.role, node.name) for node in seen.nodes] if seen is not None else None


def same(one: Node | None, other: Node | None) -> bool:
    """Whether two nodes of one page are one thing, also when they were seen from different worlds."""
    if one is None or other is None or one.role != other.role:
        return False
    if one.id == other.id:
        return True
    if one.path and other.path:
        return one.path == other.path
    return bool(re.sub(r"\W", "", one.name)) and one.name == other.name
