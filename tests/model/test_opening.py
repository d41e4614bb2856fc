"""What a checkpoint is opened with: memory first, quantised, FP8, longer than trained, over several GPUs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from test_checkpoint import change
from test_engine import Talk, free, generated

from model import memory
from model.base import ModelError
from model.family import MEMBERS, capacity, shape_of
from model.load import checkpoint_folder, load_model
from model.memory import Wanted, check, spread
from model.opening import Opening, opening
from model.qwen3vl import checkpoint as opened_by
from model.qwen3vl.checkpoint import CheckpointError, load
from model.qwen3vl.engine import Engine
from model.qwen3vl.yarn import stretched


def test_settings_stand_behind_the_name(tmp_path: Path) -> None:
    assert opening("/models/8B") == ("/models/8B", Opening())
    asked = "~/8B?weights=int8&context=1000000&device=cuda:1&dtype=bfloat16&attention=flash&threads=4"
    assert opening(asked) == ("~/8B", Opening("cuda:1", "bfloat16", "int8", "flash", 1000000, 4))
    odd = tmp_path / "what?weights=int8"
    odd.mkdir()
    assert opening(str(odd)) == (str(odd), Opening())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x?weight=int8", "no setting `weight`, did you mean `weights`"),
        ("x?colour=red", "expected one of device, dtype, weights"),
        ("x?weights=int2", "weights is `int2`, expected one of stored, int8, int4"),
        ("x?context=long", "context is `long`, expected a whole number"),
        ("x?", "no setting ``"),
    ],
)
def test_settings_that_cannot_be(text: str, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(text)
    assert problem in str(caught.value) and "\n" not in str(caught.value)


def wanted(**changes: Any) -> Wanted:
    told = {
        "shape": MEMBERS["8B"],
        "weights": "bfloat16",
        "number_bytes": 2,
        "screenshots": 8,
        "picture_px": 1280 * 1024,
    }
    return Wanted(**{**told, **changes})


def test_too_little_memory_is_one_line_with_what_would_fit() -> None:
    check(wanted(), 24 * 10**9, "cuda:0", "8B")
    with pytest.raises(ModelError) as caught:
        check(wanted(), 15 * 10**9, "cuda:0", "8B")
    said = str(caught.value)
    assert said.startswith("8B: needs 19.87 GB (weights 17.53, vision 0.53, cache 1.81)")
    assert "15.00 GB free on cuda:0; would fit: weights=int8, weights=int4, 8B-FP8, 4B" in said
    assert "\n" not in said
    with pytest.raises(ModelError, match="would fit: none of the published sizes"):
        check(wanted(), 10**9, "cpu", "8B")
    with pytest.raises(ModelError, match="GB free on cpu; would fit: a shorter context, "):
        check(wanted(context=262_144), 20 * 10**9, "cpu", "8B")
    with pytest.raises(ModelError, match=r"would fit: turns: 0 in the profile"):
        check(wanted(), int(wanted(screenshots=1).peak() + 1), "cuda:0", "8B")


def test_weights_that_are_quantised_in_ram_pass_through_it_whole() -> None:
    assert wanted(weights="int4").peak() < 12 * 10**9
    staged = wanted(weights="int4", stages_in_ram=True)
    assert staged.peak() > 17 * 10**9
    with pytest.raises(ModelError, match="needs 17"):
        check(staged, 12 * 10**9, "cpu", "8B")


def test_nothing_is_loaded_that_does_not_fit(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened_by, "free_bytes", lambda device: 100_000)
    monkeypatch.setattr(opened_by, "_load_network", lambda *_: pytest.fail("was loaded"))
    with pytest.raises(CheckpointError, match=r"needs .* GB .*0\.00 GB free on cpu; would fit: ") as caught:
        load(tiny_folder)
    assert "\n" not in str(caught.value)


def test_a_container_has_what_is_left_of_its_share(tmp_path: Path) -> None:
    assert memory._share(tmp_path) > 2**60
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert memory._share(tmp_path) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._share(tmp_path) > 2**60
    assert 0 < memory.free_bytes("cpu") < 2**50


@pytest.mark.parametrize("name", ["32B", "235B-A22B"])
def test_several_gpus_are_filled_in_order(name: str) -> None:
    shape = MEMBERS[name]
    count = 3 if name == "32B" else 8
    each = int(wanted(shape=shape).peak() / count * 1.15)
    placed = spread(wanted(shape=shape), [each] * count)
    layers = [placed[f"model.language_model.layers.{n}"] for n in range(shape.layers)]
    assert layers == sorted(layers) and set(layers) == set(range(count))
    assert placed["model.visual"] == placed["lm_head"] == 0 and placed["model.language_model.norm"] == layers[-1]
    with pytest.raises(ModelError, match=f"GB free on {count} GPUs; would fit: "):
        spread(wanted(shape=shape), [each // 2] * count)


@pytest.mark.parametrize("name", ["tiny", "moe"])
def test_every_part_of_a_checkpoint_is_given_a_place(name: str, request: pytest.FixtureRequest) -> None:
    """Every weight lies in a module that the map names, and every name is one. All places are the CPU here."""
    whole = request.getfixturevalue(name)
    shape = shape_of(json.loads((whole.path / "config.json").read_text()))
    placed: dict[str, Any] = dict.fromkeys(spread(wanted(shape=shape), [10**12, 10**12]), "cpu")
    network = opened_by._load_network(opened_by.open_folder(whole.path), torch.float32, "sdpa", None, placed, False)
    assert set(placed) <= {module for module, _ in network.named_modules()}
    assert all(any(weight.startswith(f"{part}.") for part in placed) for weight, _ in network.named_parameters())
    encoded = Talk(whole, 1).turn()
    network.eval().requires_grad_(False)
    found, exact = (Engine(one).reply(encoded, free(whole, 6)) for one in (network, whole.network))
    assert found.ids == exact.ids


def test_layers_on_two_devices_pass_on_what_goes_through_them(tiny: Any) -> None:
    """The second device is torch's meta device: it computes shapes alone, and refuses what lies elsewhere."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    from model.qwen3vl.attention import Causal
    from model.qwen3vl.cache import KeyValues
    from model.qwen3vl.decoder import Decoder

    network = Qwen3VLForConditionalGeneration(Qwen3VLConfig.from_dict(tiny.network.config.to_dict()))
    text = network.model.language_model
    for part in (text.layers[1:], text.norm, network.lm_head):
        part.to("meta")
    with torch.inference_mode():
        decoder, held = Decoder(network), KeyValues(3)
        assert not decoder.steady
        for new in (5, 4, 1):
            injected = (torch.arange(2), tuple(torch.zeros(2, 64) for _ in range(2))) if new > 1 else None
            positions = torch.zeros(3, new, dtype=torch.int64)
            hidden = decoder.forward(torch.zeros(new, 64), positions, held, injected, lambda: None)
            assert (hidden.shape, hidden.device.type) == ((1, 64), "meta")
            assert decoder.logits(hidden).shape == (1, 304)
        assert [layer.keys.device.type for layer in held.layers] == ["cpu", "meta", "meta"]
        cos = torch.zeros(2, 1, 16)
        with pytest.raises(RuntimeError, match="device"):
            decoder._layers[1].forward(torch.zeros(2, 64), cos, cos, held, 1, Causal(10, 2), False)


def text_bytes(network: Any) -> int:
    """What the decoder's layers take, quantised tensors by what they hold."""
    total = 0
    for weight in network.model.language_model.layers.parameters():
        names = getattr(weight, "tensor_data_names", None)
        total += sum(getattr(weight, name).nbytes for name in names) if names else weight.nbytes
    return total


@pytest.mark.parametrize(("kind", "share", "near"), [("int8", 0.35, 0.05), ("int4", 0.30, 0.8)])
@pytest.mark.parametrize("name", ["tiny", "moe"])
def test_quantised_on_load(name: str, kind: Any, share: float, near: float, request: pytest.FixtureRequest) -> None:
    whole = request.getfixturevalue(name)
    small = load(whole.path, dtype="float32", weights=kind)
    assert text_bytes(small.network) < share * text_bytes(whole.network)
    encoded = Talk(whole, 1).turn()
    wanted, found = (Engine(one.network).last_logits(encoded) for one in (whole, small))
    assert 0 < float((wanted - found).norm() / wanted.norm()) < near
    engine = Engine(small.network)
    reply = engine.reply(encoded, free(whole, 10))
    assert reply.ids == generated(small, encoded, 10)
    assert type(small.network.lm_head.weight) is type(whole.network.lm_head.weight)


def test_quantising_says_what_it_lacks(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from model.qwen3vl import quantise

    with pytest.raises(CheckpointError, match="computes in bfloat16 on a GPU"):
        quantise.require("int4", torch.device("cuda"), torch.float16)
    with pytest.raises(CheckpointError, match="rows of a multiple of 32 numbers, got 48"):
        quantise._config("int4", 48, torch.device("cpu"))
    monkeypatch.setattr(quantise, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match="weights=int8 needs torchao"):
        load(tiny_folder, weights="int8")


def fp8_copy(source: Path, folder: Path, block: int = 32) -> Path:
    """The same checkpoint with the decoder's linear weights as FP8 and a scale for each block."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder)
    weights = load_file(folder / "model.safetensors")
    for name in [key for key in weights if ".layers." in key and key.endswith("_proj.weight")]:
        weight = weights[name]
        rows, columns = weight.shape[0] // block, weight.shape[1] // block
        blocks = weight.view(rows, block, columns, block)
        scale = blocks.abs().amax((1, 3)) / 448
        weights[name] = (blocks / scale[:, None, :, None]).to(torch.float8_e4m3fn).view_as(weight).contiguous()
        weights[name.replace(".weight", ".weight_scale_inv")] = scale
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    told = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [block, block]}
    change(
        folder / "config.json", "quantization_config", {**told, "modules_to_not_convert": ["lm_head", "model.visual"]}
    )
    return folder


def test_fp8_is_widened_where_nothing_computes_in_it(tiny: Any, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("on a GPU it may stay FP8")
    small = load(fp8_copy(tiny.path, tmp_path / "fp8"), dtype="float32")
    weight = small.network.model.language_model.layers[0].mlp.up_proj.weight
    exact = tiny.network.model.language_model.layers[0].mlp.up_proj.weight
    assert weight.dtype == torch.float32 and 0 < float((weight - exact).abs().max() / exact.abs().max()) < 0.07
    encoded = Talk(tiny, 1).turn()
    wanted, found = (Engine(one.network).last_logits(encoded) for one in (tiny, small))
    assert 0 < float((wanted - found).norm() / wanted.norm()) < 0.3
    assert Engine(small.network).reply(encoded, free(tiny, 10)).ids == generated(small, encoded, 10)


def test_other_quantisations_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "awq")
    change(folder / "config.json", "quantization_config", {"quant_method": "awq"})
    with pytest.raises(CheckpointError, match="weights quantised by `awq`, expected fp8 or none"):
        load(folder)


def test_flash_attention_is_refused_where_it_cannot_run(tiny_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="attention=flash needs the flash-attn package"):
        load(tiny_folder, attention="flash")


def test_flash_attention_is_taken_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened_by, "find_spec", lambda name: object())
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert opened_by.pick_attention("auto", gpu, torch.bfloat16) == "flash_attention_2"
    assert opened_by.pick_attention("sdpa", gpu, torch.bfloat16) == "sdpa"
    assert opened_by.pick_attention("auto", cpu, torch.bfloat16) == "sdpa"
    with pytest.raises(CheckpointError, match="wants a GPU and half precision, got cpu and float32"):
        opened_by.pick_attention("flash", cpu, torch.float32)


def test_published_factors() -> None:
    text = {
        "max_position_embeddings": 262_144,
        "rope_theta": 5e6,
        "rope_scaling": {"rope_type": "default", "mrope_section": [24, 20, 20]},
    }
    assert stretched(text, 262_144, "x") is None
    for context, factor in ((300_000, 2.0), (524_288, 2.0), (600_000, 3.0), (1_000_000, 3.0)):
        found = stretched(text, context, "x")
        assert found is not None and found["max_position_embeddings"] == context
        assert found["rope_parameters"] == {
            "rope_type": "yarn", "factor": factor, "original_max_position_embeddings": 262_144, "rope_theta": 5e6,
            "mrope_section": [24, 20, 20]}  # fmt: skip
    with pytest.raises(CheckpointError, match="the published factors reach 1000000"):
        stretched(text, 1_000_001, "x")


def test_a_longer_context_is_transformers_own_yarn(tiny_folder: Path, tmp_path: Path) -> None:
    """Frequencies, and whole replies, against transformers given the published config by hand."""
    import transformers

    folder = shutil.copytree(tiny_folder, tmp_path / "short")
    change(folder / "config.json", "text_config.max_position_embeddings", 32)
    long = load(folder, dtype="float32", context=96)
    by_hand = shutil.copytree(folder, tmp_path / "by_hand")
    rope = json.loads((folder / "config.json").read_text())["text_config"]["rope_parameters"]
    rope = {**rope, "rope_type": "yarn", "factor": 3.0, "original_max_position_embeddings": 32}
    change(by_hand / "config.json", "text_config.rope_parameters", rope)
    change(by_hand / "config.json", "text_config.max_position_embeddings", 96)
    theirs = transformers.Qwen3VLForConditionalGeneration.from_pretrained(by_hand, dtype=torch.float32).eval()
    mine = long.network.model.language_model.rotary_emb
    assert torch.equal(mine.inv_freq, theirs.model.language_model.rotary_emb.inv_freq)
    assert mine.attention_scaling == theirs.model.language_model.rotary_emb.attention_scaling > 1
    plain = load(folder, dtype="float32")
    assert not torch.equal(mine.inv_freq, plain.network.model.language_model.rotary_emb.inv_freq)

    processor, said = long.processor, "A long story about a mouse, " * 2
    encoded = processor.encode([{"role": "user", "content": said}], [])
    assert 32 < len(encoded.ids) <= 96
    ids = torch.from_numpy(encoded.ids)[None]
    wanted = theirs.generate(input_ids=ids, max_new_tokens=8, do_sample=False)[0, ids.shape[1] :].tolist()
    assert Engine(long.network, most_tokens=long.most_tokens).reply(encoded, free(long, 8)).ids == wanted
    with pytest.raises(ModelError, match="positions, the checkpoint knows 32"):
        Engine(plain.network).reply(encoded, free(plain, 8))
    with pytest.raises(ModelError, match="opened with context=40: show fewer turns"):
        Engine(long.network, most_tokens=40).reply(encoded, free(long, 8))


def test_a_longer_context_asks_for_memory_first(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = shape_of(json.loads((tiny_folder / "config.json").read_text()))
    long = Wanted(shape, "float32", 4, 8, 1280 * 1024, context=400_000)
    assert long.needs().cache == 4 * capacity(400_000) * shape.cache_values >= 4 * 400_000 * shape.cache_values
    monkeypatch.setattr(opened_by, "free_bytes", lambda device: long.peak() - 1)
    with pytest.raises(CheckpointError, match=r"400000 tokens; .* would fit: a shorter context"):
        load(tiny_folder, context=400_000, dtype="float32")


def test_a_name_of_the_hub_is_looked_for_where_it_was_pulled_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    for name in ("8B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"):
        with pytest.raises(ModelError, match=f"is not here, .*: agent model pull {name}"):
            checkpoint_folder(name)
    (tmp_path / "checkpoints/Qwen3-VL-8B-Instruct").mkdir(parents=True)
    (tmp_path / "checkpoints/Qwen3-VL-8B-Instruct/config.json").write_text("{}")
    assert checkpoint_folder("Qwen/Qwen3-VL-8B-Instruct") == Path("checkpoints/Qwen3-VL-8B-Instruct")
    with pytest.raises(ModelError, match="no model `gpt`"):
        checkpoint_folder("gpt")
