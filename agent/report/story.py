"""A run retold from its folder: what was seen, asked, said, judged, answered and done, step by step.

Reads `run.json` and the journal leniently: a crash, a torn line or a missing frame must still give a story. Whether the
trail can be believed is `agent.audit.verify`'s business. Every text in here comes from a screen, a model or a task file
and is hostile until escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.audit.names import NAMES
from agent.prices import in_words
from agent.run_folder import RunFolder, RunRecord

__all__ = ["Answer", "Check", "Deed", "Note", "Ruling", "Said", "Settle", "StepStory", "Story", "read_story"]

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One call of the model."""

    model: str
    asked: str
    reply: str
    move: str
    why: str
    seconds: float
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    confidence: float | None
    cost: tuple[float, str] | None = None
    """Amount and currency; None where nobody said what its tokens cost."""


@dataclass(frozen=True, slots=True)
class Act:
    """What was to be done, to what. `action` is the plain data of an `actuators.action.Action`, or empty."""

    action: Mapping[str, Any]
    target: str
    rect: tuple[int, int, int, int] | None
    where: str
    """Origin, app or window of the target."""
    destination: str
    value: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules said of an act."""

    act: Act
    verdict: str
    rules: tuple[str, ...]
    reason: str
    errors: tuple[str, ...]
    consequence: str
    facts: str
    """What the rules were told, as JSON over several lines; empty where it was not written down."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person, or nobody, said."""

    answer: str
    by: str
    waited_s: float
    question: str


@dataclass(slots=True)
class Deed:
    """An intent and, if one was written, its outcome."""

    record: int
    act: Act
    permit: str
    seen: str
    status: str = ""
    """Empty while no outcome is on the trail: whether it happened is not known."""
    detail: str = ""
    performed: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settle:
    """How the wait for stillness ended."""

    still: bool
    waited_s: float
    watching: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the task."""

    kind: str
    passed: bool | None
    detail: str
    name: str = ""
    """The check itself, the same whether it holds or not; empty on a record that is for several at once."""


@dataclass(frozen=True, slots=True)
class Note:
    """Anything else on the trail, as it stands there."""

    name: str
    body: str
    facts: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class StepStory:
    """One pass of the loop. `before` and `after` are digests of frames, empty where none was kept."""

    index: int
    goal: str = ""
    before: str = ""
    after: str = ""
    place: str = ""
    """Title and address of what was on the screen."""
    said: list[Said] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    settles: list[Settle] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    phases: list[tuple[str, float]] = field(default_factory=list)
    seconds: float | None = None
    """None where the step was never finished."""

    began_ns: int = 0
    """When the first of its records that tell a time began, since the epoch; 0 where none does."""

    @property
    def tokens(self) -> tuple[int, int, int]:
        """Of all calls of the model in this step: read, from the cache (of those), written."""
        return (
            sum(one.input_tokens for one in self.said),
            sum(one.cached_tokens for one in self.said),
            sum(one.output_tokens for one in self.said),
        )

    @property
    def cost(self) -> str:
        """In words; empty where it is not known."""
        return in_words(one.cost for one in self.said if one.cost is not None)


@dataclass(slots=True)
class Story:
    """A whole run."""

    record: RunRecord | None
    problem: str
    """Why there is no record, if there is none."""
    genesis: Facts
    end: Facts
    steps: list[StepStory]
    checks: list[Check]
    notes: list[Note]
    errors: list[str]

    @property
    def tokens(self) -> tuple[int, int, int]:
        """Of the whole run: read, from the cache (of those), written."""
        read, cached, written = (
            sum(counts) for counts in zip((0, 0, 0), *(one.tokens for one in self.steps), strict=True)
        )
        return read, cached, written

    @property
    def cost(self) -> str:
        """Of the whole run, in words; empty where it is not known."""
        return in_words(said.cost for step in self.steps for said in step.said if said.cost is not None)


_NOTE_TIME = 1e9
_SILENT = frozenset({"gui.genesis", "gui.checkpoint", "gui.end"})


def read_story(folder: RunFolder) -> Story:
    """Retell a run. Never raises for what is in the folder; a missing journal gives a story without steps."""
    record, problem = _record(folder)
    story = Story(record, problem, {}, {}, [], [], [], [])
    teller = _Teller(story)
    for n, kind, entry in _entries(folder.journal):
        try:
            teller.tell(n, kind, entry)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            story.notes.append(Note("unreadable record", f"record {n} could not be read", ()))
    story.steps.sort(key=lambda step: step.index)
    _fill_after(story.steps)
    return story


def _record(folder: RunFolder) -> tuple[RunRecord | None, str]:
    try:
        return folder.read_run(), ""
    except ValueError as problem:
        return None, str(problem)


def _entries(journal: Path) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Record number, `span` or `log`, and the OTLP object, for every line that can be read."""
    if not journal.is_file():
        return
    for line in journal.read_bytes().split(b"\n"):
        try:
            outer = json.loads(line)
            yield from _unwrapped(outer["n"], outer["rec"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue


def _unwrapped(n: int, message: Mapping[str, Any]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    for group in message.get("resourceLogs", ()):
        for scope in group["scopeLogs"]:
            for entry in scope["logRecords"]:
                yield n, "log", entry
    for group in message.get("resourceSpans", ()):
        for scope in group["scopeSpans"]:
            for entry in scope["spans"]:
                yield n, "span", entry


class _Teller:
    """Puts entries where they belong."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._steps: dict[int, StepStory] = {}
        self._deeds: dict[int, Deed] = {}
        self._last_frame = ""
        self._last_place = ""

    def tell(self, n: int, kind: str, entry: Mapping[str, Any]) -> None:
        facts = _Facts(entry.get("attributes", ()))
        index = facts.plain.get(NAMES["step"])
        step = self._step(index) if isinstance(index, int) else None
        if step is not None:
            began = int(entry.get("startTimeUnixNano") or entry.get("timeUnixNano") or 0)
            step.began_ns = min(step.began_ns, began) if step.began_ns and began else step.began_ns or began
        if kind == "log":
            self._log(n, entry, facts, step)
        else:
            self._span(entry, facts, step)

    def _step(self, index: int) -> StepStory:
        if index not in self._steps:
            self._steps[index] = StepStory(index, before=self._last_frame, place=self._last_place)
            self._story.steps.append(self._steps[index])
        return self._steps[index]

    def _log(self, n: int, entry: Mapping[str, Any], facts: _Facts, step: StepStory | None) -> None:
        name = str(entry.get("eventName", ""))
        if name == "gui.genesis":
            self._story.genesis = facts.plain
        elif name == "gui.end":
            self._story.end = facts.plain
        elif name == "gui.intent" and step is not None:
            self._deeds[n] = Deed(n, facts.act(), facts.text("permit"), facts.text("seen"))
            step.deeds.append(self._deeds[n])
        elif name == "gui.check":
            self._checks(step).append(facts.named_check())
        elif name == "gui.outcome" and step is not None:
            self._outcome(facts, step)
        elif name not in _SILENT:
            body = str(entry.get("body", {}).get("stringValue", ""))
            (self._story if step is None else step).notes.append(Note(name, body, facts.rest()))

    def _checks(self, step: StepStory | None) -> list[Check]:
        return self._story.checks if step is None else step.checks

    def _outcome(self, facts: _Facts, step: StepStory) -> None:
        deed = self._deeds.get(facts.number("intent", -1))
        if deed is not None:
            deed.status = facts.text("receipt")
            deed.detail = facts.text("detail")
            deed.performed = facts.json("performed")
            deed.seconds = max(0.0, facts.real("ended_at") - facts.real("started_at"))
            deed.notices = facts.texts("notices")
        step.after = facts.text("frame_after") or step.after
        self._last_frame = facts.text("frame_after") or self._last_frame

    def _span(self, entry: Mapping[str, Any], facts: _Facts, step: StepStory | None) -> None:
        name = str(entry.get("name", ""))
        kind = name.partition(" ")[0]
        self._last_frame = facts.text("frame") or self._last_frame
        self._last_place = facts.place() or self._last_place
        seconds = (int(entry["endTimeUnixNano"]) - int(entry["startTimeUnixNano"])) / _NOTE_TIME
        error = _error_of(entry)
        if step is None:
            if error and error not in self._story.errors:
                self._story.errors.append(error)
            if kind == "check":
                self._summary(facts, self._story.checks)
            return
        if error and error not in step.errors:
            step.errors.append(error)
        if kind == "step":
            step.seconds = seconds
            step.goal = facts.text("goal") or step.goal
            return
        waited = min(seconds, facts.real("waited_s")) if facts.text("approval") and kind != "approval.wait" else 0.0
        step.phases += [(kind, seconds - waited)] + ([("approval.wait", waited)] if waited else [])
        self._phase(kind, facts, step, seconds)

    def _summary(self, facts: _Facts, checks: list[Check]) -> None:
        """The span around checks says how they went together; that is left out where each has a record of its own."""
        if not any(one.name for one in checks):
            checks.append(facts.check())

    def _phase(self, kind: str, facts: _Facts, step: StepStory, seconds: float) -> None:
        frame = facts.text("frame")
        if frame and len(step.phases) == 1:
            step.before, step.place = frame, facts.place()  # a step that begins by looking
        elif frame:
            step.after = frame
        self._last_frame = frame or self._last_frame
        if kind == "chat":
            step.said.append(facts.said(seconds))
            step.goal = step.goal or facts.text("goal")
        if facts.text("verdict"):
            step.rulings.append(facts.ruling())
        if facts.text("approval"):
            step.answers.append(facts.answer(seconds))
        if kind == "settle":
            step.settles.append(Settle(bool(facts.plain.get(NAMES["still"], True)), seconds, facts.text("watching")))
        if kind == "check":
            self._summary(facts, step.checks)
        if facts.text("diff"):
            step.notes.append(Note(kind, facts.text("diff"), ()))


class _Facts:
    """Attributes by short name, each with a fallback for what is missing or of another type."""

    def __init__(self, pairs: Any) -> None:
        self.plain: dict[str, Any] = {str(pair["key"]): _value(pair["value"]) for pair in pairs}

    def text(self, short: str) -> str:
        value = self.plain.get(NAMES[short], "")
        return value if isinstance(value, str) else str(value)

    def texts(self, short: str) -> tuple[str, ...]:
        value = self.plain.get(NAMES[short], ())
        return tuple(str(each) for each in value) if isinstance(value, list | tuple) else (str(value),)

    def number(self, short: str, default: int = 0) -> int:
        value = self.plain.get(NAMES[short], default)
        return value if isinstance(value, int) else default

    def real(self, short: str) -> float:
        value = self.plain.get(NAMES[short], 0.0)
        return float(value) if isinstance(value, int | float) else 0.0

    def json(self, short: str) -> Mapping[str, Any]:
        try:
            value = json.loads(self.text(short) or "{}")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def place(self) -> str:
        """Title and address, or app, of what was on the screen."""
        return " · ".join(part for part in (self.text("title"), self.text("url") or self.text("app")) if part)

    def act(self) -> Act:
        rect = self.plain.get(NAMES["target_rect"], ())
        box = tuple(rect) if isinstance(rect, list) and all(isinstance(each, int) for each in rect) else ()
        where = (
            self.text("target_url")
            or self.text("target_origin")
            or self.text("target_window")
            or self.text("target_app")
        )
        return Act(
            action=self.json("action"),
            target=self.text("target"),
            rect=(box[0], box[1], box[2], box[3]) if len(box) == 4 else None,
            where=where,
            destination=self.text("target_destination"),
            value=self.text("target_value"),
            secret=self.plain.get(NAMES["target_secret"]) is True,
        )

    def ruling(self) -> Ruling:
        return Ruling(
            self.act(),
            self.text("verdict"),
            self.texts("rules"),
            self.text("reason"),
            self.texts("policy_errors"),
            self.text("consequence"),
            _spread(self.json("facts")),
        )

    def said(self, seconds: float) -> Said:
        sure = self.plain.get(NAMES["confidence"])
        return Said(
            model=self.text("model"),
            asked=_spoken(self.text("asked")),
            reply=_spoken(self.text("reply")),
            move=self.text("move"),
            why=self.text("why"),
            seconds=seconds,
            input_tokens=self.number("input_tokens"),
            cached_tokens=self.number("cached_tokens"),
            output_tokens=self.number("output_tokens"),
            confidence=float(sure) if isinstance(sure, int | float) else None,
            cost=(self.real("cost"), self.text("currency")) if self.text("currency") else None,
        )

    def answer(self, seconds: float) -> Answer:
        return Answer(
            self.text("approval"), self.text("approved_by"), self.real("waited_s") or seconds, self.text("question")
        )

    def check(self) -> Check:
        passed = self.plain.get(NAMES["passed"])
        return Check(self.text("check"), passed if isinstance(passed, bool) else None, self.text("detail"))

    def named_check(self) -> Check:
        return replace(self.check(), kind=self.text("check").partition(":")[0], name=self.text("check"))

    def rest(self) -> tuple[tuple[str, str], ...]:
        """Everything but the step's index, for notes."""
        return tuple((key, str(value)) for key, value in self.plain.items() if key != NAMES["step"])


def _value(value: Mapping[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(each) for each in content.get("values", ())]
    return content


def _spoken(messages: str) -> str:
    """The text of messages in GenAI form."""
    try:
        return "\n\n".join(part["content"] for message in json.loads(messages or "[]") for part in message["parts"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return messages


def _spread(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) if data else ""


def _error_of(entry: Mapping[str, Any]) -> str:
    status = entry.get("status", {})
    return str(status.get("message") or "an exception") if status.get("code") == 2 else ""


def _fill_after(steps: list[StepStory]) -> None:
    """Where no frame was kept after an act, the next step's first look shows it."""
    for step, following in pairwise(steps):
        step.after = step.after or following.before
