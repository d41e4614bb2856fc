"""How sure a reply was of what each of its calls points at or types, given the kind of action it chose."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from model.protocols.calls import without_thoughts

__all__ = ["confidences"]

_VALUE = re.compile(
    rb'"(?:coordinate2?|start|keys|bbox_2d)": \[([^\]]*(?:"\]"[^\]]*)*\])'
    rb'|"(?:text|status|button)": "((?:[^"\\]|\\.)*")',
    re.DOTALL,
)
"""What decides: points, keys, words and status, each with the mark that ends it."""
_CALL = re.compile(rb"<tool_call>\n")
"""A line break of its own stands in no JSON string, so this is no text that is typed."""


def confidences(pieces: Sequence[bytes], chances: Sequence[float]) -> tuple[float | None, ...]:
    """For each call of a reply, the product of the probabilities of the tokens that overlap its deciding values.

    Args:
        pieces: bytes of each token of the reply.
        chances: probability of each token among the allowed ones.

    Returns:
        0..1 for each call in order, None for one that has no such value (`wait`). Calls inside thoughts are none.
    """
    text = b"".join(pieces)
    visible = without_thoughts(text.decode("utf-8", "replace")).encode()
    begins = max(0, len(text) - len(visible))
    starts = [match.start() for match in _CALL.finditer(text, begins)]
    ends = [0]
    for piece in pieces:
        ends.append(ends[-1] + len(piece))
    tokens = [(low, high, chance) for (low, high), chance in zip(pairwise(ends), chances, strict=True)]
    return tuple(_sure(text, low, high, tokens) for low, high in pairwise([*starts, len(text)]))


def _sure(text: bytes, low: int, high: int, tokens: Sequence[tuple[int, int, float]]) -> float | None:
    spans = [match.span(match.lastindex or 0) for match in _VALUE.finditer(text, low, high)]
    if not spans:
        return None
    total = sum(
        math.log(max(chance, 1e-30))
        for at, end, chance in tokens
        if any(at < stop and end > start for start, stop in spans)
    )
    return math.exp(min(0.0, total))
