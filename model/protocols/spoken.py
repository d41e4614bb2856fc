"""What every protocol offers: a prompt to build, a grammar to keep a reply in, a way back to moves.

A protocol holds what a profile settles about it (grid, tool schema, how many calls a reply may have) and no state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from actuators.geometry import Point, Screen
from actuators.observation import Observation
from model.base import Done, Instruction, Move, Perception
from model.protocols.grid import Grid

__all__ = [
    "MAX_REASON",
    "MAX_TEXT",
    "OPEN",
    "Narrowing",
    "Prompt",
    "Spoken",
    "answer_rule",
    "call_rule",
    "number_up_to",
    "numbers",
    "past",
    "point_rule",
    "said_words",
    "schema_text",
    "start_rule",
    "window",
]

MAX_TEXT = 2000
"""Characters of a typed text or an answer in a constrained reply."""
MAX_REASON = 200
"""Characters of an `Action:` line in a constrained reply."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a checkpoint is shown: chat messages (each image given as a placeholder part) and the images in order."""

    messages: list[dict[str, Any]]
    images: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What one reply may say, beyond what the protocol lets any reply say."""

    points: tuple[tuple[int, int], ...] = ()
    """The only grid points that may be pressed; any when empty."""
    words: str = ""
    """What is typed must stand in this text, cut at the ends of words; anything when empty."""
    values: tuple[str, ...] = ()
    """What is typed must be one of these; counts before `words`."""
    unfinished: bool = False
    """Success may not be claimed."""
    possible: bool = False
    """Failure may not be claimed."""
    pressing: bool = True
    """Whether any point may be pressed at all."""
    pointer: bool = False
    """Whether the runtime knows where the pointer is, so that a call may leave its point out."""
    replacing: bool = False
    """Something stands in the field that is to hold something else: a press on it marks all of it."""
    keys: tuple[str, ...] = ()
    """The only keys that may be pressed, together; any when empty."""
    only: str = ""
    """The only action there may be, by the protocol's name (`left_click`); any where the protocol has none of it."""
    drag: tuple[tuple[int, int], tuple[int, int]] | None = None
    """The only drag there may be, from one grid point to another."""
    answer: Mapping[str, Any] | None = field(default=None, hash=False)
    """JSON Schema of an answer; free text when None."""
    zoom_of: int | None = None
    """Index of the picture that may be looked at closer; None where none may."""


OPEN = Narrowing()
"""Whatever the protocol lets any reply say, from a pointer nobody has moved yet."""


class Spoken(Protocol):
    """One protocol as one profile wants it."""

    @property
    def grid(self) -> Grid: ...

    def prompt(
        self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception, turns: int
    ) -> Prompt:
        """The conversation for one step."""
        ...

    def grammar(self, narrowing: Narrowing) -> str:
        """The Lark text of every legal reply."""
        ...

    def call_schema(self) -> dict[str, Any]:
        """JSON Schema of one call."""
        ...

    def moves(self, reply: str, screen: Screen, pointer: Point | None, images: int) -> tuple[Move, ...]:
        """All that a reply asks for, in order; one `Unreadable` for a reply that is no move. Never raises.

        Args:
            reply: the whole text, thoughts included.
            screen: of the observation it was made on.
            pointer: where the pointer is, if known.
            images: how many pictures the prompt had; the last one is the screen now.
        """
        ...


def past(step: Done) -> str:
    """One earlier step as one line."""
    return f"{step.summary} ({step.note})" if step.note else step.summary


def window(steps: int, turns: int, slide: int) -> int:
    """Index of the first step shown as a whole turn.

    The window moves by `slide` steps at a time, so that all but every `slide`-th prompt goes on where the one before
    ended, word for word. It holds `turns` to `turns + slide - 1` steps once there are that many.
    """
    return max(0, steps - turns) // slide * slide


def number_up_to(most: int) -> str:
    """A regular expression for 0..`most` without leading zeros."""
    digits, parts = str(most), ["0"] if most else []
    if len(digits) > 1:
        parts.append("[1-9]" + (f"[0-9]{{0,{len(digits) - 2}}}" if len(digits) > 2 else ""))
    for place, digit in enumerate(digits):  # the same beginning as `most`, then a smaller digit, then anything
        low, high = (1 if place == 0 else 0), int(digit) - 1
        rest = len(digits) - place - 1
        if high >= low:
            parts.append(digits[:place] + f"[{low}-{high}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return "|".join([*parts, digits])


def numbers(grid: Grid) -> str:
    """The Lark rules `place` and `box` of a grid."""
    return (
        'place: "[" GRID ", " GRID "]"\n'
        'box: "[" GRID ", " GRID ", " GRID ", " GRID "]"\n'
        f"GRID: /{number_up_to(grid.most)}/\n"
    )


def start_rule(before: str, calls: int) -> str:
    """The Lark rule of a reply: what may come before, then up to `calls` calls; only the last may end a task."""
    more = f'(step "\\n"){{0,{calls - 1}}} ' if calls > 1 else ""
    return f"start: {before}{more}call"


def call_rule(rule: str, name: str, acts: str) -> str:
    """The Lark rule of one call of the tool `name` whose arguments begin with the action."""
    return (
        rf'{rule}: "<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {{\"action\": \"" ({acts}) "}}}}\n</tool_call>"'
    )


def point_rule(points: Sequence[tuple[int, int]]) -> str:
    """The Lark rule of a point that may be pressed: one of these, or any when there are none."""
    return "point: " + (" | ".join(f'"[{x}, {y}]"' for x, y in sorted(set(points))) or "place")


def said_words(words: str, values: Sequence[str]) -> str:
    """The rule for a typed text: one of the values, a run of whole words of `words`, or any JSON string."""
    if values:
        literals = (json.dumps(value, ensure_ascii=False) for value in sorted(set(values)))
        return " | ".join(json.dumps(literal, ensure_ascii=False) for literal in literals)
    if not words:
        return "TEXT"
    pieces = re.findall(r"\w+|\s|[^\w\s]", words)
    chunks = [json.dumps(chunk, ensure_ascii=False)[1:-1] for chunk in pieces]
    return f'"\\"" %regex {json.dumps({"substring_chunks": chunks}, ensure_ascii=False)} "\\""'


def answer_rule(schema: Mapping[str, Any]) -> str:
    """The Lark rule `answer`: JSON of this schema without free white space, so that a reply cannot go on for ever."""
    compact = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return f"answer: %json {schema_text({**schema, 'x-guidance': compact})}"


def schema_text(schema: Mapping[str, Any]) -> str:
    """A JSON Schema as the one-line text that a prompt shows."""
    return json.dumps(schema, ensure_ascii=False, separators=(", ", ": "), sort_keys=True)
