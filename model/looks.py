"""What a wish means that speaks of looks or moves things: which figure to press, how many there are, what to drag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from actuators.geometry import Point, Rect
from actuators.observation import Node, Observation
from model.base import Done, Instruction
from model.protocols import drags, figures, sliders, spots
from model.protocols.elements import plain_words
from model.protocols.grid import Grid
from model.protocols.spoken import Narrowing
from model.reading.minus import has_minus
from model.reading.shapes import Shape, marks, shapes

__all__ = ["Looks"]

_SENDS = frozenset({"submit", "ok", "done", "save", "apply"})
_BESIDE_PX = 48
"""The number that a slider shows stands so near to it."""
Signs = Callable[[Observation, Sequence[Shape]], dict[Shape, str]]


@dataclass(frozen=True)
class Looks:
    """One instruction on one screen.

    Args:
        nodes: what is listed, without what only repeats the instruction.
        told: where the instruction is repeated.
        find: the nodes that some words mean.
        signs: which letter or digit a shape is.
        read: what stands on an earlier screen.
    """

    asked: Instruction
    history: Sequence[Done]
    seen: Observation
    nodes: Sequence[Node]
    told: Sequence[Rect]
    find: Callable[[str], Sequence[Node]]
    signs: Signs
    read: Callable[[Observation], Sequence[Node]]
    grid: Grid

    def offered(self) -> tuple[Instruction, Narrowing] | None:
        """The instruction as it is put to the network and the only thing its reply may do; None for other wishes."""
        text = self.asked.step or self.asked.goal
        if (looks := figures.pressed(text)) is not None:
            return self._pressing(*looks)
        if (looks_counted := figures.counted(text)) is not None:
            return self._counting(looks_counted)
        if (named := figures.describes(text)) is not None:
            return self._naming(named)
        drawn = self._first(aslant=False) if spots.speaks(text) else ()
        loose = figures.loose(drawn, self.nodes, self.told)
        if drawn and (at := spots.spot(text, loose, drawn, self._area())) is not None:
            return self._fulfilled() if self._did("click") else (self.asked, self._press([at]))
        if (numbers := sliders.wanted(text)) is not None:
            return self._sliding(numbers)
        due = drags.wanted(text, self._board()) if drags.speaks(text) else None
        if isinstance(due, bool):
            return self._fulfilled() if due else None
        return None if due is None else (self.asked, self._drag(*due))

    @property
    def _past(self) -> Sequence[Done]:
        return self.history[self.asked.since :]

    def _area(self) -> Rect:
        """The screen without the instruction at its top and what can be pressed at its bottom."""
        screen = self.seen.screen.rect
        top = max((line.bottom for line in self.told if line.centre.y < screen.height // 3), default=0)
        buttons = [
            node.rect.top for node in self.nodes if node.role == "button" and node.rect.centre.y > screen.height // 2
        ]
        return Rect(8, top + 16, screen.width - 8, min([*buttons, screen.height]) - 8)

    def _did(self, what: str) -> int:
        return sum(what in step.summary.split(" ")[0] and not step.note for step in self._past)

    def _first(self, aslant: bool = True) -> Sequence[Shape]:
        """The shapes before anything was done for this wish; see `shapes`."""
        seen = next((step.seen for step in self._past if step.seen is not None), None)
        return shapes((seen or self.seen).frame, aslant)

    def _sign_of(self, found: Sequence[Shape]) -> Callable[[Shape], str]:
        told = cache(lambda: self.signs(self.seen, found))  # read once, and only if a sign is asked for at all
        return lambda one: told().get(one, "")

    def _board(self) -> drags.Board:
        found = shapes(self.seen.frame)
        done = self._did("drag")
        sign_of, first = self._sign_of(found), self._first()
        return drags.Board(self.nodes, found, sign_of, self.find, done, first, self.told, self._negative)

    def _negative(self, node: Node) -> bool:
        return node.role != "button" and has_minus(self.seen.frame, node.rect)

    def _among(self, wanted: figures.Figure, found: Sequence[Shape]) -> list[Shape]:
        loose = figures.loose(found, self.nodes, self.told)
        return figures.among(wanted, loose, self._sign_of(loose))

    def _figures(self) -> Sequence[Shape]:
        """Shapes and thin letters, in reading order."""
        found = [*shapes(self.seen.frame), *marks(self.seen.frame)]
        return sorted(found, key=lambda one: (one.rect.centre.y // 14, one.rect.left))

    def _pressing(self, wanted: figures.Figure, every: bool) -> tuple[Instruction, Narrowing] | None:
        done = self._did("click")
        found = self._among(wanted, self._first() if every or wanted.shades else self._figures())
        if not found:
            return None
        if not (every or wanted.shades):
            return (self.asked, self._press([found[0].rect.centre])) if not done else None
        if done >= len(found):
            return self._fulfilled()
        return replace(self.asked, unfinished=True), self._press([found[done].rect.centre])

    def _counting(self, wanted: figures.Figure) -> tuple[Instruction, Narrowing] | None:
        """The answer is pressed where it stands on a button."""
        if self._did("click"):
            return None
        number = str(len(self._among(wanted, self._figures())))
        at = next((node.rect for node in self.nodes if node.name.strip() == number and node.role != "text"), None)
        at = at or self._drawn(number)
        return (replace(self.asked, goal=f"press {number}", step=""), self._press([at.centre])) if at else None

    def _naming(self, sides: bool) -> tuple[Instruction, Narrowing] | None:
        """Which of the words on the buttons names the one figure that is drawn, or how many sides it has."""
        found = figures.loose(shapes(self.seen.frame), self.nodes, self.told, pale=sides)
        if self._did("click") or not found:
            return None
        one = max(found, key=lambda shape: shape.rect.area)
        words = {str(one.corners)} if sides else figures.names_of(one, self._sign_of(found)(one))
        at = next((node for node in self.nodes if node.name.strip().casefold() in words), None)
        rect = at.rect if at is not None else self._drawn(str(one.corners)) if sides else None
        if rect is None:
            return None
        return replace(self.asked, goal=f"press {min(words)}", step=""), self._press([rect.centre])

    def reworded(self) -> Instruction:
        """The instruction, with the number in place of "the number of blocks" where that is to be typed."""
        text = self.asked.step or self.asked.goal
        found = figures.number_of(text)
        if found is None:
            return self.asked
        what, rest = found
        count = self._most_alike(what)
        if not count:
            return self.asked
        return replace(self.asked, goal=f"type {count} {rest}", step="", values=(str(count),))

    def _most_alike(self, wanted: figures.Figure) -> int:
        """How many there are of the commonest look: the blocks, and not the field beside them."""
        groups: dict[tuple[tuple[int, int, int], int, int], int] = {}
        for one in self._among(wanted, shapes(self.seen.frame)):
            key = (one.colour, one.rect.width // 3, one.rect.height // 3)
            groups[key] = groups.get(key, 0) + 1
        return max(groups.values(), default=0)

    def _drawn(self, number: str) -> Rect | None:
        """A button on which nothing but this number is drawn."""
        found = shapes(self.seen.frame)
        sign_of = self._sign_of(found)
        return next((one.rect for one in found if len(number) == 1 and sign_of(one) == number), None)

    def _sliding(self, goals: Sequence[int]) -> tuple[Instruction, Narrowing] | None:
        """The first slider that shows another number than it is to show."""
        now = self._shown(self.seen, self.nodes)
        if len(now) != len(goals):
            return None
        earlier = [self._shown(step.seen, self.read(step.seen)) for step in self._past if step.seen is not None]
        for n, (one, goal) in enumerate(zip(now, goals, strict=True)):
            before = [shown[n] for shown in reversed(earlier) if len(shown) == len(now)]
            due = sliders.move(one, goal, [old for old in before if old.value != one.value])
            if due is None:
                continue
            if isinstance(due, str):
                return self.asked, Narrowing(only="key", keys=(due,), pressing=False, unfinished=True, possible=True)
            return self.asked, self._drag(*due)
        return self._fulfilled()

    def _shown(self, seen: Observation, nodes: Sequence[Node]) -> list[sliders.Shown]:
        """The sliders on a screen with the number that stands nearest to each."""
        numbers = sorted(
            (
                (node.rect, int(value))
                for node in _whole(nodes)
                if not any(line.contains(node.rect.centre) for line in self.told)
                and (value := drags.number_of(node, lambda one: has_minus(seen.frame, one.rect))) is not None
            ),
            key=lambda number: number[0].centre.y,
        )
        found = sliders.moved(shapes(seen.frame), sliders.sliders(self._first()))
        near = [number for number in numbers if any(_away(one.track, number[0].centre) <= _BESIDE_PX for one in found)]
        if len(near) != len(found):
            return []
        return [sliders.Shown(one, value) for one, (_, value) in zip(found, near, strict=True)]

    def _fulfilled(self) -> tuple[Instruction, Narrowing]:
        """Success; where the runtime knows better of a free wish, what was done has not been sent yet."""
        if self.asked.unfinished and not self.asked.step:  # a plan says by itself when something is sent
            sends = [node for node in self.nodes if node.role == "button" and plain_words(node.name) in _SENDS]
            if len(sends) == 1:
                return replace(self.asked, goal=f"press {sends[0].name}", step=""), self._press([sends[0].rect.centre])
        return self.asked, Narrowing(only="terminate", pressing=False, possible=True)

    def _press(self, points: Sequence[Point]) -> Narrowing:
        places = tuple(self.grid.place(point, self.seen.screen) for point in points)
        return Narrowing(only="left_click", points=places, unfinished=True, possible=True)

    def _drag(self, start: Point, end: Point) -> Narrowing:
        screen = self.seen.screen
        inside = Point(min(max(end.x, 0), screen.width - 1), min(max(end.y, 0), screen.height - 1))
        places = self.grid.place(start, screen), self.grid.place(inside, screen)
        return Narrowing(only="left_click_drag", drag=places, unfinished=True, possible=True)


def _away(track: Rect, point: Point) -> int:
    """Steps from a track to a point, sideways and up or down; what stands below counts as near."""
    aside = max(track.left - point.x, point.x - track.right, 0)
    return aside + max(track.top - point.y, point.y - track.bottom, 0)


def _whole(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, with the parts of one number put together."""
    told: list[Node] = []
    for node in sorted(nodes, key=lambda one: (one.rect.centre.y // 8, one.rect.left)):
        last = told[-1] if told else None
        if (
            last is not None and last.name.strip("-").isdigit() and node.name.isdigit()
            and abs(last.rect.centre.y - node.rect.centre.y) < 8 and -6 <= node.rect.left - last.rect.right <= 6
        ):  # fmt: skip
            rect = Rect(last.rect.left, min(last.rect.top, node.rect.top), node.rect.right,
                        max(last.rect.bottom, node.rect.bottom))  # fmt: skip
            told[-1] = replace(last, name=last.name + node.name, rect=rect)
        else:
            told.append(node)
    return told
