"""The loop around the network: prefill what is new, choose a token, feed it with all that the grammar forces after it.

Letters: T tokens, H hidden size, V vocabulary, n tokens of one picture.

One conversation at a time, not thread-safe. The keys and values of the last prompt and reply stay; a new prompt feeds
only what comes after the longest common prefix (token ids and picture digests). Pictures that were seen before are not
encoded again. Every layer checks the deadline and the stop event, so that even a long prefill ends soon after either.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.base import ModelError
from model.profile import Sampling
from model.qwen3vl.cache import FeatureCache, Features, KeyValues
from model.qwen3vl.decoder import Decoder, injected_rows
from model.qwen3vl.processor import Encoded, Picture
from model.qwen3vl.steady import Steady

__all__ = ["Engine", "Free", "Generated", "ReplyCancelled", "ReplyTimeout", "Steering", "Stop"]

CHUNK = 1024
"""Most tokens fed in one forward of a prefill: bounds its memory."""
FEATURE_BYTES = 512 * 2**20
"""Most memory for features of pictures seen before."""
SMALL_BYTES = 256 * 2**20
"""A text model below this is decoded by one thread on a CPU."""
_FEW = 2048
"""Up to this many allowed tokens the head computes only their logits."""


class ReplyTimeout(ModelError):
    """The reply was not ready at its deadline."""


class ReplyCancelled(ModelError):
    """Somebody pressed stop while the model was replying."""


@dataclass
class Stop:
    """When to give up: a moment of the monotonic clock, and an event that another thread may set."""

    deadline: float = float("inf")
    event: threading.Event | None = None
    limit_s: float = float("inf")

    @classmethod
    def after(cls, seconds: float, event: threading.Event | None = None) -> Stop:
        return cls(time.monotonic() + seconds, event, seconds)

    def check(self) -> None:
        """Raises `ReplyCancelled` or `ReplyTimeout`."""
        if self.event is not None and self.event.is_set():
            raise ReplyCancelled("stopped while the model was replying")
        if time.monotonic() > self.deadline:
            raise ReplyTimeout(f"no reply within {self.limit_s:g} s, try a smaller picture or a longer deadline_s")


class Steering(Protocol):
    """What may be said next. Created for one reply."""

    def forced(self) -> list[int]:
        """Tokens that must come now, already taken; empty where there is a choice."""
        ...

    def allowed(self) -> npt.NDArray[np.int64] | None:
        """Ids of the tokens that may come now, or None for all."""
        ...

    def take(self, token: int) -> None:
        """The token that was chosen."""
        ...

    @property
    def done(self) -> bool: ...


class Free:
    """No grammar: ends at an end token or after `limit` tokens, like `generate()`."""

    def __init__(self, ends: frozenset[int], limit: int) -> None:
        self._ends, self._left, self._ended = ends, limit, False

    def forced(self) -> list[int]:
        return []

    def allowed(self) -> npt.NDArray[np.int64] | None:
        return None

    def take(self, token: int) -> None:
        self._left -= 1
        self._ended = token in self._ends

    @property
    def done(self) -> bool:
        return self._ended or self._left <= 0


@dataclass
class Generated:
    """One reply as tokens."""

    ids: list[int] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    """Probability of each token among the allowed ones at temperature 1; 1 for forced tokens."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    forwards: int = 0
    """Passes through the decoder, prefill chunks included."""
    prefill_s: float = 0.0
    """Until the first choice: pictures and prompt."""
    total_s: float = 0.0


class Engine:
    """Replies for one network. Holds the conversation's keys and values.

    Args:
        network: transformers' module, in eval mode.
        seed: of sampling.
        chunk: most tokens fed in one forward of a prefill.
        feature_bytes: most memory for features of pictures seen before.
        static: whether single tokens go through `steady`; None does so on a GPU, where it saves the launching.
        most_tokens: longest prompt that there is memory for; 0 where positions alone bound it.
    """

    def __init__(
        self,
        network: Any,
        seed: int = 0,
        chunk: int = CHUNK,
        feature_bytes: int = FEATURE_BYTES,
        static: bool | None = None,
        most_tokens: int = 0,
    ) -> None:
        self._network = network
        self._visual = network.model.visual
        self._decoder = Decoder(network)
        self._head = network.lm_head
        self._device: torch.device = network.device
        self._dtype: torch.dtype = network.dtype
        self._chunk = chunk
        self._features = FeatureCache(feature_bytes)
        self._cache = KeyValues(self._decoder.layers)
        self._held = np.empty(0, dtype=np.int64)  # ids whose keys and values are held
        self._held_pictures: list[tuple[int, int, str]] = []  # first token, tokens, key
        self._random = torch.Generator(device="cpu").manual_seed(seed)
        self._stop = Stop()
        weights = sum(weight.nbytes for weight in network.model.language_model.parameters())
        self._small = self._device.type == "cpu" and weights < SMALL_BYTES
        self._longest = int(network.config.text_config.max_position_embeddings)
        self._most_tokens = most_tokens
        wanted = self._device.type == "cuda" if static is None else static
        self._steady = Steady(self._decoder, self._device, self._dtype) if wanted and self._decoder.steady else None

    @property
    def held_tokens(self) -> int:
        return len(self._held)

    def forget(self) -> None:
        """Drop all keys, values and features."""
        self._cache = KeyValues(self._decoder.layers)
        self.forget_pictures()
        self._keep(0)

    def forget_pictures(self) -> None:
        """Drop the features of pictures seen before; keys and values stay."""
        self._features = FeatureCache(self._features.limit_bytes)

    @property
    def records(self) -> bool:
        """Whether single tokens are a recorded graph, which is recorded anew where buffers have grown."""
        return self._steady is not None and self._device.type == "cuda"

    def reply(
        self, prompt: Encoded, steering: Steering, sampling: Sampling | None = None, stop: Stop | None = None
    ) -> Generated:
        """Prefill and decode until the steering is done.

        Raises:
            ReplyTimeout: the deadline passed.
            ReplyCancelled: the stop event was set.
            ModelError: out of memory.
        """
        began = time.perf_counter()
        out = Generated(prompt_tokens=len(prompt.ids))
        with self._guarded(stop or Stop()), torch.inference_mode():
            out.ids += steering.forced()
            out.chances += [1.0] * len(out.ids)
            hidden = self._prefill(_with_tail(prompt, out.ids), out)
            if hidden.is_cuda:  # the choice would wait for it anyway; so its time counts where it belongs
                torch.cuda.synchronize(hidden.device)
            out.prefill_s = time.perf_counter() - began
            with self._few_threads():
                self._decode(hidden, prompt.next_position + len(out.ids), steering, sampling, out)
        out.total_s = time.perf_counter() - began
        return out

    def _decode(
        self, hidden: Tensor, position: int, steering: Steering, sampling: Sampling | None, out: Generated
    ) -> None:
        """From (1, H) of the last token to the end of the reply, a choice and what it forces at a time."""
        while not steering.done:
            token, chance = self._choose(hidden, steering.allowed(), sampling)
            steering.take(token)
            forced = steering.forced()
            out.ids += [token, *forced]
            out.chances += [chance, *[1.0] * len(forced)]
            if steering.done:
                break
            hidden = self._feed_text([token, *forced], position)
            position += 1 + len(forced)
            out.forwards += 1

    @contextmanager
    def _few_threads(self) -> Iterator[None]:
        """One thread for single tokens of a small network: waiting for a second one costs more than it does.

        Measured with the built-in checkpoint on two cores: 5.2 ms a token with one thread, 7.6 with two.
        """
        before = torch.get_num_threads()
        if not self._small or before == 1:
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def last_logits(self, prompt: Encoded, stop: Stop | None = None) -> Tensor:
        """(V,) after the last token of a prompt; for tests and read-outs."""
        with self._guarded(stop or Stop()), torch.inference_mode():
            return self._decoder.logits(self._prefill(prompt, Generated()))[0].float()

    @contextmanager
    def _guarded(self, stop: Stop) -> Iterator[None]:
        """Whatever ends a reply early, what is held afterwards is whole."""
        self._stop = stop
        try:
            stop.check()
            yield
        except torch.OutOfMemoryError as error:
            self.forget()
            raise ModelError("out of memory while replying, try smaller pictures or fewer turns") from error
        except ModelError:
            self._cache.cut(len(self._held))
            raise
        except BaseException:
            self.forget()
            raise
        finally:
            self._stop = Stop()

    def _keep(self, length: int) -> None:
        self._held = self._held[:length]
        self._held_pictures = [entry for entry in self._held_pictures if entry[0] + entry[1] <= length]
        self._cache.cut(length)

    def _common(self, prompt: Encoded) -> int:
        """Length of the longest common prefix of what is held and a prompt; never cuts a picture in two."""
        n = min(len(self._held), len(prompt.ids))
        differs = np.flatnonzero(self._held[:n] != prompt.ids[:n])
        common = int(differs[0]) if len(differs) else n
        theirs = [
            (start, count, picture.key) for (start, count), picture in zip(prompt.spans, prompt.pictures, strict=True)
        ]
        for index in range(max(len(theirs), len(self._held_pictures))):
            mine, other = self._held_pictures[index : index + 1], theirs[index : index + 1]
            if mine != other or mine[0][0] + mine[0][1] > common:
                starts = [entry[0] for entry in (*mine, *other)]
                return min(common, *starts)
        return common

    def _prefill(self, prompt: Encoded, out: Generated) -> Tensor:
        """Feed what is not held; returns (1, H) of the last token."""
        if prompt.next_position > self._longest:
            raise ModelError(
                f"a prompt of {prompt.next_position} positions, the checkpoint knows {self._longest}: show fewer turns"
            )
        if 0 < self._most_tokens < len(prompt.ids):
            raise ModelError(
                f"a prompt of {len(prompt.ids)} tokens, opened with context={self._most_tokens}: show fewer turns"
            )
        kept = min(self._common(prompt), len(prompt.ids) - 1)
        if any(start < kept < start + count for start, count in prompt.spans):
            raise ModelError("a prompt must not end inside a picture")
        self._keep(kept)
        out.cached_tokens = kept
        features = [
            self._encode(picture) if start >= kept else None
            for (start, _), picture in zip(prompt.spans, prompt.pictures, strict=True)
        ]
        hidden = torch.empty(0)
        for start in range(kept, len(prompt.ids), self._chunk):
            stop = min(start + self._chunk, len(prompt.ids))
            hidden = self._feed_prompt(prompt, features, start, stop)
            out.forwards += 1
        return hidden

    def _encode(self, picture: Picture) -> Features:
        """Features of one picture, from the cache where it was seen before."""
        found = self._features.get(picture.key)
        if found is None:
            patches = torch.from_numpy(picture.patches()).to(self._device, self._dtype)  # (patches, 3 * 2 * 16 * 16)
            grid = torch.tensor([[1, *picture.grid]], device=self._device)
            with self._interruptible(self._visual.blocks):
                seen = self._visual(patches, grid_thw=grid, return_dict=True)
            found = Features(seen.pooler_output, tuple(seen.deepstack_features))
            self._features.put(picture.key, found)
        return found

    @contextmanager
    def _interruptible(self, blocks: Iterable[nn.Module]) -> Iterator[None]:
        """Check deadline and stop event before each block."""
        hooks = [block.register_forward_pre_hook(lambda *_: self._stop.check()) for block in blocks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _feed_prompt(self, prompt: Encoded, features: list[Features | None], start: int, stop: int) -> Tensor:
        """Tokens `start` to `stop` of a prompt; returns (1, H) of the last."""
        hidden = F.embedding(torch.from_numpy(prompt.ids[start:stop]).to(self._device), self._decoder.embed)  # (T, H)
        rows: list[Tensor] = []
        levels: list[list[Tensor]] = [[] for _ in self._visual.deepstack_visual_indexes]
        for number, low, high, at in injected_rows(prompt.spans, start, stop):
            feature = features[number]
            assert feature is not None, "INVARIANT (whole pictures): a picture is held whole or fed whole"
            hidden[at : at + high - low] = feature.tokens[low:high].to(hidden.dtype)
            rows.append(torch.arange(at, at + high - low, device=self._device))
            for level, source in zip(levels, feature.levels, strict=True):
                level.append(source[low:high].to(hidden.dtype))
        injected = (torch.cat(rows), tuple(torch.cat(level) for level in levels)) if rows else None
        positions = torch.from_numpy(prompt.positions[:, start:stop]).to(self._device)  # (3, T)
        hidden = self._decoder.forward(hidden, positions, self._cache, injected, self._stop.check)
        self._held = prompt.ids[:stop]
        self._held_pictures = [
            (at, count, picture.key)
            for (at, count), picture in zip(prompt.spans, prompt.pictures, strict=True)
            if at < stop
        ]
        return hidden

    def _feed_text(self, tokens: list[int], position: int) -> Tensor:
        """Tokens of a reply; returns (1, H) of the last."""
        ids = torch.tensor(tokens, device=self._device)
        hidden = F.embedding(ids, self._decoder.embed)  # (T, H)
        steps = torch.arange(position, position + len(tokens), device=self._device).expand(3, -1)  # (3, T)
        if self._steady is not None and len(tokens) == 1:
            self._stop.check()
            hidden = self._steady.step(hidden, steps, self._cache)
        else:
            hidden = self._decoder.forward(hidden, steps, self._cache, None, self._stop.check)
        self._held = np.append(self._held, tokens)
        return hidden

    def _choose(
        self, hidden: Tensor, allowed: npt.NDArray[np.int64] | None, sampling: Sampling | None
    ) -> tuple[int, float]:
        """One token after (1, H), and its probability among the allowed ones."""
        if allowed is not None and len(allowed) == 1:
            return int(allowed[0]), 1.0
        logits = self._logits(hidden, allowed)  # (V,) or (allowed,)
        if sampling is None or sampling.greedy:
            index = int(logits.argmax())
        else:
            index = _sample(logits.cpu(), sampling, self._random)
        chance = float((logits[index] - logits.logsumexp(0)).exp())
        if math.isnan(chance):
            raise ModelError("the network computes no numbers (nan), try dtype float32 or check the weights")
        return (index if allowed is None else int(allowed[index])), chance

    def _logits(self, hidden: Tensor, allowed: npt.NDArray[np.int64] | None) -> Tensor:
        if allowed is None:
            return self._decoder.logits(hidden)[0].float()
        rows = torch.from_numpy(allowed).to(self._head.weight.device)
        if len(allowed) > _FEW or type(self._head) is not nn.Linear:
            return self._decoder.logits(hidden)[0].float()[rows]
        return F.linear(self._decoder.normed(hidden).to(rows.device), self._head.weight[rows])[0].float()


def _with_tail(prompt: Encoded, tail: list[int]) -> Encoded:
    """A prompt that goes on with text."""
    if not tail:
        return prompt
    steps = np.arange(prompt.next_position, prompt.next_position + len(tail))
    return Encoded(
        ids=np.concatenate((prompt.ids, np.array(tail, dtype=np.int64))),
        pictures=prompt.pictures,
        spans=prompt.spans,
        positions=np.concatenate((prompt.positions, np.tile(steps, (3, 1))), axis=1),
        next_position=prompt.next_position + len(tail),
    )


def _sample(logits: Tensor, sampling: Sampling, random: torch.Generator) -> int:
    """Temperature, then top-k, then top-p, as transformers orders them."""
    logits = logits / sampling.temperature
    ranked, order = logits.sort(descending=True)
    if sampling.top_k:
        ranked = ranked[: sampling.top_k]
    chances = ranked.softmax(0)
    before = chances.cumsum(0) - chances
    chances = torch.where(before < sampling.top_p, chances, 0.0)
    return int(order[torch.multinomial(chances, 1, generator=random)])
