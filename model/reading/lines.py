"""From the characters of single patches to pieces of text. Pixels of the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Glyphs", "Piece", "pieces"]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of one line in one patch, left to right."""

    left: float
    """Of the patch."""
    width: float
    middle: float
    """Centre of the line."""
    height: float
    """Of the line of text."""
    text: str
    begins: tuple[bool, ...]
    """For each character: whether a piece of text begins with it."""
    sure: float
    """Mean probability of the characters."""


@dataclass(slots=True)
class Piece:
    """A run of text on one line, such as a label or a word of a menu."""

    left: float
    right: float
    middle: float
    height: float
    text: str = ""
    sures: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)

    @property
    def sure(self) -> float:
        """Mean probability of its characters, 0..1."""
        return sum(self.sures) / len(self.sures) if self.sures else 0.0

    @property
    def box(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        tall = sorted(self.heights)[len(self.heights) // 2] if self.heights else self.height
        return self.left, self.middle - tall / 2, self.right, self.middle + tall / 2

    def take(self, part: Glyphs, text: str, left: float, right: float) -> None:
        """Go on with characters of the next patch."""
        self.text += text
        self.right = max(self.right, right)
        self.middle = 0.7 * self.middle + 0.3 * part.middle
        self.sures.append(part.sure)
        self.heights.append(part.height)


def pieces(parts: Iterable[Glyphs]) -> list[Piece]:
    """Join neighbouring patches of one line, cut where a piece begins; in reading order."""
    open_: list[Piece] = []
    done: list[Piece] = []
    for part in sorted(_once(parts), key=lambda one: (one.left, one.middle)):
        done += [piece for piece in open_ if part.left - piece.right > 1.6 * piece.height + 8]
        open_ = [piece for piece in open_ if part.left - piece.right <= 1.6 * piece.height + 8]
        step = part.width / max(len(part.text), 1)
        start = 0
        for end in [n for n, begins in enumerate(part.begins) if begins and n > 0] + [len(part.text)]:
            text = part.text[start:end]
            left, right = part.left + step * start, part.left + step * end
            piece = None if part.begins[start] else _neighbour(open_, part)
            if piece is None:
                piece = Piece(left, right, part.middle, part.height)
                open_.append(piece)
            elif left - piece.right > 0.45 * piece.height and not piece.text.endswith(" ") and not text.startswith(" "):
                piece.text += " "
            piece.take(part, text, left, right)
            start = end
    found = [piece for piece in done + open_ if piece.text.strip()]
    for piece in found:
        piece.text = " ".join(piece.text.split())
    return sorted(found, key=lambda one: (round(one.middle / 8), one.left))


def _once(parts: Iterable[Glyphs]) -> list[Glyphs]:
    """Without second readings: a line at the border of two rows of patches may be claimed by both."""
    columns: dict[int, list[Glyphs]] = {}
    for part in sorted(parts, key=lambda one: -one.sure):
        column = columns.setdefault(round(part.left / part.width), [])
        if not any(abs(one.middle - part.middle) < 0.45 * min(one.height, part.height) for one in column):
            column.append(part)
    return [part for column in columns.values() for part in column]


def _neighbour(open_: list[Piece], part: Glyphs) -> Piece | None:
    """The piece that ends just before this part on the same line."""
    near = [
        piece
        for piece in open_
        if abs(piece.middle - part.middle) < 0.4 * max(min(piece.height, part.height), 8)
        and part.left - piece.right > -part.width
    ]
    return min(near, key=lambda piece: abs(piece.middle - part.middle) + abs(part.left - piece.right) / 4, default=None)
