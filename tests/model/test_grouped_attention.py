"""Attention over shared keys against a mask written out, whole and in pieces, and the static step against the others."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from test_engine import Talk, free
from torch import Tensor

from model.qwen3vl import attention
from model.qwen3vl.attention import Causal, attend, attend_static
from model.qwen3vl.engine import Engine


def written_out(q: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """The same by definition: every head with its own copy of the keys, one row of the mask at a time."""
    new, heads, _ = q.shape
    repeat = heads // keys.shape[1]
    keys, values = (x[0].repeat_interleave(repeat, 0) for x in (keys, values))
    past = keys.shape[1] - new
    rows = []
    for i in range(new):
        seen = past + i + 1
        weights = torch.softmax(torch.einsum("ad,and->an", q[i], keys[:, :seen]) * scale, -1)
        rows.append(torch.einsum("an,and->ad", weights, values[:, :seen]).reshape(-1))
    return torch.stack(rows)


def tensors(new: int, length: int, heads: int = 4, groups: int = 2, size: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(new * 100 + length)
    return torch.randn(new, heads, size), torch.randn(1, groups, length, size), torch.randn(1, groups, length, size)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("new", "length"), [(1, 1), (1, 9), (7, 7), (5, 12), (2, 100)])
@pytest.mark.parametrize("most", [2**24, 60, 1])
def test_every_way_sees_what_it_may(
    new: int, length: int, groups: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "MOST_MASK", most)
    q, keys, values = tensors(new, length, groups=groups)
    causal = Causal(length - new, new)
    for _ in range(2):  # a second layer takes the mask of the first
        found = attend(q, keys, values, 0.3, causal)
        torch.testing.assert_close(found, written_out(q, keys, values, 0.3), atol=1e-5, rtol=1e-5)


def test_the_kernel_of_flash_attention_is_called_as_it_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its package needs a GPU; this stands in for it with what its documentation promises: (batch, tokens, heads, size),
    fewer key heads than query heads, and a causal mask that ends at the last key."""

    def promised(q: Tensor, k: Tensor, v: Tensor, softmax_scale: float, causal: bool) -> Tensor:
        assert causal and q.ndim == k.ndim == 4 and q.shape[2] % k.shape[2] == 0
        repeat = q.shape[2] // k.shape[2]
        k, v = (x.repeat_interleave(repeat, 2).transpose(1, 2) for x in (k, v))
        mask = torch.ones(q.shape[1], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[1])
        return F.scaled_dot_product_attention(q.transpose(1, 2), k, v, mask, scale=softmax_scale).transpose(1, 2)

    module: Any = ModuleType("flash_attn")
    module.flash_attn_func = promised
    monkeypatch.setitem(sys.modules, "flash_attn", module)
    q, keys, values = tensors(5, 12)
    found = attend(q, keys, values, 0.3, Causal(7, 5, flash=True))
    torch.testing.assert_close(found, written_out(q, keys, values, 0.3), atol=1e-5, rtol=1e-5)


def test_what_is_empty_in_a_buffer_is_not_seen() -> None:
    q, keys, values = tensors(1, 16)
    for at in (0, 3, 15):
        wanted = written_out(q, keys[:, :, : at + 1], values[:, :, : at + 1], 0.3)
        full = keys.clone()
        full[:, :, at + 1 :] = float("nan")
        found = attend_static(q, full, values, 0.3, torch.tensor([at]))
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_the_static_step_says_the_same_over_growing_buffers(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from model.qwen3vl import cache

    monkeypatch.setattr(cache, "room_for", lambda length: -(-length // 64) * 64)  # so that they grow within a reply
    talk, static, dynamic = Talk(tiny, 11), Engine(tiny.network, static=True), Engine(tiny.network, static=False)
    assert static._steady is not None and dynamic._steady is None
    for _ in range(3):
        encoded = talk.turn()
        first, other = (engine.reply(encoded, free(tiny, 80)) for engine in (static, dynamic))
        assert first.ids == other.ids
        assert first.chances == pytest.approx(other.chances, abs=1e-4)


def test_a_buffer_that_was_outgrown_is_given_up() -> None:
    import gc
    import weakref

    from model.qwen3vl.cache import KeyValues

    held = KeyValues(1)
    held.update(torch.zeros(1, 1, 1024, 2), torch.zeros(1, 1, 1024, 2), 0)
    (keys, _), *_ = [(held._own[0]._keys, held._own[0]._values)]
    before = weakref.ref(keys)
    del keys
    assert held.room()[0][0].shape[2] == 2048 and held.get_seq_length() == 1024
    gc.collect()
    assert before() is None


def test_experts_do_not_go_through_the_static_step(moe: Any) -> None:
    assert Engine(moe.network, static=True)._steady is None
