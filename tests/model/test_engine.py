"""The engine says what transformers' `generate()` says, whatever it kept from before."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch
from test_processor import noise

from model.base import ModelError
from model.profile import Sampling
from model.qwen3vl.engine import Engine, Free, ReplyCancelled, ReplyTimeout, Stop


class Talk:
    """A growing random conversation."""

    def __init__(self, checkpoint: Any, seed: int) -> None:
        self.processor = checkpoint.processor
        self.random = np.random.default_rng(seed)
        self.messages: list[Any] = [{"role": "system", "content": [{"type": "text", "text": "You act."}]}]
        self.pictures: list[Any] = []

    def turn(self, reply: str = "ok then") -> Any:
        if self.pictures:
            self.messages.append({"role": "assistant", "content": reply})
        width, height = (int(n) for n in self.random.integers(40, 200, 2))
        seed = int(self.random.integers(1 << 30))
        self.pictures.append(
            self.processor.picture(str(seed), lambda: noise(width, height, seed), (width, height), 10**6, 1024)
        )
        words = {"type": "text", "text": f"what is {self.random.integers(1 << 30)}"}
        self.messages.append({"role": "user", "content": [{"type": "image"}, words]})
        return self.processor.encode(self.messages, self.pictures)


def inputs(encoded: Any) -> dict[str, Any]:
    """The same prompt as transformers takes it."""
    return {
        "input_ids": torch.from_numpy(encoded.ids)[None],
        "pixel_values": torch.cat([torch.from_numpy(picture.patches()) for picture in encoded.pictures]),
        "image_grid_thw": torch.tensor([[1, *picture.grid] for picture in encoded.pictures]),
        "mm_token_type_ids": torch.from_numpy(encoded.token_types)[None],
    }


def generated(checkpoint: Any, encoded: Any, tokens: int) -> list[int]:
    checkpoint.network.model.rope_deltas = None
    out = checkpoint.network.generate(**inputs(encoded), max_new_tokens=tokens, do_sample=False)
    return list(out[0, len(encoded.ids) :].tolist())


def free(checkpoint: Any, tokens: int = 10) -> Free:
    return Free(frozenset([checkpoint.tokenizer.eos_token_id]), tokens)


@pytest.mark.parametrize("name", ["tiny", "moe"])
def test_greedy_replies_are_token_for_token_those_of_generate(name: str, request: pytest.FixtureRequest) -> None:
    checkpoint = request.getfixturevalue(name)
    kept = Engine(checkpoint.network)
    worst = 0.0
    for seed in range(4 if name == "tiny" else 2):
        talk = Talk(checkpoint, seed)
        for turn in range(3 if name == "tiny" else 2):
            encoded = talk.turn()
            wanted = generated(checkpoint, encoded, 10)
            fresh, pieces = Engine(checkpoint.network, static=True), Engine(checkpoint.network, chunk=7)
            with torch.inference_mode():
                checkpoint.network.model.rope_deltas = None
                theirs = checkpoint.network(**inputs(encoded)).logits[0, -1]
            for engine in (kept, fresh, pieces):
                worst = max(worst, float((engine.last_logits(encoded) - theirs).abs().max()))
            replies = [engine.reply(encoded, free(checkpoint)) for engine in (kept, fresh, pieces)]
            assert [reply.ids for reply in replies] == [wanted] * 3
            assert turn == 0 or replies[0].cached_tokens > 0
    print(f"{name}: largest difference of logits {worst:.1e}")
    assert worst < 1e-4


def test_only_what_is_new_is_fed(tiny: Any) -> None:
    engine, talk = Engine(tiny.network), Talk(tiny, 5)
    first = talk.turn()
    assert engine.reply(first, free(tiny)).cached_tokens == 0
    second = talk.turn("another answer")
    shared = len(first.ids)
    reply = engine.reply(second, free(tiny))
    assert reply.cached_tokens >= shared
    assert engine.reply(second, free(tiny)).cached_tokens == len(second.ids) - 1


def test_a_changed_picture_is_never_taken_for_the_old_one(tiny: Any) -> None:
    engine = Engine(tiny.network)
    prompts = []
    for seed in (1, 2):
        picture = tiny.processor.picture(f"seed {seed}", lambda seed=seed: noise(96, 64, seed), (96, 64), 10**6, 1024)
        message = {
            "role": "user",
            "content": [{"type": "text", "text": "look: "}, {"type": "image"}, {"type": "text", "text": "?"}],
        }
        prompts.append(tiny.processor.encode([message], [picture]))
    assert (prompts[0].ids == prompts[1].ids).all()
    fresh = Engine(tiny.network).last_logits(prompts[1])
    engine.reply(prompts[0], free(tiny))
    assert torch.allclose(engine.last_logits(prompts[1]), fresh, atol=1e-4)
    assert not torch.allclose(engine.last_logits(prompts[0]), fresh, atol=1e-2)


def test_features_of_a_picture_seen_before_are_not_computed_again(tiny: Any) -> None:
    engine, decoded = Engine(tiny.network), []

    def image() -> Any:
        decoded.append(1)
        return noise(64, 64)

    picture = tiny.processor.picture("one", image, (64, 64), 10**6, 1024)
    for words in ("a", "b", "c"):
        message = {
            "role": "user",
            "content": [{"type": "text", "text": words}, {"type": "image"}, {"type": "text", "text": "?"}],
        }
        engine.reply(tiny.processor.encode([message], [picture]), free(tiny))
    assert len(decoded) == 1


class Countdown(Stop):
    """Gives up at a certain check instead of a certain time."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ReplyTimeout("late")


def test_a_deadline_ends_a_reply_and_leaves_a_usable_engine(tiny: Any) -> None:
    encoded = Talk(tiny, 1).turn()
    wanted = Engine(tiny.network).reply(encoded, free(tiny)).ids
    engine = Engine(tiny.network, chunk=8)
    with pytest.raises(ReplyTimeout, match="no reply within 0 s"):
        engine.reply(encoded, free(tiny), stop=Stop.after(0))

    for left in (5, 10, 14, 20, 40):
        with pytest.raises(ReplyTimeout):
            engine.reply(encoded, free(tiny, 1000), stop=Countdown(left))
        assert engine.reply(encoded, free(tiny)).ids == wanted


def test_another_thread_can_stop_a_reply(tiny: Any) -> None:
    engine, event = Engine(tiny.network), threading.Event()
    threading.Timer(0.2, event.set).start()
    began = time.monotonic()
    with pytest.raises(ReplyCancelled):
        engine.reply(Talk(tiny, 2).turn(), Free(frozenset(), 10**6), stop=Stop.after(60, event))
    assert time.monotonic() - began < 30


def test_sampling_repeats_by_seed_and_differs_between_seeds(tiny: Any) -> None:
    encoded, hot = Talk(tiny, 3).turn(), Sampling(greedy=False, temperature=1.5, top_p=1.0, top_k=0)
    said = [Engine(tiny.network, seed=seed).reply(encoded, free(tiny, 20), hot).ids for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_top_k_of_one_is_greedy(tiny: Any) -> None:
    encoded = Talk(tiny, 3).turn()
    one = Sampling(greedy=False, temperature=1.0, top_p=0.9, top_k=1)
    assert (
        Engine(tiny.network).reply(encoded, free(tiny), one).ids == Engine(tiny.network).reply(encoded, free(tiny)).ids
    )


def test_chances_are_probabilities_of_the_chosen_tokens(tiny: Any) -> None:
    encoded = Talk(tiny, 4).turn()
    reply = Engine(tiny.network).reply(encoded, free(tiny, 3))
    wanted = torch.softmax(Engine(tiny.network).last_logits(encoded), 0)[reply.ids[0]]
    assert reply.chances[0] == pytest.approx(float(wanted), abs=1e-5)


def test_out_of_memory_is_one_line_and_the_engine_goes_on(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded, engine = Talk(tiny, 6).turn(), Engine(tiny.network)
    wanted = engine.reply(encoded, free(tiny)).ids
    monkeypatch.setattr(engine, "_feed_text", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("x")))
    with pytest.raises(ModelError, match="out of memory"):
        engine.reply(encoded, free(tiny))
    monkeypatch.undo()
    assert engine.reply(encoded, free(tiny)).ids == wanted


def test_features_that_take_too_much_memory_are_given_up_oldest_first() -> None:
    from model.qwen3vl.cache import FeatureCache, Features

    held = FeatureCache(limit_bytes=250)
    for key in ("a", "b"):
        held.put(key, Features(torch.zeros(10, 1), (torch.zeros(10, 1),)))  # 80 bytes
    held.put("b", Features(torch.zeros(10, 2), (torch.zeros(10, 1),)))  # 120 bytes
    assert held.get("a") is not None
    held.put("c", Features(torch.zeros(20, 1), ()))
    assert [held.get(key) is not None for key in "abc"] == [True, False, True]
    held.put("d", Features(torch.zeros(1000, 1), ()))
    assert len(held) == 1 and held.get("d") is not None


def test_a_prompt_longer_than_the_checkpoint_knows_is_refused(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(tiny.network)
    monkeypatch.setattr(engine, "_longest", 20)
    with pytest.raises(ModelError, match="the checkpoint knows 20: show fewer turns"):
        engine.reply(Talk(tiny, 1).turn(), free(tiny))


def test_a_network_without_numbers_is_an_error(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(tiny.network)
    monkeypatch.setattr(engine, "_logits", lambda *_: torch.full((304,), float("nan")))
    with pytest.raises(ModelError, match="no numbers"):
        engine.reply(Talk(tiny, 1).turn(), free(tiny))


def test_a_prompt_of_text_alone(tiny: Any) -> None:
    encoded = tiny.processor.encode([{"role": "user", "content": "Hello"}], [])
    ids = torch.from_numpy(encoded.ids)[None]
    tiny.network.model.rope_deltas = None
    wanted = tiny.network.generate(input_ids=ids, max_new_tokens=6, do_sample=False)[0, ids.shape[1] :].tolist()
    assert Engine(tiny.network).reply(encoded, free(tiny, 6)).ids == wanted


def test_whatever_was_said_before_the_next_reply_is_that_of_a_fresh_engine(tiny: Any) -> None:
    """Shared beginnings of all lengths, replies cut short by a timeout, features given up: no trace stays."""
    random = np.random.default_rng(8)
    pool = [
        tiny.processor.picture(f"p{n}", lambda n=n: noise(64, 64 + 32 * (n % 2), n), (64, 64 + 32 * (n % 2)))
        for n in range(3)
    ]
    engine = Engine(tiny.network, chunk=16, feature_bytes=4000)
    worst = 0.0
    for _ in range(40):
        parts, pictures = [{"type": "text", "text": "ab"[: random.integers(1, 3)]}], []
        for _ in range(random.integers(1, 4)):
            pictures.append(pool[random.integers(3)])
            parts += [{"type": "image"}, {"type": "text", "text": "cd"[: random.integers(0, 3)]}]
        encoded = tiny.processor.encode([{"role": "user", "content": parts}], pictures)
        fresh = Engine(tiny.network)
        if random.random() < 0.3:
            stop = Countdown(int(random.integers(1, 40)))
            with contextlib.suppress(ReplyTimeout):
                engine.reply(encoded, free(tiny, 30), stop=stop)
        worst = max(worst, float((engine.last_logits(encoded) - fresh.last_logits(encoded)).abs().max()))
        assert engine.reply(encoded, free(tiny, 4)).ids == fresh.reply(encoded, free(tiny, 4)).ids
    assert worst < 1e-4
