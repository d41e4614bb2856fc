"""The packed forward pass over the weights of the stock model, with the attention of chosen heads laid open.

Same mathematics as `Qwen3VLForConditionalGeneration.forward` on each prompt alone (a test prints the largest difference).
Letters: P prefix, K segments, S slots, T = P + K*S, H heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from transformers import Qwen3VLForConditionalGeneration

from model.training.attention import joint_attention
from model.training.packing import Packed

__all__ = ["COPYING", "HEADS", "Seen", "forward"]

HEADS: dict[str, tuple[int, int]] = {
    "line": (1, 0),
    "align": (2, 0),
    "said": (3, 0),
    "point": (4, 0),
    "copy": (4, 2),
    "again": (5, 0),
    "state": (5, 2),
}
"""Layer and head that each pointer loss teaches."""
COPYING = frozenset({"point", "copy", "again"})
"""Heads that must hand on the very token they look at."""


@dataclass
class Seen:
    """What a packed pass yields."""

    hidden: torch.Tensor  # (K, S, hidden), after the last norm
    read: dict[
        str, torch.Tensor
    ]  # by loss in `COPYING`: (R, hidden), what the head alone adds there; `... echo` likewise at `Packed.echoes`
    attention: dict[str, torch.Tensor]  # by loss: log probabilities of the asked rows, float32


def _flat_patches(patch_embed: Any) -> None:
    """Let the patch embedding be one matrix product; the stock convolution gives the same and is far slower on a CPU."""
    if "forward" in vars(patch_embed):
        return
    proj = patch_embed.proj

    def embed(patches: torch.Tensor) -> torch.Tensor:
        return F.linear(patches.to(proj.weight.dtype), proj.weight.flatten(1), proj.bias)

    patch_embed.forward = embed


def _vision(model: Any, packed: Packed) -> tuple[torch.Tensor, list[torch.Tensor]]:
    visual = model.model.visual
    _flat_patches(visual.patch_embed)
    weight = visual.patch_embed.proj.weight
    with torch.set_grad_enabled(torch.is_grad_enabled() and weight.requires_grad):
        out = visual(packed.patches.to(weight.device), grid_thw=torch.tensor([packed.grid], device=weight.device))
    if weight.requires_grad or not torch.is_grad_enabled():
        return out.pooler_output, out.deepstack_features
    return _unsure(out.pooler_output), [_unsure(level) for level in out.deepstack_features]


def _unsure(features: torch.Tensor) -> torch.Tensor:
    """Features of a frozen tower at a random strength, in random order half of the time.

    While the tower is taught to read by itself, the decoder learns not to depend on what it says of a thumbnail.
    """
    if torch.rand(()) < 0.5:
        features = features[torch.randperm(len(features), device=features.device)]
    return features * (2 * torch.rand((), device=features.device)).to(features.dtype)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


def _open(q: torch.Tensor, k: torch.Tensor, shape: tuple[int, int, int], rows: torch.Tensor) -> torch.Tensor:
    """Log attention of one head for the asked rows: `(R, P + S)` for (segment, slot) rows, `(R, P)` for prefix rows."""
    prefix, count, slots = shape
    if rows.shape[1] == 1:
        scores = q[rows[:, 0]] @ k[:prefix].T
        later = torch.arange(prefix, device=q.device)[None] > rows
        return scores.float().masked_fill(later, float("-inf")).log_softmax(-1)
    asked = q[prefix:].view(count, slots, -1)[rows[:, 0], rows[:, 1]]
    own = torch.einsum("rd,rsd->rs", asked, k[prefix:].view(count, slots, -1)[rows[:, 0]])
    own = own.masked_fill(torch.arange(slots, device=q.device)[None] > rows[:, 1:], float("-inf"))
    return torch.cat([asked @ k[:prefix].T, own], dim=-1).float().log_softmax(-1)


def _read(
    attn: Any, head: int, v: torch.Tensor, shape: tuple[int, int, int], rows: torch.Tensor, log_weights: torch.Tensor
) -> torch.Tensor:
    """What one head alone adds to the asked rows, `(R, hidden)`."""
    prefix, count, slots = shape
    weights = log_weights.exp().to(v.dtype)
    mixed = weights[:, :prefix] @ v[:prefix]
    own = v[prefix:].view(count, slots, -1)[rows[:, 0]]
    mixed = mixed + torch.einsum("rs,rsd->rd", weights[:, prefix:], own)
    size = attn.head_dim
    return F.linear(mixed, attn.o_proj.weight[:, head * size : (head + 1) * size])


def _echo(attn: Any, x: torch.Tensor, head: int, places: torch.Tensor) -> torch.Tensor:
    """What one head would hand on from some places if it looked at nothing else, `(R, hidden)`."""
    size = attn.head_dim
    group = head * attn.config.num_key_value_heads // attn.config.num_attention_heads
    value = F.linear(x[places], attn.v_proj.weight[group * size : (group + 1) * size])
    return F.linear(value, attn.o_proj.weight[:, head * size : (head + 1) * size])


def _segments(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, own_k: torch.Tensor, own_v: torch.Tensor
) -> torch.Tensor:
    """`(H, K, S, D)`: prefix and own segment under one softmax."""
    if q.device.type == "cpu":
        return joint_attention(q, k, v, own_k, own_v)
    count, slots, prefix = q.shape[1], q.shape[2], k.shape[1]
    keys, values = (
        torch.cat([t[None].expand(count, -1, -1, -1), own.transpose(0, 1)], dim=2)
        for t, own in ((k, own_k), (v, own_v))
    )
    mask = torch.ones(slots, prefix + slots, dtype=torch.bool, device=q.device).tril(prefix)
    return F.scaled_dot_product_attention(q.transpose(0, 1), keys, values, attn_mask=mask).transpose(0, 1)


def _attend(
    attn: Any,
    x: torch.Tensor,
    turn: tuple[torch.Tensor, torch.Tensor],
    shape: tuple[int, int, int],
    asked: dict[str, tuple[int, torch.Tensor]],
) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    prefix, count, slots = shape
    heads, size = attn.config.num_attention_heads, attn.head_dim
    groups = attn.config.num_attention_heads // attn.config.num_key_value_heads
    q = _rotate(attn.q_norm(attn.q_proj(x).view(-1, heads, size)).transpose(0, 1), *turn)  # (H, T, D)
    k = _rotate(attn.k_norm(attn.k_proj(x).view(-1, heads // groups, size)).transpose(0, 1), *turn)
    v = attn.v_proj(x).view(-1, heads // groups, size).transpose(0, 1)
    k, v = k.repeat_interleave(groups, 0), v.repeat_interleave(groups, 0)
    first = F.scaled_dot_product_attention(
        q[None, :, :prefix], k[None, :, :prefix], v[None, :, :prefix], is_causal=True
    )[0]
    own_q, own_k, own_v = (t[:, prefix:].view(heads, count, slots, size) for t in (q, k, v))
    later = _segments(own_q, k[:, :prefix], v[:, :prefix], own_k, own_v)  # (H, K, S, D)
    opened = {name: _open(q[head] * size**-0.5, k[head], shape, rows) for name, (head, rows) in asked.items()}
    read = {
        name: _read(attn, head, v[head], shape, rows, opened[name])
        for name, (head, rows) in asked.items()
        if name in COPYING
    }
    joined = torch.cat([first.transpose(0, 1), later.reshape(heads, count * slots, size).transpose(0, 1)])
    return attn.o_proj(joined.reshape(x.shape[0], -1)), opened, read


def forward(model: Qwen3VLForConditionalGeneration, packed: Packed) -> Seen:
    """Hidden states of all segments and the opened attention rows."""
    language = model.model.language_model
    device = language.embed_tokens.weight.device
    prefix, (count, slots) = packed.prefix.shape[0], packed.segments.shape
    ids = torch.cat([packed.prefix, packed.segments.reshape(-1)]).to(device)
    x = language.embed_tokens(ids)  # (T, hidden)
    image, levels = _vision(model, packed)
    at, end = packed.image_at, packed.image_at + image.shape[0]
    x = torch.cat([x[:at], image.to(x.dtype), x[end:]])
    later = (torch.arange(slots) + packed.start).repeat(count).expand(3, -1)
    positions = torch.cat([packed.prefix_positions, later], dim=1).to(device)
    cos, sin = language.rotary_emb(x[None], positions[:, None])
    attention: dict[str, torch.Tensor] = {}
    read: dict[str, torch.Tensor] = {}
    for depth, layer in enumerate(language.layers):
        asked = {
            name: (head, packed.targets[name].rows.to(device))
            for name, (level, head) in HEADS.items()
            if level == depth
        }
        mixed, rows, handed = _attend(
            layer.self_attn, layer.input_layernorm(x), (cos[0], sin[0]), (prefix, count, slots), asked
        )
        for name in set(packed.echoes) & set(asked):
            places = packed.echoes[name][0].to(device)
            handed[f"{name} echo"] = _echo(layer.self_attn, layer.input_layernorm(x), HEADS[name][1], places)
        attention.update(rows)
        read.update({name: language.norm(added) for name, added in handed.items()})
        x = x + mixed
        x = x + layer.mlp(layer.post_attention_layernorm(x))
        if depth < len(levels):
            x = torch.cat([x[:at], x[at:end] + levels[depth].to(x.dtype), x[end:]])
    hidden = language.norm(x[prefix:]).view(count, slots, -1)
    return Seen(hidden, read, attention)
