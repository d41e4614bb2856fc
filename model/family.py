"""Every published size of Qwen3-VL, and how much memory a checkpoint of any size needs before it is loaded.

Letters: H hidden size, D head size, G key/value heads. The shapes are those of the published config files. Figures are
arithmetic over shapes, not measurements; what a runtime takes beside them (its libraries, its working buffers) is not
in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EDITIONS", "MEMBERS", "Needs", "Shape", "capacity", "fitting", "member", "needs", "repository", "shape_of"]

EDITIONS = ("Instruct", "Thinking")

_TOKEN_PX = 32 * 32
_CHUNK = 1024
"""Tokens of one prefill chunk; see `qwen3vl.engine`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What sizes follow from."""

    layers: int
    hidden: int
    heads: int
    groups: int
    between: int
    """Width of one feed-forward, or of one expert."""
    vision_layers: int
    vision_hidden: int
    vision_between: int
    head: int = 128
    experts: int = 0
    active: int = 0
    """Experts that a token goes through."""
    tied: bool = False
    vocabulary: int = 151936
    levels: int = 3
    """DeepStack levels."""
    places: int = 2304

    @property
    def text_parameters(self) -> int:
        """Decoder, embedding and head."""
        width = self.heads + 2 * self.groups
        attention = self.hidden * self.head * (width + self.heads) + 2 * self.head
        one = 3 * self.hidden * self.between
        feed = one * self.experts + self.hidden * self.experts if self.experts else one
        embedding = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.layers * (attention + feed + 2 * self.hidden) + self.hidden + embedding

    @property
    def vision_parameters(self) -> int:
        """Patch embedding, places, blocks, the merger and one more for each DeepStack level."""
        v, patch = self.vision_hidden, 3 * 2 * 16 * 16
        block = 4 * v * v + 4 * v + 2 * v * self.vision_between + self.vision_between + v + 4 * v
        wide = 4 * v
        merger = wide * wide + wide + wide * self.hidden + self.hidden
        norms = 2 * v + self.levels * 2 * wide
        embedding = patch * v + v + self.places * v
        return embedding + self.vision_layers * block + (1 + self.levels) * merger + norms

    @property
    def parameters(self) -> int:
        return self.text_parameters + self.vision_parameters

    @property
    def cache_values(self) -> int:
        """Keys and values of one token in all layers."""
        return 2 * self.layers * self.groups * self.head


_SMALL_EYE = (24, 1024, 4096)
_EYE = (27, 1152, 4304)

MEMBERS: dict[str, Shape] = {
    "2B": Shape(28, 2048, 16, 8, 6144, *_SMALL_EYE, tied=True),
    "4B": Shape(36, 2560, 32, 8, 9728, *_SMALL_EYE, tied=True),
    "8B": Shape(36, 4096, 32, 8, 12288, *_EYE),
    "32B": Shape(64, 5120, 64, 8, 25600, *_EYE),
    "30B-A3B": Shape(48, 2048, 32, 4, 768, *_EYE, experts=128, active=8),
    "235B-A22B": Shape(94, 4096, 64, 4, 1536, *_EYE, experts=128, active=8),
}
"""Published sizes; each as Instruct and Thinking, in bfloat16 and FP8."""


def repository(size: str, edition: str = "Instruct", fp8: bool = False) -> str:
    """The name of a published checkpoint on the hub."""
    return f"Qwen/Qwen3-VL-{size}-{edition}" + ("-FP8" if fp8 else "")


def member(name: str) -> tuple[str, bool] | None:
    """The size and whether it is FP8 for a published checkpoint's name (owner and `Qwen3-VL-` may be left out)."""
    short = name.rpartition("/")[2].removeprefix("Qwen3-VL-")
    fp8 = short.endswith("-FP8")
    short = short.removesuffix("-FP8")
    for edition in EDITIONS:
        short = short.removesuffix(f"-{edition}")
    return (short, fp8) if short in MEMBERS else None


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The shape that a `config.json` (already checked by `qwen3vl.checks`) describes."""
    text, vision = config["text_config"], config["vision_config"]
    experts = int(text.get("num_experts") or text.get("num_local_experts") or 0)  # transformers writes either
    heads = int(text["num_attention_heads"])
    return Shape(
        layers=int(text["num_hidden_layers"]),
        hidden=int(text["hidden_size"]),
        heads=heads,
        groups=int(text.get("num_key_value_heads", heads)),
        between=int(text["moe_intermediate_size"] if experts else text["intermediate_size"]),
        vision_layers=int(vision["depth"]),
        vision_hidden=int(vision["hidden_size"]),
        vision_between=int(vision["intermediate_size"]),
        head=int(text.get("head_dim") or text["hidden_size"] // heads),
        experts=experts,
        active=int(text.get("num_experts_per_tok") or 0),
        tied=bool(config.get("tie_word_embeddings", False)),
        vocabulary=int(text.get("vocab_size", 151936)),
        levels=len(vision.get("deepstack_visual_indexes", (0, 0, 0))),
        places=int(vision.get("num_position_embeddings", 2304)),
    )


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes that a checkpoint needs with a history of a certain length."""

    weights: int
    vision: int
    """Features of the pictures with their DeepStack levels, and the largest activations of one picture."""
    cache: int
    """Keys and values of the whole prompt, in buffers with room to grow."""
    tokens: int
    """Length of the prompt."""

    @property
    def total(self) -> int:
        return self.weights + self.vision + self.cache


def needs(
    shape: Shape,
    weight_bytes: float = 2.0,
    turns: int = 4,
    picture_px: int = 1280 * _TOKEN_PX,
    text_tokens: int = 2048,
    number_bytes: int = 2,
) -> Needs:
    """What is needed to load a checkpoint and talk to it.

    Args:
        shape: of the checkpoint.
        weight_bytes: of one weight of a linear layer: 4 float32, 2 bfloat16, 1 FP8 or int8, 0.5 int4. Embeddings, head
            and the vision tower stay at `number_bytes` where weights are smaller than that.
        turns: earlier screenshots in the prompt; the current one comes on top.
        picture_px: pixels of one shown picture.
        text_tokens: everything that is no picture.
        number_bytes: of keys, values and features: 2, or 4 for float32.
    """
    kept = shape.vision_parameters + shape.vocabulary * shape.hidden * (1 if shape.tied else 2)
    linear = shape.parameters - kept
    weights = int(linear * weight_bytes + kept * max(weight_bytes, number_bytes))
    each = max(1, picture_px // _TOKEN_PX)
    tokens = (turns + 1) * each + text_tokens
    features = (turns + 1) * each * shape.hidden * (1 + shape.levels)
    active = 4 * each * (4 * shape.vision_hidden + shape.vision_between) + _CHUNK * (
        6 * shape.hidden + 2 * max(shape.between * max(shape.active, 1), shape.hidden)
    )
    cache = capacity(tokens) * shape.cache_values
    return Needs(weights, (features + active) * number_bytes, cache * number_bytes, tokens)


def capacity(tokens: int) -> int:
    """Tokens that a buffer of keys and values has room for when it holds so many: doubled at first, then by a quarter.

    Each layer gives up its old buffer before the next one grows, so no more than this is ever held.
    """
    size = 1024
    while size < tokens:
        size = 2 * size if size < 4096 else -(-size * 5 // 4 // 1024) * 1024
    return size


def fitting(available: int, **given: Any) -> list[str]:
    """Published checkpoints that fit into so many bytes with the same history, the largest first."""
    found = []
    for size, shape in MEMBERS.items():
        for fp8 in (False, True):
            total = needs(shape, **{**given, "weight_bytes": 1.0 if fp8 else 2.0}).total
            if total <= available:
                found.append((shape.parameters, not fp8, size + ("-FP8" if fp8 else "")))
    return [name for *_, name in sorted(found, reverse=True)]
