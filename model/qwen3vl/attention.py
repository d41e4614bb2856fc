"""Attention of the newest tokens over everything held, without copying keys and values for the heads that share them.

Letters: T new tokens, N tokens held with them, C capacity of a buffer, A attention heads, G key/value heads, r = A / G,
D head size.

The r queries of one key/value head are laid one after another, so that one product with its keys serves them all: on a
CPU half the time of repeated keys at 1,800 tokens. On a GPU the kernels do the same by themselves.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["MOST_MASK", "Causal", "attend", "attend_static"]

MOST_MASK = 2**24
"""Most numbers of a mask; where a prompt would need more, its queries go piece by piece."""


class Causal:
    """Who sees whom in one forward: new token i sees the `past` tokens and the new ones up to itself.

    Args:
        past: tokens held before.
        new: T.
        flash: whether flash-attention's own kernel may be used (CUDA, half precision).
    """

    def __init__(self, past: int, new: int, flash: bool = False) -> None:
        self.past, self.new, self.flash = past, new, flash
        self._mask: Tensor | None = None

    def mask(self, low: int, high: int, repeat: int, like: Tensor) -> Tensor:
        """(repeat * (high - low), past + high) of 0 and -inf for new tokens `low` to `high`; kept when it is all."""
        whole = (low, high) == (0, self.new)
        if whole and self._mask is not None and self._mask.device == like.device:
            return self._mask
        hidden = torch.ones(high - low, self.past + high, dtype=torch.bool, device=like.device)
        hidden.triu_(self.past + low + 1)
        mask = torch.zeros(hidden.shape, dtype=like.dtype, device=like.device).masked_fill_(hidden, float("-inf"))
        mask = mask.repeat(repeat, 1)
        if whole:
            self._mask = mask
        return mask


def attend(q: Tensor, keys: Tensor, values: Tensor, scale: float, causal: Causal) -> Tensor:
    """Attention of T new tokens.

    Args:
        q: (T, A, D).
        keys: (1, G, N, D), the new tokens' last.
        values: as keys.
        scale: of the products.
        causal: who sees whom.

    Returns:
        (T, A * D).
    """
    new, groups = q.shape[0], keys.shape[1]
    if new == 1:  # one query, nothing to hide
        packed = q.view(1, groups, -1, q.shape[-1])  # (1, G, r, D)
        return F.scaled_dot_product_attention(packed, keys, values, scale=scale).reshape(1, -1)
    if causal.flash:
        return _flash(q, keys, values, scale)
    if causal.past == 0:
        return _plain(q, keys, values, scale, is_causal=True)
    if q.is_cuda:
        from torch.nn.attention.bias import causal_lower_right

        bias = causal_lower_right(new, keys.shape[2])
        return _plain(q, keys, values, scale, attn_mask=bias)
    repeat, length = q.shape[1] // groups, keys.shape[2]
    rows = max(1, min(new, MOST_MASK // (repeat * length)))
    pieces = [_piece(q, keys, values, scale, causal, low, min(low + rows, new)) for low in range(0, new, rows)]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _plain(q: Tensor, keys: Tensor, values: Tensor, scale: float, **how: Any) -> Tensor:
    shared = q.shape[1] != keys.shape[1]
    out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], keys, values, scale=scale, enable_gqa=shared, **how)
    return out[0].transpose(0, 1).reshape(q.shape[0], -1)


def _piece(q: Tensor, keys: Tensor, values: Tensor, scale: float, causal: Causal, low: int, high: int) -> Tensor:
    """New tokens `low` to `high` over what they may see, (high - low, A * D)."""
    groups, size, seen = keys.shape[1], q.shape[-1], causal.past + high
    repeat, count = q.shape[1] // groups, high - low
    packed = q[low:high].view(count, groups, repeat, size).permute(1, 2, 0, 3).reshape(1, groups, -1, size)
    mask = causal.mask(low, high, repeat, q)
    out = F.scaled_dot_product_attention(packed, keys[:, :, :seen], values[:, :, :seen], attn_mask=mask, scale=scale)
    return out.view(groups, repeat, count, size).permute(2, 0, 1, 3).reshape(count, -1)


def _flash(q: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """flash-attention's own kernel: the last query sees the last key, and heads that share keys are its business."""
    from flash_attn import flash_attn_func

    out = flash_attn_func(
        q[None], keys.transpose(1, 2), values.transpose(1, 2), softmax_scale=scale, causal=True
    )  # (1, T, A, D)
    return out.reshape(q.shape[0], -1)  # type: ignore[no-any-return]


def attend_static(q: Tensor, keys: Tensor, values: Tensor, scale: float, at: Tensor) -> Tensor:
    """One query over a whole buffer of which places 0 to `at` are filled: the same shapes whatever `at` is.

    Args:
        q: (1, A, D).
        keys: (1, G, C, D).
        values: as keys.
        scale: of the products.
        at: (1,) int64.

    Returns:
        (1, A * D).
    """
    packed = q.view(1, keys.shape[1], -1, q.shape[-1]) * scale  # (1, G, r, D)
    products = torch.matmul(packed, keys.transpose(-1, -2)).float()  # (1, G, r, C)
    empty = torch.arange(keys.shape[2], device=q.device) > at  # (C,)
    weights = products.masked_fill(empty, float("-inf")).softmax(-1).to(q.dtype)
    return torch.matmul(weights, values).reshape(1, -1)
