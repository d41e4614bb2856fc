from __future__ import annotations

from actuators.action import Drag, TypeText
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Frame, Node, Observation
from model.base import Act, Blocked, Done, Finish, Instruction
from model.planned import PlanReader


def seen(*nodes: Node) -> Observation:
    return Observation(1, 0.0, "fake", Screen(200, 100), Frame(b""), nodes)


EDITOR = Node(id="e", role="textbox", name="", rect=Rect(0, 0, 100, 50), focused=True, editable=True)
ASKED = Instruction("write", "type High water at noon")


def test_text_without_a_field_goes_where_the_cursor_is() -> None:
    reader = PlanReader()
    move = reader.propose(ASKED, [], seen(EDITOR), "both").move
    assert move == Act(TypeText(text="High water at noon"))
    done = [Done('type "High water at noon" into textbox ""')]
    assert isinstance(reader.propose(ASKED, done, seen(EDITOR), "both").move, Finish)


def test_text_without_a_field_and_without_a_cursor_is_not_typed() -> None:
    still = Node(id="e", role="textbox", name="", rect=Rect(0, 0, 100, 50), editable=True)
    assert isinstance(PlanReader().propose(ASKED, [], seen(still), "both").move, Blocked)


def test_a_drag_goes_from_pixel_to_pixel_once_and_never_beyond_the_screen() -> None:
    asked = Instruction("draw", "drag from 10,20 to 150,90")
    assert PlanReader().propose(asked, [], seen(), "both").move == Act(Drag(start=Point(10, 20), end=Point(150, 90)))
    done = [Done("drag (10, 20) to (150, 90)")]
    assert isinstance(PlanReader().propose(asked, done, seen(), "both").move, Finish)
    beyond = Instruction("draw", "drag from 10,20 to 200,90")
    assert PlanReader().propose(beyond, [], seen(), "both").move == Blocked("the screen has 200x100 pixels")
