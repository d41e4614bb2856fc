"""What a form is: the words that a model is shown, the replies it may give, and what is made of them.

A model's boxes are on its own grid; a form turns them into pixels of the picture before anyone else sees them. A reply
is data: it is parsed and checked, never run.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from actuators.geometry import Rect
from model.asking.media import Media, Moment, Shown
from model.protocols.grid import PUBLISHED, Grid
from model.protocols.spoken import answer_rule

__all__ = [
    "BOX",
    "JSON_MARKS",
    "MARKUP_MARKS",
    "Asked",
    "Form",
    "Misread",
    "OnePrompt",
    "Prompt",
    "Read",
    "Say",
    "Takes",
    "body_of",
    "box_of",
    "data_of",
    "entries_of",
    "grid_box",
    "json_reply",
    "pixels_of",
    "sound",
]

JSON_MARKS: tuple[tuple[bytes, ...], ...] = ((b'"', b"\n"), (b"]", b"}"), (b",",))
"""What ends things in JSON, the first kind first; a comma ends a number that others follow."""
MARKUP_MARKS: tuple[tuple[bytes, ...], ...] = ((b"</",), (b"<",), (b">",), (b'"',), (b"/",), (b"\n",))
"""What ends things in HTML and XML, whose text holds neither `<` nor `>`."""

BOX: dict[str, Any] = {
    "description": "left, top, right, bottom in pixels of the picture, origin top-left, right and bottom not included",
    "type": "array",
    "items": {"type": "integer", "minimum": 0},
    "minItems": 4,
    "maxItems": 4,
}


class Misread(Exception):
    """A reply that is not in form. Says what is wrong in a few words, for the model to be told."""


@dataclass(frozen=True)
class Asked:
    """What one answer is about."""

    pictures: tuple[Shown, ...] = ()
    media: Media = field(default_factory=Media)
    question: str = ""
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    """JSON Schema of the answer, where the person gave one."""
    grid: Grid = PUBLISHED
    style: Literal["html", "markdown"] = "html"


@dataclass(frozen=True)
class Prompt:
    """One thing to say to a model, and what it may answer."""

    parts: tuple[str | Shown | Moment, ...]
    lark: str
    """Of every legal reply."""
    check: Callable[[str], Any] = field(compare=False)
    """Reads a reply, thoughts left out. Raises `Misread`."""
    words: int = 4096
    """Tokens that may be chosen before the reply is closed."""
    pixels: tuple[int, int] = (256 * 1024, 1280 * 1024)
    """Least and most of one picture as it is shown."""
    marks: tuple[tuple[bytes, ...], ...] = JSON_MARKS


@dataclass(frozen=True)
class Read:
    """An answer, and what does not hold of it."""

    answer: Any
    problems: tuple[str, ...] = ()
    found: bool = True
    """False where the model says that what was asked for is not there."""


Takes = Literal["each", "pictures", "two", "recording", "all"]
"""`each`: one answer for each picture or page. `pictures`: one for all of them together. `two`: of exactly two.
`recording`: of one recording. `all`: of pictures together, or of one recording."""
Say = Callable[[Prompt], Any]
"""Puts a prompt to a model and gives back what its `check` made of the reply. Raises `ModelError`."""


class Form(ABC):
    """One form. Stateless."""

    name: ClassVar[str]
    about: ClassVar[str]
    """One line for the person who chooses."""
    takes: ClassVar[Takes] = "each"
    asks: ClassVar[Literal["may", "must"]] = "may"
    """Whether it needs a question."""
    fields: ClassVar[Literal["no", "may", "must"]] = "no"
    """Whether it takes a JSON Schema."""
    styles: ClassVar[bool] = False
    """Whether it knows HTML and Markdown."""
    words: ClassVar[int] = 4096
    pixels: ClassVar[tuple[int, int]] = (256 * 1024, 1280 * 1024)
    marks: ClassVar[tuple[tuple[bytes, ...], ...]] = JSON_MARKS

    def refuse(self, asked: Asked) -> None:  # noqa: B027  most forms take everything
        """Raise `Unusable` for what the form cannot take; asked before a model is loaded."""

    @abstractmethod
    def schema(self, asked: Asked) -> dict[str, Any]:
        """JSON Schema of the answer."""

    def told(self, answer: Any) -> str:
        """The answer as text for people, or as the document that was asked for."""
        return json.dumps(answer, ensure_ascii=False, indent=2)

    @abstractmethod
    def answer(self, asked: Asked, say: Say) -> Read:
        """Put what has to be put, and make one answer of what was said."""

    def shown(self, asked: Asked) -> tuple[str | Shown | Moment, ...]:
        """The pictures as a prompt has them: numbered where there are several; of a recording its moments."""
        if asked.media.recording is not None:
            return asked.media.recording.moments
        if len(asked.pictures) == 1:
            return asked.pictures
        return tuple(part for n, one in enumerate(asked.pictures, 1) for part in (f"Picture {n}: ", one))

    def wish(self, asked: Asked) -> str:
        """The person's own words, after the form's."""
        return f"\n{asked.question}" if asked.question else ""


class OnePrompt(Form):
    """A form that is one prompt and one reply."""

    @abstractmethod
    def prompt(self, asked: Asked) -> str:
        """The words beside the pictures, for a form that is one prompt and one reply."""

    @abstractmethod
    def lark(self, asked: Asked) -> str:
        """The grammar of every legal reply to `prompt`."""

    @abstractmethod
    def read(self, reply: str, asked: Asked) -> Read:
        """What a reply to `prompt` says, thoughts left out. Raises `Misread`."""

    def answer(self, asked: Asked, say: Say) -> Read:
        """One prompt, one reply."""
        read: Read = say(self.put(asked, self.shown(asked), self.prompt(asked)))
        return read

    def put(self, asked: Asked, shown: Sequence[str | Shown | Moment], words: str) -> Prompt:
        """A prompt with this form's bounds."""
        lark = self.lark(asked)
        return Prompt((*shown, words), lark, lambda reply: self.read(reply, asked), self.words, self.pixels, self.marks)


def json_reply(schema: Mapping[str, Any]) -> str:
    """The Lark text of JSON of this schema in a fence, as the family writes it."""
    return 'start: "```json\\n" answer "\\n```"\n' + answer_rule(schema)


_FENCE = re.compile(r"^```[a-zA-Z]*[ \t]*\n(.*?)\n```[ \t]*$", re.DOTALL | re.MULTILINE)


def body_of(reply: str) -> str:
    """What a reply holds: its fenced part where there is one, whatever stands around it."""
    text = reply.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:  # fence marks inside of it are its own
        return text.partition("\n")[2][:-3].removesuffix("\n")
    fenced = _FENCE.search(text)
    if fenced:
        return fenced.group(1)
    return text.partition("\n")[2] if text.startswith("```") else text


def data_of(reply: str) -> Any:
    """The JSON of a reply. Raises `Misread`."""
    text = body_of(reply).strip()
    try:
        return sound(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise Misread(f"expected JSON and nothing else: {' '.join(str(error).split())[:100]}") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def sound(value: Any) -> Any:
    """The same data with every text whole: a lone half of a character pair becomes a question mark."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [sound(one) for one in value]
    if isinstance(value, dict):
        return {sound(key): sound(one) for key, one in value.items()}
    return value


def grid_box(grid: Grid) -> dict[str, Any]:
    """JSON Schema of a box as the model says it."""
    number = {"type": "integer", "minimum": 0, "maximum": grid.most}
    return {"type": "array", "items": number, "minItems": 4, "maxItems": 4}


def box_of(said: Any, shown: Shown, grid: Grid) -> Rect:
    """A box as the model says it, corners in either order, as pixels of the picture. Raises `Misread`."""
    try:
        left, top, right, bottom = said
        ordered = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        return grid.box(ordered, shown.screen)
    except (TypeError, ValueError) as error:
        raise Misread(
            f"a box is four whole numbers from 0 to {grid.most}: {' '.join(str(error).split())[:80]}"
        ) from None


def pixels_of(box: Rect) -> list[int]:
    """A box as answers have it; see `BOX`."""
    return [box.left, box.top, box.right, box.bottom]


def entries_of(reply: str, keys: Iterable[str]) -> list[dict[str, Any]]:
    """The entries of a list of objects that have at least these keys. Raises `Misread`."""
    found = data_of(reply)
    entries = found if isinstance(found, list) else [found]
    wanted = tuple(keys)
    for entry in entries:
        if not isinstance(entry, dict) or any(key not in entry for key in wanted):
            raise Misread(f"expected a list of objects with {', '.join(wanted)}")
    return entries
