"""Write a checkpoint folder as any Hugging Face model has it, and read it back for evaluation."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import Qwen3VLForConditionalGeneration

from model.training import architecture
from model.training import tokenizer as tokens

__all__ = ["SHARD", "read", "write"]

SHARD = "15MB"


def write(model: Qwen3VLForConditionalGeneration, tokenizer: Tokenizer, folder: Path) -> None:
    """Weights in bfloat16 shards below 16 MB, config, tokenizer, template, profile. Replaces the weights atomically enough:

    the new folder is complete before the old one goes; a card (`README.md`) that is already there stays.
    """
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    state = {name: tensor.detach().to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    dtype = model.config.dtype
    model.config.dtype = torch.bfloat16
    model.save_pretrained(fresh, state_dict=state, max_shard_size=SHARD)
    model.config.dtype = dtype
    tokens.save(tokenizer, fresh)
    architecture.write_companions(fresh, tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.safetensors*"):
        old.unlink()
    for path in fresh.iterdir():
        path.replace(folder / path.name)
    fresh.rmdir()


def read(folder: Path, dtype: torch.dtype = torch.float32) -> tuple[Qwen3VLForConditionalGeneration, Tokenizer]:
    """The model in evaluation mode and its tokenizer."""
    model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=dtype)
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))
