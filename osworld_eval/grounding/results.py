"""What came of each item: one row, and a file of rows that a later call goes on with."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from actuators.action import Scroll, Zoom, pointed
from actuators.geometry import Point
from model.base import Act, Blocked, Move
from osworld_eval.grounding.item import Item
from osworld_eval.grounding.suite import key, plain_region

__all__ = ["Answer", "OtherRun", "Row", "Rows", "row"]

Answer = Literal["point", "refused", "other", "error"]
"""`point`: an act on a point. `refused`: the model says that it is not there. `other`: a move without such a point, a
scroll and a closer look included. `error`: the model's machinery broke."""


class OtherRun(Exception):
    """The file holds rows of another agent, another way of asking, or something else altogether. One line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item and its answer. Lengths are pixels of the item's picture."""

    run: str
    """Fingerprint of who answered and how; see `Rows`."""
    key: str
    number: int
    image: str
    instruction: str
    asked: str
    region: list[float] | None
    """As in the suite: x, y, width, height, or an outline's flat corners; None for what is not there."""
    area: float
    data_type: str
    kinds: list[str]
    source: str
    role: str
    answer: Answer
    right: bool
    x: int | None
    y: int | None
    distance: float | None
    """From the point to the middle of the region's bounds."""
    move: str
    """Kind of the move or act, in one word."""
    confidence: float | None
    seconds: float
    error: str = ""

    @property
    def absent(self) -> bool:
        return self.region is None


def row(item: Item, run: str, asked: str, move: Move | str, seconds: float, confidence: float | None = None) -> Row:
    """Judge one answer. `move` is a text where the machinery broke: its message."""
    point = _point(move)
    answer: Answer = "error" if isinstance(move, str) else "other"
    if point is not None:
        answer = "point"
    elif isinstance(move, Blocked):
        answer = "refused"
    region = item.region
    right = answer == "refused" if region is None else point is not None and region.holds(point)
    return Row(
        run=run,
        key=key(item),
        number=item.number,
        image=item.image.name,
        instruction=item.instruction,
        asked=asked,
        region=plain_region(region),
        area=0.0 if region is None else round(region.area, 1),
        data_type=item.data_type,
        kinds=list(item.kinds),
        source=item.source,
        role=item.role,
        answer=answer,
        right=right,
        x=point.x if point else None,
        y=point.y if point else None,
        distance=None if region is None or point is None else round(_distance(item, point), 1),
        move="" if isinstance(move, str) else move.action.kind if isinstance(move, Act) else move.kind,
        confidence=confidence,
        seconds=round(seconds, 4),
        error=move if isinstance(move, str) else "",
    )


def _point(move: Move | str) -> Point | None:
    if isinstance(move, Act) and not isinstance(move.action, Scroll | Zoom):
        return pointed(move.action)
    return None


def _distance(item: Item, point: Point) -> float:
    assert item.region is not None
    bounds = item.region.bounds
    across, down = (bounds.left + bounds.right) / 2, (bounds.top + bounds.bottom) / 2
    return math.hypot(point.x + 0.5 - across, point.y + 0.5 - down)


class Rows:
    """The rows of one run, kept in a file where one is given: one JSON object a line, added as they come.

    Args:
        file: None keeps them in memory alone. Rows of an earlier call are read; a torn last line is cut off.
        how: everything that makes two runs different beside the items: agent, its digest, perception, template.

    Raises:
        OtherRun: the file was written by another run, or by something else.
    """

    def __init__(self, file: Path | None, **how: str) -> None:
        told = json.dumps(how, sort_keys=True)
        self.run = hashlib.sha256(told.encode()).hexdigest()[:16]
        self._file = file
        self._rows: dict[tuple[int, str], Row] = {}
        if file is not None and file.exists():
            for one in self._earlier(file):
                self._rows[one.number, one.key] = one

    def get(self, item: Item, asked: str) -> Row | None:
        """The row of an item that was answered already, to the same words."""
        one = self._rows.get((item.number, key(item)))
        return one if one is not None and one.asked == asked else None

    def add(self, one: Row) -> None:
        self._rows[one.number, one.key] = one
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")

    def _earlier(self, file: Path) -> Iterator[Row]:
        data = file.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                told: dict[str, Any] = json.loads(line)
                one = Row(**told)
            except (ValueError, TypeError):
                raise OtherRun(f"{file}: line {number} is no row of this benchmark; give another --out") from None
            if one.run != self.run:
                raise OtherRun(f"{file}: holds rows of another agent or another way of asking; give another --out")
            yield one
        if len(whole) < len(data):
            file.write_bytes(whole)
