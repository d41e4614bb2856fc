"""A whole checkpoint behind the `Model` protocol."""

from __future__ import annotations

import dataclasses
import io
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_processor import noise

from actuators.geometry import Rect, Screen
from actuators.observation import Frame, Node, Observation
from model.base import Act, Done, Instruction, Model, ModelError, Unreadable
from model.load import load_model
from model.local import QwenModel
from model.profile import MaxPixels, Profile, Sampling
from model.protocols.spoken import OPEN
from model.qwen3vl.checkpoint import load
from model.qwen3vl.engine import Engine, ReplyCancelled, ReplyTimeout, Steering

HOT = Sampling(greedy=False, temperature=1.5, top_p=1.0, top_k=0, seed=1)
SMALL = Profile(turns=0, max_pixels=MaxPixels(both=4096, pixels=8192), max_new_tokens=24, sampling=HOT)


def seen(seq: int = 0, width: int = 200, height: int = 120) -> Observation:
    buffer = io.BytesIO()
    noise(width, height, seq).save(buffer, "png")
    nodes = (Node("1", "button", "Search", Rect(10, 10, 60, 30)), Node("2", "textbox", "From", Rect(10, 40, 60, 60)))
    return Observation(seq, 0.0, "browser", Screen(width, height), Frame(buffer.getvalue()), nodes)


def with_profile(checkpoint: Any, profile: Profile, **more: Any) -> QwenModel:
    return QwenModel(dataclasses.replace(checkpoint, profile=profile), **more)


ASKED = Instruction("Book a flight", step="Click Search")


def replies_that_are_moves(model: QwenModel, replies: int) -> Counter[str]:
    """Kinds of moves of a hot random network; fails at the first reply that is none."""
    kinds: Counter[str] = Counter()
    for number in range(replies):
        reply = model.propose(ASKED, [], seen(number % 3), "both")
        assert not isinstance(reply.move, Unreadable), reply
        assert reply.confidence is None or 0 <= reply.confidence <= 1
        kinds[reply.move.kind] += 1
    return kinds


def test_a_random_network_at_high_temperature_only_says_moves(tiny: Any) -> None:
    kinds = replies_that_are_moves(with_profile(tiny, SMALL), 60)
    assert kinds["act"] > 0 and len(kinds) > 1


def test_a_random_thinking_network_only_says_moves(tmp_path: Path) -> None:
    from tiny_qwen import make_checkpoint

    checkpoint = load(make_checkpoint(tmp_path / "thinking", seed=2, scaffold=False, thinking=True), dtype="float32")
    profile = SMALL.model_copy(update={"thinking": True, "think_budget": 6})
    assert replies_that_are_moves(with_profile(checkpoint, profile), 30)
    silent = SMALL.model_copy(update={"thinking": False})
    reply = with_profile(checkpoint, silent).propose(ASKED, [], seen(), "both")
    assert reply.text.startswith("<think>\n\n</think>\n\n")


def test_the_reply_says_what_it_took(tiny: Any) -> None:
    model = with_profile(tiny, SMALL.model_copy(update={"sampling": Sampling()}))
    first, again = (model.propose(ASKED, [], seen(), "both") for _ in range(2))
    assert first.move == again.move and first.text == again.text
    assert (first.confidence or 0) == pytest.approx(again.confidence or 0, rel=1e-4)
    assert first.cached_tokens == 0
    assert again.cached_tokens == again.prompt_tokens - 1 or again.cached_tokens > again.prompt_tokens / 2
    assert first.output_tokens > 0 and first.seconds > 0
    assert first.shown == (seen().digest,)
    assert isinstance(model, QwenModel) and len(model.digest) == 64
    checked: Model = model
    assert checked.name == "tiny"


class OneByOne:
    """The same grammar without jumps: a forced token is offered as a choice of one and fed on its own."""

    def __init__(self, inner: Steering) -> None:
        self.inner = inner
        self.queue = inner.forced()

    def forced(self) -> list[int]:
        return []

    def allowed(self) -> Any:
        return np.array(self.queue[:1]) if self.queue else self.inner.allowed()

    def take(self, token: int) -> None:
        if self.queue:
            self.queue.pop(0)
        else:
            self.inner.take(token)
            self.queue = self.inner.forced()

    @property
    def done(self) -> bool:
        return self.inner.done and not self.queue


def test_jump_forward_says_the_same_as_token_by_token(tiny: Any) -> None:
    model = with_profile(tiny, SMALL)
    slow, fast = Engine(tiny.network), Engine(tiny.network)
    for number in range(12):
        encoded = model.encode(ASKED, [], seen(number), "both")
        jumped = fast.reply(encoded, model._steering(encoded, model._grammar(OPEN)))
        walked = slow.reply(encoded, OneByOne(model._steering(encoded, model._grammar(OPEN))))
        assert jumped.ids == walked.ids
        assert jumped.chances == pytest.approx(walked.chances, abs=1e-4)
        assert jumped.forwards < walked.forwards


def test_only_the_current_sub_goals_steps_are_told_without_the_goal(tiny: Any) -> None:
    history = [Done("left_click one"), Done("left_click two")]
    asked = Instruction("The goal", step="The step", since=1)
    for with_goal in (True, False):
        model = with_profile(tiny, SMALL.model_copy(update={"with_goal": with_goal}))
        text = model._table.text(model.encode(asked, history, seen(), "pixels").ids.tolist())
        assert ("The goal" in text, "click one" in text) == (with_goal, with_goal)
        assert "left_click two" in text and "The step" in text


def test_pictures_are_sized_by_perception_and_turns_are_shown_whole(tiny: Any) -> None:
    model = with_profile(tiny, SMALL.model_copy(update={"turns": 2}))
    history = [Done("a", reply="<think>hm</think>\n\nold", seen=seen(1)), Done("b", reply="newer", seen=seen(2))]
    for perception, most in (("both", 4), ("pixels", 8)):
        encoded = model.encode(ASKED, history, seen(3), perception)  # type: ignore[arg-type]
        assert len(encoded.pictures) == 3
        assert all(count <= most for _, count in encoded.spans)
    text = model._table.text(encoded.ids.tolist())
    assert "old" in text and "hm" not in text


def test_an_act_points_inside_the_screen(tiny: Any) -> None:
    model = with_profile(tiny, SMALL)
    for number in range(40):
        move = model.propose(ASKED, [], seen(number % 2), "pixels").move
        if isinstance(move, Act) and move.action.kind in ("click", "hover"):
            assert seen().screen.contains(move.action.at)  # type: ignore[union-attr]


def test_deadline_and_cancel_are_model_errors(tiny: Any) -> None:
    with pytest.raises(ReplyTimeout):
        with_profile(tiny, SMALL.model_copy(update={"deadline_s": 1e-6})).propose(ASKED, [], seen(), "both")
    event = threading.Event()
    model = with_profile(tiny, SMALL, cancel=event)
    event.set()
    with pytest.raises(ReplyCancelled):
        model.propose(ASKED, [], seen(), "both")
    event.clear()
    assert model.propose(ASKED, [], seen(), "both").text


def test_a_screenshot_that_is_no_picture(tiny: Any) -> None:
    broken = dataclasses.replace(
        seen(), frame=Frame(b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + b"\0\0\0\x40\0\0\0\x40" + b"junk")
    )
    for frame in (Frame(b"nothing"), broken.frame):
        with pytest.raises(ModelError, match="no picture"):
            with_profile(tiny, SMALL).propose(ASKED, [], dataclasses.replace(seen(), frame=frame), "both")


def test_a_closed_model_says_so(tiny: Any) -> None:
    model = with_profile(tiny, SMALL)
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.propose(ASKED, [], seen(), "both")


def test_loading_by_folder(tiny_folder: Path) -> None:
    model = load_model(tiny_folder, dtype="float32", profile=SMALL)
    assert model.propose(ASKED, [], seen(), "both").text.startswith(("<tool_call>", "Action:"))
    model.close()


def test_bfloat16_replies_are_moves_too(tiny_folder: Path) -> None:
    checkpoint = load(tiny_folder, dtype="bfloat16")
    assert checkpoint.dtype == torch.bfloat16
    assert replies_that_are_moves(with_profile(checkpoint, SMALL), 10)
