"""Attention of packed segments: all segments look at one shared prefix, and each at itself, as one softmax.

The two parts are computed apart and joined by their log sums, so that the shared keys are never copied. The backward
pass uses the joined output and log sum for both parts, which is exact (Dao 2023, FlashAttention-2, section 3.1).
Letters: H heads, K segments, S slots, P prefix, D head size.
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["joint_attention"]

_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_FLASH_BACK = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def _own_scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Scaled causal scores `(H, K, S, S)` in float32."""
    slots, size = q.shape[-2:]
    later = torch.ones(slots, slots, dtype=torch.bool, device=q.device).triu(1)
    return (q @ k.transpose(-1, -2)).float().mul_(size**-0.5).masked_fill_(later, float("-inf"))


class _Joint(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, own_k: torch.Tensor, own_v: torch.Tensor
    ) -> torch.Tensor:
        """q, own_k, own_v: `(H, K, S, D)`; k, v: `(H, P, D)`."""
        heads, count, slots, size = q.shape
        flat = q.reshape(1, heads, count * slots, size)
        first, first_log = _FLASH(flat, k[None], v[None])
        first_log = first_log.view(heads, count, slots, 1)
        scores = _own_scores(q, own_k)
        own_log = scores.logsumexp(-1, keepdim=True)
        log = torch.logaddexp(first_log, own_log)
        out = first.view(q.shape).float() * (first_log - log).exp() + ((scores - log).exp().to(q.dtype) @ own_v).float()
        out = out.to(q.dtype)
        ctx.save_for_backward(q, k, v, own_k, own_v, out, log)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, ...]:
        q, k, v, own_k, own_v, out, log = ctx.saved_tensors
        grad = grads[0].contiguous()
        heads, count, slots, size = q.shape
        flat = (1, heads, count * slots, size)
        dq, dk, dv = _FLASH_BACK(
            grad.view(flat),
            q.reshape(flat),
            k[None],
            v[None],
            out.view(flat),
            log.view(1, heads, count * slots),
            0.0,
            False,
        )
        weights = (_own_scores(q, own_k) - log).exp()
        shift = (grad.float() * out.float()).sum(-1, keepdim=True)
        back = (weights * ((grad @ own_v.transpose(-1, -2)).float() - shift)).mul_(size**-0.5).to(q.dtype)
        own_dv = weights.to(q.dtype).transpose(-1, -2) @ grad
        return dq.view(q.shape) + back @ own_k, dk[0], dv[0], back.transpose(-1, -2) @ q, own_dv


def joint_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, own_k: torch.Tensor, own_v: torch.Tensor
) -> torch.Tensor:
    """`(H, K, S, D)`: what each slot reads from the prefix and, causally, from its own segment. CPU only."""
    result: torch.Tensor = _Joint.apply(q, k, v, own_k, own_v)
    return result
