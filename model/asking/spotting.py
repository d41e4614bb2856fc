"""Forms whose answers are places: `ocr` (lines of text), `ground` (things), `ground3d` (things in space)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from actuators.geometry import Point
from model.asking.form import (
    BOX,
    Asked,
    Misread,
    OnePrompt,
    Read,
    box_of,
    entries_of,
    grid_box,
    json_reply,
    pixels_of,
)
from model.asking.media import Shown

__all__ = ["Ground", "Ground3d", "Ocr", "in_view"]

_POINT: dict[str, Any] = {
    "description": "x, y in pixels of the picture, origin top-left",
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 2,
    "maxItems": 2,
}
_SURE: dict[str, Any] = {"description": "0 to 1, how sure it is; null where unknown", "type": ["number", "null"]}
_MOST_LINES = 400
_MOST_THINGS = 50
"""Checkpoints are known to go on for ever when there are many more of a kind."""


def listed(name: str, entry: dict[str, Any], most: int) -> dict[str, Any]:
    """JSON Schema of `{name: [entry, ...]}`."""
    entries = {"type": "array", "maxItems": most, "items": objects(entry)}
    return {"type": "object", "properties": {name: entries}, "required": [name], "additionalProperties": False}


def objects(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of an object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _said(entry: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "maxItems": most, "items": objects(entry)}


def _words(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest}


class Ocr(OnePrompt):
    """Every line of text with its box and its language."""

    name = "ocr"
    about = "every line of text, with its box and its language"
    pixels = (512 * 1024, 2048 * 1024)

    def prompt(self, asked: Asked) -> str:
        return (
            "Spot all the text in the picture, line by line, and output it as JSON: a list of objects with bbox_2d "
            "[x1, y1, x2, y2], text_content, and language, its ISO 639 code." + self.wish(asked)
        )

    def lark(self, asked: Asked) -> str:
        language = {"type": "string", "pattern": "^[a-z]{2,3}$"}
        entry = {"bbox_2d": grid_box(asked.grid), "text_content": _words(400), "language": language}
        return json_reply(_said(entry, _MOST_LINES))

    def read(self, reply: str, asked: Asked) -> Read:
        lines, [shown] = [], asked.pictures
        for entry in entries_of(reply, ("bbox_2d", "text_content")):
            text, language = entry["text_content"], entry.get("language")
            if not isinstance(text, str) or not isinstance(language, str | None):
                raise Misread("text_content and language are texts")
            box = pixels_of(box_of(entry["bbox_2d"], shown, asked.grid))
            line = {"text": text, "box": box, "language": language or None, "sure": None}
            if line not in lines:
                lines.append(line)
        full = f"the list was full at {_MOST_LINES} lines, there may be more" if len(lines) >= _MOST_LINES else ""
        return Read(ocr_answer(lines), (full,) if full else ())

    def schema(self, asked: Asked) -> dict[str, Any]:
        code = {"description": "ISO 639 code, null where unknown", "type": ["string", "null"]}
        lines = listed("lines", {"text": {"type": "string"}, "box": BOX, "language": code, "sure": _SURE}, 10_000)
        lines["properties"]["languages"] = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
        lines["required"].append("languages")
        return lines

    def told(self, answer: Any) -> str:
        return "\n".join(f"{_place(line['box'])}  {line['text']}" for line in answer["lines"])


def ocr_answer(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answer of `ocr`: the lines, and every language among them, the most frequent first."""
    spoken = [line["language"] for line in lines if line["language"]]
    languages = sorted(set(spoken), key=lambda code: (-spoken.count(code), code))
    return {"lines": list(lines), "languages": languages}


def _place(box: Sequence[int]) -> str:
    return "[" + ", ".join(str(side) for side in box) + "]"


class Ground(OnePrompt):
    """Where something is."""

    name = "ground"
    about = "where the thing that --question names is: its box; exit code 21 where it is not there"
    asks: ClassVar[Literal["may", "must"]] = "must"
    pixels = (64 * 1024, 9800 * 1024)

    def prompt(self, asked: Asked) -> str:
        return (
            f"Locate in the picture: {asked.question}\nReport the boxes as JSON: a list of objects with bbox_2d "
            "[x1, y1, x2, y2] and label; an empty list if it is not there."
        )

    def lark(self, asked: Asked) -> str:
        return json_reply(_said({"bbox_2d": grid_box(asked.grid), "label": _words(200)}, _MOST_THINGS))

    def read(self, reply: str, asked: Asked) -> Read:
        things, [shown] = [], asked.pictures
        for entry in entries_of(reply, ("bbox_2d",)):
            box = box_of(entry["bbox_2d"], shown, asked.grid)
            thing = found_thing(str(entry.get("label", "")), pixels_of(box), box.centre)
            if thing not in things:
                things.append(thing)
        return Read({"found": things}, found=bool(things))

    def schema(self, asked: Asked) -> dict[str, Any]:
        return listed("found", {"label": {"type": "string"}, "box": BOX, "point": _POINT, "sure": _SURE}, _MOST_THINGS)

    def told(self, answer: Any) -> str:
        return "\n".join(f"{_place(one['box'])}  {one['label']}" for one in answer["found"]) or "not there"


def found_thing(label: str, box: list[int], point: Point, sure: float | None = None) -> dict[str, Any]:
    """One entry of `ground`'s answer."""
    return {"label": label, "box": box, "point": [point.x, point.y], "sure": sure}


_SIZE = r"/(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?/"
_PLACE = r"/-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?/"
_LABEL = r"""LABEL: /"([^"\\\x00-\x1f\x7f]|\\["\\]){0,200}"/"""
_FIELD_OF_VIEW = 60.0


class Ground3d(OnePrompt):
    """Where something is in space."""

    name = "ground3d"
    about = "the 3D box of what --question names: centre and size in metres before the camera, and three angles"
    asks: ClassVar[Literal["may", "must"]] = "must"

    def prompt(self, asked: Asked) -> str:
        return (
            f"Find in the picture, and give the 3D bounding box of each: {asked.question}\nOutput JSON: "
            '[{"bbox_3d": [x_center, y_center, z_center, x_size, y_size, z_size, roll, pitch, yaw], "label": "..."}]'
        )

    def lark(self, asked: Asked) -> str:
        nine = ' ", " '.join(["PLACE"] * 3 + ["SIZE"] * 3 + ["PLACE"] * 3)
        more = f'(",\\n" entry){{0,{_MOST_THINGS - 1}}}'
        return (
            f'start: "```json\\n[" (entry {more})? "]\\n```"\n'
            rf'entry: "{{\"bbox_3d\": [" {nine} "], \"label\": " LABEL "}}"' + "\n"
            f"PLACE: {_PLACE}\nSIZE: {_SIZE}\n{_LABEL}"
        )

    def read(self, reply: str, asked: Asked) -> Read:
        things, problems, [shown] = [], [], asked.pictures
        for entry in entries_of(reply, ("bbox_3d",)):
            numbers = entry["bbox_3d"]
            if not isinstance(numbers, list) or len(numbers) != 9 or not all(_finite(one) for one in numbers):
                raise Misread("bbox_3d is nine numbers")
            label = str(entry.get("label", ""))
            centre, size, angles = numbers[:3], numbers[3:6], numbers[6:]
            seen = in_view(centre, shown)
            point = [seen.x, seen.y] if seen else None
            things.append({"label": label, "centre": centre, "size": size, "angles": angles, "point": point})
            if any(side <= 0 for side in size):
                problems.append(f"`{label}`: a side of its box is not longer than nothing")
            if seen is None:
                problems.append(f"`{label}`: its centre is not in view")
        return Read({"found": things}, tuple(problems), bool(things))

    def schema(self, asked: Asked) -> dict[str, Any]:
        entry = {
            "label": {"type": "string"},
            "centre": _three("x to the right, y downwards, z away from the camera, in metres"),
            "size": _three("along x, y and z before it is turned, in metres"),
            "angles": _three("roll, pitch, yaw as the checkpoint says them; published ones do not agree on the unit"),
            "point": {
                **_POINT,
                "description": f"where the centre is seen in a view of {_FIELD_OF_VIEW:g} degrees, in pixels of the "
                "picture; null where it is not in view",
                "type": ["array", "null"],
            },
        }
        return listed("found", entry, _MOST_THINGS)

    def told(self, answer: Any) -> str:
        lines = [f"{one['centre']} {one['size']} {one['angles']}  {one['label']}" for one in answer["found"]]
        return "\n".join(lines) or "not there"


def _three(about: str) -> dict[str, Any]:
    return {"description": about, "type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_view(centre: Sequence[float], shown: Shown) -> Point | None:
    """The pixel at which a point before the camera is seen, at a field of view of 60 degrees; None where it is not."""
    x, y, z = centre
    if z <= 0:
        return None
    width, height = shown.size
    focal = max(width, height) / 2 / math.tan(math.radians(_FIELD_OF_VIEW / 2))
    across, down = width / 2 + focal * x / z, height / 2 + focal * y / z
    if not (0 <= across < width and 0 <= down < height):
        return None
    return Point(int(across), int(down))
