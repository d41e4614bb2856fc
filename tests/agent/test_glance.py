"""Several acts by one picture, where nothing else moved and nothing lasts; and acts that may do only so much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world import Fake, Played, booked, button, click, pay, play, text_field, typed

from actuators.action import Action, TypeText
from actuators.observation import Node, Observation
from agent.parts import Parts
from agent.turn import moved
from model.base import Act, Finish, Move

NAME, CITY, PAY = text_field("Name", 0), text_field("City", 1), pay(row=2)
BOOKED = button("Booked")


def filled(world: Fake, action: Action) -> None:
    """A field takes the focus by a click and a text by typing; paying leads to another screen."""
    if isinstance(action, TypeText):
        world.nodes = [replace(one, value=action.text) if one.focused else one for one in world.nodes]
        world.colour += 1
        return
    hit = next(one for one in world.nodes if one.rect.contains(action.at))  # type: ignore[union-attr]
    if hit.submits:
        world.show(BOOKED)
    else:
        world.nodes = [replace(one, focused=one.id == hit.id) for one in world.nodes]


def glancing(counted: list[int]) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        world: Any = parts.actuator

        def glance(before: Observation) -> Observation:
            counted.append(len(world.acts))
            return replace(before, nodes=tuple(world.nodes), pictured=False)

        parts.glance = glance

    return change


def told(tmp_path: Path, moves: list[Move], nodes: list[Node], then: Any = filled) -> tuple[Played, list[int]]:
    counted: list[int] = []
    found = play(tmp_path, moves, nodes, then=then, change=glancing(counted), holds=booked)
    return found, counted


FORM = [
    Act(click(NAME), still=True), Act(typed("Ada"), still=True), Act(click(CITY), still=True), Act(typed("Rome")),
    Act(click(PAY)), Finish(),
]  # fmt: skip


def test_a_form_is_filled_by_one_picture_and_paid_by_a_new_one(tmp_path: Path) -> None:
    found, glances = told(tmp_path, list(FORM), [NAME, CITY, PAY])
    assert found.ending.outcome == "verified", found.ending
    assert [one.kind for one in found.surface.acts] == ["click", "type_text", "click", "type_text", "click"]
    assert len(glances) == 3 and found.surface.looks == 3, "at the start, before paying, after it"
    assert found.verdict.ok and found.verdict.permits == 5, "every act had a permit of its own"


def test_what_lasts_is_never_done_by_an_earlier_picture(tmp_path: Path) -> None:
    hasty: list[Move] = [Act(click(NAME), still=True), Act(typed("Ada"), still=True), Act(click(PAY)), Act(click(PAY))]
    found, _ = told(tmp_path, [*hasty, Finish()], [NAME, CITY, PAY])
    assert found.ending.outcome == "verified", found.ending
    paying = [one for one in found.watch.steps if one.instruction == "" and one.receipt and one.target]
    last = next(one for one in paying if one.target and one.target.node and one.target.node.submits)
    assert last.seen.pictured, "it was looked at whole first, and proposed again on that"


def test_where_something_else_moves_the_screen_is_watched_and_pictured(tmp_path: Path) -> None:
    def grows(world: Fake, action: Action) -> None:
        filled(world, action)
        if isinstance(action, TypeText) and action.text == "Ada":
            world.nodes.append(button("Suggestion", 3))

    found, glances = told(tmp_path, list(FORM), [NAME, CITY, PAY], grows)
    assert found.ending.outcome == "verified" and len(glances) == 3 and found.surface.looks == 4
    assert found.watch.stages.count("settling") == 5


def test_without_the_word_of_the_flow_every_act_is_followed_by_a_picture(tmp_path: Path) -> None:
    moves: list[Move] = [replace(one, still=False) if isinstance(one, Act) else one for one in FORM]
    found, glances = told(tmp_path, moves, [NAME, CITY, PAY])
    assert found.ending.outcome == "verified" and not glances and found.surface.looks == 6


@pytest.mark.parametrize(("most", "ends"), [("buy", "verified"), ("submit", "denied"), ("delete", "denied")])
def test_an_act_may_do_no_more_than_it_stands_in_for(tmp_path: Path, most: str, ends: str) -> None:
    found, _ = told(tmp_path, [Act(click(PAY), most=most), Finish()], [PAY])
    assert found.ending.outcome == ends, found.ending
    if ends == "denied":
        assert not found.surface.acts and f"was to {most}" in found.ending.because
        assert "gui.intent" not in [name for name, _ in found.events]


def test_only_the_node_that_was_touched_may_differ() -> None:
    assert not moved([NAME, CITY], [replace(NAME, value="Ada", focused=True), CITY], NAME.id)
    assert moved([NAME, CITY], [NAME, replace(CITY, value="Rome")], NAME.id)
    assert moved([NAME, CITY], [NAME], NAME.id) and moved([NAME], [NAME, CITY], NAME.id)
    assert not moved([NAME, CITY], [NAME, replace(CITY, focused=True)], NAME.id), "the focus is nobody's place"
