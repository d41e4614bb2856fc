"""Replies that cannot fail to be a move: an llguidance grammar over the checkpoint's own tokenizer.

The grammar speaks bytes; this file turns it into token choices the way the tokenizer itself would cut the text. Where
the next bytes are forced, only the tokenizer's own cut of them is allowed, plus any token that reaches beyond them (a
checkpoint may have one token for a whole call opening). Forced tokens need no choice and are fed in one forward.

What this does not ensure: that the move is a good one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from model.base import ModelError
from model.qwen3vl.engine import Steering

__all__ = ["CallSteering", "Grammar", "ThinkSteering", "TokenTable"]

END = "<|im_end|>"
_NO_FORCING = '%llguidance {"no_forcing": true}\n'
_CONTROL = "<|"
_LONGEST = 200
"""Bytes of the longest token that may be said; llguidance's tree of tokens is at most 255 deep."""


Marks = tuple[tuple[bytes, ...], ...]
_CALL_MARKS: Marks = ((b'"', b"\n"), (b"]", b"}"))
"""What ends a string or a line, then a list or an object: a mark that ends a list may also stand in a string."""


class TokenTable:
    """Every token id with the bytes it stands for. Control tokens (`<|...`, whole messages) are never said."""

    def __init__(self, tokenizer: Any, size: int) -> None:
        self.size = size
        self.end = int(tokenizer.convert_tokens_to_ids(END))
        self._backend = tokenizer.backend_tokenizer
        self.bytes, self.control = _token_bytes(tokenizer, size)
        # What TokenizerWrapper reads:
        self.eos_token_id, self.bos_token_id = self.end, None
        self.tokens = [b"" if i in self.control and i != self.end else text for i, text in enumerate(self.bytes)]
        self.special_token_ids = [self.end]

    def __call__(self, text: bytes | str) -> list[int]:
        """The tokenizer's own cut of a text."""
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def text(self, ids: Sequence[int]) -> str:
        """What a list of tokens says; control tokens say nothing."""
        return b"".join(b"" if i in self.control else self.bytes[i] for i in ids).decode("utf-8", "replace")

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(V,) bytes of each token, 0 for control tokens and holes."""
        return np.array([0 if i in self.control else len(b) for i, b in enumerate(self.bytes)], dtype=np.int64)

    @cached_property
    def sayable(self) -> npt.NDArray[np.int64]:
        """Ids that stand for text."""
        return np.flatnonzero(self.lengths)

    def closers(self, marks: Marks) -> tuple[npt.NDArray[np.bool_], ...]:
        """(V,) tokens that end things, the first kind first: the reply, then what begins with a mark of each kind."""
        kinds = [np.arange(self.size) == self.end]
        for kind in marks:
            kinds.append(np.array([b.startswith(kind) and i not in self.control for i, b in enumerate(self.bytes)]))
        return tuple(kinds)

    @cached_property
    def _sorted(self) -> list[bytes]:
        return sorted({self.bytes[i] for i in self.sayable})

    def reaches_beyond(self, text: bytes) -> bool:
        """Whether some token begins with `text` and goes on."""
        low = bisect_right(self._sorted, text)
        return low < len(self._sorted) and self._sorted[low].startswith(text)

    @cached_property
    def engine(self) -> LLTokenizer:
        return LLTokenizer(TokenizerWrapper(self))


def _token_bytes(tokenizer: Any, size: int) -> tuple[list[bytes], frozenset[int]]:
    """Bytes of every id, and which ids are control tokens."""
    byte_of = _byte_alphabet()
    table, control = [b""] * size, set()
    added = {int(i): str(token) for i, token in tokenizer.added_tokens_decoder.items()}
    for token, number in tokenizer.get_vocab().items():
        if number in added:
            table[number] = added[number].encode()
            if _CONTROL in added[number] or len(table[number]) > _LONGEST:
                control.add(number)
            continue
        try:
            table[number] = bytes(byte_of[char] for char in token)
        except KeyError as error:
            raise ModelError(f"the token `{token}` is no byte-level text, expected a tokenizer like Qwen's") from error
    return table, frozenset(control)


def _byte_alphabet() -> dict[str, int]:
    """The characters that byte-level vocabularies write for bytes: printable ones stand for themselves."""
    themselves = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in themselves]
    return {chr(byte): byte for byte in themselves} | {chr(256 + place): byte for place, byte in enumerate(others)}


class Grammar:
    """One compiled grammar; `steering` starts a reply. `marks` are what ends things in it, see `TokenTable.closers`."""

    def __init__(self, table: TokenTable, lark: str, marks: Marks = _CALL_MARKS) -> None:
        self.table = table
        self._marks = marks
        self._start = LLMatcher(table.engine, _NO_FORCING + lark)
        if self._start.is_error():
            raise ModelError(f"the grammar does not compile: {' '.join(self._start.get_error().split())[:300]}")
        self._cuts: dict[bytes, list[int]] = {}

    def steering(self, words: int) -> CallSteering:
        """A reply of at most `words` chosen tokens before strings and lines must be closed."""
        return CallSteering(self, self._start.deep_copy(), words)

    @cached_property
    def closers(self) -> tuple[npt.NDArray[np.bool_], ...]:
        return self.table.closers(self._marks)

    def cut(self, text: bytes) -> list[int]:
        """The tokenizer's own cut of a forced text, remembered."""
        found = self._cuts.get(text)
        if found is None:
            found = self.table(text)
            if b"".join(self.table.bytes[i] for i in found) != text:
                found = []  # forced bytes that are no whole characters yet
            if len(self._cuts) < 4096:
                self._cuts[text] = found
        return found


class CallSteering(Steering):
    """Keeps one reply inside the grammar."""

    def __init__(self, grammar: Grammar, matcher: LLMatcher, words: int) -> None:
        self._grammar, self._table, self._matcher = grammar, grammar.table, matcher
        self._left = words
        self._pending = b""
        self._next: int | None = None

    @property
    def done(self) -> bool:
        return bool(self._matcher.is_stopped())

    def forced(self) -> list[int]:
        """The tokenizer's cut of the forced bytes, up to where a longer token could stand instead."""
        self._pending, self._next = bytes(self._matcher.compute_ff_bytes()), None
        taken: list[int] = []
        for token in self._grammar.cut(self._pending):
            if self._table.reaches_beyond(self._pending) and self._longer().size:
                self._next = token
                break
            self._consume(token)
            taken.append(token)
            self._pending = self._pending[len(self._table.bytes[token]) :]
        return taken

    def _longer(self) -> npt.NDArray[np.int64]:
        """Allowed tokens that reach beyond the forced bytes."""
        allowed = self._mask()
        return allowed[self._table.lengths[allowed] > len(self._pending)]

    def _mask(self) -> npt.NDArray[np.int64]:
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        return np.flatnonzero(np.unpackbits(bits, bitorder="little", count=self._table.size))

    def allowed(self) -> npt.NDArray[np.int64]:
        allowed = self._mask()
        if self._next is not None:
            allowed = allowed[(self._table.lengths[allowed] > len(self._pending)) | (allowed == self._next)]
        if self._left <= 0:
            allowed = self._closing(allowed)
        if not allowed.size:
            raise ModelError(f"the grammar allows nothing more: {self._matcher.get_error() or 'no token fits'}")
        return allowed

    def _closing(self, allowed: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Of the allowed tokens those that end something, where there are any."""
        for kind in self._grammar.closers:
            if (closing := allowed[kind[allowed]]).size:
                return closing
        return allowed

    def take(self, token: int) -> None:
        self._left -= 1
        self._consume(token)

    def _consume(self, token: int) -> None:
        if not self._matcher.consume_token(token):
            raise ModelError(f"the grammar refused token {token}: {' '.join(self._matcher.get_error().split())[:200]}")


class ThinkSteering(Steering):
    """Free thought up to `</think>` or a budget, then another steering."""

    def __init__(self, table: TokenTable, then: Steering, budget: int, opened: bool) -> None:
        self._table, self._then, self._left = table, then, budget
        self._opened, self._closed = opened, False
        self._close = table("</think>")
        self._tail: list[int] = []

    @property
    def done(self) -> bool:
        return self._closed and self._then.done

    def forced(self) -> list[int]:
        if not self._opened:
            self._opened = True
            return self._table("<think>\n")
        if not self._closed and (self._left <= 0 or self._said_close()):
            return self._end()
        return self._then.forced() if self._closed else []

    def _said_close(self) -> bool:
        return b"</think>" in b"".join(self._table.bytes[i] for i in self._tail)

    def _end(self) -> list[int]:
        closing = self._table("\n\n") if self._said_close() else self._table("\n</think>\n\n")
        self._closed = True
        return [*closing, *self._then.forced()]

    def allowed(self) -> npt.NDArray[np.int64] | None:
        if self._closed:
            return self._then.allowed()
        return self._table.sayable

    def take(self, token: int) -> None:
        if self._closed:
            self._then.take(token)
            return
        self._left -= 1
        self._tail = [*self._tail[-15:], token]
