"""Recorded demonstrations as samples: what stood on the screen, what was asked, what had been done, what was done next.

Reads the lines that `osworld_eval.miniwob.record` writes. A press whose place no listed node explains is left out: the
node list cannot teach it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actuators.action import Action, Click, Drag, Hover, PressKeys, Scroll, TypeText, parse_action
from actuators.geometry import Rect, Screen, to_grid
from actuators.observation import Node, Target
from model.base import Done, Instruction
from model.protocols import computer_use
from model.training.episodes import Episode, Sample, user_text
from model.training.instructions import Wording
from model.training.oracle import Ask, Call
from model.training.pages import Page

__all__ = ["Demos"]

_CLICKS = {
    ("left", 1): "left_click",
    ("left", 2): "double_click",
    ("left", 3): "triple_click",
    ("right", 1): "right_click",
}


@dataclass(frozen=True)
class _Step:
    nodes: tuple[Node, ...]
    act: Action
    node: int | None
    end_node: int | None


class Demos:
    """All demonstrations of a folder; draws one step at a time, every task as often as any other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_task: dict[str, list[dict[str, Any]]] = {}
        self._sizes: dict[Path, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read files that have grown since."""
        for path in sorted(self._folder.glob("*.jsonl")):
            size = path.stat().st_size
            if self._sizes.get(path) == size:
                continue
            self._sizes[path] = size
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [one for one in map(_parsed, lines) if one is not None and _teachable(one)]
            if kept:
                self._by_task[path.stem] = kept

    def __len__(self) -> int:
        return sum(map(len, self._by_task.values()))

    def draw(self, dice: random.Random) -> Episode:
        """One step of one demonstration, as an episode of one sample."""
        demo = dice.choice(self._by_task[dice.choice(sorted(self._by_task))])
        screen = Screen(*demo["screen"])
        steps = [_step(one) for one in demo["steps"]]
        teachable = [n for n, step in enumerate(steps) if _call(step, screen) is not None]
        index = dice.choice(teachable)
        return Episode(Page(steps[index].nodes, screen), [_sample(demo, steps, index, screen)])


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:  # the recorder is still writing it
        return None
    return found


def _teachable(demo: dict[str, Any]) -> bool:
    screen = Screen(*demo["screen"])
    calls = [_call(_step(one), screen) for one in demo["steps"]]
    return any(calls) and len(calls) <= 30


def _step(step: dict[str, Any]) -> _Step:
    nodes = []
    for number, told in enumerate(step["nodes"]):
        states = {key: value for key, value in told.items() if key not in ("role", "name", "rect", "value", "tag")}
        nodes.append(
            Node(
                id=str(number),
                role=told["role"],
                name=told["name"],
                rect=Rect(*told["rect"]),
                value=told.get("value", ""),
                **states,
            )
        )
    return _Step(tuple(nodes), parse_action(step["act"]), step["node"], step["end_node"])


def _call(step: _Step, screen: Screen) -> Call | None:
    """The call of a step; None where the node list does not hold its place."""

    def at(index: int | None) -> list[int] | None:
        return (
            None if index is None or index >= len(step.nodes) else list(to_grid(step.nodes[index].rect.centre, screen))
        )

    match step.act:
        case Click(button=button, count=count):
            point, name = at(step.node), _CLICKS.get((button, count))
            return Call({"action": name, "coordinate": point}, step.node) if point and name else None
        case Hover():
            point = at(step.node)
            return Call({"action": "mouse_move", "coordinate": point}, step.node) if point else None
        case Drag():
            start, end = at(step.node), at(step.end_node)
            return (
                Call({"action": "left_click_drag", "start": start, "coordinate": end}, step.node)
                if start and end and start != end
                else None
            )
        case TypeText(text=text):
            return Call({"action": "type", "text": text})
        case PressKeys(keys=keys):
            return Call({"action": "key", "keys": list(keys)})
        case Scroll(at=place, dy=dy) if dy:
            return Call(
                {"action": "scroll", "coordinate": list(to_grid(place, screen)), "pixels": -max(-2000, min(2000, dy))}
            )
    return None


def _done(step: _Step) -> Done:
    node = step.nodes[step.node] if step.node is not None and step.node < len(step.nodes) else None
    target = Target(surface="browser", node=node, point=None) if node else None
    return Done(computer_use.summary(step.act, target))


def _sample(demo: dict[str, Any], steps: Sequence[_Step], index: int, screen: Screen) -> Sample:
    call = _call(steps[index], screen)
    assert call is not None
    said = str(demo["utterance"])
    history = [_done(step) for step in steps[:index]]
    text = user_text(Instruction(goal=said, step=said), history)
    wording = Wording(said, _spans(said, steps[index], call))
    return Sample(f"demo: {demo['task']}", Ask("press", "\0"), wording, (), "", call, text)


def _spans(said: str, step: _Step, call: Call) -> dict[str, tuple[int, int]]:
    """Where the instruction quotes the thing that is touched (`n`) and the text that is typed (`v`)."""
    spans = {}
    name = step.nodes[step.node].name if step.node is not None and step.node < len(step.nodes) else ""
    for letter, words in (("n", name), ("v", str(call.arguments.get("text", "")))):
        start = said.casefold().find(words.casefold()) if len(words) > 1 else -1
        if start >= 0:
            spans[letter] = (start, start + len(words))
    return spans
