"""`agent learn`: a task file drafted from a film alone. Every step of it is a guess, and is marked so.

A model that watches films is asked what was done. The built-in one cannot: for it a draft is made from where pictures
differ and what its reader reads there. What was typed and what came can be seen so; what was pressed cannot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from actuators.geometry import Rect
from agent.recording.draft import slug
from model.asking.changes import regions
from model.asking.form import Asked
from model.asking.media import Media, Recording, Shown, Unusable
from model.asking.moments import clock

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Guess", "Line", "Reader", "asked_of", "drafted", "guesses", "guesses_told", "watched_by"]

_LEAST_PX = 10
"""Smaller changes, as a cursor's, are none."""
_SMALL_PX, _SMALL_PART = 56, 0.06
"""A change so low, and so small a part of the screen, is one of a field."""
_MOST_ROWS = 3
"""More fields than so many do not change at once by one person's hand."""
_LABEL_PX = 260
_MOST_SCREENS = 60
_QUESTION = (
    "This is a recording of a person doing a task on a computer. List what they did as steps in these words, one act "
    "each: press NAME button; type TEXT into the NAME field; choose OPTION in the NAME list; check NAME; uncheck NAME; "
    "press the KEY key; wait until TEXT is shown. Never repeat a password or a card number: write <secret> instead. "
    "Say in a few words what it was for."
)
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "goal": {"type": "string", "maxLength": 300},
        "steps": {
            "type": "array",
            "maxItems": 60,
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string", "maxLength": 10}, "do": {"type": "string", "maxLength": 200}},
                "required": ["at", "do"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["goal", "steps"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read on a picture."""

    text: str
    box: Rect


Reader = Callable[["Image"], Sequence[Line]]


@dataclass(frozen=True, slots=True)
class Guess:
    """One step, and why it may be wrong."""

    at: float
    """Seconds from the beginning."""
    do: str
    check: str
    inputs: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Change:
    at: float
    box: Rect
    small: bool
    after: Image


def asked_of(film: Recording) -> Asked:
    """What a model that watches films is asked."""
    return Asked(media=Media(recording=film), question=_QUESTION, schema=_SCHEMA)


def guesses_told(answer: Any) -> tuple[str, list[Guess]]:
    """Goal and steps from a model's answer. Raises `Unusable` where it is none."""
    told = json.loads(answer) if isinstance(answer, str) else answer
    try:
        steps = [(str(one["at"]), " ".join(str(one["do"]).split())[:300]) for one in told["steps"]]
        goal = " ".join(str(told["goal"]).split())
    except (KeyError, TypeError):
        raise Unusable("the model's answer holds no steps") from None
    steps = [(at, do.replace("{{", "").replace("}}", "").replace("<secret>", "<secret:unknown>")) for at, do in steps]
    return goal, [Guess(_seconds(at), do, f"{at}: the model says so") for at, do in steps if do]


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(?:(\d+):)?(\d+(?:\.\d+)?)", text.strip())
    return int(found[1] or 0) * 60 + float(found[2]) if found else 0.0


def guesses(film: Recording, read: Reader) -> list[Guess]:
    """Steps from the pictures alone."""
    changes = _changes(film)
    known = {line.text.casefold() for line in read(film.moments[0].frames[0])} if changes else set()
    found: list[Guess] = []
    for change in changes[:_MOST_SCREENS]:
        found.append(_field(change, read) if change.small else _page(change, read, known))
    if len(changes) > _MOST_SCREENS:
        left = len(changes) - _MOST_SCREENS
        found.append(Guess(changes[_MOST_SCREENS].at, "", f"{left} further changes were left out"))
    return found


def _changes(film: Recording) -> list[_Change]:
    """Where the screen became another one, what is written in one place taken together."""
    samples = [
        (moment.seconds + (index - 0.5) / film.per_second, picture)
        for moment in film.moments
        for index, picture in enumerate(moment.frames)
    ]
    found: list[_Change] = []
    for (_, before), (at, after) in pairwise(samples):
        boxes = [box for box in regions(before, after) if box.width >= _LEAST_PX or box.height >= _LEAST_PX]
        rows = _rows(boxes)
        if rows and len(rows) <= _MOST_ROWS and all(_is_small(box, after) for box in rows):
            for box in rows:
                _written(found, _Change(at, box, True, after))
        elif rows:
            last = found[-1] if found else None
            if last is not None and not last.small and at - last.at <= 1.5 / film.per_second:
                found.pop()  # a page that comes in parts
            found.append(_Change(at, rows[0], False, after))
    return found


def _rows(boxes: Sequence[Rect]) -> list[Rect]:
    """Boxes on one line taken together."""
    found: list[Rect] = []
    for box in boxes:
        beside = next((one for one in found if _near(one, box)), None)
        if beside is not None:
            found.remove(beside)
        found.append(box if beside is None else _join(beside, box))
    return found


def _is_small(box: Rect, picture: Image) -> bool:
    return box.height <= _SMALL_PX and box.area <= _SMALL_PART * picture.width * picture.height


def _written(found: list[_Change], change: _Change) -> None:
    """Add a change of a field; to what was written in the same place before, if nothing larger came between."""
    for index in range(len(found) - 1, -1, -1):
        if not found[index].small:
            break
        if _near(found[index].box, change.box):
            found[index] = _Change(change.at, _join(found[index].box, change.box), True, change.after)
            return
    found.append(change)


def _near(one: Rect, other: Rect) -> bool:
    return abs(one.centre.y - other.centre.y) <= 16 and one.left - 40 <= other.right and other.left <= one.right + 40


def _join(one: Rect, other: Rect) -> Rect:
    return Rect(
        min(one.left, other.left), min(one.top, other.top), max(one.right, other.right), max(one.bottom, other.bottom)
    )


def _field(change: _Change, read: Reader) -> Guess:
    """Something small changed: a text was typed, or a box ticked."""
    box, at = change.box, clock(change.at)
    tight = change.after.crop((max(0, box.left - 3), max(0, box.top - 6), box.right + 6, box.bottom + 6))
    text = " ".join(line.text for line in read(tight)).strip()
    label = _label(box, _around(box, change.after, read), text)
    if not text or set(text) <= set("•*●· "):
        if box.width <= 48 and label:
            return Guess(change.at, f"check {label}", f"{at}: something small changed beside `{label}`")
        return Guess(change.at, "", f"{at}: something changed at {box.left}, {box.top} that cannot be read")
    name = slug(label) or "text"
    return Guess(
        change.at,
        f"type {{{{{name}}}}} into the {label} field" if label else f"type {{{{{name}}}}}",
        f"{at}: `{text[:60]}` was read there; a secret would have to become `<secret:NAME>`",
        {name: text},
    )


def _around(box: Rect, picture: Image, read: Reader) -> list[Line]:
    """What is read about a place: there, left of it and above it."""
    left, top = max(0, box.left - _LABEL_PX), max(0, box.top - 80)
    piece = picture.crop((left, top, min(picture.width, box.right + _LABEL_PX), min(picture.height, box.bottom + 40)))
    return [
        Line(one.text, Rect(one.box.left + left, one.box.top + top, one.box.right + left, one.box.bottom + top))
        for one in read(piece)
    ]


def _page(change: _Change, read: Reader, known: set[str]) -> Guess:
    """Much changed: something was pressed, and this came. `known` are the lines of earlier pages; these are added."""
    at = clock(change.at)
    lines = read(change.after)
    new = [line for line in lines if line.text.casefold() not in known and len(line.text) > 2]
    known.update(line.text.casefold() for line in lines)
    if not new:
        return Guess(change.at, "", f"{at}: the screen changed, and nothing new can be read on it")
    first = max(new, key=lambda line: (line.box.height, -line.box.top))
    said = " ".join(re.sub(r"[{}\"]", "", first.text).split())[:60]
    why = "what was pressed before that cannot be told from a film; write `press NAME` above"
    return Guess(change.at, f"wait until {said} is shown", f"{at}: {why}")


def _label(box: Rect, lines: Sequence[Line], text: str) -> str:
    """What stands to the left on the same line, else above, else to the right: that is what a field is called.

    A line that was read with the field's own `text` at its end is taken without it.
    """
    level = [one for one in lines if abs(one.box.centre.y - box.centre.y) < 16]
    left = [one for one in level if one.box.left < box.left - 8]
    over = [one for one in lines if one.box.bottom <= box.top + 8 and box.top - one.box.bottom < 60]
    above = [one for one in over if one.box.left < box.right and one.box.right > box.left]
    right = [one for one in level if one.box.left >= box.right - 8]
    for found, key in ((left, lambda one: one.box.right), (above, lambda one: one.box.bottom)):
        if found and (name := _clean(_without(max(found, key=key).text, text))):
            return name
    return _clean(min(right, key=lambda one: one.box.left).text) if right else ""


def _without(line: str, text: str) -> str:
    at = line.casefold().find(text.casefold()) if text else -1
    return line[:at] if at > 0 else line


def _clean(text: str) -> str:
    return " ".join(re.sub(r"[{}<>\"]", "", text).split()).strip(" :*")[:60]


def watched_by(name: str, deadline_s: float) -> Reader:
    """The reading heads of a checkpoint. Raises `ModelError`."""
    from model.asking.ask import answerer
    from model.asking.forms import form

    answer = answerer(name, form("ocr"), deadline_s)

    def read(picture: Image) -> Sequence[Line]:
        shown = Shown("film", picture.size, "", lambda: picture)
        lines = answer(Asked(pictures=(shown,), media=Media((shown,)))).answer["lines"]
        return [Line(one["text"], Rect(*one["box"])) for one in lines]

    return read


def drafted(name: str, goal: str, film: Path, steps: Sequence[Guess], notes: Sequence[str]) -> str:
    """The text of a task file: what is guessed carries `# check` at its end."""
    inputs: dict[str, str] = {}
    lines = []
    for step in steps:
        if not step.do:
            lines.append(f"  # check {step.check}")
            continue
        do = step.do
        for one, value in step.inputs.items():
            given = _free(inputs, one, value)
            inputs[given] = value
            do = do.replace(f"{{{{{one}}}}}", f"{{{{{given}}}}}")
        lines.append(f"  - {_yaml(do)}  # check {step.check}")
    told: dict[str, Any] = {"version": 1, "name": name, "goal": goal, "surface": {"browser": {"start": "about:blank"}}}
    told |= {"inputs": {one: {"type": "string", "default": value} for one, value in inputs.items()}} if inputs else {}
    secrets = sorted(set(re.findall(r"<secret:([a-z0-9_]+)>", " ".join(step.do for step in steps))))
    told |= (
        {"secrets": {one: {"env": one.upper(), "origins": ["https://example.org"]} for one in secrets}}
        if secrets
        else {}
    )
    told["policy"] = {"preset": "observe"}
    open_ = "where it begins (`start`), the policy, and what proves that it is done"
    head = [f"# Drafted by `agent learn` from {film.name} alone. Nothing in it is certain: read each line."]
    head += [f"# check: {line}" for line in (*notes, open_)]
    body = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110)
    return "\n".join([*head, body.rstrip(), "steps:", *lines]) + "\n"


def _free(inputs: dict[str, str], wanted: str, value: str) -> str:
    name, number = wanted, 1
    while inputs.get(name, value) != value:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _yaml(text: str) -> str:
    """One scalar on one line."""
    return str(yaml.safe_dump(text, allow_unicode=True, width=10_000)).splitlines()[0]
