"""The behaviour that is taught, as a table: nodes, history, instruction, and the one right call."""

from __future__ import annotations

from typing import Any

import pytest

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.training.oracle import Ask, Past, decide
from model.training.pages import Page

SUCCESS = {"action": "terminate", "status": "success"}
FAILURE = {"action": "terminate", "status": "failure"}
DOWN = {"action": "scroll", "coordinate": [500, 500], "pixels": -500}
ENTER = {"action": "key", "keys": ["enter"]}


def page(*specs: tuple[str, str, dict[str, Any]], more: tuple[Any, ...] = ()) -> Page:
    """Nodes one below the other: the centre of node n is at grid point (50, 10 + 100 * n)."""
    nodes = [
        Node(id=str(n), role=role, name=name, rect=Rect(0, 100 * n, 100, 100 * n + 20), **state)
        for n, (role, name, state) in enumerate(specs)
    ]
    return Page(tuple(nodes), Screen(1000, 1000), more)


def click(index: int, action: str = "left_click") -> dict[str, Any]:
    return {"action": action, "coordinate": [50, 10 + 100 * index]}


def clicked(role: str = "button", name: str = "x") -> Past:
    return Past("left_click", Node(id="", role=role, name=name, rect=Rect(0, 0, 0, 0)))


FORM = page(
    ("text", "From", {}),
    ("textbox", "From", {"value": "Bern"}),
    ("textbox", "To", {}),
    ("textbox", "Name", {"focused": True}),
    ("combobox", "Cabin", {"value": "Business"}),
    ("checkbox", "Direct only", {"checked": False}),
    ("button", "Search flights", {}),
    ("button", "Pay 89.00 EUR", {"enabled": False}),
)
LIST = page(
    ("text", "LX 12", {}), ("button", "Select", {}), ("text", "LX 34", {}), ("button", "Select", {}), more=("below",)
)
SEATS = page(
    ("button", "Seat 1A, taken", {"enabled": False}),
    ("button", "Seat 1B", {"enabled": False}),
    ("button", "Seat 2A", {}),
    ("button", "Seat 2B", {}),
)
CARDS = page(
    ("text", "Alpine AL 12", {}),
    ("button", "Select AL 12", {}),
    ("text", "Boreal BO 34", {}),
    ("button", "Select BO 34", {}),
)
OPENED = page(
    ("combobox", "Cabin", {"value": "Business", "expanded": True}),
    ("option", "Premium Economy", {}),
    ("option", "Economy", {}),
)
TYPED = Past("type", None, "Genf")

ROWS: list[tuple[str, Ask, Page, list[Past], dict[str, Any]]] = [
    ("press", Ask("press", "Search flights"), FORM, [], click(6)),
    ("press in lower case and by its beginning", Ask("press", "search", "button"), FORM, [], click(6)),
    ("press, done", Ask("press", "Search flights"), FORM, [clicked()], SUCCESS),
    ("press, refused once", Ask("press", "Search flights"), FORM, [Past("left_click", None, "", "refused")], click(6)),
    ("press, refused twice", Ask("press", "Search flights"), FORM, [Past("left_click", None, "", "refused")] * 2, FAILURE),
    ("press, after saying that it cannot be done", Ask("press", "Search flights"), FORM, [Past("terminate", note="blocked: look again")], click(6)),
    ("press disabled", Ask("press", "Pay"), FORM, [], FAILURE),
    ("press absent", Ask("press", "Delete"), FORM, [], FAILURE),
    ("press absent, more below", Ask("press", "Delete"), LIST, [], DOWN),
    ("press absent, six scrolls", Ask("press", "Delete"), LIST, [Past("scroll down")] * 6, FAILURE),
    ("open a field", Ask("press", "From", "field"), FORM, [], click(1)),
    ("second of two", Ask("press", "Select", "button", ordinal=2), LIST, [], click(3)),
    ("last of two", Ask("press", "Select", "button", ordinal=-1), LIST, [], click(3)),
    ("first by beginning", Ask("press", "Select", "button", ordinal=1), CARDS, [], click(1)),
    ("in a row", Ask("press", "Select", "button", anchor="LX 34"), LIST, [], click(3)),
    ("in a card whose button says so", Ask("press", "Select", "button", anchor="BO 34"), CARDS, [], click(3)),
    ("first free", Ask("press", "seat", "button", free=True), SEATS, [], click(2)),
    ("if shown, absent", Ask("maybe", "Accept all"), LIST, [], SUCCESS),
    ("if shown, there", Ask("maybe", "Select"), LIST, [], click(1)),
    ("until, not yet", Ask("until", "Select", "button", "LX 99"), LIST, [clicked()] * 9, click(1)),
    ("until, shown", Ask("until", "Select", "button", "LX 34"), LIST, [clicked()], SUCCESS),
    ("type over", Ask("type", "From", "field", "Genf"), FORM, [], click(1, "triple_click")),
    ("type after the triple click", Ask("type", "From", "field", "Genf"), FORM, [Past("triple_click")], {"action": "type", "text": "Genf"}),
    ("type, typed", Ask("type", "From", "field", "Genf"), FORM, [Past("triple_click"), TYPED], SUCCESS),
    ("type, already there", Ask("type", "From", "field", "Bern"), FORM, [], SUCCESS),
    ("type into an empty field", Ask("type", "To", "field", "Genf"), FORM, [], click(2)),
    ("type into the focused field", Ask("type", "Name", "field", "<secret:pin>"), FORM, [], {"action": "type", "text": "<secret:pin>"}),
    ("choose, chosen", Ask("choose", "Cabin", "list", "Business"), FORM, [], SUCCESS),
    ("choose", Ask("choose", "Cabin", "list", "Economy"), FORM, [], click(4)),
    ("choose by typing", Ask("choose", "Cabin", "list", "Economy"), FORM, [clicked("combobox")], {"action": "type", "text": "Economy"}),
    ("choose, typed", Ask("choose", "Cabin", "list", "Economy"), FORM, [clicked("combobox"), TYPED], ENTER),
    ("choose, entered", Ask("choose", "Cabin", "list", "Economy"), FORM, [clicked("combobox"), TYPED, Past("key", text="enter")], SUCCESS),
    ("choose from options", Ask("choose", "Cabin", "list", "Economy"), OPENED, [clicked("combobox")], click(2)),
    ("choose, picked", Ask("choose", "Cabin", "list", "Economy"), OPENED, [clicked("option")], SUCCESS),
    ("check", Ask("check", "Direct only", "check"), FORM, [], click(5)),
    ("uncheck what is not checked", Ask("check", "Direct only", "check", wanted=False), FORM, [], SUCCESS),
    ("key", Ask("key", keys=("enter",)), FORM, [], ENTER),
    ("key, done", Ask("key", keys=("enter",)), FORM, [Past("key", text="enter")], SUCCESS),
    ("wait", Ask("wait", value="LX 99"), LIST, [], {"action": "wait", "time": 1}),
    ("wait, shown", Ask("wait", value="LX 12"), LIST, [], SUCCESS),
    ("scroll", Ask("scroll"), FORM, [], DOWN),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "shown", "past", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_right_call(ask: Ask, shown: Page, past: list[Past], expected: dict[str, Any]) -> None:
    assert decide(ask, shown, past).arguments == expected
