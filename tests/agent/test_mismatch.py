"""Words against words: what is a contradiction and what is not."""

from __future__ import annotations

import pytest

from actuators.action import Click, Drag, TypeText
from actuators.geometry import Point, Rect
from actuators.observation import Node, Target
from agent.mismatch import contradiction


def thing(role: str, name: str) -> Node:
    return Node(name, role, name, Rect(0, 0, 10, 10))


SCREEN = [
    thing("button", "Skip seat selection"),
    thing("button", "Seat 1D, extra legroom, 25.00 EUR"),
    thing("textbox", "First name"),
    thing("textbox", "Last name"),
    thing("button", "Pay 89.00 EUR"),
    thing("button", "Continue"),
    thing("text", "Payment"),
]


@pytest.mark.parametrize(
    ("step", "name", "wrong"),
    [
        ("press Skip seat selection", "Skip seat selection", False),
        ("press Skip seat selection", "Seat 1D, extra legroom, 25.00 EUR", True),
        ("type Ada into the First name field", "First name", False),
        ("type Ada into the First name field", "Last name", True),
        ("press the Pay button", "Pay 89.00 EUR", False),
        ("press the Pay button", "Continue", True),
        ("PRESS “CONTINUE”", "Continue", False),
        ("drücke Weiter", "Continue", True),
        ("", "Continue", False),
    ],
)
def test_a_target_is_held_against_the_instruction(step: str, name: str, wrong: bool) -> None:
    node = next(node for node in SCREEN if node.name == name)
    target = Target("fake", node, Point(1, 1))
    for action in (Click(at=Point(1, 1)), TypeText(text="Ada")):
        assert bool(contradiction(action, target, step, "", SCREEN)) is wrong


def test_without_a_plan_only_quoted_words_of_the_model_count() -> None:
    target = Target("fake", SCREEN[5], Point(1, 1))
    click = Click(at=Point(1, 1))
    assert not contradiction(click, target, "", "I press the blue button", SCREEN)
    assert contradiction(click, target, "", 'I press "Skip seat selection"', SCREEN)


@pytest.mark.parametrize(
    ("step", "start", "drop", "end"),
    [
        ("drag the Meeting onto Monday", "Meeting", "Monday", ""),
        ("drag the Meeting onto Monday", "Meeting", "Trash", "let go"),
        ("drag the Meeting onto Monday", "Holiday", "Monday", "began"),
        ("", "Meeting", "Trash", ""),
    ],
)
def test_both_ends_of_a_drag_are_held_against_the_instruction(step: str, start: str, drop: str, end: str) -> None:
    target = Target("fake", thing("listitem", start), Point(1, 1), drop=thing("listitem", drop))
    said = contradiction(Drag(start=Point(1, 1), end=Point(90, 9)), target, step, "")
    assert said.startswith(f"the drag {end}") if end else said == ""
