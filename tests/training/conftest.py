"""What the training tests share: a small harvest, one tokenizer, tiny sizes."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("faker")

from tokenizers import Tokenizer

from model.training import tokenizer as tokens
from model.training.words import Pools, default_pools


@pytest.fixture(scope="session")
def pools() -> Pools:
    return default_pools()


@pytest.fixture(scope="session")
def tokenizer(pools: Pools) -> Tokenizer:
    return tokens.build(pools, merges=300)
