"""Wishes that a drag fulfils: a thing into another, up or down a list, across a grid, a corner further out.

Rules over English words. The things themselves are nodes, or shapes of one colour that no node stands for. Screen
pixels throughout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from actuators.geometry import Point, Rect
from actuators.observation import Node
from model.protocols.figures import among, figure, loose
from model.reading.shapes import Shape, holding

__all__ = ["Board", "Pull", "number_of", "speaks", "wanted"]

Pull = tuple[Point, Point]
"""From where to where."""

_PUSH_PX, _RESIZE_PX = 48, 36
_PAST_PX = 9
"""A row that is dragged changes places with another only once it is past its middle."""
_WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "top": 1, "last": -1, "bottom": -1,
}  # fmt: skip
_SIDES = {"top": 0.0, "upper": 0.0, "left": 0.0, "center": 0.5, "centre": 0.5, "middle": 0.5, "bottom": 1.0,
          "lower": 1.0, "right": 1.0}  # fmt: skip
_VERB = r"^(?:please )?(?:drag|move|pull|put) "
_DRAG = r"^(?:please )?(?:drag|pull) "
"""Things are put into baskets and moved to folders by other means too."""
_TO_PLACE = re.compile(
    rf"{_VERB}(?P<what>.+?) to the (?P<place>\d+(?:st|nd|rd|th)|{'|'.join(_ORDINALS)})"
    r"(?: (?:position|place|spot|of the list))?$",
    re.IGNORECASE,
)
_TO_CORNER = re.compile(
    r"^(?:please )?(?:drag|move) (?P<what>.+?) to the (?P<v>top|upper|center|centre|middle|bottom|lower)"
    r"(?:[ -](?P<h>left|center|centre|middle|right))?$|"
    r"^(?:please )?(?:drag|move) (?P<what2>.+?) to the (?P<h2>left|right)$",
    re.IGNORECASE,
)
_BY_ONE = re.compile(rf"{_VERB}(?P<what>.+?) (?P<way>left|right|up|down) by (?:one|1)(?: \w+)?$", re.IGNORECASE)
_PUSH = re.compile(rf"{_DRAG}(?P<what>.+?) (?:to the )?(?P<way>left|right|up|down)(?:wards?)?$", re.IGNORECASE)
_ALL_INTO = re.compile(rf"{_DRAG}all (?:of )?(?:the )?(?P<what>.+?) (?:in|into|onto|to) (?P<where>.+)$", re.IGNORECASE)
_INTO = re.compile(
    rf"{_DRAG}(?P<what>.+?) (?:(?:so that (?:it|they) (?:is|are) )?(?:completely |fully |entirely )?(?:inside|within)"
    r"(?: of)?|into|onto|in|on top of|over|to) (?P<where>.+)$",
    re.IGNORECASE,
)
_RESIZE = re.compile(
    r"^(?:please )?(?:resize|make|stretch|shrink|enlarge) (?P<what>.+?) (?:so that )?(?:the |its )?"
    r"(?P<side>width|height)(?: is| becomes)? (?P<how>larger|bigger|greater|smaller|wider|taller)\b.*$",
    re.IGNORECASE,
)
_SORT = re.compile(
    r"^(?:please )?(?:sort|order|arrange) (?:the )?(?:numbers|list|items|rows)\b.*?"
    r"\b(?P<how>increasing|ascending|decreasing|descending)\b",
    re.IGNORECASE,
)
_LEAST_FIRST = re.compile(r"\b(?:increasing|ascending)\b", re.IGNORECASE)
_NUMBER = re.compile(r"^\W?\s?([-\N{MINUS SIGN}\N{EN DASH}]?\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class Board:
    """What stands on the screen for a drag to take."""

    nodes: Sequence[Node]
    shapes: Sequence[Shape]
    sign_of: Callable[[Shape], str]
    find: Callable[[str], Sequence[Node]]
    """The nodes that some words mean."""
    done: int = 0
    """How many drags were made for this wish."""
    first: Sequence[Shape] = field(default=())
    """The shapes before any of them."""
    told: Sequence[Rect] = ()
    """Where the instruction itself is written."""
    negative: Callable[[Node], bool] = lambda node: False
    """Whether a minus stands before a number that was read without one."""

    def named(self, words: str) -> Rect | None:
        """The one thing of this name or of these looks."""
        found = self.find(words)
        if len(found) == 1:
            return found[0].rect
        looks = figure(words)
        shown = among(looks, self.loose, self.sign_of) if looks is not None else []
        return shown[0].rect if shown else None

    @property
    def loose(self) -> list[Shape]:
        """Shapes that are no part of a node's text."""
        return loose(self.shapes, self.nodes, self.told)


def wanted(text: str, board: Board) -> Pull | bool | None:
    """The drag that is due now.

    Returns:
        where from and where to; True where the wish is fulfilled, False where it cannot be seen how; None for a wish
        that no drag fulfils.
    """
    said = text.strip(" .")
    for form, plan in _FORMS:
        if found := form.match(said):
            return plan({key: value or "" for key, value in found.groupdict().items()}, board)
    return None


def speaks(text: str) -> bool:
    """Whether a wish may be one for a drag at all."""
    return any(form.match(text.strip(" .")) for form, _ in _FORMS)


# Lists and grids.


def _cells(board: Board, what: str) -> tuple[list[Rect], int] | None:
    """The places of a list or grid in reading order, and in which of them a thing lies."""
    rect = board.named(what)
    if rect is None:
        return None
    own = min(
        (one for one in board.shapes if one.rect.contains(rect.centre) and one.rect.area > 1.15 * _letters(rect)),
        key=lambda one: one.rect.area,
        default=None,
    )
    if own is None:
        return None
    cells = sorted((one.rect for one in board.shapes if own.alike(one)), key=lambda one: (one.top // 12, one.left))
    return (cells, cells.index(own.rect)) if len(cells) > 1 else None


def _letters(rect: Rect) -> int:
    return min(rect.area, 24 * rect.width)


def _moved(cells: Sequence[Rect], now: int, goal: int) -> Pull | bool:
    """Onto another place, a little past its middle."""
    if not 0 <= goal < len(cells) or goal == now:
        return goal == now
    start, end = cells[now].centre, cells[goal].centre
    past = _PAST_PX if goal > now else -_PAST_PX
    columns = len({cell.left // 12 for cell in cells})
    if columns == 1:
        return start, Point(start.x, end.y + past)
    rows_apart = (end.y > start.y) - (end.y < start.y) if abs(end.y - start.y) > 8 else 0
    return start, Point(end.x + 3 * past, end.y + past * abs(rows_apart))


def _to_place(said: dict[str, str], board: Board) -> Pull | bool | None:
    if board.done:
        return True
    found = _cells(board, said["what"])
    if found is None:
        return None
    cells, now = found
    place = said["place"].lower()
    number = _ORDINALS[place] if place in _ORDINALS else int(re.sub(r"\D", "", place))
    return _moved(cells, now, number - 1 if number > 0 else len(cells) - 1)


def _to_corner(said: dict[str, str], board: Board) -> Pull | bool | None:
    if board.done:
        return True
    what = said["what"] or said["what2"]
    found = _cells(board, what)
    if found is None:
        return _push({"what": what, "way": said["h2"]}, board) if said["h2"] else None
    cells, now = found
    down, across = _SIDES[(said["v"] or "middle").lower()], _SIDES[(said["h"] or said["h2"] or "middle").lower()]
    left, right = min(cell.centre.x for cell in cells), max(cell.centre.x for cell in cells)
    top, bottom = min(cell.centre.y for cell in cells), max(cell.centre.y for cell in cells)
    aim = left + across * (right - left), top + down * (bottom - top)
    goal = min(range(len(cells)), key=lambda n: abs(cells[n].centre.x - aim[0]) + abs(cells[n].centre.y - aim[1]))
    return _moved(cells, now, goal)


def _by_one(said: dict[str, str], board: Board) -> Pull | bool | None:
    if board.done:
        return True
    found = _cells(board, said["what"])
    if found is None:
        return _push(said, board)
    cells, now = found
    columns = len({cell.left // 12 for cell in cells})
    dx, dy = _WAYS[said["way"].lower()]
    return _moved(cells, now, now + dx + dy * columns)


def number_of(node: Node, negative: Callable[[Node], bool]) -> float | None:
    """The number that is a node's whole name; `negative` looks for a minus that was not read."""
    found = _NUMBER.match(node.name.strip())
    if found is None:
        return None
    value = float(found.group(1).replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-"))
    return -value if value > 0 and negative(node) else value


def _sorted(said: dict[str, str], board: Board) -> Pull | bool | None:
    """Selection sort: the first place that holds the wrong number gets the right one."""
    in_order = sorted(board.nodes, key=lambda node: node.rect.centre.y)
    numbers = [(node.rect, value) for node in in_order if (value := number_of(node, board.negative)) is not None]
    if len(numbers) < 2:
        return None
    values = [value for _, value in numbers]
    pick = min if _LEAST_FIRST.search(said["how"]) else max
    wrong = next((n for n, value in enumerate(values) if value != pick(values[n:])), None)
    if wrong is None:
        return True
    now = values.index(pick(values[wrong:]), wrong)
    cells = [(holding(board.shapes, rect.centre) or Shape(rect, (0, 0, 0), "other")).rect for rect, _ in numbers]
    return _moved(cells, now, wrong)


# One thing onto another.


def _push(said: dict[str, str], board: Board) -> Pull | bool | None:
    if board.done:
        return True
    rect = board.named(said["what"])
    if rect is None:
        return None
    dx, dy = _WAYS[said["way"].lower()]
    centre = rect.centre
    return centre, Point(centre.x + dx * _PUSH_PX, centre.y + dy * _PUSH_PX)


def _all_into(said: dict[str, str], board: Board) -> Pull | bool | None:
    """Each in turn, to places side by side from the left."""
    looks, where = figure(said["what"]), board.named(said["where"])
    if looks is None or where is None:
        return None
    target = _container(board, said["where"]) or where
    left = [one for one in among(looks, board.loose, board.sign_of) if one.rect != target and not _inside(one, target)]
    if not left:
        return True
    one = left[0].rect
    there = [shape for shape in board.shapes if _inside(shape, target)]
    across = max(1, (target.width - 12) // (one.width + 4))
    row, column = divmod(len(there), across)
    x = target.left + 8 + one.width // 2 + column * (one.width + 4)
    y = min(target.top + 8 + one.height // 2 + row * (one.height + 4), target.bottom - 8 - one.height // 2)
    return one.centre, Point(x, y)


def _container(board: Board, words: str) -> Rect | None:
    """The largest shape that some words describe."""
    looks = figure(words)
    found = among(looks, board.loose, board.sign_of) if looks is not None else []
    return max((one.rect for one in found), key=lambda rect: rect.area, default=None)


def _inside(one: Shape, target: Rect) -> bool:
    return target.contains(one.rect.centre) and one.rect.area < target.area


def _into(said: dict[str, str], board: Board) -> Pull | bool | None:
    if board.done:
        return True
    what, where = board.named(said["what"]), board.named(said["where"])
    if what is None or where is None or what == where:
        return None
    return what.centre, where.centre


def _resize(said: dict[str, str], board: Board) -> Pull | bool | None:
    """By the corner at the bottom right; by the edge itself where the corner did nothing."""
    boxes = [one.rect for one in board.shapes if one.hollow and one.form in ("rectangle", "square", "other")]
    if not boxes:
        return None
    rect = max(boxes, key=lambda one: one.area)
    if board.done:
        before = max((one.rect for one in board.first if one.hollow), key=lambda one: one.area, default=rect)
        if before != rect or board.done > 1:
            return True
    wide = said["side"].lower() == "width"
    by = -_RESIZE_PX if said["how"].lower() == "smaller" else _RESIZE_PX
    start = Point(rect.right - 8, rect.bottom - 8)
    if board.done:
        start = Point(rect.right - 1, rect.centre.y) if wide else Point(rect.centre.x, rect.bottom - 1)
    return start, Point(start.x + by * wide, start.y + by * (not wide))


_FORMS: tuple[tuple[re.Pattern[str], Callable[[dict[str, str], Board], Pull | bool | None]], ...] = (
    (_RESIZE, _resize), (_SORT, _sorted), (_ALL_INTO, _all_into), (_BY_ONE, _by_one), (_TO_PLACE, _to_place),
    (_TO_CORNER, _to_corner), (_PUSH, _push), (_INTO, _into),
)  # fmt: skip
