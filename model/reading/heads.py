"""Dense reading heads on a Qwen3-VL vision tower: what a screenshot says and what on it can be operated.

Two grids. Of *cells* of 2 by 8 pixels they say which character has its centre there, where exactly, how tall its line
is, whether a piece of text begins with it. Of *squares* of 8 by 8 they say the role of the operable thing that the
square belongs to, its edges, states and icon.

They read the tower's hidden states after every block, as DeepStack does, and beside them a few convolutions of the
pixels: a patch of 16 by 16 that becomes one vector keeps too little of four letters (`docs/decisions/009`) and cannot
tell where in it a tick of 13 pixels stands (`docs/decisions/011`). They are no part of the family's architecture: a
folder without them is a checkpoint like any other.

Letters: B tiles of one shape, N patches of a tile, H and W cells of a tile, Y and X squares of a tile, C hidden width
of the tower, D its blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.reading.alphabet import Alphabet
from model.reading.tiles import PATCH, SQUARE

__all__ = ["CELL", "TEXT", "Dense", "Heads", "levels"]

CELL = (8, 2)
"""Height and width of a cell of text, in pixels."""
TEXT = ("norms", "fine", "about", "text", "glyphs", "begins", "places")
"""The modules that read text; the others know things."""
_TEXT, _NEAR, _FAR = 64, 80, 112
_REACH = (1, 2, 4, 8, 1)
"""How far apart, in patches, the places are that each convolution of the surroundings looks at."""


@dataclass
class Dense:
    """What the heads say of B tiles; rows from the top, columns from the left."""

    glyphs: Tensor  # (B, H, W, characters + 2) logits: the character whose centre lies in this cell
    begins: Tensor  # (B, H, W) logits: it begins a piece of text
    places: Tensor  # (B, H, W, 3): its centre right of and below the cell's, cells; log of its line's height, pixels
    roles: Tensor  # (B, Y, X, roles) logits
    edges: Tensor  # (B, Y, X, 4): log1p of the distance from the square's centre to left, top, right, bottom, squares
    trusts: Tensor  # (B, Y, X) logits: how far the box of these edges overlaps the thing (intersection over union)
    states: Tensor  # (B, Y, X, states) logits
    icons: Tensor  # (B, Y, X, icons) logits


class Heads(nn.Module):
    """Convolutions of the pixels, joined with the tower's levels; one network for text and one for things."""

    def __init__(self, width: int, depth: int, alphabet: Alphabet) -> None:
        super().__init__()
        self.alphabet = a = alphabet
        self.norms = nn.ModuleList([nn.LayerNorm(width, eps=1e-6) for _ in range(depth)])
        self.fine = nn.Sequential(
            _Convolved(3, 16, (3, 3), (1, 1)),
            _Convolved(16, 32, (3, 3), (2, 2)),
            _Convolved(32, 48, (3, 3), (2, 1)),
            _Convolved(48, _TEXT, (3, 3), (1, 1)),
            _Convolved(_TEXT, _TEXT, (3, 3), (2, 1)),
        )
        self.about = nn.Linear(width * depth, _TEXT)
        self.text = _Convolved(_TEXT, _TEXT, (3, 5), (1, 1))
        self.glyphs = nn.Conv2d(_TEXT, len(a.characters) + 2, 1)
        assert self.glyphs.bias is not None
        nn.init.constant_(self.glyphs.bias[:1], 3.0)  # most cells hold no character's centre
        self.begins = nn.Conv2d(_TEXT, 1, 1)
        self.places = nn.Conv2d(_TEXT, 3, 1)
        self.things = _Things(width * depth)
        self.roles = nn.Conv2d(_NEAR, len(a.roles), 1)
        self.edges = nn.Conv2d(_NEAR, 4, 1)
        self.trusts = nn.Conv2d(_NEAR, 1, 1)
        self.states = nn.Conv2d(_NEAR, len(a.states), 1)
        self.icons = nn.Conv2d(_NEAR, len(a.icons), 1)

    def forward(self, seen: list[Tensor], patches: Tensor, grid: tuple[int, int]) -> Dense:
        """From the hidden states of every block, each `(B, N, C)`, and the patches `(B, N, 3 * 16 * 16)` themselves."""
        x = torch.cat([norm(level) for norm, level in zip(self.norms, seen, strict=True)], dim=-1)
        picture = _picture(patches, grid).to(x.dtype).contiguous(memory_format=torch.channels_last)
        fine = self.fine(picture) + _spread(self.about(x), grid, (PATCH // CELL[0], PATCH // CELL[1]))
        text = self.text(fine)
        thing = self.things(picture, fine, x, grid)
        return Dense(
            glyphs=_last(self.glyphs(text)),
            begins=self.begins(text)[:, 0],
            places=_last(self.places(text)),
            roles=_last(self.roles(thing)),
            edges=_last(self.edges(thing)),
            trusts=self.trusts(thing)[:, 0],
            states=_last(self.states(thing)),
            icons=_last(self.icons(thing)),
        )


class _Things(nn.Module):
    """What each square knows of itself and of what stands around it, some 500 pixels to each side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.looks = nn.Sequential(
            _Convolved(3, 24, (3, 3), (2, 2)), _Convolved(24, 48, (3, 3), (2, 2)), _Convolved(48, 64, (3, 3), (2, 2))
        )
        cells = (SQUARE // CELL[0], SQUARE // CELL[1])
        self.gathered = _Convolved(_TEXT, 64, cells, cells, pad=(0, 0))
        self.about = nn.Linear(width, _NEAR)
        self.joined = _Convolved(128, _NEAR, (1, 1), (1, 1))
        self.near = nn.ModuleList([_Convolved(_NEAR, _NEAR, (3, 3), (1, 1)) for _ in range(2)])
        self.wider = _Convolved(_NEAR, _FAR, (3, 3), (2, 2))
        self.far = nn.ModuleList([_Convolved(_FAR, _FAR, (3, 3), (1, 1), reach=reach) for reach in _REACH])
        self.narrower = nn.Conv2d(_FAR, _NEAR, 1)
        self.whole = _Convolved(_NEAR, _NEAR, (3, 3), (1, 1))

    def forward(self, picture: Tensor, fine: Tensor, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """From the picture, the cells of text and the tower's levels to `(B, width, Y, X)`."""
        near = self.joined(torch.cat([self.looks(picture), self.gathered(fine)], dim=1))
        near = near + _spread(self.about(x), grid, (PATCH // SQUARE, PATCH // SQUARE))
        for layer in self.near:
            near = near + layer(near)
        far = self.wider(near)
        for layer in self.far:
            far = far + layer(far)
        near = near + F.interpolate(self.narrower(far), scale_factor=PATCH // SQUARE, mode="nearest")
        whole: Tensor = near + self.whole(near)
        return whole


class _Convolved(nn.Module):
    """A convolution that keeps the size but for its stride, normalised over the batch."""

    def __init__(
        self,
        before: int,
        after: int,
        size: tuple[int, int],
        stride: tuple[int, int],
        pad: tuple[int, int] | None = None,
        reach: int = 1,
    ) -> None:
        super().__init__()
        padding = pad or (size[0] // 2 * reach, size[1] // 2 * reach)
        self.weights = nn.Conv2d(before, after, size, stride, padding, dilation=reach, bias=False)
        self.norm = nn.BatchNorm2d(after, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.weights(x)))


def _picture(patches: Tensor, grid: tuple[int, int]) -> Tensor:
    """The tile that was cut into patches: `(B, 3, height, width)`."""
    rows, columns = grid
    parts = patches.view(len(patches), rows, columns, 3, PATCH, PATCH)
    return parts.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), 3, rows * PATCH, columns * PATCH)


def _spread(x: Tensor, grid: tuple[int, int], times: tuple[int, int]) -> Tensor:
    """What is known of patches `(B, N, C)`, said of every part of them: `(B, C, rows * times, columns * times)`."""
    plan = x.view(len(x), *grid, -1).permute(0, 3, 1, 2)
    return plan.repeat_interleave(times[0], 2).repeat_interleave(times[1], 3)


def _last(plan: Tensor) -> Tensor:
    """Channels last."""
    return plan.permute(0, 2, 3, 1)


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
