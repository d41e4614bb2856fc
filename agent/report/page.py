"""The report: one HTML file that works offline, built from the run folder alone.

Everything on it that came from a screen, a model or a task is hostile: the template escapes all of it, control and
bidirectional-override characters are made visible, there is no inline style, and a content security policy in the page
allows the page's own style and script by their hashes and pictures from `data:` addresses, nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.audit.journal import is_live
from agent.audit.verify import Verdict, verify
from agent.prices import in_words
from agent.report.film import Still, film
from agent.report.pictures import Picture, pictures
from agent.report.story import Act, StepStory, Story, read_story
from agent.run_folder import RunFolder

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["is_brief", "report_html", "write_report"]


_BRIEF = '<meta name="deskhand" content="brief">'
_BRIEF_PICTURES = 6


def write_report(folder: RunFolder | Path, brief: bool = False) -> Path:
    """Write `report.html` into the run folder and return its path.

    `brief` is for a person who has stopped the run and waits for its end: no film, and small pictures of the last steps
    alone. `agent view` writes the whole of it.

    Raises:
        RunFolderUnwritable: it cannot be written. Whatever else is wrong with the folder, the report says.
    """
    place = folder if isinstance(folder, RunFolder) else RunFolder(folder.absolute())
    story = read_story(place)
    played = None if brief else film(place, _stills(story))
    place.put_film(played)
    return place.put_report(_html(place, story, played, brief))


def is_brief(folder: RunFolder) -> bool:
    """Whether the report that is there was written in a hurry. False where there is none."""
    try:
        with folder.report.open(encoding="utf-8") as file:
            return _BRIEF in file.read(4096)
    except (OSError, UnicodeDecodeError):
        return False


def report_html(folder: RunFolder) -> str:
    """The page as text; nothing is written."""
    story = read_story(folder)
    return _html(folder, story, film(folder, _stills(story)))


def _stills(story: Story) -> list[Still]:
    """What was on the screen before each step, with what was to be done marked, and what was there at the end."""
    stills = []
    for step in story.steps:
        act = _main_act(step)
        title = _title(act) if act is not None else _thought(step)
        if step.before:
            stills.append(_still(step.before, f"{step.index + 1}  {title}: {_tone(step)[1]}", act))
    last = next((step for step in reversed(story.steps) if step.after), None)
    if last is not None and (not stills or last.after != stills[-1].frame):
        stills.append(Still(last.after, _OUTCOMES.get(str(story.end.get("gui.run.outcome")), ("", "The end", ""))[1]))
    return stills


def _still(frame: str, caption: str, act: Act | None) -> Still:
    shapes = [] if act is None else _drawn_on(act, pad=3)
    return Still(
        frame,
        caption,
        tuple((s.x, s.y, s.x + s.x2, s.y + s.y2) for s in shapes if s.kind == "box"),
        tuple((s.x, s.y) for s in shapes if s.kind in ("spot", "dot")),
        tuple((s.x, s.y, s.x2, s.y2) for s in shapes if s.kind == "arrow"),
    )


def _html(folder: RunFolder, story: Story, played: bytes | None, brief: bool = False) -> str:
    from markupsafe import Markup

    digests = [digest for step in story.steps for digest in (step.before, step.after)]
    shots = pictures(folder, digests, last=_BRIEF_PICTURES if brief else None)
    here = resources.files("agent.report")
    style, script = (here.joinpath(name).read_text() for name in ("report.css", "report.js"))
    steps = [_step_view(step, shots, _LATER if brief else _GONE) for step in story.steps]
    return _template().render(
        csp=_policy(style, script),
        brief=Markup(_BRIEF) if brief else "",
        style=Markup(style),
        script=Markup(script),
        head=_head(folder, story),
        integrity=_integrity(folder),
        pictures=list(shots.values()),
        steps=steps,
        counts={name: sum(name in step.groups.split() for step in steps) for name in ("acts", "refused", "asked")},
        bar=_bar(_all_phases(story)),
        film="" if played is None else f"data:image/gif;base64,{base64.b64encode(played).decode()}",
        film_kb=0 if played is None else len(played) // 1000,
        story=story,
        seconds=_seconds,
        cost=in_words,
        made=time.strftime("%Y-%m-%d %H:%M:%S %z"),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(resources.files("agent.report").joinpath("report.html").read_text())


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere but this page's own style and script, and pictures inside it."""
    allowed = f"style-src {_source(style)}; script-src {_source(script)}; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def _visible(value: object) -> object:
    """Characters that hide or turn around the text beside them are shown as their code point."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", value)


def _seconds(value: float | None) -> str:
    """A duration for people."""
    if value is None:
        return "–"
    if value < 0.9995:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{int(value) // 60} min {int(value) % 60} s"


# the head


@dataclass(frozen=True, slots=True)
class _Head:
    id: str
    task: str
    goal: str
    tone: str
    """Colour class: good, warn, bad, quiet."""
    outcome: str
    meaning: str
    detail: str
    facts: Sequence[tuple[str, str]]
    inputs: Sequence[tuple[str, str]]
    outputs: Sequence[tuple[str, str]]
    in_flight: Sequence[tuple[int, str]]
    """Steps whose effect is unknown, and what was being done."""


_OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "verified": ("good", "Verified", "done, and every check of the task passed"),
    "done_unverified": ("warn", "Done, not verified", "the model says that it is done; no check proved it"),
    "denied": ("bad", "Denied", "the policy, or a person, did not allow what came next"),
    "infeasible": ("warn", "Infeasible", "the model could not see a way to do it on this screen"),
    "halted": ("warn", "Halted", "stopped by a limit, a loop or the stop button"),
    "unknown_effect": ("bad", "Effect unknown", "it stopped in the middle of an act; look before running it again"),
    "error": ("bad", "Error", "the machinery broke"),
    "usage": ("bad", "Usage", "it was started wrongly"),
}


def _head(folder: RunFolder, story: Story) -> _Head:
    record = story.record
    said = (record.outcome if record else None) or story.end.get("gui.run.outcome")
    in_flight = [
        (step.index, _title(deed.act)) for step in story.steps for deed in step.deeds if deed.status in ("", "unknown")
    ]
    tone, outcome, meaning = _OUTCOMES.get(str(said)) or _unsaid(folder, bool(in_flight))
    return _Head(
        id=record.id if record else folder.id,
        task=(record.task if record else "") or str(story.genesis.get("gui.task.name", "")) or folder.id,
        goal=record.goal if record else str(story.genesis.get("gui.task.goal", "")),
        tone=tone,
        outcome=outcome,
        meaning=meaning,
        detail=record.detail if record else story.problem,
        facts=_facts(story),
        inputs=_pairs(record.inputs if record else {}),
        outputs=_pairs(record.outputs if record else {}),
        in_flight=in_flight,
    )


def _unsaid(folder: RunFolder, in_flight: bool) -> tuple[str, str, str]:
    """What to call a run whose trail does not say how it ended."""
    if is_live(folder.journal):
        return "quiet", "Running", "this page was made while the run was going on"
    if in_flight:
        return "unknown", "Effect unknown", "it crashed in the middle of an act; look before running it again"
    return "bad", "Crashed", "it stopped without saying how it ended"


def _facts(story: Story) -> list[tuple[str, str]]:
    record = story.record
    acts = sum(deed.status == "done" for step in story.steps for deed in step.deeds)
    asked = sum(bool(step.answers) for step in story.steps)
    odd = sum(note.name == "gui.anomaly" for notes in (story.notes, *(s.notes for s in story.steps)) for note in notes)
    facts = [("Steps", str(len(story.steps))), ("Acts done", str(acts)), ("Questions to people", str(asked))]
    facts += [("Anomalies", str(odd))] if odd else []
    read, cached, written = story.tokens
    facts += [("Tokens", f"{read} in ({cached} cached), {written} out")] if read or written else []
    facts += [("Cost of the model", story.cost)] if story.cost else []
    if record is not None:
        began = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(record.started_at))
        model = f"{record.model} ({record.perception})" if record.perception else record.model
        facts += [("Started", began), ("Took", _seconds(record.seconds)), ("Surface", record.surface)]
        facts += [("Model", model), ("Policy", record.policy or record.policy_digest[:16])]
        facts += [("Exit code", "" if record.exit_code is None else str(record.exit_code))]
    return [(name, value) for name, value in facts if value]


def _pairs(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(key), _said(value)) for key, value in data.items()]


def _said(value: Any) -> str:
    """An input or output for people: money and dates bring the words in which they were read."""
    if isinstance(value, Mapping):
        return str(value.get("text") or ", ".join(f"{key}: {_said(each)}" for key, each in value.items()))
    return ", ".join(_said(each) for each in value) if isinstance(value, list) else str(value)


def _integrity(folder: RunFolder) -> Verdict:
    try:
        return verify(folder.path)
    except OSError:
        return Verdict(ok=False, problem="missing", detail="there is no journal in the run folder")


# a step


@dataclass(frozen=True, slots=True)
class _Shape:
    """Something drawn over a picture, in screen pixels."""

    kind: str
    """spot (a ring), dot (where a box is drawn anyway), box or arrow."""
    x: int
    y: int
    x2: int = 0
    y2: int = 0


@dataclass(frozen=True, slots=True)
class _Shot:
    picture: Picture | None
    caption: str
    told: str
    """For those who cannot see the picture."""
    shapes: Sequence[_Shape] = ()
    unit: float = 8.0
    """What one unit of line width is, in screen pixels of this picture."""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class _StepView:
    story: StepStory
    title: str
    tone: str
    pill: str
    groups: str
    """Filters it belongs to, space-separated."""
    shots: Sequence[_Shot]
    bar: _Bar


_GONE = "This frame was erased, is missing or cannot be read."
_LATER = "Not in this page yet, which was written when the run was stopped: `agent view` writes the whole of it."


def _step_view(step: StepStory, shots: Mapping[str, Picture], missing: str) -> _StepView:
    act = _main_act(step)
    tone, pill = _tone(step)
    title = _title(act) if act is not None else _thought(step)
    return _StepView(
        story=step,
        title=title,
        tone=tone,
        pill=pill,
        groups=_groups(step, tone),
        shots=_shots(step, act, title, shots, missing),
        bar=_bar(_summed(step.phases)),
    )


def _main_act(step: StepStory) -> Act | None:
    if step.deeds:
        return step.deeds[-1].act
    return step.rulings[-1].act if step.rulings else None


_MOVES = {
    "ask": "asks a person",
    "finish": "says that it is done",
    "blocked": "says that it cannot go on",
    "unreadable": "gave no readable answer",
}


def _thought(step: StepStory) -> str:
    if step.said and step.said[-1].move == "finish" and step.goal and not step.checks:
        return "The model says that this part is done"
    if step.said:
        return f"The model {_MOVES.get(step.said[-1].move, 'thought')}"
    return "Looked"


def _title(act: Act) -> str:
    """An act in a few words."""
    kind = str(act.action.get("kind", "act"))
    verb = kind.replace("_", " ").capitalize()
    match kind:
        case "type_text":
            return f"Type “{act.action.get('text', '')}” into {act.target}"
        case "press_keys":
            keys = act.action.get("keys", [])
            return f"Press {' + '.join(str(key) for key in keys)}" if isinstance(keys, list) else verb
        case "open_url":
            return f"Open {act.action.get('url', '')}"
        case "launch_app":
            return f"Launch {act.action.get('name', '')}"
        case "system_button":
            return f"Press the {act.action.get('button', '')} button"
        case "wait" | "zoom":
            return verb
        case _:
            return f"{verb} {act.target}".strip()


def _tone(step: StepStory) -> tuple[str, str]:
    """Colour class and word for how a step ended."""
    statuses = [deed.status for deed in step.deeds]
    if "" in statuses or "unknown" in statuses:
        return "unknown", "effect unknown"
    if step.errors:
        return "bad", "broke"
    if step.deeds:
        return {
            "done": ("good", "done"),
            "refused": ("refused", "refused by the hand"),
            "stale": ("refused", "screen changed, not done"),
            "failed": ("bad", "failed"),
        }.get(statuses[-1], ("quiet", statuses[-1]))
    if step.answers:
        return {
            "denied": ("refused", "refused by a person"),
            "timeout": ("refused", "nobody answered in time"),
            "nobody": ("refused", "nobody there to ask"),
        }.get(step.answers[-1].answer, ("quiet", step.answers[-1].answer))
    if step.rulings and step.rulings[-1].verdict != "allow":
        return "refused", "refused by policy" if step.rulings[-1].verdict == "deny" else "not allowed"
    return "quiet", _WORDS.get(step.said[-1].move, "looked") if step.said else "looked"


_WORDS = {"ask": "asked", "finish": "no act", "blocked": "blocked", "unreadable": "unreadable"}


def _groups(step: StepStory, tone: str) -> str:
    asked = bool(step.answers) or any(ruling.verdict == "ask" for ruling in step.rulings)
    asked = asked or any(said.move == "ask" for said in step.said)
    named = {"acts": bool(step.deeds), "refused": tone == "refused", "asked": asked}
    return " ".join(name for name, belongs in named.items() if belongs)


def _shots(step: StepStory, act: Act | None, title: str, shots: Mapping[str, Picture], missing: str) -> list[_Shot]:
    out = []
    if step.before:
        picture = shots.get(step.before)
        shapes = [] if act is None or picture is None else _shapes(act, picture)
        told = f"The screen before step {step.index + 1}" + (f"; marked: {title}" if shapes else "")
        out.append(_Shot(picture, "Before", told, shapes, _unit(picture), "" if picture else missing))
    if step.after and step.after != step.before:
        picture = shots.get(step.after)
        out.append(
            _Shot(
                picture,
                "After",
                f"The screen after step {step.index + 1}",
                (),
                _unit(picture),
                "" if picture else missing,
            )
        )
    return out


def _unit(picture: Picture | None) -> float:
    return max(picture.width, picture.height) / 160 if picture else 8.0


def _shapes(act: Act, picture: Picture) -> list[_Shape]:
    """What is drawn over a picture; what is far outside of it is left out."""
    limit = 4 * max(picture.width, picture.height)
    shapes = _drawn_on(act, pad=round(_unit(picture) / 2))
    return [shape for shape in shapes if all(abs(each) <= limit for each in (shape.x, shape.y, shape.x2, shape.y2))]


def _drawn_on(act: Act, pad: int) -> list[_Shape]:
    """The target's box, the point, the way of a drag or a scroll. What is no number is left out."""
    shapes = []
    if act.rect is not None and act.action.get("kind") not in _NOWHERE:
        shapes.append(_box(*act.rect, pad=pad))
    at = _point(act.action.get("at")) or _point(act.action.get("start"))
    end = _point(act.action.get("end")) or _scrolled(act.action, at)
    if at is not None and end is not None:
        shapes.append(_Shape("arrow", *at, *end))
    region = act.action.get("region")
    if isinstance(region, dict) and all(
        isinstance(region.get(side), int) for side in ("left", "top", "right", "bottom")
    ):
        shapes.append(_box(region["left"], region["top"], region["right"], region["bottom"]))
    if at is not None:
        shapes.append(_Shape("dot" if any(shape.kind == "box" for shape in shapes) else "spot", *at))
    return shapes


_NOWHERE = frozenset({"open_url", "launch_app", "system_button", "wait", "zoom"})
"""Acts that touch no place on the screen."""


def _box(left: int, top: int, right: int, bottom: int, pad: int = 0) -> _Shape:
    return _Shape("box", left - pad, top - pad, max(0, right - left) + 2 * pad, max(0, bottom - top) + 2 * pad)


def _point(data: object) -> tuple[int, int] | None:
    if isinstance(data, dict) and isinstance(data.get("x"), int) and isinstance(data.get("y"), int):
        return data["x"], data["y"]
    return None


def _scrolled(action: Mapping[str, Any], at: tuple[int, int] | None) -> tuple[int, int] | None:
    """The end of a short arrow in the direction of a scroll."""
    dx, dy = action.get("dx"), action.get("dy")
    if at is None or not isinstance(dx, int) or not isinstance(dy, int):
        return None
    return at[0] + 90 * _sign(dx), at[1] + 90 * _sign(dy)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


# where the time went


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    slug: str
    seconds: float
    x: float
    width: float
    """Thousandths of the bar."""


@dataclass(frozen=True, slots=True)
class _Bar:
    parts: Sequence[_Part]
    total: float


_SLUGS = ("observe", "chat", "resolve", "policy", "rehearse", "approval", "execute_tool", "settle", "check")
_NAMES = {
    "chat": "model",
    "resolve": "target",
    "policy.decide": "policy",
    "approval.wait": "waiting for a person",
    "execute_tool": "hand",
}


def _summed(phases: Sequence[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for kind, seconds in phases:
        sums[kind] = sums.get(kind, 0.0) + max(0.0, seconds)
    return sums


def _all_phases(story: Story) -> dict[str, float]:
    return _summed([phase for step in story.steps for phase in step.phases])


def _bar(sums: Mapping[str, float]) -> _Bar:
    total = sum(sums.values())
    parts, at = [], 0.0
    for kind, seconds in sums.items():
        width = 1000 * seconds / total if total else 0.0
        slug = next((slug for slug in _SLUGS if kind.startswith(slug)), "other")
        parts.append(_Part(_NAMES.get(kind, kind), slug, seconds, round(at, 2), round(width, 2)))
        at += width
    return _Bar(parts, total)
