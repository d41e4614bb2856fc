"""A checkpoint speaks the protocol of its profile."""

from __future__ import annotations

from collections import Counter
from typing import Any

from test_local import SMALL, seen, with_profile

from actuators.action import Click, Drag, Hover, Zoom
from actuators.geometry import Point, Screen
from model.base import Act, Done, Instruction, Unreadable
from model.fuzz import WAYS, fuzz
from model.load import PILOT, checkpoint_folder
from model.pointer import Pointer

SCREEN = Screen(1280, 800)
AT, HERE = Point(640, 400), Point(5, 6)


def test_a_checkpoint_with_a_mobile_profile_says_mobile_moves(tiny: Any) -> None:
    profile = SMALL.model_copy(update={"protocol": "mobile_use"})
    model = with_profile(tiny, profile)
    kinds = Counter[str]()
    for number in range(12):
        reply = model.propose(Instruction("Set an alarm"), [], seen(number % 2, 90, 160), "both")
        assert not isinstance(reply.move, Unreadable) and '"name": "mobile_use"' in reply.text
        kinds[reply.move.action.kind if isinstance(reply.move, Act) else reply.move.kind] += 1
    assert len(kinds) > 1


def test_zooming_shows_the_crop_and_then_acts(tiny: Any) -> None:
    model = with_profile(tiny, SMALL.model_copy(update={"zooms": 2, "action_line": False}))
    looked = 0
    for number in range(12):
        reply = model.propose(Instruction("Look"), [], seen(number), "pixels")
        assert not (isinstance(reply.move, Act) and isinstance(reply.move.action, Zoom))
        assert reply.shown[0] == seen(number).digest and len(reply.shown) <= 3
        for crop in reply.shown[1:]:
            looked += 1
            digest, _, box = crop.partition("#")
            left, top, right, bottom = (int(n) for n in box.split(","))
            assert digest == seen(number).digest
            assert 0 <= left < right <= 200 and 0 <= top < bottom <= 120 and right - left >= 32 <= bottom - top
    assert looked


def test_the_pointer_is_where_the_last_act_that_was_done_left_it() -> None:
    pointer, done, failed = Pointer(), Done("a"), Done("a", note="refused")
    assert pointer.now([], SCREEN) is None
    pointer.hope(Act(Click(at=HERE)), 0, SCREEN)
    assert pointer.now([failed], SCREEN) is None
    pointer.hope(Act(Hover(at=AT)), 1, SCREEN)
    assert pointer.now([failed, done], SCREEN) == AT
    assert pointer.now([failed, done], Screen(10, 10)) is None
    pointer.hope(Act(Drag(start=AT, end=HERE)), 2, SCREEN)
    assert pointer.now([failed, done], SCREEN) == AT
    assert pointer.now([failed, done, done], SCREEN) == HERE
    assert pointer.now([], SCREEN) is None


def test_hot_replies_of_random_weights_are_all_moves_on_the_grid() -> None:
    said = fuzz(checkpoint_folder(PILOT), 24)
    assert said["replies"] == 24 and said["calls"] >= 24 and len(WAYS) == 4
    assert (said["unreadable"], said["out_of_range"], said["off_screen"], said["first_bad"]) == (0, 0, 0, None)


def test_the_fuzz_finds_a_number_off_the_grid() -> None:
    from model.fuzz import _numbers

    call = '<tool_call>\n{"name": "x", "arguments": {"action": "left_click", "coordinate": [%s, 5]}}\n</tool_call>'
    assert list(_numbers(call % "1001")) == [1001.0, 5.0]
    assert list(_numbers(call % "-3")) == [-1.0, 5.0]
    assert list(_numbers('Action: "coordinate": [9999]\n' + call % "3")) == [3.0, 5.0]
