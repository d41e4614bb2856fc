"""A task file and a flow from the acts of a person: values become inputs, secrets names, and the rest is to be read.

What is written is a draft for review: `notes` in the flow say what was taken for its own sake and what was left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from actuators.action import Action, Click, OpenUrl, PressKeys, TypeText
from actuators.geometry import Screen
from actuators.observation import Frame, Node, Observation, Target
from agent.flow import patches
from agent.flow.file import After, Anchor, Flow, FlowAct, FlowStep, Near, Recorded
from agent.flow.find import FIELDS, neighbours, plain
from agent.flow.slots import Slots
from agent.recording.acts import Done, same
from agent.recording.heard import Look
from agent.template import Value
from policies.consequence import Consequence, consequence_of

__all__ = ["Draft", "Drafted", "Known", "NoDraft", "Rows", "slug"]

Rows = Literal["same", "first"]
_HARMLESS = ("look", "move", "edit", "submit")
_LONGEST = 300
_CHECKED_INPUT = 4
"""Inputs of so many characters or more that are shown at the end become checks."""


class NoDraft(Exception):
    """What was done cannot be kept. One line."""


@dataclass(frozen=True, slots=True)
class Known:
    """A task that is there already: its inputs with their values, and its secrets."""

    values: Mapping[str, Value]
    text: str
    """The file, for the spellings that it uses."""
    secrets: Mapping[str, tuple[str, ...]]
    """Kinds of field (autocomplete tokens) of each."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a recording came to."""

    steps: tuple[FlowStep, ...]
    inputs: dict[str, dict[str, Any]]
    secrets: dict[str, dict[str, Any]]
    success: tuple[dict[str, str], ...]
    policy: dict[str, Any]
    notes: tuple[str, ...]

    def flow(self, name: str, task: bytes, seconds: float) -> Flow:
        digest = hashlib.sha256(task).hexdigest()
        recorded = Recorded(model="a person", seconds=round(seconds, 1))
        return Flow(version=1, name=name, task="task.yaml", task_digest=digest, recorded=recorded, notes=self.notes,
                    steps=self.steps)  # fmt: skip

    def task(self, name: str, goal: str, surface: dict[str, Any], site: dict[str, Any] | None) -> str:
        """The text of a task file whose plan says what was done."""
        told: dict[str, Any] = {"version": 1, "name": name, "goal": goal, "surface": surface}
        told |= {"site": site} if site else {}
        told |= {"inputs": self.inputs} if self.inputs else {}
        told |= {"secrets": self.secrets} if self.secrets else {}
        told |= {"policy": self.policy, "steps": [step.do for step in self.steps]}
        told |= {"success": list(self.success)} if self.success else {}
        told["limits"] = {"steps": max(40, 4 * len(self.steps)), "minutes": 10}
        notes = "".join(f"# check: {line}\n" for line in self.notes)
        head = "# Drafted by `agent record` from what a person did. Read it like code before it runs on its own.\n"
        return head + notes + str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110))


@dataclass
class Draft:
    """Writes acts down.

    Args:
        done: in order.
        last: what was shown at the end.
        screen: of the recording.
        folder: where `patches/` goes.
        name: of the task.
        known: a task that is there already.
        rows: what is meant where one of several equal things in a list was taken: the one in the `same` row, or the
            `first`. The first is never meant where the act buys, sends, deletes, or cannot be told.
    """

    done: Sequence[Done]
    last: Look
    screen: Screen
    folder: Path
    name: str
    known: Known | None = None
    rows: Rows = "same"
    _inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)
    _effects: list[Consequence] = field(default_factory=list)

    def drafted(self, lost: Sequence[str] = ()) -> Drafted:
        """Raises `NoDraft`."""
        if not self.done:
            raise NoDraft("nothing was done that could be kept")
        self._notes += lost
        self._texts = [self._said(one) for one in self.done]
        values = self.known.values if self.known else {name: one["default"] for name, one in self._inputs.items()}
        secrets = tuple(self.known.secrets) if self.known else tuple(self._secrets)
        self._slots = Slots(values, self.known.text if self.known else "", secrets)
        steps = tuple(self._step(index, one) for index, one in enumerate(self.done))
        for text, inputs in self._slots.unclear.items():
            self._notes.append(
                f"`{text}` was the value of {' and of '.join(inputs)}; the first was taken in other texts"
            )
        success = self._success()
        return Drafted(steps, self._inputs, self._secrets, success, self._policy(), tuple(dict.fromkeys(self._notes)))

    # What was typed

    def _said(self, one: Done) -> str:
        """The text of an act as the flow says it: an input, a secret by name, or itself."""
        if one.kind not in ("fill", "choose") or one.target is None:
            return ""
        if one.secret:
            return f"<secret:{self._secret(one)}>"
        if not one.text:
            return ""
        return self._known_text(one) if self.known else f"{{{{{self._input(one)}}}}}"

    def _known_text(self, one: Done) -> str:
        assert self.known is not None and one.target is not None
        slots = Slots(self.known.values, self.known.text, tuple(self.known.secrets))
        text = self._template(slots, one.text, f"{{{{{slug(one.target.name)}}}}}")
        if text == one.text:
            self._notes.append(f"`{text[:40]}` is the value of no input of the task: it is typed as it is")
        return text

    def _input(self, one: Done) -> str:
        assert one.target is not None
        name = slug(one.target.name) or "value"
        spec: dict[str, Any] = {"type": "string", "default": one.text}
        if one.kind == "choose" and len(set(one.choices)) == len(one.choices) > 1 and one.text in one.choices:
            spec = {"type": "choice", "choices": list(one.choices), "default": one.text}
        wanted, number = name, 1
        while name in self._inputs and self._inputs[name] != spec:
            number += 1
            name = f"{wanted}_{number}"
        self._inputs[name] = spec
        return name

    def _secret(self, one: Done) -> str:
        assert one.target is not None
        token = one.target.autocomplete.split()[-1] if one.target.autocomplete else ""
        named = slug(one.target.name) or "secret"
        if self.known:
            fitting = [name for name, fields in self.known.secrets.items() if name == named or token in fields]
            if len(fitting) != 1:
                raise NoDraft(
                    f"the task names no one secret for the field `{one.target.name}`; give it one, or leave out --task"
                )
            return fitting[0]
        spec: dict[str, Any] = {"env": f"{self.name}_{named}".upper(), "origins": [one.before.origin]}
        self._secrets[named] = {**spec, "fields": [token]} if re.search(r"^(cc-\S+|one-time-code)$", token) else spec
        return named

    # Steps

    def _step(self, index: int, one: Done) -> FlowStep:
        text = self._texts[index]
        effect = consequence_of(_action(one, text, self.screen), _target(one), self._observation(one.before))
        self._effects.append(effect)
        if one.kind == "click" and (first := self._first(one, effect)):
            return FlowStep(do=first, rule=True)
        hint = text
        target = self._anchor(one, hint) if one.target is not None else None
        told: dict[str, Any] = {"do": one.kind, "target": target, "page": self._text(urlsplit(one.before.url).path)}
        if one.kind in ("fill", "choose"):
            told["text"] = text
        elif one.kind == "keys":
            told["keys"] = one.keys
        elif one.kind == "open":
            told["url"], told["page"] = self._text(_own(one.text, one.before.origin)), ""
        else:
            told |= {"button": one.button, "count": one.count, "modifiers": one.modifiers}
        act = FlowAct(**told, after=self._after(one, text), settled_s=one.settled_s)
        return FlowStep(do=self._words(one, text), done_by=(act,))

    def _first(self, one: Done, effect: Consequence) -> str:
        """The plan's words for `the first of these`, where that is what was done and may be meant; else empty."""
        node = one.target
        alike = [n for n in one.before.nodes if node and n.role == node.role and plain(n.name) == plain(node.name)]
        if node is None or len(alike) < 2 or not plain(node.name) or not same(alike[0], node):
            return ""
        what = f"the first of {len(alike)} `{node.name[:40]}` was pressed"
        if effect.kind not in _HARMLESS:
            return ""
        if self.rows == "same":
            self._notes.append(f"{what}; it is looked for in the same row. `--rows first` takes the first instead")
            return ""
        self._notes.append(f"{what}; the first is pressed again, whichever it is then")
        return f"press the first {self._text(node.name)} {'button' if node.role == 'button' else ''}".strip()

    def _words(self, one: Done, text: str) -> str:
        name = self._text(one.target.name[:80]) if one.target is not None else ""
        match one.kind:
            case "fill":
                return f"type {text} into the {name} field"
            case "choose":
                return f"choose {text} in the {name} list"
            case "keys":
                return f"press the {'+'.join(one.keys)} key"
            case "open":
                return f"go to {self._text(_own(one.text, one.before.origin))}"
        now = self._now(one)
        if one.target is not None and one.target.role == "checkbox" and now is not None:
            return f"{'check' if now.checked else 'uncheck'} {name}"
        return f"press {name or 'what has no name'}"

    def _anchor(self, one: Done, hint: str) -> Anchor:
        node, nodes = one.target, one.before.nodes
        assert node is not None
        if node.origin and node.origin != one.before.origin:
            raise NoDraft(f"{node.role} `{node.name[:60]}` lies in a frame of another site")
        name = self._text(node.name[:_LONGEST], hint)
        is_field = node.role in FIELDS
        keyed = not is_field and "{{" not in name and plain(node.row) != plain(node.name)
        among = sum(other.role == node.role and plain(other.name) == plain(node.name) for other in nodes)
        beside = neighbours(node, nodes) if among > 1 or not plain(node.name) else ()
        near = tuple(Near(side=at.side, role=at.role, name=self._text(at.name, hint)) for at in beside)
        return Anchor(
            role=node.role,
            name=name,
            password=node.password,
            path=node.path,
            row=self._text(node.row, hint) if keyed else "",
            near=near,
            among=max(1, among),
            patch="" if is_field else self._patch(node, one.picture),
        )

    def _patch(self, node: Node, picture: bytes) -> str:
        png = patches.cut(picture, node.rect) if picture else None
        return patches.put(self.folder / "patches", png) if png is not None else ""

    def _now(self, one: Done) -> Node | None:
        return next((node for node in one.after.nodes if same(node, one.target)), None)

    def _after(self, one: Done, text: str) -> After:
        before, then = one.before, one.after
        there, here = urlsplit(then.url).path, urlsplit(before.url).path
        if there != here:
            return After(address="/".join("*" if re.search(r"\d", part) else part for part in there.split("/")),
                         shown=self._new(before, then))  # fmt: skip
        node, now = one.target, self._now(one)
        if node is None:
            return After(shown=self._new(before, then))
        if now is None:
            gone = not any(other.role == node.role and plain(other.name) == plain(node.name) for other in then.nodes)
            return After(shown=self._new(before, then), gone=gone and bool(node.name))
        if one.kind in ("fill", "choose"):
            if not one.secret and now.value == one.text:
                return After(value=text)
            return After(filled=True) if now.filled else After()
        changed = node.checked is not None and now.checked != node.checked
        return After(checked=now.checked if changed else None, shown=self._new(before, then))

    def _new(self, before: Look, then: Look) -> tuple[str, ...]:
        old = {plain(node.name) for node in before.nodes}
        return tuple(said for said in self._headings(then) if plain(said) not in old)[:2]

    def _headings(self, seen: Look) -> list[str]:
        """Headings of the page's own words: no digits, nothing of the inputs."""
        found = []
        for node in seen.nodes:
            said = " ".join(node.name.split())
            own = node.role == "heading" and (not node.origin or node.origin == seen.origin)
            if own and 2 < len(said) <= 60 and not re.search(r"\d", said) and self._text(said) == said:
                found.append(said)
        return found

    # The whole

    def _success(self) -> tuple[dict[str, str], ...]:
        """What is shown at the end and was not at the beginning: headings, and the inputs that the page repeats."""
        old = {plain(node.name) for node in self.done[0].before.nodes}
        checks = [said for said in self._headings(self.last) if plain(said) not in old][:2]
        shown = [plain(node.name) for node in self.last.nodes if not node.editable]
        for name, spec in self._inputs.items():
            value = str(spec["default"])
            if len(value) >= _CHECKED_INPUT and any(
                re.search(rf"(?<!\w){re.escape(plain(value))}(?!\w)", s) for s in shown
            ):
                checks.append(f"{{{{{name}}}}}")
        if not checks and not self.known:
            self._notes.append("nothing on the last screen tells that it is done: write a check under `success`")
        return tuple({"kind": "text", "contains": text} for text in checks)

    def _policy(self) -> dict[str, Any]:
        """The smallest preset that allows what was done, within the sites where it was done."""
        kinds = {effect.kind for effect in self._effects}
        origins = sorted({one.before.origin for one in self.done if one.before.origin})
        narrow: dict[str, Any] = {"origins": origins}
        if beyond := sorted(kinds - {*_HARMLESS, "buy"}):
            self._notes.append(f"it does what no preset allows without a person ({', '.join(beyond)}): write a policy")
        buys = [effect for effect in self._effects if effect.kind == "buy"]
        if buys:
            narrow["max_buys"] = len(buys)
            paid = [effect for effect in buys if effect.amount_minor is not None]
            if paid:
                most = max(effect.amount_minor or 0 for effect in paid)
                narrow["ask_above"] = f"{most / 100:.2f} {paid[0].currency}"
        preset = "booking" if kinds & {"buy", "submit"} else "browse"
        return {"preset": preset, "narrow": narrow}

    def _observation(self, seen: Look) -> Observation:
        return Observation(0, 0.0, "browser", self.screen, Frame(b""), seen.nodes, seen.origin, seen.url, seen.title)

    def _text(self, text: str, hint: str = "") -> str:
        return self._template(self._slots, " ".join(text.split()), hint)

    @staticmethod
    def _template(slots: Slots, text: str, hint: str) -> str:
        try:
            return slots.template(text, hint)
        except ValueError as problem:
            raise NoDraft(f"`{text[:60]}` cannot be kept: {problem}") from None


def slug(name: str) -> str:
    """A name for an input from a field's own, as `First name *` gives `first_name`."""
    found = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:40].strip("_")
    return found if re.match(r"[a-z]", found) else f"value_{found}" if found else ""


def _own(url: str, origin: str) -> str:
    """A path on the site where one is, or the whole address."""
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc="").geturl() if f"{parts.scheme}://{parts.netloc}" == origin else url


def _action(one: Done, text: str, screen: Screen) -> Action:
    at = one.target.rect.centre if one.target is not None else screen.rect.centre
    match one.kind:
        case "fill" | "choose":
            return TypeText(text=text)
        case "keys":
            return PressKeys(keys=one.keys)
        case "open":
            return OpenUrl(url=one.text)
        case _:
            button: Any = one.button
            return Click(at=at, button=button, count=one.count)


def _target(one: Done) -> Target:
    from actuators.nodes import destination

    node = one.target
    point = node.rect.centre if node is not None else None
    origin = node.origin if node is not None else one.before.origin
    leads = (
        destination(Click(at=point), node, "") if node is not None and point is not None and one.kind == "click" else ""
    )
    return Target("browser", node, point, origin=origin, url=one.before.url, destination=leads)
