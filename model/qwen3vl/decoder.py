"""One forward of the text half, with transformers' weights and without its module dispatch.

Letters: T new tokens, N tokens held after them, H hidden size, A attention heads, G key/value heads, D head size.

Per layer: q, k and v are one matrix product, and so are gate and up (their weights become views of the fused ones, so
nothing is held twice); norms and rotation work on all heads at once. Everything with other kinds of layers (quantised
weights, experts) goes through transformers' own modules, piece by piece. Layers may lie on several devices: what goes
through them moves along. Equal to `Qwen3VLTextModel.forward` within rounding (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.qwen3vl.attention import Causal, attend, attend_static
from model.qwen3vl.cache import KeyValues

__all__ = ["Decoder", "fuse_linears"]

Injected = tuple[Tensor, tuple[Tensor, ...]]
"""Rows of the T new tokens that are picture tokens, (n,), and what DeepStack adds there: (n, H) for each level."""


def fuse_linears(*parts: nn.Module) -> tuple[Tensor, Tensor | None] | None:
    """One weight for several linear layers with the same input; None where they are not plain linear layers."""
    if any(type(part) is not nn.Linear or type(part.weight) is not nn.Parameter for part in parts):
        return None  # a quantised weight is a tensor of another kind in a plain layer
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
        self._flash = text.config._attn_implementation == "flash_attention_2"

    @property
    def layers(self) -> int:
        return len(self._layers)

    @property
    def steady(self) -> bool:
        """Whether `forward_static` can do it: plain layers on one device."""
        return all(layer.plain for layer in self._layers) and len({layer.device for layer in self._layers}) == 1

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
            (1, H) of the last token after the last layer, before the last norm. Nothing is asked about the others, so
            the last layer only makes their keys and values.
        """
        cos, sin = self._rotated(hidden, positions)
        last = len(self._layers) - 1
        causal = Causal(cache.get_seq_length(), hidden.shape[0], self._flash)
        for number, layer in enumerate(self._layers):
            check()
            if hidden.device != layer.device:
                hidden, cos, sin = (tensor.to(layer.device) for tensor in (hidden, cos, sin))
            hidden = layer.forward(hidden, cos, sin, cache, number, causal, number == last)
            if injected is not None and number < min(len(injected[1]), last):
                rows, levels = injected
                hidden.index_add_(0, rows.to(hidden.device), levels[number].to(hidden.device))
        return hidden

    def forward_static(
        self, hidden: Tensor, positions: Tensor, slots: Sequence[tuple[Tensor, Tensor]], at: Tensor
    ) -> Tensor:
        """One token, with shapes that do not depend on how many came before: fit to be captured and replayed.

        Args:
            hidden: (1, H).
            positions: (3, 1).
            slots: every layer's keys and values, (1, G, C, D); the token is written into place `at`.
            at: (1,) int64, below C.

        Returns:
            (1, H) after the last layer, before the last norm.
        """
        cos, sin = self._rotated(hidden, positions)
        for layer, (keys, values) in zip(self._layers, slots, strict=True):
            hidden = layer.forward_static(hidden, cos, sin, keys, values, at)
        return hidden

    def _rotated(self, hidden: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the positions, (T, 1, D) each."""
        cos, sin = self._rotary(hidden, positions[:, None])  # (1, T, D)
        return cos[0, :, None], sin[0, :, None]

    def normed(self, hidden: Tensor) -> Tensor:
        """(T, H) as the head takes it."""
        return _norm(self._norm, hidden.to(self._norm.weight.device))

    def logits(self, hidden: Tensor) -> Tensor:
        """(T, H) to (T, V)."""
        normed = self.normed(hidden)
        return self._head(normed.to(self._head.weight.device))  # type: ignore[no-any-return]


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
        self.device: torch.device = layer.input_layernorm.weight.device

    @property
    def plain(self) -> bool:
        """Nothing but plain linear layers."""
        return self._qkv is not None and self._gate_up is not None

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, cache: KeyValues, number: int, causal: Causal, last: bool
    ) -> Tensor:
        """(T, H), or (1, H) of the last token where this is the `last` layer."""
        q, k, v = self._turned(_norm(self._layer.input_layernorm, x), cos, sin)
        keys, values = cache.update(k.transpose(0, 1)[None], v.transpose(0, 1)[None], number)  # (1, G, N, D)
        if last:
            q, x = q[-1:], x[-1:]
        return self._on(x, attend(q, keys, values, self._attention.scaling, causal))

    def forward_static(self, x: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, at: Tensor) -> Tensor:
        """One token (1, H), its key and value written into place `at` of (1, G, C, D)."""
        q, k, v = self._turned(_norm(self._layer.input_layernorm, x), cos, sin)
        keys.index_copy_(2, at, k.transpose(0, 1)[None])
        values.index_copy_(2, at, v.transpose(0, 1)[None])
        return self._on(x, attend_static(q, keys, values, self._attention.scaling, at))

    def _turned(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (T, A, D), keys and values (T, G, D), turned by their positions."""
        q, k, v = self._project(x)
        q = _rotate(_norm(self._attention.q_norm, q), cos, sin)
        return q, _rotate(_norm(self._attention.k_norm, k), cos, sin), v

    def _on(self, x: Tensor, seen: Tensor) -> Tensor:
        """What follows attention: (T, H) and what was attended to, (T, A * D)."""
        x = x + self._attention.o_proj(seen)
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

    def _feed(self, x: Tensor) -> Tensor:
        mlp = self._layer.mlp
        if self._gate_up is None:
            out = mlp(x[None])
            return out[0] if isinstance(out, Tensor) else out[0][0]
        gate, up = F.linear(x, *self._gate_up).chunk(2, dim=-1)
        return mlp.down_proj(mlp.act_fn(gate) * up)  # type: ignore[no-any-return]


def injected_rows(spans: Sequence[tuple[int, int]], start: int, stop: int) -> list[tuple[int, int, int, int]]:
    """Which picture tokens lie in tokens `start` to `stop`: (picture, its first and last row, row among the new)."""
    found = []
    for number, (at, count) in enumerate(spans):
        low, high = max(at, start), min(at + count, stop)
        if low < high:
            found.append((number, low - at, high - at, low - start))
    return found
