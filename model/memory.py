"""Whether a checkpoint fits before it is loaded, and what would if it does not.

Figures are those of `family.needs`: arithmetic over shapes. Free memory is what the system says when it is asked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.base import ModelError
from model.family import Needs, Shape, fitting, needs

__all__ = ["WEIGHT_BYTES", "Wanted", "check", "free_bytes", "gpus_free", "spread"]

WEIGHT_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5}
"""Bytes of one weight of a linear layer."""
_GB = 1e9
_TOKEN_PX = 32 * 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be loaded, and how it will be talked to."""

    shape: Shape
    weights: str
    """A key of `WEIGHT_BYTES`."""
    number_bytes: int
    """Of keys, values and features: 2, or 4 for float32."""
    screenshots: int
    """Most in one prompt, the current one included."""
    picture_px: int
    context: int = 0
    """Tokens of the longest prompt; 0 where the screenshots say."""
    stages_in_ram: bool = False
    """Whether the weights pass through this memory in `number_bytes` before they are quantised."""

    def needs(self, weights: str | None = None, screenshots: int | None = None, context: int | None = None) -> Needs:
        """What this needs, or what it would need otherwise."""
        shown = screenshots or self.screenshots
        tokens = self.context if context is None else context
        pictures = shown * max(1, self.picture_px // _TOKEN_PX)
        text = max(2048, tokens - pictures)
        kind = weights or self.weights
        return needs(self.shape, WEIGHT_BYTES[kind], shown - 1, self.picture_px, text, self.number_bytes)

    def peak(self, weights: str | None = None) -> int:
        """The most bytes at any moment."""
        total = self.needs(weights).total
        if not self.stages_in_ram or (weights or self.weights) not in ("int8", "int4"):
            return total
        staged = needs(self.shape, self.number_bytes, 0, number_bytes=self.number_bytes).weights
        return max(total, staged)


def check(wanted: Wanted, free: int, where: str, name: str) -> None:
    """Nothing where it fits.

    Args:
        wanted: what is to be loaded.
        free: bytes that are free there.
        where: `cpu`, `cuda:0`... for the message.
        name: of the checkpoint, for the message.

    Raises:
        ModelError: one line with what is needed and what would fit.
    """
    if wanted.peak() <= free:
        return
    found = wanted.needs()
    parts = ", ".join(f"{part} {value / _GB:.2f}" for part, value in
                      (("weights", found.weights), ("vision", found.vision), ("cache", found.cache)))  # fmt: skip
    raise ModelError(
        f"{name}: needs {wanted.peak() / _GB:.2f} GB ({parts}) for {wanted.screenshots} screenshots, "
        f"{found.tokens} tokens; {free / _GB:.2f} GB free on {where}; would fit: {_instead(wanted, free)}"
    )


def _instead(wanted: Wanted, free: int) -> str:
    """What of it would fit, the smallest change first; then smaller members of the family."""
    found = []
    if wanted.context and wanted.needs(context=0).total <= free:
        found.append("a shorter context")
    if wanted.screenshots > 1 and wanted.needs(screenshots=1, context=0).total <= free:
        found.append("turns: 0 in the profile")
    if WEIGHT_BYTES[wanted.weights] > 1 and wanted.peak("int8") <= free:
        found.append("weights=int8")
    if WEIGHT_BYTES[wanted.weights] > 0.5 and wanted.peak("int4") <= free:
        found.append("weights=int4")
    smaller = fitting(free, turns=wanted.screenshots - 1, picture_px=wanted.picture_px)
    return ", ".join([*found, *smaller[:4]]) or "none of the published sizes"


def spread(wanted: Wanted, free: Sequence[int]) -> dict[str, int]:
    """Which part goes to which GPU: vision, embedding and head to the first, layers in order, filled one by one.

    Args:
        wanted: what is to be loaded.
        free: bytes free on each GPU.

    Returns:
        A `device_map` for transformers: names of modules and indices of GPUs.

    Raises:
        ModelError: all of them together do not suffice.
    """
    shape, found = wanted.shape, wanted.needs()
    edges = shape.vocabulary * shape.hidden * (1 if shape.tied else 2) + shape.vision_parameters
    first = edges * max(WEIGHT_BYTES[wanted.weights], wanted.number_bytes) + found.vision
    layer = (found.total - first) / shape.layers
    room = [share - (first if number == 0 else found.vision / 4) for number, share in enumerate(free)]
    placed: dict[str, int] = {"model.visual": 0, "model.language_model.embed_tokens": 0, "lm_head": 0}
    gpu = 0
    for number in range(shape.layers):
        while gpu < len(room) and room[gpu] < layer:
            gpu += 1
        if gpu == len(room):
            check(wanted, min(int(sum(free)), wanted.peak() - 1), f"{len(free)} GPUs", "the checkpoint")
        room[gpu] -= layer
        placed[f"model.language_model.layers.{number}"] = gpu
    placed["model.language_model.rotary_emb"] = 0
    placed["model.language_model.norm"] = gpu
    return placed


def gpus_free() -> list[int]:
    """Bytes free on each GPU; empty where torch finds none. Imports torch."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [int(torch.cuda.mem_get_info(number)[0]) for number in range(count)]


def free_bytes(device: str = "auto") -> int:
    """Bytes free for a checkpoint: on the GPU (`auto`: where torch finds one), else memory.

    In a container that may use less than the machine has, what is left of its share.
    """
    if device != "cpu" and ("torch" in sys.modules or Path("/dev/nvidia0").exists()):
        import torch

        if torch.cuda.is_available():
            return int(torch.cuda.mem_get_info(None if device in ("auto", "cuda") else device)[0])
    return min(_ram(), _share())


def _ram() -> int:
    meminfo = Path("/proc/meminfo")
    for line in meminfo.read_text().splitlines() if meminfo.is_file() else []:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _share(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """What is left of a control group's memory, files that can be dropped left out; without a bound, very much."""
    try:
        most = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return 2**62
    return 2**62 if most == "max" else max(0, int(most) - used + int(told.get("inactive_file", 0)))
