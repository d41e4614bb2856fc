"""`agent model list|info|pull`: what there is, what it needs here, and how to get it. Loads no weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from agent.outcome import USAGE
from model.memory import WEIGHT_BYTES

__all__ = ["list_models", "model_info", "pull_model"]

_GB = 1e9
_TOKEN_PX = 32 * 32


def list_models(turns: int, as_json: bool) -> int:
    """Every published size with what it needs at a history of so many screenshots."""
    from model.family import EDITIONS, MEMBERS, needs, repository

    rows: list[dict[str, Any]] = []
    for size, shape in MEMBERS.items():
        both = {kind: needs(shape, WEIGHT_BYTES[kind], turns) for kind in ("bfloat16", "fp8")}
        rows.append(
            {
                "size": size,
                "parameters": shape.parameters,
                "editions": [repository(size, edition, fp8) for edition in EDITIONS for fp8 in (False, True)],
                "bytes": {kind: found.total for kind, found in both.items()},
            }
        )
    if as_json:
        print(json.dumps({"turns": turns, "available_bytes": _available(), "models": rows}))
        return 0
    print(f"{'size':<11}{'parameters':>11}{'bfloat16':>11}{'FP8':>9}   editions: Instruct, Thinking; each also as FP8")
    for row in rows:
        gigabytes = [row["bytes"][kind] / _GB for kind in ("bfloat16", "fp8")]
        print(f"{row['size']:<11}{row['parameters'] / 1e9:>10.1f}B{gigabytes[0]:>8.1f} GB{gigabytes[1]:>6.1f} GB")
    print(f"with {turns} earlier screenshots of 1280 tokens each; here are {_available() / _GB:.1f} GB free")
    return 0


def model_info(name: str, turns: int, tokens: int, dtype: str, as_json: bool) -> int:
    """What one checkpoint needs before it is loaded. Exit 0 where it fits here, 1 where it does not, 2 for no such."""
    from model.base import ModelError
    from model.family import fitting, needs

    if dtype not in ("auto", *WEIGHT_BYTES):
        return _refused(
            f"agent model info: no number format `{dtype}`, expected one of auto, {', '.join(WEIGHT_BYTES)}"
        )
    try:
        shape, stored, fp8 = _shape(name)
    except ModelError as problem:
        return _refused(f"agent model info: {problem}")
    dtype = dtype if dtype != "auto" else "fp8" if fp8 else "bfloat16"
    number = 4 if dtype == "float32" else 2
    found = needs(shape, WEIGHT_BYTES[dtype], turns, tokens * _TOKEN_PX, number_bytes=number)
    free = _available()
    said: dict[str, Any] = {
        "name": name,
        "parameters": shape.parameters,
        "stored_bytes": stored,
        "dtype": dtype,
        "turns": turns,
        "prompt_tokens": found.tokens,
        "weights_bytes": found.weights,
        "vision_bytes": found.vision,
        "cache_bytes": found.cache,
        "total_bytes": found.total,
        "available_bytes": free,
        "fits": found.total <= free,
    }
    if not said["fits"]:
        said["would_fit"] = fitting(free, turns=turns, picture_px=tokens * _TOKEN_PX)
    if as_json:
        print(json.dumps(said))
        return 0 if said["fits"] else 1
    print(f"{name}: {shape.parameters / 1e6:.1f}M parameters" + (f", {stored / _GB:.2f} GB on disk" if stored else ""))
    print(f"in {dtype}, {turns} earlier screenshots of {tokens} tokens, {found.tokens} tokens in all:")
    for part, value in (("weights", found.weights), ("vision", found.vision), ("cache", found.cache)):
        print(f"  {part:<8}{value / _GB:>8.2f} GB")
    print(f"  {'in all':<8}{found.total / _GB:>8.2f} GB of {free / _GB:.2f} GB free here")
    if said["fits"]:
        return 0
    print(
        f"too little memory; would fit: {', '.join(said['would_fit']) or 'none of the published sizes'}",
        file=sys.stderr,
    )
    return 1


def pull_model(name: str, folder: Path | None) -> int:
    """Fetch a checkpoint from the hub and look it over."""
    from agent.front import check_model
    from model.base import ModelError
    from model.hub import NoName, pull

    try:
        target = pull(name, folder)
    except NoName as problem:
        return _refused(f"agent model pull: {problem}", 2)
    except ModelError as problem:
        return _refused(f"agent model pull: {problem}", 1)
    return check_model(str(target))


def _shape(name: str) -> tuple[Any, int, bool]:
    """The shape of a published size or of a folder, the bytes of its weights on disk, and whether they are FP8."""
    from model.family import MEMBERS, member, shape_of
    from model.load import checkpoint_folder
    from model.qwen3vl.checks import open_folder

    published = member(name)
    if published is not None and not Path(name).is_dir():
        return MEMBERS[published[0]], 0, published[1]
    folder = open_folder(checkpoint_folder(name))
    return shape_of(folder.config), sum(file.stat().st_size for file in folder.weights), folder.fp8


def _available() -> int:
    """Bytes free for a checkpoint: on the GPU where torch finds one, else memory."""
    from model.memory import free_bytes

    return free_bytes()


def _refused(line: str, code: int = USAGE) -> int:
    print(line, file=sys.stderr)
    return code
