"""Letters too large for the reading heads are drawn smaller and read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from actuators.geometry import Rect
from actuators.observation import Node
from model.reading.large import with_large_text
from model.reading.lines import Glyph, Piece

Pixels = Any


def drawn(text: str, size: int) -> Pixels:
    picture = Image.new("RGB", (420, 160), "white")
    ImageDraw.Draw(picture).text((20, 40), text, fill="black", font=ImageFont.load_default(size))
    return np.asarray(picture)


def icons(*lefts: int) -> list[Node]:
    return [Node(f"i{left}", "button", "map", Rect(left, 50, left + 50, 100)) for left in lefts]


def says(text: str, sure: float = 0.9) -> Any:
    """A reader that reads the same at every place of a canvas with ink."""

    def read(canvas: Pixels) -> Sequence[Piece]:
        columns = np.flatnonzero((canvas < 128).any((0, 2)))
        starts = [int(columns[0]), *(int(b) for a, b in pairwise(columns) if b - a > 20)]
        glyphs = [Glyph(left + 4.0, 22.0, 15.0, ((text[0], sure),), True) for left in starts]
        return [Piece([one], text=text) for one in glyphs]

    return read


def test_signs_made_of_bars_stand_between_what_is_read() -> None:
    found = with_large_text(icons(20, 70), drawn("8 - 7 =", 56), says("8"))
    assert [node.name for node in found] == ["8 - 8 ="] and found[0].role == "text"
    assert [node.name for node in with_large_text(icons(20), drawn("8 + 7", 56), says("8"))] == ["8 + 8"]


def test_what_is_read_unsurely_or_as_something_else_stays_as_it_was() -> None:
    shown = icons(20, 70)
    assert list(with_large_text(shown, drawn("8 - 7 =", 56), says("8", 0.3))) == shown
    assert list(with_large_text(shown, drawn("8 - 7 =", 56), says("what"))) == shown


def test_where_nothing_tall_was_left_nothing_is_read_again() -> None:
    def never(canvas: Pixels) -> Sequence[Piece]:
        raise AssertionError("read again")

    small = [replace(node, rect=Rect(20, 50, 40, 70)) for node in icons(20)]
    assert list(with_large_text(small, drawn("8 - 7 =", 56), never)) == small
    blank = np.full((160, 420, 3), 255, dtype=np.uint8)
    assert list(with_large_text(icons(20), blank, never)) == icons(20)
    frame = Image.fromarray(blank)
    ImageDraw.Draw(frame).rectangle((20, 50, 120, 100), outline="black", width=2)
    assert list(with_large_text(icons(20), np.asarray(frame), never)) == icons(20)


def test_the_shipped_heads_read_large_text() -> None:
    from model.load import load_model

    model = load_model("pilot")
    names = [node.name for node in model._recall._reader.read(drawn("9 + 3 =", 56))]  # type: ignore[attr-defined]
    assert "9 + 3 =" in names, names
