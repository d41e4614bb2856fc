"""Tiny checkpoints with random weights: the real architecture, template and token names, a few layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from model.protocols import computer_use

SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEXTS = ("<tool_call>", "</tool_call>", "<think>", "</think>")
OPENING = '<tool_call>\n{"name": "computer_use", "arguments": {"action": "'
SCAFFOLD = (
    OPENING,
    'left_click", "coordinate": [',
    'type", "text": "',
    'key", "keys": ["',
    "]}}\n</tool_call>",
    '"}}\n</tool_call>',
    ", ",
    computer_use.system_text(),
)
TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.content is string %}{{- message.content }}{%- else %}{%- for part in message.content %}"
    "{%- if part.type == 'image' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif 'text' in part %}{{- part.text }}{%- endif %}{%- endfor %}{%- endif %}{{- '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def alphabet() -> list[str]:
    """The characters that stand for bytes 0..255 in byte-level tokenizers."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    table = bytes_to_unicode()
    return [table[byte] for byte in range(256)]


def _merged(vocab: dict[str, int]) -> list[tuple[str, str]]:
    """A few hundred merges such as a real vocabulary has: words, digits, and marks that run together."""
    table, pairs = alphabet(), []
    words = [
        "tool_call",
        "name",
        "computer_use",
        "arguments",
        "action",
        "coordinate",
        "left_click",
        "text",
        "keys",
        "status",
    ]
    for word in [
        *(f" {word}" for word in words),
        *words,
        '": "',
        '": [',
        '",',
        '"}}',
        "]}}",
        "}}\n",
        ', "',
        "\\n",
        "100",
        "1000",
        "</",
    ]:
        chars = [table[byte] for byte in word.encode()]
        for end in range(2, len(chars) + 1):
            left, right = "".join(chars[: end - 1]), chars[end - 1]
            if left + right not in vocab:
                vocab[left + right] = len(vocab)
                pairs.append((left, right))
    return pairs


def make_tokenizer(folder: Path, scaffold: bool = True, thinking: bool = False, merges: bool = False) -> Any:
    """A byte tokenizer with Qwen's special tokens, saved into `folder`."""
    from transformers import PreTrainedTokenizerFast

    vocab = {char: number for number, char in enumerate(alphabet())}
    pairs = _merged(vocab) if merges else []
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=merges)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIALS])
    added = (*TEXTS, *(SCAFFOLD if scaffold else ()))
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in added])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = (
        TEMPLATE.replace("assistant\\n' }}{%- endif", "assistant\\n<think>\\n' }}{%- endif") if thinking else TEMPLATE
    )
    wrapped.save_pretrained(folder)
    return wrapped


def make_config(tokenizer: Any, moe: bool = False, **changes: Any) -> dict[str, Any]:
    """A config of both editions; `changes` are dotted keys such as `text_config__num_hidden_layers`."""
    ids = {key: tokenizer.convert_tokens_to_ids(token) for key, token in (
        ("image_token_id", "<|image_pad|>"), ("video_token_id", "<|video_pad|>"),
        ("vision_start_token_id", "<|vision_start|>"), ("vision_end_token_id", "<|vision_end|>"))}  # fmt: skip
    kind = "qwen3_vl_moe" if moe else "qwen3_vl"
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32} if moe else {}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = {
        "model_type": f"{kind}_text", "vocab_size": 304, "hidden_size": 64, "intermediate_size": 96,
        "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
        "rms_norm_eps": 1e-6, "tie_word_embeddings": not moe, "rope_parameters": rope, **experts,
    }  # fmt: skip
    vision = {
        "model_type": f"{kind}_vision" if moe else kind, "depth": 3, "hidden_size": 32, "intermediate_size": 48,
        "num_heads": 2, "out_hidden_size": 64, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 2],
    }  # fmt: skip
    name = "Qwen3VLMoeForConditionalGeneration" if moe else "Qwen3VLForConditionalGeneration"
    data: dict[str, Any] = {
        "model_type": kind,
        "architectures": [name],
        "tie_word_embeddings": not moe,
        **ids,
        "text_config": text,
        "vision_config": vision,
    }
    for dotted, value in changes.items():
        part: Any = data
        *path, last = dotted.split("__")
        for key in path:
            part = part[key]
        part[last] = value
    return data


def make_checkpoint(
    folder: Path, seed: int = 0, scaffold: bool = True, moe: bool = False, thinking: bool = False, **changes: Any
) -> Path:
    """Write a whole checkpoint with random weights, such that a token's own embedding does not decide the next one.

    `changes` are those of `make_config`.
    """
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(folder, scaffold, thinking)
    data = make_config(tokenizer, moe, **changes)
    config_type = transformers.Qwen3VLMoeConfig if moe else transformers.Qwen3VLConfig
    network_type = (
        transformers.Qwen3VLMoeForConditionalGeneration if moe else transformers.Qwen3VLForConditionalGeneration
    )
    config = config_type(**{key: value for key, value in data.items() if key != "model_type"})
    torch.manual_seed(seed)
    network = network_type(config)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.ndim >= 2 and "norm" not in name:
                weight.normal_(0, 0.8 / weight[0].numel() ** 0.5 if "embed" not in name else 0.1)
        network.model.language_model.norm.weight.fill_(4.0)
    network.generation_config.eos_token_id = tokenizer.eos_token_id
    network.generation_config.pad_token_id = tokenizer.pad_token_id
    network.save_pretrained(folder)
    image = {
        "size": {"shortest_edge": 1024, "longest_edge": 1280 * 1024},
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "image_processor_type": "Qwen2VLImageProcessorFast",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(image))
    return folder
