"""What a run of text most likely says, given what was seen at each place and which letters follow one another.

What looks alike is told apart by the whole line ("lnvoice" or "Invoice"). A beam search weighs, for every place, the
likeliest characters and nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from model.reading.letters import EDGE, Letters, plain

__all__ = ["GAP", "Place", "spelled"]

Choices = tuple[tuple[str, float], ...]
"""Characters and their probabilities, the likeliest first; the empty string is "nothing stands here"."""

BEAM = 8
TRUST = 0.15
"""Weight of the letters' order beside what was seen."""
LONGER = 0.4
"""What a character is worth by itself, so that short readings are not preferred."""
NEAR = 0.12
"""Of the line's height: characters nearer than this are one, seen twice."""
TWICE = 3.0
"""What it costs to read both of two characters that are so near."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place where a character may stand."""

    choices: Choices
    x: float | None
    """Centre of the character in lines' heights, from any origin; None where the heads do not say."""


GAP = Place(((" ", 1.0),), None)
"""A gap between two patches that is wide enough for a space."""


def spelled(places: Sequence[Place], letters: Letters) -> str:
    """The likeliest text."""
    return _spelled(tuple(places), letters)


@lru_cache(maxsize=4096)
def _spelled(places: tuple[Place, ...], letters: Letters) -> str:
    beams: dict[tuple[str, float | None], float] = {("", None): 0.0}
    for place in places:
        grown: dict[tuple[str, float | None], float] = {}
        for (text, last), score in beams.items():
            before = plain(EDGE + text)
            for char, chance in place.choices:
                if not char or (char == " " and text.endswith(" ")):
                    key, worth = (text, last), score + math.log(chance)
                else:
                    key = text + char, place.x
                    worth = score + math.log(chance) + TRUST * letters.after(before, plain(char) or "?") + LONGER
                    if last is not None and place.x is not None and place.x - last < NEAR:
                        worth -= TWICE
                if worth > grown.get(key, -math.inf):
                    grown[key] = worth
        best = sorted(grown.items(), key=lambda one: -one[1])[:BEAM]
        beams = dict(best)
    ends = {text: score + TRUST * letters.after(plain(EDGE + text), EDGE) for (text, _), score in beams.items()}
    return max(ends, key=lambda text: ends[text])
