"""Interleaved-MRoPE positions for a prompt with many images.

Letters: T tokens. Every token has a temporal, a height and a width position. Text counts all three up together; an
image of h x w tokens keeps the temporal one still, counts rows and columns from the same start, and the text after it
goes on at start + max(h, w). Same numbers as `Qwen3VLModel.get_rope_index` of transformers 5.23 (tested), without its
state on the module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["mrope_positions"]


def mrope_positions(length: int, images: Sequence[tuple[int, int, int]]) -> tuple[npt.NDArray[np.int64], int]:
    """Positions of a whole prompt, and the position of the first token after it.

    Args:
        length: number of tokens T, image tokens included.
        images: (index of the first image token, height, width) of each image in order; height and width in tokens.

    Returns:
        positions: (3, T), int64, rows temporal, height, width.
        next_position: where text after the prompt goes on, in all three rows.
    """
    out = np.empty((3, length), dtype=np.int64)
    at, position = 0, 0
    for start, height, width in images:
        out[:, at:start] = np.arange(position, position + start - at)
        position += start - at
        at = start + height * width
        out[0, start:at] = position
        out[1, start:at] = position + np.repeat(np.arange(height), width)
        out[2, start:at] = position + np.tile(np.arange(width), height)
        position += max(height, width)
    out[:, at:] = np.arange(position, position + length - at)
    return out, position + length - at
