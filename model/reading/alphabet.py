"""What the reading heads can name: characters, roles, states and icons. Their order is the order of the outputs."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.base import ModelError

__all__ = ["CHARACTERS", "FILE", "NONE", "OTHER", "ROLES", "STATES", "Alphabet", "folded", "read_alphabet"]

FILE = "reader.json"
NONE, OTHER = 0, 1
"""Classes of a place without a character, and of a character that has no class of its own."""
CHARACTERS = (
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
    "…•·→←↑↓×✓€£¥©–—°«»’“”ßøØłŁæđ★▾"
)
"""Accents are folded away before a character is looked up here."""
ROLES = (
    "", "button", "link", "textbox", "combobox", "checkbox", "radio", "switch", "tab", "menuitem", "option", "slider",
    "spinbutton", "image", "listbox",
)  # fmt: skip
STATES = ("disabled", "checked", "focused", "selected", "expanded")

_LIKE = {
    "‘": "'",
    "‚": ",",
    "„": "“",
    "‐": "-",
    "‑": "-",
    "−": "-",
    "\u00a0": " ",
    "\u202f": " ",
    "✔": "✓",
    "✕": "×",
    "✖": "×",
    "●": "•",
    "‹": "<",
    "›": ">",
    "▼": "▾",
    "⌄": "▾",
    "☆": "★",
    "➜": "→",
    "➔": "→",
    "⋯": "…",
    "∙": "·",
}


@lru_cache(maxsize=20_000)
def _class(characters: str, char: str) -> int:
    return characters.find(folded(char)) + 2 if folded(char) in characters else OTHER


def folded(text: str) -> str:
    """Text as the reader would spell it: no accents, one character for look-alikes, as many characters as before.

    A character that folds to nothing keeps its place, so that positions still match.
    """
    out = []
    for char in text:
        char = _LIKE.get(char, char)
        plain = [c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c)]
        out.append(plain[0] if plain else char)
    return "".join(out)


@dataclass(frozen=True)
class Alphabet:
    """The names of all outputs of one set of reading heads, ."""

    characters: str = CHARACTERS
    roles: tuple[str, ...] = ROLES
    states: tuple[str, ...] = STATES
    icons: tuple[str, ...] = ("",)
    """The first is "no icon"."""

    def classes(self, text: str) -> list[int]:
        """The class of each character."""
        return [_class(self.characters, char) for char in text]

    def character(self, index: int) -> str:
        """The character of a class; empty for none, `?` for one without a class."""
        return "" if index == NONE else "?" if index == OTHER else self.characters[index - 2]

    def write(self, folder: Path) -> None:
        """Save as `reader.json`."""
        text = json.dumps(vars(self), ensure_ascii=False, indent=1)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_alphabet(folder: Path) -> Alphabet:
    """From `reader.json`.

    Raises:
        ModelError: the file is not what `Alphabet.write` makes.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(found[key]) for key in ("roles", "states", "icons")}
        return Alphabet(characters=str(found["characters"]), **lists)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: no list of reading classes: {error}") from error
