"""No reply of a constrained model can fail to be a move, and forced text is cut as the tokenizer cuts it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.geometry import Screen
from model.base import Act, Unreadable
from model.protocols import computer_use
from model.qwen3vl.confidence import confidences
from model.qwen3vl.constrained import Grammar, ThinkSteering, TokenTable

SCREEN = Screen(1280, 800)
CALLS: tuple[dict[str, Any], ...] = (
    {"action": "left_click", "coordinate": [450, 270]},
    {"action": "right_click", "coordinate": [0, 1000]},
    {"action": "middle_click", "coordinate": [1, 10]},
    {"action": "double_click", "coordinate": [100, 99]},
    {"action": "triple_click", "coordinate": [1000, 1000]},
    {"action": "mouse_move", "coordinate": [7, 8]},
    {"action": "left_click_drag", "start": [1, 2], "coordinate": [7, 8]},
    {"action": "scroll", "coordinate": [5, 1000], "pixels": -500},
    {"action": "scroll", "pixels": 2000},
    {"action": "hscroll", "pixels": -1999},
    {"action": "type", "text": 'Zürich "12"\n\\ 漢字 🙂\t</tool_call> </think>'},
    {"action": "answer", "text": ""},
    {"action": "key", "keys": ["ctrl", "a"]},
    {"action": "wait", "time": 60},
    {"action": "terminate", "status": "success"},
    {"action": "terminate", "status": "failure"},
    {"action": "terminate", "status": "failure", "text": "no such flight"},
)


@pytest.fixture(scope="module", params=["scaffold", "bytes", "rules"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TokenTable:
    """With tokens for whole openings, with bytes alone, and with merges as a real vocabulary has them."""
    from tiny_qwen import make_tokenizer

    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = make_tokenizer(folder, scaffold=request.param == "scaffold", merges=request.param == "rules")
    return TokenTable(tokenizer, len(tokenizer) + 7)


def forced_path(grammar: Grammar, wanted: list[int]) -> int:
    """Say exactly `wanted`; returns how many of its tokens were a choice."""
    steering, choices = grammar.steering(10_000), 0
    said = steering.forced()
    while not steering.done:
        assert said == wanted[: len(said)]
        assert wanted[len(said)] in steering.allowed()
        steering.take(wanted[len(said)])
        choices += 1
        said += [wanted[len(said)], *steering.forced()]
    assert said == wanted
    return choices


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call["action"])
def test_every_call_can_be_said_in_the_tokenizers_own_tokens(table: TokenTable, call: dict[str, Any]) -> None:
    grammar = Grammar(table, computer_use.grammar(action_line=False))
    text = computer_use.render_call(call)
    wanted = table(text)
    assert table.text(wanted) == text
    assert forced_path(grammar, wanted) < len(wanted) or len(wanted) < 5
    with_line = Grammar(table, computer_use.grammar(action_line=True))
    forced_path(with_line, table(text))
    forced_path(with_line, table("Action: Open the menu.\n" + text))


def test_the_byte_alphabet_is_that_of_transformers() -> None:
    from tiny_qwen import alphabet

    from model.qwen3vl.constrained import _byte_alphabet

    assert _byte_alphabet() == {char: byte for byte, char in enumerate(alphabet())}


def test_the_opening_costs_no_choice(table: TokenTable) -> None:
    grammar = Grammar(table, computer_use.grammar())
    opening = table.text(grammar.steering(10).forced())
    assert opening.startswith('<tool_call>\n{"name": "computer_use", "arguments": {"action":')


@pytest.mark.parametrize(
    "body",
    [
        '{"action": "left_click", "coordinate": [1001, 5]}',
        '{"action": "left_click", "coordinate": [01, 5]}',
        '{"action": "left_click", "coordinate": [-1, 5]}',
        '{"action": "left_click", "coordinate": [1.5, 5]}',
        '{"action": "left_click","coordinate": [1, 5]}',
        '{"action": "left_click"}',
        '{"action": "fly", "coordinate": [1, 5]}',
        '{"action": "scroll", "pixels": 2001}',
        '{"action": "scroll", "pixels": -0}',
        '{"action": "wait", "time": 61}',
        '{"action": "key", "keys": ["hyper"]}',
        '{"action": "key", "keys": []}',
        '{"action": "type", "text": "a\nb"}',
        '{"action": "type", "text": "\\u0007"}',
        '{"action": "terminate", "status": "perhaps"}',
    ],
)
def test_what_the_grammar_refuses(table: TokenTable, body: str) -> None:
    text = f'<tool_call>\n{{"name": "computer_use", "arguments": {body}}}\n</tool_call>'
    with pytest.raises(AssertionError):
        forced_path(Grammar(table, computer_use.grammar()), table(text))


def random_reply(grammar: Grammar, random: np.random.Generator, words: int) -> list[int]:
    """Any legal reply: every choice by lot."""
    steering = grammar.steering(words)
    said = steering.forced()
    while not steering.done:
        token = int(random.choice(steering.allowed()))
        steering.take(token)
        said += [token, *steering.forced()]
    return said


def count_moves(grammar: Grammar, replies: int, words: int, seed: int = 0) -> Counter[str]:
    """Kinds of moves among random replies; fails at the first one that is none."""
    random, kinds = np.random.default_rng(seed), Counter[str]()
    for _ in range(replies):
        text = grammar.table.text(random_reply(grammar, random, words))
        move = computer_use.parse(text, SCREEN)
        assert not isinstance(move, Unreadable), (text, move)
        kinds[move.kind] += 1
    return kinds


@pytest.mark.parametrize("line", [False, True])
@pytest.mark.parametrize("words", [0, 3, 60])
def test_random_replies_are_always_moves(table: TokenTable, line: bool, words: int) -> None:
    kinds = count_moves(Grammar(table, computer_use.grammar(line)), replies=120, words=words)
    assert kinds["act"] and kinds["finish"] | kinds["blocked"]


def test_words_are_closed_when_their_number_is_used_up(table: TokenTable) -> None:
    grammar = Grammar(table, computer_use.grammar(True))
    random = np.random.default_rng(4)
    longest = max(len(random_reply(grammar, random, words=5)) for _ in range(100))
    assert longest < 5 + 150


def test_control_tokens_are_never_allowed(table: TokenTable) -> None:
    grammar, random = Grammar(table, computer_use.grammar(True)), np.random.default_rng(5)
    said = {token for _ in range(60) for token in random_reply(grammar, random, 100)}
    assert not said & table.control
    assert table.end in table.control


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('\n\t"\\<>{}'), max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_can_be_typed_and_comes_back(text: str) -> None:
    reply = computer_use.render_call({"action": "type", "text": text})
    move = computer_use.parse("Action: Type it.\n" + reply, SCREEN)
    assert isinstance(move, Act) and move.action.kind == "type_text"
    assert move.action.text == text


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("budget", [0, 1, 8])
def test_thoughts_end_by_their_budget(table: TokenTable, opened: bool, budget: int) -> None:
    grammar, random = Grammar(table, computer_use.grammar()), np.random.default_rng(6)
    for _ in range(20):
        steering = ThinkSteering(table, grammar.steering(20), budget, opened)
        said = steering.forced()
        while not steering.done:
            allowed = steering.allowed()
            assert allowed is not None
            steering.take(token := int(random.choice(allowed)))
            said += [token, *steering.forced()]
        text = "<think>\n" * opened + table.text(said)
        assert text.startswith("<think>\n")
        assert text.count("</think>") >= 1
        assert not isinstance(computer_use.parse(text, SCREEN), Unreadable), text


def test_a_thought_that_closes_itself_goes_straight_to_the_call(table: TokenTable) -> None:
    steering = ThinkSteering(table, Grammar(table, computer_use.grammar()).steering(5), 100, opened=True)
    assert steering.forced() == []
    for token in table("Look.\n</think>"):
        steering.take(token)
        following = steering.forced()
    assert table.text(following).startswith("\n\n<tool_call>\n")


def test_calls_inside_thoughts_and_tags_inside_words_are_not_calls() -> None:
    inner = computer_use.render_call({"action": "left_click", "coordinate": [1, 1]})
    typed = computer_use.render_call({"action": "type", "text": "</think>\n<tool_call>\nx</tool_call>"})
    move = computer_use.parse(f"<think>\n{inner}\n</think>\n\n{typed}", SCREEN)
    assert isinstance(move, Act) and move.action.kind == "type_text"
    assert isinstance(computer_use.parse(typed, SCREEN), Act)
    assert isinstance(computer_use.parse(f"<think>\n{inner}\n</think>", SCREEN), Unreadable)


@given(st.text(max_size=200) | st.text('{}[]":,<>/tool_callnameguments0129 \n\\', max_size=200))
@settings(max_examples=200, deadline=None)
def test_parsing_never_raises(reply: str) -> None:
    for text in (
        reply,
        f"<tool_call>\n{reply}\n</tool_call>",
        f'<tool_call>{{"name": "computer_use", "arguments": {reply}}}',
    ):
        computer_use.parse(text, SCREEN)


@pytest.mark.parametrize(
    "body", ['{"action": "key", "keys": 5}', '{"action": "scroll", "pixels": 1e999}', '{"action": {}}', "[" * 5000]
)
def test_odd_calls_are_unreadable(body: str) -> None:
    text = f'<tool_call>\n{{"name": "computer_use", "arguments": {body}}}\n</tool_call>'
    assert isinstance(computer_use.parse(text, SCREEN), Unreadable)


def test_every_key_name_is_json_and_unique() -> None:
    assert len(set(computer_use.KEYS)) == len(computer_use.KEYS)
    for key in computer_use.KEYS:
        move = computer_use.parse(computer_use.render_call({"action": "key", "keys": [key]}), SCREEN)
        assert isinstance(move, Act) and json.dumps(key)


def test_confidence_counts_the_deciding_tokens_only() -> None:
    pieces = [
        b'<tool_call>\n{"name": "computer_use", "arguments": {"action": "',
        b'left_click", "coordinate": [',
        b"45",
        b"0",
        b", ",
        b"270",
        b"]}}\n",
        b"</tool_call>",
    ]
    point = 0.5 * 0.8 * 0.5 * 0.9
    assert confidences(pieces, [1, 0.1, 0.5, 0.8, 1.0, 0.5, 0.9, 0.3]) == (pytest.approx(point),)
    words = [b'<tool_call>\n{"action": "type", "text": "', b"a", b'\\"', b"<tool_call>", b'"}}\n', b"</tool_call>\n"]
    chances = [0.1, 0.5, 0.5, 0.5, 0.5, 0.1]
    assert confidences(words, chances) == (pytest.approx(0.5**4),)
    wait = [b'<tool_call>\n{"action": "wait", "time": 3}}']
    assert confidences(wait, [0.5]) == (None,)
    assert confidences([b"nothing"], [0.5]) == ()
    thought = [b"<think>\n", *words, b"</think>\n\n"]
    several = [*thought, *words, *wait, *pieces]
    found = confidences(several, [*[0.9] * len(thought), *chances, 0.5, *[0.3] * len(pieces)])
    assert found == (pytest.approx(0.5**4), None, pytest.approx(0.3**5))


def narrowed_replies(table: TokenTable, n: int, **narrowing: Any) -> list[str]:
    """Replies chosen blindly within a narrowed grammar."""
    grammar, dice, replies = Grammar(table, computer_use.grammar(**narrowing)), np.random.default_rng(7), []
    for _ in range(n):
        steering, said = grammar.steering(60), []
        while True:
            said += steering.forced()
            if steering.done:
                break
            said.append(int(dice.choice(steering.allowed())))
            steering.take(said[-1])
            if steering.done:
                break
        replies.append(table.text(said))
    return replies


def test_a_narrowed_reply_presses_what_is_listed_and_types_what_was_given(table: TokenTable) -> None:
    points, values = [(1, 2), (30, 400)], ['Łu"kasz \\ Żak', "<secret:card_number>"]
    replies = narrowed_replies(table, 300, points=points, words="type x into y", values=values)
    calls = [json.loads(reply[len("<tool_call>") : -len("</tool_call>")])["arguments"] for reply in replies]
    pressed = [tuple(call["coordinate"]) for call in calls if call["action"].endswith("click")]
    typed = [call["text"] for call in calls if call["action"] == "type"]
    assert pressed and set(pressed) <= set(points)
    assert typed and set(typed) <= set(values)


def test_without_values_only_whole_words_of_the_instruction_are_typed(table: TokenTable) -> None:
    words = 'type 12/29 into the "Expiry" field'
    replies = narrowed_replies(table, 300, words=words)
    calls = [json.loads(reply[len("<tool_call>") : -len("</tool_call>")])["arguments"] for reply in replies]
    typed = [call["text"] for call in calls if call["action"] == "type"]
    assert typed and all(text in words for text in typed)


def test_an_unfinished_sub_goal_cannot_be_called_done(table: TokenTable) -> None:
    replies = narrowed_replies(table, 300, unfinished=True)
    assert any("failure" in reply for reply in replies)
    assert not any('"success"' in reply and "terminate" in reply for reply in replies)
