"""What an instruction names on a screen."""

from __future__ import annotations

import pytest

from actuators.geometry import Rect
from actuators.observation import Node
from model.protocols.elements import named


def thing(number: int, role: str, name: str, enabled: bool = True) -> Node:
    return Node(str(number), role, name, Rect(0, 0, 10, 10), enabled=enabled)


SCREEN = [
    thing(0, "link", "Search"),
    thing(1, "button", "Search flights"),
    thing(2, "textbox", "To"),
    thing(3, "button", "Continue"),
    thing(4, "button", "Continue to payment"),
    thing(5, "button", "Select", enabled=False),
    thing(6, "button", "Select"),
    thing(7, "button", "Select"),
    thing(8, "button", "Pay 89.00 EUR"),
    thing(9, "text", "Pay"),
    thing(10, "option", "Ms"),
    thing(11, "combobox", "Title"),
    thing(12, "option", "Choose"),
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("press Search flights", [1]),
        ("PRESS “SEARCH”", [0]),
        ("type Zürich into the To field", [2]),
        ("press Continue to payment", [4]),
        ("press Continue", [3]),
        ("press the first Select button", [6]),
        ("press the last Select button", [7]),
        ("press a Select button", [5, 6, 7]),
        ("press the Pay button", [8]),
        ("choose Ms in the Title list", [10, 11]),
        ("press Bezahlen", []),
        ("", []),
    ],
)
def test_named(asked: str, found: list[int]) -> None:
    assert [int(node.id) for node in named(SCREEN, asked)] == found


def test_what_a_secret_is_called_names_nothing() -> None:
    fields = [thing(0, "textbox", "Password:"), thing(1, "textbox", "Password confirmation:")]
    assert named(fields, "type <secret:password> into the Password confirmation field") == fields[1:]
