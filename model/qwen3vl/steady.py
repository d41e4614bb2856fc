"""One token at a time without Python between the kernels: the decoder's static step as a CUDA graph.

A forward of one token launches hundreds of small kernels; on a GPU the launching takes longer than the work. The step
is recorded once for a capacity of the key/value buffers and replayed for every token until they grow. On a CPU there is
nothing to record: the same step runs eagerly, which is how it is tested.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.qwen3vl.cache import KeyValues
from model.qwen3vl.decoder import Decoder

__all__ = ["Steady"]


class Steady:
    """The static step of one decoder.

    Args:
        decoder: one that is `steady`.
        device: where its layers lie.
        dtype: of hidden states.
    """

    def __init__(self, decoder: Decoder, device: torch.device, dtype: torch.dtype) -> None:
        self._decoder = decoder
        self._recorded: torch.cuda.CUDAGraph | None = None
        self._buffers: list[int] = []
        """Where the keys lay when the step was recorded."""
        self._hidden = torch.zeros(1, decoder.embed.shape[1], dtype=dtype, device=device)
        self._positions = torch.zeros(3, 1, dtype=torch.int64, device=device)
        self._at = torch.zeros(1, dtype=torch.int64, device=device)
        self._out = self._hidden

    def step(self, hidden: Tensor, positions: Tensor, cache: KeyValues) -> Tensor:
        """Append one token to a cache that holds at least one.

        Args:
            hidden: (1, H) embedding.
            positions: (3, 1) int64.
            cache: what came before.

        Returns:
            (1, H) after the last layer; overwritten by the next step.
        """
        at, slots = cache.get_seq_length(), cache.room()
        self._hidden.copy_(hidden)
        self._positions.copy_(positions)
        self._at.fill_(at)
        if self._hidden.is_cuda:
            self._replayed(slots)
        else:
            self._out = self._decoder.forward_static(self._hidden, self._positions, slots, self._at)
        cache.wrote()
        return self._out

    def _replayed(self, slots: list[tuple[Tensor, Tensor]]) -> None:
        where = [keys.data_ptr() for keys, _ in slots]
        if self._recorded is None or where != self._buffers:
            self._record(slots)
            self._buffers = where
        assert self._recorded is not None
        self._recorded.replay()

    def _record(self, slots: list[tuple[Tensor, Tensor]]) -> None:
        """Warm up on a stream of its own, as recording wants it, then record."""
        self._recorded = None
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                self._decoder.forward_static(self._hidden, self._positions, slots, self._at)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._out = self._decoder.forward_static(self._hidden, self._positions, slots, self._at)
        self._recorded = graph
