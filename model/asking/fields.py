"""`extract`: named fields of what is shown, each read twice; where the two readings disagree, or what was read does not
fit its pattern, a third look at an enlarged crop decides.

Readings are not held to the patterns while they are made: a model that must fit a pattern invents what fits. A field on
which nothing settles is null, with a problem that says what was read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from actuators.geometry import Rect
from model.asking.form import (
    BOX,
    Asked,
    Form,
    Misread,
    Prompt,
    Read,
    Say,
    Takes,
    box_of,
    data_of,
    grid_box,
    json_reply,
    pixels_of,
)
from model.asking.media import Shown
from model.asking.schemas import fields_of, misfit
from model.asking.spotting import objects
from model.protocols.spoken import schema_text
from model.protocols.zoom import enlarged

__all__ = ["Extract", "Reading"]

_LONGEST = 300
_CROP_PX = (256 * 1024, 1280 * 1024)
_MARGIN = 0.6
"""Of the crop's own height, on every side."""


@dataclass(frozen=True)
class Reading:
    """What one look made of one field."""

    value: Any = None
    picture: int = 0
    """From 0."""
    box: Rect | None = None
    """Pixels of that picture."""

    @property
    def folded(self) -> Any:
        """The value as it is compared: white space and ways of writing one character do not count."""
        return _folded(self.value)


def _folded(value: Any) -> Any:
    return " ".join(unicodedata.normalize("NFC", value).split()) if isinstance(value, str) else value


class Extract(Form):
    """Fields by name."""

    name = "extract"
    about = "the fields that --schema names, checked by its patterns; a closer look where two readings disagree"
    takes: ClassVar[Takes] = "pictures"
    fields: ClassVar[Literal["no", "may", "must"]] = "must"

    def refuse(self, asked: Asked) -> None:
        """A schema of plain fields."""
        self._fields(asked)

    def _words(self, asked: Asked, verb: str, names: tuple[str, ...]) -> str:
        told = {name: self._fields(asked)[name].get("description", "") for name in names}
        listed = "\n".join(f"- {name}" + (f": {about}" if about else "") for name, about in told.items())
        form = schema_text(self._said(asked, names))
        return (
            f"{verb} exactly as they stand there:\n{listed}\nvalue is null where a field is not there; bbox_2d is "
            f"where it stands, picture its number.{self.wish(asked)}\n"
            f"Reply with JSON of this schema and nothing else: {form}"
        )

    def _fields(self, asked: Asked) -> dict[str, dict[str, Any]]:
        assert asked.schema is not None, "INVARIANT (extract has a schema): see `Form.fields`"
        return fields_of(asked.schema, "the schema")

    def _said(self, asked: Asked, names: tuple[str, ...]) -> dict[str, Any]:
        """JSON Schema of one reading of these fields."""
        number = {"type": "integer", "minimum": 1, "maximum": len(asked.pictures)}
        entry = {name: self._one(asked, name) for name in names}
        place = {"anyOf": [grid_box(asked.grid), {"type": "null"}]}
        return objects(
            {name: objects({"value": one, "bbox_2d": place, "picture": number}) for name, one in entry.items()}
        )

    def _one(self, asked: Asked, name: str) -> dict[str, Any]:
        kind = self._fields(asked)[name].get("type", "string")
        return {"type": [kind, "null"], **({"maxLength": _LONGEST} if kind == "string" else {})}

    def answer(self, asked: Asked, say: Say) -> Read:
        """Two readings, and a closer look for each field that they leave open."""
        names = tuple(self._fields(asked))
        first = say(self._look(asked, "Read these fields", names))
        second = say(self._look(asked, "Look again, and read these fields one by one", names[::-1]))
        found: dict[str, Any] = {}
        problems: list[str] = []
        for name in names:
            found[name], problem = self._settled(asked, name, [first[name], second[name]], say)
            problems += [problem] if problem else []
        return Read({"fields": found}, tuple(problems))

    def _look(self, asked: Asked, verb: str, names: tuple[str, ...]) -> Prompt:
        lark = json_reply(self._said(asked, names))
        words = self._words(asked, verb, names)
        return Prompt(
            (*self.shown(asked), words),
            lark,
            lambda reply: self._readings(reply, asked, names),
            self.words,
            self.pixels,
        )

    def _readings(self, reply: str, asked: Asked, names: tuple[str, ...]) -> dict[str, Reading]:
        data = data_of(reply)
        problem = misfit(data, self._said(asked, names))
        if problem:
            raise Misread(problem)
        found = {}
        for name in names:
            value, place, picture = data[name]["value"], data[name]["bbox_2d"], int(data[name]["picture"]) - 1
            box = box_of(place, asked.pictures[picture], asked.grid) if place is not None else None
            found[name] = Reading(value, picture, box)
        return found

    def _settled(self, asked: Asked, name: str, looks: list[Reading], say: Say) -> tuple[dict[str, Any], str]:
        """A field as the answer has it, and what does not hold of it."""
        field, required = self._fields(asked)[name], name in (asked.schema or {}).get("required", ())
        if looks[0].folded != looks[1].folded or (looks[0].value is not None and _unfit(looks[0].value, field)):
            looks = [*looks, *self._closer(asked, name, looks, say)]
        chosen, problem = _chosen(name, looks, field)
        if chosen is None and required and not problem:
            problem = f"`{name}`: required, and not found"
        where = next((look for look in looks if chosen is not None and look.folded == chosen and look.box), None)
        return {
            "value": chosen,
            "box": pixels_of(where.box) if where and where.box else None,
            "picture": where.picture + 1 if where else None,
            "readings": [look.value for look in looks],
        }, problem

    def _closer(self, asked: Asked, name: str, looks: list[Reading], say: Say) -> list[Reading]:
        """A look at an enlarged crop of where the readings were; none where they name no place."""
        placed = next((look for look in looks if look.box is not None), None)
        if placed is None or placed.box is None:
            return []
        box = placed.box
        for look in looks:
            if look.box is not None and look.picture == placed.picture:
                box = _around(box, look.box)
        shown = asked.pictures[placed.picture]
        crop = _crop(shown, enlarged(box.grown(int(_MARGIN * box.height)).intersect(shown.screen.rect), shown.screen))
        about = self._fields(asked)[name].get("description", "")
        schema = objects({"value": self._one(asked, name)})
        words = (
            f"This is an enlarged part of the picture. Read the field {name}{f' ({about})' if about else ''} exactly "
            f"as it stands there, null where it is not there. Reply with JSON of this schema: {schema_text(schema)}"
        )

        def read(reply: str) -> Any:
            data = data_of(reply)
            problem = misfit(data, schema)
            if problem:
                raise Misread(problem)
            return data["value"]

        value = say(Prompt((crop, words), json_reply(schema), read, self.words, _CROP_PX))
        return [Reading(value, placed.picture, box)]

    def schema(self, asked: Asked) -> dict[str, Any]:
        place = {"anyOf": [BOX, {"type": "null"}]}
        readings = {"description": "what each look read; a third one is of an enlarged crop", "type": "array"}
        fields = self._fields(asked) if asked.schema else {}
        entry = {
            name: objects(
                {
                    "value": {"anyOf": [field, {"type": "null"}]},
                    "box": place,
                    "picture": {"description": "from 1", "type": ["integer", "null"]},
                    "readings": readings,
                }
            )
            for name, field in fields.items()
        }
        return objects({"fields": objects(entry)})

    def told(self, answer: Any) -> str:
        return "\n".join(f"{name}: {_shown(field['value'])}" for name, field in answer["fields"].items())


def _shown(value: Any) -> str:
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _unfit(value: Any, field: Mapping[str, Any]) -> str:
    return misfit(_folded(value), field)


def _chosen(name: str, looks: list[Reading], field: Mapping[str, Any]) -> tuple[Any, str]:
    """The value that most looks agree on, the closest look first among equals; None with the reason where none fits."""
    read = [look.folded for look in reversed(looks)]
    fitting = [value for value in read if value is not None and not _unfit(value, field)]
    most = max((read.count(value) for value in read), default=0)
    settled = [value for value in read if read.count(value) == most] if most > 1 else read[:1] if len(looks) > 2 else []
    if settled and settled[0] is None:
        return None, ""
    if settled and settled[0] in fitting:
        return settled[0], ""
    seen = ", ".join(dict.fromkeys(f"`{value}`" for value in reversed(read) if value is not None))
    if settled:
        return None, f"`{name}`: read {seen}, which does not fit: {_unfit(settled[0], field)}"
    return None, f"`{name}`: two readings disagree and name no place to look closer at: {seen}"


def _around(one: Rect, other: Rect) -> Rect:
    return Rect(
        min(one.left, other.left), min(one.top, other.top), max(one.right, other.right), max(one.bottom, other.bottom)
    )


def _crop(shown: Shown, box: Rect) -> Shown:
    sides = (box.left, box.top, box.right, box.bottom)
    key = f"{shown.digest}#{','.join(map(str, sides))}"
    return Shown(shown.file, (box.width, box.height), key, lambda: shown.image().crop(sides), shown.page)
