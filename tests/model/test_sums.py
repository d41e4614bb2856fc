"""Sums and equations that a screen shows."""

from __future__ import annotations

import pytest

from actuators.geometry import Rect
from actuators.observation import Node
from model.protocols import sums, wish
from model.protocols.clauses import clauses


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3 + 9 =", "12"), ("1 - 8 =", "-7"), ("4 X8 =", "32"), ("2 + 3 × 4 = ?", "14"), ("(2 + 3) x 4", "20"),
        ("X - 9 = 91", "100"), ("6 - × = 13", "-7"), ("2x + 1 = 7", "3"), ("81 = 1 - x", "-80"), ("12 ÷ 5", "2.4"),
        ("-1 ÷ 8 =", "-0.125"), ("X =", None), ("2026", None), ("10:20", None), ("1 / 0", None), ("3 + x", None),
        ("7 / 3 =", None), ("x x x = 4", None), ("x = x", None), ("3 + + 4)", None), ("Page 3 + 4", None), ("", None),
        ("1" * 200 + " + 1", None),
    ],
)  # fmt: skip
def test_a_sum_is_worked_out_exactly_or_not_at_all(text: str, answer: str | None) -> None:
    assert sums.solved([text]) == answer


def test_an_equation_counts_before_what_only_looks_like_a_sum() -> None:
    assert sums.solved(["12 / 5", "Solve this", "3 + 4 ="]) == "7"


def test_the_answer_is_typed_and_other_words_are_themselves() -> None:
    parts = clauses("Solve the math problem and type your answer into the textbox. Press submit when done.")
    assert parts == ["type your answer into the textbox", "Press submit"]
    assert sums.wants_answer(wish.typed(parts[0]) or "") and not sums.wants_answer("your name")
    assert clauses("Solve the puzzle") == ["Solve the puzzle"]
    assert clauses("press Solve, then press Save") == ["press Solve", "press Save"]


def test_of_several_fields_the_answer_goes_into_the_one_that_is_clearly_larger() -> None:
    wide, narrow = Node("a", "textbox", "", Rect(0, 0, 100, 50)), Node("b", "textbox", "", Rect(100, 0, 120, 50))
    assert wish.largest([narrow, wide]) == [wide]
    assert len(wish.largest([wide, wide])) == 2 and wish.largest([]) == []
