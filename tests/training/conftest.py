"""What the training tests share: a small harvest, one tokenizer, tiny sizes."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("faker")

from tokenizers import Tokenizer

from model.training import tokenizer as tokens
from model.training.architecture import Sizes
from model.training.words import Pools, default_pools

TINY = Sizes(
    text_hidden=64,
    text_layers=6,
    text_heads=4,
    text_kv_heads=2,
    text_inner=64,
    vision_hidden=32,
    vision_heads=2,
    vision_inner=32,
)


@pytest.fixture(scope="session")
def pools() -> Pools:
    return default_pools()


@pytest.fixture(scope="session")
def tokenizer(pools: Pools) -> Tokenizer:
    return tokens.build(pools, merges=300)
