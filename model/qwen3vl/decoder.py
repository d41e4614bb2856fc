"""One forward of the text half, with transformers' weights and without its module dispatch.

Letters: T new tokens, N tokens held after them, H hidden size, A attention heads, G key/value heads, D head size.

Per layer: q, k and v are one matrix product, and so are gate and up (their weights become views of the fused ones, so
nothing is held twice); norms and rotation work on all heads at once. Everything with other kinds of layers (quantised
weights, experts) goes through transformers' own modules, piece by piece. Equal to `Qwen3VLTextModel.forward` within
rounding (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.qwen3vl.cache import KeyValues

__all__ = ["Decoder", "fuse_linears"]

Injected = tuple[Tensor, tuple[Tensor, ...]]
"""Rows of the T new tokens that are picture tokens, (n,), and what DeepStack adds there: (n, H) for each level."""


def fuse_linears(*parts: nn.Module) -> tuple[Tensor, Tensor | None] | None:
    """One weight for several linear layers with the same input; None where they are not plain linear layers."""
    if any(type(part) is not nn.Linear for part in parts):
        return None
    linears = [part for part in parts if isinstance(part, nn.Linear)]
    weights: list[Tensor] = [part.weight for part in linears]
    weight = torch.cat(weights)
    biases: list[Tensor] = [part.bias for part in linears if part.bias is not None]
    bias = torch.cat(biases) if len(biases) == len(linears) else None
    at = 0
    for part in linears:
        rows = part.weight.shape[0]
        part.weight = nn.Parameter(weight[at : at + rows], requires_grad=False)
        at += rows
    return weight, bias


class Decoder:
    """The text model of one network."""

    def __init__(self, network: Any) -> None:
        text = network.model.language_model
        self.embed: Tensor = text.embed_tokens.weight
        self._rotary = text.rotary_emb
        self._norm = text.norm
        self._head = network.lm_head
        self._layers = [_Layer(layer, text.config) for layer in text.layers]

    @property
    def layers(self) -> int:
        return len(self._layers)

    def forward(
        self, hidden: Tensor, positions: Tensor, cache: KeyValues, injected: Injected | None, check: Callable[[], None]
    ) -> Tensor:
        """Append T tokens to the cache.

        Args:
            hidden: (T, H) embeddings, pictures already in place. Overwritten.
            positions: (3, T) int64.
            cache: what came before; the new tokens are appended.
            injected: what DeepStack adds, None where no picture is among the new tokens.
            check: called before every layer; raises to stop.

        Returns:
            (T, H) after the last layer, before the last norm.
        """
        cos, sin = self._rotary(hidden, positions[:, None])  # (1, T, D)
        cos, sin = cos[0, :, None], sin[0, :, None]  # (T, 1, D)
        past, new = cache.get_seq_length(), hidden.shape[0]
        mask = _mask(past, new, hidden) if past and new > 1 else None
        for number, layer in enumerate(self._layers):
            check()
            hidden = layer.forward(hidden, cos, sin, cache, number, mask)
            if injected is not None and number < len(injected[1]):
                rows, levels = injected
                hidden.index_add_(0, rows, levels[number])
        return hidden

    def normed(self, hidden: Tensor) -> Tensor:
        """(T, H) as the head takes it."""
        return _norm(self._norm, hidden)

    def logits(self, hidden: Tensor) -> Tensor:
        """(T, H) to (T, V)."""
        return self._head(self.normed(hidden))  # type: ignore[no-any-return]


def _mask(past: int, new: int, like: Tensor) -> Tensor:
    """(T, N) bool: token i sees everything held before and the new tokens up to itself."""
    return torch.ones(new, past + new, dtype=torch.bool, device=like.device).tril_(past)


def _norm(module: Any, x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), module.weight, module.variance_epsilon)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of (T, heads, D) by (T, 1, D)."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin


class _Layer:
    """One decoder layer."""

    def __init__(self, layer: Any, config: Any) -> None:
        self._layer = layer
        attention = layer.self_attn
        self._attention = attention
        self._head_dim = int(attention.head_dim)
        self._heads = int(config.num_attention_heads)
        self._groups = int(config.num_key_value_heads)
        self._qkv = fuse_linears(attention.q_proj, attention.k_proj, attention.v_proj)
        mlp = layer.mlp
        self._gate_up = fuse_linears(mlp.gate_proj, mlp.up_proj) if hasattr(mlp, "gate_proj") else None

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, cache: KeyValues, number: int, mask: Tensor | None
    ) -> Tensor:
        x = x + self._attend(_norm(self._layer.input_layernorm, x), cos, sin, cache, number, mask)
        return x.add_(self._feed(_norm(self._layer.post_attention_layernorm, x)))

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(T, H) to q (T, A, D), k and v (T, G, D)."""
        heads, groups, size = self._heads, self._groups, self._head_dim
        if self._qkv is not None:
            qkv = F.linear(x, *self._qkv).view(x.shape[0], heads + 2 * groups, size)
            return qkv[:, :heads], qkv[:, heads : heads + groups], qkv[:, heads + groups :]
        at = self._attention
        q, k, v = at.q_proj(x), at.k_proj(x), at.v_proj(x)
        return q.view(-1, heads, size), k.view(-1, groups, size), v.view(-1, groups, size)

    def _attend(
        self, x: Tensor, cos: Tensor, sin: Tensor, cache: KeyValues, number: int, mask: Tensor | None
    ) -> Tensor:
        q, k, v = self._project(x)
        q = _rotate(_norm(self._attention.q_norm, q), cos, sin)
        k = _rotate(_norm(self._attention.k_norm, k), cos, sin)
        keys, values = cache.update(k.transpose(0, 1)[None], v.transpose(0, 1)[None], number)  # (1, G, N, D)
        new, scale = x.shape[0], self._attention.scaling
        if new == 1:
            packed = q.view(1, self._groups, -1, self._head_dim)  # (1, G, A / G, D): one query, nothing to hide
            out = F.scaled_dot_product_attention(packed, keys, values, scale=scale)
            return self._attention.o_proj(out.reshape(1, -1))  # type: ignore[no-any-return]
        repeat = self._heads // self._groups
        if repeat > 1:
            keys, values = _repeated(keys, repeat), _repeated(values, repeat)
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1)[None], keys, values, attn_mask=mask, is_causal=mask is None, scale=scale
        )  # (1, A, T, D)
        return self._attention.o_proj(out[0].transpose(0, 1).reshape(new, -1))  # type: ignore[no-any-return]

    def _feed(self, x: Tensor) -> Tensor:
        mlp = self._layer.mlp
        if self._gate_up is None:
            out = mlp(x[None])
            return out[0] if isinstance(out, Tensor) else out[0][0]
        gate, up = F.linear(x, *self._gate_up).chunk(2, dim=-1)
        return mlp.down_proj(mlp.act_fn(gate) * up)  # type: ignore[no-any-return]


def _repeated(x: Tensor, repeat: int) -> Tensor:
    """(1, G, N, D) to (1, A, N, D), each group's heads side by side."""
    _, groups, length, size = x.shape
    return x[:, :, None].expand(1, groups, repeat, length, size).reshape(1, groups * repeat, length, size)


def injected_rows(spans: Sequence[tuple[int, int]], start: int, stop: int) -> list[tuple[int, int, int, int]]:
    """Which picture tokens lie in tokens `start` to `stop`: (picture, its first and last row, row among the new)."""
    found = []
    for number, (at, count) in enumerate(spans):
        low, high = max(at, start), min(at + count, stop)
        if low < high:
            found.append((number, low - at, high - at, low - start))
    return found
