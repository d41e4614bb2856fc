"""Shares of one character are added up; what looks alike is told apart by the whole line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.base import ModelError
from model.reading.alphabet import Alphabet
from model.reading.glyphs import Cells, glyphs
from model.reading.letters import FILE, Letters, plain, read_letters
from model.reading.lines import Glyph, pieces
from model.reading.spelling import Place, spelled
from model.reading.tiles import Tile
from model.training.reading.letters import count

ALPHABET = Alphabet()
LETTERS = Letters(count(["Invoice", "Invoices", "Send invoice", "Delete", "Edit", "List of files", "Illustration"] * 4))
TILE = Tile(0, 0, (2, 8), (0, 0, 128, 32))


def cells(*given: tuple[int, str, float]) -> Cells:
    """Cells of one row: column, character, probability."""
    return Cells(
        at=np.array([[1, column] for column, _, _ in given], dtype=np.int32),
        classes=np.array([ALPHABET.classes(char) for _, char, _ in given], dtype=np.int16),
        chances=np.array([[chance] for _, _, chance in given], dtype=np.float32),
        begins=np.zeros(len(given), dtype=np.float32),
        places=np.array([[0, 0, np.log(14)]] * len(given), dtype=np.float32),
    )


def test_two_shares_of_one_character_are_one_character() -> None:
    seen = cells((4, "a", 0.5), (5, "a", 0.4), (10, "b", 0.9))
    seen.places[0, 0], seen.places[1, 0] = 0.5, -0.5
    found = glyphs(TILE, seen, ALPHABET)
    assert sorted(one.chances[0][0] for one in found) == ["a", "b"]
    assert max(one.chances[0][1] for one in found if one.chances[0][0] == "a") == pytest.approx(0.9)


def test_narrow_letters_side_by_side_stay_two() -> None:
    assert len(glyphs(TILE, cells((4, "l", 0.9), (6, "l", 0.9)), ALPHABET)) == 2


def test_what_is_hardly_seen_is_no_character() -> None:
    assert glyphs(TILE, cells((4, "a", 0.3)), ALPHABET) == []


def test_a_character_of_the_neighbouring_tile_is_left_to_it() -> None:
    assert glyphs(Tile(0, 0, (2, 8), (20, 0, 128, 32)), cells((4, "a", 0.9)), ALPHABET) == []


def test_the_line_tells_what_looks_alike_apart() -> None:
    doubtful = Place((("l", 0.5), ("I", 0.46), ("", 0.04)), None)
    sure = [Place(((char, 0.97), ("", 0.03)), None) for char in "nvoice"]
    assert spelled([doubtful, *sure], LETTERS) in ("Invoice", "lnvoice")
    wrong = Place((("r", 0.5), ("n", 0.45), ("", 0.05)), None)
    assert spelled([Place((("I", 1.0),), None), wrong, *sure[1:]], LETTERS) == "Invoice"


@given(st.text(alphabet="abcdefghij0123456789ABC", min_size=1, max_size=12))
def test_what_is_seen_for_certain_is_never_changed(text: str) -> None:
    assert spelled([Place(((char, 1.0),), None) for char in text], LETTERS) == text


def test_a_digit_is_never_chosen_because_others_are_likelier() -> None:
    places = [Place((("7", 0.6), ("1", 0.4)), None), Place((("0", 1.0),), None)]
    assert spelled(places, Letters(count(["10", "10", "10", "10"]))) == "70"


def test_pieces_are_cut_where_one_begins_and_spaced_where_a_gap_is() -> None:
    def row(text: str, left: float, begins: bool = True) -> list[Glyph]:
        return [
            Glyph(left + 7 * n, 20.0, 14.0, ((char, 0.9), ("", 0.1)), begins and n == 0) for n, char in enumerate(text)
        ]

    found = pieces([*row("Edit", 10), *row("Delete", 48), *row("on", 104, begins=False)])
    assert [piece.text for piece in found] == ["Edit", "Delete on"]


def test_counts_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    assert read_letters(tmp_path) is None
    (tmp_path / FILE).write_bytes(b"no gzip")
    with pytest.raises(ModelError, match="no counts of characters"):
        read_letters(tmp_path)


def test_text_is_counted_without_case_and_numbers() -> None:
    assert plain("Row 17") == "row 00"
