"""`diff`: what changed between two screenshots. Where is computed from the pixels; a model says what.

Half-open boxes, pixels. What this does not find: a change smaller than the threshold, and what moved as a whole, which
is two changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from actuators.geometry import Rect
from model.asking.form import (
    BOX,
    Asked,
    Form,
    Misread,
    Prompt,
    Read,
    Say,
    Takes,
    data_of,
    json_reply,
    pixels_of,
)
from model.asking.media import Unusable
from model.asking.schemas import misfit
from model.asking.spotting import objects
from model.protocols.grid import Grid

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

__all__ = ["Diff", "regions"]

_LEAST = 24
"""From this difference of one channel on, of 255, a pixel counts as changed."""
_CELL_PX = 8
_REACH = 2
"""Cells further apart than this are changes of their own."""
_MOST = 40
"""Regions shown to a model, the largest; all of them are in the answer."""
_LONGEST = 300


def regions(before: Image, after: Image) -> list[Rect]:
    """Where two pictures of one size differ, in reading order; empty where nowhere.

    Raises:
        ValueError: the sizes differ.
    """
    import numpy as np

    if before.size != after.size:
        raise ValueError(f"sizes differ: {before.size} and {after.size}")
    one, other = (np.asarray(image, dtype=np.int16) for image in (before, after))
    changed = np.abs(one - other).max(axis=-1) >= _LEAST  # (height, width)
    found = [_tight(changed, cells) for cells in _groups(_cells(changed))]
    return sorted(found, key=lambda box: (box.top // 16, box.left))


def _cells(changed: npt.NDArray[np.bool_]) -> set[tuple[int, int]]:
    """(row, column) of every square that holds a changed pixel."""
    import numpy as np

    rows, columns = np.nonzero(changed)
    squares = np.unique(np.stack([rows // _CELL_PX, columns // _CELL_PX]), axis=1)
    return {(int(row), int(column)) for row, column in squares.T}


def _groups(cells: set[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Cells that lie near each other, together."""
    left, found = set(cells), []
    while left:
        ask, group = [left.pop()], []
        while ask:
            row, column = ask.pop()
            group.append((row, column))
            for down in range(-_REACH, _REACH + 1):
                for across in range(-_REACH, _REACH + 1):
                    near = (row + down, column + across)
                    if near in left:
                        left.remove(near)
                        ask.append(near)
        found.append(group)
    return found


def _tight(changed: npt.NDArray[np.bool_], group: Sequence[tuple[int, int]]) -> Rect:
    """The box of the changed pixels in these cells."""
    import numpy as np

    rows, columns = zip(*group, strict=True)
    top, left = min(rows) * _CELL_PX, min(columns) * _CELL_PX
    part = changed[top : (max(rows) + 1) * _CELL_PX, left : (max(columns) + 1) * _CELL_PX]
    down, across = np.nonzero(part)
    return Rect(
        left + int(across.min()), top + int(down.min()), left + int(across.max()) + 1, top + int(down.max()) + 1
    )


class Diff(Form):
    """What changed."""

    name = "diff"
    about = "what changed from the first screenshot to the second: every region that differs, and words for it"
    takes: ClassVar[Takes] = "two"

    def refuse(self, asked: Asked) -> None:
        """Two pictures of one size."""
        sizes = [f"{one.called} {one.size[0]}x{one.size[1]}" for one in asked.pictures]
        if len({one.size for one in asked.pictures}) > 1:
            raise Unusable(f"the two pictures measure differently: {' and '.join(sizes)}; take both of the same window")

    def answer(self, asked: Asked, say: Say) -> Read:
        """The regions from the pixels, the words from the model; no model is asked where nothing differs."""
        before, after = asked.pictures
        found = regions(before.image(), after.image())
        if not found:
            return Read({"summary": "nothing changed", "changes": []})
        largest = sorted(found, key=lambda box: -box.area)[:_MOST]
        told = [box for box in found if box in largest]
        parts = (*self.shown(asked), self._words(asked, told))
        lark = json_reply(_said(len(told)))
        said: dict[str, Any] = say(Prompt(parts, lark, lambda reply: _read(reply, told), self.words, self.pixels))
        by_place = dict(zip(told, said["changes"], strict=True))
        changes = [{"box": pixels_of(box), "change": by_place.get(box)} for box in found]
        return Read({"summary": said["summary"], "changes": changes})

    def _words(self, asked: Asked, found: Sequence[Rect]) -> str:
        shown, grid = asked.pictures[0], asked.grid
        lines = "\n".join(f"{n}. {_on_grid(box, shown.screen, grid)}" for n, box in enumerate(found, 1))
        return (
            "Picture 1 was taken before, picture 2 after. These regions differ, as [x1, y1, x2, y2]:\n"
            f"{lines}\nSay in a few words what changed in each of them, in this order, and sum it up in one sentence. "
            f'Reply with JSON: {{"summary": "...", "changes": ["...", ...]}}{self.wish(asked)}'
        )

    def schema(self, asked: Asked) -> dict[str, Any]:
        words = {"description": "null for the smallest regions where there are very many", "type": ["string", "null"]}
        changes = {"type": "array", "items": objects({"box": BOX, "change": words})}
        return objects({"summary": {"type": "string"}, "changes": changes})

    def told(self, answer: Any) -> str:
        lines = [f"[{', '.join(map(str, one['box']))}]  {one['change'] or ''}".rstrip() for one in answer["changes"]]
        return "\n".join([answer["summary"], *lines])


def _said(count: int) -> dict[str, Any]:
    """JSON Schema of a reply about so many regions."""
    words = {"type": "string", "maxLength": _LONGEST}
    changes = {"type": "array", "items": words, "minItems": count, "maxItems": count}
    return objects({"summary": words, "changes": changes})


def _read(reply: str, found: Sequence[Rect]) -> dict[str, Any]:
    data = data_of(reply)
    problem = misfit(data, _said(len(found)))
    if problem:
        raise Misread(problem)
    return dict(data)


def _on_grid(box: Rect, screen: Any, grid: Grid) -> str:
    from actuators.geometry import Point

    first = grid.place(Point(box.left, box.top), screen)
    last = grid.place(Point(box.right - 1, box.bottom - 1), screen)
    return f"[{first[0]}, {first[1]}, {last[0]}, {last[1]}]"
