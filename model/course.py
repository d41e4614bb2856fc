"""How far a wish of several acts has come, for a checkpoint that knows one act at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from model.base import Done, Instruction
from model.protocols.clauses import clauses

__all__ = ["Course"]

_FIND = re.compile(r"^(?:please )?find (?:the |an? )?(.+)$", re.IGNORECASE)
_PRESS = re.compile(r"^((?:click|press|tap|hit)\b.+?)(?: to \w+ (?:it|them|this|that)\b.*)?$", re.IGNORECASE)


class Course:
    """Remembers which single act is due. One run."""

    def __init__(self) -> None:
        self.goal = ""
        """The whole wish."""
        self._parts: list[str] = []
        self._at = self._began = self._since = 0

    def look(self, asked: Instruction, history: Sequence[Done]) -> None:
        """Begin anew where the wish is another one, or nothing of it has been done yet. Once before every reply."""
        if asked.goal != self.goal or len(history) < self._began or not history:
            self.goal, self._parts, self._at, self._began, self._since = asked.goal, clauses(asked.goal), 0, 0, 0

    def part(self, asked: Instruction) -> Instruction:
        """The single wish that is due now, with the history from where it began."""
        if len(self._parts) == 1:
            return replace(asked, goal=self._parts[0], since=max(asked.since, self._since))
        last = self._at + 1 == len(self._parts)
        # What the runtime knows to be unfinished is the whole wish: a part of it may well be done.
        return replace(asked, goal=self._parts[self._at], since=self._since, unfinished=asked.unfinished and last)

    def together(self) -> str:
        """A find and the press after it as one wish ("click the bin in the row of Ada"); empty where it is not one."""
        if self._at + 1 >= len(self._parts):
            return ""
        found, press = _FIND.match(self._parts[self._at]), _PRESS.match(self._parts[self._at + 1])
        return f"{press.group(1)} in the row of {found.group(1)}" if found and press else ""

    def join(self) -> None:
        """What `together` says is one wish from now on."""
        self._parts[self._at : self._at + 2] = [self.together()]

    def searched(self, history: Sequence[Done]) -> Sequence[Done]:
        """The acts since this single wish began, those of a search for its thing among them."""
        return history[self._began :]

    def search(self, history: Sequence[Done]) -> None:
        """The next act only looks for the thing: the wish itself begins after it."""
        self._since = len(history) + 1

    def more(self, history: Sequence[Done]) -> bool:
        """Go on to the next single wish, where there is one."""
        if self._at + 1 >= len(self._parts):
            return False
        self._at, self._began, self._since = self._at + 1, len(history), len(history)
        return True
