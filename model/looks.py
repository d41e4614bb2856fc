"""What a wish means that speaks of looks or moves things: which figure to press, how many there are, what to drag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from actuators.geometry import Point, Rect
from actuators.observation import Node, Observation
from model.base import Done, Instruction
from model.protocols import drags, figures
from model.protocols.elements import plain_words
from model.protocols.grid import Grid
from model.protocols.spoken import Narrowing
from model.reading.shapes import Shape, shapes

__all__ = ["Looks"]

_SENDS = frozenset({"submit", "ok", "done", "save", "apply", "confirm", "finish"})
Signs = Callable[[Observation, Sequence[Shape]], dict[Shape, str]]


@dataclass(frozen=True)
class Looks:
    """One instruction on one screen.

    Args:
        nodes: what is listed, without what only repeats the instruction.
        told: where the instruction is repeated.
        find: the nodes that some words mean.
        signs: which letter or digit a shape is.
    """

    asked: Instruction
    history: Sequence[Done]
    seen: Observation
    nodes: Sequence[Node]
    told: Sequence[Rect]
    find: Callable[[str], Sequence[Node]]
    signs: Signs
    grid: Grid

    def offered(self) -> tuple[Instruction, Narrowing] | None:
        """The instruction as it is put to the network and the only thing its reply may do; None for other wishes."""
        text = self.asked.step or self.asked.goal
        if (looks := figures.pressed(text)) is not None:
            return self._pressing(*looks)
        if (looks_counted := figures.counted(text)) is not None:
            return self._counting(looks_counted)
        due = drags.wanted(text, self._board()) if drags.speaks(text) else None
        if isinstance(due, bool):
            return self._fulfilled() if due else None
        return None if due is None else (self.asked, self._drag(*due))

    @property
    def _past(self) -> Sequence[Done]:
        return self.history[self.asked.since :]

    def _did(self, what: str) -> int:
        return sum(what in step.summary.split(" ")[0] and not step.note for step in self._past)

    def _shapes(self, seen: Observation) -> Sequence[Shape]:
        return shapes(seen.frame)

    def _first(self) -> Sequence[Shape]:
        """The shapes before anything was done for this wish."""
        seen = next((step.seen for step in self._past if step.seen is not None), None)
        return self._shapes(seen or self.seen)

    def _sign_of(self, found: Sequence[Shape]) -> Callable[[Shape], str]:
        told: dict[Shape, str] = {}
        asked = False

        def sign(one: Shape) -> str:
            nonlocal asked
            if not asked:
                told.update(self.signs(self.seen, found))
                asked = True
            return told.get(one, "")

        return sign

    def _board(self) -> drags.Board:
        found = self._shapes(self.seen)
        done = self._did("drag")
        return drags.Board(self.nodes, found, self._sign_of(found), self.find, done, self._first(), self.told)

    def _among(self, wanted: figures.Figure, found: Sequence[Shape]) -> list[Shape]:
        loose = drags.figures_among(found, self.nodes, self.told)
        return figures.among(wanted, loose, self._sign_of(loose))

    def _pressing(self, wanted: figures.Figure, every: bool) -> tuple[Instruction, Narrowing] | None:
        done = self._did("click")
        found = self._among(wanted, self._first() if every or wanted.shades else self._shapes(self.seen))
        if not found:
            return None
        if not (every or wanted.shades):
            return (self.asked, self._press([found[0].rect.centre])) if not done else None
        if done >= len(found):
            return self._fulfilled()
        return replace(self.asked, unfinished=True), self._press([found[done].rect.centre])

    def _counting(self, wanted: figures.Figure) -> tuple[Instruction, Narrowing] | None:
        """The answer is pressed where it stands on a button, else typed where there is one field."""
        if self._did("click"):
            return None
        number = str(len(self._among(wanted, self._shapes(self.seen))))
        at = next((node.rect for node in self.nodes if node.name.strip() == number and node.role != "text"), None)
        at = at or self._drawn(number)
        return (replace(self.asked, goal=f"press {number}", step=""), self._press([at.centre])) if at else None

    def _drawn(self, number: str) -> Rect | None:
        """A button on which nothing but this number is drawn."""
        found = self._shapes(self.seen)
        sign_of = self._sign_of(found)
        return next((one.rect for one in found if len(number) == 1 and sign_of(one) == number), None)

    def _fulfilled(self) -> tuple[Instruction, Narrowing]:
        """Success; where the runtime knows better, what was done has not been sent yet."""
        if self.asked.unfinished:
            sends = [node for node in self.nodes if node.role == "button" and plain_words(node.name) in _SENDS]
            if len(sends) == 1:
                return replace(self.asked, goal=f"press {sends[0].name}", step=""), self._press([sends[0].rect.centre])
        return self.asked, Narrowing(fulfilled=True, pressing=False)

    def _press(self, points: Sequence[Point]) -> Narrowing:
        places = tuple(self.grid.place(point, self.seen.screen) for point in points)
        return Narrowing(points=places, unfinished=True, possible=True, only_press=True)

    def _drag(self, start: Point, end: Point) -> Narrowing:
        screen = self.seen.screen
        inside = Point(min(max(end.x, 0), screen.width - 1), min(max(end.y, 0), screen.height - 1))
        places = self.grid.place(start, screen), self.grid.place(inside, screen)
        return Narrowing(drag=places, unfinished=True, possible=True)
