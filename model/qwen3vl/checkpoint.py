"""Opening a Qwen3-VL checkpoint folder: checks first, then transformers' own modules with its weights.

Nothing in a checkpoint is executed: weights are safetensors, no remote code, the chat template runs in transformers'
sandboxed Jinja. What this does not protect against: a checkpoint that was trained to misbehave.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from model.profile import Profile, read_profile
from model.qwen3vl.checks import CheckpointError, Folder, check_tokenizer, open_folder
from model.qwen3vl.processor import Processor, read_image_rules
from model.reading.reader import Reader, has_reader, load_reader

__all__ = [
    "PILOT",
    "Checkpoint",
    "CheckpointError",
    "Dtype",
    "digest",
    "load",
    "pick_device",
    "pick_dtype",
    "without_weights",
]

PILOT = Path(__file__).parent.parent / "pilot"
"""Folder of the built-in checkpoint, by name `pilot`."""

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory, ready for an engine."""

    path: Path
    network: Any
    """`Qwen3VLForConditionalGeneration` or its mixture-of-experts twin, in eval mode."""
    tokenizer: Any
    processor: Processor
    profile: Profile
    device: torch.device
    dtype: torch.dtype
    reader: Reader | None = None
    """Reading heads on the vision tower, where the folder brings some."""

    @property
    def name(self) -> str:
        return "pilot" if self.path == PILOT else self.path.name

    @property
    def digest(self) -> str:
        """SHA-256 over the names and contents of everything that shapes a reply."""
        return digest(self.path)


def load(
    path: Path,
    device: str = "auto",
    dtype: Dtype = "auto",
    profile: Profile | None = None,
    threads: int | None = None,
) -> Checkpoint:
    """Open, check and load a checkpoint.

    Args:
        path: the checkpoint's folder.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`...
        dtype: `auto` is the checkpoint's own on a GPU; on a CPU bfloat16 where it has instructions for it and the
            weights are large enough to gain by it, else float32.
        profile: instead of the folder's own.
        threads: torch's threads for the whole process; None leaves them.

    Raises:
        CheckpointError: anything wrong with the folder; see `checks`.
    """
    folder = open_folder(path)
    chosen_device = pick_device(device)
    chosen_dtype = pick_dtype(dtype, chosen_device, folder)
    if threads is not None:
        torch.set_num_threads(threads)
    with _quiet():
        tokenizer = _load_tokenizer(folder)
        processor = _load_processor(folder, tokenizer)
        network = _load_network(folder, chosen_device, chosen_dtype)
    linear_patch_embedding(network)
    if profile is None:
        profile = read_profile(path, thinking="<think>" in _template_tail(processor))
    reader = load_reader(path, network.model.visual) if has_reader(path) else None
    return Checkpoint(path, network, tokenizer, processor, profile, chosen_device, chosen_dtype, reader)


def without_weights(path: Path) -> tuple[Any, Processor, Mapping[str, Any]]:
    """Tokenizer, processor and config of a folder; its weights are looked over and not loaded.

    Raises:
        CheckpointError: anything wrong with the folder.
    """
    folder = open_folder(path)
    with _quiet():
        tokenizer = _load_tokenizer(folder)
        return tokenizer, _load_processor(folder, tokenizer), folder.config


def _template_tail(processor: Processor) -> str:
    """What the chat template writes after an empty question: a Thinking edition opens `<think>` there."""
    return processor.text([{"role": "user", "content": [{"type": "text", "text": ""}]}])[-40:]


def _load_tokenizer(folder: Folder) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise CheckpointError(f"{folder.path}: the tokenizer does not load: {_line(error)}") from error
    check_tokenizer(tokenizer, folder.config, folder.path)
    return tokenizer


def _load_processor(folder: Folder, tokenizer: Any) -> Processor:
    rules = read_image_rules(folder.path)
    vision = folder.config["vision_config"]
    for have, key, default in (
        (rules.patch, "patch_size", 16),
        (rules.merge, "spatial_merge_size", 2),
        (rules.temporal, "temporal_patch_size", 2),
    ):
        want = vision.get(key, default)
        if have != want:
            problem = f"{key} is {have} in the preprocessor config and {want} in config.json"
            raise CheckpointError(f"{folder.path}: {problem}")
    return Processor(tokenizer, rules, _template(folder, tokenizer))


def _template(folder: Folder, tokenizer: Any) -> str | None:
    """A chat template beside the tokenizer, where the tokenizer has none of its own."""
    if tokenizer.chat_template:
        return None
    jinja, old = folder.path / "chat_template.jinja", folder.path / "chat_template.json"
    if jinja.is_file():
        return jinja.read_text(encoding="utf-8")
    if old.is_file():
        return str(json.loads(old.read_text(encoding="utf-8"))["chat_template"])
    raise CheckpointError(f"{folder.path}: no chat template, copy chat_template.jinja of the checkpoint")


def _load_network(folder: Folder, device: torch.device, dtype: torch.dtype) -> Any:
    import transformers

    moe = folder.config["model_type"] == "qwen3_vl_moe"
    kind: Any = transformers.Qwen3VLMoeForConditionalGeneration if moe else transformers.Qwen3VLForConditionalGeneration
    try:
        network, info = kind.from_pretrained(
            folder.path,
            dtype=dtype,
            attn_implementation="sdpa",
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (RuntimeError, ValueError, OSError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder.path}: the weights do not load: {_line(error)}") from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise CheckpointError(f"{folder.path}: {len(missing)} weights are missing, the first is {missing[0]}")
    try:
        return network.eval().requires_grad_(False).to(device)
    except torch.OutOfMemoryError as error:
        raise CheckpointError(
            f"{folder.path}: too little memory on {device}, try a smaller one or device cpu"
        ) from error


def linear_patch_embedding(network: Any) -> None:
    """Cut patches need no convolution: the same weights as one matrix product, several times faster on a CPU."""
    embed = network.model.visual.patch_embed
    if not isinstance(embed.proj, nn.Conv3d):
        return
    weight = embed.proj.weight.flatten(1)  # (hidden, 3 * temporal * patch * patch), a view
    bias = embed.proj.bias

    def forward(patches: Tensor) -> Tensor:
        return nn.functional.linear(patches.to(weight.dtype), weight, bias)

    embed.forward = forward


def pick_device(device: str) -> torch.device:
    """`auto` or a torch device name.

    Raises:
        CheckpointError: a device that is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise CheckpointError(f"no device `{device}`, expected auto, cpu or cuda") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise CheckpointError(f"device `{device}` was asked for and torch finds no CUDA, try auto")
    return chosen


def pick_dtype(dtype: Dtype, device: torch.device, folder: Folder) -> torch.dtype:
    """The number format to compute in."""
    named = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype != "auto":
        return named[dtype]
    if device.type == "cpu":
        large = sum(file.stat().st_size for file in folder.weights) > _SMALL_BYTES
        return torch.bfloat16 if large and _cpu_has_bfloat16() else torch.float32
    config = folder.config
    own = config.get("dtype") or config.get("torch_dtype") or config["text_config"].get("dtype")
    return named.get(str(own or config["text_config"].get("torch_dtype")), torch.bfloat16)


_SMALL_BYTES = 128 * 2**20
"""Below this float32 is as quick on a CPU: single rows are not limited by memory, and every rounding is spared."""


@lru_cache(maxsize=1)
def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated it is slower than float32."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return False
    lines = info.read_text(errors="replace").splitlines()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags.split()))


_SHAPING = ("*.json", "*.jinja", "*.yaml", "*.txt", "*.safetensors")


def digest(path: Path) -> str:
    """SHA-256 over the sorted names and SHA-256 sums of config, tokenizer, template, profile and weight files."""
    files = sorted({file for pattern in _SHAPING for file in path.glob(pattern)}, key=lambda file: file.name)
    total = hashlib.sha256()
    for file in files:
        stat = file.stat()
        total.update(f"{_file_digest(file, stat.st_mtime_ns, stat.st_size)}  {file.name}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=512)
def _file_digest(file: Path, mtime_ns: int, size: int) -> str:
    """SHA-256 of a file; time and size are the cache's key."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no advice on standard error while loading."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
