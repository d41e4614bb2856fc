"""From a run that goes on to a flow: listens to its steps, and writes them down once the run is verified."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from actuators.action import Action, Click, Hover, LongPress, OpenUrl, PressKeys, Scroll, TypeText, Wait, Zoom
from actuators.observation import Node, Observation
from agent.flow import patches
from agent.flow.file import After, Anchor, Flow, FlowAct, FlowStep, Near, Recorded, written
from agent.flow.find import FIELDS, OPERABLE, neighbours, plain
from agent.flow.slots import Slots
from agent.outcome import Ending
from agent.parts import Parts
from agent.reading import own_nodes
from agent.run_folder import RunFolder
from agent.step import Step
from agent.task import BoundTask, Task, load_task
from agent.task_file import StepSpec
from agent.turn import moved
from model.planned import understood
from model.protocols.computer_use import summary

__all__ = ["NoFlow", "Recorder", "anchor_of", "known_of"]

_RULE = re.compile(r"^(?i:press|click|open) the first\b|\b(?:until|if it is shown|cheapest|lowest|earliest|any)\b")
"""Words of a plan step whose target depends on what is shown."""
_LOOKS = (Scroll, Wait, Zoom)
"""Means of finding and waiting: a replay scrolls and waits by itself."""
_SELECTED = ("ctrl", "a")
_MOST_KNOWN = 400
"""Things that are remembered of one screen."""


class NoFlow(Exception):
    """What was done cannot be kept as a flow. One line."""


@dataclass(frozen=True, slots=True)
class _Did:
    """One act that was performed."""

    number: int
    """Of the plan's step."""
    action: Action
    node: Node | None
    seen: Observation
    after: Observation | None
    reason: str
    settled_s: float
    effect: str = ""
    leads: str = ""
    """Address of the form or link."""


class Recorder:
    """Goes along with a run as its `Watch`, and remembers what was done on its way to another one."""

    def __init__(self) -> None:
        self._did: list[_Did] = []
        self._cursor = 0
        self._settling = 0.0
        self._driven = False

    def begin(self, parts: Parts, folder: RunFolder) -> None:
        """See `agent.run.Beside`: from here on it listens."""
        self._parts, self._inner = parts, parts.watch
        parts.watch = self

    def closing(self, ending: Ending) -> Ending:
        """See `agent.run.Beside`."""
        return ending

    def told(self) -> Mapping[str, Any]:
        """See `agent.run.Beside`."""
        return {}

    def stage(self, step: Step, name: str) -> None:
        if name == "thinking":
            cursor = self._parts.plan.cursor
            if cursor < self._cursor:  # the run went back in its plan: what follows is done again
                self._did = [did for did in self._did if did.number < cursor]
            self._cursor = cursor
        elif name == "settling":
            self._settling = time.monotonic()
        self._driven = self._driven or name == "driven"
        self._inner.stage(step, name)

    def step(self, step: Step) -> None:
        receipt = step.receipt
        if receipt is not None and receipt.status == "done" and receipt.performed is not None:
            took = time.monotonic() - self._settling
            node = step.target.node if step.target is not None else None
            reason = summary(receipt.performed, step.target) if step.target is not None else receipt.performed.kind
            found = step.clearance.consequence if step.clearance is not None else None
            effect, leads = found.kind if found else "", step.target.destination if step.target is not None else ""
            seen = step.seen
            did = _Did(
                self._cursor, receipt.performed, _as_seen(node, seen), seen, step.after, reason, took, effect, leads
            )
            self._did.append(did)
        self._inner.step(step)

    def end(self, ending: Ending) -> None:
        self._inner.end(ending)

    def leave(self, folder: RunFolder, task: BoundTask, ending: Ending, seconds: float) -> Path | None:
        """Write `flow.yaml`, and the patches beside it, for a verified run in a browser; nothing for any other.

        Raises:
            NoFlow: something was done that a flow has no word for.
            OSError: it cannot be written.
        """
        if ending.outcome != "verified" or task.browser is None or not self._did:
            return None
        if self._driven:
            raise NoFlow("a person used the screen in between")
        file = load_task(folder.path / "task.yaml")
        writer = _Writer(file, task, folder, self._parts)
        recorded = Recorded(run=folder.id, model=self._parts.model.name, seconds=round(seconds, 1))
        flow = writer.flow(self._did, recorded)
        place = folder.path / "flow.yaml"
        aside = place.with_suffix(".new")
        aside.write_text(written(flow))
        aside.replace(place)
        return place


def _as_seen(node: Node | None, seen: Observation) -> Node | None:
    """The node as it stood in the look; the one at the moment of the act where the look had none of its id."""
    if node is None:
        return None
    return next((one for one in seen.nodes if one.id == node.id), node)


class _Writer:
    def __init__(self, file: Task, task: BoundTask, folder: RunFolder, parts: Parts) -> None:
        self._file, self._task, self._folder = file, task, folder
        self._clean: Callable[[str], str] = parts.trail.clean
        self._keep_frame = parts.keep_frame
        self._slots = Slots(task.inputs, (folder.path / "task.yaml").read_text(), tuple(task.secrets))
        self._notes: list[str] = []

    def flow(self, did: list[_Did], recorded: Recorded) -> Flow:
        steps = self._planned(did) if self._file.file.steps else self._unplanned(did)
        for text, inputs in self._slots.unclear.items():
            self._notes.append(
                f"`{text}` was the value of {' and of '.join(inputs)}; the first was taken where no step says"
            )
        return Flow(
            version=1,
            name=self._file.name,
            task="task.yaml",
            task_digest=self._file.digest,
            recorded=recorded,
            notes=tuple(dict.fromkeys(self._notes)),
            steps=tuple(steps),
        )

    def _planned(self, did: list[_Did]) -> list[FlowStep]:
        steps = []
        bound = self._task.steps
        for number, spec in enumerate(self._file.file.steps):
            given = spec if isinstance(spec, StepSpec) else StepSpec(do=spec)
            own = {name: getattr(given, name) for name in ("do", "when_shown", "until", "acts")}
            mine = [one for one in did if one.number == number]
            can = understood(bound[number].do)
            if can and (not mine or _RULE.search(given.do)):
                steps.append(FlowStep(**own, rule=True, done_by=tuple(self._sample(mine, given.do))))
                continue
            if _RULE.search(given.do):
                self._notes.append(
                    f"step {number + 1} chooses by what is shown; what it chose then is what is looked for"
                )
            steps.append(FlowStep(**own, done_by=tuple(self._acts(mine, given.do))))
        return steps

    def _sample(self, did: list[_Did], hint: str) -> list[FlowAct]:
        """The first act by which a rule was followed; none where a flow has no word for it."""
        try:
            return self._acts(did, hint)[:1]
        except NoFlow:
            return []

    def _unplanned(self, did: list[_Did]) -> list[FlowStep]:
        steps = []
        for group in _grouped(did):
            last = group[-1]
            intent = self._text(last.reason)
            steps.append(FlowStep(do=intent or "act", done_by=tuple(self._acts(group, intent))))
        return steps

    def _acts(self, did: list[_Did], hint: str) -> list[FlowAct]:
        found = []
        for group in _grouped(did):
            act = self._act(group, hint)
            if act is not None:
                found.append(act)
        return found

    def _act(self, group: list[_Did], hint: str) -> FlowAct | None:
        first, last = group[0], group[-1]
        told = self._told(last, first.seen, hint)
        if told is None:
            return None
        text = last.action.text if isinstance(last.action, TypeText) else ""
        return FlowAct(
            page=self._text(_path(first.seen.url)),
            after=self._after(last, first.seen, hint, text),
            settled_s=round(last.settled_s, 2),
            still=_still(first.seen, last),
            effect=last.effect,
            leads=self._pattern(self._text(_path(last.leads))),
            known=self._known(last, first.seen, told["target"], hint) if told.get("target") else "",
            **told,
        )

    def _known(self, did: _Did, before: Observation, target: Anchor, hint: str) -> str:
        """The list of what could be operated there beside the target, kept beside the flow."""
        text = known_of(did.node, own_nodes(before), target, lambda name: self._text(name, hint))
        return patches.put(self._folder.path / "patches", text.encode(), "txt")

    def _told(self, did: _Did, before: Observation, hint: str) -> dict[str, Any] | None:
        """What was done and to what; None for what a replay does by itself."""
        action, node = did.action, did.node
        match action:
            case TypeText(text=text):
                if node is None or node.role not in FIELDS:
                    return {"do": "type", "text": self._text(text, hint)}
                do = "choose" if node.tag == "select" else "fill"
                return {"do": do, "target": self._anchor(node, before, hint), "text": self._text(text, hint)}
            case Click() | Hover() | LongPress():
                if node is None:
                    raise NoFlow(f"`{did.reason}` was done on something without words")
                how = action.model_dump(include={"button", "count", "modifiers"})
                return {"do": action.kind, "target": self._anchor(node, did.seen, hint), **how}
            case PressKeys(keys=keys):
                field = node if node is not None and node.role in FIELDS else None
                return {"do": "keys", "keys": keys, "target": field and self._anchor(field, did.seen, hint)}
            case OpenUrl(url=url):
                return {"do": "open", "url": self._address(url)}
            case Scroll() | Wait() | Zoom():
                return None
            case _:
                raise NoFlow(f"a flow has no word for `{did.reason}`")

    def _anchor(self, node: Node, seen: Observation, hint: str) -> Anchor:
        nodes = own_nodes(seen)
        if node.origin and node.origin != seen.origin:
            raise NoFlow(f"{node.role} `{node.name[:60]}` lies in a frame of another site")
        anchor = anchor_of(node, nodes, lambda text: self._text(text, hint))
        patch = "" if node.role in FIELDS else self._patch(node, seen)
        return anchor.model_copy(update={"path": self._clean(node.path), "patch": patch})

    def _after(self, did: _Did, before: Observation, hint: str, text: str = "") -> After:
        then = did.after
        if then is None:
            return After()
        if _path(then.url) != _path(before.url):
            return After(address=self._pattern(_path(then.url)), shown=self._new(before, then))
        node = did.node
        now = next((one for one in then.nodes if node is not None and one.id == node.id), None)
        if node is None:
            return After(shown=self._new(before, then))
        if now is None:
            gone = not any(one.role == node.role and plain(one.name) == plain(node.name) for one in then.nodes)
            return After(shown=self._new(before, then), gone=gone and bool(node.name))
        if text:
            secret = "<secret:" in text or now.password
            if not secret and now.value == text:
                return After(value=self._text(text, hint))
            return After(filled=True) if now.filled else After()
        return After(
            checked=now.checked if node.checked is not None and now.checked != node.checked else None,
            shown=self._new(before, then),
        )

    def _new(self, before: Observation, then: Observation) -> tuple[str, ...]:
        """Headings that appeared and are the page's own words: no digits, nothing of the inputs."""
        old = {plain(node.name) for node in before.nodes}
        found = []
        for node in own_nodes(then):
            said = node.name.strip()
            if node.role != "heading" or plain(said) in old or re.search(r"\d", said) or not 2 < len(said) <= 60:
                continue
            if self._text(said) == said:
                found.append(said)
        return tuple(found[:2])

    def _patch(self, node: Node, seen: Observation) -> str:
        frame = self._folder.frame(self._keep_frame(seen)).read_bytes()
        png = patches.cut(frame, node.rect)
        return patches.put(self._folder.path / "patches", png) if png is not None else ""

    def _text(self, text: str, hint: str = "") -> str:
        try:
            return self._slots.template(self._clean(" ".join(text.split())), hint)
        except ValueError as problem:
            raise NoFlow(f"`{text[:60]}` cannot be kept: {problem}") from None

    def _address(self, url: str) -> str:
        start = urlsplit(self._task.browser.start) if self._task.browser is not None else urlsplit("")
        parts = urlsplit(url)
        own = start.scheme == "site" or (parts.scheme, parts.netloc) == (start.scheme, start.netloc)
        return self._text(parts._replace(scheme="", netloc="").geturl() if own else url)

    def _pattern(self, path: str) -> str:
        """A path as it may come again: what has digits in it is another one next time."""
        return "/".join("*" if re.search(r"\d", part) else part for part in path.split("/"))


def anchor_of(node: Node, nodes: Sequence[Node], text: Callable[[str], str]) -> Anchor:
    """What a node was, for finding it again, less its picture. `text` puts inputs in place of their values.

    A row is kept only where the name does not say itself which of several things it is.
    """
    name = text(node.name[:300])
    keyed = node.role not in FIELDS and "{{" not in name and plain(node.row) != plain(node.name)
    among = sum(one.role == node.role and plain(one.name) == plain(node.name) for one in nodes)
    beside = neighbours(node, nodes) if among > 1 or not plain(node.name) else ()
    return Anchor(
        role=node.role,
        name=name,
        password=node.password,
        path=node.path,
        row=text(node.row) if keyed else "",
        near=tuple(Near(side=one.side, role=one.role, name=text(one.name)) for one in beside),
        among=max(1, among),
    )


def known_of(node: Node | None, nodes: Sequence[Node], target: Anchor, text: Callable[[str], str]) -> str:
    """What could be operated beside a target, one line each: its role and its name."""
    others = {
        f"{one.role} {text(one.name[:200])}"
        for one in nodes
        if one.role in OPERABLE and plain(one.name) and (node is None or one.id != node.id)
    } - {f"{target.role} {target.name}"}
    return "".join(f"{line}\n" for line in sorted(others)[:_MOST_KNOWN])


def _still(before: Observation, did: _Did) -> bool:
    """Whether nothing changed by it but its target."""
    then = did.after
    if then is None or did.node is None or then.url != before.url or then.notices:
        return False
    return not moved(before.nodes, then.nodes, did.node.id)


def _path(url: str) -> str:
    return urlsplit(url).path


def _grouped(did: list[_Did]) -> list[list[_Did]]:
    """Acts that belong together: what typing into a field took, from the click on it to the text."""
    groups: list[list[_Did]] = []
    for one in did:
        if isinstance(one.action, _LOOKS):
            continue
        if isinstance(one.action, TypeText) and one.node is not None:
            while groups and len(groups[-1]) == 1 and _leads_to(groups[-1][0], one):
                earlier = groups.pop()[0]
                one = replace(one, seen=earlier.seen)  # the field as it was before
        groups.append([one])
    return groups


def _leads_to(earlier: _Did, typed: _Did) -> bool:
    same = earlier.node is not None and typed.node is not None and earlier.node.id == typed.node.id
    if isinstance(earlier.action, PressKeys):
        return earlier.action.keys == _SELECTED and same
    return isinstance(earlier.action, Click) and same and earlier.action.button == "left"
