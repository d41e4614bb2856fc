"""What is kept between steps: keys and values of the last conversation, and features of the last pictures.

Letters: G key/value heads, N tokens held, C capacity, D head size.

`KeyValues` is a transformers cache, so that both our decoder and theirs can write to it. Its buffers grow by a share of
their size, so a token costs one write and not a copy of everything before it, and going back to a prefix costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from model.family import capacity as room_for
from model.qwen3vl.library import Cache, DynamicLayer

__all__ = ["FeatureCache", "Features", "KeyValues"]


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values of one layer in buffers with room to grow."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.length = 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append (1, G, T, D) and return views of everything held, (1, G, N, D)."""
        start, self.length = self.length, self.length + key_states.shape[-2]
        self._reserve(self.length, key_states, value_states)
        assert self._keys is not None and self._values is not None
        self._keys[:, :, start : self.length] = key_states
        self._values[:, :, start : self.length] = value_states
        self.keys = self._keys[:, :, : self.length]
        self.values = self._values[:, :, : self.length]
        return self.keys, self.values

    def _reserve(self, length: int, keys: Tensor, values: Tensor) -> None:
        capacity = 0 if self._keys is None else self._keys.shape[-2]
        if length <= capacity:
            return
        capacity = room_for(length)
        self.is_initialized, self.dtype, self.device = True, keys.dtype, keys.device
        self._keys = _grown(self._keys, keys, capacity)  # (1, G, C, D)
        self._values = _grown(self._values, values, capacity)

    def get_seq_length(self) -> int:
        return self.length

    def cut(self, length: int) -> None:
        self.length = length

    def room(self) -> tuple[Tensor, Tensor]:
        """The whole buffers (1, G, C, D), with room for one more token. Only for a layer that holds something."""
        assert self._keys is not None and self._values is not None
        self._reserve(self.length + 1, self._keys, self._values)
        self.keys = self._keys[:, :, : self.length]  # so that nothing holds on to a buffer that was given up
        self.values = self._values[:, :, : self.length]
        return self._keys, self._values


def _grown(old: Tensor | None, like: Tensor, capacity: int) -> Tensor:
    new = like.new_zeros((*like.shape[:2], capacity, like.shape[-1]))  # a static step multiplies what is empty by 0
    if old is not None:
        new[:, :, : old.shape[-2]] = old
    return new


class KeyValues(Cache):
    """Keys and values of all layers. Not thread-safe; one conversation."""

    def __init__(self, layers: int) -> None:
        self._own = [_Layer() for _ in range(layers)]
        super().__init__(layers=list(self._own))

    def cut(self, length: int) -> None:
        """Keep the first `length` tokens, whatever a forward that was stopped half-way left in some layers."""
        for layer in self._own:
            layer.cut(length)

    def room(self) -> list[tuple[Tensor, Tensor]]:
        """Every layer's keys and values as they lie in memory, (1, G, C, D), C more than the tokens held."""
        return [layer.room() for layer in self._own]

    def wrote(self) -> None:
        """One token more was written into what `room` gave."""
        for layer in self._own:
            layer.length += 1


@dataclass(frozen=True, slots=True)
class Features:
    """One picture as the decoder takes it: n image tokens of hidden size H."""

    tokens: Tensor
    """(n, H)"""
    levels: tuple[Tensor, ...]
    """DeepStack features, (n, H) each; level k is added after text layer k."""

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.tokens, *self.levels))


class FeatureCache:
    """Features by picture digest, the longest unused given up first when they take more than `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._held: OrderedDict[str, Features] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: str) -> Features | None:
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: str, features: Features) -> None:
        if key in self._held:
            self._bytes -= self._held.pop(key).nbytes
        self._held[key] = features
        self._bytes += features.nbytes
        while self._bytes > self.limit_bytes and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= dropped.nbytes
