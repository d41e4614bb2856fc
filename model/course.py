"""How far a wish of several acts has come, for a checkpoint that knows one act at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from model.base import Done, Instruction
from model.protocols.clauses import clauses

__all__ = ["Course"]


class Course:
    """Remembers which single act is due. One run."""

    def __init__(self) -> None:
        self._goal = ""
        self._parts: list[str] = []
        self._at = self._since = 0

    def part(self, asked: Instruction, history: Sequence[Done]) -> Instruction:
        """The single wish that is due now, with the history from where it began."""
        if asked.goal != self._goal or len(history) < self._since or not history:
            self._goal, self._parts, self._at, self._since = asked.goal, clauses(asked.goal), 0, 0
        if len(self._parts) == 1:
            return asked
        return replace(asked, goal=self._parts[self._at], since=self._since)

    def more(self, history: Sequence[Done]) -> bool:
        """Go on to the next single wish, where there is one."""
        if self._at + 1 >= len(self._parts):
            return False
        self._at, self._since = self._at + 1, len(history)
        return True
