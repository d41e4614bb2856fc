"""Words as a reader sees them, so that rules about words cannot be dodged by how the words are written.

Folds case, width, accents, look-alike letters of other scripts, digits standing in for letters, invisible
characters and letters spaced apart. What it gives is for comparing, never for display.

It does not protect against a label that lies in plain words, or against a language that the lists do not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["Phrases", "fold", "plain", "readings", "spoken"]

_LOOK_ALIKES = str.maketrans(
    {
        **dict(zip("авекмнорстухѕіјԁһԛԝӏьгпиё", "abekmhopctyxsijdhqwlbrnue", strict=True)),
        **dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", ""),
        **dict(zip("αβγεηικνορτυχωϲϳ", "abyenikvoptuxwcj", strict=True)),
        **dict(zip("ıƖǀɑɡɩʏᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꮯꮪøłđħ", "illagiyacdejkmoptuvwzcsoldh", strict=True)),
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
    }
)
_STAND_INS = (str.maketrans("013457@$", "oleastas"), str.maketrans("01345@$!|", "oieasasil"))
"""Digits and signs for letters; `1` may be an l or an i."""
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_INVISIBLE = {"Cf", "Cc", "Cs", "Co", "Mn", "Me"}
_BREAKS = str.maketrans("\t\n\r\v\f\u2028\u2029", "       ")


def fold(text: str) -> str:
    """`text` in one spelling: compatibility forms, lower case, no accents, no look-alikes, nothing invisible."""
    if text.isascii():
        return "".join(c for c in text.translate(_BREAKS).lower() if c >= " ")
    wide = unicodedata.normalize("NFKD", text.translate(_BREAKS)).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFKD", wide) if unicodedata.category(c) not in _INVISIBLE)
    return bare.translate(_LOOK_ALIKES)


def plain(text: str) -> tuple[str, ...]:
    """The whole words of `text`, folded."""
    return tuple(_WORD.findall(fold(text)))


@lru_cache(maxsize=512)
def spoken(text: str) -> tuple[str, ...]:
    """`readings`, remembered: for the short texts of controls."""
    return readings(text)


def readings(text: str) -> tuple[str, ...]:
    """Every reading of `text` worth comparing: its words with a space around each, as one line per reading."""
    flat = fold(text)
    tables = _STAND_INS if any(c in "013457@$!|" for c in flat) else ()
    readings = [flat, fold(_HUMP.sub(" ", text)), *(flat.translate(table) for table in tables)]
    lines = [" " + " ".join(_joined(_WORD.findall(reading))) + " " for reading in readings]
    return tuple(dict.fromkeys(lines))


def _joined(words: list[str]) -> list[str]:
    """The words, and after them each run of three or more single letters written together: `p a y` is also `pay`."""
    runs: list[str] = []
    run = ""
    for word in [*words, ""]:
        if len(word) == 1 and word.isalpha():
            run += word
            continue
        if len(run) > 2:
            runs += ["/", run]
        run = ""
    return words + runs


class Phrases:
    """A list of words and short phrases to look for, as whole words; a phrase is also found written as one word."""

    def __init__(self, phrases: Iterable[str]) -> None:
        split = [plain(phrase) for phrase in phrases]
        said = sorted({mark.join(words) for words in split if words for mark in (" ", "")}, key=lambda p: (-len(p), p))
        self._found = re.compile("(?<= )(?:" + "|".join(map(re.escape, said)) + ")(?= )") if said else None

    def within(self, text: str, without: Phrases | None = None) -> str:
        """The first phrase said in `text`, folded; empty when none is. Phrases of `without` are struck out first."""
        if self._found is None or not text:
            return ""
        for line in spoken(text):
            kept = without._struck(line) if without else line
            if match := self._found.search(kept):
                return match.group()
        return ""

    def _struck(self, line: str) -> str:
        return line if self._found is None else self._found.sub("/", line)
