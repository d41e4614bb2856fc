"""Every action of both protocols, the grids, looking closer, several calls, answers as data, grounding."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_local import seen

from actuators.action import (
    Click,
    Drag,
    Hover,
    LaunchApp,
    LongPress,
    PressKeys,
    Scroll,
    Swipe,
    SystemButton,
    TypeText,
    Wait,
    Zoom,
)
from actuators.geometry import Point, Rect, Screen
from model.base import Act, Blocked, Done, Finish, Instruction, ModelError, Move, Reply, Unreadable
from model.profile import GridSize, Profile, read_profile
from model.protocols import calls, computer_use, grounding, mobile_use, zoom
from model.protocols.computer_use import ComputerUse
from model.protocols.grid import Grid
from model.protocols.mobile_use import MobileUse
from model.protocols.speech import speech
from model.protocols.spoken import Narrowing, number_up_to
from model.qwen3vl.constrained import Grammar, TokenTable
from model.several import OneAtATime

SCREEN = Screen(1280, 800)
AT = Point(640, 400)
HERE = Point(5, 6)

COMPUTER: tuple[tuple[dict[str, Any], Move], ...] = (
    ({"action": "key", "keys": ["Ctrl", "Return", "PgDn"]}, Act(PressKeys(keys=("ctrl", "enter", "page_down")))),
    ({"action": "type", "text": 'a\n"ü"'}, Act(TypeText(text='a\n"ü"'))),
    ({"action": "mouse_move", "coordinate": [500, 500]}, Act(Hover(at=AT))),
    ({"action": "left_click", "coordinate": [500, 500]}, Act(Click(at=AT))),
    ({"action": "left_click"}, Act(Click(at=HERE))),
    ({"action": "left_click", "coordinate": [1000, 1000]}, Act(Click(at=Point(1279, 799)))),
    ({"action": "left_click", "coordinate": [500.0, 500.0]}, Act(Click(at=AT))),
    ({"action": "left_click_drag", "coordinate": [500, 500]}, Act(Drag(start=HERE, end=AT))),
    (
        {"action": "left_click_drag", "start": [0, 0], "coordinate": [500, 500]},
        Act(Drag(start=Point(0, 0), end=AT)),
    ),
    ({"action": "right_click", "coordinate": [500, 500]}, Act(Click(at=AT, button="right"))),
    ({"action": "middle_click", "coordinate": [500, 500]}, Act(Click(at=AT, button="middle"))),
    ({"action": "double_click", "coordinate": [500, 500]}, Act(Click(at=AT, count=2))),
    ({"action": "triple_click", "coordinate": [500, 500]}, Act(Click(at=AT, count=3))),
    ({"action": "scroll", "coordinate": [500, 500], "pixels": -300}, Act(Scroll(at=AT, dy=300))),
    ({"action": "scroll", "pixels": 300}, Act(Scroll(at=HERE, dy=-300))),
    ({"action": "hscroll", "coordinate": [500, 500], "pixels": 120}, Act(Scroll(at=AT, dx=120))),
    ({"action": "wait", "time": 7.5}, Act(Wait(seconds=7.5))),
    ({"action": "wait", "time": 600}, Act(Wait(seconds=60))),
    ({"action": "terminate", "status": "success"}, Finish()),
    ({"action": "terminate", "status": "failure"}, Blocked()),
    ({"action": "terminate", "status": "failure", "text": "no such flight"}, Blocked("no such flight")),
    ({"action": "answer", "text": "42"}, Finish("42")),
    ({"action": "answer", "text": {"total": 3}}, Finish('{"total": 3}')),
)

PHONE = Screen(1080, 2400)
MOBILE: tuple[tuple[dict[str, Any], Move], ...] = (
    ({"action": "key", "text": "KEYCODE_VOLUME_UP"}, Act(PressKeys(keys=("volume_up",)))),
    ({"action": "click", "coordinate": [0, 999]}, Act(Click(at=Point(0, 2399)))),
    ({"action": "long_press", "coordinate": [500, 500], "time": 2}, Act(LongPress(at=Point(540, 1201), seconds=2))),
    ({"action": "long_press", "coordinate": [500, 500]}, Act(LongPress(at=Point(540, 1201), seconds=1))),
    (
        {"action": "swipe", "coordinate": [500, 800], "coordinate2": [500, 200]},
        Act(Swipe(start=Point(540, 1921), end=Point(540, 480))),
    ),
    ({"action": "type", "text": "grüezi"}, Act(TypeText(text="grüezi"))),
    ({"action": "answer", "text": "Monday"}, Finish("Monday")),
    *(
        ({"action": "system_button", "button": name}, Act(SystemButton(button=name.lower())))  # type: ignore[arg-type]
        for name in ("Back", "Home", "Menu", "Enter")
    ),
    ({"action": "open", "text": "Clock"}, Act(LaunchApp(name="Clock"))),
    ({"action": "wait", "time": 3}, Act(Wait(seconds=3))),
    ({"action": "terminate", "status": "success"}, Finish()),
    ({"action": "terminate", "status": "failure"}, Blocked()),
)


@pytest.mark.parametrize(("call", "move"), COMPUTER, ids=lambda value: str(value)[:60])
def test_computer_use_call_by_call(call: dict[str, Any], move: Move) -> None:
    assert computer_use.parse(computer_use.render_call(call), SCREEN, HERE) == move


@pytest.mark.parametrize(("call", "move"), MOBILE, ids=lambda value: str(value)[:60])
def test_mobile_use_call_by_call(call: dict[str, Any], move: Move) -> None:
    assert MobileUse().moves(mobile_use.render_call(call), PHONE) == (move,)


def test_the_tables_leave_no_action_out() -> None:
    assert {call["action"] for call, _ in COMPUTER} == set(computer_use.ACTIONS)
    assert len(computer_use.ACTIONS) == 14
    assert {call["action"] for call, _ in MOBILE} == set(mobile_use.ACTIONS)


@pytest.mark.parametrize(
    "call",
    [
        {"action": "left_click"},
        {"action": "left_click_drag", "coordinate": [5, 5]},
        {"action": "left_click", "coordinate": [1001, 5]},
        {"action": "left_click", "coordinate": [5]},
        {"action": "left_click", "coordinate": [True, 5]},
        {"action": "key", "keys": []},
        {"action": "swipe", "coordinate": [5, 5]},
        {"action": "click", "coordinate": [5, 5]},
        {"action": "type"},
        {},
    ],
)
def test_what_leaves_out_what_it_needs_is_unreadable(call: dict[str, Any]) -> None:
    move = computer_use.parse(computer_use.render_call(call), SCREEN)
    assert isinstance(move, Unreadable) and move.problem


@pytest.mark.parametrize(
    "call",
    [
        {"action": "click", "coordinate": [1000, 5]},
        {"action": "key", "text": "input text rm"},
        {"action": "system_button", "button": "Power"},
        {"action": "left_click", "coordinate": [1, 5]},
    ],
)
def test_what_a_phone_does_not_know_is_unreadable(call: dict[str, Any]) -> None:
    assert isinstance(MobileUse().moves(mobile_use.render_call(call), PHONE)[0], Unreadable)


def test_a_failure_is_explained_by_its_text_or_its_action_line() -> None:
    failed = computer_use.render_call({"action": "terminate", "status": "failure"})
    words = "Save is disabled until the terms are accepted."
    assert computer_use.parse(f"Action: {words}\n{failed}", SCREEN) == Blocked(words)
    lines = f'Thought: The button is grey.\nAction: "{words}"\n'
    assert MobileUse().moves(lines + failed.replace("computer_use", "mobile_use"), PHONE) == (Blocked(words),)


def test_a_call_without_tags_counts_only_where_nothing_else_was_said() -> None:
    bare = json.dumps({"name": "computer_use", "arguments": {"action": "wait", "time": 2}})
    wanted = Act(Wait(seconds=2))
    for reply in (bare, f"```json\n{bare}\n```", f"<think>\nhm\n</think>\n\n{bare}"):
        assert computer_use.parse(reply, SCREEN) == wanted
    assert computer_use.parse(f"Action: Wait.\n{bare}", SCREEN) == wanted
    assert isinstance(computer_use.parse(f"I could say {bare}", SCREEN), Unreadable)
    assert isinstance(computer_use.parse(f"<think>\n{bare}", SCREEN), Unreadable)


def test_several_calls_are_read_in_order_up_to_the_first_that_is_none() -> None:
    say = computer_use.render_call
    click, words = (
        say({"action": "left_click", "coordinate": [500, 500]}),
        say({"action": "type", "text": "</tool_call>"}),
    )
    drag, end = (
        say({"action": "left_click_drag", "coordinate": [0, 0]}),
        say({"action": "terminate", "status": "success"}),
    )
    moves = ComputerUse().moves(f"Action: Fill in.\n{click}\n{words}\n{drag}\n{end}\n{click}", SCREEN)
    assert moves == (
        Act(Click(at=AT), "Fill in."),
        Act(TypeText(text="</tool_call>")),
        Act(Drag(start=AT, end=Point(0, 0))),
        Finish(),
    )
    assert ComputerUse().moves(f"{click}\n<tool_call>\n{{broken", SCREEN) == (Act(Click(at=AT)),)


# -- grids ---------------------------------------------------------------------------------------------------------


@given(most=st.integers(1, 3000))
def test_numbers_up_to_any_bound(most: int) -> None:
    pattern = re.compile(number_up_to(most))
    for value in {0, 1, most // 2, most - 1, most} - {-1}:
        assert pattern.fullmatch(str(value))
    for wrong in (str(most + 1), str(most * 10 + 10), "00", "01", "", "-1"):
        assert not pattern.fullmatch(wrong)


@given(width=st.integers(1, 499), height=st.integers(1, 499), data=st.data())
def test_a_grid_of_999_finds_every_pixel_of_a_small_screen(width: int, height: int, data: st.DataObject) -> None:
    grid, screen = Grid(999, 999), Screen(width, height)
    point = Point(data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1)))
    assert grid.pixel(grid.place(point, screen), screen) == point


@given(x=st.integers(0, 1000), y=st.integers(0, 1000))
def test_the_osworld_agents_division_by_999_is_its_truncation(x: int, y: int) -> None:
    found = Grid(1000, 999).pixel((x, y), Screen(1920, 1080))
    assert found == Point(min(int(x * 1920 / 999), 1919), min(int(y * 1080 / 999), 1079))


def test_boxes_hold_their_corners() -> None:
    assert Grid().box([0, 0, 1000, 1000], SCREEN) == Rect(0, 0, 1280, 800)
    assert Grid().box([500, 500, 500, 500], SCREEN) == Rect(640, 400, 641, 401)
    with pytest.raises(ValueError):
        Grid().box([500, 500, 100, 600], SCREEN)


# -- grammars ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> TokenTable:
    from tiny_qwen import make_tokenizer

    tokenizer = make_tokenizer(tmp_path_factory.mktemp("rules"), scaffold=False, merges=True)
    return TokenTable(tokenizer, len(tokenizer) + 7)


def blind(table: TokenTable, lark: str, n: int, words: int = 40) -> list[str]:
    """Replies in which every choice is by lot."""
    grammar, dice, replies = Grammar(table, lark), np.random.default_rng(3), []
    for _ in range(n):
        steering = grammar.steering(words)
        said = steering.forced()
        while not steering.done:
            steering.take(token := int(dice.choice(steering.allowed())))
            said += [token, *steering.forced()]
        replies.append(table.text(said))
    return replies


@pytest.mark.parametrize(
    "spoken",
    [
        MobileUse(),
        MobileUse(action_line=False, grid=Grid(1000, 1000), zoom=True, calls=3),
        ComputerUse(grid=Grid(999, 999), zoom=True, calls=4),
        ComputerUse(calls=2, action_line=False),
    ],
    ids=["mobile", "mobile-zoom-calls", "computer-999-zoom-calls", "computer-calls"],
)
def test_blind_replies_of_every_protocol_are_moves(table: TokenTable, spoken: Any) -> None:
    zoom_of = 2 if spoken.zoom else None
    kinds, most = Counter[str](), 0
    for reply in blind(table, spoken.grammar(Narrowing(zoom_of=zoom_of)), 200):
        moves = spoken.moves(reply, PHONE, None, 3)
        assert not any(isinstance(move, Unreadable) for move in moves), reply
        assert len(moves) == len(re.findall(r"^</tool_call>$", reply, re.MULTILINE)) <= spoken.calls
        most = max(most, len(moves))
        kinds.update(move.action.kind if isinstance(move, Act) else move.kind for move in moves)
    assert most == spoken.calls or spoken.calls > 2 <= most
    assert kinds["finish"] and kinds["blocked"] and kinds["click"]
    assert bool(kinds["zoom"]) == spoken.zoom


def test_a_fine_tunes_own_schema_names_the_tool_and_limits_the_actions(table: TokenTable) -> None:
    own = json.loads(json.dumps(computer_use.TOOL))
    own["function"].update(name="desk", description="Theirs.")
    own["function"]["parameters"]["properties"]["action"]["enum"] = ["left_click", "wait", "answer"]
    spoken = speech(Profile(tool=own, action_line=False))
    system = spoken.prompt(Instruction("x"), [], seen(), "pixels", 0).messages[0]["content"][0]["text"]
    assert "Theirs." in system and '{"name": "desk", "arguments": {...}}' in system
    replies = blind(table, spoken.grammar(Narrowing()), 60)
    assert {calls.read(reply).calls[0].name for reply in replies} == {"desk"}
    assert {calls.read(reply).calls[0].arguments["action"] for reply in replies} == {"left_click", "wait", "answer"}
    assert not any(isinstance(spoken.moves(reply, SCREEN, None, 1)[0], Unreadable) for reply in replies)


SCHEMA = {
    "type": "object",
    "properties": {"seats": {"type": "integer", "minimum": 1, "maximum": 9}, "kind": {"enum": ["window", "aisle"]}},
    "required": ["seats", "kind"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("spoken", [ComputerUse(action_line=False), MobileUse(action_line=False)])
def test_an_answer_keeps_to_the_tasks_schema(table: TokenTable, spoken: Any) -> None:
    import jsonschema

    answers = [
        move.answer
        for reply in blind(table, spoken.grammar(Narrowing(answer=SCHEMA, unfinished=True)), 150)
        for move in spoken.moves(reply, SCREEN, None, 1)
        if isinstance(move, Finish)
    ]
    assert answers
    for answer in answers:
        jsonschema.validate(json.loads(answer), SCHEMA)
    shown = spoken.prompt(Instruction("x", answer=SCHEMA), [], seen(), "pixels", 0).messages[1]["content"]
    assert any('"seats"' in part.get("text", "") for part in shown)


# -- profiles ------------------------------------------------------------------------------------------------------


def test_the_profile_chooses_the_protocol(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(
        "protocol: mobile_use\ngrid: {most: 1000, divisor: 999}\nzooms: 1\ncalls: 2\n"
    )
    profile = read_profile(tmp_path)
    spoken = speech(profile)
    assert isinstance(spoken, MobileUse) and spoken.grid == Grid(1000, 999) and spoken.calls == 2 and profile.turns == 0
    assert speech(Profile(protocol="mobile_use")).grid == Grid(999, 999)
    assert speech(Profile(grid=GridSize(most=999))).grid == Grid(999, 1000)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("protocol: mobile_use\nturns: 2", "turns must be 0"),
        ("grid: {mosst: 2}", "did you mean `most`"),
        ("tool: {function: {name: x}}", "an `action` parameter that has an enum"),
        (
            "tool: {function: {name: x, parameters: {properties: {action: {enum: [fly]}}}}}",
            "`fly` in its enum, computer_use knows key, type",
        ),
        ("tool: {function: {name: 'a b', parameters: {properties: {action: {enum: [key]}}}}}", "`a b` is no name"),
    ],
)
def test_mistakes_of_a_profile_are_one_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(ModelError) as caught:
        read_profile(tmp_path)
    assert problem in str(caught.value) and "\n" not in str(caught.value)


def test_mobile_history_is_told_in_words_before_the_one_picture() -> None:
    history = [Done('click button "Alarm"', seen=seen(1)), Done("swipe up", note="it did not work")]
    prompt = MobileUse().prompt(Instruction("Set an alarm", hint="look again"), history, seen(), "both")
    content = prompt.messages[1]["content"]
    assert [part["type"] for part in content] == ["text", "image"] and len(prompt.images) == 1
    assert 'Step 1: click button "Alarm"; Step 2: swipe up (it did not work);' in content[0]["text"]
    assert "999x999" in prompt.messages[0]["content"][0]["text"]


# -- looking closer, several calls, the pointer ----------------------------------------------------------------------


def test_a_zoom_call_of_a_server_is_a_zoom_action() -> None:
    call = calls.render(zoom.NAME, {"bbox_2d": [600, 500, 500, 600], "label": "x", "img_idx": 0})
    assert ComputerUse().moves(call, SCREEN) == (Act(Zoom(region=Rect(640, 400, 769, 481))),)
    other = calls.render(zoom.NAME, {"bbox_2d": [500, 500, 600, 600], "label": "x", "img_idx": 1})
    assert isinstance(ComputerUse().moves(other, SCREEN)[0], Unreadable)
    assert zoom.enlarged(Rect(0, 0, 1, 1), SCREEN) == Rect(0, 0, 32, 32)
    assert zoom.enlarged(Rect(1279, 799, 1280, 800), SCREEN) == Rect(1248, 768, 1280, 800)
    assert zoom.enlarged(Rect(3, 3, 4, 4), Screen(20, 900)) == Rect(0, 0, 20, 32)


class Saying:
    """A model that says what it is told to."""

    name = "saying"

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.asked = list(replies), 0

    def propose(self, *_: Any) -> Reply:
        self.asked += 1
        return self.replies.pop(0)

    def close(self) -> None: ...


def test_the_calls_of_one_reply_come_one_at_a_time_while_they_fit() -> None:
    first, second, third = Act(Click(at=Point(20, 20))), Act(TypeText(text="x")), Act(Click(at=Point(30, 90)))
    fresh = Reply(Finish(), "later")

    def run(then: list[Any], asked: Instruction = Instruction("g", "s"), **changes: Any) -> tuple[list[Move], int]:
        inner = Saying(Reply(first, "all", then=(second, third)), fresh, fresh)
        model = OneAtATime(inner)
        moves = [model.propose(Instruction("g", "s"), [], seen(1), "both").move]
        history = []
        for note, screen in then:
            history.append(Done("did", note=note))
            moves.append(model.propose(asked, history, screen, "both").move)
        return moves, inner.asked

    assert run([("", seen(1)), ("", seen(1))]) == ([first, second, third], 1)
    assert run([("", seen(2)), ("", seen(2))]) == ([first, second, Finish()], 2)  # other pixels around the point
    assert run([("refused", seen(1))]) == ([first, Finish()], 2)
    assert run([("", seen(1, 100, 100))]) == ([first, Finish()], 2)
    assert run([("", seen(1))], Instruction("g", "another step")) == ([first, Finish()], 2)
    assert run([("", seen(1))], Instruction("g", "s", hint="not that")) == ([first, Finish()], 2)


def test_each_call_of_a_reply_brings_its_own_probability() -> None:
    first, second, third = Act(Click(at=Point(20, 20))), Act(TypeText(text="x")), Act(Click(at=Point(30, 90)))
    model = OneAtATime(Saying(Reply(first, "all", 0.9, (0.9, None, 0.4), then=(second, third))))
    history, found = [], []
    for _ in range(3):
        found.append(model.propose(Instruction("g", "s"), history, seen(1), "both").confidence)
        history.append(Done("did"))
    assert found == [0.9, None, 0.4]


# -- grounding -----------------------------------------------------------------------------------------------------


def test_boxes_and_points_come_back_in_pixels() -> None:
    reply = '```json\n[{"bbox_2d": [0, 0, 500, 500], "label": "a", "color": "red"},\n{"point_2d": [500, 500], "label": "b"}]\n```'
    box, point = grounding.read(reply, SCREEN) or ()
    assert (box.label, box.box, box.more) == ("a", Rect(0, 0, 641, 401), {"color": "red"})
    assert (point.label, point.box, point.point) == ("b", None, AT)
    alone = grounding.read('{"point_2d": [999, 0], "label": "c"}', SCREEN, Grid(999, 999))
    assert alone is not None and alone[0].point == Point(1279, 0)


def test_a_list_that_never_ends_is_read_up_to_its_last_whole_entry() -> None:
    entry = '{"bbox_2d": [1, 2, 3, 4], "label": "x"}'
    assert len(grounding.read(f"[{entry},\n{entry},\n{entry[:20]}", SCREEN) or ()) == 2
    assert grounding.read(f'[{entry}, {{"bbox_2d": [1, 2, 3, 4000]}}, 7]', SCREEN) == grounding.read(
        f"[{entry}]", SCREEN
    )
    assert grounding.read("I see none.", SCREEN) is None
    assert grounding.read("[]", SCREEN) == ()
    assert grounding.read(f"<think>[{entry}]</think>\n\n[]", SCREEN) == ()


@given(st.text('[]{}":,bbox_2dpoint0123 \n', max_size=80))
def test_reading_boxes_never_raises(text: str) -> None:
    grounding.read(text, SCREEN)


@pytest.mark.parametrize("kind", ["bbox_2d", "point_2d"])
def test_a_constrained_list_is_always_read_whole(table: TokenTable, kind: str) -> None:
    lark = grounding.grammar(kind, Grid(999, 999), most=4)
    lengths = set()
    for reply in blind(table, lark, 80, words=25):
        entries = json.loads(reply.removeprefix("```json\n").removesuffix("\n```"))
        assert len(entries) <= 4 and all(max(entry[kind]) <= 999 for entry in entries)
        lengths.add(len(grounding.read(reply, SCREEN, Grid(999, 999)) or ()))
    assert len(lengths) > 1


@pytest.mark.parametrize(
    ("narrowing", "told"),
    [
        (
            Narrowing(only="left_click_drag", drag=((10, 20), (300, 400)), unfinished=True, possible=True),
            Drag(start=Point(10, 16), end=Point(300, 320)),
        ),
        (Narrowing(only="left_click", points=((10, 20),), unfinished=True, possible=True), Click(at=Point(10, 16))),
        (Narrowing(only="terminate", pressing=False, possible=True), None),
    ],
)
def test_a_reply_that_has_one_thing_to_say(table: TokenTable, narrowing: Narrowing, told: Drag | Click | None) -> None:
    spoken = ComputerUse(action_line=False)
    for reply in blind(table, spoken.grammar(narrowing), 20):
        (move,) = spoken.moves(reply, Screen(1000, 800), None, 1)
        assert move == Finish() if told is None else isinstance(move, Act) and move.action == told
