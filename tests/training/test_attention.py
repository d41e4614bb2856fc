"""The joined attention equals attention over the copied keys, forwards and backwards."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from model.training.attention import joint_attention


def _plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, own_k: torch.Tensor, own_v: torch.Tensor) -> torch.Tensor:
    count, slots, prefix = q.shape[1], q.shape[2], k.shape[1]
    keys = torch.cat([k[None].expand(count, -1, -1, -1), own_k.transpose(0, 1)], dim=2)
    values = torch.cat([v[None].expand(count, -1, -1, -1), own_v.transpose(0, 1)], dim=2)
    mask = torch.ones(slots, prefix + slots, dtype=torch.bool).tril(prefix)
    return F.scaled_dot_product_attention(q.transpose(0, 1), keys, values, attn_mask=mask).transpose(0, 1)


def test_outputs_and_gradients_agree() -> None:
    torch.manual_seed(0)
    shapes = ((4, 5, 7, 64), (4, 33, 64), (4, 33, 64), (4, 5, 7, 64), (4, 5, 7, 64))
    given = [torch.randn(shape, requires_grad=True) for shape in shapes]
    grad = torch.randn(shapes[0])
    ours, plain = joint_attention(*given), _plain(*given)
    pairs = [
        (ours, plain),
        *zip(torch.autograd.grad(ours, given, grad), torch.autograd.grad(plain, given, grad), strict=True),
    ]
    worst = max((a - b).abs().max().item() for a, b in pairs)
    print(f"largest difference {worst:.1e}")
    assert worst < 1e-5
