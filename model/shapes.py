"""Published sizes with random weights on a GPU: how near the engine comes to what the device can do.

Run as `agent bench model --shapes 2B,4B,8B`, or where nothing but the model's own packages is installed as
`python -m model.shapes 2B,4B,8B --out FOLDER`, which draws the charts as well. A network's speed does not depend on its
weights, so nothing is fetched: tokenizer, template and image rules are those of the built-in checkpoint, the network is
random in bfloat16. The limits are measured on the same device in the same process: the rate of a large matrix product,
and of copying memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from model.base import ModelError
from model.family import MEMBERS, Shape

__all__ = ["against_limits", "compare_shapes", "random_checkpoint", "table"]

SCREEN = (1920, 1080)
STEPS = (1, 5, 10, 20)


def compare_shapes(
    names: Sequence[str],
    steps: Sequence[int] = STEPS,
    repeat: int = 3,
    device: str = "auto",
    screen: tuple[int, int] = SCREEN,
) -> dict[str, Any]:
    """Measure each size on the GPU, or where else it is told to.

    Args:
        names: of published sizes, dense or not.
        steps: as for `bench.compare`.
        repeat: as for `bench.compare`.
        device: `auto` is the GPU and nothing else; `cpu` computes in float32.
        screen: width and height of the screenshots.

    Returns:
        `device`, `bandwidth_gb_s` and `matrix_tflops` as measured, and `shapes`: what `bench.compare` returns for each
        size, with `decode_share` and `prefill_share` of those limits.

    Raises:
        ModelError: no GPU, an unknown size, or too little memory for one.
    """
    import torch

    unknown = [name for name in names if name not in MEMBERS]
    if unknown or not names:
        raise ModelError(f"no size `{', '.join(unknown)}`, expected some of {', '.join(MEMBERS)}")
    if device == "auto" and not torch.cuda.is_available():
        raise ModelError("--shapes measures a GPU and torch finds no CUDA: --device cpu measures them here")
    from model.bench import measured
    from model.memory import Wanted, check, free_bytes
    from model.qwen3vl.checkpoint import pick_device

    where = pick_device(device)
    gpu, pixels = where.type == "cuda", screen[0] * screen[1]
    dtype = torch.bfloat16 if gpu else torch.float32
    size, side = (2**30, 8192) if gpu else (2**26, 1024)
    limits = {"bandwidth_gb_s": _bandwidth(where, size), "matrix_tflops": _matrix_rate(where, side, dtype)}
    found: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for name in names:
        shape = MEMBERS[name]
        kind, number = ("bfloat16", 2) if gpu else ("float32", 4)
        check(Wanted(shape, kind, number, max(steps), pixels), free_bytes(device), where.type, name)
        opened = random_checkpoint(shape, where, dtype, pixels)
        if gpu:
            torch.cuda.reset_peak_memory_stats(where)
        said = measured(opened, steps, screen, pixels, repeat)
        found[name] = {**said, "checkpoint": name, **against_limits(said, shape, **limits, number_bytes=number)}
        del opened
        if gpu:
            torch.cuda.empty_cache()
    return {"device": said["device"], **limits, "shapes": found}


def random_checkpoint(shape: Shape, device: Any, dtype: Any, most: int = SCREEN[0] * SCREEN[1]) -> Any:
    """A `Checkpoint` of a shape with random weights, the built-in checkpoint's tokenizer and image rules around it.

    Pictures of up to `most` pixels are shown whole.
    """
    import torch
    import transformers

    from model.load import checkpoint_folder
    from model.profile import read_profile
    from model.qwen3vl.checkpoint import Checkpoint, linear_patch_embedding, without_weights

    folder = checkpoint_folder("pilot")
    tokenizer, processor, config = without_weights(folder)
    ids = {key: value for key, value in config.items() if key.endswith("_token_id")}
    moe = bool(shape.experts)
    kind: Any = transformers.Qwen3VLMoeForConditionalGeneration if moe else transformers.Qwen3VLForConditionalGeneration
    made = kind.config_class(
        **ids, text_config=_text(shape), vision_config=_vision(shape), tie_word_embeddings=shape.tied
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            network = kind(made)
    finally:
        torch.set_default_dtype(before)
    network.eval().requires_grad_(False)
    linear_patch_embedding(network)
    profile = read_profile(folder)
    profile = profile.model_copy(update={"max_pixels": profile.max_pixels.model_copy(update={"both": most})})
    rules = replace(processor.rules, max_pixels=most)
    processor.rules = rules
    return Checkpoint(folder, network, tokenizer, processor, profile, torch.device(device), dtype)


def _text(shape: Shape) -> dict[str, Any]:
    half = shape.head // 2
    third = half * 5 // 16
    rope = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [half - 2 * third, third, third]}
    experts = {
        "num_experts": shape.experts, "num_experts_per_tok": shape.active, "moe_intermediate_size": shape.between,
    }  # fmt: skip
    return {
        "vocab_size": shape.vocabulary, "hidden_size": shape.hidden, "intermediate_size": shape.between,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.groups,
        "head_dim": shape.head, "max_position_embeddings": 262_144, "tie_word_embeddings": shape.tied,
        "rope_parameters": {**rope, "mrope_interleaved": True}, **(experts if shape.experts else {}),
    }  # fmt: skip


def _vision(shape: Shape) -> dict[str, Any]:
    last = shape.vision_layers - 1
    heads = 16 if shape.vision_hidden >= 1024 else max(1, shape.vision_hidden // 32)
    indexes = [last * (level + 1) // (shape.levels + 1) for level in range(shape.levels)]
    return {
        "depth": shape.vision_layers, "hidden_size": shape.vision_hidden, "intermediate_size": shape.vision_between,
        "num_heads": heads, "out_hidden_size": shape.hidden,
        "num_position_embeddings": shape.places, "deepstack_visual_indexes": indexes,
    }  # fmt: skip


def against_limits(
    said: dict[str, Any], shape: Shape, bandwidth_gb_s: float, matrix_tflops: float, number_bytes: int = 2
) -> dict[str, float]:
    """Shares of the device's limits, at the last step measured, weights and cache in numbers of so many bytes.

    `decode_share`: bytes of weights, keys and values that a token must read, over what could be read in its time.
    `prefill_share`: multiplications of the first step's decoder and vision tower, over what could be done in its time.
    """
    last, first = max(said["steps"]), min(said["steps"])
    row, start = said["steps"][last], said["steps"][first]
    read = number_bytes * (shape.text_parameters - (0 if shape.tied else shape.vocabulary * shape.hidden))
    if shape.experts:
        read -= number_bytes * shape.layers * 3 * shape.hidden * shape.between * (shape.experts - shape.active)
    read += number_bytes * shape.cache_values * row["prompt_tokens"]
    products = _products(shape, start["prompt_tokens"], start["picture_tokens"])
    return {
        "decode_share": round(read / row["free"]["per_token_s"] / (bandwidth_gb_s * 1e9), 3),
        "prefill_share": round(products / start["engine"]["prefill_s"] / (matrix_tflops * 1e12), 3),
    }


def _products(shape: Shape, tokens: int, picture_tokens: int) -> float:
    """Floating-point operations to prefill a prompt of one picture: two a weight and token, and attention's own."""
    between = 3 * shape.hidden * shape.between * max(1, shape.active)
    projections = shape.hidden * shape.head * (2 * shape.heads + 2 * shape.groups)
    attention = 2 * tokens * shape.heads * shape.head  # half of 4 N A D: each token sees those before it
    decoder = shape.layers * tokens * (2 * (between + projections) + attention)
    patches = 4 * picture_tokens
    v = shape.vision_hidden
    block = 2 * (4 * v * v + 2 * v * shape.vision_between) + 4 * patches * v
    merged = (1 + shape.levels) * 2 * (4 * v * 4 * v + 4 * v * shape.hidden)
    embedded = 2 * 3 * 2 * 16 * 16 * v
    vision = patches * (shape.vision_layers * block + embedded) + picture_tokens * merged
    return float(decoder + vision)


def _timed(work: Callable[[], Any], wait: Callable[[], Any], times: int = 20) -> float:
    """Seconds of one call, the best of three rounds of many."""
    best = float("inf")
    work()
    for _ in range(3):
        wait()
        began = time.perf_counter()
        for _ in range(times):
            work()
        wait()
        best = min(best, (time.perf_counter() - began) / times)
    return best


def _bandwidth(device: Any, count: int = 2**30) -> float:
    """GB a second, reading and writing together."""
    import torch

    source = torch.zeros(count, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return round(2 * count / _timed(lambda: target.copy_(source), _wait(device)) / 1e9, 1)


def _matrix_rate(device: Any, side: int = 8192, dtype: Any = None) -> float:
    """Tera-operations a second of a square product, in bfloat16 unless another format is given."""
    import torch

    left, right = (torch.randn(side, side, dtype=dtype or torch.bfloat16, device=device) for _ in range(2))
    return round(2 * side**3 / _timed(lambda: left @ right, _wait(device)) / 1e12, 4)


def _wait(device: Any) -> Callable[[], Any]:
    import torch

    return torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None


def table(found: dict[str, Any]) -> str:
    """What `compare_shapes` found, for people."""
    from model.bench import table as one

    lines = [f"{found['device']}: {found['bandwidth_gb_s']:.0f} GB/s, {found['matrix_tflops']:.0f} TFLOP/s measured"]
    for said in found["shapes"].values():
        lines.append(one(said))
        lines.append(f"decoding at {said['decode_share']:.0%} of the bandwidth, prefill at {said['prefill_share']:.0%}")
    return "\n".join(lines)


def _main() -> int:
    import argparse
    import json
    import sys
    from pathlib import Path

    options = argparse.ArgumentParser(prog="python -m model.shapes", description=(__doc__ or "").split("\n")[0])
    options.add_argument("sizes", help="published sizes, 2B,4B,8B")
    options.add_argument("--repeat", type=int, default=3, help="how often each is timed (3)")
    options.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (auto: a GPU)")
    options.add_argument("--steps", default="1,5,10,20", help="turns of the conversation (1,5,10,20)")
    options.add_argument("--screen", default="1920x1080", help="of the screenshots (1920x1080)")
    options.add_argument("--out", type=Path, help="folder for shapes.json and a chart of each size")
    given = options.parse_args()
    try:
        steps = [int(step) for step in given.steps.split(",")]
        width, height = (int(side) for side in given.screen.split("x"))
        names = [name.strip() for name in given.sizes.split(",") if name.strip()]
        found = compare_shapes(names, steps, given.repeat, given.device, (width, height))
    except (ModelError, ValueError) as problem:
        print(f"model.shapes: {problem}", file=sys.stderr)
        return 2
    print(table(found))
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "shapes.json").write_text(json.dumps(found), encoding="utf-8")
        from model.chart import main

        return main([str(given.out / "shapes.json"), str(given.out / "model-gpu.png")])
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
