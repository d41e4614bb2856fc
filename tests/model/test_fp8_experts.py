"""FP8 checkpoints of the mixtures: experts come with their scales, however they are stored."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_checkpoint import change
from test_engine import Talk, free, generated
from tiny_qwen import make_checkpoint

from model.qwen3vl.checkpoint import CheckpointError, load
from model.qwen3vl.engine import Engine

BLOCK = 32
TOLD = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK],
        "modules_to_not_convert": ["lm_head", "model.visual", "mlp.gate"]}  # fmt: skip
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """No stack of it is square, so that rows and columns cannot be taken for each other."""
    folder = tmp_path_factory.mktemp("checkpoints") / "mixture"
    return load(make_checkpoint(folder, seed=5, moe=True, text_config__moe_intermediate_size=96), dtype="float32")


def blocks(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """FP8 and a scale for each block of the last two dimensions."""
    rows, columns = weight.shape[-2] // BLOCK, weight.shape[-1] // BLOCK
    cut = weight.reshape(*weight.shape[:-2], rows, BLOCK, columns, BLOCK)
    scale = cut.abs().amax((-3, -1)) / 448
    small = (cut / scale[..., :, None, :, None]).to(torch.float8_e4m3fn)
    return small.reshape(weight.shape).contiguous(), scale.contiguous()


def turned(name: str, weight: torch.Tensor) -> Weights:
    """As the mixtures are published: rows and columns of a stack exchanged."""
    small, scale = blocks(weight.transpose(1, 2))
    return {name: small, f"{name}_scale_inv": scale}


def stacked(name: str, weight: torch.Tensor) -> Weights:
    """As transformers saves them."""
    small, scale = blocks(weight)
    return {name: small, f"{name}_scale_inv": scale}


def apart(name: str, weight: torch.Tensor) -> Weights:
    """Expert by expert, gate and up for themselves."""
    found: Weights = {}
    base, _, kind = name.rpartition(".")
    for number, expert in enumerate(weight):
        parts = expert.chunk(2) if kind == "gate_up_proj" else (expert,)
        names = ("gate_proj", "up_proj") if kind == "gate_up_proj" else ("down_proj",)
        for part, called in zip(parts, names, strict=True):
            small, scale = blocks(part)
            found[f"{base}.{number}.{called}.weight"] = small
            found[f"{base}.{number}.{called}.weight_scale_inv"] = scale
    return found


def fp8_copy(source: Path, folder: Path, expert: Any) -> Path:
    """The same checkpoint with attention and experts as FP8."""
    shutil.copytree(source, folder)
    found: Weights = {}
    for name, weight in load_file(folder / "model.safetensors").items():
        if ".mlp.experts." in name:
            found |= expert(name, weight)
        elif re.search(r"self_attn\.\w_proj\.weight$", name):
            found[name], found[f"{name}_scale_inv"] = blocks(weight)
        else:
            found[name] = weight
    save_file(found, folder / "model.safetensors", {"format": "pt"})
    change(folder / "config.json", "quantization_config", TOLD)
    return folder


@pytest.mark.parametrize("expert", [turned, stacked, apart])
def test_experts_are_widened_with_their_scales(exact: Any, tmp_path: Path, expert: Any) -> None:
    small = load(fp8_copy(exact.path, tmp_path / "fp8", expert), device="cpu", dtype="float32")
    seen = 0
    for name, weight in exact.network.named_parameters():
        other = small.network.get_parameter(name)
        assert other.dtype == torch.float32
        if "experts" in name or ("self_attn" in name and weight.ndim == 2):
            assert 0 < float((other - weight).abs().max() / weight.abs().max()) < 0.07, name
            seen += 1
        else:
            assert torch.equal(other, weight), name
    assert seen == 3 * 6
    encoded = Talk(exact, 1).turn()
    wanted, found = (Engine(one.network).last_logits(encoded) for one in (exact, small))
    assert 0 < float((wanted - found).norm() / wanted.norm()) < 0.3
    assert Engine(small.network).reply(encoded, free(exact, 10)).ids == generated(small, encoded, 10)


def test_stacks_stored_as_they_are_published_are_turned(exact: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(exact.path, tmp_path / "published")
    weights = load_file(folder / "model.safetensors")
    for name in [key for key in weights if ".mlp.experts." in key]:
        weights[name] = weights[name].transpose(1, 2).contiguous()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    other = load(folder, dtype="float32").network
    assert all(torch.equal(other.get_parameter(name), value) for name, value in exact.network.named_parameters())


@pytest.mark.parametrize("expert", [turned, apart])
def test_what_stays_fp8_has_its_scales_in_place(
    exact: Any, tmp_path: Path, expert: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading alone: nothing here computes in FP8. The weights are multiplied out by hand."""
    from model.qwen3vl import checkpoint as opened_by

    folder = fp8_copy(exact.path, tmp_path / "fp8", expert)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    network = opened_by._load_network(opened_by.open_folder(folder), torch.bfloat16, "sdpa", None, None, True)
    experts = network.model.language_model.layers[1].mlp.experts
    whole = exact.network.model.language_model.layers[1].mlp.experts
    for name in ("gate_up_proj", "down_proj"):
        small, scale = getattr(experts, name).detach(), getattr(experts, f"{name}_scale_inv").detach()
        weight = getattr(whole, name)
        assert (small.dtype, scale.dtype, small.shape) == (torch.float8_e4m3fn, torch.float32, weight.shape)
        out = small.float() * scale.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
        assert 0 < float((out - weight).abs().max() / weight.abs().max()) < 0.07
    query = network.model.language_model.layers[1].self_attn.q_proj
    assert query.weight.dtype == torch.float8_e4m3fn and query.weight_scale_inv.shape == (2, 2)


def without_config(folder: Path) -> None:
    change(folder / "config.json", "quantization_config", None)


def without_scales(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if not name.endswith("experts.down_proj_scale_inv")}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def with_others(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.language_model.layers.0.mlp.gate.input_scale"] = torch.ones(1, 1)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (without_config, "is FP8, expected a `quantization_config` in config.json"),
        (without_scales, "3 FP8 weights without model.language_model.layers.0.mlp.experts.down_proj_scale_inv"),
        (with_others, "1 scales belong to no weight, the first is model.language_model.layers.0.mlp.gate.input_scale"),
    ],
)
def test_scales_that_do_not_fit_are_one_line(exact: Any, tmp_path: Path, damage: Any, problem: str) -> None:
    folder = fp8_copy(exact.path, tmp_path / "fp8", turned)
    damage(folder)
    with pytest.raises(CheckpointError) as caught:
        load(folder, device="cpu", dtype="float32")
    assert problem in str(caught.value) and "\n" not in str(caught.value)
