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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import model.qwen3vl.library  # noqa: F401  before anything of transformers
from model.base import ModelError
from model.family import shape_of
from model.memory import Wanted, check, free_bytes, gpus_free, spread
from model.opening import Attention, Dtype, Weights
from model.profile import Profile, read_profile
from model.qwen3vl.checks import CheckpointError, Folder, check_tokenizer, open_folder
from model.qwen3vl.processor import Processor, read_image_rules
from model.qwen3vl.quantise import quantise, require
from model.qwen3vl.yarn import stretched
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
    most_tokens: int = 0
    """Longest prompt that memory was checked for; 0 where positions alone bound it."""

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
    weights: Weights = "stored",
    attention: Attention = "auto",
    context: int = 0,
) -> Checkpoint:
    """Open, check and load a checkpoint. Nothing is loaded that does not fit.

    Args:
        path: the checkpoint's folder.
        device: `auto` (CUDA where there is one, all GPUs where one does not suffice), `cpu`, `cuda`, `cuda:1`, `all`.
        dtype: `auto` is the checkpoint's own on a GPU; on a CPU bfloat16 where it has instructions for it and the
            weights are large enough to gain by it, else float32.
        profile: instead of the folder's own.
        threads: torch's threads for the whole process; None leaves them.
        weights: `stored`, or `int8` and `int4` to quantise the decoder while loading. FP8 that is stored is kept where
            a GPU computes in it, else widened to the dtype.
        attention: `sdpa`, `flash` (flash-attn and a GPU), or `auto`.
        context: longest prompt in tokens; YaRN where that is more than the checkpoint was trained on.

    Raises:
        CheckpointError: anything wrong with the folder (see `checks`), a setting that cannot be had here, or too little
            memory, with what would fit.
    """
    folder = open_folder(path)
    several = device == "all"
    chosen_device = pick_device("cuda" if several else device)
    chosen_dtype = pick_dtype(dtype, chosen_device, folder)
    chosen_attention = pick_attention(attention, chosen_device, chosen_dtype)
    stretch = stretched(folder.config["text_config"], context, str(path)) if context else None
    if weights != "stored":
        require(weights, chosen_device, chosen_dtype)
    if threads is not None:
        torch.set_num_threads(threads)
    with _quiet():
        tokenizer = _load_tokenizer(folder)
        processor = _load_processor(folder, tokenizer)
        if profile is None:
            profile = read_profile(path, thinking="<think>" in _template_tail(processor))
        wanted = _wanted(folder, profile, weights, chosen_device, chosen_dtype, context)
        placed = _placed(path, wanted, chosen_device, several, device == "auto" and weights == "stored")
        keep_fp8 = wanted.weights == "fp8"
        network = _load_network(folder, chosen_dtype, chosen_attention, stretch, placed, keep_fp8)
        _settle(network, path, chosen_device, weights, placed)
    linear_patch_embedding(network)
    reader = load_reader(path, network.model.visual) if has_reader(path) else None
    return Checkpoint(
        path, network, tokenizer, processor, profile, chosen_device, chosen_dtype, reader, most_tokens=context
    )


def _wanted(
    folder: Folder, profile: Profile, weights: Weights, device: torch.device, dtype: torch.dtype, context: int
) -> Wanted:
    """What the checkpoint will take, at the history that its profile shows."""
    kind = {torch.float32: "float32", torch.float16: "float16"}.get(dtype, "bfloat16")
    if weights != "stored":
        kind = weights
    elif folder.fp8 and _computes_fp8(device):
        kind = "fp8"
    return Wanted(
        shape=shape_of(folder.config),
        weights=kind,
        number_bytes=4 if dtype == torch.float32 else 2,
        screenshots=(profile.turns + profile.slide - 1 if profile.turns else 0) + 1,
        picture_px=max(profile.max_pixels.both, profile.max_pixels.pixels),
        context=context,
        stages_in_ram=device.type == "cpu",
    )


def _placed(path: Path, wanted: Wanted, device: torch.device, several: bool, may_spread: bool) -> dict[str, int] | None:
    """None for one device, or which part goes to which GPU."""
    try:
        if device.type == "cpu":
            check(wanted, free_bytes("cpu"), "cpu", str(path))
            return None
        free = gpus_free()
        here = free[device.index or 0]
        if several or (may_spread and len(free) > 1 and wanted.peak() > here):
            return spread(wanted, free)
        check(wanted, here, str(device), str(path))
        return None
    except CheckpointError:
        raise
    except ModelError as error:
        raise CheckpointError(str(error)) from None


def _settle(network: Any, path: Path, device: torch.device, weights: Weights, placed: Mapping[str, int] | None) -> None:
    """Ready for use, on its device."""
    network.eval().requires_grad_(False)
    try:
        if weights != "stored":
            quantise(network, weights, device)
        elif placed is None:
            network.to(device)
    except torch.OutOfMemoryError as error:
        raise CheckpointError(
            f"{path}: too little memory on {device}, try a smaller one, weights=int8 or device cpu"
        ) from error


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


def _load_network(
    folder: Folder,
    dtype: torch.dtype,
    attention: str,
    stretch: Mapping[str, Any] | None,
    placed: Mapping[str, int] | None,
    keep_fp8: bool,
) -> Any:
    import transformers

    moe = folder.config["model_type"] == "qwen3_vl_moe"
    kind: Any = transformers.Qwen3VLMoeForConditionalGeneration if moe else transformers.Qwen3VLForConditionalGeneration
    config = kind.config_class.from_pretrained(folder.path, local_files_only=True)
    for key, value in (stretch or {}).items():
        setattr(config.text_config, key, value)
    if folder.fp8:
        config.quantization_config = _fp8(folder, keep_fp8)
    try:
        network, info = kind.from_pretrained(
            folder.path,
            config=config,
            dtype=dtype,
            attn_implementation=attention,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **({"device_map": dict(placed)} if placed else {}),
        )
    except (RuntimeError, ValueError, OSError, KeyError, TypeError, ImportError) as error:
        raise CheckpointError(f"{folder.path}: the weights do not load: {_line(error)}") from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise CheckpointError(f"{folder.path}: {len(missing)} weights are missing, the first is {missing[0]}")
    scales = sorted(key for key in info["unexpected_keys"] if "scale" in key.rpartition(".")[2])
    if scales:
        raise CheckpointError(f"{folder.path}: {len(scales)} scales belong to no weight, the first is {scales[0]}")
    return network


def _fp8(folder: Folder, keep: bool) -> dict[str, Any]:
    """The checkpoint's own quantisation config, to be kept in FP8 or widened on load."""
    if find_spec("accelerate") is None:
        raise CheckpointError(f"{folder.path}: FP8 weights need accelerate: pip install accelerate")
    from model.qwen3vl.fp8 import settings

    return settings(folder.config["quantization_config"], widen=not keep)


def _computes_fp8(device: torch.device) -> bool:
    """Whether FP8 weights are used as they are: kernels at hand, on a GPU that has the instructions."""
    if device.type != "cuda" or find_spec("kernels") is None:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 9)


def pick_attention(attention: Attention, device: torch.device, dtype: torch.dtype) -> str:
    """The attention to use, as transformers calls it.

    Raises:
        CheckpointError: flash-attention was asked for and cannot run here.
    """
    there = find_spec("flash_attn") is not None
    fits = device.type == "cuda" and dtype in (torch.bfloat16, torch.float16)
    if attention == "flash" and not there:
        raise CheckpointError("attention=flash needs the flash-attn package, install it or leave attention at auto")
    if attention == "flash" and not fits:
        raise CheckpointError(f"attention=flash wants a GPU and half precision, got {device} and {_name(dtype)}")
    return "flash_attention_2" if there and fits and attention != "sdpa" else "sdpa"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


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
        raise CheckpointError(f"no device `{device}`, expected auto, cpu, cuda or all") from error
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
