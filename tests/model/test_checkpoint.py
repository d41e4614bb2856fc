"""A folder that cannot work says so in one line, before its weights are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from model.base import ModelError
from model.qwen3vl.checkpoint import CheckpointError, digest, linear_patch_embedding, load, pick_device
from model.qwen3vl.checks import open_folder


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_folder, tmp_path / "copy")


def change(path: Path, dotted: str, value: Any) -> None:
    """Set one key of a JSON file; None removes it."""
    data = json.loads(path.read_text())
    part, *rest = data, *dotted.split(".")
    for key in rest[:-1]:
        part = part[key]
    if value is None:
        del part[rest[-1]]
    else:
        part[rest[-1]] = value
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("dotted", "value", "problem"),
    [
        ("model_type", "llama", "model_type `llama`, expected qwen3_vl"),
        ("text_config", None, "no `text_config`"),
        ("text_config.rope_parameters.mrope_section", [24, 20, 20], "sums to 64, expected head_dim / 2 = 8"),
        ("text_config.rope_parameters.mrope_section", [1, 1, 1], "sums to 3"),
        ("text_config.rope_parameters.mrope_section", [2, 3, 3], "reaches past"),
        ("text_config.rope_parameters.mrope_interleaved", False, "mrope_interleaved is false"),
        ("text_config.num_key_value_heads", 3, "multiple of num_key_value_heads"),
        ("vision_config.deepstack_visual_indexes", [0, 9], "below depth 3"),
        ("vision_config.deepstack_visual_indexes", [2, 0], "must rise"),
        ("text_config.num_hidden_layers", 1, "2 deepstack levels for 1 text layers"),
        ("vision_config.num_position_embeddings", 63, "63 is no square"),
        ("vision_config.num_heads", 16, "whole multiple of 4"),
        ("vision_config.out_hidden_size", 32, "differs from text hidden_size"),
        ("image_token_id", 5, "is 261 in the tokenizer and 5 as image_token_id"),
        ("text_config.vocab_size", 200, "expected below vocab_size 200"),
        ("vision_config.patch_size", 8, "patch_size is 16 in the preprocessor config and 8"),
    ],
)
def test_silent_config_mistakes_are_named(folder: Path, dotted: str, value: Any, problem: str) -> None:
    change(folder / "config.json", dotted, value)
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def cut(name: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-100])

    return apply


def shards(folder: Path) -> None:
    table = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(table))
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")


def escape(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../x.safetensors"}}))


def drop_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights.pop(sorted(name for name in weights if "mlp" in name)[0])
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def wrong_shape(folder: Path) -> None:
    change(folder / "config.json", "text_config.intermediate_size", 80)


def no_pad_token(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("<|image_pad|>", "<|image_dap|>"))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "not JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "expected a JSON object"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "found pytorch_model.bin"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"ab"), "no safetensors file"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 5000), "the header says"),
        (cut("model.safetensors"), "cut or damaged"),
        (cut("tokenizer.json"), "the tokenizer does not load"),
        (shards, "shard model-00002-of-00002.safetensors named in model.safetensors.index.json is missing"),
        (escape, "lies outside the folder"),
        (drop_weight, "1 weights are missing"),
        (wrong_shape, "do not load"),
        (no_pad_token, "the tokenizer has no <|image_pad|>"),
        (lambda folder: (folder / "profile.yaml").write_text("turn: 3"), "unknown key `turn`, did you mean `turns`"),
    ],
)
def test_damaged_folders_are_one_line(folder: Path, damage: Callable[[Path], Any], problem: str) -> None:
    damage(folder)
    with pytest.raises(ModelError) as caught:
        load(folder)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        open_folder(tmp_path / "nothing")


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(CheckpointError, match="no device `abacus`"):
        pick_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(CheckpointError, match="finds no CUDA"):
            pick_device("cuda")


def test_the_digest_follows_every_shaping_file(folder: Path) -> None:
    seen = {digest(folder)}
    assert digest(folder) in seen
    (folder / "README.md").write_text("words")
    assert digest(folder) in seen
    (folder / "profile.yaml").write_text("turns: 1")
    seen.add(digest(folder))
    change(folder / "config.json", "image_token_id", 1)
    seen.add(digest(folder))
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert len(seen | {digest(folder)}) == 4


def test_the_patch_embedding_is_the_convolution(tiny_folder: Path) -> None:
    import transformers

    network = transformers.Qwen3VLForConditionalGeneration.from_pretrained(tiny_folder, dtype=torch.float32)
    patches = torch.randn(40, 1536)
    plain = network.model.visual.patch_embed(patches)
    linear_patch_embedding(network)
    assert torch.allclose(network.model.visual.patch_embed(patches), plain, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dtypes_are_obeyed(tiny_folder: Path, dtype: Any) -> None:
    checkpoint = load(tiny_folder, device="cpu", dtype=dtype)
    assert checkpoint.network.dtype == checkpoint.dtype == getattr(torch, dtype)


def test_loading_is_silent(tiny_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(tiny_folder)
    assert capfd.readouterr() == ("", "")


def test_a_thinking_edition_is_known_by_its_template(tmp_path: Path) -> None:
    from tiny_qwen import make_checkpoint

    checkpoint = load(make_checkpoint(tmp_path / "thinking", thinking=True))
    assert checkpoint.profile.thinking
    assert checkpoint.profile.sampling.top_p == 0.95
