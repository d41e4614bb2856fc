"""Packed training is the same mathematics as one prompt each, and the prompt is the runtime's own."""

from __future__ import annotations

import random

import torch
from tiny_pilot import TINY
from tokenizers import Tokenizer

from model.base import Done, Instruction
from model.protocols import computer_use
from model.training import architecture
from model.training.episodes import make_episode, observation, past_line, prefix_text
from model.training.network import forward
from model.training.packing import Packer, full_prompt
from model.training.words import Pools


def test_the_text_is_what_the_runtime_asks(pools: Pools) -> None:
    for n in range(5):
        episode = make_episode(pools, f"text|{n}", 20, 6)
        for sample in episode.samples:
            asked = Instruction(goal=sample.wording.text, step=sample.wording.text, hint=sample.hint)
            history = [Done(past_line(step), note=step.note) for step in sample.past]
            built = computer_use.prompt(asked, history, observation(episode.page), "both", turns=0, with_goal=False)
            assert prefix_text(episode.page) + sample.text == built.messages[1]["content"][1]["text"]
            assert computer_use.parse(sample.reply, episode.page.screen).kind in ("act", "finish", "blocked")


@torch.no_grad()
def test_packed_logits_equal_stock_logits(pools: Pools, tokenizer: Tokenizer) -> None:
    model = architecture.build(tokenizer, TINY, 0).eval()
    episode = make_episode(pools, "parity", 14, 6)
    packed = Packer(tokenizer).pack(episode, random.Random(1))
    hidden = forward(model, packed).hidden
    worst = 0.0
    for k, sample in enumerate(packed.samples):
        text = full_prompt(episode, sample, packed.grid[1] * packed.grid[2] // 4) + sample.reply + "<|im_end|>"
        ids = torch.tensor([tokenizer.encode(text, add_special_tokens=False).ids])
        stock = model(
            input_ids=ids,
            pixel_values=packed.patches,
            image_grid_thw=torch.tensor([packed.grid]),
            mm_token_type_ids=(ids == model.config.image_token_id).long(),
        ).logits[0]
        length = ids.shape[1] - len(packed.prefix)
        worst = max(worst, (model.lm_head(hidden[k, :length]) - stock[-length:]).abs().max().item())
    print(f"largest logit difference {worst:.2e}")
    assert worst < 1e-4


def test_pointers_aim_at_the_coordinates_of_the_right_line(pools: Pools, tokenizer: Tokenizer) -> None:
    episode = make_episode(pools, "aim", 25, 12)
    packed = Packer(tokenizer).pack(episode, random.Random(1))
    aim = packed.targets["point"]
    rows, tokens = packed.reads["point"]
    clicks = [k for k, sample in enumerate(packed.samples) if "click" in sample.call.arguments["action"]]
    assert len(rows) == 2 * len(clicks) > 0
    for row, token in zip(rows.tolist(), tokens.tolist(), strict=True):
        k, s = aim.rows[row].tolist()
        place = int(aim.keys[row].nonzero()[0, 0])
        assert packed.prefix[place] == packed.labels[k, s] == token
