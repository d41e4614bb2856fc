"""Every form, asked of a network with random weights at temperature 1.5: every answer fits its form's schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from model.asking.ask import answers
from model.asking.form import Asked
from model.asking.forms import NAMES, form
from model.asking.local import LocalSpeaker
from model.asking.media import Media, open_media

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "price": {"type": "number"},
        "tags": {"type": "array", "items": {"enum": ["new", "used"]}},
        "count": {"type": "integer"},
    },
    "required": ["title", "price", "count"],
    "additionalProperties": False,
}
FIELDS = {
    "type": "object",
    "properties": {
        "number": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{4}$"},
        "total": {"type": "number", "minimum": 0},
        "paid": {"type": "boolean"},
    },
    "required": ["number"],
}
CASES = [(name, "html", False) for name in NAMES] + [
    ("document", "markdown", False),
    ("question", "html", True),
    ("question, recording", "html", False),
]


@pytest.mark.parametrize(("name", "style", "with_schema"), CASES, ids=lambda value: str(value))
def test_every_answer_fits_its_schema(
    name: str, style: Any, with_schema: bool, tiny: Any, picture: Callable[..., Path], film: Path
) -> None:
    tried(name, style, with_schema, tiny, _media(name, picture, film), 2 if name == "extract" else 4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "style", "with_schema"), CASES, ids=lambda value: str(value))
def test_very_many_answers_fit_their_schemas(
    name: str, style: Any, with_schema: bool, tiny: Any, picture: Callable[..., Path], film: Path
) -> None:
    tried(name, style, with_schema, tiny, _media(name, picture, film), 25)


def tried(name: str, style: Any, with_schema: bool, tiny: Any, media: Media, times: int) -> None:
    """Ask so many times; every answer fits its schema and lies on its picture."""
    chosen = form(name.partition(",")[0])
    schema = FIELDS if name == "extract" else SCHEMA if with_schema else None
    asked = Asked(media.pictures, media, "the Save button", schema, style=style)
    speaker = LocalSpeaker(tiny, deadline_s=1800)
    for _ in range(times):
        found = answers(chosen, asked, lambda part: chosen.answer(replace(part, grid=speaker.grid), speaker.say))
        assert found
        for one in found:
            Draft202012Validator(chosen.schema(one.asked)).validate(one.read.answer)
            _inside(one.read.answer, one.asked)
            assert isinstance(chosen.told(one.read.answer), str)


def _media(name: str, picture: Callable[..., Path], film: Path) -> Media:
    bare, _, on_film = name.partition(",")
    takes = form(bare).takes
    if takes == "recording" or on_film:
        return open_media([film])
    second = [picture("b.png", 200, 120, 2)] if takes in ("two", "pictures") else []
    return open_media([picture("a.png", 200, 120, 1), *second])


def _inside(value: Any, asked: Asked) -> None:
    """Every box lies on the picture and holds at least a pixel."""
    if isinstance(value, dict):
        box = value.get("box")
        if box is not None and "id" not in value:  # a drawing may be larger than the picture
            width, height = asked.pictures[0].size
            assert 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
        for one in value.values():
            _inside(one, asked)
    elif isinstance(value, list):
        for one in value:
            _inside(one, asked)
