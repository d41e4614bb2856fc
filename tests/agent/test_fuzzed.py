"""Whatever a model says and whatever a policy holds: no act without a permit that the rules gave for exactly it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import AIR, NARROW, SCREEN, Fake, button, click, pay, play, text_field

from actuators.action import Action, Click, Drag, OpenUrl, PressKeys, Scroll, TypeText, Wait
from actuators.geometry import Point
from actuators.permit import Permit
from agent.limits import Limits
from model.base import Act, Ask, Blocked, Finish, Unreadable
from model.protocols.computer_use import parse
from policies.decide import PolicySet, PolicyUnusable
from policies.narrow import Narrow
from policies.request import request_from

NODES = [
    pay(),
    pay("900.00 EUR", 1),
    button("Delete account", 2),
    button("Next", 3),
    text_field("Name", 4, focused=True),
]
POINTS = st.builds(Point, st.integers(0, SCREEN.width - 1), st.integers(0, SCREEN.height - 1))
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(Click, at=POINTS, button=st.sampled_from(["left", "right", "middle"])),
    st.builds(Drag, start=POINTS, end=POINTS),
    st.builds(Scroll, at=POINTS, dy=st.integers(-99, 99)),
    st.builds(TypeText, text=st.text(max_size=20)),
    st.builds(PressKeys, keys=st.sampled_from([("enter",), ("space",), ("ctrl", "a"), ("delete",)])),
    st.builds(
        OpenUrl, url=st.sampled_from([AIR, "https://evil.example/x", "javascript:alert(1)", "file:///etc/passwd"])
    ),
    st.builds(Wait, seconds=st.just(0.0)),
)
MOVES = st.one_of(
    st.builds(Act, ACTIONS, reason=st.text(max_size=30)),
    st.builds(Finish),
    st.builds(Blocked),
    st.builds(Unreadable, problem=st.text(max_size=10)),
    st.builds(Ask, st.text(max_size=10)),
)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def permitted(moves: list[Any], rules: tuple[str, ...] = ("booking",)) -> Fake:
    """Play, and hold every act of the surface against the permits that were really signed for it."""
    permits: list[Permit] = []

    def watched(parts: Any) -> None:
        before = parts.actuator.perform

        def perform(permit: Permit) -> Any:
            permits.append(permit)
            return before(permit)

        parts.actuator.perform = perform

    with tempfile.TemporaryDirectory() as folder:
        found = play(Path(folder), moves, NODES, rules=rules, change=watched, limits=Limits(steps=len(moves)))
        verdict = found.verdict
        assert verdict.ok and verdict.intents == verdict.permits == len(permits), verdict.line()
        allowed = [json.loads(permit.body)["action"] for permit in permits]
        for act in found.surface.acts:
            assert act.model_dump(mode="json") in allowed
        decided = [step.clearance for step in found.watch.steps if step.clearance is not None]
        again = PolicySet.load(rules, NARROW)
        for clearance in decided:
            if clearance.permit is not None:
                assert again.decide(request_from(clearance.facts)).verdict == "allow"
        return found.surface


@SLOW
@given(st.lists(MOVES, min_size=1, max_size=5))
def test_no_move_of_a_model_acts_without_a_permit(moves: list[Any]) -> None:
    bad = {"Pay 900.00 EUR", "Delete account"}
    surface = permitted(moves)
    for act in surface.acts:
        where = act.at if isinstance(act, Click) and act.button == "left" else None
        pressed = {node.name for node in NODES if where is not None and node.rect.contains(where)}
        assert not pressed & bad, "too dear, or it deletes"


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
REPLIES = st.one_of(
    st.text(max_size=200),
    st.builds(
        lambda args: f'<tool_call>\n{{"name": "computer_use", "arguments": {json.dumps(args)}}}\n</tool_call>', JSONISH
    ),
    st.builds(
        lambda action, at, more: (
            "<tool_call>"
            + json.dumps({"name": "computer_use", "arguments": {"action": action, "coordinate": at, **more}})
            + "</tool_call>"
        ),
        st.sampled_from(["left_click", "type", "key", "__import__('os').system('x')", "drag", "terminate"]),
        st.lists(st.integers(-5, 2000), max_size=3),
        st.dictionaries(st.sampled_from(["text", "keys", "status", "x"]), JSONISH, max_size=2),
    ),
)


@SLOW
@given(st.lists(REPLIES, min_size=1, max_size=4))
def test_no_text_of_a_model_acts_without_a_permit(replies: list[str]) -> None:
    permitted([parse(reply, SCREEN) for reply in replies])


CONDITIONS = st.sampled_from(
    [
        "true",
        "context.inside",
        'context.consequence == "buy"',
        "context.amount_minor > 5",
        "context has amount_minor && context.amount_minor > 5",
        "context.step / 0 == 1",
        "context.nothing",
        "context.acts + 9223372036854775807 > 0",
        'context.destination_host like "*"',
        "resource.known",
        "context has approved_by",
    ]
)
RULES = st.builds(
    lambda effect, note, when, number: (
        f'@id("{number}") @because("b") {note} {effect} (principal, action, resource) when {{ {when} }};'
    ),
    st.sampled_from(["permit", "forbid"]),
    st.sampled_from(["", '@escalate("human")', '@escalate("rehearse")', '@escalate("nobody")']),
    CONDITIONS,
    st.integers(0, 5),
)
POLICIES = st.one_of(st.lists(RULES, max_size=5).map("\n".join), st.text(max_size=80))


@SLOW
@given(POLICIES)
def test_no_policy_lets_an_act_happen_that_its_own_rules_do_not_allow(text: str) -> None:
    """What does not load starts no run; what loads decides, and only an `allow` is carried out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed.cedar"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        moves = [Act(click(node)) for node in NODES[:4]]
        try:
            PolicySet.load([path], NARROW)
        except PolicyUnusable:
            with pytest.raises(PolicyUnusable):
                permitted(moves, (str(path),))
            return
        surface = permitted(moves, (str(path),))
    assert "permit" in text or surface.acts == []


def test_without_any_rule_nothing_happens() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.cedar"
        path.write_text("")
        assert permitted([Act(click(NODES[3]))], (str(path),)).acts == []


def test_narrowing_is_part_of_every_decision() -> None:
    assert Narrow().meet(NARROW).origins == NARROW.origins
