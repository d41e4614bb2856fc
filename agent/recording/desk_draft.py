"""A task file for a desktop from what a person did there: a plan in fixed words, inputs for what they typed."""

from __future__ import annotations

from typing import Any

import yaml

from actuators.observation import Node
from agent.flow.find import FIELDS
from agent.recording.acts import Done, same, settled
from agent.recording.desktop import DeskWatched
from agent.recording.draft import NoDraft, slug

__all__ = ["desk_task"]


def desk_task(watched: DeskWatched, name: str, goal: str) -> tuple[str, list[str]]:
    """The text of a task file, and what is to be checked in it. Raises `NoDraft`."""
    done, lost = settled(watched.heard, watched.last)
    if not done:
        raise NoDraft("nothing was done that could be kept")
    writer = _Writer(watched)
    steps = [step for one in done if (step := writer.step(one))]
    notes = [*lost, *watched.notes, *writer.notes]
    notes.append("nothing says yet how to see that it is done: write checks under `success`")
    apps = sorted(watched.apps)
    told: dict[str, Any] = {
        "version": 1,
        "name": name,
        "goal": goal or "Do what was recorded.",
        "surface": {"desktop": {"sandbox": False, "apps": apps}},
    }
    told |= {"inputs": writer.inputs} if writer.inputs else {}
    told |= {"secrets": writer.secrets} if writer.secrets else {}
    told |= {
        "policy": {"preset": "browse"},
        "steps": steps,
        "limits": {"steps": max(40, 4 * len(steps)), "minutes": 10},
    }
    head = "# Drafted by `agent record` from what a person did. Read it like code before it runs on its own.\n"
    said = "".join(f"# check: {line}\n" for line in dict.fromkeys(notes))
    return head + said + str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110)), list(
        dict.fromkeys(notes)
    )


class _Writer:
    def __init__(self, watched: DeskWatched) -> None:
        self._watched = watched
        self._typed = {
            one.target.id: one.text for one in watched.heard if one.kind == "edit" and one.target and one.text
        }
        self.inputs: dict[str, dict[str, str]] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []

    def step(self, one: Done) -> str:
        node = one.target
        match one.kind:
            case "keys":
                return f"press the {'+'.join(one.keys)} key"
            case "fill" if node is not None:
                return self._fill(one, node)
            case "click" if node is not None:
                return self._click(one, node)
        return ""

    def _fill(self, one: Done, node: Node) -> str:
        if one.secret:
            name = slug(node.name) or "password"
            self.secrets[name] = {"env": name.upper(), "apps": sorted(self._watched.apps)}
            return f"type <secret:{name}> into the {node.name} field" if node.name else f"type <secret:{name}>"
        cursor = self._typed.get(node.id, "")
        text = cursor or node.value
        if not text:
            return ""
        if "\n" in text:
            self.notes.append("a text of several lines was typed: each line is an act of its own in a plan")
        name = self._input(slug(node.name) or "text", text)
        return f"type {{{{{name}}}}}" if cursor else f"type {{{{{name}}}}} into the {node.name} field"

    def _input(self, wanted: str, text: str) -> str:
        name, number = wanted, 1
        while name in self.inputs and self.inputs[name]["default"] != text:
            number += 1
            name = f"{wanted}_{number}"
        self.inputs[name] = {"type": "string", "default": text}
        return name

    def _click(self, one: Done, node: Node) -> str:
        if one.button != "left":
            self.notes.append(f"`{node.name[:40]}` was pressed with the {one.button} button: a plan has no word for it")
            return ""
        name = node.name[:80]
        if node.role == "checkbox":
            now = next((later for later in one.after.nodes if same(later, node)), None)
            on = now.checked if now is not None and now.checked is not None else not node.checked
            return f"{'check' if on else 'uncheck'} {name}"
        kind = {"button": " button", "link": " link", "tab": " tab"}.get(
            node.role, " field" if node.role in FIELDS else ""
        )
        quoted = f'"{name}"' if not any(letter.isalpha() for letter in name) else name
        return f"press {quoted}{kind}" if quoted == name else f"press the {quoted}{kind}"
