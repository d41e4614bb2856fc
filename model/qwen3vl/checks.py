"""Everything that can be said about a checkpoint folder without loading its weights.

Several mistakes in a Qwen3-VL config run without an error in transformers and only make the model useless. Each of
them, each missing or cut file and each id that does not fit is one `CheckpointError` here: what, where, what was
expected.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.base import ModelError

__all__ = ["MODEL_TYPES", "SPECIALS", "CheckpointError", "Folder", "check_config", "check_tokenizer", "open_folder"]

MODEL_TYPES = ("qwen3_vl", "qwen3_vl_moe")

SPECIALS = {
    "image_token_id": "<|image_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}
"""Config keys and the tokens they must name."""

_MAX_HEADER_BYTES = 100_000_000
_MOST_SHARDS = 4096


class CheckpointError(ModelError):
    """A checkpoint folder that cannot be used. One line: what, where, what was expected, what to try."""


@dataclass(frozen=True)
class Folder:
    """A checkpoint folder whose files are there and whole."""

    path: Path
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    """The safetensors files, in name order."""

    @property
    def fp8(self) -> bool:
        """Whether the linear layers are stored as FP8 with a scale for each block."""
        return (self.config.get("quantization_config") or {}).get("quant_method") == "fp8"


def open_folder(path: Path) -> Folder:
    """Check the files and the config of a checkpoint.

    Raises:
        CheckpointError: a file is missing, cut or of another kind of model, or the config cannot work.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such folder, expected a Qwen3-VL checkpoint in Hugging Face format")
    config = _read_json(path / "config.json", "copy the whole repository, not only the weights")
    if not (path / "tokenizer.json").is_file() and not (path / "vocab.json").is_file():
        raise CheckpointError(f"{path}: no tokenizer.json, copy the tokenizer files beside the weights")
    check_config(config, path / "config.json")
    weights = _weight_files(path)
    stored: dict[str, str] = {}
    for file in weights:
        stored |= _check_safetensors(file)
    folder = Folder(path, config, weights)
    _check_scales(folder, stored)
    return folder


def _read_json(path: Path, advice: str) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path.parent}: no {path.name}, {advice}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: not JSON ({error}), download it again") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def _weight_files(path: Path) -> tuple[Path, ...]:
    index, single = path / "model.safetensors.index.json", path / "model.safetensors"
    if not index.is_file():
        if single.is_file():
            return (single,)
        kinds = ("*.bin", "*.pt", "*.pth", "*.gguf")
        other = next((found.name for kind in kinds for found in sorted(path.glob(kind))), None)
        found = f", found {other} which may run code and is not read" if other else ""
        raise CheckpointError(f"{path}: no model.safetensors{found}, convert the weights to safetensors")
    table = _read_json(index, "").get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"{index}: no `weight_map`, download it again")
    names = sorted({str(name) for name in table.values()})
    for name in names[:_MOST_SHARDS]:
        if Path(name).name != name:
            raise CheckpointError(f"{index}: shard `{name}` lies outside the folder, expected a plain file name")
        if not (path / name).is_file():
            raise CheckpointError(f"{path}: shard {name} named in {index.name} is missing, download it")
    return tuple(path / name for name in names)


def _check_safetensors(file: Path) -> dict[str, str]:
    """The header's own lengths against the size on disk: finds cut downloads in milliseconds.

    Returns:
        The number format of every tensor by its name, as safetensors writes it.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        first = opened.read(8)
        if len(first) < 8:
            raise CheckpointError(f"{file}: {size} bytes is no safetensors file, download it again")
        (length,) = struct.unpack("<Q", first)
        if length > min(_MAX_HEADER_BYTES, size - 8):
            raise CheckpointError(f"{file}: the header says {length} bytes, the file has {size}: cut or no safetensors")
        try:
            header = json.loads(opened.read(length))
            header.pop("__metadata__", None)
            ends = [entry["data_offsets"][1] for entry in header.values()]
            stored = {name: str(entry["dtype"]) for name, entry in header.items()}
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise CheckpointError(f"{file}: unreadable safetensors header, download it again") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise CheckpointError(f"{file}: {size} bytes, expected {expected}: cut or damaged, download it again")
    return stored


def _check_scales(folder: Folder, stored: Mapping[str, str]) -> None:
    """FP8 means nothing without its scales, and transformers would take it as it stands."""
    small = sorted(name for name, kind in stored.items() if kind.startswith("F8_"))
    if small and not folder.fp8:
        raise CheckpointError(f"{folder.path}: {small[0]} is FP8, expected a `quantization_config` in config.json")
    bare = [name for name in small if f"{name}_scale_inv" not in stored]
    if bare:
        raise CheckpointError(
            f"{folder.path}: {len(bare)} FP8 weights without {bare[0]}_scale_inv and the like, download it again"
        )


def check_config(config: Mapping[str, Any], where: Path) -> None:
    """The mistakes that transformers would run without a word, or with a riddle.

    Raises:
        CheckpointError: another architecture, or sizes that do not fit each other.
    """
    kind = config.get("model_type")
    if kind not in MODEL_TYPES:
        raise CheckpointError(f"{where}: model_type `{kind}`, expected {' or '.join(MODEL_TYPES)}")
    text, vision = config.get("text_config"), config.get("vision_config")
    if not isinstance(text, dict) or not isinstance(vision, dict):
        raise CheckpointError(f"{where}: no `text_config` or no `vision_config`, expected both as objects")
    method = (config.get("quantization_config") or {}).get("quant_method", "fp8")
    if method != "fp8":
        raise CheckpointError(f"{where}: weights quantised by `{method}`, expected fp8 or none: take another one")
    moe = kind == "qwen3_vl_moe"
    problem = _text_problem(text, moe) or _vision_problem(vision) or _joint_problem(text, vision)
    if problem:
        raise CheckpointError(f"{where}: {problem}")


def _int(part: Mapping[str, Any], key: str, default: int) -> int:
    value = part.get(key)
    return default if not isinstance(value, int) else value


def _text_problem(text: Mapping[str, Any], moe: bool) -> str | None:
    hidden = _int(text, "hidden_size", 2048 if moe else 4096)
    heads = _int(text, "num_attention_heads", 16 if moe else 32)
    groups = _int(text, "num_key_value_heads", heads)
    head = _int(text, "head_dim", hidden // max(heads, 1) if moe else 128)
    if min(hidden, heads, groups, head) < 1 or heads % groups:
        return f"num_attention_heads {heads} must be a multiple of num_key_value_heads {groups}"
    rope = text.get("rope_parameters") or text.get("rope_scaling") or {}
    section = rope.get("mrope_section", [24, 20, 20])
    if len(section) != 3 or sum(section) != head // 2:
        return f"mrope_section {section} sums to {sum(section)}, expected head_dim / 2 = {head // 2}"
    # Height and width take every third frequency from 1 and from 2, so neither may reach past the last one.
    if max(section[1] * 3 - 2, section[2] * 3 - 1) > head // 2 - 1:
        return f"mrope_section {section} reaches past head_dim / 2 = {head // 2}: a third each at most"
    if rope.get("mrope_interleaved") is False:
        return "mrope_interleaved is false, expected true: transformers interleaves in any case"
    return None


def _vision_problem(vision: Mapping[str, Any]) -> str | None:
    hidden, heads = _int(vision, "hidden_size", 1152), _int(vision, "num_heads", 16)
    if heads < 1 or hidden % heads or (hidden // heads) % 4:
        return f"vision hidden_size {hidden} over num_heads {heads} must be a whole multiple of 4"
    places = _int(vision, "num_position_embeddings", 2304)
    if places < 1 or math.isqrt(places) ** 2 != places:
        return f"num_position_embeddings {places} is no square number"
    depth, indexes = _int(vision, "depth", 27), list(vision.get("deepstack_visual_indexes", (8, 16, 24)))
    if any(not isinstance(i, int) or not 0 <= i < depth for i in indexes) or len(set(indexes)) != len(indexes):
        return f"deepstack_visual_indexes {indexes} must be different layers below depth {depth}"
    if indexes != sorted(indexes):
        return f"deepstack_visual_indexes {indexes} must rise: features are taken in layer order"
    return None


def _joint_problem(text: Mapping[str, Any], vision: Mapping[str, Any]) -> str | None:
    levels, layers = len(list(vision.get("deepstack_visual_indexes", (8, 16, 24)))), _int(text, "num_hidden_layers", 32)
    if levels > layers:
        return f"{levels} deepstack levels for {layers} text layers: the rest would be dropped"
    out, hidden = _int(vision, "out_hidden_size", 3584), _int(text, "hidden_size", 4096)
    if out != hidden:
        return f"vision out_hidden_size {out} differs from text hidden_size {hidden}"
    return None


def check_tokenizer(tokenizer: Any, config: Mapping[str, Any], where: Path) -> None:
    """Ids of the tokenizer against those of the config.

    Raises:
        CheckpointError: a picture token is missing or has another id, or an id lies outside the vocabulary.
    """
    vocab = tokenizer.get_vocab()
    size = _int(config["text_config"], "vocab_size", 151936)
    defaults = {"image_token_id": 151655, "vision_start_token_id": 151652, "vision_end_token_id": 151653}
    for key, token in SPECIALS.items():
        want, have = _int(config, key, defaults[key]), vocab.get(token)
        if have is None:
            raise CheckpointError(f"{where}: the tokenizer has no {token}, expected the tokenizer of a Qwen3-VL")
        if have != want:
            raise CheckpointError(f"{where}: {token} is {have} in the tokenizer and {want} as {key} in config.json")
    if "<|im_end|>" not in vocab:
        raise CheckpointError(f"{where}: the tokenizer has no <|im_end|>, expected the tokenizer of a Qwen3-VL")
    top = max(vocab.values())
    if top >= size:
        raise CheckpointError(f"{where}: the tokenizer reaches id {top}, expected below vocab_size {size}")
