"""Dense reading heads on the patches of a Qwen3-VL vision tower.

For every patch: the characters whose centres lie in it, line by line and from left to right; where a piece of text
begins; how high its lines are; the role of the operable thing that the patch belongs to, its edges, states and icon.
They read the tower's hidden states at every block (the levels that DeepStack hands to the decoder, before its mergers),
so one pass of the stock tower serves both. They are no part of the family's architecture: a folder without them is a
checkpoint like any other.

Letters: B tiles of one shape, N patches of a tile, W hidden width of the tower, D its blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.reading.alphabet import Alphabet

__all__ = ["Dense", "Heads", "levels"]


@dataclass
class Dense:
    """What the heads say of B tiles; patches in raster order."""

    glyphs: Tensor  # (B, N, lines, slots, characters + 2) logits
    begins: Tensor  # (B, N, lines, slots) logits: this character begins a piece of text
    heights: Tensor  # (B, N, lines, 2): centre of the line below the patch's centre and height of the text, patches
    roles: Tensor  # (B, N, roles) logits
    edges: Tensor  # (B, N, 4): log1p of the distance from the patch's centre to left, top, right, bottom, patches
    states: Tensor  # (B, N, states) logits
    icons: Tensor  # (B, N, icons) logits


class Heads(nn.Module):
    """Two small networks over the concatenated levels: one for text, one for things."""

    def __init__(self, width: int, depth: int, alphabet: Alphabet) -> None:
        super().__init__()
        self.alphabet = alphabet
        a = alphabet
        self.norms = nn.ModuleList([nn.LayerNorm(width, eps=1e-6) for _ in range(depth)])
        self.text = nn.Linear(width * depth, a.hidden)
        self.thing = nn.Linear(width * depth, a.hidden)
        places = a.lines * a.slots
        self.glyphs = nn.Linear(a.hidden, places * (len(a.characters) + 2))
        self.begins = nn.Linear(a.hidden, places)
        self.heights = nn.Linear(a.hidden, a.lines * 2)
        self.roles = nn.Linear(a.hidden, len(a.roles))
        self.edges = nn.Linear(a.hidden, 4)
        self.states = nn.Linear(a.hidden, len(a.states))
        self.icons = nn.Linear(a.hidden, len(a.icons))

    def forward(self, seen: list[Tensor]) -> Dense:
        """From the hidden states of every block, each `(B, N, W)`."""
        a = self.alphabet
        x = torch.cat([norm(level) for norm, level in zip(self.norms, seen, strict=True)], dim=-1)
        text, thing = F.gelu(self.text(x)), F.gelu(self.thing(x))
        shape = (*x.shape[:2], a.lines, a.slots)
        return Dense(
            glyphs=self.glyphs(text).view(*shape, -1),
            begins=self.begins(text).view(shape),
            heights=self.heights(text).view(*x.shape[:2], a.lines, 2),
            roles=self.roles(thing),
            edges=self.edges(thing),
            states=self.states(thing),
            icons=self.icons(thing),
        )


def levels(visual: Any, patches: Tensor, grid: tuple[int, int]) -> list[Tensor]:
    """Hidden states after every block of the stock tower for B tiles of one grid (rows, columns), in raster order.

    Args:
        visual: `Qwen3VLVisionModel`.
        patches: (B, N, 3 * patch * patch), one temporal copy, raster order, normalised.
        grid: rows and columns of every tile; N is their product.

    Same mathematics as the tower's own forward on B images (a test prints the largest difference); attention runs
    over all tiles in one batch. The order of patches does not matter to it, so raster order needs no unshuffling.
    """
    weight = visual.patch_embed.proj.weight  # (W, 3, T, patch, patch): for a still image the temporal copies add up
    flat = weight.sum(2).flatten(1)
    x = F.linear(patches.to(flat.dtype), flat, visual.patch_embed.proj.bias)  # (B, N, W)
    x = x + _places(visual, grid, x)
    cos, sin = _turns(visual, grid, x)
    seen = []
    for block in visual.blocks:
        x = x + _attend(block.attn, block.norm1(x), cos, sin)
        x = x + block.mlp(block.norm2(x))
        seen.append(x)
    return seen


def _places(visual: Any, grid: tuple[int, int], like: Tensor) -> Tensor:
    """The learned positions, resampled to the grid (bilinear, corners aligned): `(N, W)`."""
    side = visual.num_grid_per_side
    square = visual.pos_embed.weight.view(1, side, side, -1).permute(0, 3, 1, 2)
    sampled = F.interpolate(square.float(), size=grid, mode="bilinear", align_corners=True)
    return sampled[0].flatten(1).T.to(like.dtype)


def _turns(visual: Any, grid: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.arange(grid[0], device=like.device).repeat_interleave(grid[1])
    columns = torch.arange(grid[1], device=like.device).repeat(grid[0])
    cos, sin = visual.rotary_pos_emb(like, torch.stack([rows, columns], dim=-1))
    return cos.to(like.dtype), sin.to(like.dtype)  # (N, head)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin


def _attend(attn: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    count, patches, width = x.shape
    q, k, v = attn.qkv(x).view(count, patches, 3, attn.num_heads, -1).permute(2, 0, 3, 1, 4)  # (B, heads, N, head)
    q, k = _turned(q, cos, sin), _turned(k, cos, sin)
    if torch.is_grad_enabled() and x.device.type == "cpu":  # the fused kernel's backward is the slower one there
        mixed = ((q * attn.scaling) @ k.transpose(-1, -2)).softmax(-1) @ v
    else:
        mixed = F.scaled_dot_product_attention(q, k, v)
    out: Tensor = attn.proj(mixed.transpose(1, 2).reshape(count, patches, width))
    return out
