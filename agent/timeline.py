"""`agent audit show`: a run told from its trail, step by step, for a terminal or for machines.

What it tells is what the trail holds. Texts from a screen or a model are shown with control characters made visible.
Whether the trail can be believed is the first line's business (`agent.audit.verify`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from agent.audit.verify import Verdict, verify
from agent.prices import in_words
from agent.report.story import Act, Deed, Note, StepStory, Story, read_story
from agent.run_folder import RunFolder

__all__ = ["NoSuchStep", "shown", "shown_json"]

_WIDTH = 150
_LABEL = 9


class NoSuchStep(Exception):
    """The run has no step of this number. One line."""


def shown(folder: RunFolder, step: int | None = None) -> Iterator[str]:
    """The lines. With `step`, counted from 1, that step alone and everything of it in full.

    Raises:
        NoSuchStep: there is none of that number.
    """
    story, verdict = _read(folder)
    chosen = _chosen(story, step)
    yield from _head(folder, story, verdict)
    began = min((each.began_ns for each in story.steps if each.began_ns), default=0)
    for each in chosen:
        yield ""
        yield from _step(each, began, whole=step is not None)
    if step is None and (story.checks or story.notes):
        yield ""
        yield from (_line("check", _check(each)) for each in story.checks)
        yield from (_line("also", _note(note)) for note in story.notes)


def shown_json(folder: RunFolder, step: int | None = None) -> str:
    """The same for machines: one JSON object. Steps are counted from 1 there too. Raises `NoSuchStep`."""
    story, verdict = _read(folder)
    chosen = _chosen(story, step)
    told: dict[str, Any] = {
        "run": folder.id,
        "record": story.record.model_dump(mode="json") if story.record else None,
        "verdict": asdict(verdict),
        "steps": [{**asdict(each), "number": each.index + 1} for each in chosen],
        "checks": [asdict(each) for each in story.checks],
        "notes": [asdict(each) for each in story.notes],
        "errors": story.errors,
    }
    return json.dumps(told, ensure_ascii=False, default=_mapping)


def _mapping(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _read(folder: RunFolder) -> tuple[Story, Verdict]:
    try:
        verdict = verify(folder.path)
    except OSError:
        verdict = Verdict(ok=False, problem="missing", detail="there is no journal in the run folder")
    return read_story(folder), verdict


def _chosen(story: Story, step: int | None) -> list[StepStory]:
    if step is None:
        return story.steps
    found = [each for each in story.steps if each.index == step - 1]
    if not found:
        known = ", ".join(str(each.index + 1) for each in story.steps) or "none"
        raise NoSuchStep(f"the trail has no step {step}; its steps: {known}")
    return found


def _head(folder: RunFolder, story: Story, verdict: Verdict) -> Iterator[str]:
    record = story.record
    if record is None:
        yield f"{folder.id}  {_plain(story.problem)}"
    else:
        how = record.outcome or "no end is told"
        took = f", {record.seconds:.1f} s" if record.seconds is not None else ""
        yield f"{folder.id}  {_plain(record.task)}: {how}{took}, {len(story.steps)} steps"
        yield from _told("goal", record.goal)
        yield from _told("because", record.detail)
        model = f"{record.model} on {record.surface}, policy {record.policy}"
        yield from _told("with", model)
    yield _line("trail", verdict.line())
    for error in story.errors:
        yield from _told("broke", error)


def _step(step: StepStory, began_ns: int, *, whole: bool) -> Iterator[str]:
    at = f"+{(step.began_ns - began_ns) / 1e9:.1f} s" if step.began_ns else ""
    took = f"{step.seconds:.2f} s" if step.seconds is not None else "unfinished"
    yield f"{step.index + 1:>3}  {at:>9}  {took:>9}  {_plain(step.goal) or '(no sub-goal)'}"
    yield from _told("at", step.place)
    for said in step.said:
        yield from _told("asked", said.asked, whole)
        sure = f", {said.confidence * 100:.0f} % sure" if said.confidence is not None else ""
        tokens = f", {said.input_tokens} tokens in ({said.cached_tokens} cached), {said.output_tokens} out"
        cost = f", {in_words([said.cost])}" if said.cost else ""
        yield _line("said", f"{said.move or 'nothing readable'}{sure}{tokens if said.input_tokens else ''}{cost}")
        yield from _told("", said.why, whole)
        if whole:
            yield from _told("reply", said.reply, whole)
    for ruling in step.rulings:
        yield from _told("target", _target(ruling.act))
        rules = f" by {', '.join(ruling.rules)}" if ruling.rules else ", no rule matched"
        would = f"; would {ruling.consequence}" if ruling.consequence else ""
        yield from _told("verdict", f"{ruling.verdict}{rules}{would}")
        yield from _told("", ruling.reason, whole)
        yield from (_line("", f"rule error: {_plain(each)}") for each in ruling.errors)
        if whole:
            yield from _told("facts", ruling.facts, whole)
    for answer in step.answers:
        by = f" by {answer.by}" if answer.by else ""
        yield from _told("person", f"{answer.answer}{by} after {answer.waited_s:.1f} s")
        yield from _told("", answer.question, whole)
    for deed in step.deeds:
        yield from _deed(deed)
    for settle in step.settles:
        yield _line("settled", f"{'still' if settle.still else 'still moving'} after {settle.waited_s:.2f} s")
    yield from (_line("check", _check(each)) for each in step.checks)
    for note in step.notes:
        yield from _told("also", _note(note), whole)
        if whole:
            yield from (_line("", f"{_plain(key)}: {_plain(value)}") for key, value in note.facts)
    yield from (_line("broke", _plain(error)) for error in step.errors)
    if step.phases:
        yield _line("time", ", ".join(f"{kind} {_ms(seconds)}" for kind, seconds in step.phases))
    if whole:
        yield from (_line("frame", f"{when} frames/{one}.png") for when, one in _frames(step))


def _frames(step: StepStory) -> list[tuple[str, str]]:
    return [(when, digest) for when, digest in (("before", step.before), ("after", step.after)) if digest]


def _deed(deed: Deed) -> Iterator[str]:
    yield _line("permit", f"{deed.permit or 'none kept'} (record {deed.record})")
    if not deed.status:
        yield _line("receipt", "none: it is not known whether this happened; look before repeating it")
        return
    done = deed.performed or deed.act.action
    yield from _told("receipt", f"{deed.status} in {_ms(deed.seconds)}: {_act(done)} {deed.detail}".rstrip(": "))
    yield from (_line("", _plain(notice)) for notice in deed.notices)


def _act(action: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in action.items() if key != "kind" and value not in (None, "", [], False)}
    return f"{action.get('kind', '')} {json.dumps(rest, ensure_ascii=False)}" if action else ""


def _target(act: Act) -> str:
    where = f" on {act.where}" if act.where else ""
    leads = f", leads to {act.destination}" if act.destination else ""
    return f"{act.action.get('kind', 'act')} {act.target}{where}{leads}".replace("_", " ", 1)


def _check(check: Any) -> str:
    how = {True: "passed", False: "not passed", None: "unclear"}[check.passed]
    return _plain(f"{how}: {check.kind}{f' ({check.detail})' if check.detail else ''}")


def _note(note: Note) -> str:
    return f"{note.name}: {note.body}" if note.body else note.name


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _told(label: str, text: str, whole: bool = False) -> Iterator[str]:
    """A text under its label: the first line cut to fit, or all of it."""
    lines = [_plain(each) for each in text.splitlines() if each.strip()]
    if not lines:
        return
    if whole:
        yield from (_line(label if at == 0 else "", each) for at, each in enumerate(lines))
        return
    more = len(lines) > 1 or len(lines[0]) > _WIDTH
    yield _line(label, lines[0][:_WIDTH] + (" …" if more else ""))


def _line(label: str, text: str) -> str:
    return f"     {label:<{_LABEL}}{text}".rstrip()


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "·" for each in text)
