"""Acts from outside on the way of every other act: resolved, judged, permitted, written down, performed, looked at.

What is refused is told and the run goes on, as when a person has the wheel: whoever drives may try something else, and
the limits of the task bound how often. What may have happened without anybody knowing ends it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from actuators.action import parse_action
from actuators.geometry import Point
from actuators.observation import Node, Observation
from agent.outcome import Ending
from agent.parts import Parts
from agent.step import Step
from agent.turn import Turn
from model.base import Act, Blocked, Done, Instruction, Perception, Reply
from model.protocols.computer_use import summary

__all__ = ["ACTS", "Driven", "NoSuchAct", "Outsider", "wished"]

ACTS = ("click", "type", "keys", "scroll", "open", "hover", "long_press", "drag", "launch", "wait")
_LONGEST = 300
"""Characters of any one text of the screen that are told."""


class NoSuchAct(Exception):
    """What was asked for is no act on this screen. One line."""


class Outsider:
    """A `Model` that wishes what somebody outside has asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.wanted: Act | None = None

    @property
    def name(self) -> str:
        return self._name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        if self.wanted is None:
            return Reply(Blocked("nobody asks for anything"), "")
        return Reply(self.wanted, self.wanted.action.kind)

    def close(self) -> None:
        """Nothing to end."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """Fields that each act takes, beside where it goes."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    aimed: bool = False
    """Whether it takes `node`, or `x` and `y`."""


_WISHES = {
    "click": _Wish(may=("button", "count", "modifiers"), aimed=True),
    "type": _Wish(needs=("text",)),
    "keys": _Wish(needs=("keys",)),
    "scroll": _Wish(may=("dx", "dy"), aimed=True),
    "open": _Wish(needs=("url",)),
    "hover": _Wish(aimed=True),
    "long_press": _Wish(may=("seconds",), aimed=True),
    "drag": _Wish(needs=("to_x", "to_y"), aimed=True),
    "launch": _Wish(needs=("name",)),
    "wait": _Wish(may=("seconds",)),
}
_KINDS = {"type": "type_text", "keys": "press_keys", "open": "open_url", "launch": "launch_app"}


def wished(given: Mapping[str, Any], seen: Observation) -> Act:
    """One act from plain data: `do`, where to (`node` of the last look, or `x` and `y` in its pixels), and the rest.

    Raises:
        NoSuchAct: an unknown word, a field that is missing or too many, a node that was not there, a wrong value.
    """
    do = str(given.get("do", ""))
    if do not in _WISHES:
        raise NoSuchAct(f"`do` takes one of {', '.join(ACTS)}, got `{do}`")
    wish = _WISHES[do]
    told = {name: value for name, value in given.items() if name != "do" and value is not None}
    places = ("node", "x", "y") if wish.aimed else ()
    if strange := sorted(set(told) - {*wish.needs, *wish.may, *places}):
        takes = ", ".join((*places, *wish.needs, *wish.may)) or "nothing else"
        raise NoSuchAct(f"`{do}` takes {takes}; got `{strange[0]}` as well")
    if missing := [name for name in wish.needs if name not in told]:
        raise NoSuchAct(f"`{do}` needs `{missing[0]}`")
    node = _node(str(told.get("node", "")), seen)
    fields = {name: told[name] for name in (*wish.needs, *wish.may) if name in told}
    if wish.aimed:
        point = _point(do, told, node, seen)
        fields |= {"start": point, "end": _corner(fields)} if do == "drag" else {"at": point}
    fields.pop("to_x", None), fields.pop("to_y", None)
    try:
        return Act(parse_action({"kind": _KINDS.get(do, do), **fields}), meant=node.id if node is not None else "")
    except ValidationError as error:
        first = error.errors()[0]
        raise NoSuchAct(f"`{do}`: {'.'.join(str(part) for part in first['loc'][1:])}: {first['msg'].lower()}") from None


def _corner(fields: Mapping[str, Any]) -> Point:
    try:
        return Point(int(fields["to_x"]), int(fields["to_y"]))
    except (TypeError, ValueError):
        raise NoSuchAct("`to_x` and `to_y` take whole numbers of pixels") from None


def _node(wanted: str, seen: Observation) -> Node | None:
    if not wanted:
        return None
    found = next((node for node in seen.nodes if node.id == wanted), None)
    if found is None:
        raise NoSuchAct(f"there is no node `{wanted}` on the last look; look again")
    return found


def _point(do: str, told: Mapping[str, Any], node: Node | None, seen: Observation) -> Point:
    if node is not None:
        return node.rect.centre
    if do == "scroll" and "x" not in told and "y" not in told:
        return seen.screen.rect.centre
    try:
        return Point(int(told["x"]), int(told["y"]))
    except (KeyError, TypeError, ValueError):
        raise NoSuchAct(f"`{do}` needs `node`, or `x` and `y` in pixels of the last look") from None


class Driven:
    """One run that is driven from outside. One thread; the run's own."""

    def __init__(self, parts: Parts, outsider: Outsider) -> None:
        self._parts, self._outsider = parts, outsider
        self._turn = Turn(parts)
        self._index = 0
        self._since = time.monotonic()
        self._seen = self._turn.look()
        self.over: Ending | None = None
        """Set once nothing more may be done."""

    def waited(self) -> None:
        """Whoever drives has thought until now: that is none of the run's own time."""
        self._parts.limits.waited(time.monotonic() - self._since)

    def rests(self) -> None:
        """From now on it waits for whoever drives."""
        self._since = time.monotonic()

    def look(self) -> dict[str, Any]:
        """Look now; what is seen as plain data, free of secrets."""
        with self._parts.trail.step(self._index):
            self._parts.actuator.settle(self._parts.settle_s)
            self._seen = self._turn.look()
        self._index += 1
        return self._told(self._seen)

    def act(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """One act, and what came of it as plain data. Raises `NoSuchAct`, and what breaks a run."""
        parts = self._parts
        wish = wished(given, self._seen)
        if (reached := parts.limits.reached(self._index)) is not None:
            self.over = reached
            return {"status": "not done", "why": reached.because, "over": True, "seen": self._told(self._seen)}
        self._outsider.wanted = wish
        with parts.trail.step(self._index):
            step = Step(self._index, "", self._seen)
            step.reply = self._turn.propose(step)
            ending = self._turn.act(step, wish.action)
            parts.watch.step(step)
        self._index += 1
        self._seen = step.after or self._turn.look()
        self.over = self._ends(step, ending)
        return self._came(step, ending)

    def judge(self) -> Ending:
        """Whoever drives says that it is done: the task's checks decide."""
        with self._parts.trail.step(self._index):
            step = Step(self._index, "", self._seen)
            ending = self._turn.judge(step)
            self._parts.watch.step(step)
        return ending

    def _ends(self, step: Step, ending: Ending | None) -> Ending | None:
        if ending is None:
            return None
        approval = step.clearance.approval if step.clearance is not None else None
        stopped = self._parts.stop.is_set() or (approval is not None and approval.answer == "stopped")
        return ending if stopped or ending.outcome in ("unknown_effect", "error") else None

    def _came(self, step: Step, ending: Ending | None) -> dict[str, Any]:
        clean = self._parts.trail.clean
        told: dict[str, Any] = {"status": "not done", "why": "", "over": self.over is not None}
        if step.target is not None and step.reply is not None and isinstance(step.reply.move, Act):
            told["act"] = clean(summary(step.reply.move.action, step.target))
        if step.clearance is not None:
            decision, approval = step.clearance.decision, step.clearance.approval
            told |= {"verdict": decision.verdict, "rules": list(decision.rules)}
            if approval is not None:
                told["answer"] = approval.answer
                told["by"] = clean(approval.by)
        if step.receipt is not None:
            told |= {"status": step.receipt.status, "why": clean(step.receipt.detail)}
        if ending is not None:
            status = "refused" if ending.outcome == "denied" else told["status"]
            told |= {"status": status, "why": clean(ending.because)}
        elif step.receipt is None:
            told["why"] = "something else lies there now; look again"
        return {**told, "noticed": [clean(line) for line in step.noticed], "seen": self._told(self._seen)}

    def _told(self, seen: Observation) -> dict[str, Any]:
        clean = self._parts.trail.clean
        return {
            "frame": self._parts.keep_frame(seen),
            "size": [seen.screen.width, seen.screen.height],
            "url": clean(seen.url),
            "title": clean(seen.title),
            "window": clean(seen.window),
            "notices": [clean(line) for line in seen.notices],
            "more": list(seen.more),
            "nodes": [self._node(node) for node in seen.nodes],
        }

    def _node(self, node: Node) -> dict[str, Any]:
        clean, at = self._parts.trail.clean, node.rect.centre
        told: dict[str, Any] = {
            "id": node.id, "role": node.role, "name": clean(node.name[:_LONGEST]), "x": at.x, "y": at.y,
        }  # fmt: skip
        if node.value and node.value != node.name:
            told["value"] = clean(node.value[:_LONGEST])
        for name in ("checked", "expanded", "selected", "filled"):
            if getattr(node, name) is not None:
                told[name] = getattr(node, name)
        told |= {name: True for name in ("focused", "password", "editable") if getattr(node, name)}
        return told if node.enabled else {**told, "enabled": False}
