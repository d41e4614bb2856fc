"""Files to ask about, made here, and checkpoints to ask."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_files import make_film, make_paper
from PIL import Image

_MODEL_TESTS = str(Path(__file__).parents[1] / "model")
if _MODEL_TESTS not in sys.path:
    sys.path.append(_MODEL_TESTS)  # tiny_qwen makes checkpoints

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tiny_qwen import make_checkpoint

    torch.set_num_threads(1)
    return make_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", scaffold=False)


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Any:
    """Random weights, sampled hot: nothing but the grammar keeps a reply in form."""
    from model.profile import MaxPixels, Profile, Sampling
    from model.qwen3vl.checkpoint import load

    hot = Sampling(greedy=False, temperature=1.5, top_p=1.0, top_k=0, seed=1)
    profile = Profile(max_pixels=MaxPixels(both=8192, pixels=8192), max_new_tokens=40, sampling=hot)
    return dataclasses.replace(load(tiny_folder, dtype="float32"), profile=profile)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Noise as a picture file."""

    def made(name: str = "shot.png", width: int = 200, height: int = 120, seed: int = 0) -> Path:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return made


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "film.mp4")


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return make_paper(tmp_path / "paper.pdf")
