"""From single characters to pieces of text. Pixels of the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from model.reading.letters import Letters
from model.reading.spelling import GAP, Place, spelled

__all__ = ["Glyph", "Piece", "parted", "pieces"]


@dataclass(frozen=True, slots=True)
class Glyph:
    """What may stand at one place."""

    x: float
    """Centre of the character."""
    middle: float
    """Centre of its line."""
    height: float
    """Of its line."""
    chances: tuple[tuple[str, float], ...]
    """Characters and their probabilities, the likeliest first; the empty string is "nothing stands here"."""
    begins: bool
    """Whether a piece of text begins with it."""

    @property
    def sure(self) -> float:
        """Probability of the likeliest character, 0..1."""
        return next((chance for char, chance in self.chances if char), 0.0)


@dataclass(slots=True)
class Piece:
    """A run of text on one line, such as a label or a word of a menu."""

    glyphs: list[Glyph]
    places: list[Place] = field(default_factory=list)
    text: str = ""

    @property
    def middle(self) -> float:
        """Centre of the line where it ends so far."""
        last = self.glyphs[-3:]
        return sum(one.middle for one in last) / len(last)

    @property
    def height(self) -> float:
        """Of the line: the median of what its characters say."""
        tall = sorted(one.height for one in self.glyphs)
        return tall[len(tall) // 2]

    @property
    def left(self) -> float:
        """Where its first character begins, roughly."""
        return self.glyphs[0].x - 0.28 * self.height

    @property
    def right(self) -> float:
        """Where the next character could begin."""
        return self.glyphs[-1].x + 0.28 * self.height

    @property
    def x(self) -> float:
        """Middle of its box."""
        return (self.left + self.right) / 2

    @property
    def sure(self) -> float:
        """Mean probability of its characters, 0..1."""
        return sum(one.sure for one in self.glyphs) / len(self.glyphs)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        tall = self.height
        middle = sum(one.middle for one in self.glyphs) / len(self.glyphs)
        return self.left, middle - tall / 2, self.right, middle + tall / 2


def pieces(glyphs: Iterable[Glyph], letters: Letters | None = None) -> list[Piece]:
    """Join neighbouring characters of one line, cut where a piece begins; in reading order.

    With `letters` each piece is spelled as a whole, otherwise character by character.
    """
    open_: list[Piece] = []
    done: list[Piece] = []
    for glyph in sorted(glyphs, key=lambda one: (one.x, one.middle)):
        over = [piece for piece in open_ if glyph.x - piece.right > 1.6 * piece.height + 8]
        done += over
        open_ = [piece for piece in open_ if not any(piece is one for one in over)]
        piece = _neighbour(open_, glyph)
        if piece is not None and glyph.begins and glyph.x - piece.right > 0:
            piece = None
        if piece is None:
            open_.append(Piece([glyph], [_place(glyph)]))
            continue
        if glyph.x - 0.28 * glyph.height - piece.right > 0.45 * piece.height and " " not in (
            _best(piece.glyphs[-1]),
            _best(glyph),
        ):
            piece.places.append(GAP)
        piece.glyphs.append(glyph)
        piece.places.append(_place(glyph))
    return _told(done + open_, letters)


def parted(piece: Piece, home: Callable[[Glyph], int | None], letters: Letters | None = None) -> list[Piece]:
    """A piece cut between words where they stand on different things.

    Args:
        piece: a run of text.
        home: the number of the thing that a character stands on, or None.
        letters: as for `pieces`.
    """
    if len({home(glyph) for glyph in piece.glyphs}) == 1:
        return [piece]
    parts: list[tuple[int | None, Piece]] = []
    for word in _words(piece):
        at = Counter(home(glyph) for glyph in word.glyphs).most_common(1)[0][0]
        if parts and parts[-1][0] == at:
            parts[-1][1].glyphs += word.glyphs
            parts[-1][1].places += [GAP, *word.places]
        else:
            parts.append((at, word))
    return [piece] if len(parts) == 1 else _told([part for _, part in parts], letters)


def _words(piece: Piece) -> list[Piece]:
    """Its words, without the spaces between them."""
    words: list[Piece] = []
    again = True
    glyphs = iter(piece.glyphs)
    for place in piece.places:
        if place is GAP:
            again = True
            continue
        glyph = next(glyphs)
        if _best(glyph) == " ":
            again = True
        elif again:
            words.append(Piece([glyph], [place]))
            again = False
        else:
            words[-1].glyphs.append(glyph)
            words[-1].places.append(place)
    return words or [piece]


def _told(found: list[Piece], letters: Letters | None) -> list[Piece]:
    """Those that say something, spelled, in reading order."""
    for piece in found:
        text = _plainly(piece.places) if letters is None else spelled(piece.places, letters)
        piece.text = " ".join(text.split())
    return sorted((piece for piece in found if piece.text), key=lambda one: (round(one.middle / 8), one.left))


def _place(glyph: Glyph) -> Place:
    return Place(glyph.chances, glyph.x / glyph.height)


def _best(glyph: Glyph) -> str:
    return glyph.chances[0][0]


def _plainly(places: Sequence[Place]) -> str:
    return "".join(place.choices[0][0] for place in places)


def _neighbour(open_: Sequence[Piece], glyph: Glyph) -> Piece | None:
    """The piece that ends just before this character on the same line."""
    near = [
        piece for piece in open_ if abs(piece.middle - glyph.middle) < 0.4 * max(min(piece.height, glyph.height), 8)
    ]
    return min(near, key=lambda piece: abs(piece.middle - glyph.middle) + abs(glyph.x - piece.right) / 4, default=None)
