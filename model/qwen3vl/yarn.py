"""Prompts longer than a checkpoint was trained on: YaRN by the family's published factors.

The published setting for a million tokens is factor 3, not 4: in interleaved MRoPE a picture of h x w tokens takes only
max(h, w) positions, so that positions grow slower than tokens. Up to twice the trained length the factor is 2. The
frequencies themselves are transformers' own; nothing but the config changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.qwen3vl.checks import CheckpointError

__all__ = ["MOST", "stretched"]

MOST = 1_000_000 / 262_144
"""How many times the trained length can be asked for: a million tokens for 256K."""


def stretched(text: Mapping[str, Any], context: int, where: str) -> dict[str, Any] | None:
    """What changes in a `text_config` for prompts of up to `context` tokens; None where it was trained on as many.

    Raises:
        CheckpointError: more than the published factors reach.
    """
    rope = dict(text.get("rope_parameters") or text.get("rope_scaling") or {})
    longest = int(text.get("max_position_embeddings", 262_144))
    if context <= longest:
        return None
    trained = int(rope.get("original_max_position_embeddings") or longest)
    if context > round(trained * MOST):
        raise CheckpointError(
            f"{where}: a context of {context} tokens, the published factors reach {round(trained * MOST)}"
        )
    rope.setdefault("rope_theta", text.get("rope_theta", 5_000_000.0))
    rope.pop("type", None)
    factor = 2.0 if context <= 2 * trained else 3.0
    rope.update(rope_type="yarn", factor=factor, original_max_position_embeddings=trained)
    return {"rope_parameters": rope, "max_position_embeddings": context}
