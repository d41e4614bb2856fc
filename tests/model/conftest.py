"""Tiny checkpoints, built once per session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read once, when torch is imported; see model.load


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_qwen import make_checkpoint

    return make_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Any:
    from model.qwen3vl.checkpoint import load

    return load(tiny_folder, dtype="float32")


@pytest.fixture(scope="session")
def moe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tiny_qwen import make_checkpoint

    from model.qwen3vl.checkpoint import load

    return load(make_checkpoint(tmp_path_factory.mktemp("checkpoints") / "moe", seed=3, moe=True), dtype="float32")
