from __future__ import annotations

from typing import Any

import pytest
from model_contract import ModelContract

from actuators.action import Click, Drag, Wait
from actuators.geometry import Point, Screen
from actuators.observation import Frame, Observation
from model.base import Act, Ask, Done, Finish, Instruction, Model, ModelError, Reply
from model.scripted import Asked, ScriptedModel

SEEN = Observation(0, 0.0, "fake", Screen(100, 50), Frame(b"png"))
ASKED = Instruction("Do it")


def test_moves_come_in_order_and_calls_are_remembered() -> None:
    moves = [Act(Click(at=Point(99, 49))), Ask("Which one?"), Finish("done")]
    model: Model = (scripted := ScriptedModel(moves))
    history = [Done("left_click")]
    assert [model.propose(ASKED, history, SEEN, "pixels").move for _ in moves] == moves
    assert scripted.calls == [Asked(ASKED, tuple(history), SEEN, "pixels")] * 3
    with pytest.raises(ModelError, match="over after 3 moves"):
        model.propose(ASKED, [], SEEN, "pixels")


def test_a_function_sees_what_was_asked() -> None:
    model = ScriptedModel(lambda call: Reply(Finish(call.asked.goal), text="said", confidence=0.5))
    reply = model.propose(ASKED, [], SEEN, "both")
    assert (reply.move, reply.text, reply.confidence) == (Finish("Do it"), "said", 0.5)


@pytest.mark.parametrize(
    "action", [Click(at=Point(100, 0)), Drag(start=Point(0, 0), end=Point(0, 50)), Click(at=Point(-1, 0))]
)
def test_a_script_that_points_outside_is_a_mistake_unless_wanted(action: Any) -> None:
    with pytest.raises(ValueError, match="outside the screen of 100x50"):
        ScriptedModel([Act(action)]).propose(ASKED, [], SEEN, "both")
    assert ScriptedModel([Act(action)], strict=False).propose(ASKED, [], SEEN, "both").move == Act(action)


@pytest.mark.parametrize(
    ("asked", "history", "perception", "problem"),
    [
        (Instruction(" "), [], "both", "needs a goal"),
        (Instruction("a", since=1), [], "both", "since 1 lies outside"),
        (ASKED, [], "smell", "perception `smell`"),
        (ASKED, ["click"], "both", "Done values"),
    ],
)
def test_calls_that_make_no_sense_are_refused(asked: Any, history: Any, perception: Any, problem: str) -> None:
    model = ScriptedModel([Act(Wait())])
    with pytest.raises(ValueError, match=problem):
        model.propose(asked, history, SEEN, perception)
    assert model.calls == []


def test_a_script_of_something_else_is_refused() -> None:
    wrong: Any = [Click(at=Point(0, 0))]
    with pytest.raises(ValueError, match="move 1 is Click, expected a Move"):
        ScriptedModel(wrong).propose(ASKED, [], SEEN, "both")


def test_a_closed_model_says_so() -> None:
    model = ScriptedModel([Finish()])
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.propose(ASKED, [], SEEN, "both")


class TestContract(ModelContract):
    @pytest.fixture
    def model(self) -> Model:
        return ScriptedModel(lambda call: Act(Click(at=call.seen.screen.rect.centre)))
