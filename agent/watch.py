"""Whoever looks on while a run goes: a terminal, a log, a machine. Looking on changes nothing."""

from __future__ import annotations

from typing import Protocol

from agent.outcome import Ending
from agent.step import Step

__all__ = ["Silent", "Watch"]


class Watch(Protocol):
    """Told of each step when it is over, and before a wait that a person should know of."""

    def stage(self, step: Step, name: str) -> None:
        """Called as a step enters a stage: `looking`, `thinking`, `deciding`, `acting`, `settling`, `checking`."""
        ...

    def step(self, step: Step) -> None:
        """Called when a step is over."""
        ...

    def end(self, ending: Ending) -> None: ...


class Silent:
    """Nobody looks on."""

    def stage(self, step: Step, name: str) -> None:
        pass

    def step(self, step: Step) -> None:
        pass

    def end(self, ending: Ending) -> None:
        pass
