"""Outputs as a table: what is wanted, what the screen says, what is read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from screens import node, seen

from agent.money import Money
from agent.outputs import Output, extract
from agent.task_file import OutputSpec

REFERENCE = {"type": "string", "pattern": "[A-Z0-9]{6}", "after": "Booking reference"}
TOTAL = {"type": "money", "after": "Total", "max": "500 EUR"}

FOUND: list[tuple[dict[str, Any], list[str], Any]] = [
    (REFERENCE, ["Booking reference", "K7P2QX"], "K7P2QX"),
    (REFERENCE, ["Booking reference: K7P2QX"], "K7P2QX"),
    (REFERENCE, ["BOOKING REFERENCE", "is", "K7P2QX", "ABCDEF"], "K7P2QX"),
    (REFERENCE, ["Booking reference K7P2QX", "Booking reference", "K7P2QX"], "K7P2QX"),
    (REFERENCE, ["Your booking reference is K7P2QX."], "K7P2QX"),
    ({"type": "string", "pattern": "Ref ([A-Z]+)-"}, ["Ref ABC-1"], "ABC"),
    ({"type": "string", "pattern": "Ref ([A-Z]{3})"}, ["Ref ABCDE or Ref XYZ"], "XYZ"),
    ({"type": "string", "pattern": "[A-Z]{3}[0-9]"}, ["x", "ABC1", "ABC1"], "ABC1"),
    ({"type": "string", "after": "Seat"}, ["Seats", "Seat", "12A"], "12A"),
    (TOTAL, ["Total", "€ 123.45"], Money(12345, "EUR")),
    (TOTAL, ["Total: 123.45 EUR"], Money(12345, "EUR")),
    (TOTAL, ["Total paid", "123.45 EUR"], Money(12345, "EUR")),
    (TOTAL, ["Subtotal", "100.00 EUR", "Total", "123,45 €"], Money(12345, "EUR")),
    (TOTAL, ["Total (taxes included)", "123 EUR"], Money(12300, "EUR")),
    ({"type": "money"}, ["Pay 9.90 CHF", "Pay 9.90 CHF"], Money(990, "CHF")),
    ({"type": "money", "after": "Total", "max": "2000 JPY"}, ["Total ¥1,980"], Money(1980, "JPY")),
    ({"type": "int", "after": "Seats"}, ["Seats: 1,234 left"], 1234),
    ({"type": "int", "after": "Seats", "min": 2}, ["Seats", "2"], 2),
    ({"type": "date", "after": "Departure"}, ["Departure", "14 December 2026, 07:15"], date(2026, 12, 14)),
    ({"type": "date", "after": "Departure"}, ["Departure Mon, 14 Dec 2026"], date(2026, 12, 14)),
    ({"type": "date", "after": "Departure"}, ["Departure", "December 14, 2026"], date(2026, 12, 14)),
    ({"type": "date", "after": "Departure"}, ["Departure", "14.12.2026"], date(2026, 12, 14)),
    ({"type": "date"}, ["on 2026-12-14"], date(2026, 12, 14)),
]


@pytest.mark.parametrize(("spec", "texts", "value"), FOUND)
def test_a_value_is_read(spec: dict[str, Any], texts: list[str], value: object) -> None:
    output = read(spec, *texts)
    assert (output.problem, output.value) == ("", value)
    assert type(output.value) is type(value)


NOT_FOUND: list[tuple[dict[str, Any], list[str], str]] = [
    (REFERENCE, ["K7P2QX"], "the label `Booking reference` is not shown"),
    (REFERENCE, [], "the label `Booking reference` is not shown"),
    (REFERENCE, ["Booking reference", "unknown"], "nothing after `Booking reference` matches `[A-Z0-9]{6}`"),
    (REFERENCE, ["Booking reference", "K7P2QXZ"], "nothing after `Booking reference` matches `[A-Z0-9]{6}`"),
    (REFERENCE, ["Booking reference", "a", "b", "c", "K7P2QX"], "nothing after `Booking reference` matches `[A-Z0-9]{6}`"),
    (REFERENCE, ["Booking reference K7P2QX", "Booking reference ABCDEF"], "it is not clear which is meant, `K7P2QX` and `ABCDEF` are both shown"),
    (TOTAL, ["Total", "501 EUR"], "501.00 EUR is more than the largest allowed, 500.00 EUR"),
    (TOTAL, ["Total", "1.234 EUR"], "1234.00 EUR is more than the largest allowed, 500.00 EUR"),
    (TOTAL, ["Total", "100 USD"], "100.00 USD is not in EUR"),
    (TOTAL, ["Total", "-100 EUR"], "nothing after `Total` is of type money"),
    (TOTAL, ["Total", "100"], "nothing after `Total` is of type money"),
    (TOTAL, ["Subtotal 100 EUR"], "the label `Total` is not shown"),
    ({"type": "money"}, ["1 EUR", "2 EUR"], "it is not clear which is meant, `1 EUR` and `2 EUR` are both shown"),
    ({"type": "int", "after": "Seats"}, ["Seats", "none", "12.5"], "nothing after `Seats` is of type int"),
    ({"type": "int", "after": "Seats", "min": 2}, ["Seats", "1"], "1 is less than the smallest allowed, 2"),
    ({"type": "date", "after": "Departure"}, ["Departure", "12/10/2026"], "nothing after `Departure` is of type date"),
    ({"type": "date", "after": "Departure"}, ["Departure", "30 February 2026"], "nothing after `Departure` is of type date"),
    ({"type": "date", "after": "D", "max": "2026-12-01"}, ["D 14.12.2026"], "2026-12-14 is more than the largest allowed, 2026-12-01"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "texts", "problem"), NOT_FOUND)
def test_what_is_not_certain_is_a_problem_and_not_a_guess(spec: dict[str, Any], texts: list[str], problem: str) -> None:
    output = read(spec, *texts)
    assert (output.value, output.problem) == (None, problem)


def read(spec: dict[str, Any], *texts: str) -> Output:
    return extract({"x": OutputSpec(**spec)}, seen(*texts))["x"]


def test_what_was_typed_or_stands_in_an_advert_is_not_read() -> None:
    screen = seen(
        node("Booking reference", "textbox", value="AAAAAA", editable=True),
        node("Booking reference BBBBBB", origin="https://ads.example"),
    )
    assert not extract({"x": OutputSpec(**REFERENCE)}, screen)["x"].ok


def test_values_are_plain_json_in_the_record() -> None:
    assert Output("x", Money(1, "EUR")).plain() == {"minor": 1, "currency": "EUR", "text": "0.01 EUR"}
    assert Output("x", date(2026, 1, 2)).plain() == "2026-01-02"
    assert [Output("x", value).plain() for value in ("a", 1, None)] == ["a", 1, None]


@given(st.lists(st.text(max_size=30), max_size=8), st.sampled_from([spec for spec, _, _ in FOUND]))
def test_no_screen_breaks_the_reading(texts: list[str], spec: dict[str, Any]) -> None:
    output = read(spec, *texts, str(spec.get("after", "")))
    assert (output.value is None) == bool(output.problem)
