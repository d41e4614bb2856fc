"""Choosing a day in a calendar: what is pressed, month by month."""

from datetime import date

import pytest

from actuators.geometry import Rect
from actuators.observation import Node
from model.protocols.dates import chosen, nearer


def node(role: str, name: str, left: int = 0, top: int = 0, enabled: bool = True) -> Node:
    return Node(f"{role}{left}-{top}-{name}", role, name, Rect(left, top, left + 30, top + 16), enabled=enabled)


def calendar(*month: str) -> list[Node]:
    heads = [node("text", part, 60 + 60 * n) for n, part in enumerate(month)]
    days = [node("link", str(n), 40 * (n % 7), 40 + 20 * (n // 7)) for n in (30, 1, 2, 15, 29, 30, 1)]
    return [node("link", "Prev"), *heads, node("link", "Next", 300), *days]


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("Select 04/22/2016 as the date", date(2016, 4, 22)),
        ("choose 2026-12-14", date(2026, 12, 14)),
        ("pick the 3rd of March 2027", date(2027, 3, 3)),
        ("Choose Sept 5, 2026", None),
        ("Choose Sep 5, 2026", date(2026, 9, 5)),
        ("select 30 February 2026", None),
        ("enter 04/22/2016 as the date", None),
        ("select the second row", None),
        ("choose May 1, 2026 in the calendar", date(2026, 5, 1)),
    ],
)
def test_days_that_are_to_be_chosen(said: str, day: date | None) -> None:
    assert chosen(said) == day


def pressed(nodes: list[Node], day: date) -> tuple[str, bool] | None:
    found = nearer(nodes, day)
    return (found[0].name, found[1]) if found else None


@pytest.mark.parametrize("month", [("April 2026",), ("April", "2026")])
def test_a_calendar_is_turned_until_the_month_is_right(month: tuple[str, ...]) -> None:
    nodes = calendar(*month)
    assert pressed(nodes, date(2026, 6, 1)) == ("Next", False)
    assert pressed(nodes, date(2025, 12, 1)) == ("Prev", False)
    assert pressed(nodes, date(2026, 4, 15)) == ("15", True)


def test_days_of_the_months_around_it_are_not_taken_for_those_of_this_one() -> None:
    nodes = calendar("April 2026")
    days = [one for one in nodes if one.name in ("1", "30")]
    first, last = nearer(nodes, date(2026, 4, 1)), nearer(nodes, date(2026, 4, 30))
    assert first is not None and last is not None
    assert [first[0] is one for one in days] == [False, True, False, False]
    assert [last[0] is one for one in days] == [False, False, True, False]


def test_the_field_opens_it_and_what_leads_nowhere_is_nothing() -> None:
    day = date(2026, 4, 1)
    assert pressed([node("textbox", "From"), node("textbox", "Travel date", 0, 40)], day) == ("Travel date", False)
    assert pressed([node("textbox", "")], day) == ("", False)
    assert pressed([node("textbox", "From"), node("textbox", "To", 0, 40)], day) is None
    assert pressed([node("text", "March 2026"), node("button", "Next", enabled=False)], day) is None
