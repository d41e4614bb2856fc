"""What was read on the last screens, so that a history can call things what the reader took them for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from actuators.action import pointed
from actuators.geometry import Point
from actuators.observation import Node, Observation, Target
from model.base import Act, Done, Move
from model.looking import image_of
from model.protocols.computer_use import summary
from model.reading.reader import Reader
from model.reading.shapes import Shape
from model.reading.signs import signs

__all__ = ["Recall"]

_SCREENS = 40


class Recall:
    """A reader and what it read. One run."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read: OrderedDict[str, tuple[Node, ...]] = OrderedDict()

    def seen(self, given: Observation) -> Observation:
        """The observation with what is read on its pixels in place of everything that the surface knows.

        Raises:
            ModelError: the screenshot is no picture.
        """
        nodes = self._read.pop(given.digest, None)
        if nodes is None:
            image_of(given.frame)
            nodes = self._reader.read(given.frame.pixels)
        self._read[given.digest] = nodes
        while len(self._read) > _SCREENS:
            self._read.popitem(last=False)
        return replace(given, nodes=nodes, more=())

    def signs(self, given: Observation, found: Sequence[Shape]) -> dict[Shape, str]:
        """The letter or digit of each shape on a screen that is one; see `model.reading.signs`."""
        return signs(self._reader, given.frame.pixels, found)

    def told(self, history: Sequence[Done], move_of: Callable[[Done], Move | None]) -> list[Done]:
        """The history with every act summed up in the reader's words; `move_of` reads a step's reply."""
        return [self._told(step, move_of(step)) for step in history]

    def _told(self, step: Done, move: Move | None) -> Done:
        if not isinstance(move, Act):
            return step
        point = pointed(move.action)
        node = self._node_at(step.seen, point) if step.seen is not None and point is not None else None
        target = Target(surface="fake", node=node, point=point) if node else None
        return replace(step, summary=summary(move.action, target))

    def _node_at(self, seen: Observation, point: Point) -> Node | None:
        return replace(seen, nodes=self._read.get(seen.digest, ())).node_at(point)
