"""Whatever the engine keeps, cuts or jumps over, it says what transformers' `generate()` says, token for token.

Random conversations of text and several pictures, dense and mixture of experts, greedy, float32, on a CPU. The largest
difference of logits is printed (`pytest -s`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_engine import free, generated, inputs
from test_local import OneByOne
from test_processor import noise

from model.protocols import computer_use
from model.qwen3vl.constrained import Grammar, TokenTable
from model.qwen3vl.engine import Engine

TOKENS = 6
WORST: dict[str, float] = {}

Turn = tuple[list[tuple[str, int, int]], str]
"""What a user turn shows (words, width, height; no picture where the width is 0), and what was replied to it."""

parts = st.tuples(st.text("abc <|>{}\n", max_size=12), st.sampled_from([0, 32, 50, 96]), st.sampled_from([32, 64, 90]))
turns = st.tuples(st.lists(parts, min_size=1, max_size=3), st.text("xyz\n", max_size=8))
talks = st.lists(turns, min_size=1, max_size=4)
some = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
many = settings(some, max_examples=200)


@pytest.fixture(scope="module", autouse=True)
def _say_the_worst() -> Iterator[None]:
    yield
    for name, worst in sorted(WORST.items()):
        print(f"\n{name}: largest difference of logits {worst:.1e}")


@pytest.fixture(params=["tiny", "moe"])
def checkpoint(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def prompts(checkpoint: Any, talk: list[Turn]) -> list[Any]:
    """The prompt after every user turn of a conversation."""
    messages: list[Any] = [{"role": "system", "content": [{"type": "text", "text": "You act."}]}]
    pictures: list[Any] = []
    found = []
    for number, (shown, reply) in enumerate(talk):
        content: list[Any] = []
        for place, (words, width, height) in enumerate(shown):
            if width:
                seed = 100 * number + place
                image = checkpoint.processor.picture(
                    f"{seed}", lambda w=width, h=height, s=seed: noise(w, h, s), (width, height), 8192, 1024
                )
                pictures.append(image)
                content.append({"type": "image"})
            content.append({"type": "text", "text": words or "?"})
        messages.append({"role": "user", "content": content})
        found.append(checkpoint.processor.encode(messages, pictures))
        messages.append({"role": "assistant", "content": reply})
    return found


def theirs(checkpoint: Any, encoded: Any) -> tuple[torch.Tensor, list[int]]:
    """Logits after the prompt and the greedy reply, by transformers alone."""
    checkpoint.network.model.rope_deltas = None
    if not encoded.pictures:
        ids = torch.from_numpy(encoded.ids)[None]
        with torch.inference_mode():
            logits = checkpoint.network(input_ids=ids).logits[0, -1]
        checkpoint.network.model.rope_deltas = None
        said = checkpoint.network.generate(input_ids=ids, max_new_tokens=TOKENS, do_sample=False)
        return logits, said[0, len(encoded.ids) :].tolist()
    with torch.inference_mode():
        logits = checkpoint.network(**inputs(encoded)).logits[0, -1]
    return logits, generated(checkpoint, encoded, TOKENS)


def check(checkpoint: Any, talk: list[Turn], chunk: int) -> None:
    """Kept from turn to turn, begun anew, and fed in pieces: all three against transformers."""
    name = type(checkpoint.network).__name__
    kept = Engine(checkpoint.network)
    for number, encoded in enumerate(prompts(checkpoint, talk)):
        logits, wanted = theirs(checkpoint, encoded)
        engines = (kept, Engine(checkpoint.network), Engine(checkpoint.network, chunk=chunk))
        for engine in engines:
            difference = float((engine.last_logits(encoded) - logits).abs().max())
            WORST[name] = max(WORST.get(name, 0.0), difference)
        replies = [engine.reply(encoded, free(checkpoint, TOKENS)) for engine in engines]
        assert [reply.ids for reply in replies] == [wanted] * 3
        assert number == 0 or replies[0].cached_tokens > 0
    assert WORST[name] < 1e-4


@some
@given(talk=talks, chunk=st.integers(1, 40))
def test_every_way_to_feed_a_conversation_says_the_same(checkpoint: Any, talk: list[Turn], chunk: int) -> None:
    check(checkpoint, talk, chunk)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@many
@given(talk=talks, chunk=st.integers(1, 200))
def test_every_way_to_feed_many_conversations_says_the_same(checkpoint: Any, talk: list[Turn], chunk: int) -> None:
    check(checkpoint, talk, chunk)


@some
@given(talk=talks)
def test_jumping_forward_says_the_same_as_token_by_token(checkpoint: Any, talk: list[Turn]) -> None:
    table = TokenTable(checkpoint.tokenizer, int(checkpoint.network.config.text_config.vocab_size))
    grammar = Grammar(table, computer_use.grammar())
    encoded = prompts(checkpoint, talk)[-1]
    jumped = Engine(checkpoint.network).reply(encoded, grammar.steering(12))
    walked = Engine(checkpoint.network).reply(encoded, OneByOne(grammar.steering(12)))
    assert jumped.ids == walked.ids
    assert jumped.chances == pytest.approx(walked.chances, abs=1e-4)
    assert jumped.forwards <= walked.forwards


def test_a_window_that_slides_in_blocks_keeps_its_beginning_most_steps(tiny: Any) -> None:
    from test_local import seen

    from model.base import Done, Instruction
    from model.protocols.computer_use import ComputerUse

    def cached(slide: int) -> list[float]:
        spoken, engine, history, shares = ComputerUse(slide=slide, action_line=False), Engine(tiny.network), [], []
        for step in range(12):
            prompt = spoken.prompt(Instruction("Book", hint=f"hint {step}"), history, seen(step), "pixels", turns=3)
            assert min(step, 3) + 1 <= len(prompt.images) <= 3 + slide
            pictures = [
                tiny.processor.picture(
                    image.digest, lambda image=image: image.frame.image, image.frame.image.size, 4096, 1024
                )
                for image in prompt.images
            ]
            encoded = tiny.processor.encode(prompt.messages, pictures)
            out = engine.reply(encoded, free(tiny, 1))
            shares.append(out.cached_tokens / out.prompt_tokens)
            history.append(Done(f"left_click {step}", f"reply {step}", seen(step)))
        return shares[4:]

    blocks, one = cached(4), cached(1)
    assert sum(share > 0.6 for share in blocks) >= 6
    assert np.mean(blocks) > np.mean(one) + 0.2
