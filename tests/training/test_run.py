"""A run that is stopped and resumed ends with the same weights; silent configuration mistakes are refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from tiny_pilot import TINY
from tokenizers import Tokenizer

from model.training import architecture, checkpoint
from model.training.run import Options, Trainer
from model.training.words import Pools


def test_resuming_changes_nothing(pools: Pools, tmp_path: Path) -> None:
    options = Options(tmp_path / "out", tmp_path / "work", steps=4, tokens=200, sizes=TINY)
    straight = Trainer(options, pools)
    for _ in range(3):
        straight.step()
    first = Trainer(options, pools)
    first.step()
    first.save()
    second = Trainer(options, pools)
    assert second.load()
    for _ in range(2):
        second.step()
    for mine, theirs in zip(straight.optimiser.master, second.optimiser.master, strict=True):
        assert torch.equal(mine, theirs)


def test_a_written_folder_loads_and_stays_small(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = architecture.build(tokenizer, TINY, 0)
    checkpoint.write(model, tokenizer, tmp_path / "pilot")
    loaded, again = checkpoint.read(tmp_path / "pilot")
    assert loaded.lm_head.weight is loaded.model.language_model.embed_tokens.weight
    assert again.get_vocab_size() == tokenizer.get_vocab_size()
    assert max(path.stat().st_size for path in (tmp_path / "pilot").iterdir()) < 16e6


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"positions": 399}, "square"), ({"deepstack": (0, 1, 9)}, "depth"), ({"text_layers": 2}, "as many text layers")],
)
def test_silent_mistakes_are_named(tokenizer: Tokenizer, change: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        architecture.build(tokenizer, dataclasses.replace(TINY, **change), 0)
