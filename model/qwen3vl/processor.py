"""From chat messages and pictures to token ids, patches and positions, without torchvision.

Letters: T tokens, P patches of one picture. Patches and their order are those of transformers' `Qwen2VLImageProcessor`
(5.23, PIL backend; tested bit for bit), the text is what the checkpoint's own chat template makes of the messages.

Text from a screen or a history cannot become a control token here: `<|` is split in every message, and in user
messages the tags of calls and thoughts too. It can still *say* anything; that is the policy's business. A part marked
`own` is the runtime's fixed words and stays as it is; so does `moment_text`, which a recording's frames stand in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.base import ModelError
from model.qwen3vl.positions import mrope_positions

__all__ = [
    "Encoded",
    "ImageRules",
    "Picture",
    "Processor",
    "moment_text",
    "neutral",
    "patchify",
    "patchify_moment",
    "read_image_rules",
    "smart_resize",
]

_MAX_ASPECT = 200
IMAGE_PAD = "<|image_pad|>"
VIDEO_PAD = "<|video_pad|>"


@dataclass(frozen=True)
class ImageRules:
    """What the checkpoint's preprocessor config says about pictures; defaults are transformers' own."""

    patch: int = 14
    merge: int = 2
    temporal: int = 2
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    rescale: float = 1 / 255

    @cached_property
    def levels(self) -> npt.NDArray[np.float32]:
        """(3, 256): the normalised value of every channel value, rounded exactly as transformers rounds it."""
        scaled = (np.arange(256, dtype=np.float64) * self.rescale).astype(np.float32)
        mean, std = (np.array(row, dtype=np.float32)[:, None] for row in (self.mean, self.std))
        return (scaled - mean) / std


def read_image_rules(folder: Path) -> ImageRules:
    """Rules from `preprocessor_config.json` or the image part of `processor_config.json`."""
    data: dict[str, Any] = {}
    for name, part in (("processor_config.json", "image_processor"), ("preprocessor_config.json", None)):
        path = folder / name
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            data.update((found.get(part) or {}) if part else found)
    size = data.get("size") or {}
    known = {
        "patch": data.get("patch_size"),
        "merge": data.get("merge_size"),
        "temporal": data.get("temporal_patch_size"),
        "min_pixels": size.get("shortest_edge") or data.get("min_pixels"),
        "max_pixels": size.get("longest_edge") or data.get("max_pixels"),
        "mean": data.get("image_mean") and tuple(data["image_mean"]),
        "std": data.get("image_std") and tuple(data["image_std"]),
        "rescale": data.get("rescale_factor"),
    }
    given: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
    return ImageRules(**given)


def smart_resize(height: int, width: int, factor: int, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """The nearest (height, width) in multiples of `factor` with an area within the bounds, both inclusive.

    Raises:
        ModelError: one side is more than 200 times the other.
    """
    if max(height, width) > _MAX_ASPECT * min(height, width):
        raise ModelError(f"a picture of {width}x{height} is too narrow, expected at most {_MAX_ASPECT}:1")
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(factor, math.floor(height / shrink / factor) * factor)
        columns = max(factor, math.floor(width / shrink / factor) * factor)
    elif rows * columns < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows = math.ceil(height * grow / factor) * factor
        columns = math.ceil(width * grow / factor) * factor
    return rows, columns


def patchify(image: Image.Image, rules: ImageRules, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Resize to `size` (height, width) and cut into normalised patches.

    Returns:
        (P, 3 * temporal * patch * patch), float32; the four patches of one image token follow each other.
    """
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)  # (height, width, 3) uint8
    p, m = rules.patch, rules.merge
    rows, columns = height // p, width // p
    grid = pixels.reshape(rows // m, m, p, columns // m, m, p, 3)
    grid = grid.transpose(0, 3, 1, 4, 6, 2, 5).reshape(rows * columns, 3, p * p)  # (P, 3, p * p) uint8
    values = np.empty(grid.shape, dtype=np.float32)
    for channel in range(3):
        np.take(rules.levels[channel], grid[:, channel], out=values[:, channel])
    twice = np.broadcast_to(values[:, :, None], (len(values), 3, rules.temporal, p * p))
    return twice.reshape(len(values), -1)


def patchify_moment(frames: Sequence[Image.Image], rules: ImageRules, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """As `patchify`, of `temporal` frames of a recording that one moment of the prompt stands for."""
    if len(frames) != rules.temporal:
        raise ValueError(f"a moment has {rules.temporal} frames, got {len(frames)}")
    shape = (-1, 3, rules.temporal, rules.patch**2)
    each = [patchify(frame, rules, size).reshape(shape)[:, :, 0] for frame in frames]
    moment: npt.NDArray[np.float32] = np.stack(each, axis=2)  # (P, 3, temporal, p * p)
    return moment.reshape(len(moment), -1)


def moment_text(seconds: float) -> str:
    """Where one moment of a recording stands in a prompt, with its time, as transformers' processor writes it."""
    return f"<{seconds:.1f} seconds><|vision_start|>{VIDEO_PAD}<|vision_end|>"


@dataclass(frozen=True)
class Picture:
    """One picture of a prompt: its identity, its size in patches, and its patches when someone needs them."""

    key: str
    """Digest of the picture and its shown size; equal keys mean equal patches."""
    grid: tuple[int, int]
    """Rows and columns of patches."""
    patches: Callable[[], npt.NDArray[np.float32]] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Encoded:
    """A prompt as numbers."""

    ids: npt.NDArray[np.int64]
    """(T,)"""
    pictures: tuple[Picture, ...]
    spans: tuple[tuple[int, int], ...]
    """First token and number of tokens of each picture."""
    positions: npt.NDArray[np.int64]
    """(3, T)"""
    next_position: int
    opened_thought: bool = False
    """Whether the template already opened `<think>` for the reply."""

    @property
    def token_types(self) -> npt.NDArray[np.int64]:
        """(T,) 0 text, 1 picture: transformers' `mm_token_type_ids`."""
        types = np.zeros_like(self.ids)
        for start, count in self.spans:
            types[start : start + count] = 1
        return types


def neutral(text: str, user: bool) -> str:
    """Text that cannot be read as a control token."""
    text = text.replace("<|", "< |")
    if user:
        for tag in ("tool_call", "/tool_call", "think", "/think", "tool_response", "/tool_response"):
            text = text.replace(f"<{tag}>", f"< {tag}>")
    return text


class Processor:
    """Makes prompts for one checkpoint."""

    def __init__(self, tokenizer: Any, rules: ImageRules, template: str | None = None) -> None:
        self.tokenizer = tokenizer
        self.rules = rules
        self._template = template
        pads = (tokenizer.convert_tokens_to_ids(pad) for pad in (IMAGE_PAD, VIDEO_PAD))
        self._pads = [pad for pad in pads if pad is not None and pad != tokenizer.unk_token_id]

    @property
    def knows_recordings(self) -> bool:
        """Whether the tokenizer has a token for frames of a recording."""
        return len(self._pads) == 2

    @property
    def factor(self) -> int:
        """Side of one image token in pixels."""
        return self.rules.patch * self.rules.merge

    def picture(
        self,
        digest: str,
        image: Callable[[], Image.Image],
        size: tuple[int, int],
        max_pixels: int | None = None,
        min_pixels: int | None = None,
    ) -> Picture:
        """Plan one picture of `size` (width, height) pixels; nothing is decoded yet. Bounds default to the rules'."""
        width, height = size
        most = max(max_pixels or self.rules.max_pixels, self.factor**2)
        rows, columns = smart_resize(height, width, self.factor, min(min_pixels or self.rules.min_pixels, most), most)
        return Picture(
            key=f"{digest}@{columns}x{rows}",
            grid=(rows // self.rules.patch, columns // self.rules.patch),
            patches=lambda: patchify(image(), self.rules, (rows, columns)),
        )

    def moment(
        self,
        digest: str,
        frames: Callable[[], Sequence[Image.Image]],
        size: tuple[int, int],
        max_pixels: int,
        min_pixels: int,
    ) -> Picture:
        """Plan one moment of a recording, `temporal` frames of `size` (width, height); bounds are for one frame."""
        width, height = size
        rows, columns = smart_resize(height, width, self.factor, min(min_pixels, max_pixels), max_pixels)
        return Picture(
            key=f"{digest}@{columns}x{rows}",
            grid=(rows // self.rules.patch, columns // self.rules.patch),
            patches=lambda: patchify_moment(frames(), self.rules, (rows, columns)),
        )

    def text(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The chat template's text for the messages, up to where the reply begins."""
        safe = [_neutral_message(message) for message in messages]
        rendered = self.tokenizer.apply_chat_template(
            safe,
            tokenize=False,
            add_generation_prompt=True,
            **({"chat_template": self._template} if self._template else {}),
        )
        return str(rendered)

    def encode(self, messages: Sequence[Mapping[str, Any]], pictures: Sequence[Picture]) -> Encoded:
        """Token ids and positions of a whole prompt.

        Raises:
            ModelError: the template made another number of pictures than it was given.
        """
        text = self.text(messages)
        short = np.array(self.tokenizer.encode(text, add_special_tokens=False), dtype=np.int64)
        return self.expand(short, pictures, opened_thought=text.rstrip().endswith("<think>"))

    def expand(
        self, short: npt.NDArray[np.int64], pictures: Sequence[Picture], opened_thought: bool = False
    ) -> Encoded:
        """Repeat each picture's one pad token as often as it has image tokens; a moment's is a pad of its own."""
        at = np.flatnonzero(np.isin(short, self._pads))
        if len(at) != len(pictures):
            raise ModelError(f"the chat template made {len(at)} pictures, expected {len(pictures)}")
        m = self.rules.merge
        sizes = [(rows // m, columns // m) for rows, columns in (picture.grid for picture in pictures)]
        repeats = np.ones(len(short), dtype=np.int64)
        repeats[at] = [height * width for height, width in sizes]
        starts = (np.cumsum(repeats) - repeats)[at].tolist()
        ids = np.repeat(short, repeats)
        places = [(start, height, width) for start, (height, width) in zip(starts, sizes, strict=True)]
        positions, next_position = mrope_positions(len(ids), places)
        spans = tuple((start, height * width) for start, height, width in places)
        return Encoded(ids, tuple(pictures), spans, positions, next_position, opened_thought)


def _neutral_message(message: Mapping[str, Any]) -> dict[str, Any]:
    role, content = message["role"], message["content"]
    if role == "system":
        return dict(message)
    if isinstance(content, str):
        return {"role": role, "content": neutral(content, role == "user")}
    parts = [
        {**part, "text": neutral(part["text"], role == "user")} if "text" in part and not part.get("own") else part
        for part in content
    ]
    return {"role": role, "content": parts}
