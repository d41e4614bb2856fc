"""Where the pointer is, as far as a model that proposed its moves can know."""

from __future__ import annotations

from collections.abc import Sequence

from actuators.action import Click, Drag, Hover, Scroll
from actuators.geometry import Point, Screen
from model.base import Act, Done, Move

__all__ = ["Pointer"]


class Pointer:
    """Remembers the last point of an act that was really done. One run."""

    def __init__(self) -> None:
        self._known: tuple[Screen, Point] | None = None
        self._hoped: tuple[int, Screen, Point] | None = None

    def hope(self, move: Move, place: int, screen: Screen) -> None:
        """A move was proposed; if it is done, it becomes entry `place` of the history."""
        self._hoped = None
        match move:
            case Act(action=Click(at=at) | Hover(at=at) | Scroll(at=at) | Drag(end=at)):
                self._hoped = (place, screen, at)

    def now(self, history: Sequence[Done], screen: Screen) -> Point | None:
        """Where it is on a screen of the same size, or None where nobody has moved it there."""
        if self._hoped is not None:
            place, before, point = self._hoped
            if place < len(history):
                if not history[place].note:
                    self._known = (before, point)
                self._hoped = None
        if not history:
            self._known = None
        return self._known[1] if self._known is not None and self._known[0] == screen else None
