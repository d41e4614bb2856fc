"""How sure a reply was of what it points at or types, given the kind of action it chose."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

__all__ = ["confidence"]

_VALUE = re.compile(
    rb'"(?:coordinate2?|start|keys|bbox_2d)": \[([^\]]*(?:"\]"[^\]]*)*\])'
    rb'|"(?:text|status|button)": "((?:[^"\\]|\\.)*")',
    re.DOTALL,
)
"""What decides: points, keys, words and status, each with the mark that ends it."""


def confidence(pieces: Sequence[bytes], chances: Sequence[float]) -> float | None:
    """Product of the probabilities of the tokens that overlap the deciding values of the last call.

    Args:
        pieces: bytes of each token of the reply.
        chances: probability of each token among the allowed ones.

    Returns:
        0..1, or None where the call has no such value (`wait`).
    """
    text = b"".join(pieces)
    start = text.rfind(b"<tool_call>")
    spans = [match.span(match.lastindex or 0) for match in _VALUE.finditer(text, max(start, 0))]
    if start < 0 or not spans:
        return None
    total, at = 0.0, 0
    for piece, chance in zip(pieces, chances, strict=True):
        end = at + len(piece)
        if any(at < stop and end > low for low, stop in spans):
            total += math.log(max(chance, 1e-30))
        at = end
    return math.exp(min(0.0, total))
