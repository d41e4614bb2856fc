"""A person at the wheel: whoever took a run's surface over, and what they want done on it, one act after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actuators.action import Action

__all__ = ["IDLE_S", "Wanted", "Wheel"]

IDLE_S = 600.0
"""A person who has the wheel and does nothing for so long has let go of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One act that a person wants, in screen pixels of what they were shown."""

    n: int
    action: Action


class Wheel(Protocol):
    """Where the loop hears of a person who drives. Nothing here raises; without a person, nobody drives."""

    def driver(self) -> str:
        """Who has the wheel; empty: the agent."""
        ...

    def next(self) -> Wanted | None:
        """The oldest act that is not done yet."""
        ...

    def done(self, n: int, came_of_it: str) -> None:
        """Tell the person what came of an act."""
        ...

    def let_go(self) -> None:
        """Give the wheel back to the agent for a person who is gone."""
        ...
