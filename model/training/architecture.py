"""The pilot's configuration of the real Qwen3-VL classes, and the checks that the library does not make.

Several mistakes in such a configuration run without an error and only train badly; `check` names them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

__all__ = ["PIXELS_BOTH", "PROFILE", "Sizes", "build", "check", "configuration", "write_companions"]

PIXELS_BOTH = 65_536
PATCH, MERGE = 16, 2


@dataclass(frozen=True)
class Sizes:
    """What may be varied."""

    text_hidden: int = 256
    text_layers: int = 7
    text_heads: int = 4
    text_kv_heads: int = 2
    text_inner: int = 512
    vision_hidden: int = 192
    vision_depth: int = 4
    vision_heads: int = 6
    vision_inner: int = 576
    deepstack: tuple[int, ...] = (0, 1, 2)
    positions: int = 400


def configuration(tokenizer: Tokenizer, sizes: Sizes) -> Qwen3VLConfig:
    """The config for one tokenizer; the vocabulary is rounded up to a multiple of 16."""
    ids = {
        name: tokenizer.token_to_id(name)
        for name in ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    }
    end, pad = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    vocab = -(-tokenizer.get_vocab_size() // 16) * 16
    text = {
        "vocab_size": vocab, "hidden_size": sizes.text_hidden, "intermediate_size": sizes.text_inner,
        "num_hidden_layers": sizes.text_layers, "num_attention_heads": sizes.text_heads,
        "num_key_value_heads": sizes.text_kv_heads, "head_dim": 64, "max_position_embeddings": 16_384,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [12, 10, 10], "mrope_interleaved": True},
        "tie_word_embeddings": True, "eos_token_id": end, "pad_token_id": pad, "bos_token_id": None, "rms_norm_eps": 1e-6,
    }  # fmt: skip
    vision = {
        "depth": sizes.vision_depth, "hidden_size": sizes.vision_hidden, "num_heads": sizes.vision_heads,
        "intermediate_size": sizes.vision_inner, "patch_size": PATCH, "spatial_merge_size": MERGE, "temporal_patch_size": 2,
        "out_hidden_size": sizes.text_hidden, "deepstack_visual_indexes": list(sizes.deepstack),
        "num_position_embeddings": sizes.positions,
    }  # fmt: skip
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def check(config: Qwen3VLConfig, vocab: int) -> None:
    """Refuse what would run silently and be wrong.

    Raises:
        ValueError: names the field and what it should be.
    """
    text, vision = config.text_config, config.vision_config
    sections = text.rope_parameters["mrope_section"]
    side = int(vision.num_position_embeddings**0.5)
    levels = vision.deepstack_visual_indexes
    wrong = {
        "mrope_section must add up to half of head_dim": sum(sections) != text.head_dim // 2,
        "height and width sections must fit in head_dim // 2": max(sections[1:]) * 3 > text.head_dim // 2 + 2,
        "deepstack indexes must lie below the vision depth": any(index >= vision.depth for index in levels),
        "there must be at least as many text layers as deepstack levels": len(levels) > text.num_hidden_layers,
        "num_position_embeddings must be a square": side * side != vision.num_position_embeddings,
        "the vision head dimension must be a multiple of 4": vision.hidden_size // vision.num_heads % 4 != 0,
        "out_hidden_size must equal the text hidden size": vision.out_hidden_size != text.hidden_size,
        "embeddings must be tied at both levels": not (config.tie_word_embeddings and text.tie_word_embeddings),
        "special ids must lie inside the vocabulary": max(config.image_token_id, config.vision_end_token_id)
        >= text.vocab_size,
        "the vocabulary must hold every token": vocab > text.vocab_size,
    }
    for problem, holds in wrong.items():
        if holds:
            raise ValueError(problem)


def build(tokenizer: Tokenizer, sizes: Sizes, seed: int) -> Qwen3VLForConditionalGeneration:
    """A model with random float32 weights."""
    config = configuration(tokenizer, sizes)
    check(config, tokenizer.get_vocab_size())
    torch.manual_seed(seed)
    model = Qwen3VLForConditionalGeneration(config)
    model.tie_weights()
    for layer in model.model.language_model.layers:
        torch.nn.init.constant_(layer.self_attn.q_norm.weight, 1.5)
    assert model.lm_head.weight is model.model.language_model.embed_tokens.weight
    return model


PROFILE = """protocol: computer_use
turns: 0            # earlier steps as whole turns
with_goal: false
perception: [both, pixels]  # pixels: through its reading heads
max_pixels: {both: 65536, pixels: 1048576}
max_new_tokens: 120
action_line: false
points: named       # presses only what the node list and, where it can, the instruction name
words: instruction  # types only what the task or its words give
deadline_s: 30
"""

_IMAGES: dict[str, Any] = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "rescale_factor": 1 / 255, "resample": 3,
    "patch_size": PATCH, "temporal_patch_size": 2, "merge_size": MERGE,
    "size": {"shortest_edge": 1024, "longest_edge": PIXELS_BOTH},
}  # fmt: skip


def write_companions(folder: Path, tokenizer: Tokenizer) -> None:
    """Everything in the folder that is neither weights, config nor tokenizer."""
    end, pad = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    files = {
        "generation_config.json": {"do_sample": False, "eos_token_id": end, "pad_token_id": pad, "max_new_tokens": 120},
        "preprocessor_config.json": _IMAGES,
        "processor_config.json": {"image_processor": _IMAGES, "processor_class": "Qwen3VLProcessor"},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
