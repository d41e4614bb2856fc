"""How likely one character is after others, from counts of short runs of characters; it breaks ties between readings.

Letters are counted without case and digits as one, so that a reading is never changed for a likelier capital or number.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping
from pathlib import Path

from model.base import ModelError

__all__ = ["FILE", "ORDER", "Letters", "plain", "read_letters"]

FILE = "reader.letters.json.gz"
ORDER = 5
"""Characters of the longest run."""
EDGE = "\n"
"""What stands before the first character and after the last one."""
_BACK = math.log(0.4)
"""What falling back to a shorter run costs (stupid backoff, Brants et al. 2007)."""
_LEAST = math.log(1e-5)
_SYMBOL = math.log(0.02)
"""Any character that is neither letter, digit nor space: how likely it is is left to the eyes."""


def plain(text: str) -> str:
    """Text as it is counted."""
    return "".join("0" if char.isdigit() else char for char in text.casefold() if len(char) == 1)


class Letters:
    """Log probabilities of the next character, as natural logarithms. Not normalised."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._total = sum(count for run, count in counts.items() if len(run) == 1) or 1
        self._known: dict[tuple[str, str], float] = {}

    def after(self, before: str, char: str) -> float:
        """How likely `char` is after `before`; both as `plain` makes them."""
        if not (char.isalpha() or char in "0 " + EDGE):
            return _SYMBOL
        key = before[1 - ORDER :], char
        if key not in self._known:
            self._known[key] = self._look(*key)
        return self._known[key]

    def _look(self, before: str, char: str) -> float:
        cost = 0.0
        for start in range(len(before) + 1):
            run = before[start:]
            count = self._counts.get(run + char, 0)
            if count:
                base = self._counts.get(run, count) if run else self._total
                return max(_LEAST, cost + math.log(count / max(base, count)))
            cost += _BACK
        return _LEAST


def read_letters(folder: Path) -> Letters | None:
    """The counts that a checkpoint folder brings, or None.

    Raises:
        ModelError: the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        counts = json.loads(gzip.decompress(path.read_bytes()))
        return Letters({str(run): int(count) for run, count in counts.items()})
    except (OSError, ValueError, EOFError, AttributeError, TypeError) as error:
        raise ModelError(f"{path}: no counts of characters: {error}") from error
