"""Sizes by arithmetic against transformers' own modules, and fetching without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.base import ModelError
from model.family import MEMBERS, Shape, capacity, fitting, member, needs, repository, shape_of
from model.hub import PATTERNS, pull, resolve

PUBLISHED = {"2B": 2.13, "4B": 4.44, "8B": 8.77, "32B": 33.4, "30B-A3B": 31.1, "235B-A22B": 235.7}
"""Billions of parameters on the hub's pages."""


@pytest.mark.parametrize(("size", "billions"), PUBLISHED.items())
def test_every_published_size_has_its_published_number_of_parameters(size: str, billions: float) -> None:
    assert MEMBERS[size].parameters / 1e9 == pytest.approx(billions, rel=0.003)


@pytest.mark.parametrize("name", ["tiny", "moe"])
def test_the_arithmetic_is_that_of_the_network(name: str, request: pytest.FixtureRequest) -> None:
    checkpoint = request.getfixturevalue(name)
    shape = shape_of(json.loads((checkpoint.path / "config.json").read_text()))
    count = lambda module: sum(weight.numel() for weight in module.parameters())  # noqa: E731
    assert shape.parameters == count(checkpoint.network)
    assert shape.vision_parameters == count(checkpoint.network.model.visual)


def test_the_cache_is_what_the_engine_holds(tiny: Any) -> None:
    shape = shape_of(json.loads((tiny.path / "config.json").read_text()))
    text = tiny.network.config.text_config
    assert shape.cache_values == 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim


def test_buffers_have_the_room_that_is_counted(tiny: Any) -> None:
    import torch

    from model.qwen3vl.cache import KeyValues

    sizes = [capacity(n) for n in (1, 1024, 1025, 4096, 4097, 100_000, 1_000_000)]
    assert sizes == sorted(sizes) and sizes[:5] == [1024, 1024, 2048, 4096, 5120]
    assert all(
        n <= capacity(n) <= max(1024, 2 * n) and capacity(n) <= max(4096, 1.25 * n + 1024) for n in range(1, 10**6, 997)
    )
    held = KeyValues(1)
    for _ in range(40):
        held.update(torch.zeros(1, 1, 501, 2), torch.zeros(1, 1, 501, 2), 0)
        assert held.layers[0]._keys.shape[2] == capacity(held.get_seq_length())


def test_names_of_published_checkpoints() -> None:
    assert member("Qwen/Qwen3-VL-30B-A3B-Thinking-FP8") == ("30B-A3B", True)
    assert member("8B") == ("8B", False) and member("llama") is None
    assert repository("8B", "Thinking", True) == "Qwen/Qwen3-VL-8B-Thinking-FP8"
    assert resolve("4B-Thinking") == "Qwen/Qwen3-VL-4B-Thinking"
    assert resolve("someone/tuned") == "someone/tuned"
    for wrong in ("llama", "a/b/c", "/8B"):
        with pytest.raises(ModelError, match="expected owner/name or one of 2B"):
            resolve(wrong)


def test_more_history_and_wider_numbers_need_more() -> None:
    shape = MEMBERS["8B"]
    base = needs(shape)
    assert needs(shape, turns=20).cache > base.cache and needs(shape, turns=20).vision > base.vision
    assert needs(shape, 1.0).weights < base.weights < needs(shape, 4.0, number_bytes=4).weights
    assert needs(shape, 0.5).weights > shape.parameters * 0.5  # embeddings and vision stay as they are
    assert base.total == base.weights + base.vision + base.cache


def test_what_would_fit_is_listed_largest_first() -> None:
    assert fitting(0) == []
    assert fitting(24 * 10**9)[:2] == ["8B", "8B-FP8"]
    assert fitting(10**13)[0] == "235B-A22B"


def test_nothing_that_could_run_code_is_fetched() -> None:
    import fnmatch

    for name in ("pytorch_model.bin", "model.pt", "modeling_qwen.py", "x.pkl", "model.gguf"):
        assert not any(fnmatch.fnmatch(name, pattern) for pattern in PATTERNS)
    for name in ("model-00001-of-00002.safetensors", "model.safetensors.index.json", "chat_template.jinja"):
        assert any(fnmatch.fnmatch(name, pattern) for pattern in PATTERNS)


@pytest.mark.parametrize("name", ["../x", "a/b/c", "a b/c"])
def test_what_names_no_repository_is_a_usage_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.models import pull_model

    assert pull_model(name, tmp_path / "x") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "expected owner/name" in said


def test_without_a_network_pulling_is_one_clear_line(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys; from pathlib import Path; from model.hub import pull; from model.base import ModelError\n"
        "try: pull('8B', Path(sys.argv[1]))\n"
        "except ModelError as error: print(error)"
    )
    env = {"PATH": "", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "to")], capture_output=True, text=True, check=True, env=env
    )
    assert "Qwen/Qwen3-VL-8B-Instruct" in done.stdout and len(done.stdout.splitlines()) == 1
    assert "network" in done.stdout or "cannot fetch" in done.stdout


def test_too_little_memory_says_what_would_fit(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from agent import models

    monkeypatch.setattr(models, "_available", lambda: 13 * 10**9)
    assert models.model_info("8B", 4, 1280, "bfloat16", False) == 1
    said = capsys.readouterr()
    assert "too little memory; would fit: 8B-FP8, 4B, 4B-FP8, 2B, 2B-FP8" in said.err
    assert models.model_info("pilot", 4, 64, "float32", True) == 0
    assert json.loads(capsys.readouterr().out)["fits"] is True
    assert models.model_info("nothing", 4, 64, "float32", True) == 2
    assert models.model_info("30B-A3B-FP8", 4, 64, "auto", True) == 1
    small = json.loads(capsys.readouterr().out)
    assert small["dtype"] == "fp8" and small["weights_bytes"] < 33 * 10**9
    assert models.list_models(4, True) == 0
    assert len(json.loads(capsys.readouterr().out)["models"]) == len(MEMBERS)


def test_a_shape_of_experts_counts_all_of_them() -> None:
    one = Shape(1, 8, 1, 1, 4, 1, 8, 8, head=8, vocabulary=10, levels=0, places=4)
    many = Shape(1, 8, 1, 1, 4, 1, 8, 8, head=8, vocabulary=10, levels=0, places=4, experts=3, active=1)
    assert many.text_parameters - one.text_parameters == 2 * 3 * 8 * 4 + 8 * 3
    assert pull.__doc__
